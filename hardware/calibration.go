package hardware

import (
	"fmt"
	"math"
)

// Math is the arithmetic of a matrix product: what the multipliers read. It
// is not a storage type: a float32 product runs in FP32 or TF32.
type Math uint8

// Kinds of arithmetic.
const (
	FP32 Math = iota // CUDA cores
	TF32             // tensor cores on float32 operands
	FP16
	BF16
	INT8
	numMath
)

var mathNames = [numMath]string{"float32", "tf32", "float16", "bfloat16", "int8"}

// String names the arithmetic.
func (m Math) String() string { return mathNames[m] }

// operandBytes is the size of an operand's element in memory.
var operandBytes = [numMath]float64{4, 4, 2, 2, 1}

// Kernel is an implementation of fused attention.
type Kernel uint8

// Implementations of fused attention.
const (
	// FlashKernel is FlashAttention 2, also inside
	// scaled_dot_product_attention on compute capability 8.0 and later.
	FlashKernel Kernel = iota
	// EfficientKernel is the memory-efficient kernel that
	// scaled_dot_product_attention falls back on: an attention mask, float32,
	// or a card before compute capability 8.0.
	EfficientKernel
)

// Code is the coding of a quantized weight.
type Code uint8

// Codings of bitsandbytes.
const (
	NF4  Code = iota // 4 bits, a scale every 64 elements (also fp4)
	LLM8             // 8 bits, a float32 scale every row
)

// Calibration turns operations into seconds on one card: achieved rates, not
// peaks. Build it once with [Calibrate]; its methods do not allocate and are
// meant for the innermost loop.
type Calibration struct {
	rate      [numMath]float64 // sustained FLOP/s of a large product
	sms       float64          // multiprocessors that share the tiles of a product
	stream    float64          // bytes/s that a product reaches when memory limits it
	bandwidth float64          // bytes/s that PyTorch's elementwise kernels reach
	dequant   float64          // bytes/s of a dequantization
	flash     [2]saturation    // forward, backward
	efficient [2]saturation
	headHalf  float64 // see headDimHalf
	fill      float64 // see generation.fill
	latency   float64

	context, workspace int64
	contextSource      string
}

// saturation is a rate that grows with the sequence: rate·s/(s+half).
type saturation struct{ rate, half float64 }

// CalibrationError says what must be known of a card and is not.
type CalibrationError struct {
	GPU     string
	Missing string
}

// Error names the card and what is missing.
func (e *CalibrationError) Error() string {
	return fmt.Sprintf("the speed of %s is not known: %s", e.GPU, e.Missing)
}

// Calibrate finds the achieved rates of a card: the curve of its generation
// scaled by the card's data sheet and, where somebody measured it, by the best
// rate that was seen on the card. The error is a [*CalibrationError].
func Calibrate(g GPU) (Calibration, error) {
	gen := generationOf(g)
	missing := ""
	switch {
	case gen == nil:
		missing = fmt.Sprintf("no measurements of %s %s were found", g.Vendor, g.Architecture)
	case g.BandwidthBytes <= 0:
		missing = "the preset has no memory bandwidth"
	case g.Rates.FP32 <= 0:
		missing = "the preset has no float32 rate"
	case g.SMs <= 0:
		missing = "the preset has no number of multiprocessors"
	}
	if missing != "" {
		return Calibration{}, &CalibrationError{GPU: g.Name, Missing: missing}
	}
	c := Calibration{
		sms: float64(g.SMs), fill: gen.fill, latency: gen.latency,
		stream: g.BandwidthBytes * gen.stream, bandwidth: g.BandwidthBytes * gen.copied, workspace: gen.workspace,
		headHalf: headDimHalf,
	}
	if g.Measured.BandwidthBytes > 0 {
		c.bandwidth = g.Measured.BandwidthBytes
	}
	c.bandwidth *= elementwise
	c.dequant = g.BandwidthBytes * gen.dequant

	tensor := max(g.Rates.FP16, g.Rates.BF16)
	share := gen.share(g, tensor)
	c.rate[FP32] = g.Rates.FP32 * gen.fp32
	c.rate[FP16] = orElse(g.Rates.FP16*share, c.rate[FP32])
	c.rate[BF16] = c.rate[FP32] * emulatedBF16
	if g.SupportsBF16 {
		c.rate[BF16] = orElse(g.Rates.BF16*share, c.rate[FP32])
	}
	c.rate[TF32] = orElse(g.Rates.TF32*share, c.rate[FP32])
	c.rate[INT8] = orElse(g.Rates.INT8*share*int8Share, c.rate[FP16])

	attention := orElse(tensor, g.Rates.FP32) * gen.sustained
	flash := gen.flash
	if halfTensor(g, tensor) {
		flash, c.headHalf = geforceFlash, geforceHeadDimHalf
	}
	for i, s := range flash {
		c.flash[i] = saturation{rate: s.rate * attention, half: s.half}
		c.efficient[i] = saturation{rate: s.rate * attention * efficientShare[i], half: efficientHalf}
	}
	c.context, c.contextSource = gen.contextMiB<<20, gen.contextSource
	return c, nil
}

func orElse(x, other float64) float64 {
	if x > 0 {
		return x
	}
	return other
}

// SustainedRate is the FLOP/s that a very large product reaches.
func (c *Calibration) SustainedRate(m Math) float64 { return c.rate[m] }

// MatmulSeconds is the time of batch products of rows×inner by inner×cols.
//
// cuBLAS cuts the result into tiles, one per multiprocessor at a time, and
// waits for the last: time goes in whole waves. Five tile sizes are tried, as
// cuBLAS's heuristic does; a result of less than a wave is also cut along the
// inner dimension. The product is never faster than its operands can be read.
func (c *Calibration) MatmulSeconds(m Math, rows, cols, inner, batch int64) float64 {
	if rows <= 0 || cols <= 0 || inner <= 0 || batch <= 0 {
		return 0
	}
	long, short, k, n := float64(max(rows, cols)), float64(min(rows, cols)), float64(inner), float64(batch)
	read := operandBytes[m] * n * (long*k + short*k + long*short) / c.stream
	if m == FP32 { // many small blocks share a multiprocessor: no waves to see
		blocks := math.Ceil(long/simtTile) * math.Ceil(short/simtTile) * n
		work := blocks * 2 * simtTile * simtTile * k
		busy := min(c.sms, blocks*max(1, k/splitK)) / c.sms
		return max(work/(c.rate[m]*busy), read) + c.latency
	}
	best := math.MaxFloat64
	for i := range tiles {
		t := &tiles[i]
		blocks := math.Ceil(long*t.perLong) * math.Ceil(short*t.perShort) * n
		depth, waves := k, 1.0
		if blocks > c.sms {
			waves = math.Ceil(blocks / c.sms)
		} else if k > splitK { // idle multiprocessors share the inner dimension
			depth = k / min(math.Floor(c.sms/blocks), k/splitK)
		}
		best = min(best, waves*t.flops*(depth+c.fill))
	}
	return max(best*c.sms/c.rate[m], read) + c.latency
}

// MemorySeconds is the time of a kernel that only moves so many bytes, read
// and written together.
func (c *Calibration) MemorySeconds(bytes float64) float64 {
	if bytes <= 0 {
		return 0
	}
	return elementwiseLatency + bytes/c.bandwidth
}

// AttentionSeconds is the time of one fused attention kernel that executes so
// many FLOPs (what a causal mask leaves out already taken off) on heads of
// headDim elements, rows queries a head and heads heads in all.
func (c *Calibration) AttentionSeconds(k Kernel, m Math, flops float64, headDim, rows, heads int64, backward bool) float64 {
	if flops <= 0 {
		return 0
	}
	i := 0
	if backward {
		i = 1
	}
	s := c.flash[i]
	if k == EfficientKernel {
		s = c.efficient[i]
	}
	if m == FP32 {
		s.rate = c.rate[FP32] * efficientShare[i]
	}
	d, r := float64(headDim), float64(rows)
	rate := s.rate * r / (r + s.half) * min(1, d*(128+c.headHalf)/(128*(d+c.headHalf)))
	rate *= min(1, r/attentionBlock*float64(heads)/c.sms) // few blocks leave multiprocessors idle
	return flops/rate + c.latency
}

// DequantSeconds is the time to write a quantized weight of so many elements
// in a 16-bit type.
func (c *Calibration) DequantSeconds(code Code, elements int64) float64 {
	if elements <= 0 {
		return 0
	}
	bytes := 0.5 + 4.0/64 + 2
	if code == LLM8 {
		bytes = 1 + 2
	}
	return float64(elements)*bytes/c.dequant + elementwiseLatency
}

// LaunchSeconds is the time that the CPU needs to issue so many kernels from
// eager PyTorch. The GPU waits when its own work is shorter.
func (c *Calibration) LaunchSeconds(kernels int64, backward bool) float64 {
	if backward {
		return float64(kernels) * launchBackward
	}
	return float64(kernels) * launchForward
}

// Context is the device memory that a process takes outside the caching
// allocator, in bytes, and where that was seen: the CUDA context and the
// kernels it loads. It is 0 where nobody published it.
func (c *Calibration) Context() (bytes int64, source string) { return c.context, c.contextSource }

// CublasWorkspaceBytes is the workspace that PyTorch allocates for each cuBLAS
// handle, inside the caching allocator. The forward thread and the autograd
// thread hold one each.
func (c *Calibration) CublasWorkspaceBytes() int64 { return c.workspace }

// DefaultContext is the context of a process where no card is named, in bytes.
func DefaultContext() (bytes int64, source string) {
	return ampereServer.contextMiB << 20, "no card given; that of an " + ampereServer.contextSource
}

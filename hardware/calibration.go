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
	numKernels
)

// Code is the coding of a quantized weight.
type Code uint8

// Codings of bitsandbytes.
const (
	NF4  Code = iota // 4 bits, a float32 scale every 64 elements (also fp4)
	LLM8             // 8 bits, a float32 scale every row
)

// Calibration turns operations into seconds on one card: achieved rates, not
// peaks. Build it once with [Calibrate]; its methods do not allocate and are
// meant for the innermost loop.
type Calibration struct {
	rate      [numMath]float64 // sustained FLOP/s of a large product; 0: not supported
	sms       float64          // multiprocessors that share the tiles of a product
	bandwidth float64          // bytes/s that an elementwise kernel reaches in device memory
	cached    float64          // the same from the L2 cache
	hot       float64          // bytes that are still in the cache from the kernel before
	stream    float64          // bytes/s that a product reaches when memory limits it
	attention [numKernels][2]float64
	dequant   float64 // bytes/s of a dequantization
	gen       *generation

	context       int64
	contextSource string
}

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
// scaled by the card's data sheet. The error is a [*CalibrationError].
func Calibrate(g GPU) (Calibration, error) {
	fail := func(format string, a ...any) (Calibration, error) {
		return Calibration{}, &CalibrationError{GPU: g.Name, Missing: fmt.Sprintf(format, a...)}
	}
	gen := generationOf(g)
	switch {
	case gen == nil:
		return fail("nobody's measurements of %s %s were found", g.Vendor, g.Architecture)
	case g.BandwidthBytes <= 0:
		return fail("the preset has no memory bandwidth")
	case g.Rates.FP32 <= 0 && g.Rates.FP16 <= 0 && g.Rates.BF16 <= 0:
		return fail("the preset has no arithmetic rate")
	case g.SMs <= 0:
		return fail("the preset has no number of multiprocessors")
	}
	c := Calibration{
		gen:       gen,
		sms:       float64(g.SMs),
		bandwidth: g.BandwidthBytes * gen.bandwidth,
		stream:    g.BandwidthBytes * gen.stream,
		dequant:   g.BandwidthBytes * gen.dequant,
		hot:       float64(g.L2Bytes) / 2,
	}
	c.cached = c.bandwidth * cacheSpeedup
	tensor := max(g.Rates.FP16, g.Rates.BF16)
	c.rate[FP32] = g.Rates.FP32 * fp32Fraction
	c.rate[FP16] = g.Rates.FP16 * gen.matmul
	if c.rate[FP16] == 0 {
		c.rate[FP16] = c.rate[FP32] // stored in float16, multiplied by the CUDA cores
	}
	if g.SupportsBF16 {
		c.rate[BF16] = g.Rates.BF16 * gen.matmul
	} else {
		c.rate[BF16] = c.rate[FP32] * emulatedBF16
	}
	if c.rate[TF32] = g.Rates.TF32 * gen.matmul; c.rate[TF32] == 0 {
		c.rate[TF32] = c.rate[FP32]
	}
	if c.rate[INT8] = g.Rates.INT8 * gen.matmul * int8Fraction; c.rate[INT8] == 0 {
		c.rate[INT8] = c.rate[FP16]
	}
	if tensor == 0 {
		tensor = g.Rates.FP32
	}
	for k, r := range gen.attention {
		c.attention[k] = [2]float64{tensor * r[0], tensor * r[1]}
	}
	c.context, c.contextSource = contextOf(g, gen)
	return c, nil
}

// Supports says whether the card has its own circuits for the arithmetic;
// without them the product runs on the CUDA cores.
func (c *Calibration) Supports(m Math) bool { return c.rate[m] > 0 }

// SustainedRate is the FLOP/s that a very large product reaches.
func (c *Calibration) SustainedRate(m Math) float64 { return c.rate[m] }

// MatmulSeconds is the time of batch products of M×K by K×N.
//
// cuBLAS cuts the result into tiles, one per multiprocessor at a time, and
// waits for the last: time goes in whole waves. Four tile sizes are tried, as
// cuBLAS's heuristic does; a result of less than a wave is also cut along K.
// The product is never faster than its operands can be read.
func (c *Calibration) MatmulSeconds(m Math, rows, cols, inner, batch int64) float64 {
	if rows <= 0 || cols <= 0 || inner <= 0 || batch <= 0 {
		return 0
	}
	fm, fn, fk, fb := float64(rows), float64(cols), float64(inner), float64(batch)
	perSM := c.sms / c.rate[m]
	best := math.MaxFloat64
	for i := range c.gen.tiles {
		t := &c.gen.tiles[i]
		blocks := math.Ceil(fm*t.perHeight) * math.Ceil(fn*t.perWidth) * fb
		k := fk
		waves := 1.0
		if blocks > c.sms {
			waves = math.Ceil(blocks / c.sms)
		} else if fk > splitK { // idle multiprocessors share the inner dimension
			k = fk / min(math.Floor(c.sms/blocks), fk/splitK)
		}
		if s := waves * t.flopsPerK * (k + c.gen.fill); s < best {
			best = s
		}
	}
	size := 2.0
	if m == FP32 || m == TF32 {
		size = 4
	}
	read := size * fb * (fm*fk + fn*fk + fm*fn) / c.stream
	return max(best*perSM, read) + c.gen.latency
}

// MemorySeconds is the time of a kernel that only moves so many bytes, read
// and written together.
func (c *Calibration) MemorySeconds(bytes float64) float64 {
	if bytes <= 0 {
		return 0
	}
	t := c.gen.latency + bytes/c.cached
	if bytes > c.hot {
		t = c.gen.latency + c.hot/c.cached + (bytes-c.hot)/c.bandwidth
	}
	return t
}

// AttentionSeconds is the time of one fused attention kernel that executes so
// many FLOPs (causal masking already taken off) on heads of headDim elements,
// rows queries per head and heads heads in all.
func (c *Calibration) AttentionSeconds(k Kernel, m Math, flops float64, headDim, rows, heads int64, backward bool) float64 {
	if flops <= 0 {
		return 0
	}
	b := 0
	if backward {
		b = 1
	}
	rate := c.attention[k][b]
	if m == FP32 {
		rate = c.rate[FP32] * fp32Attention
	}
	d := float64(headDim)
	rate *= d / (d + headDimHalf) * (128 + headDimHalf) / 128
	// Blocks of 128 queries; the diagonal blocks of a causal mask compute
	// pairs that are thrown away.
	s := float64(rows)
	rate *= s / (s + attentionBlock)
	blocks := math.Ceil(s/attentionBlock) * float64(heads)
	if blocks < c.sms {
		rate *= blocks / c.sms
	}
	return flops/rate + c.gen.latency
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
	return float64(elements)*bytes/c.dequant + c.gen.latency
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
// allocator, in bytes: the CUDA context and the kernels it loads.
func (c *Calibration) Context() (bytes int64, source string) { return c.context, c.contextSource }

// CublasWorkspaceBytes is the workspace that PyTorch allocates for each cuBLAS
// handle, inside the caching allocator. The forward thread and the autograd
// thread hold one each.
func (c *Calibration) CublasWorkspaceBytes() int64 { return c.gen.cublasWorkspace }

// DefaultContext is the context of a process on a card that nobody measured,
// in bytes.
func DefaultContext() (bytes int64, source string) {
	return defaultContextMiB << 20, defaultContextOf
}

const (
	defaultContextMiB = 481
	defaultContextOf  = "no card given; that of an A100 (stas00/ml-engineering)"
)

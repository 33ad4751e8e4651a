// Package throughput reads a step program as seconds: every operation gets a
// time from the card's achieved rates, and the CPU that launches the kernels
// gets a clock of its own.
package throughput

import (
	"github.com/vramcalc/vramcalc/estimator/program"
	"github.com/vramcalc/vramcalc/hardware"
)

// Plan says how the program runs.
type Plan struct {
	GradAccum int64
	Optimizer int  // index of the optimizer's block
	TF32      bool // float32 products run on tensor cores
	// SyncEachMicroBatch: the CPU waits for the GPU after every micro-batch
	// (the Trainer looks whether the loss is a number).
	SyncEachMicroBatch bool
}

// Part is what the GPU spends its time on.
type Part uint8

// Parts of a step.
const (
	MatrixProducts Part = iota
	AttentionKernels
	ElementwiseKernels
	Dequantization
	OptimizerStep
	LaunchGaps // the GPU waits for the CPU
	NumParts
)

var partNames = [NumParts]string{"matrix_products", "attention", "elementwise", "dequantization", "optimizer", "launch_gaps"}

// String is the name that reports use.
func (p Part) String() string { return partNames[p] }

// Reading is the time and the work of one optimizer step on one GPU.
type Reading struct {
	Seconds float64
	Parts   [NumParts]float64 // sum to Seconds
	FLOPs   float64           // executed: causal halves and recomputation as they are
	// Model and Hardware are the FLOPs of MFU and HFU: attention counts its
	// whole matrix as the PaLM paper does; Hardware includes recomputation.
	Model, Hardware float64
	Kernels         int64
}

// cost is the time and the work of one walk through a block.
type cost struct {
	gpu, cpu       float64
	parts          [NumParts]float64
	flops, counted float64
	kernels        int64
}

func (c *cost) add(o *cost, n float64) {
	c.gpu += n * o.gpu
	c.cpu += n * o.cpu
	for i := range c.parts {
		c.parts[i] += n * o.parts[i]
	}
	c.flops += n * o.flops
	c.counted += n * o.counted
	c.kernels += int64(n) * o.kernels
}

// Read times one optimizer step.
func Read(p program.Program, plan Plan, cal *hardware.Calibration) Reading {
	var r Reading
	clock := clocks{}
	micro := cost{}
	for i := range plan.Optimizer {
		b := &p.Blocks[i]
		c := walk(p, b.OpLo, b.FwdEnd, plan, cal)
		clock.run(&c, b.Count)
		micro.add(&c, float64(b.Count))
		r.Model += c.counted * float64(b.Count)
	}
	for i := plan.Optimizer - 1; i >= 0; i-- {
		b := &p.Blocks[i]
		c := walk(p, b.FwdEnd, b.OpHi, plan, cal)
		r.Model += c.counted * float64(b.Count)
		if b.Checkpointed {
			re := walk(p, b.OpLo, b.LastSave+1, plan, cal)
			c.add(&re, 1)
		}
		clock.run(&c, b.Count)
		micro.add(&c, float64(b.Count))
	}
	n := float64(plan.GradAccum)
	r.Model *= n
	r.addMicro(&micro, &clock, n)

	opt := &p.Blocks[plan.Optimizer]
	c := walk(p, opt.OpLo, opt.FwdEnd, plan, cal)
	t := max(c.gpu, c.cpu)
	r.Parts[OptimizerStep] += c.gpu
	r.Parts[LaunchGaps] += t - c.gpu
	r.Seconds += t
	r.Kernels += c.kernels
	return r
}

// addMicro adds n equal micro-batches.
func (r *Reading) addMicro(c *cost, clock *clocks, n float64) {
	t := clock.gpu
	r.Seconds = n * t
	for i := range r.Parts {
		r.Parts[i] += n * c.parts[i]
	}
	r.Parts[LaunchGaps] += n * (t - c.gpu)
	r.FLOPs = n * c.flops
	r.Hardware = n * c.counted
	r.Kernels = int64(n) * c.kernels
}

// clocks are the CPU's and the GPU's time in a micro-batch. The CPU runs
// ahead; the GPU starts a kernel when it is launched and its own queue is done.
type clocks struct{ cpu, gpu float64 }

// run plays n repeats: the GPU ends when its queue is done, or when the first
// or the last repeat was launched and what follows it has run.
func (c *clocks) run(k *cost, n int64) {
	f := float64(n)
	queue := c.gpu + f*k.gpu
	first := c.cpu + k.cpu + (f-1)*k.gpu
	c.cpu += f * k.cpu
	c.gpu = max(queue, first, c.cpu)
}

func walk(p program.Program, lo, hi int32, plan Plan, cal *hardware.Calibration) cost {
	var c cost
	for i := lo; i < hi; i++ {
		o := &p.Ops[i]
		if o.Kernels == 0 {
			continue
		}
		s, part := seconds(o, plan, cal)
		c.gpu += s
		c.parts[part] += s
		c.cpu += cal.LaunchSeconds(int64(o.Kernels), o.Backward)
		c.flops += o.FLOPs
		c.counted += o.Counted
		c.kernels += int64(o.Kernels)
	}
	return c
}

// Seconds is the time of one operation on the GPU; 0 where it launches no
// kernel.
func Seconds(o *program.Op, plan Plan, cal *hardware.Calibration) float64 {
	if o.Kernels == 0 {
		return 0
	}
	s, _ := seconds(o, plan, cal)
	return s
}

// seconds is the time of one operation on the GPU.
func seconds(o *program.Op, plan Plan, cal *hardware.Calibration) (float64, Part) {
	switch o.Class {
	case program.Matmul:
		return cal.MatmulSeconds(mathOf(o.DType, plan.TF32), o.M, o.N, o.K, o.Batch), MatrixProducts
	case program.Attention:
		kernel := hardware.FlashKernel
		if o.DType == program.Float32 || o.Masked {
			kernel = hardware.EfficientKernel
		}
		return cal.AttentionSeconds(kernel, mathOf(o.DType, plan.TF32), o.FLOPs, o.K, o.M, o.Batch, o.Backward), AttentionKernels
	case program.Dequantize:
		return cal.DequantSeconds(codeOf(o), o.N), Dequantization
	}
	return cal.MemorySeconds(o.Bytes), ElementwiseKernels
}

func codeOf(o *program.Op) hardware.Code {
	if o.EightBit {
		return hardware.LLM8
	}
	return hardware.NF4
}

func mathOf(dt program.DType, tf32 bool) hardware.Math {
	switch dt {
	case program.Float16:
		return hardware.FP16
	case program.BFloat16:
		return hardware.BF16
	case program.Int8:
		return hardware.INT8
	}
	if tf32 {
		return hardware.TF32
	}
	return hardware.FP32
}

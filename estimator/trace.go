package estimator

import (
	"github.com/vramcalc/vramcalc/estimator/memory"
	"github.com/vramcalc/vramcalc/estimator/program"
	"github.com/vramcalc/vramcalc/estimator/throughput"
	"github.com/vramcalc/vramcalc/hardware"
)

// Trace is the program of one optimizer step: every operation in the order in
// which it runs. Layers that are equal stand once.
type Trace struct {
	Report     Report      `json:"report"`
	Operations []Operation `json:"operations"`
}

// Operation is one operation of the program, as often as it runs in a step.
type Operation struct {
	Phase  string `json:"phase"` // "forward", "backward", "recompute", "optimizer"
	Block  string `json:"block"` // the stretch of the model that it belongs to, run as a whole
	Layer  int64  `json:"layer"` // the first of the layers it runs in, -1 outside layers
	Layers int64  `json:"layers"`
	Times  int64  `json:"times"` // runs in a step: layers × micro-batches
	Module string `json:"module"`
	Name   string `json:"name"`
	DType  string `json:"dtype"` // type it computes in

	Makes []Tensor `json:"makes"` // what it allocates, each time
	// FreedBytes is what nobody refers to any more once it has run: tensors of
	// this layer that neither Python nor autograd keeps.
	FreedBytes int64 `json:"freed_bytes"`

	Kernels    int64   `json:"kernels"`
	FLOPs      float64 `json:"flops"`
	MovedBytes float64 `json:"moved_bytes"` // read and written
	Seconds    float64 `json:"seconds"`     // on the GPU, each time; 0 without a GPU
}

// Tensor is an allocation.
type Tensor struct {
	Shape    string `json:"shape"` // in symbols, with its type
	Bytes    int64  `json:"bytes"` // as the allocator rounds them
	Category string `json:"category"`
	// Kept says that autograd keeps it for the backward pass.
	Kept bool `json:"kept"`
}

// TraceStep writes down what [Estimate] reads. Its sums are the report's:
// times × FLOPs over all but the optimizer's operations is flops_per_step, and
// times × seconds is step_seconds less the launch gaps.
func TraceStep(req Request) (Trace, error) {
	rep, err := Estimate(req)
	if err != nil {
		return Trace{}, err
	}
	out := Trace{Report: rep}
	err = stepOf(req, func(_ *engine, r *resolved, p program.Program, plan memory.Plan, cal *hardware.Calibration) {
		t := tracer{
			program: p, plan: plan, cal: cal, times: r.info.GradAccum, freed: freedBy(p),
			how: throughput.Plan{GradAccum: r.info.GradAccum, Optimizer: plan.Optimizer, TF32: r.info.Precision == "tf32"},
		}
		t.step()
		out.Operations = t.list
	})
	return out, err
}

// tracer lists the operations of a program.
type tracer struct {
	program program.Program
	plan    memory.Plan
	cal     *hardware.Calibration
	how     throughput.Plan
	times   int64 // micro-batches
	freed   []int64
	list    []Operation
}

func (t *tracer) step() {
	for i := range t.plan.Optimizer {
		b := &t.program.Blocks[i]
		t.pass(b, "forward", b.OpLo, b.FwdEnd, t.times)
	}
	for i := t.plan.Optimizer - 1; i >= 0; i-- {
		t.backward(&t.program.Blocks[i])
	}
	b := &t.program.Blocks[t.plan.Optimizer]
	t.pass(b, "optimizer", b.OpLo, b.FwdEnd, 1)
}

// backward runs a block's backward operations; a checkpoint plays its forward
// again where it is first needed.
func (t *tracer) backward(b *program.Block) {
	if !b.Checkpointed {
		t.pass(b, "backward", b.FwdEnd, b.OpHi, t.times)
		return
	}
	t.pass(b, "backward", b.FwdEnd, b.FirstUnpack, t.times)
	t.pass(b, "recompute", b.OpLo, b.LastSave+1, t.times)
	t.pass(b, "backward", max(b.FirstUnpack, b.FwdEnd), b.OpHi, t.times)
}

func (t *tracer) pass(b *program.Block, phase string, lo, hi int32, times int64) {
	for op := lo; op < hi; op++ {
		o := &t.program.Ops[op]
		out := Operation{
			Phase: phase, Block: b.Name, Layer: b.First, Layers: b.Count, Times: b.Count * times, Module: o.Module, Name: o.Name, DType: o.DType.String(),
			FreedBytes: t.freed[op], Kernels: int64(o.Kernels), FLOPs: o.FLOPs, MovedBytes: o.Bytes,
		}
		for i := o.StLo; i < o.StHi; i++ {
			s := &t.program.Storages[i]
			out.Makes = append(out.Makes, Tensor{Shape: s.Shape, Bytes: s.Bytes, Category: s.Cat.String(), Kept: s.Saved != program.Never})
		}
		if t.cal != nil {
			out.Seconds = throughput.Seconds(o, t.how, t.cal)
		}
		if len(out.Makes) > 0 || out.Kernels > 0 || out.FreedBytes > 0 {
			t.list = append(t.list, out)
		}
	}
}

// freedBy is by operation what ends its life there.
func freedBy(p program.Program) []int64 {
	freed := make([]int64, len(p.Ops))
	for i := range p.Storages {
		s := &p.Storages[i]
		if end := max(s.Drop, s.Saved); end >= 0 {
			freed[end] += s.Bytes
		}
	}
	return freed
}

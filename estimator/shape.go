package estimator

import (
	"github.com/vramcalc/vramcalc/estimator/memory"
	"github.com/vramcalc/vramcalc/estimator/program"
)

// Shape is what executing the step on tensors without data would show: no
// kernel runs, so what kernels allocate inside one operation is missing.
// It exists to hold the program against PyTorch's FakeTensorMode.
type Shape struct {
	Reading    memory.Reading
	Program    program.Program
	Plan       memory.Plan
	Parameters int64
	Trainable  int64
	FLOPs      float64 // of one step, by the counting rules of torch's FlopCounterMode
}

// ReadShape builds and replays a request without kernels.
func ReadShape(req Request) (Shape, error) {
	r, err := resolve(req)
	if err != nil {
		return Shape{}, err
	}
	e := new(engine)
	p, plan, err := e.build(r)
	if err != nil {
		return Shape{}, err
	}
	plan.KernelTemporaries, plan.Workspaces = false, nil
	s := Shape{Reading: e.replayer.Read(p, plan), Program: p, Plan: plan}
	s.Parameters, s.Trainable = p.Count()
	s.FLOPs = countFLOPs(p, plan.Optimizer) * float64(r.info.GradAccum)
	return s, nil
}

// Events walks every allocation of the same replay.
func (s Shape) Events(emit func(memory.Event)) {
	var r memory.Replayer
	r.Walk(s.Program, s.Plan, emit)
}

// countFLOPs is the work of one micro-batch, recomputation included.
func countFLOPs(p program.Program, model int) (sum float64) {
	for i := range model {
		b := &p.Blocks[i]
		for op := b.OpLo; op < b.OpHi; op++ {
			times := 1.0
			if b.Checkpointed && op <= b.LastSave {
				times = 2
			}
			sum += times * p.Ops[op].Counted * float64(b.Count)
		}
	}
	return sum
}

// Place words where the peak is.
func (s Shape) Place() string { return place(s.Program, s.Reading.At) }

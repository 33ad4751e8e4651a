package estimator

import (
	"github.com/vramcalc/vramcalc/estimator/memory"
	"github.com/vramcalc/vramcalc/estimator/program"
	"github.com/vramcalc/vramcalc/estimator/throughput"
	"github.com/vramcalc/vramcalc/hardware"
)

// Moment is the memory at a moment of the step.
type Moment struct {
	// Seconds is when, from the start of the step, on a GPU that never waits
	// for the CPU; 0 throughout where no GPU's speed is known.
	Seconds   float64    `json:"seconds"`
	Phase     string     `json:"phase"`
	Place     string     `json:"place"` // phase, layer and operation
	Bytes     int64      `json:"bytes"` // allocated
	Breakdown []Category `json:"breakdown"`
}

// Timeline is the memory over the step that holds the peak: at most so many
// moments, each the highest of its share of the replay, so that the peak is
// always among them. The levels are those of [Report]'s allocated memory.
// Where micro-batches are accumulated, the first two are shown; the others are
// like the second.
func Timeline(req Request, most int) (list []Moment, err error) {
	err = stepOf(req, func(e *engine, r *resolved, p program.Program, plan memory.Plan, cal *hardware.Calibration) {
		s := schedule{program: p}
		if cal != nil {
			s = scheduleOf(p, plan, throughput.Plan{Optimizer: plan.Optimizer, TF32: r.info.Precision == "tf32"}, cal)
		}
		step := e.replayer.Read(p, plan).At.Step
		list = e.moments(p, plan, &s, step, max(most, 1))
	})
	return list, err
}

// moments walks the step and keeps the highest level of each share of it.
func (e *engine) moments(p program.Program, plan memory.Plan, s *schedule, step, most int) []Moment {
	total := 0
	e.replayer.Walk(p, plan, func(ev memory.Event) {
		if ev.Step == step && ev.Phase != memory.Load {
			total++
		}
	})
	level := startOf(p, plan)
	var list []Moment
	seen, share := 0, -1
	e.replayer.Walk(p, plan, func(ev memory.Event) {
		if ev.Phase == memory.Load {
			return // counted at the start
		}
		level.add(p, ev)
		if ev.Step != step {
			return
		}
		at := seen * most / total
		seen++
		if at == share && level.sum <= list[len(list)-1].Bytes {
			return
		}
		m := Moment{Phase: ev.Phase.String(), Place: place(p, ev.Point), Bytes: level.sum, Breakdown: level.breakdown()}
		m.Seconds = s.when(ev.Point)
		if at == share {
			list[len(list)-1] = m
		} else {
			list, share = append(list, m), at
		}
	})
	return list
}

// standing is what is allocated, by category.
type standing struct {
	sum  int64
	cats memory.Breakdown
}

// startOf is what stands before the first step: parameters, buffers and the
// libraries' workspaces.
func startOf(p program.Program, plan memory.Plan) standing {
	var s standing
	put := func(bytes int64, cat program.Category) { s.sum += bytes; s.cats[cat] += bytes }
	for i := range p.Params {
		q := &p.Params[i]
		q.EachTensor(func(bytes int64, cat program.Category) { put(bytes*q.Count, cat) })
	}
	for _, w := range plan.Workspaces {
		put(program.Round(w), program.Workspace)
	}
	return s
}

func (s *standing) add(p program.Program, ev memory.Event) {
	cat := program.Inputs // what belongs to no storage once the steps run
	if ev.Storage != program.Never {
		cat = p.Storages[ev.Storage].Cat
	}
	s.sum += ev.Bytes
	s.cats[cat] += ev.Bytes
}

func (s *standing) breakdown() []Category {
	var list []Category
	for c, bytes := range s.cats {
		if bytes != 0 {
			list = append(list, Category{program.Category(c).String(), bytes})
		}
	}
	return list
}

// schedule says when each operation of a step begins.
type schedule struct {
	program  program.Program
	before   []float64 // by operation: GPU seconds before it in its pass through its block
	again    []float64 // by block: seconds of a checkpoint's second forward
	forward  []float64 // by block: when its first repeat begins in forward
	backward []float64 // by block: when its last repeat begins in backward
	runs     []float64 // by block: seconds of one forward
	returns  []float64 // by block: seconds of one backward, with the second forward
	micro    float64   // seconds of a micro-batch
	accum    int64
}

func scheduleOf(p program.Program, plan memory.Plan, how throughput.Plan, cal *hardware.Calibration) schedule {
	n := len(p.Blocks)
	s := schedule{
		program: p, before: make([]float64, len(p.Ops)), again: make([]float64, n), accum: plan.GradAccum,
		forward: make([]float64, n), backward: make([]float64, n), runs: make([]float64, n), returns: make([]float64, n),
	}
	for i := range p.Blocks {
		b := &p.Blocks[i]
		pass := func(lo, hi int32) (sum float64) {
			for op := lo; op < hi; op++ {
				s.before[op] = sum
				sum += throughput.Seconds(&p.Ops[op], how, cal)
			}
			return sum
		}
		s.runs[i], s.returns[i] = pass(b.OpLo, b.FwdEnd), pass(b.FwdEnd, b.OpHi)
		if b.Checkpointed {
			for op := b.OpLo; op <= b.LastSave; op++ {
				s.again[i] += throughput.Seconds(&p.Ops[op], how, cal)
			}
			s.returns[i] += s.again[i]
		}
	}
	for i := range plan.Optimizer {
		s.forward[i] = s.micro
		s.micro += s.runs[i] * float64(p.Blocks[i].Count)
	}
	for i := plan.Optimizer - 1; i >= 0; i-- {
		s.backward[i] = s.micro
		s.micro += s.returns[i] * float64(p.Blocks[i].Count)
	}
	return s
}

// when is the start of an operation, in seconds from the start of the step.
func (s *schedule) when(at memory.Point) float64 {
	if len(s.before) == 0 {
		return 0
	}
	start := float64(at.Micro) * s.micro
	switch at.Phase {
	case memory.Optimizer:
		start = float64(s.accum) * s.micro
	case memory.ZeroGrad:
		start = float64(s.accum)*s.micro + s.runs[len(s.runs)-1]
	}
	if at.Block < 0 {
		return start
	}
	into := 0.0 // the block
	if at.Op != program.Never {
		into = s.before[at.Op]
	}
	b := &s.program.Blocks[at.Block]
	switch at.Phase {
	case memory.Forward:
		start += s.forward[at.Block] + float64(at.Repeat)*s.runs[at.Block]
	case memory.Backward:
		start += s.backward[at.Block] + float64(b.Count-1-at.Repeat)*s.returns[at.Block]
		switch {
		case at.Recompute && b.FirstUnpack > b.FwdEnd:
			start += s.before[b.FirstUnpack]
		case !at.Recompute && b.Checkpointed && at.Op >= b.FirstUnpack:
			start += s.again[at.Block]
		}
	}
	return start + into
}

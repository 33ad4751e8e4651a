// Package memory reads a step program as bytes: it replays every allocation
// and every release of several training steps and finds the highest point.
//
// A block that repeats is walked once: the memory live at its start grows (or
// shrinks) by the same amount with each repeat, so the peak of a run falls in
// its first or its last repeat and the cost does not grow with depth.
package memory

import "github.com/vramcalc/vramcalc/estimator/program"

// Phase is a stretch of the step.
type Phase uint8

// Phases of a step.
const (
	Load Phase = iota
	Forward
	Backward
	Optimizer
	ZeroGrad
)

var phaseNames = [...]string{"load", "forward", "backward", "optimizer", "zero_grad"}

// String is the name that reports use.
func (p Phase) String() string { return phaseNames[p] }

// Plan says how often the parts of a program run.
type Plan struct {
	Steps     int   // optimizer steps to replay; the first allocates the optimizer's state
	GradAccum int64 // micro-batches per step, all fetched before the step
	// OneBatch: micro-batches are fetched one by one.
	OneBatch bool
	// Lingers: the loss stays in a variable of the training loop until the next
	// one takes its place, and with it the graph and what its nodes hold.
	Lingers   bool
	Optimizer int // index of the optimizer's block; the blocks before it are the model
	// KernelTemporaries counts what kernels allocate inside one operation.
	KernelTemporaries bool
	// Workspaces are what the libraries allocate on first use and keep, in
	// bytes each.
	Workspaces []int64
}

// micros is the number of micro-batches to replay: from the second one on all
// are the same.
func (p Plan) micros() int { return int(min(p.GradAccum, 2)) }

// batches is the number of micro-batches whose inputs are there together.
func (p Plan) batches() int64 {
	if p.OneBatch {
		return 1
	}
	return p.GradAccum
}

// Point is a moment of the replay.
type Point struct {
	Step, Micro int
	Phase       Phase
	Block       int   // index, -1 outside any block
	Repeat      int64 // which repeat of the block, from 0
	Op          int32 // operation, program.Never between operations
	Recompute   bool  // inside a checkpoint's second forward
}

// Reading is the result of a replay, in bytes as the allocator counts them.
type Reading struct {
	Static int64 // parameters, buffers and workspaces, before the first step
	Peak   int64
	At     Point
	// Marks are the highest and the last level of each phase of the last step.
	Marks [8]Mark
	marks int
}

// Phases are the marks in order.
func (r *Reading) Phases() []Mark { return r.Marks[:r.marks] }

// Mark is the memory of one phase.
type Mark struct {
	Phase     Phase
	Peak, End int64
	At        Point
}

// Replayer holds the working memory of replays; the zero value is ready.
type Replayer struct {
	dropHead, savedHead []int32 // by op: first storage that is freed there
	dropNext, savedNext []int32 // by storage
	walks               []blockWalks
	scratch             level
	temps               bool // count what kernels allocate inside an operation
	steady              bool // the optimizer's state exists, and what the micro-batch before left
	lingers             bool
	byCategory          bool
	walker              walker
}

// Read replays a program.
func (r *Replayer) Read(p program.Program, plan Plan) Reading {
	r.prepare(p, plan, false)
	t := tape{at: Point{Phase: Load, Block: -1, Op: program.Never}}
	r.play(p, plan, &t)
	return t.rd
}

// Explain splits the memory at a point of a replay by category.
func (r *Replayer) Explain(p program.Program, plan Plan, at Point) Breakdown {
	r.prepare(p, plan, true)
	t := tape{target: &at}
	r.play(p, plan, &t)
	r.byCategory = false
	return t.cats
}

func (r *Replayer) prepare(p program.Program, plan Plan, byCategory bool) {
	r.index(p)
	r.temps, r.byCategory, r.lingers = plan.KernelTemporaries, byCategory, plan.Lingers
	r.walks = r.walks[:0]
	for i := range p.Blocks {
		r.walks = append(r.walks, r.walkBlock(p, &p.Blocks[i]))
	}
}

// play runs the segments of all steps over a tape.
func (r *Replayer) play(p program.Program, plan Plan, t *tape) {
	for i := range p.Params {
		q := &p.Params[i]
		q.EachTensor(func(bytes int64, cat program.Category) { t.change(bytes*q.Count, cat) })
	}
	for _, w := range plan.Workspaces {
		t.change(program.Round(w), program.Workspace)
	}
	t.rd.Static, t.rd.Peak, t.rd.At = t.live, t.live, Point{Phase: Load, Block: -1, Op: program.Never}
	inputs := inputBytes(p) * plan.batches()
	for step := 0; step < plan.Steps && !t.done; step++ {
		t.last = step == plan.Steps-1
		t.mark(Forward)
		t.change(inputs, program.Inputs)
		var gradients int64
		for micro := range plan.micros() {
			gradients += r.microStep(p, plan, t, step, micro)
		}
		t.mark(Optimizer)
		opt := &r.walks[plan.Optimizer].forward
		if step > 0 {
			opt = &r.walks[plan.Optimizer].steady
		}
		r.run(p, t, opt, false, Point{Step: step, Phase: Optimizer, Block: plan.Optimizer})
		t.mark(ZeroGrad)
		t.change(-gradients, program.Gradients)
		t.change(-inputs, program.Inputs)
		t.end()
	}
}

// inputBytes is the memory of one micro-batch.
func inputBytes(p program.Program) (sum int64) {
	b := &p.Blocks[0]
	for i := b.StLo; i < b.StHi; i++ {
		if s := &p.Storages[i]; s.Kind == program.StepInput {
			sum += s.Bytes
		}
	}
	return sum
}

// microStep plays one forward and one backward and returns the bytes of the
// gradients that it allocated.
func (r *Replayer) microStep(p program.Program, plan Plan, t *tape, step, micro int) (gradients int64) {
	if micro > 0 {
		t.mark(Forward)
	}
	later := plan.Lingers && step+micro > 0
	for i := range plan.Optimizer {
		w := &r.walks[i].forward
		if later && p.Blocks[i].Assigns {
			w = &r.walks[i].steady
		}
		r.run(p, t, w, false, Point{Step: step, Micro: micro, Phase: Forward, Block: i})
	}
	if later {
		r.graphDies(p, plan, t)
	}
	for i := range plan.Optimizer {
		w := &r.walks[i].forward
		t.changeAll(-w.late*p.Blocks[i].Count, w.lateCats, -p.Blocks[i].Count)
	}
	t.mark(Backward)
	last := &p.Blocks[plan.Optimizer-1]
	if last.GradIn != program.Never { // ones_like(loss)
		t.changeStorage(&p.Storages[last.GradIn], 1)
	}
	for i := plan.Optimizer - 1; i >= 0; i-- {
		w := &r.walks[i].backwardFirst
		if micro > 0 {
			w = &r.walks[i].backwardAgain
		} else {
			gradients += r.walks[i].gradients * p.Blocks[i].Count
		}
		r.run(p, t, w, true, Point{Step: step, Micro: micro, Phase: Backward, Block: i})
		if i == plan.Optimizer-1 {
			t.changeStorage(&p.Storages[last.Out], -1) // the loss
		}
	}
	if !plan.Lingers {
		r.graphDies(p, plan, t)
		for i := range plan.Optimizer {
			t.change(-r.walks[i].assigned, program.LogitsAndLoss)
		}
	}
	return gradients
}

// graphDies frees what graph nodes hold, when the loss goes.
func (r *Replayer) graphDies(p program.Program, plan Plan, t *tape) {
	for i := range plan.Optimizer {
		t.change(-r.walks[i].held*p.Blocks[i].Count, program.Activations)
	}
}

// run plays all repeats of a block: forward from the first, backward from the
// last.
func (r *Replayer) run(p program.Program, t *tape, s *segment, reverse bool, at Point) {
	b := &p.Blocks[at.Block]
	if t.target == nil {
		t.segment(s, b.Count, reverse, at)
		return
	}
	if t.done {
		return
	}
	g := t.target
	if g.Block != at.Block || g.Phase != at.Phase || g.Step != at.Step || g.Micro != at.Micro {
		t.cats.add(s.cats, b.Count)
		return
	}
	before := g.Repeat
	if reverse {
		before = b.Count - 1 - g.Repeat
	}
	t.cats.add(s.cats, before)
	t.cats.add(r.partial(p, b, *g), 1)
	t.done = true
}

// partial is the change by category from the start of a repeat to a point in it.
func (r *Replayer) partial(p program.Program, b *program.Block, at Point) *Breakdown {
	l := r.level()
	l.until = at.Op
	switch {
	case at.Phase == Optimizer:
		r.steady = at.Step > 0
		r.forward(p, b, keep, l)
		r.steady = false
	case at.Phase == Forward && b.Checkpointed:
		r.forward(p, b, discard, l)
	case at.Phase == Forward:
		r.steady = r.lingers && at.Step+at.Micro > 0
		r.forward(p, b, keep, l)
		r.steady = false
	case at.Recompute: // what backward did before, then a part of the second forward
		before := r.level()
		before.until, before.freed = b.FirstUnpack-1, true
		if b.FirstUnpack > b.FwdEnd {
			r.backward(p, b, at.Micro > 0, nil, before)
		} else {
			r.shared(p, b, before)
		}
		cats := before.cats
		l = r.level()
		l.until = at.Op
		r.forward(p, b, recompute, l)
		l.cats.add(cats, 1)
	default:
		var re *segment
		if b.Checkpointed {
			s := r.forward(p, b, recompute, r.level())
			re = &s
		}
		l = r.level()
		l.until = at.Op
		r.backward(p, b, at.Micro > 0, re, l)
	}
	return l.cats
}

// tape is the level of memory over the whole replay.
type tape struct {
	rd   Reading
	live int64
	at   Point
	last bool // the step whose phases are reported

	target *Point // split by category and stop here
	cats   Breakdown
	done   bool
}

func (t *tape) change(bytes int64, cat program.Category) {
	if t.done {
		return
	}
	t.live += bytes
	t.cats[cat] += bytes
}

func (t *tape) changeStorage(s *program.Storage, times int64) { t.change(times*s.Bytes, s.Cat) }

func (t *tape) changeAll(bytes int64, cats *Breakdown, times int64) {
	if t.done {
		return
	}
	t.live += bytes
	if cats != nil {
		t.cats.add(cats, times)
	}
}

// segment plays count repeats of a walk; reverse runs the repeats from the last.
func (t *tape) segment(s *segment, count int64, reverse bool, at Point) {
	at.Op, at.Recompute = s.op, s.recompute
	first, last := t.live+s.peak, t.live+(count-1)*s.delta+s.peak
	top, n := first, int64(0)
	if last > first {
		top, n = last, count-1
	}
	if reverse {
		n = count - 1 - n
	}
	at.Repeat = n
	t.high(top, at)
	t.live += count * s.delta
}

func (t *tape) high(level int64, at Point) {
	if level > t.rd.Peak {
		t.rd.Peak, t.rd.At = level, at
	}
	if n := t.rd.marks; t.last && n > 0 && level > t.rd.Marks[n-1].Peak {
		t.rd.Marks[n-1].Peak, t.rd.Marks[n-1].At = level, at
	}
}

func (t *tape) mark(ph Phase) {
	t.end()
	if t.last {
		t.rd.Marks[t.rd.marks] = Mark{Phase: ph, Peak: t.live, At: Point{Phase: ph, Block: -1, Op: program.Never}}
		t.rd.marks++
	}
}

func (t *tape) end() {
	if n := t.rd.marks; n > 0 {
		t.rd.Marks[n-1].End = t.live
	}
}

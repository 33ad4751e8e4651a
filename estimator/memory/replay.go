// Package memory reads a step program as bytes: it replays every allocation
// and every release of several training steps and finds the highest point.
//
// A block that repeats is walked once: the memory live at its start grows (or
// shrinks) by the same amount with each repeat, so the peak of a run falls in
// its first or its last repeat and the cost does not grow with depth.
package memory

import (
	"github.com/vramcalc/vramcalc/estimator/program"
)

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
	Steps             int  // optimizer steps to replay; the first allocates the optimizer's state
	GradAccum         int  // micro-batches per step
	Optimizer         int  // index of the optimizer's block; the blocks before it are the model
	KernelTemporaries bool // count what kernels allocate inside one operation
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
	Static int64 // parameters and buffers, before the first step
	Peak   int64
	At     Point
	// Marks are the highest and the last level of each phase of the last step.
	Marks []Mark
}

// Mark is the memory of one phase.
type Mark struct {
	Phase     Phase
	Peak, End int64
	At        Point
}

// segment is one walk through a block: how the level changes and how high it
// gets above the start.
type segment struct {
	delta, peak int64
	late        int64 // autocast's weight copies that live until forward ends
	op          int32
	recompute   bool
}

// blockWalks are the walks that a block can need.
type blockWalks struct {
	forward       segment
	steady        segment // forward once the optimizer's state exists
	backwardFirst segment // gradients are allocated
	backwardAgain segment // gradients exist: accumulation
	gradients     int64   // bytes of parameter gradients per repeat
	inputs        int64   // bytes of the batch
	held          int64   // bytes that graph nodes hold until the graph dies
}

// Replayer holds the working memory of replays; the zero value is ready.
type Replayer struct {
	dropHead, savedHead []int32 // by op: first storage that is freed there
	dropNext, savedNext []int32 // by storage
	walks               []blockWalks
	temps               bool // count what kernels allocate inside an operation
	steady              bool // the optimizer's state exists
}

// Read replays a program.
func (r *Replayer) Read(p program.Program, plan Plan) Reading {
	r.index(p)
	r.temps = plan.KernelTemporaries
	r.walks = r.walks[:0]
	for i := range p.Blocks {
		r.walks = append(r.walks, r.walkBlock(p, &p.Blocks[i]))
	}
	return r.run(p, plan)
}

// index links the storages to the operations that end their lives.
func (r *Replayer) index(p program.Program) {
	r.dropHead = fill(r.dropHead, len(p.Ops))
	r.savedHead = fill(r.savedHead, len(p.Ops))
	r.dropNext = fill(r.dropNext, len(p.Storages))
	r.savedNext = fill(r.savedNext, len(p.Storages))
	for i := range p.Storages {
		s := &p.Storages[i]
		if d := s.Drop; d >= 0 {
			r.dropNext[i], r.dropHead[d] = r.dropHead[d], int32(i)
		}
		if d := s.Saved; d >= 0 {
			r.savedNext[i], r.savedHead[d] = r.savedHead[d], int32(i)
		}
	}
}

func fill(s []int32, n int) []int32 {
	if cap(s) < n {
		s = make([]int32, n, n+n/4)
	}
	s = s[:n]
	for i := range s {
		s[i] = program.Never
	}
	return s
}

// level follows the memory of one walk.
type level struct {
	live, peak int64
	op         int32
}

func (l *level) add(bytes int64, op int32) {
	l.live += bytes
	if l.live > l.peak {
		l.peak, l.op = l.live, op
	}
}

func (r *Replayer) walkBlock(p program.Program, b *program.Block) blockWalks {
	var w blockWalks
	if b.Checkpointed {
		w.forward = r.forward(p, b, discard)
		re := r.forward(p, b, recompute)
		w.backwardFirst = join(re, r.backward(p, b, false))
		w.backwardAgain = join(re, r.backward(p, b, true))
	} else {
		w.forward = r.forward(p, b, keep)
		w.backwardFirst = r.backward(p, b, false)
		w.backwardAgain = r.backward(p, b, true)
	}
	for i := b.StLo; i < b.StHi; i++ {
		s := &p.Storages[i]
		if s.Kind == program.StepInput {
			w.inputs += s.Bytes
		}
		if s.Held {
			w.held += s.Bytes
		}
	}
	r.steady = true
	w.steady = r.forward(p, b, keep)
	r.steady = false
	w.gradients = w.backwardFirst.delta - w.backwardAgain.delta
	return w
}

// inputs is the memory of one batch.
func (r *Replayer) inputs() (sum int64) {
	for i := range r.walks {
		sum += r.walks[i].inputs
	}
	return sum
}

// join runs a walk after another.
func join(a, b segment) segment {
	s := segment{delta: a.delta + b.delta, peak: a.peak, op: a.op, recompute: true}
	if a.delta+b.peak > a.peak {
		s.peak, s.op, s.recompute = a.delta+b.peak, b.op, false
	}
	return s
}

type mode uint8

const (
	keep      mode = iota // autograd keeps what backward needs
	discard               // a checkpoint: nothing but the input is kept
	recompute             // a checkpoint's second forward, up to the last tensor that is needed
)

func (r *Replayer) forward(p program.Program, b *program.Block, m mode) segment {
	var l level
	var late int64
	end := b.FwdEnd
	if m == recompute {
		end = b.LastSave + 1
	}
	for op := b.OpLo; op < end; op++ {
		o := &p.Ops[op]
		for i := o.StLo; i < o.StHi; i++ {
			if s := &p.Storages[i]; r.counts(s) {
				l.add(s.Bytes, op)
			}
		}
		for i := r.dropHead[op]; i != program.Never; i = r.dropNext[i] {
			l.live -= r.droppedInForward(&p.Storages[i], m)
		}
	}
	for i := b.StLo; i < b.StHi; i++ {
		s := &p.Storages[i]
		if s.Born >= end || s.Born == program.Outside && (s.Kind != program.ForwardEnd || i >= b.GradIn && b.GradIn != program.Never) {
			continue
		}
		switch {
		case s.Kind == program.ForwardEnd && (s.Saved == program.Never || m == discard):
			if m == recompute {
				l.live -= s.Bytes
			} else {
				late += s.Bytes
			}
		case m == recompute && s.Saved == program.Never && (s.Drop == program.Never || s.Drop >= end || s.Held):
			l.live -= s.Bytes // the early stop unwinds every Python frame
		}
	}
	return segment{delta: l.live, peak: l.peak, late: late, op: l.op, recompute: m == recompute}
}

// counts says whether a storage is allocated in the walk under way.
func (r *Replayer) counts(s *program.Storage) bool {
	switch s.Kind {
	case program.KernelInternal:
		return r.temps
	case program.State:
		return !r.steady
	}
	return true
}

// droppedInForward is what is freed when the last Python reference goes.
func (r *Replayer) droppedInForward(s *program.Storage, m mode) int64 {
	switch s.Kind {
	case program.KernelInternal:
		if !r.temps {
			return 0
		}
		return s.Bytes
	case program.BoundaryIn:
		if m != keep || s.Saved != program.Never || s.Held {
			return 0 // a checkpoint holds its input; autograd holds what it saved
		}
		return s.Bytes
	case program.Plain:
		if m != discard && s.Saved != program.Never || s.Held {
			return 0
		}
		return s.Bytes
	}
	return 0
}

func (r *Replayer) backward(p program.Program, b *program.Block, accumulate bool) segment {
	var l level
	for i := b.StLo; i < b.StHi; i++ {
		if s := &p.Storages[i]; s.Kind == program.Shared {
			l.live -= s.Bytes
		}
	}
	for op := b.FwdEnd; op < b.OpHi; op++ {
		o := &p.Ops[op]
		for i := o.StLo; i < o.StHi; i++ {
			if s := &p.Storages[i]; r.counts(s) {
				l.add(s.Bytes, op)
			}
		}
		for i := r.dropHead[op]; i != program.Never; i = r.dropNext[i] {
			switch s := &p.Storages[i]; s.Kind {
			case program.ParamGrad:
				if accumulate {
					l.live -= s.Bytes
				}
			case program.TiedGrad: // released together with the sum
			case program.TiedSum:
				l.live -= s.Bytes
				if accumulate {
					l.live -= s.Bytes
				}
			case program.KernelInternal:
				if r.temps {
					l.live -= s.Bytes
				}
			default:
				l.live -= s.Bytes
			}
		}
		for i := r.savedHead[op]; i != program.Never; i = r.savedNext[i] {
			s := &p.Storages[i]
			if keptLonger(s, b) {
				continue
			}
			l.live -= s.Bytes
		}
	}
	if b.Checkpointed && b.In != program.Never && !p.Storages[b.In].Held {
		l.live -= p.Storages[b.In].Bytes
	}
	return segment{delta: l.live, peak: l.peak, op: l.op}
}

// keptLonger says that somebody else still holds what autograd lets go of.
func keptLonger(s *program.Storage, b *program.Block) bool {
	switch s.Kind {
	case program.Shared, program.StepInput:
		return true
	case program.BoundaryIn:
		return b.Checkpointed || s.Held
	}
	return s.Held && !b.Checkpointed // a checkpoint's second forward made its own
}

// run plays the segments of all steps.
func (r *Replayer) run(p program.Program, plan Plan) Reading {
	var rd Reading
	for i := range p.Params {
		rd.Static += p.Params[i].Bytes() * p.Params[i].Count
	}
	t := tape{rd: &rd, live: rd.Static}
	rd.Peak, rd.At = t.live, Point{Phase: Load, Block: -1, Op: program.Never}
	for step := range plan.Steps {
		t.last = step == plan.Steps-1
		var gradients int64
		for micro := range plan.GradAccum {
			if micro > 0 {
				t.live -= r.inputs() // the batch before
			}
			gradients += r.microStep(p, plan, &t, step, micro)
		}
		t.mark(Optimizer)
		opt := &r.walks[plan.Optimizer].forward
		if step > 0 {
			opt = &r.walks[plan.Optimizer].steady
		}
		t.segment(opt, 1, false, Point{Step: step, Phase: Optimizer, Block: plan.Optimizer})
		t.mark(ZeroGrad)
		t.live -= gradients + r.inputs()
		t.end()
	}
	return rd
}

// microStep plays one forward and one backward and returns the bytes of the
// gradients that it allocated.
func (r *Replayer) microStep(p program.Program, plan Plan, t *tape, step, micro int) (gradients int64) {
	t.mark(Forward)
	var late int64
	for i := 0; i < plan.Optimizer; i++ {
		w := &r.walks[i].forward
		t.segment(w, p.Blocks[i].Count, false, Point{Step: step, Micro: micro, Phase: Forward, Block: i})
		late += w.late * p.Blocks[i].Count
	}
	t.live -= late
	t.mark(Backward)
	if last := &p.Blocks[plan.Optimizer-1]; last.GradIn != program.Never {
		t.live += p.Storages[last.GradIn].Bytes // ones_like(loss)
	}
	for i := plan.Optimizer - 1; i >= 0; i-- {
		w := &r.walks[i].backwardFirst
		if micro > 0 {
			w = &r.walks[i].backwardAgain
		} else {
			gradients += r.walks[i].gradients * p.Blocks[i].Count
		}
		t.segment(w, p.Blocks[i].Count, true, Point{Step: step, Micro: micro, Phase: Backward, Block: i})
		if i == plan.Optimizer-1 {
			t.live -= p.Storages[p.Blocks[i].Out].Bytes // the loss
		}
	}
	for i := range plan.Optimizer {
		t.live -= r.walks[i].held * p.Blocks[i].Count // the graph dies with the loss
	}
	return gradients
}

// tape is the level of memory over the whole replay.
type tape struct {
	rd   *Reading
	live int64
	last bool // the step whose phases are reported
}

// segment plays count repeats of a walk; reverse runs the repeats from the last.
func (t *tape) segment(s *segment, count int64, reverse bool, at Point) {
	if count == 0 {
		return
	}
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
	if n := len(t.rd.Marks); t.last && n > 0 && level > t.rd.Marks[n-1].Peak {
		t.rd.Marks[n-1].Peak, t.rd.Marks[n-1].At = level, at
	}
}

func (t *tape) mark(ph Phase) {
	t.end()
	if t.last {
		t.rd.Marks = append(t.rd.Marks, Mark{Phase: ph, Peak: t.live, At: Point{Phase: ph, Block: -1, Op: program.Never}})
	}
}

func (t *tape) end() {
	if n := len(t.rd.Marks); n > 0 {
		t.rd.Marks[n-1].End = t.live
	}
}

package memory

import "github.com/vramcalc/vramcalc/estimator/program"

// segment is one walk through a block: how the level of memory changes and
// how high it gets above the start.
type segment struct {
	delta, peak int64
	late        int64      // of delta: what the model's forward frees when it returns
	op          int32      // where the peak is
	recompute   bool       // the peak is in a checkpoint's second forward
	cats        *Breakdown // the change by category, when asked for
	lateCats    *Breakdown
}

// Breakdown is an amount of memory by category.
type Breakdown [program.NumCategories]int64

func (b *Breakdown) add(o *Breakdown, times int64) {
	for i := range b {
		b[i] += times * o[i]
	}
}

// mode is how a block's forward operations run.
type mode uint8

const (
	keep      mode = iota // autograd keeps what backward needs
	discard               // a checkpoint: nothing but the input is kept
	recompute             // a checkpoint's second forward, up to the last tensor that is needed
)

// blockWalks are the walks that a block can need.
type blockWalks struct {
	forward       segment
	steady        segment // forward once the optimizer's state exists, and what an earlier micro-batch left
	backwardFirst segment // gradients are allocated
	backwardAgain segment // gradients exist: accumulation
	gradients     int64   // bytes of parameter gradients per repeat
	held          int64   // bytes that graph nodes hold until the graph dies
	assigned      int64   // bytes that a variable of the training loop holds
}

// level follows the memory of one walk.
type level struct {
	live, peak int64
	op         int32
	recompute  bool // the peak is in a checkpoint's second forward
	cats       *Breakdown
	until      int32 // stop at this operation; program.Never: run to the end
	freed      bool  // stop after what the operation frees, not before
}

func (l *level) add(s *program.Storage, op int32) {
	l.live += s.Bytes
	if l.cats != nil {
		l.cats[s.Cat] += s.Bytes
	}
	if l.live > l.peak {
		l.peak, l.op, l.recompute = l.live, op, false
	}
}

func (l *level) sub(s *program.Storage) {
	l.live -= s.Bytes
	if l.cats != nil {
		l.cats[s.Cat] -= s.Bytes
	}
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

func (r *Replayer) walkBlock(p program.Program, b *program.Block) blockWalks {
	var w blockWalks
	if b.Checkpointed {
		w.forward = r.forward(p, b, discard, r.level())
		re := r.forward(p, b, recompute, r.level())
		w.backwardFirst = r.backward(p, b, false, &re, r.level())
		w.backwardAgain = r.backward(p, b, true, &re, r.level())
	} else {
		w.forward = r.forward(p, b, keep, r.level())
		w.backwardFirst = r.backward(p, b, false, nil, r.level())
		w.backwardAgain = r.backward(p, b, true, nil, r.level())
	}
	if b.OpHi == b.FwdEnd || b.Assigns {
		r.steady = true
		w.steady = r.forward(p, b, keep, r.level())
		r.steady = false
	}
	for i := b.StLo; i < b.StHi; i++ {
		s := &p.Storages[i]
		switch {
		case s.Held:
			w.held += s.Bytes
		case s.Kind == program.LoopVariable && s.Born != program.Outside:
			w.assigned += s.Bytes
		}
	}
	w.gradients = w.backwardFirst.delta - w.backwardAgain.delta
	return w
}

// level is a fresh level, with categories when they are asked for.
func (r *Replayer) level() *level {
	l := &r.scratch
	*l = level{until: program.Never}
	if r.byCategory {
		l.cats = new(Breakdown)
	}
	return l
}

func (r *Replayer) forward(p program.Program, b *program.Block, m mode, l *level) segment {
	end := b.FwdEnd
	if m == recompute {
		end = b.LastSave + 1
	}
	for op := b.OpLo; op < end; op++ {
		o := &p.Ops[op]
		for i := o.StLo; i < o.StHi; i++ {
			if s := &p.Storages[i]; r.counts(s) {
				l.add(s, op)
			}
		}
		if op == l.until {
			return segment{cats: l.cats}
		}
		for i := r.dropHead[op]; i != program.Never; i = r.dropNext[i] {
			if s := &p.Storages[i]; r.dropsInForward(s, m) {
				l.sub(s)
			}
		}
	}
	seg := segment{peak: l.peak, op: l.op, recompute: m == recompute}
	if l.cats != nil {
		seg.lateCats = new(Breakdown)
	}
	r.leave(p, b, m, end, l, &seg)
	seg.delta, seg.cats = l.live, l.cats
	return seg
}

// leave settles what outlives the functions of a forward: what the model's
// own forward frees, and what the early stop of a recomputation unwinds.
func (r *Replayer) leave(p program.Program, b *program.Block, m mode, end int32, l *level, seg *segment) {
	for i := b.StLo; i < b.StHi; i++ {
		s := &p.Storages[i]
		if s.Born >= end || s.Born == program.Outside && s.Kind != program.ForwardEnd {
			continue
		}
		switch {
		case s.Kind == program.ForwardEnd && (s.Saved == program.Never || m == discard):
			if m == recompute {
				l.sub(s)
				continue
			}
			seg.late += s.Bytes
			if seg.lateCats != nil {
				seg.lateCats[s.Cat] += s.Bytes
			}
		case m == recompute && s.Saved == program.Never && (s.Drop == program.Never || s.Drop >= end || s.Held):
			l.sub(s)
		}
	}
}

// counts says whether a storage is allocated in the walk under way.
func (r *Replayer) counts(s *program.Storage) bool {
	switch s.Kind {
	case program.KernelInternal:
		return r.temps
	case program.State:
		return !r.steady
	case program.StepInput:
		return false // fetched before the step
	}
	return true
}

// dropsInForward says whether a storage is freed when the last Python
// reference to it goes.
func (r *Replayer) dropsInForward(s *program.Storage, m mode) bool {
	switch s.Kind {
	case program.KernelInternal:
		return r.temps
	case program.BoundaryIn: // a checkpoint holds its input; autograd holds what it saved
		return m == keep && s.Saved == program.Never && !s.Held
	case program.LoopVariable:
		return r.steady
	case program.Carried: // not a variable of the checkpoint's second forward
		return m != recompute
	case program.Plain:
		return (m == discard || s.Saved == program.Never) && !s.Held
	}
	return false
}

// shared frees what all layers shared: their backward is done.
func (r *Replayer) shared(p program.Program, b *program.Block, l *level) {
	for i := b.StLo; i < b.StHi; i++ {
		if s := &p.Storages[i]; s.Kind == program.Shared {
			l.sub(s)
		}
	}
}

// splice runs a checkpoint's second forward where backward first needs what it
// makes.
func (l *level) splice(re *segment) {
	if l.live+re.peak > l.peak {
		l.peak, l.op, l.recompute = l.live+re.peak, re.op, true
	}
	l.live += re.delta
	if l.cats != nil {
		l.cats.add(re.cats, 1)
	}
}

func (r *Replayer) backward(p program.Program, b *program.Block, accumulate bool, re *segment, l *level) segment {
	r.shared(p, b, l)
	for op := b.FwdEnd; op < b.OpHi; op++ {
		if re != nil && op == b.FirstUnpack {
			l.splice(re)
		}
		o := &p.Ops[op]
		for i := o.StLo; i < o.StHi; i++ {
			if s := &p.Storages[i]; r.counts(s) {
				l.add(s, op)
			}
		}
		if op == l.until && !l.freed {
			return segment{cats: l.cats}
		}
		for i := r.dropHead[op]; i != program.Never; i = r.dropNext[i] {
			r.dropInBackward(&p.Storages[i], accumulate, l)
		}
		for i := r.savedHead[op]; i != program.Never; i = r.savedNext[i] {
			if s := &p.Storages[i]; !keptLonger(s, b) {
				l.sub(s)
			}
		}
		if op == l.until {
			return segment{cats: l.cats}
		}
	}
	if b.Checkpointed && b.In != program.Never && !p.Storages[b.In].Held {
		l.sub(&p.Storages[b.In])
	}
	return segment{delta: l.live, peak: l.peak, op: l.op, recompute: l.recompute, cats: l.cats}
}

func (r *Replayer) dropInBackward(s *program.Storage, accumulate bool, l *level) {
	switch s.Kind {
	case program.ParamGrad:
		if accumulate {
			l.sub(s)
		}
	case program.KernelInternal:
		if r.temps {
			l.sub(s)
		}
	case program.TiedGrad: // released together with the sum
	case program.TiedSum:
		l.sub(s)
		if accumulate {
			l.sub(s)
		}
	default:
		l.sub(s)
	}
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

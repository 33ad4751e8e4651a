package memory

import "github.com/vramcalc/vramcalc/estimator/program"

// A block's walks are compiled once into lists of codes, so that walking every
// layer asks no questions: a code is an action on one storage of the block.
type action int32

const (
	doAlloc      action = iota
	doAllocState        // stays for good
	doFree
	doLate     // hand over to what the model's forward frees
	doHold     // hand over to the graph
	doAssign   // hand over to a variable of the training loop
	doReplace  // free what it held
	doGrad     // hand over to the gradients of parameters
	doTie      // hand over to the gradient that waits for a tied weight's second one
	doUntie    // free that gradient
	doOp       // tell which operation runs
	doRerun    // a checkpoint's second forward begins
	doRerunEnd // and ends
	actionBits = 4
)

// span is a script: a range of the walker's codes.
type span struct{ lo, hi int32 }

// blockScripts are the walks of one block.
type blockScripts struct {
	forward, steady, backwardFirst, backwardAgain span
}

func (w *walker) put(a action, x int32) { w.codes = append(w.codes, x<<actionBits|int32(a)) }

func (w *walker) script(build func()) span {
	lo := int32(len(w.codes))
	build()
	return span{lo, int32(len(w.codes))}
}

func (w *walker) compile(b *program.Block, optimizer bool) blockScripts {
	m := keep
	if b.Checkpointed {
		m = discard
	}
	s := blockScripts{forward: w.script(func() { w.compileForward(b, m) })}
	if optimizer { // its states exist from the second step on
		w.steady = true
		s.steady = w.script(func() { w.compileForward(b, keep) })
		w.steady = false
		return s
	}
	s.backwardFirst = w.script(func() { w.compileBackward(b, false) })
	s.backwardAgain = s.backwardFirst
	if w.plan.micros() > 1 {
		s.backwardAgain = w.script(func() { w.compileBackward(b, true) })
	}
	return s
}

func (w *walker) operation(op int32) {
	if w.traced {
		w.put(doOp, op)
	}
}

func (w *walker) compileForward(b *program.Block, m mode) {
	end := b.FwdEnd
	if m == recompute {
		end = b.LastSave + 1
	}
	for op := b.OpLo; op < end; op++ {
		w.operation(op)
		o := &w.p.Ops[op]
		for i := o.StLo; i < o.StHi; i++ {
			switch s := &w.p.Storages[i]; {
			case !w.counts(s):
			case s.Kind == program.State:
				w.put(doAllocState, i-b.StLo)
			default:
				w.put(doAlloc, i-b.StLo)
			}
		}
		for i := w.dropHead[op]; i != program.Never; i = w.dropNext[i] {
			switch s := &w.p.Storages[i]; {
			case s.Kind == program.LoopVariable:
				w.put(doReplace, 0)
			case w.dropsInForward(s, m):
				w.put(doFree, i-b.StLo)
			}
		}
	}
	w.compileLeave(b, m, end)
}

// compileLeave is what outlives the functions of a forward (see leave).
func (w *walker) compileLeave(b *program.Block, m mode, end int32) {
	for i := b.StLo; i < b.StHi; i++ {
		s := &w.p.Storages[i]
		if s.Born >= end {
			continue
		}
		late := s.Kind == program.ForwardEnd && (s.Saved == program.Never || m == discard)
		outside := s.Born == program.Outside
		switch {
		case m == recompute:
			if !outside && s.Saved == program.Never {
				w.put(doFree, i-b.StLo) // the early stop unwinds every Python frame
			}
		case late:
			w.put(doLate, i-b.StLo)
		case s.Kind == program.LoopVariable && !outside:
			w.put(doAssign, i-b.StLo)
		case s.Held && (i == b.In || !outside):
			w.put(doHold, i-b.StLo)
		}
	}
}

func (w *walker) compileBackward(b *program.Block, accumulate bool) {
	for i := b.StLo; i < b.StHi; i++ {
		if w.p.Storages[i].Kind == program.Shared {
			w.put(doFree, i-b.StLo)
		}
	}
	for op := b.FwdEnd; op < b.OpHi; op++ {
		if b.Checkpointed && op == b.FirstUnpack {
			w.put(doRerun, 0)
			w.compileForward(b, recompute)
			w.put(doRerunEnd, 0)
		}
		w.operation(op)
		o := &w.p.Ops[op]
		for i := o.StLo; i < o.StHi; i++ {
			if w.counts(&w.p.Storages[i]) {
				w.put(doAlloc, i-b.StLo)
			}
		}
		for i := w.dropHead[op]; i != program.Never; i = w.dropNext[i] {
			w.compileDrop(b, i, accumulate)
		}
		for i := w.savedHead[op]; i != program.Never; i = w.savedNext[i] {
			if !keptLonger(&w.p.Storages[i], b) {
				w.put(doFree, i-b.StLo)
			}
		}
	}
	if b.Checkpointed && b.In != program.Never {
		w.put(doFree, b.In-b.StLo) // nothing happens when a graph node holds it
	}
}

// compileDrop ends the life of a storage in a block's backward, or hands a
// gradient on to those that zero_grad frees.
func (w *walker) compileDrop(b *program.Block, st int32, accumulate bool) {
	x := st - b.StLo
	switch kind := w.p.Storages[st].Kind; {
	case kind == program.TiedGrad:
		w.put(doTie, x)
	case kind == program.TiedSum:
		if accumulate {
			w.put(doFree, x)
		} else {
			w.put(doGrad, x)
		}
		w.put(doUntie, x)
	case kind == program.ParamGrad && !accumulate:
		w.put(doGrad, x)
	default:
		w.put(doFree, x)
	}
}

// run plays a script for one repeat of a block.
func (w *walker) run(block int, repeat int64, s span) {
	base := w.slot(block, repeat, w.p.Blocks[block].StLo)
	first := w.p.Blocks[block].StLo
	for _, code := range w.codes[s.lo:s.hi] {
		x := code >> actionBits
		slot := base + x
		switch action(code & (1<<actionBits - 1)) {
		case doAlloc:
			w.alloc(slot, first+x)
		case doFree:
			w.free(slot, first+x)
		case doAllocState:
			w.alloc(slot, first+x)
			w.handles[slot] = program.Never
		case doLate:
			w.late = w.grab(w.late, slot, first+x)
		case doHold:
			w.held = w.grab(w.held, slot, first+x)
		case doAssign:
			w.assigned = w.grab(w.assigned, slot, first+x)
		case doReplace:
			w.release(&w.assigned)
		case doGrad:
			w.grads = w.grab(w.grads, slot, first+x)
		case doTie:
			w.tied = grip{w.take(slot), first + x}
		case doUntie:
			w.drop(w.tied.st, w.tied.handle)
		case doOp:
			w.at.Op = x
		case doRerun:
			w.at.Recompute = true
		case doRerunEnd:
			w.at.Recompute = false
		}
	}
}

// grab moves an allocation from a slot to a list.
func (w *walker) grab(list []grip, slot, st int32) []grip {
	if h := w.take(slot); h != program.Never {
		return append(list, grip{h, st})
	}
	return list
}

package memory

import "github.com/vramcalc/vramcalc/estimator/program"

// Event is one allocation or release of a replay that walks every layer.
type Event struct {
	Point
	Storage int32 // index in the program, program.Never for parameters
	Handle  int32 // names the allocation
	Bytes   int64 // negative: released
}

// Walk replays a program allocation by allocation: every repeat of every
// block, every micro-batch, every step. It is what the allocator sees.
func (r *Replayer) Walk(p program.Program, plan Plan, emit func(Event)) {
	w := &r.walker
	r.walk(p, plan, func(st, handle int32, bytes int64) {
		emit(Event{Point: w.at, Storage: st, Handle: handle, Bytes: bytes})
	})
}

// walk calls emit for each allocation (bytes ≥ 0) and release (bytes < 0).
func (r *Replayer) walk(p program.Program, plan Plan, emit func(st, handle int32, bytes int64)) {
	r.index(p)
	r.temps = plan.KernelTemporaries
	w := &r.walker
	*w = walker{
		Replayer: r, p: p, plan: plan, emit: emit, base: w.base[:0], handles: w.handles[:0],
		late: w.late[:0], grads: w.grads[:0], held: w.held[:0], inputs: w.inputs[:0],
	}
	w.layout()
	w.load()
	for step := range plan.Steps {
		w.fetch(step)
		for micro := range plan.micros() {
			w.micro(step, micro)
		}
		w.optimizer(step)
		w.zeroGrad()
	}
}

// walker keeps the handles of what is allocated.
type walker struct {
	*Replayer
	p    program.Program
	plan Plan
	emit func(st, handle int32, bytes int64)
	at   Point

	base    []int32 // first slot of each block's first repeat
	handles []int32 // slot → handle of the allocation, Never if not live
	next    int32
	late    []int32 // slots of autocast's weight copies
	grads   []int32 // handles and storages of parameter gradients
	held    []int32 // handles and storages that graph nodes hold
	inputs  []int32 // handles of the batches of a step
	tied    int32   // handle of the gradient that waits for a tied weight's second one
	tiedSt  int32
}

func (w *walker) layout() {
	n := int32(0)
	for i := range w.p.Blocks {
		b := &w.p.Blocks[i]
		w.base = append(w.base, n)
		n += (b.StHi - b.StLo) * int32(b.Count)
	}
	w.handles = fill(w.handles, int(n))
}

func (w *walker) slot(block int, repeat int64, st int32) int32 {
	b := &w.p.Blocks[block]
	return w.base[block] + int32(repeat)*(b.StHi-b.StLo) + st - b.StLo
}

// load allocates parameters and buffers.
func (w *walker) load() {
	w.at = Point{Phase: Load, Block: -1, Op: program.Never}
	for i := range w.p.Params {
		p := &w.p.Params[i]
		if p.Shared {
			continue
		}
		for range p.Count {
			p.EachTensor(func(bytes int64, _ program.Category) {
				w.emit(program.Never, w.next, bytes)
				w.next++
			})
		}
	}
	for _, bytes := range w.plan.Workspaces {
		w.emit(program.Never, w.next, program.Round(bytes))
		w.next++
	}
}

// fetch allocates the batches of a step.
func (w *walker) fetch(step int) {
	w.at = Point{Step: step, Phase: Forward, Block: -1, Op: program.Never}
	w.inputs = append(w.inputs[:0], w.next)
	w.emit(program.Never, w.next, inputBytes(w.p)*w.plan.GradAccum)
	w.next++
}

// alloc allocates a storage into a slot; equal allocations that it stands for
// get consecutive handles.
func (w *walker) alloc(slot, st int32) {
	s := &w.p.Storages[st]
	w.handles[slot] = w.next
	if s.Times <= 1 {
		w.emit(st, w.next, s.Bytes)
		w.next++
		return
	}
	each := s.Bytes / int64(s.Times)
	for range s.Times {
		w.emit(st, w.next, each)
		w.next++
	}
}

func (w *walker) free(slot, st int32) {
	h := w.handles[slot]
	if h == program.Never {
		return
	}
	w.handles[slot] = program.Never
	s := &w.p.Storages[st]
	if s.Times <= 1 {
		w.emit(st, h, -s.Bytes)
		return
	}
	each := s.Bytes / int64(s.Times)
	for i := range s.Times {
		w.emit(st, h+i, -each)
	}
}

func (w *walker) micro(step, micro int) {
	w.at = Point{Step: step, Micro: micro, Phase: Forward}
	last := w.plan.Optimizer - 1
	out := program.Never
	for i := 0; i <= last; i++ {
		b := &w.p.Blocks[i]
		w.at.Block = i
		for n := range b.Count {
			w.at.Repeat = n
			if b.In != program.Never {
				slot := w.slot(i, n, b.In)
				w.handles[slot] = out
				if s := &w.p.Storages[b.In]; s.Kind == program.ForwardEnd && s.Saved == program.Never {
					w.late = append(w.late, slot)
				}
			}
			m := keep
			if b.Checkpointed {
				m = discard
			}
			w.forward(i, n, m)
			if b.Out != program.Never {
				out = w.take(i, n, b.Out)
			}
			w.holdForGraph(i, n)
		}
	}
	for _, s := range w.late {
		w.free(s, w.storageOf(s))
	}
	w.late = w.late[:0]
	w.backwardAll(last, micro, out)
	w.release(&w.held)
}

// holdForGraph takes what graph nodes hold out of the hands of the block.
func (w *walker) holdForGraph(block int, repeat int64) {
	b := &w.p.Blocks[block]
	for i := b.StLo; i < b.StHi; i++ {
		if w.p.Storages[i].Held {
			if h := w.take(block, repeat, i); h != program.Never {
				w.held = append(w.held, h, i)
			}
		}
	}
}

// release frees a list of handles and storages.
func (w *walker) release(list *[]int32) {
	for i := 0; i < len(*list); i += 2 {
		st := (*list)[i+1]
		w.emit(st, (*list)[i], -w.p.Storages[st].Bytes)
	}
	*list = (*list)[:0]
}

// take moves the handle of a storage that leaves its block.
func (w *walker) take(block int, repeat int64, st int32) int32 {
	slot := w.slot(block, repeat, st)
	h := w.handles[slot]
	w.handles[slot] = program.Never
	return h
}

// storageOf finds the storage of a slot.
func (w *walker) storageOf(slot int32) int32 {
	i := len(w.base) - 1
	for w.base[i] > slot {
		i--
	}
	b := &w.p.Blocks[i]
	return b.StLo + (slot-w.base[i])%(b.StHi-b.StLo)
}

func (w *walker) backwardAll(last, micro int, loss int32) {
	w.at.Phase = Backward
	grad := program.Never
	for i := last; i >= 0; i-- {
		b := &w.p.Blocks[i]
		w.at.Block = i
		for n := b.Count - 1; n >= 0; n-- {
			w.at.Repeat = n
			if b.GradIn != program.Never {
				slot := w.slot(i, n, b.GradIn)
				if i == last {
					w.at.Op = b.FwdEnd
					w.alloc(slot, b.GradIn)
				} else {
					w.handles[slot] = grad
				}
			}
			w.backward(i, n, micro > 0)
			if b.GradOut != program.Never {
				grad = w.take(i, n, b.GradOut)
			}
			if i == last && loss != program.Never {
				w.emit(b.Out, loss, -w.p.Storages[b.Out].Bytes)
				loss = program.Never
			}
		}
	}
}

func (w *walker) forward(block int, repeat int64, m mode) {
	b := &w.p.Blocks[block]
	w.at.Recompute = m == recompute
	end := b.FwdEnd
	if m == recompute {
		end = b.LastSave + 1
	}
	base := w.slot(block, repeat, 0)
	for op := b.OpLo; op < end; op++ {
		w.at.Op = op
		o := &w.p.Ops[op]
		for i := o.StLo; i < o.StHi; i++ {
			s := &w.p.Storages[i]
			if !w.counts(s) {
				continue
			}
			slot := base + i
			w.alloc(slot, i)
			switch {
			case s.Kind == program.ForwardEnd && (s.Saved == program.Never || m == discard) && m != recompute:
				w.late = append(w.late, slot)
			case s.Kind == program.State:
				w.handles[slot] = program.Never // stays for good
			}
		}
		for i := w.dropHead[op]; i != program.Never; i = w.dropNext[i] {
			if s := &w.p.Storages[i]; w.dropsInForward(s, m) {
				w.free(base+i, i)
			}
		}
	}
	if m == recompute {
		w.unwind(block, repeat, end)
	}
	w.at.Recompute = false
}

// unwind drops what the early stop of a recomputation leaves behind.
func (w *walker) unwind(block int, repeat int64, end int32) {
	b := &w.p.Blocks[block]
	for i := b.StLo; i < b.StHi; i++ {
		s := &w.p.Storages[i]
		if s.Born != program.Outside && s.Born < end && s.Saved == program.Never {
			w.free(w.slot(block, repeat, i), i)
		}
	}
}

func (w *walker) backward(block int, repeat int64, accumulate bool) {
	b := &w.p.Blocks[block]
	w.at.Op = b.FwdEnd
	w.freeKind(block, program.Shared)
	base := w.slot(block, repeat, 0)
	for op := b.FwdEnd; op < b.OpHi; op++ {
		if b.Checkpointed && op == b.FirstUnpack {
			w.forward(block, repeat, recompute)
		}
		w.at.Op = op
		o := &w.p.Ops[op]
		for i := o.StLo; i < o.StHi; i++ {
			s := &w.p.Storages[i]
			if !w.counts(s) {
				continue
			}
			slot := base + i
			w.alloc(slot, i)
		}
		for i := w.dropHead[op]; i != program.Never; i = w.dropNext[i] {
			w.dropInBackwardOf(block, repeat, i, accumulate)
		}
		for i := w.savedHead[op]; i != program.Never; i = w.savedNext[i] {
			s := &w.p.Storages[i]
			if keptLonger(s, b) {
				continue
			}
			w.free(w.slot(block, repeat, i), i)
		}
	}
	if b.Checkpointed && b.In != program.Never {
		w.free(w.slot(block, repeat, b.In), b.In) // no-op when a graph node holds it
	}
}

// dropInBackwardOf ends the life of a storage in a block's backward, or hands
// a gradient on to those that zero_grad frees.
func (w *walker) dropInBackwardOf(block int, repeat int64, st int32, accumulate bool) {
	switch kind := w.p.Storages[st].Kind; {
	case kind == program.TiedGrad:
		w.tied, w.tiedSt = w.take(block, repeat, st), st
		return
	case (kind == program.ParamGrad || kind == program.TiedSum) && !accumulate:
		w.grads = append(w.grads, w.take(block, repeat, st), st)
	default:
		w.free(w.slot(block, repeat, st), st)
	}
	if w.p.Storages[st].Kind == program.TiedSum {
		w.emit(w.tiedSt, w.tied, -w.p.Storages[w.tiedSt].Bytes)
	}
}

// freeKind frees what a block that runs once holds of a kind.
func (w *walker) freeKind(block int, k program.Kind) {
	b := &w.p.Blocks[block]
	for i := b.StLo; i < b.StHi; i++ {
		if w.p.Storages[i].Kind == k {
			w.free(w.slot(block, 0, i), i)
		}
	}
}

func (w *walker) optimizer(step int) {
	w.at = Point{Step: step, Phase: Optimizer, Block: w.plan.Optimizer}
	w.steady = step > 0
	w.forward(w.plan.Optimizer, 0, keep)
	w.steady = false
}

func (w *walker) zeroGrad() {
	w.at = Point{Step: w.at.Step, Phase: ZeroGrad, Block: -1, Op: program.Never}
	w.release(&w.grads)
	w.emit(program.Never, w.inputs[0], -inputBytes(w.p)*w.plan.GradAccum)
}

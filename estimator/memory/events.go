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
	w.traced = true
	w.to, w.sink = nil, func(st, handle int32, bytes int64) {
		emit(Event{Point: w.at, Storage: st, Handle: handle, Bytes: bytes})
	}
	r.walk(p, plan)
	w.traced, w.sink = false, nil
}

// Reserve replays a program through the allocator and leaves it in its final
// state: max_memory_allocated and max_memory_reserved.
func (r *Replayer) Reserve(p program.Program, plan Plan, a *Allocator) {
	r.walker.to = a
	r.walk(p, plan)
	r.walker.to = nil
}

func (r *Replayer) walk(p program.Program, plan Plan) {
	r.open(p, plan)
	w := &r.walker
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

// open makes the walker ready for a program.
func (r *Replayer) open(p program.Program, plan Plan) {
	r.index(p)
	r.temps = plan.KernelTemporaries
	w := &r.walker
	w.Replayer, w.p, w.plan = r, p, plan
	w.next, w.late, w.grads, w.held = 0, w.late[:0], w.grads[:0], w.held[:0]
	w.before, w.assigned = w.before[:0], w.assigned[:0]
	w.layout()
}

// walker keeps the handles of what is allocated.
type walker struct {
	*Replayer
	p      program.Program
	plan   Plan
	sink   func(st, handle int32, bytes int64)
	to     *Allocator // instead of sink, without a call through a function value
	at     Point
	traced bool // keep at up to date with every operation

	bytes   []int64 // of each storage, side by side; inParts where it is several
	scripts []blockScripts
	codes   []int32 // of all scripts
	base    []int32 // first slot of each block's first repeat
	handles []int32 // slot → handle of the allocation, Never if not live
	next    int32
	inputs  int32  // handle of the batches of a step
	late    []grip // freed when the model's forward returns
	grads   []grip // gradients of parameters, until zero_grad
	held    []grip // what graph nodes hold until the graph dies
	before  []grip // what those of the micro-batch before hold still
	// assigned is what a variable of the training loop holds.
	assigned []grip
	tied     grip // the gradient that waits for a tied weight's second one
}

// inParts marks a storage that stands for several allocations.
const inParts int64 = -1

// grip is an allocation whose owner is no block.
type grip struct{ handle, st int32 }

func (w *walker) layout() {
	w.base, w.scripts, w.codes = w.base[:0], w.scripts[:0], w.codes[:0]
	n := int32(0)
	for i := range w.p.Blocks {
		b := &w.p.Blocks[i]
		w.base = append(w.base, n)
		n += (b.StHi - b.StLo) * int32(b.Count)
		w.scripts = append(w.scripts, w.compile(b, i == w.plan.Optimizer))
	}
	w.handles = fill(w.handles, int(n))
	w.bytes = w.bytes[:0]
	for i := range w.p.Storages {
		bytes := w.p.Storages[i].Bytes
		if w.p.Storages[i].Times > 1 {
			bytes = inParts
		}
		w.bytes = append(w.bytes, bytes)
	}
}

func (w *walker) slot(block int, repeat int64, st int32) int32 {
	b := &w.p.Blocks[block]
	return w.base[block] + int32(repeat)*(b.StHi-b.StLo) + st - b.StLo
}

// load allocates parameters, buffers and the libraries' workspaces.
func (w *walker) load() {
	w.at = Point{Phase: Load, Block: -1, Op: program.Never}
	for i := range w.p.Params {
		p := &w.p.Params[i]
		for range p.Count {
			p.EachTensor(func(bytes int64, _ program.Category) { w.lasting(bytes) })
		}
	}
	for _, bytes := range w.plan.Workspaces {
		w.lasting(program.Round(bytes))
	}
}

// lasting allocates what belongs to no storage of the program.
func (w *walker) lasting(bytes int64) int32 { return w.malloc(program.Never, bytes) }

// malloc allocates bytes for a storage and returns the handle: the allocator's,
// or a number of its own for every event.
func (w *walker) malloc(st int32, bytes int64) int32 {
	if w.to != nil {
		return w.to.Malloc(bytes)
	}
	w.next++
	w.sink(st, w.next-1, bytes)
	return w.next - 1
}

// fetch allocates the batches of a step.
func (w *walker) fetch(step int) {
	w.at = Point{Step: step, Phase: Forward, Block: -1, Op: program.Never}
	w.inputs = w.lasting(inputBytes(w.p) * w.plan.batches())
}

// alloc allocates a storage into a slot.
func (w *walker) alloc(slot, st int32) {
	switch bytes := w.bytes[st]; {
	case bytes == inParts:
		w.handles[slot] = w.several(st)
	case w.to != nil:
		w.handles[slot] = w.to.Malloc(bytes)
	default:
		w.handles[slot] = w.malloc(st, bytes)
	}
}

// several makes the equal allocations that one storage stands for. In an
// allocator they share a handle, else they have consecutive ones.
func (w *walker) several(st int32) int32 {
	s := &w.p.Storages[st]
	each := s.Bytes / int64(s.Times)
	first := w.malloc(st, each)
	last := first
	for range s.Times - 1 {
		h := w.malloc(st, each)
		if w.to != nil {
			w.to.Link(last, h)
		}
		last = h
	}
	return first
}

func (w *walker) free(slot, st int32) {
	if h := w.take(slot); h != program.Never {
		w.drop(st, h)
	}
}

// drop releases what a handle of a storage stands for.
func (w *walker) drop(st, handle int32) {
	if w.to != nil {
		w.to.Free(handle)
		return
	}
	s := &w.p.Storages[st]
	times := max(s.Times, 1)
	for i := range times {
		w.sink(st, handle+i, -s.Bytes/int64(times))
	}
}

// take moves the handle out of a slot.
func (w *walker) take(slot int32) int32 {
	h := w.handles[slot]
	w.handles[slot] = program.Never
	return h
}

// release frees a list of allocations without a block.
func (w *walker) release(list *[]grip) {
	for _, g := range *list {
		w.drop(g.st, g.handle)
	}
	*list = (*list)[:0]
}

// micro plays one forward and one backward.
func (w *walker) micro(step, micro int) {
	w.at = Point{Step: step, Micro: micro, Phase: Forward}
	last := w.plan.Optimizer - 1
	out, carried := program.Never, program.Never
	for i := 0; i <= last; i++ {
		b := &w.p.Blocks[i]
		w.at.Block = i
		for n := range b.Count {
			w.at.Repeat, w.at.Op = n, program.Never
			if b.In != program.Never {
				w.handles[w.slot(i, n, b.In)] = out
			}
			if b.CarryIn != program.Never {
				w.handles[w.slot(i, n, b.CarryIn)] = carried
			}
			w.run(i, n, w.scripts[i].forward)
			if b.CarryOut != program.Never {
				carried = w.take(w.slot(i, n, b.CarryOut))
			}
			if b.Out != program.Never {
				out = w.take(w.slot(i, n, b.Out))
			}
		}
	}
	w.release(&w.late)
	w.release(&w.before)
	w.backwardAll(last, micro, out)
	if w.plan.Lingers {
		w.before, w.held = w.held, w.before
		return
	}
	w.release(&w.held)
	w.release(&w.assigned)
}

func (w *walker) backwardAll(last, micro int, loss int32) {
	w.at.Phase = Backward
	grad := program.Never
	for i := last; i >= 0; i-- {
		b := &w.p.Blocks[i]
		w.at.Block = i
		script := w.scripts[i].backwardFirst
		if micro > 0 {
			script = w.scripts[i].backwardAgain
		}
		for n := b.Count - 1; n >= 0; n-- {
			w.at.Repeat, w.at.Op = n, program.Never
			if b.GradIn != program.Never {
				slot := w.slot(i, n, b.GradIn)
				if i == last {
					w.at.Op = b.FwdEnd
					w.alloc(slot, b.GradIn)
				} else {
					w.handles[slot] = grad
				}
			}
			w.run(i, n, script)
			if b.GradOut != program.Never {
				grad = w.take(w.slot(i, n, b.GradOut))
			}
		}
		if i == last {
			w.drop(b.Out, loss)
		}
	}
}

func (w *walker) optimizer(step int) {
	w.at = Point{Step: step, Phase: Optimizer, Block: w.plan.Optimizer}
	script := w.scripts[w.plan.Optimizer].forward
	if step > 0 {
		script = w.scripts[w.plan.Optimizer].steady
	}
	w.run(w.plan.Optimizer, 0, script)
}

func (w *walker) zeroGrad() {
	w.at = Point{Step: w.at.Step, Phase: ZeroGrad, Block: -1, Op: program.Never}
	w.release(&w.grads)
	if w.to != nil {
		w.to.Free(w.inputs)
	} else {
		w.sink(program.Never, w.inputs, -inputBytes(w.p)*w.plan.batches())
	}
}

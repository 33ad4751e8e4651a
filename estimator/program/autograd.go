package program

// nodeKind is a rule of differentiation.
type nodeKind uint8

const (
	nodeCast nodeKind = iota
	nodeLinear
	nodeFrozenQuant
	nodeMul
	nodeScale
	nodeAdd
	nodeUnary
	nodeReLU
	nodePow2Mean
	nodeRMSNorm
	nodeLayerNorm
	nodeRope
	nodeFused
	nodeBmm
	nodeClone
	nodeExpand
	nodeSoftmax
	nodeDropout
	nodeSlice
	nodeCat
	nodeEmbedding
	nodeCrossEntropy
	nodePass
	nodeNormRow
	nodePow
	nodeAddRow
	nodeSplit
	nodeInt8
	nodeXIELU
	nodeIndexRows
	nodeGELUBloom
	nodeChunkedLoss
	nodeLigerLoss
	nodeTokenChunks
	nodeFusedNorm
	nodeFusedRope
	nodeFusedGLU
	nodeFusedLoss
	nodeFusedLoRA
	nodeIndexCopy
)

// node is one entry of the autograd graph: what it received, what it kept.
// The graph is executed in the reverse order of its creation, which is what
// PyTorch's engine does for a single-threaded forward (the ready queue is
// ordered by sequence number; torch/csrc/autograd/engine.cpp).
type node struct {
	kind             nodeKind
	in               [3]int32 // values that get a gradient, Never if none
	out              int32    // value whose gradient comes in
	savedLo, savedHi int32
	n                [4]int64 // sizes that the rule needs
	dt, dt2          DType    // type that the gradient is computed in; a second one where a rule needs it
	module           string
	cat              Category
	flag             bool
	masked           bool // attention under a mask
}

// record adds a node for the result t of the current operation, if any of its
// inputs requires a gradient, and returns t as a differentiable tensor.
func (b *Builder) record(kind nodeKind, t T, in ...T) (T, *node) {
	nd := node{kind: kind, in: [3]int32{Never, Never, Never}, out: Never, dt: t.dt, module: b.module, cat: b.cat}
	needs := false
	for i, x := range in {
		nd.in[i] = x.v
		needs = needs || x.v != Never
	}
	if !needs {
		return t, nil
	}
	nd.savedLo = int32(len(b.saves))
	nd.savedHi = nd.savedLo
	t.v = b.newValue(t.n, t.dt, Never)
	nd.out = t.v
	b.nodes = append(b.nodes, nd)
	return t, &b.nodes[len(b.nodes)-1]
}

// Backward derives the backward operations of the open block and closes it.
// The gradient of the block's result arrives as a storage of its own; it has
// the size of the result. A block whose result needs no gradient gets none.
func (b *Builder) Backward() {
	blk := &b.blocks[b.block]
	if out := blk.out; out.v != Never {
		b.cat = Activations
		b.backward = true
		defer func() { b.backward = false }()
		b.sts = append(b.sts, Storage{
			Bytes: b.sts[out.st].Bytes, Born: Outside, Drop: Never, Saved: Never, refs: 1,
			Cat: b.sts[out.st].Cat, Kind: BoundaryIn, Shape: b.sts[out.st].Shape,
		})
		blk.GradIn = int32(len(b.sts)) - 1
		b.vals[out.v].grad = blk.GradIn
		if blk.Reentrant {
			b.sts[blk.GradIn].refs++
		}
		for i := blk.nodeHi - 1; i >= blk.nodeLo; i-- {
			b.step(&b.nodes[i])
		}
		if blk.in.v != Never {
			blk.GradOut = b.vals[blk.in.v].grad
			out := &b.sts[blk.GradOut]
			out.Cat = b.sts[blk.In].Cat // as the block that it comes to will see it
			if out.reused {             // it leaves the block
				out.Drop = Never
			}
		}
		if blk.leaf != Never && b.vals[blk.leaf].grad != Never {
			b.op("accumulate_grad", Free, out.dt, 0, 0, 0)
			b.release(b.vals[blk.leaf].grad)
		}
		if blk.Reentrant {
			b.release(blk.GradIn)
			b.sts[blk.Out].Saved = int32(len(b.ops)) - 1
		}
	}
	blk.OpHi = int32(len(b.ops))
	blk.StHi = int32(len(b.sts))
	for i := range b.Params {
		b.Params[i].v = Never
	}
}

// step runs one node: it computes the gradients of the inputs, then lets go of
// the gradient that came in and of what the node had kept.
func (b *Builder) step(nd *node) {
	if nd.kind == nodeSplit {
		b.module, b.cat = nd.module, nd.cat
		b.splitGrad(nd)
		b.settle()
		return
	}
	g := b.vals[nd.out].grad
	if g == Never {
		return
	}
	b.module, b.cat = nd.module, nd.cat
	first := len(b.ops)
	b.firstCast = Never
	if blk := &b.blocks[b.block]; nd.savedHi > nd.savedLo && blk.FirstUnpack == Never {
		blk.FirstUnpack = int32(first)
	}
	if released := b.differentiate(nd, g); !released {
		if len(b.ops) == first { // only references moved
			b.op("view_backward", Free, nd.dt, 0, 0, 0)
		}
		b.release(g)
	}
	last := b.letGo()
	for _, s := range b.saves[nd.savedLo:nd.savedHi] {
		if s >= 0 && !b.sts[s].reused {
			b.sts[s].Saved = last
		}
	}
	b.settle()
}

// letGo is the operation after which the node that just ran no longer holds
// what it kept: the casts of its results (engine.cpp validate_outputs) come
// before it releases its variables, but after a checkpoint's tensors are gone,
// which nobody holds once they are unpacked (torch/utils/checkpoint.py
// unpack_hook).
func (b *Builder) letGo() int32 {
	if blk := &b.blocks[b.block]; b.firstCast != Never && blk.Checkpointed && !blk.Reentrant {
		return b.firstCast - 1
	}
	return int32(len(b.ops)) - 1
}

// release ends one hold on a gradient.
func (b *Builder) release(st int32) {
	s := &b.sts[st]
	s.refs--
	switch {
	case s.refs > 0:
	case s.reused:
		s.Saved = int32(len(b.ops)) - 1
	default:
		s.Drop = int32(len(b.ops)) - 1
	}
}

// free ends the life of a temporary of backward after the current operation.
func (b *Builder) free(st int32) { b.sts[st].Drop = int32(len(b.ops)) - 1 }

// temp is a storage of the current backward operation.
func (b *Builder) temp(n int64, dt DType, shape string) int32 { return b.alloc(n, dt, shape) }

// give hands a gradient of type dt to a value, cast to the value's type. The
// caller's hold on st passes to the value. What the value does with it waits
// until the node is done and has let go of what it kept (engine.cpp
// evaluate_function adds outputs to the input buffers last).
func (b *Builder) give(v, st int32, dt DType) {
	val := &b.vals[v]
	if dt != val.dt {
		if b.firstCast == Never {
			b.firstCast = int32(len(b.ops))
		}
		b.pass("to_backward", val.dt, val.n*(dt.Size()+val.dt.Size()))
		c := b.alloc(val.n, val.dt, b.sts[st].Shape)
		b.sts[c].refs = 1
		b.release(st)
		st = c
	}
	b.given = append(b.given, gift{v, st})
}

// gift is a gradient on its way to a value.
type gift struct{ v, st int32 }

// settle adds the gradients that a node gave to what their values have: in
// place when nobody else holds it, as a new tensor otherwise.
func (b *Builder) settle() {
	for _, g := range b.given {
		val := &b.vals[g.v]
		switch {
		case val.param != Never:
			b.accumulate(&b.Params[val.param], val, g.st)
		case val.grad == Never:
			val.grad = g.st
		default:
			val.grad = b.sum(val, val.grad, g.st)
		}
	}
	b.given = b.given[:0]
}

// sum adds gradient st to old: in place when old is the only holder of its
// storage (torch/csrc/autograd/input_buffer.cpp can_accumulate_inplace).
func (b *Builder) sum(val *value, old, st int32) int32 {
	b.pass("add_gradient", val.dt, 3*val.n*val.dt.Size())
	if b.sts[old].refs == 1 && !b.sts[old].view {
		b.release(st)
		return old
	}
	sum := b.alloc(val.n, val.dt, b.sts[old].Shape)
	b.sts[sum].refs = 1
	b.release(old)
	b.release(st)
	return sum
}

// accumulate is AccumulateGrad: the first gradient becomes .grad, a later one
// is added to it in place.
func (b *Builder) accumulate(p *Param, val *value, st int32) {
	if p.hasGrad {
		b.pass("accumulate_grad", val.dt, 3*val.n*val.dt.Size())
		b.release(st)
		return
	}
	p.hasGrad = true
	kind := ParamGrad
	switch {
	case p.Shared:
		kind = TiedGrad
	case p.tied:
		kind = TiedSum
		b.pass("add_gradient", val.dt, 3*val.n*val.dt.Size())
		if !p.tiedOwned {
			sum := b.alloc(val.n, val.dt, b.sts[st].Shape)
			b.release(st)
			st = sum
		}
	}
	s := &b.sts[st]
	s.Kind, s.Cat = kind, Gradients
	s.Drop = int32(len(b.ops)) - 1
}

// fresh allocates a gradient with the current operation and gives it away.
func (b *Builder) fresh(v int32, n int64, dt DType, shape string) {
	st := b.alloc(n, dt, shape)
	b.sts[st].refs = 1
	b.give(v, st, dt)
}

// share gives the incoming gradient itself on (an addition, a view).
func (b *Builder) share(v, g int32, dt DType) {
	b.sts[g].refs++
	b.give(v, g, dt)
}

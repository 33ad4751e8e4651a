package program

// The primitives below are fused kernels as Liger and FOAK bring them: one
// autograd function written in Python, whose kernels write gradients where the
// incoming gradient, or what was kept, lies.

// NormKernel is how a fused RMSNorm differentiates.
type NormKernel struct {
	InPlace bool // the input's gradient is written over the result's
	// NoWeightGrad: the weight gets none, though it is said to train.
	NoWeightGrad bool
	// Programs is the number of partial sums of the weight's gradient: one for
	// each multiprocessor.
	Programs int64
}

// FusedRMSNorm is an RMSNorm in one kernel, which keeps its input and the
// rows' reciprocal deviation (liger_kernel/ops/rms_norm.py; unsloth's
// rms_layernorm.py, which FOAK carries).
func (b *Builder) FusedRMSNorm(x T, w int, rows, width int64, k NormKernel, shape string) T {
	mark := b.Scope()
	wt := b.Weight(w)
	if k.NoWeightGrad {
		wt.v = Never
		b.Params[w].NoGrad = true
	}
	b.pass("rms_norm", x.dt, 2*x.n*x.dt.Size())
	y := b.result(x.n, x.dt, shape)
	deviation := b.result(rows, Float32, "rows")
	y, nd := b.record(nodeFusedNorm, y, x, wt)
	if nd != nil {
		nd.n = [4]int64{width, k.Programs}
		nd.flag = k.InPlace
		b.save(x)
		b.save(deviation)
		b.savedLate()
	}
	b.Return(mark, y)
	return y
}

func (b *Builder) fusedNormGrad(nd *node, g int32) {
	x, w, width := nd.in[0], nd.in[1], nd.n[0]
	n := b.vals[nd.out].n
	b.pass("rms_norm_backward", nd.dt, 3*n*nd.dt.Size())
	partial, dw := Never, Never
	if w != Never {
		partial = b.temp(nd.n[1]*width, Float32, "programs·h")
	}
	dx := g
	if !nd.flag {
		dx = b.hold(n, nd.dt)
	}
	if w != Never {
		b.pass("sum", Float32, 4*nd.n[1]*width)
		dw = b.hold(width, Float32)
		b.free(partial)
	}
	if x != Never {
		b.sts[dx].view = true // reshaped
		if nd.flag {
			b.sts[dx].refs++
		}
		b.give(x, dx, nd.dt)
	}
	if w != Never {
		b.give(w, dw, Float32)
	}
}

// RopeKernel is how a fused rotary embedding meets its operands.
type RopeKernel struct {
	Strided     bool // heads are parts of a wider projection: copied before
	GradStrided bool // their gradient comes head by head: copied before
	Kernels     int32
	Moved       int64 // elements that the kernels read and write; 0 of a tensor that another one's kernel takes along
}

// FusedRope rotates heads where they lie (liger_kernel/ops/rope.py; unsloth's
// rope_embedding.py).
func (b *Builder) FusedRope(t, cos, sin T, k RopeKernel, shape string) T {
	y := T{st: t.st, v: Never, n: t.n, dt: t.dt}
	if k.Strided {
		b.pass("contiguous", t.dt, 2*t.n*t.dt.Size())
		y = b.result(t.n, t.dt, shape)
	}
	b.op("rope", Elementwise, t.dt, k.Kernels, 0, float64(2*k.Moved*t.dt.Size()))
	y, nd := b.record(nodeFusedRope, y, t)
	if nd != nil {
		nd.n = [4]int64{int64(k.Kernels), k.Moved}
		nd.flag = k.GradStrided
		b.save(cos)
		b.save(sin)
		b.savedLate()
	}
	return y
}

func (b *Builder) fusedRopeGrad(nd *node, g int32) {
	v := nd.in[0]
	if nd.flag {
		b.pass("contiguous", nd.dt, 2*b.vals[v].n*nd.dt.Size())
		g = b.hold(b.vals[v].n, nd.dt)
	}
	b.op("rope_backward", Elementwise, nd.dt, int32(nd.n[0]), 0, float64(2*nd.n[1]*nd.dt.Size()))
	b.sts[g].view = true
	if !nd.flag {
		b.sts[g].refs++
	}
	b.give(v, g, nd.dt)
}

// FusedGLU is act(gate)·up in one kernel. Both inputs are kept, or copies of
// them where they are parts of one wider projection, and backward writes the
// gradients over what was kept (liger_kernel/ops/swiglu.py, geglu.py).
func (b *Builder) FusedGLU(name string, gate, up T, strided bool, shape string) T {
	mark := b.Scope()
	kept := [2]T{gate, up}
	if strided {
		for i, t := range kept {
			b.pass("contiguous", t.dt, 2*t.n*t.dt.Size())
			kept[i] = b.result(t.n, t.dt, shape)
		}
	}
	b.pass(name, gate.dt, 3*gate.n*gate.dt.Size())
	y, nd := b.record(nodeFusedGLU, b.result(gate.n, gate.dt, shape), gate, up)
	if nd != nil {
		nd.n = [4]int64{int64(kept[0].st), int64(kept[1].st)}
		b.save(kept[0])
		b.save(kept[1])
		b.savedLate()
	}
	b.Return(mark, y)
	return y
}

func (b *Builder) fusedGLUGrad(nd *node) {
	n := b.vals[nd.out].n
	b.pass("glu_backward", nd.dt, 5*n*nd.dt.Size())
	for i, v := range nd.in[:2] {
		if v != Never {
			b.sts[nd.n[i]].view = true // reshaped
			b.reuse(v, int32(nd.n[i]), nd.dt)
		}
	}
}

// FusedCrossEntropy keeps the logits and writes their gradient over them
// (unsloth's cross_entropy_loss.py; liger_kernel/ops/cross_entropy.py, which
// does so in forward already).
func (b *Builder) FusedCrossEntropy(logits T, rows int64) T {
	mark := b.Scope()
	b.pass("cross_entropy", Float32, logits.n*logits.dt.Size())
	b.result(rows, Float32, "b·s")
	sums := b.result(rows, Float32, "b·s")
	loss, nd := b.record(nodeFusedLoss, b.result(1, Float32, "1"), logits)
	if nd != nil {
		nd.n = [4]int64{int64(logits.st)}
		nd.dt = logits.dt
		b.save(logits)
		b.save(sums)
		b.savedLate()
	}
	b.op("sum", Elementwise, Float32, 2, 0, float64(4*rows))
	b.Return(mark, loss)
	return loss
}

func (b *Builder) fusedLossGrad(nd *node) {
	v := nd.in[0]
	b.pass("cross_entropy_backward", nd.dt, 2*b.vals[v].n*nd.dt.Size())
	b.sts[nd.n[0]].view = true // reshaped
	b.reuse(v, int32(nd.n[0]), nd.dt)
}

// reuse gives a value the memory of a kept tensor as its gradient.
func (b *Builder) reuse(v, st int32, dt DType) {
	b.sts[st].reused, b.sts[st].refs = true, 1
	b.give(v, st, dt)
}

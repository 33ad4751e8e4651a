package program

// RequireGrad makes a tensor a leaf of the graph (requires_grad_): the graph
// holds it, and its own .grad, until the graph dies.
func (b *Builder) RequireGrad(x T) T {
	x.v = b.newValue(x.n, x.dt, Never)
	b.blocks[b.block].leaf = x.v
	b.sts[x.st].Held = true
	return x
}

// Tie says that another use of a parameter is differentiated before this
// block's: the first gradient waits for the second, which is added to it in
// place when it owns its memory, and makes a new tensor when it is a view.
func (b *Builder) Tie(p int, owned bool) {
	b.Params[p].tied, b.Params[p].tiedOwned = true, owned
}

// Carry keeps a tensor of the finished block until the next block has run, as
// a variable of the model's loop over layers does. What autograd keeps anyway
// needs no such care: the result says whether the tensor is carried.
func (b *Builder) Carry(t T) bool {
	blk, s := &b.blocks[b.block], &b.sts[t.st]
	if !blk.Checkpointed && s.Saved != Never {
		return false
	}
	s.Kind, s.Drop = Carried, Never
	blk.CarryOut = t.st
	return true
}

// Carried is what the block before the open one left in such a variable.
func (b *Builder) Carried() (t T, ok bool) {
	if b.block == 0 || b.blocks[b.block-1].CarryOut == Never {
		return T{}, false
	}
	s := b.sts[b.blocks[b.block-1].CarryOut]
	b.sts = append(b.sts, Storage{
		Bytes: s.Bytes, Born: Outside, Drop: Never, Saved: Never, Cat: s.Cat, Kind: Carried, Shape: s.Shape,
	})
	b.blocks[b.block].CarryIn = int32(len(b.sts)) - 1
	return T{st: int32(len(b.sts)) - 1, v: Never}, true
}

// PassOn keeps in the open block what the blocks before left.
func (b *Builder) PassOn() { b.blocks[b.block].CarryOut = b.blocks[b.block].CarryIn }

// Checkpointed makes the open block keep only its input in forward and run
// forward again in backward (torch.utils.checkpoint, use_reentrant=False).
func (b *Builder) Checkpointed() { b.blocks[b.block].Checkpointed = true }

// Pow is x raised to a number; x is kept. Autocast runs it in float32
// (aten/src/ATen/autocast_mode.h AT_FORALL_FP32).
func (b *Builder) Pow(x T, shape string) T {
	mark := b.Scope()
	if b.autocast != Invalid {
		x = b.Cast(x, Float32, shape)
	}
	b.pass("pow", x.dt, 2*x.n*x.dt.Size())
	y, nd := b.record(nodePow, b.result(x.n, x.dt, shape), x)
	if nd != nil {
		b.save(x)
	}
	b.Return(mark, y)
	return y
}

// powGrad makes self.pow(n-1), its multiple and the product in one C++
// expression: all three are alive at once (FunctionsManual.cpp pow_backward).
func (b *Builder) powGrad(nd *node) {
	v := nd.in[0]
	n, by := b.vals[v].n, b.vals[v].n*nd.dt.Size()
	b.pass("pow", nd.dt, 2*by)
	p1 := b.temp(n, nd.dt, "gradient")
	b.pass("mul_scalar", nd.dt, 2*by)
	p2 := b.temp(n, nd.dt, "gradient")
	b.pass("mul_backward", nd.dt, 3*by)
	out := b.hold(n, nd.dt)
	b.free(p1)
	b.free(p2)
	b.give(v, out, nd.dt)
}

// AddScalar adds a Python number.
func (b *Builder) AddScalar(x T, shape string) T {
	b.pass("add_scalar", x.dt, 2*x.n*x.dt.Size())
	y, _ := b.record(nodePass, b.result(x.n, x.dt, shape), x)
	return y
}

// AddBroadcast adds a smaller tensor that broadcasts; its gradient is summed.
func (b *Builder) AddBroadcast(x, y T, shape string) T {
	dt := promote(x.dt, y.dt)
	b.pass("add", dt, x.n*(x.dt.Size()+dt.Size()))
	z, nd := b.record(nodeAddRow, b.result(x.n, dt, shape), x, y)
	if nd != nil {
		nd.n[0] = y.n
	}
	return z
}

func (b *Builder) addRowGrad(nd *node, g int32) {
	if v := nd.in[0]; v != Never {
		b.share(v, g, nd.dt)
	}
	if v := nd.in[1]; v != Never {
		if n := b.vals[v].n; n != b.vals[nd.out].n {
			b.pass("sum_to_size", nd.dt, b.vals[nd.out].n*nd.dt.Size())
			b.fresh(v, n, nd.dt, "gradient")
			return
		}
		b.share(v, g, nd.dt)
	}
}

// Split are views of consecutive parts; backward joins their gradients in one
// new tensor.
func (b *Builder) Split(x T, sizes ...int64) [3]T {
	var parts [3]T
	nd := node{kind: nodeSplit, in: [3]int32{x.v, Never, Never}, out: Never, dt: x.dt, module: b.module, cat: b.cat}
	nd.savedLo, nd.savedHi = int32(len(b.saves)), int32(len(b.saves))
	for i, n := range sizes {
		parts[i] = T{st: x.st, v: Never, n: n, dt: x.dt}
		if x.v != Never {
			parts[i].v = b.newValue(n, x.dt, Never)
			nd.n[i] = int64(parts[i].v)
		}
	}
	if x.v != Never {
		nd.n[3] = int64(len(sizes))
		nd.out = parts[0].v
		b.nodes = append(b.nodes, nd)
	}
	return parts
}

// splitGrad joins the gradients of the parts. A part without a gradient
// counts as zeros.
func (b *Builder) splitGrad(nd *node) {
	v := nd.in[0]
	n := b.vals[v].n
	b.pass("cat", nd.dt, 2*n*nd.dt.Size())
	joined := b.hold(n, nd.dt)
	for _, part := range nd.n[:nd.n[3]] {
		if g := b.vals[part].grad; g != Never {
			b.release(g)
		}
	}
	b.give(v, joined, nd.dt)
}

// EagerLayerNorm is a LayerNorm written out in float32 operations
// (modeling_cohere.py CohereLayerNorm).
func (b *Builder) EagerLayerNorm(x T, w int, rows, width int64, shape string) T {
	mark := b.Scope()
	xf := b.Cast(x, Float32, shape)
	b.pass("mean", Float32, 4*(x.n+rows))
	mean := b.result(rows, Float32, "rows")
	b.pass("sub", Float32, 8*x.n)
	centred, _ := b.record(nodePass, b.result(x.n, Float32, shape), xf)
	again := b.result(x.n, Float32, shape) // (x - mean) is written twice: under the square and under the product
	n := b.normalize(centred, rows, shape)
	if n.v != Never {
		b.save(again)
	}
	b.Drop(mean, centred, again)
	y := b.MulWeight(n, w, width, shape)
	y = b.Cast(y, x.dt, shape)
	b.Return(mark, y)
	return y
}

// MaskedAttention is scaled_dot_product_attention with a mask: a boolean one
// becomes a float one, which the memory-efficient kernel takes, and autocast
// casts a float one.
func (b *Builder) MaskedAttention(q, k, v, mask T, a AttentionShape, shape string) T {
	mark := b.Scope()
	dt := q.dt
	if b.autocast != Invalid {
		dt = b.autocast
	}
	bias := mask
	if mask.dt == Bool {
		b.pass("mask_to_float", dt, mask.n*(1+dt.Size()))
		bias = b.result(a.Batch*a.Seq*a.Seq, dt, "b·s·s")
	} else {
		bias = b.Cast(mask, dt, "b·n·s·s")
	}
	y := b.FlashAttention(q, k, v, a, shape)
	if y.v != Never && bias != mask {
		b.save(bias)
	}
	b.Return(mark, y)
	return y
}

// DivConstant divides by a tensor without gradient, which is kept.
func (b *Builder) DivConstant(x, c T, shape string) T {
	b.pass("div", x.dt, 3*x.n*x.dt.Size())
	y, nd := b.record(nodeUnary, b.result(x.n, x.dt, shape), x)
	if nd != nil {
		b.save(c)
	}
	return y
}

// Product is F.linear with a weight that is a tensor of the step.
func (b *Builder) Product(x, w T, tokens, in, out int64, shape string) T {
	mark := b.Scope()
	dt := promote(x.dt, w.dt)
	if b.autocast != Invalid {
		dt = b.autocast
		x, w = b.Cast(x, dt, shape), b.Cast(w, dt, "in·out")
	}
	y := b.product(nodeLinear, x, w, T{st: Never, v: Never}, false, dt, tokens, in, out, shape)
	b.Return(mark, y)
	return y
}

// XIELU is the eager form of xIELU (activations.py XIELUActivation): two
// branches over the whole tensor, chosen by a mask. alpha are its two learned
// scalars.
func (b *Builder) XIELU(x T, alpha int, shape string) T {
	at := b.Weight(alpha)
	wide := promote(x.dt, at.dt) // the scalars are tensors of one element: they promote
	exp32 := x.dt
	if b.autocast != Invalid {
		wide, exp32 = Float32, Float32 // the scalars' softplus and expm1 are on autocast's float32 list
	}
	line := func(name string, dt DType) T { b.pass(name, dt, 3*x.n*dt.Size()); return b.result(x.n, dt, shape) }
	b.pass("gt", x.dt, x.n*(x.dt.Size()+1))
	mask := b.result(x.n, Bool, shape)
	scaled := line("mul", wide)
	square, linear := line("mul", wide), line("mul", x.dt)
	positive := line("add", wide)
	b.Drop(square, linear)
	low := line("minimum", x.dt)
	low32 := b.Cast(low, exp32, shape)
	exp := line("expm1", exp32)
	b.Drop(low)
	if low32 != low {
		b.Drop(low32)
	}
	diff := line("sub", exp32)
	out := promote(wide, exp32)
	branch := line("mul", out)
	b.Drop(diff)
	linear2 := line("mul", x.dt)
	negative := line("add", out)
	b.Drop(branch, linear2)
	y := line("where", out)
	y, nd := b.record(nodeXIELU, y, x, at)
	if nd != nil {
		for _, t := range []T{x, mask, scaled, exp} {
			b.save(t)
		}
		if at.v != Never {
			b.save(diff)
		}
		nd.dt2 = x.dt
	}
	b.Drop(positive, negative, mask, scaled, exp)
	return y
}

// xieluGrad follows the branches back; what each step keeps is released with
// the node here, slightly later than PyTorch does.
func (b *Builder) xieluGrad(nd *node, g int32) {
	v, alpha := nd.in[0], nd.in[1]
	n, by := b.vals[nd.out].n, b.vals[nd.out].n*nd.dt.Size()
	line := func(name string) int32 { b.pass(name, nd.dt, 3*by); return b.temp(n, nd.dt, "gradient") }
	neg := line("where_backward")
	pos := line("where_backward")
	b.release(g)
	dx := line("mul_backward")
	b.sts[dx].refs = 1
	full := line("mul_backward")
	dd := line("mul_backward")
	b.free(full)
	b.free(neg)
	for _, name := range []string{"sub_backward", "expm1_backward", "minimum_backward", "mul_backward", "mul_backward"} {
		t := line(name)
		b.pass("add_gradient", nd.dt, 3*by)
		b.free(t)
	}
	b.free(dd)
	b.free(pos)
	if alpha != Never {
		b.fresh(alpha, b.vals[alpha].n, nd.dt, "2")
	}
	if v != Never {
		b.give(v, dx, nd.dt)
	}
}

// MaskedFill replaces x by a constant where a mask says so; backward fills the
// gradient in place, because nothing else holds it.
func (b *Builder) MaskedFill(x, mask T, shape string) T {
	b.pass("masked_fill", x.dt, 2*x.n*x.dt.Size())
	y, nd := b.record(nodePass, b.result(x.n, x.dt, shape), x)
	if nd != nil {
		b.save(mask)
	}
	return y
}

// Where keeps x where a mask that lies ready is true: a scalar elsewhere.
func (b *Builder) Where(x T, shape string) T {
	b.pass("where", x.dt, 2*x.n*x.dt.Size())
	y, nd := b.record(nodeScale, b.result(x.n, x.dt, shape), x)
	if nd != nil {
		b.saveWeight() // the mask is a buffer
	}
	return y
}

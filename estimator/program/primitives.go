package program

// none is the absent parameter.
const none = -1

// Weight is a parameter as an operand. Its value is created on first use in
// the open block.
func (b *Builder) Weight(p int) T {
	pr := &b.Params[p]
	t := T{st: Never, v: Never, n: pr.N, dt: pr.DType}
	if pr.Trainable {
		if pr.v == Never {
			pr.v = b.newValue(pr.N, pr.DType, int32(p))
		}
		t.v = pr.v
	}
	return t
}

// AddParam registers a parameter and returns its index.
func (b *Builder) AddParam(p Param) int {
	p.v = Never
	b.Params = append(b.Params, p)
	return len(b.Params) - 1
}

// Detach is the tensor without its history.
func (b *Builder) Detach(x T) T { x.v = Never; return x }

// Input allocates a tensor that needs no gradient.
func (b *Builder) Input(name string, n int64, dt DType, shape string) T {
	b.pass(name, dt, n*dt.Size())
	return b.result(n, dt, shape)
}

// Cast is Tensor.to(dtype): a copy, or the tensor itself when it has the type.
func (b *Builder) Cast(x T, dt DType, shape string) T {
	if x.dt == dt {
		return x
	}
	b.pass("to", dt, x.n*(x.dt.Size()+dt.Size()))
	y, _ := b.record(nodeCast, b.result(x.n, dt, shape), x)
	return y
}

// castWeight is autocast's copy of a weight in its type: cached until autocast
// ends for a float32 leaf that trains, made anew at each use otherwise
// (cached_cast, aten/src/ATen/autocast_mode.cpp).
func (b *Builder) castWeight(w T, trainable bool) T {
	if w.dt == b.autocast {
		return w
	}
	b.pass("to_weight", b.autocast, w.n*(w.dt.Size()+b.autocast.Size()))
	c := b.result(w.n, b.autocast, "weight")
	if trainable && w.dt == Float32 {
		b.sts[c.st].Kind = ForwardEnd
	}
	c, _ = b.record(nodeCast, c, w)
	return c
}

// Linear is F.linear: y = x·Wᵀ + bias, with autocast's casts. x holds tokens
// rows of in elements.
func (b *Builder) Linear(x T, w, bias int, tokens, in, out int64, shape string) T {
	mark := b.Scope()
	wt := b.Weight(w)
	var bt T
	if bias != none {
		bt = b.Weight(bias)
	}
	dt := x.dt
	if b.autocast != Invalid {
		dt = b.autocast
		x = b.Cast(x, dt, shape)
		wt = b.castWeight(wt, b.Params[w].Trainable)
		if bias != none {
			bt = b.castWeight(bt, b.Params[bias].Trainable)
		}
	}
	y := b.product(nodeLinear, x, wt, bt, bias != none, dt, tokens, in, out, shape)
	b.Return(mark, y)
	return y
}

// MatmulLinear is x @ W.T and then + bias: two operations. The transposed
// weight is a view, which autocast casts at each use, and does not cast the
// addition.
func (b *Builder) MatmulLinear(x T, w, bias int, tokens, in, out int64, shape string) T {
	mark := b.Scope()
	wt, dt := b.Weight(w), x.dt
	if b.autocast != Invalid {
		dt = b.autocast
		wt = b.castWeight(wt, false)
		x = b.Cast(x, dt, shape)
	}
	y := b.product(nodeLinear, x, wt, T{st: Never, v: Never}, false, dt, tokens, in, out, shape)
	if bias != none {
		y = b.AddBroadcast(y, b.Weight(bias), shape)
	}
	b.Return(mark, y)
	return y
}

// product is the matrix product of a linear layer on operands of one type.
func (b *Builder) product(kind nodeKind, x, w, bias T, hasBias bool, dt DType, tokens, in, out int64, shape string) T {
	name := "mm"
	if hasBias {
		name = "addmm"
	}
	b.matmul(name, dt, tokens, out, in, 1)
	y := b.result(tokens*out, dt, shape)
	var nd *node
	if hasBias {
		y, nd = b.record(kind, y, x, w, bias)
	} else {
		y, nd = b.record(kind, y, x, w)
	}
	if nd != nil {
		nd.n = [4]int64{tokens, in, out}
		if w.v != Never {
			b.save(x)
		}
		if x.v != Never {
			b.save(w)
		}
		if kind == nodeLinear && nd.in[0] == Never && nd.in[1] == Never { // only the bias trains
			nd.flag = true
		}
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

// matmul is one (batched) matrix product M×K · K×N.
func (b *Builder) matmul(name string, dt DType, m, n, k, batch int64) {
	f := 2 * float64(m) * float64(n) * float64(k) * float64(batch)
	by := float64(dt.Size()) * float64(batch) * (float64(m)*float64(k) + float64(n)*float64(k) + float64(m)*float64(n))
	o := b.op(name, Matmul, dt, 1, f, by)
	o.M, o.N, o.K, o.Batch = m, n, k, batch
}

// Mul is the product of two tensors of one shape.
func (b *Builder) Mul(x, y T, shape string) T {
	dt := promote(x.dt, y.dt)
	b.pass("mul", dt, x.n*(x.dt.Size()+y.dt.Size()+dt.Size()))
	z, nd := b.record(nodeMul, b.result(x.n, dt, shape), x, y)
	if nd != nil {
		if y.v != Never {
			b.save(x)
		}
		if x.v != Never {
			b.save(y)
		}
	}
	return z
}

// Scale multiplies by a Python number: a new tensor, nothing kept.
func (b *Builder) Scale(x T, shape string) T {
	b.pass("mul_scalar", x.dt, 2*x.n*x.dt.Size())
	y, _ := b.record(nodeScale, b.result(x.n, x.dt, shape), x)
	return y
}

// Add is the sum of two tensors of one shape.
func (b *Builder) Add(x, y T, shape string) T {
	dt := promote(x.dt, y.dt)
	b.pass("add", dt, x.n*(x.dt.Size()+y.dt.Size()+dt.Size()))
	z, _ := b.record(nodeAdd, b.result(x.n, dt, shape), x, y)
	return z
}

// AddConstant adds a tensor without gradient that broadcasts (a mask, a
// position table row).
func (b *Builder) AddConstant(x T, c T, shape string) T {
	dt := promote(x.dt, c.dt)
	b.pass("add", dt, x.n*(x.dt.Size()+dt.Size())+c.n*c.dt.Size())
	z, _ := b.record(nodeAdd, b.result(x.n, dt, shape), x)
	return z
}

// ScaleInPlace is x *= number.
func (b *Builder) ScaleInPlace(x T) T {
	b.pass("mul_", x.dt, 2*x.n*x.dt.Size())
	y, _ := b.record(nodeScale, T{st: x.st, v: Never, n: x.n, dt: x.dt}, x)
	return y
}

// AddInPlace is x += y.
func (b *Builder) AddInPlace(x, y T) T {
	b.pass("add_", x.dt, x.n*(2*x.dt.Size()+y.dt.Size()))
	z, _ := b.record(nodeAdd, T{st: x.st, v: Never, n: x.n, dt: x.dt}, x, y)
	return z
}

// Unary is an elementwise function that keeps its input (silu, gelu) and has
// a fused derivative.
func (b *Builder) Unary(name string, x T, shape string) T {
	b.pass(name, x.dt, 2*x.n*x.dt.Size())
	y, nd := b.record(nodeUnary, b.result(x.n, x.dt, shape), x)
	if nd != nil {
		b.save(x)
	}
	return y
}

// UnaryResult is an elementwise function that keeps its result (relu, tanh).
func (b *Builder) UnaryResult(name string, x T, shape string) T {
	b.pass(name, x.dt, 2*x.n*x.dt.Size())
	y, nd := b.record(nodeReLU, b.result(x.n, x.dt, shape), x)
	if nd != nil {
		b.save(y)
	}
	return y
}

// Clone is a contiguous copy.
func (b *Builder) Clone(x T, shape string) T {
	b.pass("clone", x.dt, 2*x.n*x.dt.Size())
	y, _ := b.record(nodePass, b.result(x.n, x.dt, shape), x)
	return y
}

// ExpandView repeats without a copy: one head expands to many as a view.
func (b *Builder) ExpandView(x T, times int64) T {
	y, _ := b.record(nodeExpand, T{st: x.st, v: Never, n: x.n * times, dt: x.dt}, x)
	return y
}

// Expand copies each element times times (repeat_kv: expand and reshape).
func (b *Builder) Expand(x T, times int64, shape string) T {
	b.pass("expand_clone", x.dt, x.n*x.dt.Size()*(1+times))
	y, _ := b.record(nodeExpand, b.result(x.n*times, x.dt, shape), x)
	return y
}

// Slice is a part of a tensor that shares its storage; the gradient is a
// zero-filled tensor of the whole size (slice_backward).
func (b *Builder) Slice(x T, n int64) T {
	y := T{st: x.st, v: Never, n: n, dt: x.dt}
	if len(b.ops) == 0 {
		b.op("slice", Free, x.dt, 0, 0, 0)
	}
	y, _ = b.record(nodeSlice, y, x)
	return y
}

// Cat joins two tensors.
func (b *Builder) Cat(x, y T, shape string) T {
	b.pass("cat", x.dt, 2*(x.n+y.n)*x.dt.Size())
	z, nd := b.record(nodeCat, b.result(x.n+y.n, x.dt, shape), x, y)
	if nd != nil {
		nd.n = [4]int64{x.n, y.n}
	}
	return z
}

// Dropout keeps a byte mask per element; with probability 0 it is the tensor
// itself (no kernel).
func (b *Builder) Dropout(x T, p float64, shape string) T {
	if p == 0 {
		return x
	}
	b.pass("native_dropout", x.dt, x.n*(2*x.dt.Size()+1))
	y := b.result(x.n, x.dt, shape)
	mask := b.result(x.n, Bool, shape)
	y, nd := b.record(nodeDropout, y, x)
	if nd != nil {
		b.save(mask)
	}
	b.Drop(mask)
	return y
}

// Bmm is a batched matrix product M×K · K×N; both operands are kept.
func (b *Builder) Bmm(x, y T, m, n, k, batch int64, shape string) T {
	mark := b.Scope()
	if b.autocast != Invalid {
		x, y = b.Cast(x, b.autocast, shape), b.Cast(y, b.autocast, shape)
	}
	b.matmul("bmm", x.dt, m, n, k, batch)
	z, nd := b.record(nodeBmm, b.result(m*n*batch, x.dt, shape), x, y)
	if nd != nil {
		nd.n = [4]int64{m, n, k, batch}
		if y.v != Never {
			b.save(x)
		}
		if x.v != Never {
			b.save(y)
		}
	}
	b.Return(mark, z)
	return z
}

// Softmax is softmax(x, dtype): float16 becomes float32 inside the kernel,
// other types through a copy (aten/src/ATen/native/SoftMax.cpp). The result is kept.
func (b *Builder) Softmax(x T, dt DType, shape string) T {
	mark := b.Scope()
	if x.dt != Float16 || dt != Float32 {
		x = b.Cast(x, dt, shape)
	}
	b.pass("softmax", dt, x.n*(x.dt.Size()+dt.Size()))
	y, nd := b.record(nodeSoftmax, b.result(x.n, dt, shape), x)
	if nd != nil {
		nd.dt = x.dt
		b.save(y)
	}
	b.Return(mark, y)
	return y
}

// Embedding looks rows up; ids are kept, the gradient is dense.
func (b *Builder) Embedding(ids T, w int, tokens, width int64, shape string) T {
	wt := b.Weight(w)
	b.pass("embedding", wt.dt, 2*tokens*width*wt.dt.Size())
	y, nd := b.record(nodeEmbedding, b.result(tokens*width, wt.dt, shape), wt)
	if nd != nil {
		b.save(ids)
	}
	return y
}

// CrossEntropy is F.cross_entropy on float32 logits of rows×vocab: the
// log-probabilities are kept, the loss is a scalar.
func (b *Builder) CrossEntropy(logits T, rows, vocab int64, shape string) T {
	b.pass("log_softmax", Float32, 2*logits.n*4)
	logp, nd := b.record(nodeSoftmax, b.result(logits.n, Float32, shape), logits)
	if nd != nil {
		nd.dt = Float32
		b.save(logp)
	}
	b.pass("nll_loss", Float32, rows*16)
	loss := b.result(1, Float32, "1")
	weight := b.result(1, Float32, "1")
	loss, nd = b.record(nodeCrossEntropy, loss, logp)
	if nd != nil {
		nd.n = [4]int64{rows, vocab}
		b.save(logp)
		b.save(weight)
	}
	b.Drop(logp, weight)
	return loss
}

package program

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

// DivConstant divides by a tensor without gradient, which is kept.
func (b *Builder) DivConstant(x, c T, shape string) T {
	b.pass("div", x.dt, 3*x.n*x.dt.Size())
	y, nd := b.record(nodeUnary, b.result(x.n, x.dt, shape), x)
	if nd != nil {
		b.save(c)
	}
	return y
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

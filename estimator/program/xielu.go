package program

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

package program

// GELUBloom is BLOOM's own autograd function: it keeps its input only and makes
// everything else again in backward (modeling_bloom.py GeLUFunction).
func (b *Builder) GELUBloom(x T, shape string) T {
	half := b.line("mul", x, shape)
	arg := b.geluArgument(x, shape)
	t := b.line("tanh", x, shape)
	b.Drop(arg)
	one := b.line("add", x, shape)
	b.Drop(t)
	b.pass("mul", x.dt, 3*x.n*x.dt.Size())
	y, nd := b.record(nodeGELUBloom, b.result(x.n, x.dt, shape), x)
	if nd != nil {
		b.save(x)
		b.savedLate()
	}
	b.Drop(half, one)
	return y
}

// geluArgument is 0.79788456·x·(1 + 0.044715·x·x).
func (b *Builder) geluArgument(x T, shape string) T {
	scaled := b.line("mul", x, shape)
	inner := b.line("mul", x, shape)
	square := b.line("mul", x, shape)
	b.Drop(inner)
	one := b.line("add", x, shape)
	b.Drop(square)
	arg := b.line("mul", x, shape)
	b.Drop(scaled, one)
	return arg
}

// line is one elementwise operation on tensors like x, outside the graph.
func (b *Builder) line(name string, x T, shape string) T {
	b.pass(name, x.dt, 3*x.n*x.dt.Size())
	return b.result(x.n, x.dt, shape)
}

// geluBloomGrad is bloom_gelu_back.
func (b *Builder) geluBloomGrad(nd *node) {
	const shape = "gradient"
	x := T{st: Never, v: Never, n: b.vals[nd.in[0]].n, dt: nd.dt}
	arg := b.geluArgument(x, shape)
	tanh := b.line("tanh", x, shape)
	b.Drop(arg)
	half := b.line("mul", x, shape)
	square := b.line("mul", x, shape)
	less := b.line("sub", x, shape)
	b.Drop(square)
	scaled := b.line("mul", x, shape)
	quad := b.line("mul", x, shape)
	b.Drop(scaled)
	slope := b.line("add", x, shape)
	b.Drop(quad)
	product := b.line("mul", x, shape)
	b.Drop(less, slope)
	left := b.line("mul", x, shape)
	b.Drop(half, product)
	one := b.line("add", x, shape)
	right := b.line("mul", x, shape)
	b.Drop(one)
	ff := b.line("add", x, shape)
	b.Drop(left, right)
	b.pass("mul", nd.dt, 3*x.n*nd.dt.Size())
	dx := b.hold(x.n, nd.dt)
	b.Drop(tanh, ff)
	b.give(nd.in[0], dx, nd.dt)
}

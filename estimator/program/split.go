package program

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

package program

// Split are views of consecutive parts; backward joins their gradients in one
// new tensor.
func (b *Builder) Split(x T, sizes ...int64) [3]T {
	var parts [3]T
	b.SplitInto(parts[:], x, sizes...)
	return parts
}

// SplitInto is [Builder.Split] into any number of parts.
func (b *Builder) SplitInto(parts []T, x T, sizes ...int64) {
	nd := node{kind: nodeSplit, in: [3]int32{x.v, Never, Never}, out: Never, dt: x.dt, module: b.module, cat: b.cat}
	nd.savedLo, nd.savedHi = int32(len(b.saves)), int32(len(b.saves))
	for i, n := range sizes {
		parts[i] = T{st: x.st, v: Never, n: n, dt: x.dt}
		if x.v != Never {
			parts[i].v = b.newValue(n, x.dt, Never)
		}
	}
	if x.v != Never {
		nd.out = parts[0].v
		nd.n = [4]int64{int64(nd.out), int64(len(sizes))} // the values follow each other
		b.nodes = append(b.nodes, nd)
	}
}

// splitGrad joins the gradients of the parts. A part without a gradient
// counts as zeros.
func (b *Builder) splitGrad(nd *node) {
	v := nd.in[0]
	n := b.vals[v].n
	b.pass("cat", nd.dt, 2*n*nd.dt.Size())
	joined := b.hold(n, nd.dt)
	for part := nd.n[0]; part < nd.n[0]+nd.n[1]; part++ {
		if g := b.vals[part].grad; g != Never {
			b.release(g)
		}
	}
	b.give(v, joined, nd.dt)
}

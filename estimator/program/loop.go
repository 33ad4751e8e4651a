package program

// Assign leaves tensors in a variable of the training loop. Those that the
// micro-batch before left in it die after the operation that runs.
func (b *Builder) Assign(ts []T) {
	cur := int32(len(b.ops)) - 1
	old := Storage{Born: Outside, Drop: cur, Saved: Never, Kind: LoopVariable, Cat: b.sts[ts[0].st].Cat}
	for _, t := range ts {
		s := &b.sts[t.st]
		s.Kind, s.Drop = LoopVariable, Never
		old.Bytes += s.Bytes
	}
	b.sts = append(b.sts, old)
	b.blocks[b.block].Assigns = true
}

// Conv is a convolution of width 1 over rank channels for each of its groups.
func (b *Builder) Conv(x T, w int, tokens, rank, out int64, shape string) T {
	mark := b.Scope()
	wt, dt := b.Weight(w), x.dt
	if b.autocast != Invalid {
		dt = b.autocast
		wt, x = b.castWeight(wt, false), b.Cast(x, dt, shape)
	}
	y := b.product(nodeLinear, x, wt, T{st: Never, v: Never}, false, dt, tokens, rank, out, shape)
	b.Return(mark, y)
	return y
}

// IndexCopy writes x into some of the columns of a tensor of n zeros.
func (b *Builder) IndexCopy(x T, columns, n int64, shape string) T {
	zeros := b.Input("zeros", n, x.dt, shape)
	index := b.Input("tensor", columns, Int64, "columns")
	b.pass("index_copy", x.dt, 3*n*x.dt.Size())
	y, nd := b.record(nodeIndexCopy, b.result(n, x.dt, shape), x)
	if nd != nil {
		b.save(index)
		b.save(x) // for its shape (derivatives.yaml index_copy)
	}
	b.Drop(zeros, index)
	return y
}

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
// forward again in backward (torch.utils.checkpoint, use_reentrant).
func (b *Builder) Checkpointed(reentrant bool) {
	blk := &b.blocks[b.block]
	blk.Checkpointed, blk.Reentrant = true, reentrant
	if reentrant {
		blk.LastSave, blk.FirstUnpack = blk.FwdEnd-1, blk.FwdEnd
	}
}

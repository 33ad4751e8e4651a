package program

// ClipGradNorm is torch.nn.utils.clip_grad_norm_: one scalar per tensor, then
// an in-place multiplication.
func (b *Builder) ClipGradNorm(tensors, gradBytes int64) {
	b.op("foreach_norm", Elementwise, Float32, int32(1+tensors/64), 0, float64(gradBytes))
	norms := T{st: b.allocBytes(tensors*blockSize, "tensors")}
	b.sts[norms.st].Times = int32(tensors)
	b.op("foreach_mul_", Elementwise, Float32, int32(1+tensors/64), 0, float64(2*gradBytes))
	b.Drop(norms)
}

// Begin the allocation of the optimizer's states: the first step only.
func (b *Builder) InitState() { b.op("init_state", Elementwise, Float32, 1, 0, 0) }

// OptimizerState is one state tensor of a parameter, times equal ones.
func (b *Builder) OptimizerState(bytes, times int64) {
	st := b.allocBytes(bytes*times, "state")
	b.sts[st].Kind, b.sts[st].Times = State, int32(times)
}

// Update is one kernel of the update: passes reads and writes of bytes.
func (b *Builder) Update(name string, dt DType, moved, tensors int64) {
	b.op(name, Elementwise, dt, int32(1+tensors/32), 0, float64(moved))
}

// UpdateTemp is a temporary of the update, times equal ones.
func (b *Builder) UpdateTemp(bytes, times int64) {
	st := b.allocBytes(bytes*times, "parameter")
	b.sts[st].Times = int32(times)
	b.free(st)
}

// End closes a block that has no backward.
func (b *Builder) End() {
	blk := &b.blocks[b.block]
	blk.FwdEnd, blk.OpHi = int32(len(b.ops)), int32(len(b.ops))
	blk.StHi = int32(len(b.sts))
	blk.nodeHi = int32(len(b.nodes))
}

func (b *Builder) allocBytes(bytes int64, shape string) int32 {
	st := b.alloc(0, Float32, shape)
	b.sts[st].Bytes = bytes
	return st
}

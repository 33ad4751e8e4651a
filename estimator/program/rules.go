package program

// differentiate writes the backward operations of one node: g is the gradient
// of its result, of the result's type. It says whether g was let go of already.
func (b *Builder) differentiate(nd *node, g int32) (released bool) {
	in := nd.in
	switch nd.kind {
	case nodeCast, nodeAdd, nodePass:
		b.shareAll(in[:], g, nd.dt)
	case nodeScale:
		b.unaryGrad("mul_backward", nd, 2)
	case nodeUnary:
		b.unaryGrad("activation_backward", nd, 3)
	case nodeReLU:
		b.unaryGrad("threshold_backward", nd, 3)
	case nodeDropout:
		b.unaryGrad("native_dropout_backward", nd, 3)
	case nodeMul:
		b.mulGrad(nd)
	case nodeLinear:
		b.linearGrad(nd)
	case nodeFrozenQuant:
		b.quantGrad(nd)
	case nodeBmm:
		b.bmmGrad(nd)
	case nodeExpand:
		b.oneGrad("sum", nd, nd.dt, (b.vals[nd.out].n+b.vals[in[0]].n)*nd.dt.Size())
	case nodeIndexCopy:
		b.unaryGrad("index_select", nd, 2)
	case nodeSlice, nodeEmbedding:
		b.oneGrad("scatter_backward", nd, nd.dt, (b.vals[in[0]].n+2*b.vals[nd.out].n)*nd.dt.Size())
	case nodeCat:
		b.shareAll(in[:2], g, nd.dt)
	case nodeSoftmax:
		b.oneGrad("softmax_backward", nd, nd.dt, b.vals[in[0]].n*(8+nd.dt.Size()))
	case nodeCrossEntropy:
		b.oneGrad("nll_loss_backward", nd, Float32, b.vals[in[0]].n*4)
	case nodeNormRow:
		b.weightGrad(nd)
	case nodeInt8:
		b.int8Grad(nd)
	case nodeXIELU:
		b.xieluGrad(nd, g)
		return true
	case nodeGELUBloom:
		b.geluBloomGrad(nd)
	case nodeIndexRows:
		b.indexRowsGrad(nd)
	case nodeChunkedLoss:
		b.chunkedGrad(nd)
	case nodeTokenChunks:
		b.tokenChunksGrad(nd)
	case nodeLigerLoss:
		b.ligerGrad(nd)
	case nodePow:
		b.powGrad(nd)
	case nodeAddRow:
		b.addRowGrad(nd, g)
	case nodeRMSNorm:
		b.rmsNormGrad(nd, g)
		return true
	case nodeLayerNorm:
		b.layerNormGrad(nd)
	case nodeFusedNorm:
		b.fusedNormGrad(nd, g)
	case nodeFusedRope:
		b.fusedRopeGrad(nd, g)
	case nodeFusedGLU:
		b.fusedGLUGrad(nd)
	case nodeFusedLoRA:
		b.fusedLoRAGrad(nd)
	case nodeFusedLoss:
		b.fusedLossGrad(nd)
	case nodeRope:
		b.ropeGrad(nd)
	case nodeFused:
		b.attentionGrad(nd)
	}
	return false
}

// shareAll gives each input a gradient that is the result's itself.
func (b *Builder) shareAll(in []int32, g int32, dt DType) {
	for _, v := range in {
		if v != Never {
			b.share(v, g, dt)
		}
	}
}

// oneGrad is one kernel that moves so many bytes and writes the gradient of
// the node's only input.
func (b *Builder) oneGrad(name string, nd *node, dt DType, bytes int64) {
	v := nd.in[0]
	b.pass(name, dt, bytes)
	b.fresh(v, b.vals[v].n, dt, "gradient")
}

// unaryGrad is one kernel that writes the input's gradient from passes tensors.
func (b *Builder) unaryGrad(name string, nd *node, passes int64) {
	v := nd.in[0]
	n := b.vals[v].n
	b.pass(name, nd.dt, passes*n*nd.dt.Size())
	b.fresh(v, n, nd.dt, "gradient")
}

// mulGrad: each factor's gradient is the other factor times g. Both exist
// before either is handed on.
func (b *Builder) mulGrad(nd *node) {
	var made [2]int32
	for i, v := range nd.in[:2] {
		made[i] = Never
		if v == Never {
			continue
		}
		b.pass("mul_backward", nd.dt, 3*b.vals[v].n*nd.dt.Size())
		made[i] = b.alloc(b.vals[v].n, nd.dt, "gradient")
		b.sts[made[i]].refs = 1
	}
	for i, v := range nd.in[:2] {
		if v != Never {
			b.give(v, made[i], nd.dt)
		}
	}
}

// linearGrad: dx = dy·W, dW = dyᵀ·x, db = Σ dy, all made before any is handed on.
func (b *Builder) linearGrad(nd *node) {
	tokens, in, out := nd.n[0], nd.n[1], nd.n[2]
	made := [3]int32{Never, Never, Never}
	if v := nd.in[0]; v != Never {
		b.matmul("mm_backward_input", nd.dt, tokens, in, out, 1)
		made[0] = b.hold(b.vals[v].n, nd.dt)
		b.sts[made[0]].view = true // the product of rows, reshaped
	}
	if v := nd.in[1]; v != Never {
		b.matmul("mm_backward_weight", nd.dt, out, in, tokens, 1)
		made[1] = b.hold(out*in, nd.dt)
	}
	if v := nd.in[2]; v != Never {
		b.pass("sum", nd.dt, tokens*out*nd.dt.Size())
		made[2] = b.hold(out, nd.dt)
	}
	for i, v := range nd.in {
		if v != Never {
			b.give(v, made[i], nd.dt)
		}
	}
}

// hold allocates a gradient with one holder.
func (b *Builder) hold(n int64, dt DType) int32 {
	st := b.alloc(n, dt, "gradient")
	b.sts[st].refs = 1
	return st
}

func (b *Builder) bmmGrad(nd *node) {
	m, n, k, batch := nd.n[0], nd.n[1], nd.n[2], nd.n[3]
	made := [2]int32{Never, Never}
	if nd.in[0] != Never {
		b.matmul("bmm_backward", nd.dt, m, k, n, batch)
		made[0] = b.hold(m*k*batch, nd.dt)
		b.sts[made[0]].view = true
	}
	if nd.in[1] != Never {
		b.matmul("bmm_backward", nd.dt, k, n, m, batch)
		made[1] = b.hold(k*n*batch, nd.dt)
		b.sts[made[1]].view = true
	}
	for i, v := range nd.in[:2] {
		if v != Never {
			b.give(v, made[i], nd.dt)
		}
	}
}

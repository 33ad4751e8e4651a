package program

// QuantLinear is a frozen 4-bit linear layer (bitsandbytes Linear4bit): the
// input is cast to the compute type, the result back. Nothing of the input is
// kept; backward dequantizes the whole weight again
// (bitsandbytes/autograd/_functions.py MatMul4Bit).
func (b *Builder) QuantLinear(x T, w, bias int, compute DType, nested bool, tokens, in, out int64, shape string) T {
	mark := b.Scope()
	xin := x
	if b.autocast != Invalid {
		compute = b.autocast
	}
	x = b.Cast(x, compute, shape)
	b.dequantize(compute, in*out, nested)
	b.matmul("gemm_4bit", compute, tokens, out, in, 1)
	y, nd := b.record(nodeFrozenQuant, b.result(tokens*out, compute, shape), x)
	if nd != nil {
		nd.n = [4]int64{tokens, in, out}
		nd.flag = nested
	}
	y = b.Cast(y, xin.dt, shape)
	b.Return(mark, y)
	return y
}

// dequantize writes a whole weight in the compute type and drops it after the
// product: kernel memory of gemm_4bit beyond 1,536 rows in forward.
func (b *Builder) dequantize(dt DType, n int64, nested bool) {
	kernels := int32(1)
	if nested {
		kernels = 2
	}
	b.op("dequantize_4bit", Dequantize, dt, kernels, 0, float64(n)*(0.5+4.0/64+float64(dt.Size()))).N = n
	b.kernelTemp(n, dt)
	b.extend()
}

// extend keeps the last storage over the operation that follows.
func (b *Builder) extend() { b.sts[len(b.sts)-1].Drop++ }

// quantGrad is dx = dy · dequantize(W): the weight exists in full meanwhile.
func (b *Builder) quantGrad(nd *node) {
	v := nd.in[0]
	if v == Never {
		return
	}
	tokens, in, out := nd.n[0], nd.n[1], nd.n[2]
	if nd.flag { // the block scales are dequantized to float32 first
		b.op("dequantize_absmax", Dequantize, Float32, 2, 0, float64(in*out)/64*5).N = in * out / 64
		scales := b.temp(in*out/64, Float32, "in·out/64")
		defer b.free(scales)
	}
	b.op("dequantize_4bit", Dequantize, nd.dt, 1, 0, float64(in*out)*(0.5+4.0/64+float64(nd.dt.Size()))).N = in * out
	b.cat = Workspace
	w := b.temp(in*out, nd.dt, "in·out")
	b.cat = nd.cat
	b.matmul("mm_backward_input", nd.dt, tokens, in, out, 1)
	dx := b.hold(tokens*in, nd.dt)
	b.free(w)
	b.give(v, dx, nd.dt)
}

// Int8Linear is a frozen 8-bit linear layer with outlier decomposition
// (bitsandbytes/autograd/_functions.py MatMul8bitLt). The input is an
// attribute of its graph node: it stays until the graph dies, and
// checkpointing does not drop it.
func (b *Builder) Int8Linear(x T, tokens, in, out int64, shape string) T {
	mark := b.Scope()
	a16 := b.Cast(b.Detach(x), Float16, "b·s·in")
	b.op("int8_vectorwise_quant", Elementwise, Float16, 4, 0, float64(tokens*in*8))
	rows := b.result(tokens, Float32, "b·s")
	quantized := b.result(tokens*in, UInt8, "b·s·in")
	abs := b.result(tokens*in, Float16, "b·s·in")
	outliers := b.result(tokens*in, Bool, "b·s·in")
	b.Drop(abs, outliers)
	if a16.st != x.st {
		b.Drop(a16)
	}
	b.matmul("int8_scaled_mm", Int8, tokens, out, in, 1)
	product := T{st: b.alloc(tokens*out*4, UInt8, shape)}
	y := b.result(tokens*out, Float16, shape)
	if x.dt != Float16 {
		half := y
		b.pass("to", x.dt, y.n*(2+x.dt.Size()))
		y = b.result(y.n, x.dt, shape)
		b.Drop(half)
	}
	b.Drop(product)
	y, nd := b.record(nodeInt8, y, x)
	if nd != nil {
		nd.n = [4]int64{tokens, in, out}
		b.sts[x.st].Held = true
	}
	b.Drop(rows, quantized)
	b.Return(mark, y)
	return y
}

// int8Grad is dx = dy · dequantize(W) in the input's type.
func (b *Builder) int8Grad(nd *node) {
	v := nd.in[0]
	tokens, in, out := nd.n[0], nd.n[1], nd.n[2]
	o := b.op("dequantize_8bit", Dequantize, nd.dt, 2, 0, float64(in*out)*(1+3*float64(nd.dt.Size())))
	o.N, o.EightBit = in*out, true
	b.cat = Workspace
	w := b.temp(in*out, nd.dt, "in·out")
	b.cat = nd.cat
	b.matmul("mm_backward_input", nd.dt, tokens, in, out, 1)
	dx := b.hold(tokens*in, nd.dt)
	b.free(w)
	b.give(v, dx, nd.dt)
}

// DequantizedWeight is a whole quantized weight in a type, outside any graph.
func (b *Builder) DequantizedWeight(n int64, dt DType) T {
	b.op("dequantize", Dequantize, dt, 1, 0, float64(n)*(0.5+4.0/64+float64(dt.Size()))).N = n
	return b.result(n, dt, "in·out")
}

package program

// Quant4 describes a frozen 4-bit weight.
type Quant4 struct {
	In, Out int64
	Compute DType // type of the product
	Source  DType // type of the weight before it was quantized: what dequantize_4bit returns
	Nested  bool  // double quantization
	// Holds: bitsandbytes before 0.43, whose function keeps its input as an
	// attribute of its graph node and dequantizes to the type of the source.
	Holds bool
}

// QuantLinear is a frozen 4-bit linear layer (bitsandbytes Linear4bit): the
// input is cast to the compute type, the result back. Nothing of the input is
// kept; forward and backward each dequantize the whole weight
// (bitsandbytes/autograd/_functions.py MatMul4Bit; backends/cuda/ops.py
// _dequant_linear_fallback).
func (b *Builder) QuantLinear(x T, q Quant4, tokens int64, shape string) T {
	mark := b.Scope()
	xin := x
	if b.autocast != Invalid {
		q.Compute = b.autocast
	}
	x = b.Cast(x, q.Compute, shape)
	n := q.In * q.Out
	cat := b.cat
	b.cat = Workspace
	var scales, shifted T
	if q.Nested {
		b.op("dequantize_absmax", Dequantize, Float32, 2, 0, float64(n)/64*5).N = n / 64
		scales = b.result(n/64, Float32, "in·out/64")
		if !q.Holds { // the offset is added in place there
			shifted = b.result(n/64, Float32, "in·out/64")
		}
	}
	wt := q.Compute
	if q.Holds {
		wt = q.Source
	}
	b.op("dequantize_4bit", Dequantize, wt, 1, 0, float64(n)*(0.5+4.0/64+float64(wt.Size()))).N = n
	w := b.result(n, wt, "in·out")
	if q.Holds {
		if q.Nested {
			b.Drop(scales)
		}
		if cast := b.Cast(w, q.Compute, "in·out"); cast != w {
			b.Drop(w)
			w = cast
		}
	}
	b.cat = cat
	b.matmul("gemm_4bit", q.Compute, tokens, q.Out, q.In, 1)
	y, nd := b.record(nodeFrozenQuant, b.result(tokens*q.Out, q.Compute, shape), x)
	if nd != nil {
		nd.n = [4]int64{tokens, q.In, q.Out}
		nd.flag, nd.dt2 = q.Nested, q.Source
		b.sts[x.st].Held = b.sts[x.st].Held || q.Holds
	}
	b.Drop(w)
	if q.Nested && !q.Holds {
		b.Drop(scales, shifted)
	}
	y = b.Cast(y, xin.dt, shape)
	b.Return(mark, y)
	return y
}

// quantGrad is dx = dy · dequantize(W): the weight exists in full meanwhile.
func (b *Builder) quantGrad(nd *node) {
	v := nd.in[0]
	tokens, in, out := nd.n[0], nd.n[1], nd.n[2]
	n := in * out
	b.cat = Workspace
	scales := Never
	if nd.flag { // the block scales are dequantized to float32 first
		b.op("dequantize_absmax", Dequantize, Float32, 2, 0, float64(n)/64*5).N = n / 64
		scales = b.temp(n/64, Float32, "in·out/64")
	}
	b.op("dequantize_4bit", Dequantize, nd.dt2, 1, 0, float64(n)*(0.5+4.0/64+float64(nd.dt2.Size()))).N = n
	w := b.temp(n, nd.dt2, "in·out")
	if scales != Never {
		b.free(scales)
	}
	if nd.dt2 != nd.dt {
		b.pass("to", nd.dt, n*(nd.dt2.Size()+nd.dt.Size()))
		cast := b.temp(n, nd.dt, "in·out")
		b.free(w)
		w = cast
	}
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
	b.sts[dx].view = true
	b.free(w)
	b.give(v, dx, nd.dt)
}

// DequantizedWeight is a whole quantized weight in a type, outside any graph.
func (b *Builder) DequantizedWeight(n int64, dt DType) T {
	b.op("dequantize", Dequantize, dt, 1, 0, float64(n)*(0.5+4.0/64+float64(dt.Size()))).N = n
	return b.result(n, dt, "in·out")
}

package program

// The composites below are groups of primitives that every model repeats
// (normalisation, rotary embedding, fused attention). They are written as the
// sequence of kernels that eager PyTorch launches.

// RMSStyle is where a family applies the weight of an RMSNorm.
type RMSStyle uint8

// Styles of RMSNorm in transformers.
const (
	RMSWeightAfterCast  RMSStyle = iota // weight * x.to(dtype): Llama and most
	RMSWeightBeforeCast                 // (weight * x).to(dtype): OLMo 2
	RMSPlusOne                          // (x * (1 + weight.float())).type_as(x): Gemma
)

// RMSNorm normalises rows of width elements in float32 and multiplies by the
// weight w (modeling_llama.py LlamaRMSNorm.forward).
func (b *Builder) RMSNorm(x T, w int, rows, width int64, style RMSStyle, shape string) T {
	mark := b.Scope()
	xf := b.Cast(x, Float32, shape)
	hn := b.normalize(xf, rows, shape)
	if xf.st != x.st {
		b.Drop(xf)
	}
	var y T
	if style == RMSPlusOne {
		b.op("add", Elementwise, Float32, 2, 0, float64(12*width))
		b.result(width, Float32, "h")
	}
	if style == RMSWeightAfterCast {
		y = b.MulWeight(b.Cast(hn, x.dt, shape), w, width, shape)
	} else {
		y = b.Cast(b.MulWeight(hn, w, width, shape), x.dt, shape)
	}
	b.Return(mark, y)
	return y
}

// normalize is x·rsqrt(mean(x²)+ε) over rows: it keeps x and the rows' rsqrt.
func (b *Builder) normalize(x T, rows int64, shape string) T {
	b.pass("pow", Float32, 8*x.n)
	p := b.result(x.n, Float32, shape)
	b.pass("mean", Float32, 4*(x.n+rows))
	variance := b.result(rows, Float32, "rows")
	b.Drop(p)
	b.pass("add_eps", Float32, 8*rows)
	eps := b.result(rows, Float32, "rows")
	b.pass("rsqrt", Float32, 8*rows)
	r := b.result(rows, Float32, "rows")
	b.Drop(eps)
	b.pass("mul", Float32, 8*x.n+4*rows)
	y, nd := b.record(nodeRMSNorm, b.result(x.n, Float32, shape), x)
	if nd != nil {
		nd.n = [4]int64{rows}
		b.save(x)
		b.save(r)
	}
	b.Drop(r, variance)
	return y
}

// rmsNormGrad replays MulBackward, RsqrtBackward, MeanBackward and PowBackward
// with their temporaries: pow_backward makes self.pow(1), its double and the
// product in one C++ expression, so all three are alive at once
// (tools/autograd, FunctionsManual.cpp pow_backward).
func (b *Builder) rmsNormGrad(nd *node, g int32) {
	v, rows := nd.in[0], nd.n[0]
	n := b.vals[v].n
	b.pass("mul_backward", Float32, 12*n)
	dx := b.hold(n, Float32)
	b.pass("mul_backward", Float32, 12*n)
	full := b.temp(n, Float32, "gradient")
	b.pass("sum_to_size", Float32, 4*(n+rows))
	row := b.temp(rows, Float32, "rows")
	b.free(full)
	b.release(g)
	b.op("rsqrt_backward", Elementwise, Float32, 3, 0, float64(24*rows))
	rsq := b.temp(rows, Float32, "rows")
	b.free(row)
	b.pass("mean_backward", Float32, 4*(n+rows))
	mean := b.temp(n, Float32, "gradient")
	b.free(rsq)
	b.pass("pow", Float32, 8*n)
	p1 := b.temp(n, Float32, "gradient")
	b.pass("mul_scalar", Float32, 8*n)
	p2 := b.temp(n, Float32, "gradient")
	b.pass("mul_backward", Float32, 12*n)
	out := b.hold(n, Float32)
	b.free(p1)
	b.free(p2)
	b.free(mean)
	b.give(v, dx, Float32)
	b.give(v, out, Float32)
}

// MulWeight multiplies rows by a weight vector (or by 1 + weight).
func (b *Builder) MulWeight(x T, w int, width int64, shape string) T {
	if w == none {
		return x
	}
	return b.MulRow(x, b.Weight(w), width, shape)
}

// MulRow multiplies rows by a vector of width elements.
func (b *Builder) MulRow(x, row T, width int64, shape string) T {
	dt := promote(x.dt, row.dt)
	b.pass("mul", dt, x.n*(x.dt.Size()+dt.Size()))
	y, nd := b.record(nodeNormRow, b.result(x.n, dt, shape), x, row)
	if nd != nil {
		nd.n = [4]int64{width}
		if row.v != Never {
			b.save(x)
		}
		if x.v != Never {
			b.save(row)
		}
	}
	return y
}

// weightGrad is mul_backward with a broadcast weight: its gradient is made in
// full and summed down to the weight's size afterwards.
func (b *Builder) weightGrad(nd *node) {
	x, w, width := nd.in[0], nd.in[1], nd.n[0]
	n := b.vals[nd.out].n
	dx, full := Never, Never
	if x != Never {
		b.pass("mul_backward", nd.dt, 2*n*nd.dt.Size())
		dx = b.hold(n, nd.dt)
	}
	if w != Never {
		b.pass("mul_backward", nd.dt, 3*n*nd.dt.Size())
		full = b.temp(n, nd.dt, "gradient")
		b.pass("sum_to_size", nd.dt, n*nd.dt.Size())
		dw := b.hold(width, nd.dt)
		b.free(full)
		b.give(w, dw, nd.dt)
	}
	if x != Never {
		b.give(x, dx, nd.dt)
	}
}

// LayerNorm is F.layer_norm: input, mean and reciprocal deviation are kept.
// Autocast runs it in float32.
func (b *Builder) LayerNorm(x T, w, bias int, rows, width int64, shape string) T {
	mark := b.Scope()
	if b.autocast != Invalid {
		x = b.Cast(x, Float32, shape)
	}
	y := b.layerNorm(x, b.optional(w), b.optional(bias), rows, width, shape)
	b.Return(mark, y)
	return y
}

// LayerNormPlusOne multiplies by weight + 1. Under autocast everything is cast
// to its type and the norm runs outside of it (modeling_nemotron.py
// NemotronLayerNorm1P).
func (b *Builder) LayerNormPlusOne(x T, w, bias int, rows, width int64, shape string) T {
	mark := b.Scope()
	plus := b.AddScalar(b.Weight(w), "h")
	wt, bt := plus, b.optional(bias)
	if b.autocast != Invalid {
		x = b.Cast(x, b.autocast, shape)
		wt = b.Cast(wt, b.autocast, "h")
		if bias != none {
			bt = b.Cast(bt, b.autocast, "h")
		}
		if wt != plus {
			b.Drop(plus)
		}
	}
	y := b.layerNorm(x, wt, bt, rows, width, shape)
	b.Return(mark, y)
	return y
}

// optional is a parameter as an operand that may be absent.
func (b *Builder) optional(p int) T {
	if p == none {
		return T{st: Never, v: Never}
	}
	return b.Weight(p)
}

func (b *Builder) layerNorm(x, wt, bt T, rows, width int64, shape string) T {
	b.pass("native_layer_norm", x.dt, 2*x.n*x.dt.Size())
	y := b.result(x.n, x.dt, shape)
	mean, rstd := b.result(rows, Float32, "rows"), b.result(rows, Float32, "rows")
	y, nd := b.record(nodeLayerNorm, y, x, wt, bt)
	if nd != nil {
		nd.n = [4]int64{width}
		b.save(x)
		b.save(mean)
		b.save(rstd)
		if wt.n != 0 {
			b.save(wt)
		}
	}
	b.Drop(mean, rstd)
	return y
}

func (b *Builder) layerNormGrad(nd *node) {
	n, width := b.vals[nd.out].n, nd.n[0]
	b.pass("native_layer_norm_backward", nd.dt, 3*n*nd.dt.Size())
	made := [3]int32{Never, Never, Never}
	for i, v := range nd.in {
		if v == Never {
			continue
		}
		size := width
		if i == 0 {
			size = n
		}
		made[i] = b.hold(size, nd.dt)
	}
	for i, v := range nd.in {
		if v != Never {
			b.give(v, made[i], nd.dt)
		}
	}
}

// EagerLayerNorm is a LayerNorm written out in float32 operations
// (modeling_cohere.py CohereLayerNorm).
func (b *Builder) EagerLayerNorm(x T, w int, rows, width int64, shape string) T {
	mark := b.Scope()
	xf := b.Cast(x, Float32, shape)
	b.pass("mean", Float32, 4*(x.n+rows))
	mean := b.result(rows, Float32, "rows")
	b.pass("sub", Float32, 8*x.n)
	centred, _ := b.record(nodePass, b.result(x.n, Float32, shape), xf)
	again := b.result(x.n, Float32, shape) // (x - mean) is written twice: under the square and under the product
	n := b.normalize(centred, rows, shape)
	if n.v != Never {
		b.save(again)
	}
	b.Drop(mean, centred, again)
	y := b.MulWeight(n, w, width, shape)
	y = b.Cast(y, x.dt, shape)
	b.Return(mark, y)
	return y
}

// Rope rotates whole heads: q·cos + rotate_half(q)·sin
// (modeling_llama.py apply_rotary_pos_emb, rotate_half).
func (b *Builder) Rope(q, cos, sin T, shape string) T {
	dt := promote(q.dt, cos.dt)
	b.pass("mul", dt, 2*q.n*dt.Size())
	a := b.result(q.n, dt, shape)
	b.pass("neg", q.dt, q.n*q.dt.Size())
	neg := b.result(q.n/2, q.dt, shape)
	b.pass("cat", q.dt, 2*q.n*q.dt.Size())
	half := b.result(q.n, q.dt, shape)
	b.Drop(neg)
	b.pass("mul", dt, 2*q.n*dt.Size())
	rotated := b.result(q.n, dt, shape)
	b.Drop(half)
	b.pass("add", dt, 3*q.n*dt.Size())
	y, nd := b.record(nodeRope, b.result(q.n, dt, shape), q)
	if nd != nil {
		b.save(cos)
		b.save(sin)
	}
	b.Drop(a, rotated)
	return y
}

func (b *Builder) ropeGrad(nd *node) {
	v := nd.in[0]
	n, dt := b.vals[v].n, nd.dt
	by := n * dt.Size()
	b.pass("mul_backward", dt, 2*by)
	g2 := b.temp(n, dt, "gradient")
	b.pass("neg_backward", dt, by)
	neg := b.temp(n/2, dt, "gradient")
	b.pass("slice_backward", dt, 2*by)
	x2 := b.hold(n, dt)
	b.free(neg)
	b.pass("slice_backward", dt, 2*by)
	x1 := b.temp(n, dt, "gradient")
	b.free(g2)
	b.pass("add_gradient", dt, 3*by)
	b.free(x1)
	b.pass("mul_backward", dt, 2*by)
	m := b.temp(n, dt, "gradient")
	b.pass("add_gradient", dt, 3*by)
	b.free(m)
	b.give(v, x2, dt)
}

// AttentionShape describes one scaled dot product attention.
type AttentionShape struct {
	Batch, Heads, KVHeads, Seq, HeadDim int64
	Window                              int64 // mean number of keys that a query meets; 0: causal over Seq
	Masked                              bool  // a mask is given: every pair is computed
	ExpandKV                            bool  // backward makes dk, dv per query head first
}

// pairs is the number of query-key pairs that a causal kernel computes.
func (a AttentionShape) pairs() float64 {
	s := float64(a.Seq)
	if a.Masked {
		return s * s
	}
	if a.Window > 0 && float64(a.Window) < s {
		w := float64(a.Window)
		return s*w - w*(w-1)/2
	}
	return s * (s + 1) / 2
}

// FlashAttention is the fused kernel (FlashAttention 2, or the
// memory-efficient one in float32): q, k, v, the output and the row statistics
// are kept, the matrix of scores Never exists.
func (b *Builder) FlashAttention(q, k, v T, a AttentionShape, shape string) T {
	mark := b.Scope()
	if b.autocast != Invalid {
		q, k, v = b.Cast(q, b.autocast, shape), b.Cast(k, b.autocast, shape), b.Cast(v, b.autocast, shape)
	}
	b.attentionOp("flash_attention", q.dt, a, 2, float64(2*q.n+k.n+v.n)*float64(q.dt.Size()))
	out := b.result(q.n, q.dt, shape)
	rows := a.Seq
	if q.dt == Float32 { // efficient attention pads the statistics to 32 rows
		rows = (a.Seq + 31) / 32 * 32
	}
	lse := b.result(a.Batch*a.Heads*rows, Float32, "b·n·s")
	out, nd := b.record(nodeFused, out, q, k, v)
	if nd != nil {
		nd.n = [4]int64{a.Batch * a.Heads, a.Seq, a.HeadDim, a.Window}
		nd.flag = a.Heads != a.KVHeads && a.ExpandKV
		nd.masked = a.Masked
		b.save(q)
		b.save(k)
		b.save(v)
		b.save(out)
		b.save(lse)
	}
	b.Return(mark, out)
	return out
}

// maskAlignment: the memory-efficient kernel takes a mask whose rows start at
// multiples of so many elements, and another is expanded over the heads and padded
// (ATen/native/transformers/attention.cpp preprocess_mask, pad_bias).
const maskAlignment = 8

// PadsMask says whether attention over so many tokens copies its mask.
func PadsMask(seq int64) bool { return seq%maskAlignment != 0 }

// MaskedAttention is scaled_dot_product_attention with a mask: a boolean one
// becomes a float one, which the memory-efficient kernel takes, and autocast
// casts a float one.
func (b *Builder) MaskedAttention(q, k, v, mask T, a AttentionShape, shape string) T {
	mark := b.Scope()
	dt := q.dt
	if b.autocast != Invalid {
		dt = b.autocast
	}
	bias := mask
	if mask.dt == Bool {
		b.pass("mask_to_float", dt, mask.n*(1+dt.Size()))
		bias = b.result(a.Batch*a.Seq*a.Seq, dt, "b·s·s")
	} else {
		bias = b.Cast(mask, dt, "b·n·s·s")
	}
	if PadsMask(a.Seq) {
		n := a.Batch * a.Heads * a.Seq * (a.Seq/maskAlignment + 1) * maskAlignment
		b.pass("pad", dt, 2*n*dt.Size())
		padded := b.result(n, dt, "b·n·s·s")
		if bias != mask {
			b.Drop(bias)
		}
		bias = padded
	}
	y := b.FlashAttention(q, k, v, a, shape)
	if y.v != Never && bias != mask {
		b.save(bias)
	}
	b.Return(mark, y)
	return y
}

// attentionOp is a fused attention kernel that does products matrix products
// over the pairs of queries and keys it meets.
func (b *Builder) attentionOp(name string, dt DType, a AttentionShape, products float64, bytes float64) {
	flops := 2 * products * float64(a.Batch*a.Heads) * a.pairs() * float64(a.HeadDim)
	o := b.op(name, Attention, dt, 1, flops, bytes)
	o.M, o.N, o.K, o.Batch = a.Seq, a.Seq, a.HeadDim, a.Batch*a.Heads
	o.Counted = 2 * products * float64(a.Batch*a.Heads) * float64(a.Seq) * float64(a.Seq) * float64(a.HeadDim)
	o.Masked = a.Masked
}

// attentionGrad recomputes the scores and makes five products. FlashAttention
// 2 accumulates dq in float32 and keeps one row sum: temporaries inside the
// kernel's wrapper (flash_api.cpp mha_bwd: dq_accum, softmax_d; dk_expanded and
// dv_expanded when heads are grouped).
func (b *Builder) attentionGrad(nd *node) {
	bn, s, d := nd.n[0], nd.n[1], nd.n[2]
	a := AttentionShape{Batch: 1, Heads: bn, Seq: s, HeadDim: d, Window: nd.n[3], Masked: nd.masked}
	qn := bn * s * d
	b.attentionOp("flash_attention_backward", nd.dt, a, 5, float64(6*qn)*float64(nd.dt.Size()))
	var made [3]int32
	for i, v := range nd.in {
		made[i] = Never
		if v != Never {
			made[i] = b.hold(b.vals[v].n, nd.dt)
		}
	}
	if nd.dt != Float32 {
		sr := (s + 127) / 128 * 128
		dr := (d + 31) / 32 * 32
		b.kernelTemp(bn*sr*dr, Float32)
		b.kernelTemp(bn*sr, Float32)
		if nd.flag {
			b.kernelTemp(qn, nd.dt)
			b.kernelTemp(qn, nd.dt)
		}
	}
	for i, v := range nd.in {
		if v != Never {
			b.give(v, made[i], nd.dt)
		}
	}
}

// kernelTemp is memory that a kernel's wrapper takes and returns inside one
// operation: real on a GPU, unseen by shape-only execution.
func (b *Builder) kernelTemp(n int64, dt DType) {
	cat := b.cat
	b.cat = Workspace
	st := b.alloc(n, dt, "kernel workspace")
	b.sts[st].Kind = KernelInternal
	b.free(st)
	b.cat = cat
}

package program

// FusedLoRA is one autograd function over frozen 4-bit linear layers that
// share their input, each with its low-rank adapter (unsloth's fast_lora.py
// LoRA_QKV and LoRA_W, as fms_acceleration_foak carries them).
type FusedLoRA struct {
	Parts      []LoRAPart
	In, Tokens int64
	Rank       int64
	Dropout    float64
	Nested     bool // double quantization
	Compute    DType
	// OverInput: the input's gradient is written over the kept input (LoRA_QKV).
	OverInput bool
}

// LoRAPart is one linear layer of a [FusedLoRA].
type LoRAPart struct {
	Out   int64
	A, B  int // parameters
	Bias  bool
	Shape string // of the result
}

// loraNode is what backward needs of a FusedLoRA.
type loraNode struct {
	FusedLoRA
	x       T
	dropped []T
	outs    []int32 // values of the results
	a, b    []int32 // values of the adapters
}

// LoRA runs the function. Its input and what dropout left of it are kept, once
// for each part.
func (b *Builder) LoRA(x T, f FusedLoRA) []T {
	node := loraNode{FusedLoRA: f, x: x}
	results := make([]T, len(f.Parts))
	for i := range f.Parts {
		p := &f.Parts[i]
		results[i] = b.loraPart(&node, p)
		results[i].v = b.newValue(results[i].n, results[i].dt, Never)
		node.outs = append(node.outs, results[i].v)
		node.a, node.b = append(node.a, b.Weight(p.A).v), append(node.b, b.Weight(p.B).v)
	}
	nd := node.base(b)
	nd.n[0] = int64(len(b.loras))
	b.loras = append(b.loras, node)
	b.nodes = append(b.nodes, nd)
	b.save(x)
	for _, d := range node.dropped {
		if d != x {
			b.save(d)
			b.Drop(d)
		}
	}
	b.savedLate()
	return results
}

// base is the graph's node of the function: it runs once all results have
// their gradients, which they get together.
func (n *loraNode) base(b *Builder) node {
	lo := int32(len(b.saves))
	return node{
		kind: nodeFusedLoRA, in: [3]int32{n.x.v, Never, Never}, out: n.outs[0], dt: n.Compute,
		savedLo: lo, savedHi: lo, module: b.module, cat: b.cat,
	}
}

// loraPart is x·W + dropout(x)·A·B of one part.
func (b *Builder) loraPart(n *loraNode, p *LoRAPart) T {
	x, dt := n.x, n.Compute
	w := b.dequantized(n.In*p.Out, dt, n.Nested)
	b.matmul("mm", dt, n.Tokens, p.Out, n.In, 1)
	y := b.result(n.Tokens*p.Out, dt, p.Shape)
	b.Drop(w)
	d := x
	if n.Dropout > 0 {
		b.pass("native_dropout", dt, x.n*(2*dt.Size()+1))
		d = b.result(x.n, dt, "b·s·in")
		b.Drop(b.result(x.n, Bool, "b·s·in"))
	}
	n.dropped = append(n.dropped, d)
	mark := b.Scope()
	b.lowRank(n, p.Out, p.Out)
	b.pass("add_", dt, 3*y.n*dt.Size())
	b.Return(mark)
	if p.Bias {
		b.pass("add_", dt, 2*y.n*dt.Size())
	}
	return y
}

// lowRank is the product of rows with both adapter matrices, copied to the
// compute type, whose result has width elements a row.
func (b *Builder) lowRank(n *loraNode, out, width int64) T {
	dt := n.Compute
	b.op("to", Elementwise, dt, 2, 0, float64((n.In+out)*n.Rank*6))
	b.result(n.In*n.Rank, dt, "in·r")
	b.result(out*n.Rank, dt, "r·out")
	b.matmul("mm", dt, n.Tokens, n.Rank, n.In+out-width, 1)
	b.result(n.Tokens*n.Rank, dt, "b·s·r")
	b.matmul("mm", dt, n.Tokens, width, n.Rank, 1)
	return b.result(n.Tokens*width, dt, "b·s·out")
}

// dequantized is a whole 4-bit weight; its block scales are dequantized first,
// into memory that is free again when the weight is there.
func (b *Builder) dequantized(n int64, dt DType, nested bool) T {
	cat := b.cat
	b.cat = Workspace
	b.op("dequantize_4bit", Dequantize, dt, 1, 0, float64(n)*(0.5+4.0/64+float64(dt.Size()))).N = n
	w := b.result(n, dt, "in·out")
	if nested {
		b.op("dequantize_absmax", Dequantize, Float32, 2, 0, float64(n)/64*5).N = n / 64
		b.Drop(b.result(n/64, Float32, "in·out/64"))
	}
	b.cat = cat
	return w
}

// fusedLoRAGrad is the backward of the function: gradients of the adapters,
// then that of the input, summed over the parts.
func (b *Builder) fusedLoRAGrad(nd *node) {
	n := &b.loras[nd.n[0]]
	for i := range n.Parts {
		b.adapterGrads(n, i)
	}
	dx := Never
	for i := range n.Parts {
		dx = b.inputGrad(n, i, dx)
	}
	for _, v := range n.outs[1:] { // the first is released as any node's
		if g := b.vals[v].grad; g != Never {
			b.release(g)
		}
	}
	switch v := nd.in[0]; {
	case v == Never:
		if !n.OverInput {
			b.free(dx)
		}
	case n.OverInput:
		b.sts[n.x.st].view = true // reshaped
		b.reuse(v, n.x.st, n.Compute)
	default:
		b.sts[dx].refs, b.sts[dx].view = 1, true
		b.give(v, dx, n.Compute)
	}
}

// adapterGrads are the gradients of one part's two matrices.
func (b *Builder) adapterGrads(n *loraNode, i int) {
	p, dt := &n.Parts[i], n.Compute
	mark := b.Scope()
	b.matmul("mm", dt, n.Tokens, n.Rank, p.Out, 1)
	b.result(n.Tokens*n.Rank, dt, "b·s·r")
	b.matmul("mm", dt, n.In, n.Rank, n.Tokens, 1)
	da := b.hold(n.In*n.Rank, dt)
	b.matmul("mm", dt, n.Rank, n.Tokens, n.In, 1)
	b.result(n.Tokens*n.Rank, dt, "b·s·r")
	b.matmul("mm", dt, n.Rank, p.Out, n.Tokens, 1)
	db := b.hold(p.Out*n.Rank, dt)
	b.op("mul_", Elementwise, dt, 2, 0, float64(2*(n.In+p.Out)*n.Rank*dt.Size()))
	b.Return(mark, T{st: da}, T{st: db})
	b.sts[da].view, b.sts[db].view = true, true // transposed
	b.give(n.a[i], da, dt)
	b.give(n.b[i], db, dt)
}

// inputGrad adds one part's gradient of the input to dx, or makes dx: over the
// kept input, or as a new tensor.
func (b *Builder) inputGrad(n *loraNode, i int, dx int32) int32 {
	p, dt := &n.Parts[i], n.Compute
	size := n.Tokens * n.In
	w := b.dequantized(n.In*p.Out, dt, n.Nested)
	b.matmul("mm", dt, n.Tokens, n.In, p.Out, 1)
	switch {
	case dx == Never && n.OverInput:
		dx = n.x.st
	case dx == Never:
		dx = b.temp(size, dt, "gradient")
	default:
		product := b.temp(size, dt, "gradient")
		b.pass("add_", dt, 3*size*dt.Size())
		b.free(product)
	}
	b.Drop(w)
	mark := b.Scope()
	b.pass("ne", dt, size*(dt.Size()+1))
	b.result(size, Bool, "b·s·in")
	b.lowRank(n, p.Out, n.In)
	b.pass("mul", dt, size*(1+2*dt.Size()))
	b.result(size, dt, "gradient")
	b.pass("add_", dt, 3*size*dt.Size())
	b.Return(mark)
	return dx
}

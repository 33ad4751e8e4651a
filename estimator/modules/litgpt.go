package modules

import (
	"slices"
	"strings"

	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/estimator/program"
)

// litgptTypes are the model types that litgpt's one GPT class stands for
// (litgpt/config.py).
var litgptTypes = []string{"falcon", "gpt_neox", "llama", "mistral", "phi", "stablelm"}

// LitgptTypes are the model types that litgpt 0.1 to 0.4 has code for.
func LitgptTypes() []string { return litgptTypes }

// LitgptLinears are what litgpt's LoRA adapts, by its own flags: parts of one
// fused projection, attention's output, all of the MLP, the head.
func LitgptLinears() []string {
	return []string{"query", "key", "value", "projection", "mlp", "head"}
}

// LitgptHas says whether litgpt has code for a model.
func LitgptHas(m *model.Model) bool {
	known := slices.Contains(litgptTypes, m.ModelType) && m.Position == model.RoPE && m.QKNorm == model.QKNormNone
	if m.Gated {
		return known && m.Activation == model.SiLU
	}
	return known && strings.HasPrefix(string(m.Activation), string(model.GELU))
}

// litgpt turns a model into the one that litgpt runs (litgpt/model.py GPT): a
// head of its own, no dropout, attention to everything before.
func (c *Context) litgpt() {
	m := &c.Model
	m.TiedEmbeddings, m.SlidingLayers, m.NoPELayers = false, 0, 0
	m.EmbedDropout, m.AttentionDropout, m.ResidualDropout = 0, 0, 0
	c.traits = traits{norm: c.traits.norm, embed: "wte", head: "lm_head", layer: (*Context).litgptLayer}
}

// litgptTables registers the rotary tables, which all steps share: the model's
// own, of its type, or made anew in float32 when the longest sample sets
// another length (GPT.max_seq_length).
func (c *Context) litgptTables() {
	dt := program.Float32
	if c.Seq == c.Model.MaxPosition {
		dt = c.Weights
	}
	table := program.Param{Module: "cos", N: c.Seq * c.Model.RotaryDim, DType: dt, Count: 1, Cat: program.Weights, Buffer: true}
	c.cos = c.Weight(c.AddParam(table))
	table.Module = "sin"
	c.sin = c.Weight(c.AddParam(table))
}

// litgptLayer is Block.forward; its variables live until it returns.
func (c *Context) litgptLayer(x program.T) program.T {
	m := &c.Model
	mark := c.Scope()
	h := c.norm("norm_1", x, m.Hidden, "b·s·h")
	a := c.litgptAttention(h)
	var y program.T
	if m.ParallelResidual {
		if m.NormsPerLayer == 2 {
			h = c.norm("norm_2", x, m.Hidden, "b·s·h")
		}
		f := c.litgptMLP(h)
		s := c.Add(f, a, "b·s·h")
		c.Drop(f)
		y = c.Add(s, x, "b·s·h")
	} else {
		x = c.Add(a, x, "b·s·h")
		n := c.norm("norm_2", x, m.Hidden, "b·s·h")
		f := c.litgptMLP(n)
		c.Drop(n)
		y = c.Add(f, x, "b·s·h")
	}
	c.Return(mark, y)
	return y
}

// litgptAttention is CausalSelfAttention.forward. Where heads share keys, each
// gets a copy; the rotated part and the rest are always joined by one.
func (c *Context) litgptAttention(x program.T) program.T {
	m := &c.Model
	mark := c.Scope()
	qn, kn := c.tokens*m.Heads*m.HeadDim, c.tokens*m.KVHeads*m.HeadDim
	p := c.ExpandView(c.litgptQKV(x), 1) // a permuted view: its gradient is copied back
	parts := c.Split(p, qn, kn, kn)
	q, k, v := parts[0], parts[1], parts[2]
	c.At("attention")
	switch times := m.Heads / m.KVHeads; {
	case times == 1:
	case m.KVHeads == 1:
		k, v = c.ExpandView(k, times), c.ExpandView(v, times)
	default:
		q = c.Clone(q, "b·n·s·d")
		k, v = c.Expand(k, times, "b·n·s·d"), c.Expand(v, times, "b·n·s·d")
	}
	rq, rk := c.litgptRope(q), c.litgptRope(k)
	q2, k2 := c.litgptJoin(rq, q), c.litgptJoin(rk, k)
	if m.KVHeads != 1 && m.KVHeads != m.Heads { // copies, whose variables are assigned anew
		c.Drop(q, k)
	}
	a := program.AttentionShape{Batch: c.Batch, Heads: m.Heads, KVHeads: m.Heads, Seq: c.Seq, HeadDim: m.HeadDim}
	out := c.FlashAttention(q2, k2, v, a, "b·n·s·d")
	if out.DType() != program.Float32 { // its output lies as the queries do, head by head
		out = c.replace(out, c.Clone(out, "b·s·n·d"))
	}
	y := c.litgptLinear("proj", "projection", out, m.Heads*m.HeadDim, m.Hidden, m.OutBias, "b·s·h")
	c.Return(mark, y)
	return y
}

// litgptRope is apply_rope of the rotated part of each head, in the type of
// the tables and cast back.
func (c *Context) litgptRope(t program.T) program.T {
	m := &c.Model
	part := t
	if m.RotaryDim != m.HeadDim {
		part = c.Slice(t, t.Elements()/m.HeadDim*m.RotaryDim)
	}
	r := c.Rope(part, c.cos, c.sin, "b·n·s·r")
	y := c.Cast(r, t.DType(), "b·n·s·r")
	if y != r {
		c.Drop(r)
	}
	return y
}

// litgptJoin joins the rotated part with the rest of each head.
func (c *Context) litgptJoin(rotated, t program.T) program.T {
	m := &c.Model
	return c.Cat(rotated, c.Slice(t, t.Elements()/m.HeadDim*(m.HeadDim-m.RotaryDim)), "b·n·s·d")
}

// litgptMLP is GptNeoxMLP.forward or LLaMAMLP.forward.
func (c *Context) litgptMLP(x program.T) program.T {
	m := &c.Model
	mark := c.Scope()
	h, f := m.Hidden, m.Intermediate
	var a program.T
	if m.Gated {
		gate := c.litgptLinear("fc_1", "mlp", x, h, f, m.MLPBias, "b·s·f")
		up := c.litgptLinear("fc_2", "mlp", x, h, f, m.MLPBias, "b·s·f")
		g := c.Unary("silu", gate, "b·s·f")
		a = c.Mul(g, up, "b·s·f")
		c.Drop(g)
	} else {
		up := c.litgptLinear("fc", "mlp", x, h, f, m.MLPBias, "b·s·f")
		a = c.Unary("gelu", up, "b·s·f")
		c.Drop(up)
	}
	y := c.litgptLinear("proj", "mlp", a, f, h, m.MLPBias, "b·s·h")
	c.Return(mark, y)
	return y
}

// litgptWeights are a linear layer with its parameters and those of its adapter.
type litgptWeights struct {
	Linear
	bias, a, b int // parameters
	low        LowRank
}

// litgptParams registers a linear layer and, where the flag asks for it, its
// adapter with inputs rows per rank and width outputs.
func (c *Context) litgptParams(module string, in, out int64, bias bool, low LowRank, inputs, width int64, shape string) litgptWeights {
	c.At(module)
	l := litgptWeights{Linear: Linear{Module: module, In: in, Out: out, Shape: shape, Quantized: c.Quant.Storage == FourBit}, bias: -1, low: low}
	if l.Quantized {
		l.Weight = c.quantParam(module, in, out)
	} else {
		l.Weight = c.Param(module, in*out)
	}
	if bias {
		l.bias = c.Param(module+".bias", out)
	}
	if low.Rank > 0 {
		l.a = c.AdapterParam(module+".lora_A", inputs*low.Rank*in, low.DType)
		l.b = c.AdapterParam(module+".lora_B", low.Rank*width, low.DType)
	}
	return l
}

// litgptLoRA is the adapter that a flag asks for, of rank 0 if it doesn't.
func (c *Context) litgptLoRA(flag string) (low LowRank) {
	if a := c.Tuner.Adapter("", flag); a != nil {
		low, _ = a.LowRank()
	}
	return low
}

// litgptBase is the layer without its adapter.
func (c *Context) litgptBase(l *litgptWeights, x program.T, tokens int64) program.T {
	c.At(l.Module)
	if l.Quantized {
		return c.QuantLinear(x, program.Quant4{
			In: l.In, Out: l.Out, Compute: c.Compute, Source: program.Float16, Nested: c.Quant.Nested, Holds: true,
		}, tokens, l.Shape)
	}
	return c.Builder.Linear(x, l.Weight, l.bias, tokens, l.In, l.Out, l.Shape)
}

// litgptLinear is LoRALinear.forward of a layer in a block.
func (c *Context) litgptLinear(module, flag string, x program.T, in, out int64, bias bool, shape string) program.T {
	l := c.litgptParams(module, in, out, bias, c.litgptLoRA(flag), 1, out, shape)
	return c.litgptApply(&l, x, c.tokens)
}

// litgptApply is linear(x) + (dropout(x) @ A.T @ B.T)·scaling.
func (c *Context) litgptApply(l *litgptWeights, x program.T, tokens int64) program.T {
	base := c.litgptBase(l, x, tokens)
	if l.low.Rank == 0 {
		return base
	}
	d := c.Dropout(x, l.low.Dropout, "b·s·in")
	h := c.MatmulLinear(d, l.a, -1, tokens, l.In, l.low.Rank, "b·s·r")
	if l.low.Dropout > 0 {
		c.Drop(d)
	}
	o := c.MatmulLinear(h, l.b, -1, tokens, l.low.Rank, l.Out, l.Shape)
	c.Drop(h)
	s := c.replace(o, c.Scale(o, l.Shape))
	y := c.Add(base, s, l.Shape)
	c.Drop(base, s)
	return y
}

// litgptQKV is LoRAQKVLinear.forward: one A for the adapted parts, a grouped
// convolution as B, and zeros for the parts that have no adapter.
func (c *Context) litgptQKV(x program.T) program.T {
	m := &c.Model
	const shape = "b·s·(n+2g)·d"
	var low LowRank
	var parts, width int64
	for i, flag := range LitgptLinears()[:3] {
		if a := c.litgptLoRA(flag); a.Rank > 0 {
			low = a
			parts++
			width += []int64{m.Heads, m.KVHeads, m.KVHeads}[i] * m.HeadDim
		}
	}
	out := (m.Heads + 2*m.KVHeads) * m.HeadDim
	l := c.litgptParams("attn", m.Hidden, out, m.QKVBias, low, parts, width, shape)
	base := c.litgptBase(&l, x, c.tokens)
	if parts == 0 {
		return base
	}
	mark := c.Scope()
	d := c.Dropout(x, low.Dropout, "b·s·in")
	h := c.Builder.Linear(d, l.a, -1, c.tokens, m.Hidden, parts*low.Rank, "b·s·r")
	if low.Dropout > 0 {
		c.Drop(d)
	}
	o := c.Conv(h, l.b, c.tokens, low.Rank, width, shape)
	if m.KVHeads != m.Heads { // a convolution for each part, joined
		o = c.replace(o, c.Clone(o, shape))
	}
	if parts == 3 {
		o = c.Scale(o, shape)
	} else {
		if c.Batch > 1 {
			clone := c.Clone(o, shape)
			o = c.IndexCopy(clone, width, c.tokens*out, shape)
			c.Drop(clone)
		} else {
			o = c.IndexCopy(o, width, c.tokens*out, shape)
		}
		o = c.replace(o, c.Scale(o, shape))
	}
	y := c.Add(base, o, shape)
	c.Drop(base)
	c.Return(mark, y)
	return y
}

// litgptChunk is the number of tokens whose logits, or whose losses, are
// computed together (lm_head_chunk_size, chunked_cross_entropy).
const litgptChunk = 128

// litgptMaxChunks bounds what a program writes down one by one: in more chunks
// than that, wider ones change the step by less than a part in so many.
const litgptMaxChunks = 512

// litgptChunks are the sizes of pieces of n.
func litgptChunks(n int64) []int64 {
	size := max(litgptChunk, (n+litgptMaxChunks-1)/litgptMaxChunks)
	sizes := make([]int64, 0, n/size+1)
	for ; n > 0; n -= size {
		sizes = append(sizes, min(n, size))
	}
	return sizes
}

// pieces are views of a tensor, of sizes times width elements each.
func (c *Context) pieces(x program.T, sizes []int64, width int64) []program.T {
	n, parts := make([]int64, len(sizes)), make([]program.T, len(sizes))
	for i := range sizes {
		n[i] = sizes[i] * width
	}
	c.SplitInto(parts, x, n...)
	return parts
}

// litgptHead is what follows the last layer (GPT.forward, Fabric's conversion of
// the results, finetune/lora.py and finetune/full.py fit): with adapters the
// head runs over chunks of the sequence.
func (c *Context) litgptHead(x program.T) {
	m := &c.Model
	c.Begin("head", 1)
	in := c.Enter(x, x.RequiresGrad())
	c.In(program.Activations)
	mark := c.Scope()
	h := c.norm("ln_f", in, m.Hidden, "b·s·h")
	c.Drop(in)
	c.In(program.LogitsAndLoss)
	l := c.litgptParams(c.traits.head, m.Hidden, m.Vocab, m.HeadBias, c.litgptLoRA("head"), 1, m.Vocab, "b·s·V")
	sizes, pieces := []int64{c.Seq}, []program.T{h}
	if c.HeadChunks {
		sizes = litgptChunks(c.Seq)
		pieces = c.pieces(h, sizes, c.Batch*m.Hidden)
	}
	for i := range sizes { // from hidden states to logits
		pieces[i] = c.litgptApply(&l, pieces[i], c.Batch*sizes[i])
	}
	c.Drop(h)
	logits := make([]program.T, len(sizes))
	for i := range sizes {
		logits[i] = c.Cast(pieces[i], program.Float32, "b·s·V")
	}
	if logits[0] != pieces[0] {
		c.Drop(pieces...)
	}
	c.At("loss")
	loss := c.litgptLoss(logits, sizes)
	c.Return(mark, loss)
	c.Leave(loss)
	c.Backward()
}

// litgptLoss is the loss of the training script on the chunks of logits that
// the model returned, which a variable keeps, or a plain cross-entropy
// (pre-training's).
func (c *Context) litgptLoss(logits []program.T, sizes []int64) program.T {
	m := &c.Model
	if c.Loss == StandardLoss {
		return c.CrossEntropy(logits[0], c.tokens, m.Vocab, "b·s·V")
	}
	c.Assign(logits)
	rows := make([]int64, len(sizes))
	for i := range sizes {
		rows[i] = c.Batch * sizes[i]
	}
	last := len(logits) - 1
	rows[last] -= c.Batch // the last token predicts nothing
	logits[last] = c.Slice(logits[last], rows[last]*m.Vocab)
	if c.Batch > 1 { // reshaped
		logits[last] = c.Clone(logits[last], "b·s·V")
	}
	if !c.HeadChunks {
		rows = litgptChunks(rows[0])
		logits = c.pieces(logits[0], rows, m.Vocab)
	}
	var loss program.T
	for i := range logits {
		one := c.CrossEntropy(logits[i], rows[i], m.Vocab, "b·s·V")
		if i > 0 {
			one = c.Add(loss, one, "1")
		}
		loss = one
	}
	return loss
}

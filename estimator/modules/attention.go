package modules

import (
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/estimator/program"
)

// attention is the forward of the self-attention module.
func (c *Context) attention(x program.T) program.T {
	c.holder = c.traits.attn
	defer func() { c.holder = "" }()
	mark := c.Scope()
	q, k, v := c.projections(x)
	q, k = c.qkNorm(q, "q_norm", "b·s·n·d"), c.qkNorm(k, "k_norm", "b·s·g·d")
	if c.Model.Position == model.RoPE && !c.now.unrotated {
		c.At("rotary")
		if c.patches.rope {
			q, k = c.fusedRope(q, k)
		} else {
			q, k = c.rotated(q, k)
		}
	}
	c.At("attention")
	var out program.T
	if c.Attention == Eager {
		out = c.traits.eager(c, q, k, v)
	} else {
		out = c.fused(q, k, v)
	}
	y := c.output(out)
	c.Return(mark, y)
	return y
}

// output is attention's output projection.
func (c *Context) output(x program.T) program.T {
	m := &c.Model
	width := m.Heads * m.HeadDim
	o := Linear{Module: c.traits.o, In: width, Out: m.Hidden, Bias: m.OutBias, Shape: "b·s·h"}
	if y, ok := c.fusedLoRA(x, false, o); ok {
		return y[0]
	}
	return c.Linear(c.traits.o, x, width, m.Hidden, m.OutBias, "b·s·h")
}

func (c *Context) projections(x program.T) (q, k, v program.T) {
	m := &c.Model
	qn, kn := m.Heads*m.HeadDim, m.KVHeads*m.HeadDim
	if c.traits.qkv != "" {
		p := c.Linear(c.traits.qkv, x, m.Hidden, qn+2*kn, m.QKVBias, "b·s·(n+2g)·d")
		parts := c.Split(p, c.tokens*qn, c.tokens*kn, c.tokens*kn)
		return parts[0], parts[1], parts[2]
	}
	if qkv, ok := c.fusedLoRA(x, true,
		Linear{Module: c.traits.q, In: m.Hidden, Out: qn, Bias: m.QKVBias, Shape: "b·s·n·d"},
		Linear{Module: c.traits.k, In: m.Hidden, Out: kn, Bias: m.QKVBias, Shape: "b·s·g·d"},
		Linear{Module: c.traits.v, In: m.Hidden, Out: kn, Bias: m.QKVBias, Shape: "b·s·g·d"}); ok {
		return qkv[0], qkv[1], qkv[2]
	}
	q = c.Linear(c.traits.q, x, m.Hidden, qn, m.QKVBias, "b·s·n·d")
	k = c.Linear(c.traits.k, x, m.Hidden, kn, m.QKVBias, "b·s·g·d")
	v = c.Linear(c.traits.v, x, m.Hidden, kn, m.QKVBias, "b·s·g·d")
	return q, k, v
}

// qkNorm normalises queries or keys where the family does.
func (c *Context) qkNorm(t program.T, module, shape string) program.T {
	m := &c.Model
	switch m.QKNorm {
	case model.QKNormHead:
		c.At(module)
		style := c.traits.norm
		return c.replace(t, c.normOf(module, style, t, m.HeadDim, shape))
	case model.QKNormFull:
		c.At(module)
		return c.replace(t, c.normOf(module, c.traits.norm, t, t.Elements()/c.tokens, shape))
	case model.QKNormPerHead: // a norm for each head, joined by a copy
		c.At(module)
		w := c.normParam(module, t.Elements()/c.tokens)
		y := c.LayerNorm(t, w, -1, t.Elements()/m.HeadDim, m.HeadDim, shape)
		c.Drop(t)
		return c.replace(y, c.Clone(y, shape))
	case model.QKNormHeadLayer:
		c.At(module)
		return c.replace(t, c.normOf(module, layerNorm, t, m.HeadDim, shape))
	}
	return t
}

// rotate applies the rotary embedding, to a part of each head where the
// family rotates only a part.
func (c *Context) rotate(t program.T, shape string) program.T {
	m := &c.Model
	if !c.catsRotary() {
		r := c.Rope(t, c.cos, c.sin, shape)
		y := c.Cast(r, t.DType(), shape)
		if y != r {
			c.Drop(r)
		}
		return y
	}
	n := t.Elements() / m.HeadDim
	rot := t
	if m.RotaryDim != m.HeadDim {
		rot = c.Slice(t, n*m.RotaryDim)
	}
	pass := c.Slice(t, n*(m.HeadDim-m.RotaryDim))
	r := c.Rope(rot, c.cos, c.sin, shape)
	y := c.Cat(r, pass, shape)
	c.Drop(r)
	return y
}

// rotated are queries and keys with the rotary embedding, in new tensors.
func (c *Context) rotated(q, k program.T) (program.T, program.T) {
	q2, k2 := c.rotate(q, "b·s·n·d"), c.rotate(k, "b·s·g·d")
	c.Drop(q, k)
	return q2, k2
}

// catsRotary says whether the rotated and the plain part of each head are
// joined by a copy.
func (c *Context) catsRotary() bool {
	return c.Model.Position == model.RoPE && !c.now.unrotated && !c.patches.rope && (c.traits.catRotary || c.Model.RotaryDim != c.Model.HeadDim)
}

// fused is attention without a score matrix.
func (c *Context) fused(q, k, v program.T) program.T {
	m := &c.Model
	a := program.AttentionShape{
		Batch: c.Batch, Heads: m.Heads, KVHeads: m.KVHeads, Seq: c.Seq, HeadDim: m.HeadDim, ExpandKV: true,
	}
	var out program.T
	switch {
	case c.Attention == SDPA && (c.allMasked || c.now.windowed): // a mask rules the flash kernel out, and key-value heads are repeated
		k, v = c.repeatKV(k), c.repeatKV(v)
		a.KVHeads, a.Masked = m.Heads, true
		out = c.MaskedAttention(q, k, v, c.mask, a, "b·s·n·d")
	default:
		if c.RepeatsKV && c.Attention == Flash && repeatedForFlash[m.ModelType] {
			k, v = c.repeatKV(k), c.repeatKV(v)
			a.KVHeads = m.Heads
		}
		if c.now.windowed {
			a.Window = c.Model.SlidingWindow
		}
		out = c.FlashAttention(q, k, v, a, "b·s·n·d")
	}
	if c.Attention == SDPA && !a.Masked && out.DType() != program.Float32 && c.catsRotary() && !c.traits.tokenMajor {
		// The flash kernel's output has the layout of the queries, which the join made
		// head by head; transpose(1, 2).contiguous() copies it back.
		out = c.replace(out, c.Clone(out, "b·s·n·d"))
	}
	return out
}

// repeatedForFlash are the families whose FlashAttention2 class repeated
// key-value heads, as transformers had one for each family before 4.48
// (modeling_mistral.py and others, repeat_kv).
var repeatedForFlash = map[string]bool{"mistral": true, "qwen2": true, "phi3": true, "starcoder2": true}

// repeatKV is repeat_kv: a copy unless there is one head to repeat.
func (c *Context) repeatKV(t program.T) program.T {
	m := &c.Model
	switch times := m.Heads / m.KVHeads; {
	case times == 1:
		return t
	case m.KVHeads == 1:
		return c.ExpandView(t, times)
	default:
		return c.Expand(t, times, "b·n·s·d")
	}
}

package modules

import (
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/estimator/program"
)

// falconLayer is modeling_falcon.py FalconDecoderLayer.forward; its variables
// live until it returns.
func (c *Context) falconLayer(x program.T) program.T {
	m := &c.Model
	mark := c.Scope()
	h := c.norm("input_layernorm", x, m.Hidden, "b·s·h")
	if m.ParallelResidual && m.NormsPerLayer == 2 {
		h2 := c.norm("post_attention_layernorm", x, m.Hidden, "b·s·h")
		y := c.falconSum(x, h2, c.falconAttention(h))
		c.Return(mark, y)
		return y
	}
	a := c.falconAttention(h)
	var y program.T
	if m.ParallelResidual {
		y = c.falconSum(x, h, a)
	} else {
		x = c.Add(x, a, "b·s·h")
		y = c.Add(x, c.mlp(c.norm("post_attention_layernorm", x, m.Hidden, "b·s·h")), "b·s·h")
	}
	c.Return(mark, y)
	return y
}

// falconSum adds attention to the MLP's result in place, then the residual.
func (c *Context) falconSum(x, h, a program.T) program.T {
	return c.Add(x, c.AddInPlace(c.mlp(h), a), "b·s·h")
}

// falconAttention is modeling_falcon.py FalconAttention.forward.
func (c *Context) falconAttention(x program.T) program.T {
	c.holder = c.traits.attn
	defer func() { c.holder = "" }()
	m := &c.Model
	mark := c.Scope()
	qn, kn := m.Heads*m.HeadDim, m.KVHeads*m.HeadDim
	q, k, v := c.falconHeads(c.Linear(c.traits.qkv, x, m.Hidden, qn+2*kn, m.QKVBias, "b·s·(n+2g)·d"))
	if m.Position == model.RoPE {
		c.At("rotary")
		q2, k2 := c.rotate(q, "b·s·n·d"), c.rotate(k, "b·s·g·d")
		c.Drop(k)
		if m.KVHeads > 1 { // the one key head leaves the queries a view of what a variable holds
			c.Drop(q)
		}
		q, k = q2, k2
	}
	c.At("attention")
	var out program.T
	switch {
	case c.Attention != Eager:
		out = c.falconFused(q, k, v)
	case m.Position == model.ALiBi:
		out = c.falconALiBi(q, k, v, x.DType())
	default:
		out = c.falconEager(q, k, v, x.DType())
	}
	y := c.Linear(c.traits.o, out, qn, m.Hidden, m.OutBias, "b·s·h")
	if c.Attention == Eager {
		c.Return(mark, y, c.probs)
	} else {
		c.Return(mark, y)
	}
	return y
}

// falconHeads is FalconAttention._split_heads: views where every head has keys
// of its own, copies by index where heads share them, and with groups
// (new_decoder_architecture) copies for each head.
func (c *Context) falconHeads(p program.T) (q, k, v program.T) {
	m := &c.Model
	qn, kn := c.tokens*m.Heads*m.HeadDim, c.tokens*m.KVHeads*m.HeadDim
	q, k, v = c.Slice(p, qn), c.Slice(p, kn), c.Slice(p, kn)
	if m.KVHeads == m.Heads {
		return q, k, v
	}
	k, v = c.Clone(k, "b·s·g·d"), c.Clone(v, "b·s·g·d")
	if m.KVHeads == 1 {
		return q, k, v
	}
	times := m.Heads / m.KVHeads
	q = c.Clone(q, "b·s·n·d")
	k2, v2 := c.Expand(k, times, "b·s·n·d"), c.Expand(v, times, "b·s·n·d")
	c.Drop(k, v)
	return q, k2, v2
}

// falconFused: a mask is always there, so the memory-efficient kernel runs.
func (c *Context) falconFused(q, k, v program.T) program.T {
	m := &c.Model
	a := program.AttentionShape{
		Batch: c.Batch, Heads: m.Heads, KVHeads: m.Heads, Seq: c.Seq, HeadDim: m.HeadDim, Masked: c.Attention == SDPA,
	}
	if c.Attention == SDPA {
		return c.MaskedAttention(q, k, v, c.mask, a, "b·s·n·d")
	}
	return c.FlashAttention(q, k, v, a, "b·s·n·d")
}

// falconEager divides the scores in place and takes the softmax in the type
// of the hidden states.
func (c *Context) falconEager(q, k, v program.T, dt program.DType) program.T {
	w := c.ScaleInPlace(c.products(q, k, false))
	s := c.AddConstant(w, c.mask, scores)
	c.probs = c.Softmax(s, dt, scores)
	c.Drop(s, w)
	return c.weighted(v, false)
}

// falconALiBi adds the slopes in float32; its variables keep the product, its
// float32 copy and the biased scores until it returns.
func (c *Context) falconALiBi(q, k, v program.T, dt program.DType) program.T {
	w := c.Cast(c.products(q, k, false), program.Float32, scores)
	w = c.ScaleInPlace(c.AddConstant(w, c.alibi, scores))
	s := c.AddConstant(w, c.mask, scores)
	c.probs = c.Softmax(s, dt, scores)
	c.Drop(s)
	if drop := c.Model.AttentionDropout; drop > 0 {
		c.probs = c.replace(c.probs, c.Dropout(c.probs, drop, scores))
	}
	return c.weighted(v, false)
}

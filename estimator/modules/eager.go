package modules

import "github.com/vramcalc/vramcalc/estimator/program"

// The functions below write attention as matrix products over a matrix of
// scores (attn_implementation "eager"). They leave the probabilities in
// Context.probs, because a variable keeps them until the layer returns.

const scores = "b·n·s·s"

// eager is modeling_llama.py eager_attention_forward.
func (c *Context) eager(q, k, v program.T) program.T {
	mark := c.Scope()
	k, v = c.repeatKV(k), c.repeatKV(v)
	w := c.products(q, k, c.repeats())
	w = c.replace(w, c.Scale(w, scores))
	w = c.softcap(w, scores)
	w = c.replace(w, c.AddConstant(w, c.mask, scores))
	c.probs = c.probabilities(w, q.DType(), true)
	out := c.weighted(v, c.repeats())
	c.Return(mark, out, c.probs)
	return out
}

// repeats says whether repeat_kv copies the heads.
func (c *Context) repeats() bool {
	return c.Model.KVHeads != c.Model.Heads && c.Model.KVHeads != 1
}

// products is query @ key.T; copied says that the keys lie head by head
// already. Casts, and copies that the product needs, end with it.
func (c *Context) products(q, k program.T, copied bool) program.T {
	mark := c.Scope()
	q, k = c.lowered(q), c.lowered(k)
	q = c.contiguous(q)
	if !copied {
		k = c.perHead(k)
	}
	w := c.Bmm(q, k, c.Seq, c.Seq, c.Model.HeadDim, c.Batch*c.Model.Heads, scores)
	c.Return(mark, w)
	return w
}

// weighted is probabilities @ value, heads joined by a copy.
func (c *Context) weighted(v program.T, copied bool) program.T {
	mark := c.Scope()
	v = c.lowered(v)
	if !copied {
		v = c.perHead(v)
	}
	o := c.Bmm(c.probs, v, c.Seq, c.Model.HeadDim, c.Seq, c.Batch*c.Model.Heads, "b·n·s·d")
	out := c.Clone(o, "b·s·n·d")
	c.Return(mark, out)
	return out
}

// lowered is autocast's cast of an operand of a product.
func (c *Context) lowered(t program.T) program.T {
	if c.Config.Autocast == program.Invalid {
		return t
	}
	return c.Cast(t, c.Config.Autocast, "b·n·s·d")
}

// perHead gives every query head a key or value head, as a product takes it:
// the one that all share is a view.
func (c *Context) perHead(t program.T) program.T {
	if n := c.tokens * c.Model.Heads * c.Model.HeadDim; t.Elements() != n {
		t = c.ExpandView(t, n/t.Elements())
	}
	return c.contiguous(t)
}

// contiguous is the copy that a product over more than one sequence makes of
// a transposed or expanded operand.
func (c *Context) contiguous(t program.T) program.T {
	if c.Batch == 1 {
		return t
	}
	return c.Clone(t, "b·n·s·d")
}

// probabilities is a softmax in float32, or in the type of the scores where
// the family leaves it so and autocast does not change it; then a cast and
// dropout. A variable that is reassigned lets go of the scores.
func (c *Context) probabilities(w program.T, dt program.DType, reassigned bool) program.T {
	in := program.Float32
	if c.traits.plainSoftmax && c.Config.Autocast == program.Invalid {
		in = w.DType()
	}
	p := c.Softmax(w, in, scores)
	if cast := c.Cast(p, dt, scores); cast != p {
		p = c.replace(p, cast)
	}
	if reassigned {
		c.Drop(w)
	}
	if drop := c.Model.AttentionDropout; drop > 0 {
		p = c.replace(p, c.Dropout(p, drop, scores))
	}
	return p
}

// eagerNeo computes the scores in float32 without a scale and chooses by a
// mask that lies ready (modeling_gpt_neo.py GPTNeoSelfAttention._attn).
func (c *Context) eagerNeo(q, k, v program.T) program.T {
	m := &c.Model
	mark := c.Scope()
	c.AddParam(program.Param{Module: "attention.bias", N: m.MaxPosition * m.MaxPosition, DType: program.Bool, Count: c.Count, Cat: program.Weights, Buffer: true})
	q, k = c.Cast(q, program.Float32, "b·n·s·d"), c.Cast(k, program.Float32, "b·n·s·d")
	w := c.products(q, k, false)
	w = c.replace(w, c.Where(w, scores))
	w = c.replace(w, c.AddConstant(w, c.mask, scores))
	c.probs = c.probabilities(w, v.DType(), true)
	out := c.weighted(v, false)
	c.Return(mark, out, c.probs)
	return out
}

// eagerGPTJ computes the scores in float32 (modeling_gptj.py
// eager_attention_forward).
func (c *Context) eagerGPTJ(q, k, v program.T) program.T {
	mark := c.Scope()
	w := c.products(c.Cast(q, program.Float32, "b·n·s·d"), c.Cast(k, program.Float32, "b·n·s·d"), false)
	c.Return(mark, w)
	w = c.replace(w, c.Scale(w, scores))
	w = c.replace(w, c.AddConstant(w, c.mask, scores))
	c.probs = c.probabilities(w, v.DType(), true)
	out := c.weighted(v, false)
	c.Return(mark, out, c.probs)
	return out
}

// eagerBloom adds the slopes inside the product; its variables keep the scores
// and the masked scores until it returns (modeling_bloom.py BloomAttention).
func (c *Context) eagerBloom(q, k, v program.T) program.T {
	m := &c.Model
	mark := c.Scope()
	q, k, v = c.contiguous(q), c.contiguous(k), c.contiguous(v)
	w := c.Bmm(q, k, c.Seq, c.Seq, m.HeadDim, c.Batch*m.Heads, scores)
	w = c.AddConstant(w, c.mask, scores)
	c.probs = c.probabilities(w, q.DType(), false)
	out := c.weighted(v, true)
	c.Return(mark, out, c.probs)
	return out
}

// eagerMPT adds float32 slopes and fills the masked scores with a constant; a
// variable keeps these until it returns (modeling_mpt.py MptAttention).
func (c *Context) eagerMPT(q, k, v program.T) program.T {
	mark := c.Scope()
	w := c.products(q, k, false)
	w = c.replace(w, c.Scale(w, scores))
	w = c.replace(w, c.AddConstant(w, c.alibi, scores))
	w = c.replace(w, c.MaskedFill(w, c.mask, scores))
	c.probs = c.probabilities(w, v.DType(), false)
	out := c.weighted(v, false)
	c.Return(mark, out, c.probs)
	return out
}

// softcap is cap·tanh(w/cap) (Gemma 2).
func (c *Context) softcap(w program.T, shape string) program.T {
	if c.Model.AttentionSoftcap == 0 {
		return w
	}
	w = c.replace(w, c.Scale(w, shape))
	w = c.replace(w, c.UnaryResult("tanh", w, shape))
	return c.replace(w, c.Scale(w, shape))
}

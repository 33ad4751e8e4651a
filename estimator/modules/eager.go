package modules

import "github.com/vramcalc/vramcalc/estimator/program"

// The functions below write attention as matrix products over a matrix of
// scores (attn_implementation "eager"). They leave the probabilities in
// Context.probs, because a variable keeps them until the layer returns.

const scores = "b·n·s·s"

// eager is modeling_llama.py eager_attention_forward. matmul makes a contiguous
// copy of a transposed operand when there is more than one sequence.
func (c *Context) eager(q, k, v program.T) program.T {
	m := &c.Model
	mark := c.Scope()
	if m.Heads != m.KVHeads {
		k, v = c.repeatKV(k), c.repeatKV(v)
		if c.Batch > 1 {
			q = c.Clone(q, "b·n·s·d")
		}
	} else {
		q, k = c.contiguous(q), c.contiguous(k)
	}
	w := c.Bmm(q, k, c.Seq, c.Seq, m.HeadDim, c.Batch*m.Heads, scores)
	w = c.replace(w, c.Scale(w, scores))
	w = c.softcap(w, scores)
	w = c.replace(w, c.AddConstant(w, c.mask, scores))
	c.probs = c.probabilities(w, q.DType(), true)
	if m.Heads == m.KVHeads {
		v = c.contiguous(v)
	}
	out := c.weighted(v)
	c.Return(mark, out, c.probs)
	return out
}

// contiguous is the copy that a product over more than one sequence makes of
// a transposed operand.
func (c *Context) contiguous(t program.T) program.T {
	if c.Batch == 1 {
		return t
	}
	return c.Clone(t, "b·n·s·d")
}

// probabilities is a softmax in float32, cast to a type, with dropout. A
// variable that is reassigned lets go of the scores.
func (c *Context) probabilities(w program.T, dt program.DType, reassigned bool) program.T {
	p := c.Softmax(w, program.Float32, scores)
	if reassigned {
		c.Drop(w)
	}
	if cast := c.Cast(p, dt, scores); cast != p {
		p = c.replace(p, cast)
	}
	if drop := c.Model.AttentionDropout; drop > 0 {
		p = c.replace(p, c.Dropout(p, drop, scores))
	}
	return p
}

// weighted is the sum of the values by probability, heads joined by a copy.
func (c *Context) weighted(v program.T) program.T {
	m := &c.Model
	o := c.Bmm(c.probs, v, c.Seq, m.HeadDim, c.Seq, c.Batch*m.Heads, "b·n·s·d")
	return c.replace(o, c.Clone(o, "b·s·n·d"))
}

// eagerNeo computes the scores in float32 without a scale and chooses by a
// mask that lies ready (modeling_gpt_neo.py GPTNeoSelfAttention._attn).
func (c *Context) eagerNeo(q, k, v program.T) program.T {
	m := &c.Model
	mark := c.Scope()
	c.AddParam(program.Param{Module: "attention.bias", N: m.MaxPosition * m.MaxPosition, DType: program.Bool, Count: c.Count, Cat: program.Weights, Buffer: true})
	q, k = c.Cast(q, program.Float32, "b·n·s·d"), c.Cast(k, program.Float32, "b·n·s·d")
	q, k = c.contiguous(q), c.contiguous(k)
	w := c.Bmm(q, k, c.Seq, c.Seq, m.HeadDim, c.Batch*m.Heads, scores)
	w = c.replace(w, c.Where(w, scores))
	w = c.replace(w, c.AddConstant(w, c.mask, scores))
	c.probs = c.probabilities(w, v.DType(), true)
	out := c.weighted(c.contiguous(v))
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
	out := c.weighted(v)
	c.Return(mark, out, c.probs)
	return out
}

// eagerMPT adds float32 slopes and fills the masked scores with a constant; a
// variable keeps these until it returns (modeling_mpt.py MptAttention).
func (c *Context) eagerMPT(q, k, v program.T) program.T {
	m := &c.Model
	mark := c.Scope()
	q, k = c.contiguous(q), c.contiguous(k)
	w := c.Bmm(q, k, c.Seq, c.Seq, m.HeadDim, c.Batch*m.Heads, scores)
	w = c.replace(w, c.Scale(w, scores))
	w = c.replace(w, c.AddConstant(w, c.alibi, scores))
	w = c.replace(w, c.MaskedFill(w, c.mask, scores))
	c.probs = c.probabilities(w, v.DType(), false)
	out := c.weighted(c.contiguous(v))
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

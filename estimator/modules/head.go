package modules

import "github.com/vramcalc/vramcalc/estimator/program"

// epilogue is what follows the last layer: final norm, head, loss.
func (c *Context) epilogue(x program.T) {
	m := &c.Model
	c.Begin("head", 1)
	in := c.Enter(x, x.RequiresGrad())
	carried, some := c.Carried()
	c.In(program.Activations)
	mark := c.Scope()
	h := in
	if m.FinalNorm {
		h = c.norm("norm", in, m.Hidden, "b·s·h")
		c.Drop(in)
	}
	width := m.Hidden
	if m.EmbedDim != 0 && m.EmbedDim != m.Hidden {
		width = m.EmbedDim
		h = c.Linear("project_out", h, m.Hidden, width, false, "b·s·e")
	}
	if some { // the model without its head returns
		c.Drop(carried)
	}
	var loss program.T
	switch c.Loss {
	case StandardLoss:
		loss = c.standardLoss(h, width)
	default:
		loss = c.lossWithoutLogits(h, width)
	}
	if !m.FinalNorm {
		c.Drop(in)
	}
	c.Return(mark, loss)
	c.Leave(loss)
	c.Backward()
}

// standardLoss makes all logits, a float32 copy of them, and their
// log-probabilities (transformers loss_utils.py ForCausalLMLoss).
func (c *Context) standardLoss(h program.T, width int64) program.T {
	const shape = "b·s·V"
	mark := c.Scope()
	c.In(program.LogitsAndLoss)
	logits := c.headLinear(h, width, shape)
	if c.traits.logitScale {
		logits = c.replace(logits, c.Scale(logits, shape))
	}
	if c.Model.LogitSoftcap > 0 {
		logits = c.replace(logits, c.Scale(logits, shape))
		logits = c.replace(logits, c.UnaryResult("tanh", logits, shape))
		logits = c.replace(logits, c.Scale(logits, shape))
	}
	c.At("loss")
	f := c.Cast(logits, program.Float32, shape)
	if c.FloatLogits && f != logits {
		logits = c.replace(logits, f)
	}
	rows, scored := c.tokens, f
	if c.ShiftLogits {
		rows = c.Batch * (c.Seq - 1)
		scored = c.Clone(c.Slice(f, rows*c.Model.Vocab), shape)
	}
	var loss program.T
	if c.patches.crossEntropy {
		loss = c.FusedCrossEntropy(scored, rows)
	} else {
		loss = c.CrossEntropy(scored, rows, c.Model.Vocab, shape)
	}
	if c.ShiftLogits {
		c.Drop(scored)
	}
	if f != logits {
		c.Drop(f)
	}
	if c.ConvertOutputs && logits.DType() != program.Float32 {
		out := c.Cast(c.Detach(logits), program.Float32, shape)
		c.Drop(logits)
		c.Drop(out)
	}
	c.Return(mark, loss)
	return loss
}

// lossWithoutLogits computes head and loss in pieces.
func (c *Context) lossWithoutLogits(h program.T, width int64) program.T {
	m := &c.Model
	c.In(program.LogitsAndLoss)
	c.At(c.traits.head)
	l := program.HeadLoss{Hidden: h, Bias: -1, Batch: c.Batch, Seq: c.Seq, Width: width, Vocab: m.Vocab, Upcast: c.patches.upcastChunks}
	dt, copied := c.Tuner.Copied(c.traits.head)
	switch {
	case copied:
		l.Weight, l.Bias = c.copiedParams(c.traits.head, width, m.Vocab, m.HeadBias, dt)
	case m.TiedEmbeddings:
		l.Weight = c.tiedHead(width)
	default:
		l.Weight = c.Param(c.traits.head, m.Vocab*width)
	}
	if m.HeadBias && !copied {
		l.Bias = c.Param(c.traits.head+".bias", m.Vocab)
	}
	switch c.Loss {
	case ChunkedLoss:
		return c.ChunkedLoss(l)
	case TokenChunkedLoss:
		return c.TokenChunkedLoss(l)
	}
	return c.FusedLoss(l)
}

// tiedHead is the head's use of the embedding's weight.
func (c *Context) tiedHead(width int64) int {
	return c.AddParam(program.Param{
		Module: c.traits.head, N: c.Model.Vocab * width, DType: c.Weights, Count: 1, Cat: program.Weights,
		Trainable: c.Tuner.Trains(c.traits.embed, -1), Shared: true,
	})
}

// headLinear is the output projection; a tied one shares the embedding's weight.
func (c *Context) headLinear(h program.T, width int64, shape string) program.T {
	m := &c.Model
	if !m.TiedEmbeddings {
		return c.Linear(c.traits.head, h, width, m.Vocab, m.HeadBias, shape)
	}
	c.At(c.traits.head)
	if _, ok := c.Tuner.Copied(c.traits.head); ok {
		return c.Linear(c.traits.head, h, width, m.Vocab, m.HeadBias, shape)
	}
	w := c.tiedHead(width)
	bias := -1
	if m.HeadBias {
		bias = c.Param(c.traits.head+".bias", m.Vocab)
	}
	mark := c.Scope()
	l := Linear{Module: c.traits.head, In: width, Out: m.Vocab, Tokens: c.tokens, Shape: shape, Bias: m.HeadBias, Weight: w}
	y := c.Builder.Linear(h, w, bias, c.tokens, width, m.Vocab, shape)
	if a := c.Tuner.Adapter("", c.traits.head); a != nil {
		y = a.Apply(c, l, h, y)
	}
	c.Return(mark, y)
	return y
}

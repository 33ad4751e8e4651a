package methods

import (
	"github.com/vramcalc/vramcalc/estimator/modules"
	"github.com/vramcalc/vramcalc/estimator/program"
)

func init() {
	register(Method{
		ID: "dora", Summary: "LoRA with a trained magnitude per output", Adapter: true,
		New: func(s Settings) (modules.Tuner, error) { return newLoRA(s, doraVariant{}) },
	})
}

type doraVariant struct{}

func (doraVariant) adapter(s Settings) modules.Adapter {
	return doraAdapter{loraAdapter{rank: s.Rank, dropout: s.Dropout, dt: s.AdapterDType}}
}

// doraAdapter decomposes the weight into magnitude and direction (Liu et al.
// 2024, arXiv:2402.09353; peft/tuners/lora/dora.py DoraLinearLayer.forward).
// The norm of W + s·B·A is computed at each call: B·A by pushing an identity
// of in×in elements through the adapter, which makes wide layers expensive.
type doraAdapter struct{ loraAdapter }

// Apply adds (m/‖W+sBA‖ − 1)·base + m/‖W+sBA‖ · B(A(x))·s to the result.
func (a doraAdapter) Apply(c *modules.Context, l modules.Linear, x, base program.T) program.T {
	dt := base.DType()
	result := base
	if l.Quantized && c.Quant.Storage == modules.FourBit {
		result = c.Clone(base, l.Shape)
		c.Drop(base)
	}
	if !l.Quantized || c.Config.Autocast == program.Invalid {
		x = c.Cast(x, a.dt, "b·s·in")
	}
	d := c.Dropout(x, a.dropout, "b·s·in")
	extra := a.extra(c, l, d, result)
	y := c.Add(result, extra, l.Shape)
	c.Drop(result, extra)
	if cast := c.Cast(y, dt, l.Shape); cast != y {
		c.Drop(y)
		y = cast
	}
	return y
}

// LowRank: no fused function knows DoRA.
func (doraAdapter) LowRank() (modules.LowRank, bool) { return modules.LowRank{}, false }

// extra is DoraLinearLayer.forward; its locals die when it returns.
func (a doraAdapter) extra(c *modules.Context, l modules.Linear, x, result program.T) program.T {
	mark := c.Scope()
	wa := c.AdapterParam(l.Module+".lora_A", l.In*a.rank, a.dt)
	wb := c.AdapterParam(l.Module+".lora_B", l.Out*a.rank, a.dt)
	magnitude := c.Weight(c.AdapterParam(l.Module+".lora_magnitude_vector", l.Out, a.dt))
	norm, w := a.norm(c, l, x.DType(), wa, wb)
	scale := c.DivConstant(magnitude, norm, "out")

	h := c.Builder.Linear(x, wa, -1, l.Tokens, l.In, a.rank, "b·s·r")
	update := c.Builder.Linear(h, wb, -1, l.Tokens, a.rank, l.Out, l.Shape)
	c.Drop(h)
	if a.dropout > 0 { // the base saw x without dropout: its product is made again
		result = c.Product(x, w, l.Tokens, l.In, l.Out, l.Shape)
	}
	less := c.AddScalar(scale, "out")
	left := c.MulRow(result, less, l.Out, l.Shape)
	right := c.MulRow(update, scale, l.Out, l.Shape)
	scaled := c.Scale(right, l.Shape)
	c.Drop(right)
	y := c.Add(left, scaled, l.Shape)
	c.Return(mark, y)
	return y
}

// norm is ‖W + s·B·A‖ per output, outside the graph, and the weight that it needed.
func (a doraAdapter) norm(c *modules.Context, l modules.Linear, dt program.DType, wa, wb int) (norm, weight program.T) {
	n := l.In * l.Out
	eye := a.identity(c, l.In)
	h := c.Builder.Linear(eye, wa, -1, l.In, l.In, a.rank, "in·r")
	delta := c.Builder.Linear(h, wb, -1, l.In, a.rank, l.Out, "in·out")
	if cast := c.Cast(delta, dt, "in·out"); cast != delta {
		c.Drop(delta)
		delta = cast
	}
	weight = a.weight(c, l, dt)
	s := c.Scale(c.Detach(delta), "in·out")
	sum := c.Input("add", n, dt, "in·out")
	c.Drop(s)
	norm = c.Input("linalg_vector_norm", l.Out, dt, "out")
	c.Drop(sum)
	return norm, weight
}

// weight is the base's weight in a type, dequantized if need be.
func (a doraAdapter) weight(c *modules.Context, l modules.Linear, dt program.DType) program.T {
	w := c.Weight(l.Weight)
	if l.Quantized {
		w = c.DequantizedWeight(l.In*l.Out, c.Compute)
	}
	return c.Cast(w, dt, "in·out")
}

// identity is a unit matrix as the adapter's product takes it: autocast's copy
// is in the graph that the function holds, the original is not.
func (a doraAdapter) identity(c *modules.Context, n int64) program.T {
	eye := c.Input("eye", n*n, a.dt, "in·in")
	if c.Config.Autocast == program.Invalid {
		return eye
	}
	cast := c.Cast(eye, c.Config.Autocast, "in·in")
	if cast != eye {
		c.Drop(eye)
	}
	return cast
}

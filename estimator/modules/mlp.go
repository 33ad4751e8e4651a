package modules

import (
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/estimator/program"
)

// mlp is the forward of the feed-forward module.
func (c *Context) mlp(x program.T) program.T {
	c.holder = c.traits.ffn
	defer func() { c.holder = "" }()
	m := &c.Model
	mark := c.Scope()
	h, f := m.Hidden, m.Intermediate
	var a program.T
	switch {
	case m.Gated && c.traits.gateUp != "":
		p := c.Linear(c.traits.gateUp, x, h, 2*f, m.MLPBias, "b·s·2f")
		parts := c.Split(p, c.tokens*f, c.tokens*f)
		if c.patches.glu {
			a = c.fusedGLU(parts[0], parts[1], true)
			break
		}
		g := c.activation(parts[0])
		a = c.Mul(parts[1], g, "b·s·f")
		c.Drop(g)
	case m.Gated && c.patches.glu:
		gate := c.Linear(c.traits.gate, x, h, f, m.MLPBias, "b·s·f")
		up := c.Linear(c.traits.up, x, h, f, m.MLPBias, "b·s·f")
		a = c.fusedGLU(gate, up, false)
		c.Drop(gate, up)
	case m.Gated:
		gate := c.Linear(c.traits.gate, x, h, f, m.MLPBias, "b·s·f")
		g := c.activation(gate)
		c.Drop(gate)
		up := c.Linear(c.traits.up, x, h, f, m.MLPBias, "b·s·f")
		c.At("mlp.act")
		a = c.Mul(g, up, "b·s·f")
		c.Drop(g, up)
	default:
		up := c.Linear(c.traits.up, x, h, f, m.MLPBias, "b·s·f")
		a = c.activation(up)
		c.Drop(up)
	}
	y := c.Linear(c.traits.down, a, f, h, m.MLPBias, "b·s·h")
	c.Return(mark, y)
	return y
}

func (c *Context) activation(x program.T) program.T {
	c.At("mlp.act")
	const shape = "b·s·f"
	switch c.Model.Activation {
	case model.GELUNew:
		return c.geluNew(x, shape)
	case model.ReLU:
		return c.UnaryResult("relu", x, shape)
	case model.GELUFast:
		return c.geluFast(x, shape)
	case model.GELUBloom:
		return c.GELUBloom(x, shape)
	case model.XIELU:
		return c.XIELU(x, c.Param("act_fn", c.Model.MLPScalars), shape)
	case model.ReLUSquared:
		r := c.UnaryResult("relu", x, shape)
		y := c.Pow(r, shape)
		c.Drop(r)
		return y
	}
	return c.Unary(string(c.Model.Activation), x, shape)
}

// geluNew is NewGELUActivation, eight kernels in eager mode:
// 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))).
func (c *Context) geluNew(x program.T, shape string) program.T {
	half := c.Scale(x, shape)
	cube := c.Pow(x, shape)
	scaled := c.Scale(cube, shape)
	c.Drop(cube)
	sum := c.Add(x, scaled, shape)
	c.Drop(scaled)
	arg := c.Scale(sum, shape)
	c.Drop(sum)
	t := c.UnaryResult("tanh", arg, shape)
	c.Drop(arg)
	one := c.AddScalar(t, shape)
	c.Drop(t)
	y := c.Mul(half, one, shape)
	c.Drop(half, one)
	return y
}

// geluFast is FastGELUActivation:
// 0.5·x·(1 + tanh(x·0.7978845608·(1 + 0.044715·x·x))).
func (c *Context) geluFast(x program.T, shape string) program.T {
	half := c.Scale(x, shape)
	a := c.Scale(x, shape)
	b := c.Scale(x, shape)
	square := c.Mul(b, x, shape)
	c.Drop(b)
	one := c.AddScalar(square, shape)
	c.Drop(square)
	arg := c.Mul(a, one, shape)
	c.Drop(a, one)
	t := c.UnaryResult("tanh", arg, shape)
	c.Drop(arg)
	sum := c.AddScalar(t, shape)
	c.Drop(t)
	y := c.Mul(half, sum, shape)
	c.Drop(half, sum)
	return y
}

package methods

import (
	"fmt"
	"slices"

	"github.com/vramcalc/vramcalc/estimator/modules"
	"github.com/vramcalc/vramcalc/estimator/program"
)

func init() {
	register(Method{
		ID: "lora", Summary: "low-rank adapters on a frozen base", Adapter: true,
		New: func(s Settings) (modules.Tuner, error) { return newLoRA(s, plainLoRA{}) },
	})
	register(Method{
		ID: "qlora", Summary: "low-rank adapters on a 4-bit or 8-bit base", Adapter: true, Quantizes: true,
		New: func(s Settings) (modules.Tuner, error) { return newLoRA(s, plainLoRA{}) },
	})
}

// AllLinear is PEFT's name for every linear module but the head.
const AllLinear = "all-linear"

// lora adds B·A of a low rank to the targeted linear modules (Hu et al. 2021,
// arXiv:2106.09685; peft/tuners/lora/layer.py Linear.forward).
type lora struct {
	frozen
	Settings
	adapter modules.Adapter
}

// variant makes the adapter of a LoRA kin out of the settings.
type variant interface {
	adapter(Settings) modules.Adapter
}

func newLoRA(s Settings, v variant) (modules.Tuner, error) {
	if s.Rank < 1 {
		return nil, fmt.Errorf("lora rank: %d is not a positive number", s.Rank)
	}
	l := &lora{Settings: s, adapter: v.adapter(s)}
	for _, t := range s.Targets {
		if t != AllLinear && !slices.ContainsFunc(s.Linears, func(path string) bool { return named(path, t) }) {
			return nil, &TargetError{Setting: "lora targets", Target: t, Have: s.Linears}
		}
	}
	return l, nil
}

// named says whether a target means the module at a path.
func named(path, target string) bool {
	holder, module := modules.SplitPath(path)
	return modules.Named(holder, module, target)
}

func (l *lora) TrainsLayer(int64) bool {
	for _, path := range l.Linears {
		if l.Adapter(modules.SplitPath(path)) != nil {
			return true
		}
	}
	return false
}

func (l *lora) Copied(module string) (program.DType, bool) {
	return l.CopiedDType, slices.Contains(l.ModulesToSave, module)
}

func (l *lora) Adapter(holder, module string) modules.Adapter {
	for _, target := range l.Targets {
		if target == AllLinear && (holder != "" || l.isLinear(module)) || modules.Named(holder, module, target) {
			return l.adapter
		}
	}
	return nil
}

// isLinear says whether a module that nothing holds is one of a layer's.
func (l *lora) isLinear(module string) bool {
	return module != l.Head && slices.Contains(l.Linears, module)
}

type plainLoRA struct{}

func (plainLoRA) adapter(s Settings) modules.Adapter {
	return loraAdapter{rank: s.Rank, dropout: s.Dropout, dt: s.AdapterDType}
}

// loraAdapter is result + B(A(dropout(x)))·scaling.
type loraAdapter struct {
	rank    int64
	dropout float64
	dt      program.DType
}

func (a loraAdapter) Apply(c *modules.Context, l modules.Linear, x, base program.T) program.T {
	convert := true
	result := base
	if l.Quantized { // bnb.py converts only outside autocast, and clones the result of 4-bit layers
		convert = c.Config.Autocast == program.Invalid
		if c.Quant.Storage == modules.FourBit {
			result = c.Clone(base, l.Shape)
			c.Drop(base)
		}
	}
	dt := result.DType()
	if convert {
		x = c.Cast(x, a.dt, "b·s·in")
	}
	out := a.delta(c, l, x)
	if l.Quantized && convert {
		if cast := c.Cast(out, dt, l.Shape); cast != out {
			c.Drop(out)
			out = cast
		}
	}
	y := c.Add(result, out, l.Shape)
	c.Drop(result, out)
	if l.Quantized {
		return y
	}
	cast := c.Cast(y, dt, l.Shape)
	if cast != y {
		c.Drop(y)
	}
	return cast
}

// LowRank are the settings that a fused function needs.
func (a loraAdapter) LowRank() (modules.LowRank, bool) {
	return modules.LowRank{Rank: a.rank, Dropout: a.dropout, DType: a.dt}, true
}

// delta is B(A(dropout(x)))·scaling.
func (a loraAdapter) delta(c *modules.Context, l modules.Linear, x program.T) program.T {
	wa := c.AdapterParam(l.Module+".lora_A", l.In*a.rank, a.dt)
	wb := c.AdapterParam(l.Module+".lora_B", l.Out*a.rank, a.dt)
	d := c.Dropout(x, a.dropout, "b·s·in")
	h := c.Builder.Linear(d, wa, -1, l.Tokens, l.In, a.rank, "b·s·r")
	if d != x {
		c.Drop(d)
	}
	o := c.Builder.Linear(h, wb, -1, l.Tokens, a.rank, l.Out, l.Shape)
	c.Drop(h)
	s := c.Scale(o, l.Shape)
	c.Drop(o)
	return s
}

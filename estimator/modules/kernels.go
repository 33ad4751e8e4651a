package modules

import (
	"slices"

	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/estimator/order"
	"github.com/vramcalc/vramcalc/estimator/program"
)

// Kernels are the fused kernels that take the place of PyTorch's operations.
type Kernels uint8

// Sets of kernels.
const (
	EagerKernels Kernels = iota // none: the operations of the model's own code
	LigerKernels                // liger_kernel, as use_liger_kernel=True applies it
	FOAKKernels                 // fms-acceleration's "fused ops and kernels", which carry unsloth's
)

// patches is what a set of kernels replaces in a family's code.
type patches struct {
	norm, rope, glu bool
	crossEntropy    bool // where the logits exist in full
	// normInPlace: the norm's backward writes over the gradient that comes in.
	normInPlace bool
	// eagerQKNorm: the norms of queries and keys stay, since Liger patches the
	// modules of a model that exists one by one, and not these.
	eagerQKNorm bool
	// frozenNorm: the norm's weight gets no gradient.
	frozenNorm bool
	// ropeKernels: queries and keys are rotated by a kernel each.
	ropeKernels bool
	// lora: attention's projections run with their adapters as one function each
	// where the base is quantized.
	lora bool
	// upcastChunks: the fused loss copies each chunk of logits to float32 and back.
	upcastChunks bool
}

var (
	ligerLlama = patches{norm: true, rope: true, glu: true, normInPlace: true}
	// Norms whose result's gradient the residual needs too are not in place.
	ligerSandwich = patches{norm: true, rope: true, glu: true}
	ligerOLMo     = patches{norm: true, rope: true, glu: true, eagerQKNorm: true}
	foak          = patches{
		norm: true, rope: true, crossEntropy: true, normInPlace: true, frozenNorm: true, ropeKernels: true, upcastChunks: true, lora: true,
	}
)

// patched are the families that each set of kernels knows
// (liger_kernel/transformers/monkey_patch.py MODEL_TYPE_TO_APPLY_LIGER_FN;
// fms_acceleration_foak/models).
var patched = map[Kernels]map[string]patches{
	LigerKernels: {
		"llama": ligerLlama, "mistral": ligerLlama, "qwen2": ligerLlama, "qwen3": ligerLlama, "smollm3": ligerLlama,
		"phi3": ligerLlama, "gemma": ligerLlama,
		"gemma2": ligerSandwich, "gemma3_text": ligerSandwich, "olmo2": ligerOLMo, "olmo3": ligerOLMo,
		"glm4":    {norm: true, glu: true},
		"granite": {norm: true, rope: true, glu: true, normInPlace: true, crossEntropy: true},
	},
	FOAKKernels: {"llama": foak, "mistral": foak, "granite": foak},
}

// Patched are the families that a set of kernels knows.
func (k Kernels) Patched() []string {
	return order.Keys(patched[k])
}

// Patches says whether a set of kernels knows a family.
func (k Kernels) Patches(modelType string) bool {
	_, ok := patched[k][modelType]
	return ok || k == EagerKernels
}

// FusesLoss says whether the kernels bring a loss without logits for a family.
func (k Kernels) FusesLoss(modelType string) bool {
	return k == FOAKKernels || k == LigerKernels && modelType != "granite"
}

// normPrograms is the number of programs of a norm's backward: one for each
// multiprocessor, of which an H100 has 132. Each leaves a partial sum of a row
// in float32, so another card's number changes a step by less than 2 MiB.
const normPrograms = 132

// fusesNorm says whether a module's norm is one of the kernels.
func (c *Context) fusesNorm(module string, style normStyle) bool {
	isQK := module == "q_norm" || module == "k_norm"
	return c.patches.norm && style <= rmsPlusOne && !(isQK && c.patches.eagerQKNorm)
}

// fusedNorm is an RMSNorm in one kernel.
func (c *Context) fusedNorm(x program.T, w int, rows, width int64, inPlace bool, shape string) program.T {
	k := program.NormKernel{InPlace: inPlace, NoWeightGrad: c.patches.frozenNorm, Programs: normPrograms}
	return c.FusedRMSNorm(x, w, rows, width, k, shape)
}

// fusedRope rotates queries and keys where they lie.
func (c *Context) fusedRope(q, k program.T) (program.T, program.T) {
	m := &c.Model
	both := (q.Elements() + k.Elements()) / m.HeadDim * m.RotaryDim
	rk := program.RopeKernel{Strided: c.traits.qkv != "" && m.QKNorm == model.QKNormNone, Kernels: 1, Moved: both}
	rk.GradStrided = c.gradsByHead()
	kk := rk
	kk.Kernels, kk.Moved = 0, 0
	if c.patches.ropeKernels {
		kk.Moved = k.Elements() / m.HeadDim * m.RotaryDim
		rk.Moved, kk.Kernels = both-kk.Moved, 1
	}
	if m.KVHeads == 1 { // one head lies the same either way
		kk.GradStrided = false
	}
	return c.FusedRope(q, c.cos, c.sin, rk, "b·s·n·d"), c.FusedRope(k, c.cos, c.sin, kk, "b·s·g·d")
}

// gradsByHead says whether attention's backward gives the gradients of queries
// and keys head by head.
func (c *Context) gradsByHead() bool {
	return c.Attention == Eager
}

// fusedGLU is the gated unit in one kernel; strided: both are parts of one
// projection.
func (c *Context) fusedGLU(gate, up program.T, strided bool) program.T {
	c.At("mlp.act")
	return c.FusedGLU(string(c.Model.Activation), gate, up, strided, "b·s·f")
}

// AdaptsMLP says whether adapters sit on all of a gated MLP's linear modules.
func AdaptsMLP(m model.Model, targets []string) bool {
	t, _ := traitsOf(&m)
	for _, name := range []string{t.gate, t.up, t.down} {
		if !slices.ContainsFunc(targets, func(target string) bool { return target == "all-linear" || Named(t.ffn, name, target) }) {
			return false
		}
	}
	return true
}

// LowRank are the settings of an adapter that a fused function computes.
type LowRank struct {
	Rank    int64
	Dropout float64
	DType   program.DType
}

// fusedLoRA runs linear layers of one input with their adapters as one
// function, if the kernels do so and each layer has a plain low-rank adapter.
func (c *Context) fusedLoRA(x program.T, over bool, layers ...Linear) ([]program.T, bool) {
	if !c.patches.lora || c.Quant.Storage != FourBit || c.layer < 0 {
		return nil, false
	}
	f := program.FusedLoRA{In: layers[0].In, Tokens: c.tokens, Nested: c.Quant.Nested, Compute: c.Compute, OverInput: over}
	var adapter LowRank
	for _, l := range layers {
		a := c.Tuner.Adapter(c.holder, l.Module)
		if a == nil {
			return nil, false
		}
		low, ok := a.LowRank()
		if !ok {
			return nil, false
		}
		adapter = low
	}
	f.Rank, f.Dropout = adapter.Rank, adapter.Dropout
	for _, l := range layers {
		c.At(l.Module)
		c.quantParam(l.Module, l.In, l.Out)
		if l.Bias {
			c.Param(l.Module+".bias", l.Out)
		}
		f.Parts = append(f.Parts, program.LoRAPart{
			Out: l.Out, Bias: l.Bias, Shape: l.Shape,
			A: c.AdapterParam(l.Module+".lora_A", l.In*f.Rank, adapter.DType),
			B: c.AdapterParam(l.Module+".lora_B", l.Out*f.Rank, adapter.DType),
		})
	}
	return c.LoRA(x, f), true
}

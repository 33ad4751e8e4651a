// Package modules writes language models as the transformers library runs
// them in eager mode: which tensor each line of a forward function makes, and
// when the last Python reference to it goes.
package modules

import (
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/estimator/program"
)

// Attention is the implementation of attention (attn_implementation).
type Attention uint8

// Implementations of attention.
const (
	Eager Attention = iota
	SDPA
	Flash
)

// Loss is how the loss is computed from the last hidden state.
type Loss uint8

// Kinds of loss.
const (
	StandardLoss     Loss = iota // full logits, upcast to float32
	ChunkedLoss                  // TRL's fused head, tiles of the vocabulary (1.16)
	FusedLoss                    // Liger fused linear cross-entropy
	TokenChunkedLoss             // TRL's chunked_nll, 256 tokens at a time (1.7 to 1.15)
)

// Storage is how a frozen linear weight is stored.
type Storage uint8

// Storages of a linear weight.
const (
	Unquantized Storage = iota
	FourBit
	EightBit
)

// Quantization is the storage of the base's linear layers.
type Quantization struct {
	Storage Storage
	Nested  bool // double quantization of the block scales
	// Source is the type of the weights before they were quantized: 4-bit
	// weights come back in it.
	Source program.DType
	Skip   func(module string) bool
}

// Config is everything that decides a model's program, with no default left.
type Config struct {
	Model      model.Model
	Batch, Seq int64
	Weights    program.DType // type of the base's unquantized weights
	Norms      program.DType // type of the norms' weights
	Compute    program.DType // type that quantized layers compute in
	Autocast   program.DType // Invalid: off
	Attention  Attention
	Loss       Loss
	Kernels    Kernels
	Checkpoint bool
	Reentrant  bool // the checkpoint is torch's reentrant one
	// RepeatsKV: FlashAttention gets repeated key-value heads in some families.
	RepeatsKV bool

	// ConvertOutputs: the trainer copies low-precision model outputs to float32
	// under autocast (accelerate convert_outputs_to_fp32).
	ConvertOutputs bool
	// ShiftLogits: the loss drops the last position by a copy of the float32
	// logits (transformers before 4.49, huggingface/transformers#35646; later versions pad the labels).
	ShiftLogits bool
	// FloatLogits: the model's forward itself casts the logits to float32 and
	// drops the others (transformers before 4.46).
	FloatLogits bool
	// InputsRequireGrad: the embedding's output is made to require a gradient
	// (enable_input_require_grads).
	InputsRequireGrad bool

	// Litgpt: the model is litgpt's own GPT class; HeadChunks: its head runs
	// over chunks of the sequence.
	Litgpt, HeadChunks bool

	Tuner Tuner
	Quant Quantization
}

// Tuner is a fine-tuning method as the modules see it.
type Tuner interface {
	// Trains says whether a parameter of the base trains; layer is the index
	// of the decoder layer, or -1 outside the layers.
	Trains(module string, layer int64) bool
	// TrainsLayer says whether anything in a decoder layer trains.
	TrainsLayer(layer int64) bool
	// Copied says whether the module is replaced by a trainable copy of
	// itself in float32 or the given type (modules_to_save).
	Copied(module string) (program.DType, bool)
	// Adapter is what is added to a linear module of the module that holds it,
	// "" outside of any, nil for nothing.
	Adapter(holder, module string) Adapter
}

// Adapter changes the result of a linear layer.
type Adapter interface {
	// Apply gets the layer, its input and the base's result and returns the
	// new result. Parameters are registered through the context.
	Apply(c *Context, l Linear, x, base program.T) program.T
	// LowRank says whether the adapter is one that fused functions know.
	LowRank() (LowRank, bool)
}

// Linear describes one linear layer to an adapter.
type Linear struct {
	Module    string
	Weight    int // parameter index
	In, Out   int64
	Tokens    int64
	Shape     string // of the result
	Quantized bool
	Conv1D    bool
	Bias      bool
}

// Context is a model under construction.
type Context struct {
	*program.Builder
	Config
	Count   int64 // repeats of the block under construction
	layer   int64 // index that stands for the block's layers, -1 outside
	traits  traits
	patches patches
	holder  string // the module whose forward runs: attention, MLP, or none
	tokens  int64

	frozen         int64     // layers before the first that trains
	now            layerKind // of the layer under construction
	cos, sin, mask program.T
	alibi          program.T // slopes by position
	probs          program.T // probabilities of eager attention: a variable of the layer
	holdsEmbeds    bool      // the blocks pass inputs_embeds on
	allMasked      bool      // every layer gets the mask, not only windowed ones
}

// Param registers a parameter of the base model.
func (c *Context) Param(module string, n int64) int {
	return c.AddParam(program.Param{
		Module: module, N: n, DType: c.Weights, Count: c.Count,
		Trainable: c.Tuner.Trains(module, c.layer), Cat: program.Weights,
	})
}

// normParam registers a weight or a bias of a norm.
func (c *Context) normParam(module string, n int64) int {
	p := c.Param(module, n)
	c.Params[p].DType = c.Norms
	return p
}

// AdapterParam registers a trainable parameter that the method adds.
func (c *Context) AdapterParam(module string, n int64, dt program.DType) int {
	return c.AddParam(program.Param{
		Module: module, N: n, DType: dt, Count: c.Count, Trainable: true, Cat: program.Adapters,
	})
}

// Linear runs one linear layer of the model: base, then what the method adds.
func (c *Context) Linear(module string, x program.T, in, out int64, bias bool, shape string) program.T {
	c.At(module)
	if dt, ok := c.Tuner.Copied(module); ok {
		return c.copied(module, x, in, out, bias, dt, shape)
	}
	mark := c.Scope()
	l := Linear{Module: module, In: in, Out: out, Tokens: c.tokens, Shape: shape, Conv1D: c.traits.conv1D, Bias: bias}
	bp := -1
	var y program.T
	if c.quantized(module) {
		l.Weight, l.Quantized = c.quantParam(module, in, out), true
		if bias {
			c.Param(module+".bias", out)
		}
		y = c.quantLinear(x, in, out, shape)
	} else {
		l.Weight = c.Param(module, in*out)
		if bias {
			bp = c.Param(module+".bias", out)
		}
		y = c.plainLinear(x, l.Weight, bp, in, out, shape)
	}
	if a := c.Tuner.Adapter(c.holder, module); a != nil {
		y = a.Apply(c, l, x, y)
	}
	c.Return(mark, y)
	return y
}

// plainLinear runs a linear layer of the family that is not quantized.
func (c *Context) plainLinear(x program.T, w, bias int, in, out int64, shape string) program.T {
	if c.traits.ownLinear && c.layer >= 0 {
		return c.MatmulLinear(x, w, bias, c.tokens, in, out, shape)
	}
	return c.Builder.Linear(x, w, bias, c.tokens, in, out, shape)
}

// copied runs the trainable copy of a module.
func (c *Context) copied(module string, x program.T, in, out int64, bias bool, dt program.DType, shape string) program.T {
	w, bp := c.copiedParams(module, in, out, bias, dt)
	return c.Builder.Linear(x, w, bp, c.tokens, in, out, shape)
}

// copiedParams registers a module's trainable copy, whose parameters it
// returns, and the frozen original, which stays in memory.
func (c *Context) copiedParams(module string, in, out int64, bias bool, dt program.DType) (w, bp int) {
	tied := c.Model.TiedEmbeddings && module == c.traits.head
	c.AddParam(program.Param{Module: module, N: in * out, DType: c.Weights, Count: c.Count, Cat: program.Weights, Shared: tied})
	w, bp = c.AddParam(program.Param{Module: module + ".modules_to_save", N: in * out, DType: dt, Count: c.Count, Trainable: true, Cat: program.Adapters}), -1
	if bias {
		c.AddParam(program.Param{Module: module + ".bias", N: out, DType: c.Weights, Count: c.Count, Cat: program.Weights})
		bp = c.AddParam(program.Param{Module: module + ".modules_to_save.bias", N: out, DType: dt, Count: c.Count, Trainable: true, Cat: program.Adapters})
	}
	return w, bp
}

func (c *Context) quantized(module string) bool {
	return c.Quant.Storage != Unquantized && c.layer >= 0 && !c.traits.ownLinear &&
		!(c.now.plainDown && module == c.traits.down) && (c.Quant.Skip == nil || !c.Quant.Skip(module))
}

// quantParam registers a quantized weight of out×in elements.
func (c *Context) quantParam(module string, in, out int64) int {
	n := in * out
	p := program.Param{Module: module, N: n, DType: program.UInt8, Count: c.Count, Cat: program.Weights}
	if c.Quant.Storage == EightBit {
		// int8 rows and one float32 scale per output row
		// (bitsandbytes Int8Params: CB, SCB).
		p.Quant = []program.QuantTensor{{Bytes: n, Cat: program.Weights}, {Bytes: 4 * out, Cat: program.QuantizationConstants}}
	} else {
		p.Quant = fourBit(n, c.Quant.Nested)
	}
	return c.AddParam(p)
}

// fourBit are the tensors of a 4-bit weight of n elements: two elements a
// byte, a scale per 64 elements (float32, or one byte and a float32 per 256
// scales with an offset when nested), and the table of 16 values
// (bitsandbytes/functional.py quantize_4bit, blocksize 64).
func fourBit(n int64, nested bool) []program.QuantTensor {
	blocks := (n + 63) / 64
	q := []program.QuantTensor{{Bytes: (n + 1) / 2, Cat: program.Weights}}
	if !nested {
		return append(q,
			program.QuantTensor{Bytes: 4 * blocks, Cat: program.QuantizationConstants},
			program.QuantTensor{Bytes: 16 * 4, Cat: program.QuantizationConstants})
	}
	return append(q,
		program.QuantTensor{Bytes: blocks, Cat: program.QuantizationConstants},
		program.QuantTensor{Bytes: 4 * ((blocks + 255) / 256), Cat: program.QuantizationConstants},
		program.QuantTensor{Bytes: 16 * 4, Cat: program.QuantizationConstants},
		program.QuantTensor{Bytes: 4, Cat: program.QuantizationConstants})
}

// nestedTable registers the 256 values of double quantization, which all
// layers share (bitsandbytes/functional.py name2qmap).
func (c *Context) nestedTable() {
	if c.Quant.Storage == FourBit && c.Quant.Nested {
		c.AddParam(program.Param{
			Module: "bitsandbytes.dynamic", N: 256, DType: program.Float32, Count: 1,
			Cat: program.QuantizationConstants, Buffer: true,
		})
	}
}

func (c *Context) quantLinear(x program.T, in, out int64, shape string) program.T {
	if c.Quant.Storage == EightBit {
		return c.Int8Linear(x, c.tokens, in, out, shape)
	}
	q := program.Quant4{In: in, Out: out, Compute: c.Compute, Source: c.Quant.Source, Nested: c.Quant.Nested}
	return c.QuantLinear(x, q, c.tokens, shape)
}

// Package model describes a language model by what its configuration says:
// the dimensions and switches that decide which tensors a training step makes.
// It holds no weights and reads no files.
package model

// Model is one architecture, filled from a preset or from a Hugging Face
// config.json. Sizes are in elements; zero means "not there" (no sliding
// window, no learned positions), never "unknown": a source that leaves out a
// size the engine needs is rejected where it is read.
type Model struct {
	ID      string // preset id or the path or Hub id it was read from
	Name    string // for people
	HubID   string // Hugging Face repository, if any
	Family  string // marketing family: "llama-3.1"
	Aliases []string
	Source  string // where the facts come from

	Released   string   // "2024-07", empty when not known
	Confidence string   // of the facts: "A" (best) to "D"; empty for a config.json
	Notes      []string // remarks for people
	// Facts are what a preset knows about kinds that the engine does not
	// build yet (experts, vision tower, …), for display only.
	Facts []Fact

	// ModelType is the transformers model_type whose code runs ("llama",
	// "qwen2", "gpt_neox"); it decides how the modules are written.
	ModelType string
	// Kind is "decoder" for what the engine builds today; other kinds
	// (moe, mla, encoder, encoder-decoder, ssm, hybrid-ssm, vision) are
	// listed and refused by name.
	Kind string

	Layers       int64
	Hidden       int64
	Heads        int64
	KVHeads      int64
	HeadDim      int64
	Intermediate int64
	Vocab        int64
	MaxPosition  int64

	TiedEmbeddings bool
	// EmbedDim is the width of the token embedding where it differs from
	// Hidden (OPT-350m projects 512 to 1024); zero means Hidden.
	EmbedDim int64

	Norm          Norm
	NormBias      bool // LayerNorm has a bias
	NormsPerLayer int64
	FinalNorm     bool
	EmbedNorm     bool // BLOOM: a norm right after the embedding
	QKNorm        QKNorm
	PostNorm      bool // norms stand after the sub-layer (OLMo 2), not before

	Position     Position
	PositionRows int64 // rows of the learned position table
	RotaryDim    int64 // rotated dimensions of each head (rope)
	NoPELayers   int64 // layers that skip the rotation (SmolLM3: every fourth)

	QKVBias          bool
	OutBias          bool
	MLPBias          bool
	HeadBias         bool
	ParallelResidual bool

	Activation Activation
	Gated      bool  // gate and up projections multiply (SwiGLU, GeGLU)
	MLPScalars int64 // learned scalars of the activation per layer (xIELU)

	// SlidingWindow is the attention window in tokens; SlidingLayers of the
	// Layers use it, the others attend to everything.
	SlidingWindow int64
	SlidingLayers int64

	// Dropout probabilities of the released configuration, applied while training.
	EmbedDropout, AttentionDropout, ResidualDropout float64

	// LogitSoftcap and AttentionSoftcap are the tanh caps of Gemma 2 (0: none).
	LogitSoftcap     float64
	AttentionSoftcap float64

	// Parameters is the number of distinct parameters (a tied head counts
	// once): the published one, or what the dimensions give where only a
	// rounded one was published; zero when neither is known.
	Parameters int64
	// ParametersExact says that Parameters was counted from the checkpoint
	// and not rounded in a paper.
	ParametersExact bool
	// ActiveParameters is the number a token passes through in a mixture of
	// experts; zero where it is all of them.
	ActiveParameters int64
}

// Fact is one named value for display, such as "moe.experts" = "64".
type Fact struct{ Name, Value string }

// Norm is the kind of normalisation.
type Norm string

// The normalisations of the supported families.
const (
	RMSNorm                Norm = "rmsnorm"
	LayerNorm              Norm = "layernorm"
	LayerNormNonparametric Norm = "layernorm-nonparametric"
)

// QKNorm is the normalisation of queries and keys before attention.
type QKNorm string

// Query and key norms: none, one weight per head dimension, or one over the
// whole projection.
const (
	QKNormNone      QKNorm = ""
	QKNormHead      QKNorm = "head"
	QKNormFull      QKNorm = "full"
	QKNormHeadLayer QKNorm = "head-layernorm" // LayerNorm with bias over each head (Persimmon)
	// QKNormPerHead gives each head its own LayerNorm weight and no bias:
	// (heads + KV heads) x head dimension in all (StableLM 2 12B).
	QKNormPerHead QKNorm = "per-head-layernorm"
)

// Position is how a model knows where a token stands.
type Position string

// Position encodings of the supported families.
const (
	RoPE    Position = "rope"
	Learned Position = "learned"
	ALiBi   Position = "alibi"
)

// Activation is the non-linearity of the MLP.
type Activation string

// Activations of the supported families.
const (
	SiLU        Activation = "silu"
	GELU        Activation = "gelu"
	GELUTanh    Activation = "gelu_pytorch_tanh" // one fused kernel
	GELUNew     Activation = "gelu_new"          // the same formula in eager operations
	GELUFast    Activation = "gelu_fast"         // the same formula, other eager operations (GPT-NeoX-20B)
	GELUBloom   Activation = "bloom_gelu"        // the same formula in an autograd function that keeps its input only
	ReLU        Activation = "relu"
	ReLUSquared Activation = "relu2"
	XIELU       Activation = "xielu"
)

package modules

import (
	"strings"

	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/estimator/program"
)

// layout is how a decoder layer joins its parts.
type layout uint8

const (
	sequential     layout = iota // x += attn(norm(x)); x += mlp(norm(x))
	postNormed                   // x += norm(attn(x)); x += norm(mlp(x)) (OLMo 2)
	sandwich                     // norms before and after both parts (Gemma 2, GLM-4)
	parallelShared               // attn and mlp of one norm, summed (GPT-J, Phi, Cohere, Falcon)
	postResidual                 // x = norm(x + attn(x)); x = norm(x + mlp(x)) (OPT-350m)
	parallelTwo                  // attn and mlp of two norms, summed (GPT-NeoX)
)

// normStyle is how a family writes its norm.
type normStyle uint8

const (
	rmsAfterCast     normStyle = iota // weight * x.to(dtype)
	rmsBeforeCast                     // (weight * x).to(dtype)
	rmsPlusOne                        // (x * (1 + weight.float())).type_as(x): Gemma
	layerNorm                         // F.layer_norm
	layerNormPlusOne                  // F.layer_norm with weight + 1, outside autocast: Nemotron
	layerNormEager                    // written out in float32: Cohere
	layerNormFloat                    // F.layer_norm in float32 without weights: OLMo
)

// traits are the facts about a model_type's code that its configuration does
// not show: names, fused projections, the order of operations. Each is read in
// transformers' modeling_<model_type>.py, or in the repository's own code for
// the types marked remote.
type traits struct {
	layout layout
	norm   normStyle

	q, k, v, qkv, o string // module names; qkv set: one fused projection
	gate, up, down  string
	gateUp          string // fused gate and up projection
	embed, head     string
	attn, ffn       string // modules that hold attention's and the MLP's projections

	fusedSplit      bool // the fused projection is split without a copy (a view)
	catRotary       bool // the rotated part is joined to an empty rest (Phi-3)
	tokenMajor      bool // rotary runs before heads and tokens are swapped (GPT-J)
	ropeFloat       bool // rotary runs in float32 and casts its result (OLMo, Cohere)
	alwaysMask      bool // a mask is made even where causality alone would do (Falcon)
	interleaved     bool // rotary pairs are neighbours (GPT-J, GLM): other temporaries
	conv1D          bool // transposed weights (GPT-2)
	embedScale      bool // the model multiplies embeddings by a constant
	scaledEmbedding bool // the embedding module does (Gemma)
	remote          bool // code lives in the model's repository, not in transformers
	ownLinear       bool // its linears compute product and bias apart; bitsandbytes replaces nn.Linear itself only (Falcon)
	denseALiBi      bool // the slopes are added to the mask: one per head (Falcon)
	plainSoftmax    bool // eager attention takes the softmax in the type of the scores (GPT-2)
	ownWindow       bool // a buffer of the attention module hides what is outside of a window (GPT-Neo)
	keepsAttention  bool // a variable of the layer holds the result of attention until it returns
	maskBuffer      bool // a causal mask of all positions lies ready (GPT-BigCode)
	sumsNormed      bool // with norms after the parts, each norm is of the sum (OPT)
	fillMask        bool // masked scores are filled: the mask is boolean (MPT)
	keepsProbs      bool // the loop over layers keeps a layer's outputs until the next one returns
	eagerOnly       bool
	// eager is attention as matrix products.
	eager func(c *Context, q, k, v program.T) program.T
	// layer is the decoder layer of a family whose code is unlike the others'.
	layer func(c *Context, x program.T) program.T

	resScale   bool // residual additions multiply by a constant (Granite, MiniCPM)
	logitScale bool // logits are multiplied by a constant
}

var llamaTraits = traits{
	q: "q_proj", k: "k_proj", v: "v_proj", o: "o_proj",
	gate: "gate_proj", up: "up_proj", down: "down_proj",
	embed: "embed_tokens", head: "lm_head",
	attn: "self_attn", ffn: "mlp",
	eager: (*Context).eager,
}

func llamaWith(f func(*traits)) traits {
	t := llamaTraits
	f(&t)
	return t
}

// neoxNames are the module names that GPT-NeoX, BLOOM, Falcon, ChatGLM and Persimmon share.
func neoxNames(t *traits) {
	t.qkv, t.o = "query_key_value", "dense"
	t.up, t.down = "dense_h_to_4h", "dense_4h_to_h"
	t.gate = ""
	t.norm = layerNorm
	t.fusedSplit = true
	t.attn = "self_attention"
}

var families = map[string]traits{
	"llama":      llamaTraits,
	"mistral":    llamaTraits,
	"qwen2":      llamaTraits,
	"qwen3":      llamaTraits,
	"smollm3":    llamaTraits,
	"ministral3": llamaTraits,
	"internlm3":  llamaWith(func(t *traits) { t.remote = true }),
	"mimo":       llamaWith(func(t *traits) { t.remote = true }),
	"minicpm":    llamaWith(func(t *traits) { t.remote, t.embedScale, t.resScale = true, true, true }),
	"internlm":   llamaWith(func(t *traits) { t.remote = true }),
	"granite":    llamaWith(func(t *traits) { t.embedScale, t.resScale, t.logitScale = true, true, true }),
	"granitemoehybrid": llamaWith(func(t *traits) {
		t.embedScale, t.resScale, t.logitScale = true, true, true
		t.gateUp, t.down, t.ffn = "input_linear", "output_linear", "shared_mlp"
	}),
	"gemma":       llamaWith(func(t *traits) { t.norm, t.scaledEmbedding = rmsPlusOne, true }),
	"gemma2":      llamaWith(func(t *traits) { t.norm, t.scaledEmbedding, t.layout, t.eagerOnly = rmsPlusOne, true, sandwich, true }),
	"gemma3_text": llamaWith(func(t *traits) { t.norm, t.scaledEmbedding, t.layout = rmsPlusOne, true, sandwich }),
	"olmo":        llamaWith(func(t *traits) { t.norm, t.ropeFloat = layerNormFloat, true }),
	"olmo2":       llamaWith(func(t *traits) { t.norm, t.layout, t.ropeFloat = rmsBeforeCast, postNormed, true }),
	"olmo3":       llamaWith(func(t *traits) { t.norm, t.layout, t.ropeFloat = rmsBeforeCast, postNormed, true }),
	"cohere": llamaWith(func(t *traits) {
		t.norm, t.layout, t.interleaved, t.logitScale, t.ropeFloat = layerNormEager, parallelShared, true, true, true
	}),
	"apertus":    llamaWith(func(t *traits) { t.gate = "" }),
	"nemotron":   llamaWith(func(t *traits) { t.norm, t.gate = layerNormPlusOne, "" }),
	"stablelm":   llamaWith(func(t *traits) { t.norm = layerNorm }),
	"starcoder2": llamaWith(func(t *traits) { t.norm, t.gate, t.up, t.down = layerNorm, "", "c_fc", "c_proj" }),
	"phi": llamaWith(func(t *traits) {
		t.norm, t.layout, t.o, t.gate, t.up, t.down = layerNorm, parallelShared, "dense", "", "fc1", "fc2"
	}),
	"phi3":     llamaWith(func(t *traits) { t.qkv, t.fusedSplit, t.gateUp, t.catRotary = "qkv_proj", true, "gate_up_proj", true }),
	"glm":      llamaWith(func(t *traits) { t.gateUp, t.interleaved = "gate_up_proj", true }),
	"glm4":     llamaWith(func(t *traits) { t.gateUp, t.interleaved, t.layout = "gate_up_proj", true, sandwich }),
	"baichuan": llamaWith(func(t *traits) { t.qkv, t.remote = "W_pack", true }),
	"internlm2": llamaWith(func(t *traits) {
		t.qkv, t.o, t.gate, t.up, t.down, t.embed, t.head, t.remote = "wqkv", "wo", "w1", "w3", "w2", "tok_embeddings", "output", true
		t.attn, t.ffn = "attention", "feed_forward"
	}),
	"qwen": llamaWith(func(t *traits) {
		t.qkv, t.o, t.gate, t.up, t.down, t.embed, t.remote, t.attn = "c_attn", "c_proj", "w2", "w1", "c_proj", "wte", true, "attn"
	}),
	"chatglm": llamaWith(func(t *traits) {
		neoxNames(t)
		t.norm, t.gateUp, t.interleaved, t.embed, t.head, t.remote = rmsAfterCast, "dense_h_to_4h", true, "word_embeddings", "output_layer", true
	}),
	"chatglm1": llamaWith(func(t *traits) {
		neoxNames(t)
		t.attn, t.embed, t.remote, t.resScale = "attention", "word_embeddings", true, true
	}),
	"gpt_neox": llamaWith(func(t *traits) {
		neoxNames(t)
		t.layout, t.embed, t.head, t.attn = parallelTwo, "embed_in", "embed_out", "attention"
	}),
	"persimmon": llamaWith(func(t *traits) { neoxNames(t); t.attn = "self_attn" }),
	"bloom": llamaWith(func(t *traits) {
		neoxNames(t)
		t.embed, t.eagerOnly, t.keepsProbs, t.eager = "word_embeddings", true, true, (*Context).eagerBloom
	}),
	"falcon": llamaWith(func(t *traits) {
		neoxNames(t)
		t.embed, t.alwaysMask, t.ownLinear, t.denseALiBi, t.keepsProbs = "word_embeddings", true, true, true, true
		t.layer = (*Context).falconLayer
	}),
	"mpt": llamaWith(func(t *traits) {
		t.norm, t.qkv, t.o, t.gate, t.embed, t.fusedSplit = layerNorm, "Wqkv", "out_proj", "", "wte", true
		t.attn, t.ffn = "attn", "ffn"
		t.eagerOnly, t.fillMask, t.keepsProbs, t.keepsAttention, t.eager = true, true, true, true, (*Context).eagerMPT
	}),
	"gpt2": llamaWith(func(t *traits) {
		t.norm, t.qkv, t.o, t.gate, t.up, t.down, t.embed = layerNorm, "c_attn", "c_proj", "", "c_fc", "c_proj", "wte"
		t.conv1D, t.fusedSplit, t.plainSoftmax, t.keepsAttention, t.attn = true, true, true, true, "attn"
	}),
	"gpt_bigcode": llamaWith(func(t *traits) {
		t.norm, t.qkv, t.o, t.gate, t.up, t.down, t.embed = layerNorm, "c_attn", "c_proj", "", "c_fc", "c_proj", "wte"
		t.fusedSplit, t.keepsAttention, t.maskBuffer, t.attn = true, true, true, "attn"
	}),
	"gpt_neo": llamaWith(func(t *traits) {
		t.norm, t.o, t.gate, t.up, t.down, t.embed = layerNorm, "out_proj", "", "c_fc", "c_proj", "wte"
		t.eagerOnly, t.keepsProbs, t.ownWindow, t.keepsAttention, t.eager = true, true, true, true, (*Context).eagerNeo
		t.attn = "attn.attention"
	}),
	"gptj": llamaWith(func(t *traits) {
		t.norm, t.layout, t.interleaved, t.tokenMajor, t.eager = layerNorm, parallelShared, true, true, (*Context).eagerGPTJ
		t.o, t.gate, t.up, t.down, t.embed, t.attn = "out_proj", "", "fc_in", "fc_out", "wte", "attn"
	}),
	"opt": llamaWith(func(t *traits) {
		t.norm, t.o, t.gate, t.up, t.down, t.sumsNormed, t.ffn = layerNorm, "out_proj", "", "fc1", "fc2", true, ""
	}),
}

// traitsOf finds the traits of a model; layouts that the configuration decides
// are read from it.
func traitsOf(m *model.Model) (traits, bool) {
	t, ok := families[m.ModelType]
	if !ok {
		return t, false
	}
	switch {
	case m.PostNorm && t.sumsNormed:
		t.layout = postResidual
	case m.PostNorm && t.layout == sequential:
		t.layout = postNormed
	case m.ParallelResidual && t.layout == sequential:
		t.layout = parallelShared
		if m.NormsPerLayer == 2 {
			t.layout = parallelTwo
		}
	case !m.ParallelResidual && (t.layout == parallelTwo || t.layout == parallelShared):
		t.layout = sequential
	}
	return t, true
}

// Families are the model types that the engine builds.
func Families() []string {
	names := make([]string, 0, len(families))
	for name := range families {
		names = append(names, name)
	}
	return names
}

// EagerOnly says whether transformers has no fused attention for a type.
func EagerOnly(modelType string) bool { return families[modelType].eagerOnly }

// Supported says why a model can't be built, or nil.
func Supported(m model.Model) error {
	if m.Kind != "decoder" {
		return &UnsupportedError{Model: m.ID, Field: "kind", Value: m.Kind}
	}
	if _, ok := families[m.ModelType]; !ok {
		return &UnsupportedError{Model: m.ID, Field: "model_type", Value: m.ModelType}
	}
	return nil
}

// Linears are the paths of the linear modules in a model's layers, below the
// layer, and its head.
func Linears(m model.Model) []string {
	t, _ := traitsOf(&m)
	attention, mlp := []string{t.q, t.k, t.v, t.o}, []string{t.gate, t.up, t.down}
	if t.qkv != "" {
		attention = []string{t.qkv, t.o}
	}
	switch {
	case m.Gated && t.gateUp != "":
		mlp = []string{t.gateUp, t.down}
	case !m.Gated:
		mlp = []string{t.up, t.down}
	}
	var paths []string
	for _, name := range attention {
		paths = append(paths, join(t.attn, name))
	}
	for _, name := range mlp {
		paths = append(paths, join(t.ffn, name))
	}
	return append(paths, t.head)
}

// join is the path of a module in another, which may have no name.
func join(in, name string) string {
	if in == "" {
		return name
	}
	return in + "." + name
}

// Named says whether a name or the end of a path, as PEFT's target_modules
// take it, means a module of the one that holds it.
func Named(holder, module, target string) bool {
	rest, ok := strings.CutSuffix(target, module)
	if !ok || rest == "" {
		return ok
	}
	rest, ok = strings.CutSuffix(rest, ".")
	before, end := strings.CutSuffix(holder, rest)
	return ok && rest != "" && end && (before == "" || strings.HasSuffix(before, "."))
}

// SplitPath is a path as the module that holds another, and that one's name.
func SplitPath(path string) (holder, module string) {
	i := strings.LastIndexByte(path, '.')
	return path[:max(i, 0)], path[i+1:]
}

// Head is the name of a model's output projection.
func Head(m model.Model) string {
	t, _ := traitsOf(&m)
	return t.head
}

// Canonical is the engine's name of a module that transformers also knows by
// another one: the head is reachable as lm_head in every family.
func Canonical(m model.Model, name string) string {
	if t, _ := traitsOf(&m); name == "lm_head" {
		return t.head
	}
	return name
}

// Copyable are the modules that modules_to_save can name.
func Copyable(m model.Model) []string {
	t, _ := traitsOf(&m)
	return []string{t.embed, t.head}
}

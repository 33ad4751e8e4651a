package hfconfig

import "github.com/vramcalc/vramcalc/estimator/model"

// A family says how the configuration class of one model_type names its
// sizes, what it assumes when they are absent, and what its code builds.
type family struct {
	id string // model_type

	// base is what the family's code always builds.
	base layer

	// Defaults of sizes. Zero makes a size mandatory, since every released
	// file states it; of kvHeads and headDim it means as many as heads, and
	// hidden / heads.
	layers, hidden, heads, vocab   int64
	kvHeads, headDim, intermediate int64
	maxPosition                    int64

	names names // where they differ from the usual ones

	tied   bool // default of tie_word_embeddings
	rotary float64
	adapt  func(fields, *model.Model) // whatever is left
}

// names are keys, with alternatives "a|b"; the empty one is the usual name.
type names struct {
	layers, hidden, heads, kvHeads, headDim, intermediate, vocab, maxPosition, activation string
	embedDropout, attentionDropout, residualDropout                                       string
}

// named is the family of a model_type, nil for an unknown one.
func named(modelType string) *family {
	for i := range families {
		if families[i].id == modelType {
			return &families[i]
		}
	}
	return nil
}

// read fills a model from the fields.
func (fam *family) read(f fields) model.Model {
	m := fam.base.build()
	k := fam.names
	m.Layers = f.size(or(k.layers, "num_hidden_layers"), orRequired(fam.layers), maxLayers)
	m.Hidden = f.size(or(k.hidden, "hidden_size"), orRequired(fam.hidden), maxHidden)
	m.Heads = f.size(or(k.heads, "num_attention_heads"), orRequired(fam.heads), maxHeads)
	m.Vocab = f.size(or(k.vocab, "vocab_size"), orRequired(fam.vocab), maxVocab)
	m.KVHeads = f.size(or(k.kvHeads, "num_key_value_heads"), first(fam.defaultKVHeads(f), m.Heads), maxHeads)
	m.HeadDim = f.size(or(k.headDim, "head_dim"), first(fam.headDim, m.Hidden/max(m.Heads, 1), 1), maxHeadDim)
	m.Intermediate = f.size(or(k.intermediate, "intermediate_size"), orRequired(fam.intermediate), maxWidth)
	if m.Intermediate == fourfold {
		m.Intermediate = 4 * m.Hidden
	}
	m.MaxPosition = f.size(or(k.maxPosition, "max_position_embeddings"), fam.maxPosition, maxPosition)
	m.TiedEmbeddings = f.flag("tie_word_embeddings", fam.tied)
	m.Activation = activation(f, or(k.activation, "hidden_act"), m.Activation)
	m.EmbedDropout = f.fraction(or(k.embedDropout, none), m.EmbedDropout)
	m.AttentionDropout = f.fraction(or(k.attentionDropout, "attention_dropout"), m.AttentionDropout)
	m.ResidualDropout = f.fraction(or(k.residualDropout, none), m.ResidualDropout)
	if m.Position == model.RoPE {
		m.RotaryDim = int64(float64(m.HeadDim)*rotaryFraction(f, first(fam.rotary, 1)) + 1e-9)
	}
	if fam.adapt != nil {
		fam.adapt(f, &m)
	}
	if m.SlidingWindow == 0 || m.SlidingWindow >= m.MaxPosition || m.SlidingLayers == 0 {
		m.SlidingWindow, m.SlidingLayers = 0, 0 // a window as long as the context is none
	}
	return m
}

// fourfold as a default width is four times the hidden size.
const fourfold = -4

// defaultKVHeads is the family's default, which a null in the file replaces
// by the number of heads.
func (fam *family) defaultKVHeads(f fields) int64 {
	if f.has(or(fam.names.kvHeads, "num_key_value_heads")) {
		return 0
	}
	return fam.kvHeads
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func orRequired(n int64) int64 {
	if n == 0 {
		return required
	}
	return n
}

func first[T int64 | float64](values ...T) T {
	for _, v := range values {
		if v != 0 {
			return v
		}
	}
	return 0
}

// activation reads an activation's name; the engine knows the names that
// transformers uses, and two that mean the same.
func activation(f fields, keys string, fallback model.Activation) model.Activation {
	if keys == none {
		return fallback
	}
	key, v := f.lookUp(keys)
	s := f.text(keys, string(fallback))
	switch a := model.Activation(s); a {
	case "swish":
		return model.SiLU
	case "gelu_python":
		return model.GELU
	case model.SiLU, model.GELU, model.GELUTanh, model.GELUNew, model.GELUFast, model.ReLU, model.ReLUSquared, model.XIELU, model.GELUBloom:
		return a
	}
	f.bad(key, v, "an activation that vramcalc knows (silu, gelu, gelu_new, gelu_fast, gelu_pytorch_tanh, relu, relu2, xielu)")
	return fallback
}

// none as a key name is never in a file.
const none = "\x00"

// rotaryFraction is the rotated share of a head: in rope_parameters (since
// transformers 5), there by layer type, or beside it under one of three names.
func rotaryFraction(f fields, fallback float64) float64 {
	rope := f.sub("rope_parameters")
	if full, ok := rope.object["full_attention"].(object); ok {
		rope.object = full
	}
	outer := f.fraction("partial_rotary_factor|rotary_pct|rope_pct", fallback)
	return rope.fraction("partial_rotary_factor", outer)
}

package presets

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vramcalc/vramcalc/estimator/model"
)

// countParameters adds up the parameters of a dense decoder from its
// dimensions alone, in symbols of the field: V vocabulary, h hidden, a heads,
// k KV heads, d head dimension, f MLP width, L layers.
//
//	embedding   V·e (+ position rows · h) (+ projections between e and h)
//	attention   h·(a+2k)·d + a·d·h, with biases (a+2k)·d and h
//	MLP         h·f·(2 or 3), with biases f·(1 or 2) + h
//	norms       n·h, doubled where they have a bias
//	head        V·h unless tied
func countParameters(m model.Model) int64 {
	embedDim := m.Hidden
	total := int64(0)
	if m.EmbedDim > 0 {
		embedDim = m.EmbedDim
		total += 2 * embedDim * m.Hidden // project_in and project_out
	}
	total += m.Vocab*embedDim + m.PositionRows*m.Hidden
	total += m.Layers * (attentionParameters(m) + mlpParameters(m))
	total += normParameters(m) * (m.Layers*m.NormsPerLayer + count(m.FinalNorm) + count(m.EmbedNorm))
	if !m.TiedEmbeddings {
		total += m.Vocab * embedDim
	}
	return total + count(m.HeadBias)*m.Vocab
}

func attentionParameters(m model.Model) int64 {
	q, kv := m.Heads*m.HeadDim, m.KVHeads*m.HeadDim
	n := m.Hidden*(q+2*kv) + q*m.Hidden
	n += count(m.QKVBias)*(q+2*kv) + count(m.OutBias)*m.Hidden
	switch m.QKNorm {
	case model.QKNormHead:
		n += 2 * m.HeadDim
	case model.QKNormHeadLayer:
		n += 4 * m.HeadDim
	case model.QKNormFull, model.QKNormPerHead:
		n += q + kv
	}
	return n
}

func mlpParameters(m model.Model) int64 {
	up := 1 + count(m.Gated)
	n := (up + 1) * m.Hidden * m.Intermediate
	return n + count(m.MLPBias)*(up*m.Intermediate+m.Hidden) + m.MLPScalars
}

// normParameters is the number of weights of one norm.
func normParameters(m model.Model) int64 {
	if m.Norm == model.LayerNormNonparametric {
		return 0
	}
	return m.Hidden * (1 + count(m.NormBias))
}

func count(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// TestParametersFollowFromDimensions counts every dense decoder in closed
// form and compares with the total in the preset, published or not.
func TestParametersFollowFromDimensions(t *testing.T) {
	exact := 0
	for _, m := range Models() {
		if m.Kind != "decoder" {
			continue
		}
		if got := countParameters(m); got != m.Parameters {
			t.Errorf("%s: the dimensions give %d parameters, the preset says %d (difference %d)", m.ID, got, m.Parameters, got-m.Parameters)
		}
		if m.ParametersExact {
			exact++
		}
	}
	if want := 150; exact < want {
		t.Errorf("%d dense decoders have an exact published total, want at least %d", exact, want)
	}
}

// notExact lists the dense decoders whose total nobody published to the last
// parameter in the form that transformers builds, with the reason.
var notExact = map[string]string{
	"llama-33b":              "the paper says 32.5B",
	"llama-65b":              "the paper says 65.2B",
	"codellama-70b":          "no total published",
	"solar-10.7b":            "the name says 10.7B",
	"deepseek-llm-67b":       "published as 67.4B",
	"internlm-7b":            "published as 7.3B",
	"internlm-20b":           "published as 20B",
	"gpt-3-175b":             "the paper says 175B; no checkpoint",
	"pythia-31m":             "no total published",
	"redpajama-incite-3b":    "no total published",
	"stablelm-base-alpha-3b": "its README counts 1,204,224 more, cause unknown",
	"stablelm-base-alpha-7b": "its README counts 602,112 more, cause unknown",
	"stablelm-2-12b":         "its card counts 419,840 more than transformers' modules hold",
	"opt-66b":                "published as 66B",
	"opt-175b":               "published as 175B",
	"falcon-11b":             "published as 11.1B",
	"mpt-30b":                "published as 30.0B",
	"nemotron-4-15b":         "published as 15.6B",
	"nemotron-4-340b":        "published as 341B",
	"minitron-4b":            "published as 4.19B",
	"persimmon-8b":           "published as 9.4B",
}

func TestEveryInexactTotalHasAReason(t *testing.T) {
	for _, m := range Models() {
		if m.Kind != "decoder" {
			continue
		}
		if _, listed := notExact[m.ID]; listed == m.ParametersExact {
			t.Errorf("%s: parameters_exact is %t, listed as inexact: %t; notes: %q", m.ID, m.ParametersExact, listed, m.Notes)
		}
	}
}

// TestModelsAreComplete holds every entry to what the engine and the lists
// need, and dense decoders to sizes that fit together.
func TestModelsAreComplete(t *testing.T) {
	kinds := []string{"decoder", "moe", "mla", "encoder", "encoder-decoder", "ssm", "hybrid-ssm", "vision-language", "per-layer-embeddings"}
	seen := map[string]bool{}
	list := Models()
	if len(list) < 323 {
		t.Errorf("%d models, want at least 323", len(list))
	}
	for _, m := range list {
		if seen[m.ID] {
			t.Errorf("%s: two entries", m.ID)
		}
		seen[m.ID] = true
		if m.ID != strings.ToLower(m.ID) {
			t.Errorf("%s: the id is not lower case", m.ID)
		}
		if m.Name == "" || m.Family == "" || m.Source == "" || m.Released == "" || m.ModelType == "" || m.Parameters <= 0 || m.Confidence == "" {
			t.Errorf("%s: name, family, source, released, model_type, parameters or confidence is missing", m.ID)
		}
		if !slices.Contains(kinds, m.Kind) {
			t.Errorf("%s: kind %q", m.ID, m.Kind)
		}
		if m.Kind == "decoder" {
			checkDecoder(t, m)
		}
	}
}

func checkDecoder(t *testing.T, m model.Model) {
	t.Helper()
	bad := func(what string) { t.Errorf("%s: %s", m.ID, what) }
	for name, size := range map[string]int64{
		"layers": m.Layers, "hidden": m.Hidden, "heads": m.Heads, "kv_heads": m.KVHeads, "head_dim": m.HeadDim,
		"intermediate": m.Intermediate, "vocab": m.Vocab, "max_position": m.MaxPosition, "norms_per_layer": m.NormsPerLayer,
	} {
		if size <= 0 {
			bad(name + " is missing")
		}
	}
	if m.KVHeads > 0 && m.Heads%m.KVHeads != 0 {
		bad("heads are no multiple of kv_heads")
	}
	if (m.Position == model.RoPE) != (m.RotaryDim > 0) || m.RotaryDim > m.HeadDim || m.RotaryDim%2 != 0 {
		bad("rotary_dim does not fit position and head_dim")
	}
	if (m.Position == model.Learned) != (m.PositionRows > 0) {
		bad("position_rows does not fit position")
	}
	if (m.SlidingWindow > 0) != (m.SlidingLayers > 0) || m.SlidingLayers > m.Layers || m.SlidingWindow > 0 && m.SlidingWindow >= m.MaxPosition {
		bad("sliding_window and sliding_layers do not fit")
	}
	if m.NormBias && m.Norm != model.LayerNorm {
		bad("only layernorm has a bias")
	}
	closed := []any{m.Norm, m.QKNorm, m.Position, m.Activation}
	for _, v := range closed {
		if !slices.Contains(known, v) {
			bad(fmt.Sprintf("%T %q is not one of the engine's", v, v))
		}
	}
}

// known are the values of the engine's closed sets.
var known = []any{
	model.RMSNorm, model.LayerNorm, model.LayerNormNonparametric,
	model.QKNormNone, model.QKNormHead, model.QKNormFull, model.QKNormHeadLayer, model.QKNormPerHead,
	model.RoPE, model.Learned, model.ALiBi,
	model.SiLU, model.GELU, model.GELUTanh, model.GELUNew, model.GELUFast, model.GELUBloom, model.ReLU, model.ReLUSquared, model.XIELU,
}

func TestOtherKindsShowTheirFacts(t *testing.T) {
	m, err := Model("mixtral-8x7b")
	if err != nil {
		t.Fatal(err)
	}
	if m.Kind != "moe" || !slices.Contains(m.Facts, model.Fact{Name: "moe.experts", Value: "8"}) || m.ActiveParameters != 12879925248 {
		t.Errorf("kind %q, active %d, facts %v", m.Kind, m.ActiveParameters, m.Facts)
	}
}

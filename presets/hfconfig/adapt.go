package hfconfig

import (
	"fmt"

	"github.com/vramcalc/vramcalc/estimator/model"
)

// attentionBias: one key for all four projections.
func attentionBias(f fields, m *model.Model) {
	m.QKVBias = f.flag("attention_bias", false)
	m.OutBias = m.QKVBias
}

func llamaBiases(f fields, m *model.Model) {
	attentionBias(f, m)
	m.MLPBias = f.flag("mlp_bias", false)
}

// window reads sliding_window, which a null switches off and whose absence
// means the family's default; layers of them use it.
func window(f fields, m *model.Model, fallback, layers int64) {
	if f.has("sliding_window") {
		fallback = 0
	}
	m.SlidingWindow = f.size("sliding_window", fallback, maxPosition)
	m.SlidingLayers = layers
}

// slidingLayers counts the layers that slide: in layer_types where that is
// given, else every layer but the last of each period.
func slidingLayers(f fields, m *model.Model, period int64) int64 {
	types := f.list("layer_types")
	if types == nil {
		return m.Layers - m.Layers/max(period, 1)
	}
	if int64(len(types)) != m.Layers {
		f.bad("layer_types", fmt.Sprintf("%d layers", len(types)), fmt.Sprintf("%d", m.Layers))
	}
	n := int64(0)
	for _, t := range types {
		switch t {
		case "sliding_attention":
			n++
		case "full_attention":
		default:
			f.bad("layer_types", t, `"full_attention" or "sliding_attention"`)
			return 0
		}
	}
	return n
}

// qwenWindow: the layers from max_window_layers on slide, if any does.
func qwenWindow(f fields, m *model.Model) {
	if !f.flag("use_sliding_window", false) {
		return
	}
	fullLayers := f.number("max_window_layers", 28, maxLayers)
	window(f, m, 4096, max(m.Layers-int64(fullLayers), 0))
	if f.has("layer_types") {
		m.SlidingLayers = slidingLayers(f, m, 1)
	}
}

func qwen3(f fields, m *model.Model) {
	attentionBias(f, m)
	qwenWindow(f, m)
}

func mimo(f fields, m *model.Model) {
	m.QKVBias = f.flag("attention_bias", true)
	qwenWindow(f, m)
	if n := f.number("num_nextn_predict_layers", 0, maxLayers); n > 0 {
		m.Notes = append(m.Notes, "the layers that predict further tokens are left out, as transformers does")
	}
}

// gemma: its first files say "gelu" and mean the tanh form.
func gemma(f fields, m *model.Model) {
	attentionBias(f, m)
	if m.Activation == model.GELU {
		m.Activation = model.GELUTanh
	}
}

func gemma2(f fields, m *model.Model) {
	attentionBias(f, m)
	softcaps(f, m, 30, 50)
	window(f, m, 4096, slidingLayers(f, m, 2))
	if !f.has("layer_types") {
		m.SlidingLayers = (m.Layers + 1) / 2 // the first of each pair slides
	}
}

func gemma3(f fields, m *model.Model) {
	attentionBias(f, m)
	softcaps(f, m, 0, 0)
	window(f, m, 4096, slidingLayers(f, m, f.size("sliding_window_pattern|_sliding_window_pattern", 6, maxLayers)))
}

// softcaps reads the tanh caps; a null switches one off.
func softcaps(f fields, m *model.Model, logits, attention float64) {
	if f.has("final_logit_softcapping") {
		logits = 0
	}
	if f.has("attn_logit_softcapping") {
		attention = 0
	}
	m.LogitSoftcap = f.number("final_logit_softcapping", logits, maxSoftcap)
	m.AttentionSoftcap = f.number("attn_logit_softcapping", attention, maxSoftcap)
}

func phi(f fields, m *model.Model) {
	if f.flag("qk_layernorm", false) {
		m.QKNorm = model.QKNormHeadLayer
	}
}

func positionRows(_ fields, m *model.Model) { m.PositionRows = m.MaxPosition }

// gptj: a rotary_dim of null rotates the whole head.
func gptj(f fields, m *model.Model) {
	fallback := int64(64)
	if f.has("rotary_dim") {
		fallback = m.HeadDim
	}
	m.RotaryDim = f.size("rotary_dim", fallback, maxHeadDim)
}

func gptNeo(f fields, m *model.Model) {
	positionRows(f, m)
	m.SlidingWindow = f.size("window_size", 256, maxPosition)
	m.SlidingLayers = localLayers(f, m.Layers)
}

// localLayers counts "local" in attention_types, [[["global", "local"], 6]]:
// a list of patterns with how often each is repeated.
func localLayers(f fields, layers int64) int64 {
	groups := f.list("attention_types")
	if groups == nil {
		return layers / 2
	}
	all, local := int64(0), int64(0)
	for _, g := range groups {
		pair, _ := g.([]any)
		if len(pair) != 2 {
			break
		}
		pattern, _ := pair[0].([]any)
		repeat, ok := whole(pair[1])
		if !ok || repeat < 0 || repeat > maxLayers || len(pattern) > maxLayers {
			break
		}
		all += repeat * int64(len(pattern))
		for _, kind := range pattern {
			if kind == "local" {
				local += repeat
			}
		}
	}
	if all != layers {
		f.bad("attention_types", groups, fmt.Sprintf("patterns for %d layers", layers))
	}
	return local
}

func gptNeoX(f fields, m *model.Model) {
	m.QKVBias = f.flag("attention_bias", true)
	m.OutBias = m.QKVBias
	m.ParallelResidual = f.flag("use_parallel_residual", true)
}

func bigCode(f fields, m *model.Model) {
	positionRows(f, m)
	if f.flag("multi_query", true) {
		m.KVHeads = 1
	}
}

func starcoder2(f fields, m *model.Model) {
	bias := f.flag("use_bias", true)
	m.QKVBias, m.OutBias, m.MLPBias = bias, bias, bias
	window(f, m, 0, m.Layers)
}

// opt keeps two more rows in its position table than positions.
func opt(f fields, m *model.Model) {
	m.PositionRows = m.MaxPosition + 2
	if e := f.size("word_embed_proj_dim", m.Hidden, maxHidden); e != m.Hidden {
		m.EmbedDim = e
	}
	m.PostNorm = !f.flag("do_layer_norm_before", true)
	m.FinalNorm = !m.PostNorm && !f.flag("_remove_final_layer_norm", false)
	bias := f.flag("enable_bias", true)
	m.QKVBias, m.OutBias, m.MLPBias = bias, bias, bias
	if !f.flag("layer_norm_elementwise_affine", true) {
		m.Norm, m.NormBias = model.LayerNormNonparametric, false
	}
}

func falcon(f fields, m *model.Model) {
	newDecoder := f.flag("new_decoder_architecture", false)
	switch {
	case newDecoder || !f.flag("multi_query", true):
		m.KVHeads = f.size("num_kv_heads|n_head_kv", m.Heads, maxHeads)
	default:
		m.KVHeads = 1
	}
	bias := f.flag("bias", false)
	m.QKVBias, m.OutBias, m.MLPBias = bias, bias, bias
	if f.flag("alibi", false) {
		m.Position, m.RotaryDim = model.ALiBi, 0
	}
	m.ParallelResidual = newDecoder || f.flag("parallel_attn", true)
	if m.ParallelResidual {
		norms := int64(1)
		if newDecoder {
			norms = 2
		}
		m.NormsPerLayer = f.size("num_ln_in_parallel_attn", norms, 2)
	}
}

// mpt: transformers takes every dropout of the layer from attn_pdrop and
// builds no bias, whatever no_bias says.
func mpt(f fields, m *model.Model) {
	m.Intermediate = f.size("expansion_ratio", 4, 64) * m.Hidden
	attention := f.sub("attn_config")
	m.AttentionDropout = attention.fraction("attn_pdrop", 0)
	m.ResidualDropout = m.AttentionDropout
	if !attention.flag("alibi", true) {
		f.bad("attn_config.alibi", false, "true: transformers builds MPT with ALiBi only")
	}
	if attention.flag("qk_ln", false) {
		f.bad("attn_config.qk_ln", true, "false: transformers builds MPT without it")
	}
}

func stableLM(f fields, m *model.Model) {
	m.QKVBias = f.flag("use_qkv_bias", false)
	if f.flag("qk_layernorm", false) {
		m.QKNorm = model.QKNormPerHead
	}
	if f.flag("use_parallel_residual", false) {
		m.ParallelResidual, m.NormsPerLayer = true, 1
	}
}

func olmo(f fields, m *model.Model) {
	attentionBias(f, m)
	if f.number("clip_qkv", 0, maxSoftcap) > 0 {
		m.Notes = append(m.Notes, "clip_qkv is not modelled")
	}
}

func olmo3(f fields, m *model.Model) {
	attentionBias(f, m)
	window(f, m, 4096, slidingLayers(f, m, 4))
}

// glm has biases on queries, keys and values only.
func glm(f fields, m *model.Model) { m.QKVBias = f.flag("attention_bias", true) }

// graniteHybrid accepts the dense members of the family only.
func graniteHybrid(f fields, m *model.Model) {
	attentionBias(f, m)
	if n, _ := whole(f.object["num_local_experts"]); n != 0 || f.object["num_local_experts"] == nil {
		f.fail(&UnsupportedError{Field: "num_local_experts", Value: shorten(f.object["num_local_experts"]), Reason: "a mixture of experts, which is not built yet", Nearest: "granite"})
	}
	types := f.list("layer_types|layers_block_type")
	if int64(len(types)) != m.Layers {
		f.fail(&UnsupportedError{Field: "layer_types", Value: fmt.Sprintf("%d of %d layers", len(types), m.Layers), Reason: "the other layers are state-space layers, which are not built yet", Nearest: "granite"})
	}
	for _, t := range types {
		if t != "attention" && t != "full_attention" {
			f.fail(&UnsupportedError{Field: "layer_types", Value: shorten(t), Reason: "a hybrid of attention and state space, which is not built yet", Nearest: "granite"})
			break
		}
	}
	if f.text("position_embedding_type", "") != "rope" {
		m.NoPELayers = m.Layers
	}
}

func cohere(f fields, m *model.Model) {
	attentionBias(f, m)
	if f.flag("use_qk_norm", false) {
		m.QKNorm = model.QKNormPerHead
	}
}

func persimmon(f fields, m *model.Model) {
	if f.flag("qk_layernorm", true) {
		m.QKNorm = model.QKNormHeadLayer
	}
}

// smolLM3 rotates where no_rope_layers says 1, or in all but every fourth layer.
func smolLM3(f fields, m *model.Model) {
	llamaBiases(f, m)
	qwenWindow(f, m)
	rotated := f.list("no_rope_layers")
	if rotated == nil {
		m.NoPELayers = m.Layers / f.size("no_rope_layer_interval", 4, maxLayers)
		return
	}
	if int64(len(rotated)) != m.Layers {
		f.bad("no_rope_layers", fmt.Sprintf("%d layers", len(rotated)), fmt.Sprintf("%d", m.Layers))
	}
	for _, r := range rotated {
		if n, ok := whole(r); ok && n == 0 {
			m.NoPELayers++
		}
	}
}

// internLM3's first files call its biases qkv_bias and bias.
func internLM3(f fields, m *model.Model) {
	m.QKVBias = f.flag("attention_bias|qkv_bias", false)
	m.OutBias = f.flag("attention_bias|bias", false)
	m.MLPBias = f.flag("mlp_bias|bias", false)
}

func chatGLM(f fields, m *model.Model) {
	if f.flag("multi_query_attention", true) {
		m.KVHeads = f.size("multi_query_group_num", 1, maxHeads)
	}
	linear := f.flag("add_bias_linear", false)
	m.QKVBias = linear || f.flag("add_qkv_bias", false)
	m.OutBias, m.MLPBias = linear, linear
	m.FinalNorm = f.flag("post_layer_norm", true)
	if !f.flag("rmsnorm", true) {
		m.Norm, m.NormBias = model.LayerNorm, true
	}
}

// baichuan: the 13B files, whose code uses ALiBi, give no max_position_embeddings.
func baichuan(f fields, m *model.Model) {
	if !f.has("max_position_embeddings") {
		m.Position, m.RotaryDim = model.ALiBi, 0
	}
}

func internLM(f fields, m *model.Model) {
	bias := f.flag("bias", true)
	m.QKVBias, m.OutBias = bias, bias
}

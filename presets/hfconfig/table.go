package hfconfig

import "github.com/vramcalc/vramcalc/estimator/model"

// preNorm is the plain decoder layer of Llama: RMSNorm before attention and
// before a gated SiLU MLP, rotary positions, a final norm, no bias.
func preNorm(m *model.Model) {
	m.Norm, m.NormsPerLayer, m.FinalNorm = model.RMSNorm, 2, true
	m.Position, m.Activation, m.Gated = model.RoPE, model.SiLU, true
}

// layerNorm is the decoder layer of GPT-NeoX and its time: LayerNorm with
// bias, rotary positions, a plain MLP, biases everywhere.
func layerNorm(m *model.Model) {
	m.Norm, m.NormBias, m.NormsPerLayer, m.FinalNorm = model.LayerNorm, true, 2, true
	m.Position, m.Activation = model.RoPE, model.GELU
	m.QKVBias, m.OutBias, m.MLPBias = true, true, true
}

// families are the supported model types. Defaults are those of the
// configuration classes in transformers 5.24, src/transformers/models/<type>/
// configuration_<type>.py; for the last group, whose code comes with the
// repository, those of its configuration file.
var families = []family{
	{id: "llama", base: layer{preNorm}, maxPosition: 2048, adapt: llamaBiases},
	{
		id: "mistral", base: layer{preNorm}, kvHeads: 8, maxPosition: 131072,
		adapt: func(f fields, m *model.Model) { window(f, m, 4096, m.Layers) },
	},
	{
		id: "ministral3", base: layer{preNorm}, kvHeads: 8, headDim: 128, maxPosition: 262144,
		adapt: func(f fields, m *model.Model) { window(f, m, 0, m.Layers) },
	},
	{id: "qwen2", base: layer{preNorm, qkvBias}, kvHeads: 32, maxPosition: 32768, adapt: qwenWindow},
	{id: "qwen3", base: layer{preNorm, qkHead}, kvHeads: 32, headDim: 128, maxPosition: 32768, adapt: qwen3},
	{id: "gemma", base: layer{preNorm, geglu}, kvHeads: 16, headDim: 256, maxPosition: 8192, tied: true, adapt: gemma},
	{id: "gemma2", base: layer{preNorm, geglu, sandwich}, kvHeads: 4, headDim: 256, maxPosition: 8192, tied: true, names: names{activation: "hidden_activation"}, adapt: gemma2},
	{id: "gemma3_text", base: layer{preNorm, geglu, sandwich, qkHead}, layers: 26, hidden: 2304, heads: 8, vocab: 262208, kvHeads: 4, headDim: 256, intermediate: 9216, maxPosition: 131072, tied: true, names: names{activation: "hidden_activation"}, adapt: gemma3},
	{
		id: "phi", base: layer{layerNorm, parallelOneNorm, geluNew, headBias}, maxPosition: 2048, rotary: 0.5,
		names: names{embedDropout: "embd_pdrop", residualDropout: "resid_pdrop"}, adapt: phi,
	},
	{
		id: "phi3", base: layer{preNorm}, maxPosition: 4096,
		names: names{embedDropout: "embd_pdrop", residualDropout: "resid_pdrop"},
		adapt: func(f fields, m *model.Model) { window(f, m, 0, m.Layers) },
	},
	{
		id: "gpt2", base: layer{layerNorm, learned, geluNew, dropTenth}, intermediate: fourfold, maxPosition: 1024, tied: true,
		names: gptNames, adapt: positionRows,
	},
	{
		id: "gptj", base: layer{layerNorm, parallelOneNorm, geluNew, headBias, noAttentionBias}, intermediate: fourfold, maxPosition: 2048,
		names: gptNames, adapt: gptj,
	},
	{
		id: "gpt_neo", base: layer{layerNorm, learned, geluNew, noQKVBias}, intermediate: fourfold, maxPosition: 2048, tied: true,
		names: names{layers: "num_layers", heads: "num_heads", activation: "activation_function", embedDropout: "embed_dropout", residualDropout: "resid_dropout"},
		adapt: gptNeo,
	},
	{
		id: "gpt_neox", base: layer{layerNorm}, maxPosition: 2048, rotary: 0.25,
		names: names{embedDropout: "hidden_dropout", residualDropout: "hidden_dropout"}, adapt: gptNeoX,
	},
	{
		id: "gpt_bigcode", base: layer{layerNorm, learned, geluTanh, dropTenth}, intermediate: fourfold, maxPosition: 1024, tied: true,
		names: gptNames, adapt: bigCode,
	},
	{
		id: "starcoder2", base: layer{layerNorm, geluTanh}, kvHeads: 2, maxPosition: 4096, tied: true,
		names: names{embedDropout: "embedding_dropout", residualDropout: "residual_dropout"}, adapt: starcoder2,
	},
	{
		id: "opt", base: layer{layerNorm, learned, relu, dropOPT}, maxPosition: 2048, tied: true,
		names: names{intermediate: "ffn_dim", activation: "activation_function", residualDropout: "dropout"}, adapt: opt,
	},
	{
		id: "bloom", base: layer{layerNorm, alibi, bloomGELU}, intermediate: fourfold, maxPosition: 2048, tied: true,
		names: names{layers: "num_hidden_layers|n_layer", hidden: "hidden_size|n_embed", heads: "num_attention_heads|n_head", maxPosition: "seq_length", activation: none, residualDropout: "hidden_dropout"},
	},
	{
		id: "falcon", base: layer{layerNorm, noBias}, intermediate: fourfold, maxPosition: 2048, tied: true,
		names: names{layers: "num_hidden_layers|n_layer", heads: "num_attention_heads|n_head", kvHeads: none, headDim: none, hidden: "hidden_size|n_embed", intermediate: "ffn_hidden_size", activation: "activation", residualDropout: "hidden_dropout"},
		adapt: falcon,
	},
	{
		id: "mpt", base: layer{layerNorm, alibi, noBias, noNormBias}, intermediate: fourfold, maxPosition: 2048, tied: true,
		names: names{layers: "n_layers", hidden: "d_model", heads: "n_heads", kvHeads: none, intermediate: none, maxPosition: "max_seq_len", activation: none, attentionDropout: none, embedDropout: "emb_pdrop"},
		adapt: mpt,
	},
	{
		id: "stablelm", base: layer{layerNorm, noBias, gatedSiLU}, kvHeads: 32, maxPosition: 4096, rotary: 0.25,
		names: names{residualDropout: "hidden_dropout"}, adapt: stableLM,
	},
	{id: "olmo", base: layer{preNorm, noNormWeights}, maxPosition: 2048, adapt: olmo},
	{id: "olmo2", base: layer{preNorm, postNorm, qkFull}, maxPosition: 2048, adapt: attentionBias},
	{id: "olmo3", base: layer{preNorm, postNorm, qkFull}, maxPosition: 2048, adapt: olmo3},
	{id: "glm", base: layer{preNorm}, kvHeads: 2, headDim: 128, maxPosition: 131072, rotary: 0.5, adapt: glm},
	{id: "glm4", base: layer{preNorm, sandwich}, kvHeads: 2, headDim: 128, maxPosition: 131072, rotary: 0.5, adapt: glm},
	{
		id: "granite", base: layer{preNorm}, maxPosition: 2048, adapt: llamaBiases,
	},
	{
		id: "granitemoehybrid", base: layer{preNorm}, maxPosition: 2048, names: names{intermediate: "shared_intermediate_size"}, adapt: graniteHybrid,
	},
	{id: "nemotron", base: layer{layerNorm, noBias, relu2}, maxPosition: 4096, rotary: 0.5, adapt: llamaBiases},
	{id: "cohere", base: layer{preNorm, plainLayerNorm, parallelOneNorm}, maxPosition: 8192, tied: true, adapt: cohere},
	{id: "apertus", base: layer{preNorm, qkHead, xielu}, maxPosition: 65536, adapt: attentionBias},
	{
		id: "persimmon", base: layer{layerNorm, relu2}, maxPosition: 16384, rotary: 0.5,
		names: names{kvHeads: none, headDim: none, residualDropout: "hidden_dropout"}, adapt: persimmon,
	},
	{id: "smollm3", base: layer{preNorm}, kvHeads: 4, maxPosition: 32768, tied: true, adapt: smolLM3},
	{id: "internlm3", base: layer{preNorm}, kvHeads: 2, headDim: 128, maxPosition: 32768, adapt: internLM3},

	// Code of the repository itself.
	{
		id: "qwen", base: layer{preNorm, qkvBias}, maxPosition: 8192,
		names: names{kvHeads: none, headDim: "kv_channels", maxPosition: "max_position_embeddings|seq_length", activation: none, embedDropout: "emb_dropout_prob", attentionDropout: "attn_dropout_prob"},
		adapt: func(f fields, m *model.Model) { m.Intermediate = max(m.Intermediate/2, 1) }, // counted for gate and up together
	},
	{id: "mimo", base: layer{preNorm, qkvBias}, maxPosition: 32768, adapt: mimo},
	{
		id: "chatglm", base: layer{preNorm}, maxPosition: 2048, rotary: 0.5,
		names: names{layers: "num_layers", kvHeads: none, headDim: "kv_channels", intermediate: "ffn_hidden_size", vocab: "padded_vocab_size|vocab_size", maxPosition: "seq_length", activation: none, residualDropout: "hidden_dropout"},
		adapt: chatGLM,
	},
	{
		id: "chatglm1", base: layer{layerNorm, geluFast}, maxPosition: 2048, tied: true,
		names: names{layers: "num_layers", kvHeads: none, intermediate: "inner_hidden_size", maxPosition: "max_sequence_length", activation: none},
	},
	{id: "baichuan", base: layer{preNorm}, maxPosition: 4096, names: names{kvHeads: none, maxPosition: "max_position_embeddings|model_max_length"}, adapt: baichuan},
	{id: "internlm", base: layer{preNorm}, maxPosition: 2048, names: names{kvHeads: none}, adapt: internLM},
	{id: "internlm2", base: layer{preNorm}, maxPosition: 2048, adapt: func(f fields, m *model.Model) {
		if f.flag("bias", true) {
			m.QKVBias, m.OutBias = true, true
		}
	}},
	{id: "minicpm", base: layer{preNorm}, maxPosition: 2048, tied: true, adapt: attentionBias},
}

var gptNames = names{
	layers: "n_layer|num_hidden_layers", hidden: "n_embd|hidden_size", heads: "n_head|num_attention_heads", kvHeads: none,
	headDim: none, intermediate: "n_inner", maxPosition: "n_positions|max_position_embeddings", activation: "activation_function",
	embedDropout: "embd_pdrop", attentionDropout: "attn_pdrop", residualDropout: "resid_pdrop",
}

// layer is what a family's code always builds, one trait after the other: a
// list and no model, so that the table costs no work before it is read.
type layer []func(*model.Model)

func (l layer) build() (m model.Model) {
	for _, trait := range l {
		trait(&m)
	}
	return m
}

func qkvBias(m *model.Model)         { m.QKVBias = true }
func noQKVBias(m *model.Model)       { m.QKVBias = false }
func noAttentionBias(m *model.Model) { m.QKVBias, m.OutBias = false, false }
func noBias(m *model.Model)          { m.QKVBias, m.OutBias, m.MLPBias = false, false, false }
func headBias(m *model.Model)        { m.HeadBias = true }
func qkHead(m *model.Model)          { m.QKNorm = model.QKNormHead }
func qkFull(m *model.Model)          { m.QKNorm = model.QKNormFull }
func sandwich(m *model.Model)        { m.NormsPerLayer = 4 }
func postNorm(m *model.Model)        { m.PostNorm = true }
func parallelOneNorm(m *model.Model) { m.ParallelResidual, m.NormsPerLayer = true, 1 }
func noNormBias(m *model.Model)      { m.NormBias = false }
func noNormWeights(m *model.Model)   { m.Norm = model.LayerNormNonparametric }
func plainLayerNorm(m *model.Model)  { m.Norm = model.LayerNorm }
func geglu(m *model.Model)           { m.Activation = model.GELUTanh }
func gatedSiLU(m *model.Model)       { m.Activation, m.Gated = model.SiLU, true }
func geluNew(m *model.Model)         { m.Activation = model.GELUNew }
func geluTanh(m *model.Model)        { m.Activation = model.GELUTanh }
func geluFast(m *model.Model)        { m.Activation = model.GELUFast }
func relu(m *model.Model)            { m.Activation = model.ReLU }
func relu2(m *model.Model)           { m.Activation, m.Gated = model.ReLUSquared, false }
func xielu(m *model.Model)           { m.Activation, m.Gated, m.MLPScalars = model.XIELU, false, 2 }
func learned(m *model.Model)         { m.Position = model.Learned }

func alibi(m *model.Model) { m.Position = model.ALiBi }

func bloomGELU(m *model.Model) { m.Activation, m.EmbedNorm = model.GELUBloom, true }

func dropOPT(m *model.Model) { m.ResidualDropout = 0.1 }

func dropTenth(m *model.Model) {
	m.EmbedDropout, m.AttentionDropout, m.ResidualDropout = 0.1, 0.1, 0.1
}

package hfconfig

import (
	"fmt"
	"io"
	"strings"

	"github.com/vramcalc/vramcalc/estimator/model"
)

// Read parses a config.json. The name, a path or a repository, becomes the
// model's ID and stands in front of errors. Parameters stays zero: the file
// does not say it.
func Read(r io.Reader, name string) (model.Model, error) {
	m, err := read(r)
	if err != nil {
		return model.Model{}, fmt.Errorf("%s: %w", name, err)
	}
	m.ID, m.Name, m.Source = name, name, "config.json of "+name
	return m, nil
}

func read(r io.Reader) (model.Model, error) {
	o, err := readObject(r)
	if err != nil {
		return model.Model{}, err
	}
	f := newFields(textPart(o))
	if err := refuse(o, f); err != nil {
		return model.Model{}, err
	}
	modelType := f.text("model_type", "")
	if err := f.err(); err != nil {
		return model.Model{}, err
	}
	fam, key, err := familyOf(f, modelType)
	if err != nil {
		return model.Model{}, err
	}
	m := fam.read(f)
	m.ModelType, m.Family, m.Kind = key, key, "decoder"
	check(f, m)
	if err := f.err(); err != nil {
		return model.Model{}, err
	}
	return m, nil
}

// textPart returns the nested text_config of a file that has one and whose
// outer part says nothing of its own about layers.
func textPart(o object) object {
	if inner, ok := o["text_config"].(object); ok && o["hidden_size"] == nil {
		return inner
	}
	return o
}

// refuse names what makes a file describe something else than a dense decoder
// with plain weights.
func refuse(outer object, f fields) error {
	for _, c := range []struct {
		object
		key, reason string
	}{
		{outer, "vision_config", "a vision-language model, which is not built yet"},
		{outer, "audio_config", "a model that hears, which is not built yet"},
		{outer, "quantization_config", "the stored weights are quantized already; name the unquantized model and choose the quantization yourself"},
		{f.object, "quantization_config", "the stored weights are quantized already; name the unquantized model and choose the quantization yourself"},
	} {
		if v := c.object[c.key]; v != nil {
			return &UnsupportedError{Field: c.key, Value: shorten(v), Reason: c.reason}
		}
	}
	if f.object["is_encoder_decoder"] == true {
		return &UnsupportedError{Field: "is_encoder_decoder", Value: "true", Reason: "an encoder-decoder, which is not built yet"}
	}
	for _, key := range expertKeys {
		if n, ok := whole(f.object[key]); ok && n > 1 {
			return &UnsupportedError{Field: key, Value: shorten(f.object[key]), Reason: "a mixture of experts, which is not built yet"}
		}
	}
	return nil
}

// expertKeys are the names under which families count their experts.
var expertKeys = []string{"num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"}

// familyOf finds how to read a model_type. Two model types are shared by
// generations of different code; the second result tells them apart.
func familyOf(f fields, modelType string) (*family, string, error) {
	if modelType == "" {
		return nil, "", &FieldError{Field: "model_type", Want: "the name of an architecture, such as \"llama\""}
	}
	key := modelType
	if key == "chatglm" && (f.has("inner_hidden_size") || f.has("position_encoding_2d")) {
		key = "chatglm1"
	}
	if fam := named(key); fam != nil {
		return fam, key, nil
	}
	return nil, "", unsupported(modelType)
}

// Limits of one size: far above every published model, and low enough that
// their products fit an int64.
const (
	maxLayers   = 1 << 12
	maxHidden   = 1 << 18
	maxHeads    = 1 << 14
	maxHeadDim  = 1 << 13
	maxWidth    = 1 << 21
	maxVocab    = 1 << 24
	maxPosition = 1 << 31
	maxSoftcap  = 1e6
)

// check holds sizes to each other.
func check(f fields, m model.Model) {
	if m.Heads%m.KVHeads != 0 {
		f.fail(fmt.Errorf("num_attention_heads %d is no multiple of num_key_value_heads %d", m.Heads, m.KVHeads))
	}
	if m.Position == model.RoPE && (m.RotaryDim < 2 || m.RotaryDim > m.HeadDim || m.RotaryDim%2 != 0) {
		f.fail(fmt.Errorf("the rotary part is %d of %d head dimensions, want an even number from 2", m.RotaryDim, m.HeadDim))
	}
	if m.Heads*m.HeadDim > maxWidth {
		f.fail(fmt.Errorf("%d heads of %d dimensions are wider than %d", m.Heads, m.HeadDim, maxWidth))
	}
}

// unsupported explains a model_type that has no family here.
func unsupported(modelType string) error {
	reason, nearest := "unknown to vramcalc", nearestFamily(modelType)
	for _, group := range refused {
		for known := range strings.FieldsSeq(group.modelTypes) {
			if known == modelType {
				reason, nearest = group.reason, group.nearest
			}
		}
	}
	return &UnsupportedError{Field: "model_type", Value: shorten(modelType), Reason: reason, Nearest: nearest}
}

// refused are model types that are known and not built yet.
var refused = []struct{ modelTypes, reason, nearest string }{
	{"mixtral phimoe dbrx", "a mixture of experts, which is not built yet", "mistral"},
	{"qwen2_moe", "a mixture of experts, which is not built yet", "qwen2"},
	{"qwen3_moe", "a mixture of experts, which is not built yet", "qwen3"},
	{"olmoe flex_olmo", "a mixture of experts, which is not built yet", "olmo2"},
	{"granitemoe granitemoeshared", "a mixture of experts, which is not built yet", "granite"},
	{"gpt_oss deepseek ernie4_5_moe hunyuan_v1_moe minimax_m2 glm4_moe", "a mixture of experts, which is not built yet", "llama"},
	{"deepseek_v2 deepseek_v3 deepseek_v32 kimi_k2 glm4_moe_lite glm_moe_dsa minicpm3", "multi-head latent attention, which is not built yet", "llama"},
	{"mamba mamba2 falcon_mamba rwkv xlstm", "a state-space model, which is not built yet", "llama"},
	{"jamba bamba zamba zamba2 nemotron_h falcon_h1 minimax qwen3_next lfm2 recurrent_gemma", "a hybrid of attention and state space, which is not built yet", "llama"},
	{"bert roberta xlm-roberta distilbert electra deberta deberta-v2 modernbert albert", "an encoder, which is not built yet", "gpt2"},
	{"t5 mt5 umt5 bart mbart pegasus longt5 t5gemma", "an encoder-decoder, which is not built yet", "gpt2"},
	{"gemma3", "a vision-language model, which is not built yet", "gemma3_text"},
	{"gemma3n gemma3n_text gemma4 gemma4_text", "embeddings in every layer, which are not built yet", "gemma3_text"},
	{"llava llava_next mllama llama4 llama4_text idefics2 idefics3 smolvlm", "a vision-language model, which is not built yet", "llama"},
	{"mistral3 pixtral voxtral", "a vision-language model, which is not built yet", "mistral"},
	{"qwen2_vl qwen2_5_vl", "a vision-language model, which is not built yet", "qwen2"},
	{"qwen3_vl qwen3_vl_moe qwen3_5 qwen3_5_moe", "a vision-language model, which is not built yet", "qwen3"},
	{"paligemma", "a vision-language model, which is not built yet", "gemma"},
}

// nearestFamily returns the supported model_type that shares the longest
// beginning with an unknown one, "llama" where none shares any.
func nearestFamily(modelType string) string {
	best, most := "llama", 1
	for i := range families {
		name := families[i].id
		n := 0
		for n < len(name) && n < len(modelType) && name[n] == modelType[n] {
			n++
		}
		if n > most || n == most && n > 1 && name < best {
			best, most = name, n
		}
	}
	return best
}

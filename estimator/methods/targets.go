package methods

// DefaultTargets are the modules that PEFT adapts when none is named
// (peft/utils/constants.py TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING).
// A model type that is not listed has no default: PEFT raises.
func DefaultTargets(modelType string) []string { return peftTargets[modelType] }

var peftTargets = map[string][]string{
	"gpt2": {"c_attn"}, "bloom": {"query_key_value"}, "opt": {"q_proj", "v_proj"},
	"gptj": {"q_proj", "v_proj"}, "gpt_neox": {"query_key_value"}, "gpt_neo": {"q_proj", "v_proj"},
	"llama": {"q_proj", "v_proj"}, "mistral": {"q_proj", "v_proj"}, "stablelm": {"q_proj", "v_proj"},
	"gemma": {"q_proj", "v_proj"}, "gemma2": {"q_proj", "v_proj"}, "gemma3_text": {"q_proj", "v_proj"},
	"qwen2": {"q_proj", "v_proj"}, "qwen3": {"q_proj", "v_proj"},
	"chatglm": {"query_key_value"}, "gpt_bigcode": {"c_attn"}, "mpt": {"Wqkv"},
	"falcon": {"query_key_value"}, "phi": {"q_proj", "v_proj", "fc1", "fc2"},
}

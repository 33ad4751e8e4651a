package methods

// DefaultTargets are the modules that PEFT adapts when none is named
// (peft/utils/constants.py TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING).
// A model type that is not listed has no default: PEFT raises.
func DefaultTargets(modelType string) []string {
	switch modelType {
	case "gpt2", "gpt_bigcode":
		return []string{"c_attn"}
	case "bloom", "gpt_neox", "chatglm", "falcon":
		return []string{"query_key_value"}
	case "opt", "gptj", "gpt_neo", "llama", "mistral", "stablelm", "gemma", "gemma2", "gemma3_text", "qwen2", "qwen3":
		return []string{"q_proj", "v_proj"}
	case "mpt":
		return []string{"Wqkv"}
	case "phi":
		return []string{"q_proj", "v_proj", "fc1", "fc2"}
	}
	return nil
}

package estimator

import (
	"strconv"
	"strings"

	"github.com/vramcalc/vramcalc/estimator/modules"
)

// checkLitgpt refuses what litgpt's scripts do not have.
func (r *resolved) checkLitgpt() error {
	if !r.trainer.litgpt {
		return nil
	}
	m, info := &r.req.Model, &r.info
	with := func(setting, value, hint string) error {
		return &SettingError{Setting: setting, Value: value, Problem: "litgpt has no such run", Hint: hint}
	}
	switch {
	case !modules.LitgptHas(m):
		return with("trainer", "litgpt with "+m.ID, "it has rotary models of the types "+strings.Join(modules.LitgptTypes(), ", "))
	case r.method.ID != "full" && r.method.ID != "lora" && r.method.ID != "qlora":
		return with("method", r.method.ID, "use full, lora or qlora")
	case info.Quant == "int8":
		return with("quant", info.Quant, "its 8-bit layers are not modelled; use nf4 or fp4")
	case info.Quant != "none" && mixed(info.Precision):
		return with("precision", info.Precision, "its scripts refuse it with --quant; use bf16 or fp16")
	case info.Checkpointing != "none":
		return with("checkpointing", info.Checkpointing, "only its runs on several GPUs have it")
	case info.Attention != "sdpa":
		return with("attention", info.Attention, "use sdpa")
	case info.Kernels != "eager":
		return with("kernels", info.Kernels, "use eager")
	case info.Loss == "fused" || info.Loss == "standard" && r.method.Adapter:
		return with("loss", info.Loss, "use chunked")
	case len(info.ModulesToSave) > 0:
		return with("modules-to-save", info.ModulesToSave[0], "--lora-targets head adapts the head")
	case info.RSLoRA:
		return with("rslora", "true", "its scale is alpha over rank")
	case info.NormsDType != info.WeightsDType:
		return with("norms-dtype", info.NormsDType, "its models have one type")
	case info.SeqLen == 1:
		return with("seq-len", "1", "one token predicts nothing")
	case m.MaxPosition > 0 && info.SeqLen > m.MaxPosition:
		return with("seq-len", strconv.FormatInt(info.SeqLen, 10), "the model's block size is "+strconv.FormatInt(m.MaxPosition, 10))
	}
	return nil
}

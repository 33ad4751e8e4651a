package estimator

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/vramcalc/vramcalc/estimator/modules"
)

// checkLitgpt refuses what litgpt's scripts do not have.
func (r *resolved) checkLitgpt() error {
	if !r.trainer.litgpt {
		return nil
	}
	m, t, info := &r.req.Model, &r.req.Training, &r.info
	for _, c := range []struct {
		refused              bool
		setting, value, hint string
	}{
		{!modules.LitgptHas(m), "trainer", "litgpt with " + m.ID, "it has rotary models of the types " + strings.Join(modules.LitgptTypes(), ", ")},
		{r.method.ID != "full" && r.method.ID != "lora" && r.method.ID != "qlora", "method", r.method.ID, "use full, lora or qlora"},
		{info.Quant == "int8", "quant", info.Quant, "its 8-bit layers are not modelled; use nf4 or fp4"},
		{info.Quant != "none" && mixed(info.Precision), "precision", info.Precision + " with --quant " + info.Quant, "its scripts refuse the two together; use --precision bf16"},
		{info.Checkpointing != "none", "checkpointing", info.Checkpointing, "only its runs on several GPUs have it"},
		{info.Attention != "sdpa", "attention", info.Attention, "use sdpa"},
		{info.Kernels != "eager", "kernels", info.Kernels, "use eager"},
		{info.Loss == "fused" || info.Loss == "standard" && r.method.Adapter, "loss", info.Loss, "use chunked"},
		{len(info.ModulesToSave) > 0, "modules-to-save", strings.Join(info.ModulesToSave, ","), "name head in --lora-targets to adapt it"},
		{info.RSLoRA, "rslora", "", "its scale is alpha over rank"},
		{t.NormsDType != "" && t.NormsDType != info.WeightsDType, "norms-dtype", t.NormsDType, "its models have one type"},
		{m.MaxPosition > 0 && info.SeqLen > m.MaxPosition, "seq-len", strconv.FormatInt(info.SeqLen, 10), fmt.Sprintf("%s has a block size of %d", m.ID, m.MaxPosition)},
	} {
		if c.refused {
			return &SettingError{Setting: c.setting, Value: c.value, Problem: "litgpt has no such run", Hint: c.hint}
		}
	}
	return nil
}

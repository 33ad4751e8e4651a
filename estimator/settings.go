package estimator

import (
	"fmt"
	"strings"

	"github.com/vramcalc/vramcalc/estimator/modules"
	"github.com/vramcalc/vramcalc/estimator/program"
	"github.com/vramcalc/vramcalc/estimator/spelling"
)

// The values of the settings that are words, as scripts write them.
var (
	precisions     = []string{"fp32", "tf32", "fp16", "bf16", "fp16-mixed", "bf16-mixed"}
	quantizations  = []string{"none", "nf4", "fp4", "int8"}
	checkpointings = []string{"none", "full"}
	attentions     = []string{"eager", "sdpa", "flash"}
	losses         = []string{"standard", "chunked", "fused"}
	kernelSets     = []string{"eager", "liger", "foak"}
	dtypes         = []string{"float32", "float16", "bfloat16"}
)

// Precisions are the values of Training.Precision.
func Precisions() []string { return precisions }

// Quantizations are the values of Method.Quant.
func Quantizations() []string { return quantizations }

// Checkpointings are the values of Training.Checkpointing.
func Checkpointings() []string { return checkpointings }

// Attentions are the values of Training.Attention.
func Attentions() []string { return attentions }

// Losses are the values of Training.Loss.
func Losses() []string { return losses }

// Kernels are the values of Training.Kernels.
func Kernels() []string { return kernelSets }

// DTypes are the values of Training.WeightsDType and AdapterDType.
func DTypes() []string { return dtypes }

// mixed says whether a precision runs under autocast.
func mixed(precision string) bool { return strings.HasSuffix(precision, "-mixed") }

// computeDType is the type that a precision computes in.
func computeDType(precision string) program.DType {
	switch strings.TrimSuffix(precision, "-mixed") {
	case "fp16":
		return program.Float16
	case "bf16":
		return program.BFloat16
	}
	return program.Float32
}

var attentionKinds = map[string]modules.Attention{"eager": modules.Eager, "sdpa": modules.SDPA, "flash": modules.Flash}

var lossKinds = map[string]modules.Loss{"standard": modules.StandardLoss, "chunked": modules.ChunkedLoss, "fused": modules.FusedLoss}

var kernelKinds = map[string]modules.Kernels{"eager": modules.EagerKernels, "liger": modules.LigerKernels, "foak": modules.FOAKKernels}

// SettingError is an impossible or contradictory setting.
type SettingError struct {
	Setting string // as the flag is called
	Value   string
	Problem string
	Hint    string // what to do, with the nearest valid value
}

// Error says what is wrong, what was expected and what to do.
func (e *SettingError) Error() string {
	msg := fmt.Sprintf("--%s %s: %s", e.Setting, e.Value, e.Problem)
	if e.Hint != "" {
		msg += "; " + e.Hint
	}
	return msg
}

// oneOf checks a word against its values.
func oneOf(setting, value string, values []string) error {
	for _, v := range values {
		if v == value {
			return nil
		}
	}
	return &SettingError{
		Setting: setting, Value: fmt.Sprintf("%q", value), Problem: "is not one of " + strings.Join(values, ", "),
		Hint: fmt.Sprintf("did you mean %q?", spelling.Nearest(value, values)),
	}
}

package sweep

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/estimator/spelling"
)

// Axis is one setting with the values that it takes, both written as on the
// command line. [NewAxis] and [Models] make one.
type Axis struct {
	Setting string   `json:"setting"` // "method", "micro-batch", …
	Values  []string `json:"values"`

	apply []func(*estimator.Request) // one per value
}

// The settings that may be an axis: words and whole numbers.
var (
	words = map[string]func(*estimator.Request) *string{
		"trainer":       func(r *estimator.Request) *string { return &r.Training.Trainer },
		"precision":     func(r *estimator.Request) *string { return &r.Training.Precision },
		"quant":         func(r *estimator.Request) *string { return &r.Method.Quant },
		"optimizer":     func(r *estimator.Request) *string { return &r.Training.Optimizer },
		"checkpointing": func(r *estimator.Request) *string { return &r.Training.Checkpointing },
		"attention":     func(r *estimator.Request) *string { return &r.Training.Attention },
		"loss":          func(r *estimator.Request) *string { return &r.Training.Loss },
		"kernels":       func(r *estimator.Request) *string { return &r.Training.Kernels },
		"method":        func(r *estimator.Request) *string { return &r.Method.ID },
	}
	counts = map[string]func(*estimator.Request) *int64{
		"lora-rank":   func(r *estimator.Request) *int64 { return &r.Method.LoRARank },
		"grad-accum":  func(r *estimator.Request) *int64 { return &r.Training.GradAccum },
		"seq-len":     func(r *estimator.Request) *int64 { return &r.Training.SeqLen },
		"micro-batch": func(r *estimator.Request) *int64 { return &r.Training.MicroBatch },
	}
)

// Settings are the settings that [NewAxis] knows, in the order in which a
// table reads well: what is decided once before what is tried out.
func Settings() []string {
	return []string{
		"trainer", "optimizer", "checkpointing", "attention", "loss", "kernels", "quant",
		"precision", "lora-rank", "grad-accum", "seq-len", "micro-batch", "method",
	}
}

// NewAxis is an axis of words or of whole numbers from 1 up. Whether a word
// is a value of its setting is left to the estimate, so that a cell says it.
func NewAxis(setting string, values ...string) (Axis, error) {
	a := Axis{Setting: setting, Values: values}
	if len(values) == 0 {
		return a, fmt.Errorf("%s: no values", setting)
	}
	for i, v := range values {
		if slices.Contains(values[:i], v) {
			return a, fmt.Errorf("%s: %s is given twice", setting, v)
		}
		apply, err := setter(setting, v)
		if err != nil {
			return a, err
		}
		a.apply = append(a.apply, apply)
	}
	return a, nil
}

func setter(setting, value string) (func(*estimator.Request), error) {
	if at := words[setting]; at != nil {
		if value == "" {
			return nil, fmt.Errorf("%s: a value is empty", setting)
		}
		return func(r *estimator.Request) { *at(r) = value }, nil
	}
	at := counts[setting]
	if at == nil {
		return nil, fmt.Errorf("%q is no setting of a grid; did you mean %q?", setting, spelling.Nearest(setting, Settings()))
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 1 {
		return nil, fmt.Errorf("%s: want whole numbers from 1 up, got %q", setting, value)
	}
	return func(r *estimator.Request) { *at(r) = n }, nil
}

// Models is an axis of models.
func Models(models ...model.Model) Axis {
	a := Axis{Setting: "model"}
	for _, m := range models {
		a.Values = append(a.Values, m.ID)
		a.apply = append(a.apply, func(r *estimator.Request) { r.Model = m })
	}
	return a
}

// Apply sets the axis's i-th value in r.
func (a Axis) Apply(r *estimator.Request, i int) { a.apply[i](r) }

// deviceLabels names devices by their id; the second of a kind gets a number.
func deviceLabels(devices []estimator.Device) []string {
	seen := map[string]int{}
	labels := make([]string, len(devices))
	for i, d := range devices {
		labels[i] = d.GPU.ID
		if seen[d.GPU.ID]++; seen[d.GPU.ID] > 1 {
			labels[i] += "#" + strconv.Itoa(seen[d.GPU.ID])
		}
	}
	return labels
}

// Package question turns what a user said, setting by setting, into a request.
// The command line and the web page share it, so that the same words are the
// same question in both.
package question

import (
	"fmt"
	"math"
	"strings"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/methods"
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/estimator/optimizers"
	"github.com/vramcalc/vramcalc/presets"
)

// What can stand in place of a GPU's name.
const (
	Local  = "local"  // the GPUs of this machine
	Common = "common" // one card per common memory size
	None   = "none"   // no GPU: memory alone
)

// Question is what a user said. The zero value says nothing.
type Question struct {
	Model   string
	GPUs    []string
	Request estimator.Request // but for its model and its GPU

	BatchSize int64 // the other name of --micro-batch

	loraAlpha, loraDropout *float64
	rslora                 *bool
	virtualTokens          int64
	bottleneck             int64
}

// Setting is one thing that can be said.
type Setting struct {
	Name, Group string
	Usage       string // its placeholder stands in backquotes
	Value       Value  // sets the question that it came from
	Values      func() []string
}

// Settings are everything that can be said of q, by group.
func (q *Question) Settings() []Setting {
	var all []Setting
	group := func(name string, settings ...Setting) {
		for _, s := range settings {
			s.Group = name
			all = append(all, s)
		}
	}
	group("Model and method", q.modelSettings()...)
	group("Training", q.trainingSettings()...)
	group("What it is kept and computed in", q.memorySettings()...)
	group(
		"Hardware",
		Setting{Name: "gpu", Value: Words{&q.GPUs}, Usage: "GPU `names`, or local, or common: a card per common size; not given: local where there is one, else common", Values: func() []string {
			return append([]string{Local, Common}, presets.GPUNames()...)
		}},
		Setting{Name: "gpus", Value: Count{&q.Request.Device.Count}, Usage: "`n` GPUs used together (default 1)"},
	)
	return all
}

func (q *Question) modelSettings() []Setting {
	m := &q.Request.Method
	return []Setting{
		{Name: "model", Value: Word{&q.Model, nil}, Usage: "preset `name`, Hub id org/name, or a config.json or its folder", Values: presets.ModelNames},
		{Name: "method", Value: Word{&m.ID, nil}, Usage: "fine-tuning `method`: " + strings.Join(methods.IDs(), ", "), Values: methods.IDs},
		{Name: "lora-rank", Value: Count{&m.LoRARank}, Usage: "rank `n` of the adapters"},
		{Name: "lora-alpha", Value: Number{&q.loraAlpha, math.SmallestNonzeroFloat64, math.Inf(1), "a number above 0"}, Usage: "scale `x` of the adapters"},
		{Name: "lora-dropout", Value: Number{&q.loraDropout, 0, 1, "a number from 0 up to less than 1"}, Usage: "dropout `p` before the adapters"},
		{Name: "lora-targets", Value: Words{&m.LoRATargets}, Usage: "`modules` that get adapters, or all-linear", Values: func() []string { return []string{methods.AllLinear} }},
		{Name: "modules-to-save", Value: Words{&m.ModulesToSave}, Usage: "`modules` that train in full beside the adapters"},
		{Name: "rslora", Value: Switch{&q.rslora}, Usage: "scale by alpha/√rank"},
		{Name: "trainable-layers", Value: Count{&m.TrainableLayers}, Usage: "freeze: the last `n` layers train"},
		{Name: "virtual-tokens", Value: Count{&q.virtualTokens}, Usage: "prompt-like methods: `n` learned tokens"},
		{Name: "bottleneck", Value: Count{&q.bottleneck}, Usage: "adapters: width `n`"},
	}
}

func (q *Question) trainingSettings() []Setting {
	t := &q.Request.Training
	return []Setting{
		{Name: "micro-batch", Value: Count{&t.MicroBatch}, Usage: "`n` sequences per GPU per forward pass"},
		{Name: "batch-size", Value: Count{&q.BatchSize}, Usage: "`n`: the same as --micro-batch"},
		{Name: "seq-len", Value: Count{&t.SeqLen}, Usage: "`n` tokens per sequence, padded length"},
		{Name: "grad-accum", Value: Count{&t.GradAccum}, Usage: "`n` micro-batches per optimizer step"},
		{Name: "trainer", Value: Word{&t.Trainer, nil}, Usage: "`name` of the trainer whose defaults fill what is not said: " +
			strings.Join(estimator.Trainers(), ", ") + " (default hf)", Values: estimator.Trainers},
	}
}

func (q *Question) memorySettings() []Setting {
	t := &q.Request.Training
	word := func(w *string, name, usage string, values []string) Setting {
		return Setting{Name: name, Value: Word{w, nil}, Usage: usage + ": " + strings.Join(values, ", "), Values: func() []string { return values }}
	}
	return []Setting{
		word(&t.Precision, "precision", "numeric `type` of training", estimator.Precisions()),
		word(&t.WeightsDType, "weights-dtype", "`type` of the weights, instead of what precision and trainer imply", estimator.DTypes()),
		word(&t.NormsDType, "norms-dtype", "`type` of the norms' weights, where it is another", estimator.DTypes()),
		word(&t.AdapterDType, "adapter-dtype", "`type` of the adapters", estimator.DTypes()),
		word(&q.Request.Method.Quant, "quant", "`kind` of storage of the frozen weights", estimator.Quantizations()),
		{Name: "double-quant", Value: Switch{&q.Request.Method.DoubleQuant}, Usage: "quantize the quantization constants too"},
		word(&t.Optimizer, "optimizer", "`name`", optimizers.IDs()),
		word(&t.Checkpointing, "checkpointing", "activation checkpointing `kind`", estimator.Checkpointings()),
		word(&t.Attention, "attention", "`kind`", estimator.Attentions()),
		word(&t.Loss, "loss", "`kind`", estimator.Losses()),
		word(&t.Kernels, "kernels", "fused kernels in place of the model's operations, `kind`", estimator.Kernels()),
	}
}

// Build checks what no request can know and completes it, all but its device.
// Find finds the model that was named.
func (q *Question) Build(find func(name string) (model.Model, error)) (estimator.Request, error) {
	r := q.Request
	switch {
	case q.Model == "":
		return r, &UsageError{"--model is missing: which model is trained?", `for example --model llama-7b; "vramcalc models" lists them`}
	case r.Method.ID == "":
		return r, &UsageError{"--method is missing: how is it trained?", `for example --method qlora; "vramcalc methods" lists them`}
	case q.virtualTokens > 0:
		return r, q.notFor("virtual-tokens", "prompt-like methods")
	case q.bottleneck > 0:
		return r, q.notFor("bottleneck", "bottleneck adapters")
	case q.BatchSize > 0 && r.Training.MicroBatch > 0 && q.BatchSize != r.Training.MicroBatch:
		return r, &UsageError{
			fmt.Sprintf("--micro-batch %d and --batch-size %d contradict each other", r.Training.MicroBatch, q.BatchSize),
			"they are two names of one setting: give one of them",
		}
	case q.BatchSize > 0:
		r.Training.MicroBatch = q.BatchSize
	}
	r.Method.RSLoRA = q.rslora != nil && *q.rslora
	if q.loraAlpha != nil {
		r.Method.LoRAAlpha = *q.loraAlpha
	}
	r.Method.LoRADropout = q.loraDropout
	m, err := find(q.Model)
	r.Model = m
	return r, err
}

// notFor refuses a setting of methods that are not among those built.
func (q *Question) notFor(setting, owner string) error {
	return &UsageError{
		fmt.Sprintf("--%s makes no sense with --method %s: it belongs to %s", setting, q.Request.Method.ID, owner),
		"leave it out, or choose a method that has it; \"vramcalc methods\" lists those that are known",
	}
}

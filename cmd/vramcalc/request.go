package main

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/methods"
	"github.com/vramcalc/vramcalc/estimator/optimizers"
	"github.com/vramcalc/vramcalc/presets"
)

// requestFlags are the flags that make up a request.
type requestFlags struct {
	model string
	gpus  []string
	// lists are the values of the settings that take several, by flag; nil
	// where each takes one.
	lists settingLists

	request   estimator.Request
	batchSize int64 // the other name of --micro-batch

	loraAlpha, loraDropout *float64
	rslora                 *bool
	virtualTokens          int64
	bottleneck             int64
}

// add adds the flags to cmd.
func (f *requestFlags) add(cmd *cobra.Command) {
	f.addModel(flagAdder{cmd, "Model and method"})
	f.addTraining(flagAdder{cmd, "Training"})
	f.addMemory(flagAdder{cmd, "What it is kept and computed in"})
	f.addDevice(flagAdder{cmd, "Hardware"})
}

func (f *requestFlags) addModel(to flagAdder) {
	m := &f.request.Method
	f.word(to, &f.model, "model", "preset `name`, Hub id org/name, or a config.json or its folder", presets.ModelNames)
	f.word(to, &m.ID, "method", "fine-tuning `method`: "+strings.Join(methods.IDs(), ", "), methods.IDs)
	f.count(to, &m.LoRARank, "lora-rank", "rank `n` of the adapters")
	to.add(numberValue{&f.loraAlpha, math.SmallestNonzeroFloat64, math.Inf(1), "a number above 0"},
		"lora-alpha", "scale `x` of the adapters", nil)
	to.add(numberValue{&f.loraDropout, 0, 1, "a number from 0 up to less than 1"},
		"lora-dropout", "dropout `p` before the adapters", nil)
	to.add(wordsValue{&m.LoRATargets}, "lora-targets", "`modules` that get adapters, or all-linear",
		func() []string { return []string{methods.AllLinear} })
	to.add(wordsValue{&m.ModulesToSave}, "modules-to-save", "`modules` that train in full beside the adapters", nil)
	to.addSwitch(&f.rslora, "rslora", "scale by alpha/√rank")
	to.add(countValue{&m.TrainableLayers}, "trainable-layers", "freeze: the last `n` layers train", nil)
	to.add(countValue{&f.virtualTokens}, "virtual-tokens", "prompt-like methods: `n` learned tokens", nil)
	to.add(countValue{&f.bottleneck}, "bottleneck", "adapters: width `n`", nil)
}

func (f *requestFlags) addTraining(to flagAdder) {
	t := &f.request.Training
	f.count(to, &t.MicroBatch, "micro-batch", "`n` sequences per GPU per forward pass")
	f.count(to, &f.batchSize, "batch-size", "`n`: the same as --micro-batch")
	f.count(to, &t.SeqLen, "seq-len", "`n` tokens per sequence, padded length")
	f.count(to, &t.GradAccum, "grad-accum", "`n` micro-batches per optimizer step")
	f.word(to, &t.Trainer, "trainer", "`name` of the trainer whose defaults fill what is not said: "+
		strings.Join(estimator.Trainers(), ", ")+" (default hf)", estimator.Trainers)
}

func (f *requestFlags) addMemory(to flagAdder) {
	t := &f.request.Training
	word := func(w *string, name, usage string, values []string) {
		f.word(to, w, name, usage+": "+strings.Join(values, ", "), func() []string { return values })
	}
	word(&t.Precision, "precision", "numeric `type` of training", estimator.Precisions())
	word(&t.WeightsDType, "weights-dtype", "`type` of the weights, instead of what precision and trainer imply", estimator.DTypes())
	word(&t.AdapterDType, "adapter-dtype", "`type` of the adapters", estimator.DTypes())
	word(&f.request.Method.Quant, "quant", "`kind` of storage of the frozen weights", estimator.Quantizations())
	to.addSwitch(&f.request.Method.DoubleQuant, "double-quant", "quantize the quantization constants too")
	word(&t.Optimizer, "optimizer", "`name`", optimizers.IDs())
	word(&t.Checkpointing, "checkpointing", "activation checkpointing `kind`", estimator.Checkpointings())
	word(&t.Attention, "attention", "`kind`", estimator.Attentions())
	word(&t.Loss, "loss", "`kind`", estimator.Losses())
}

func (f *requestFlags) addDevice(to flagAdder) {
	to.add(wordsValue{&f.gpus}, "gpu", "GPU `names`, or local; not given: the local card or the common sizes",
		func() []string { return append([]string{localName}, presets.GPUNames()...) })
	to.add(countValue{&f.request.Device.Count}, "gpus", "`n` GPUs used together (default 1)", nil)
}

// build checks what only the command line can know and completes the request,
// all but its device.
func (f *requestFlags) build(ctx context.Context, a *app) (estimator.Request, error) {
	r := f.request
	switch {
	case f.model == "":
		return r, &usageError{"--model is missing: which model is trained?", `for example --model llama-7b; "vramcalc models" lists them`}
	case r.Method.ID == "":
		return r, &usageError{"--method is missing: how is it trained?", `for example --method qlora; "vramcalc methods" lists them`}
	case f.virtualTokens > 0:
		return r, f.notFor("virtual-tokens", "prompt-like methods")
	case f.bottleneck > 0:
		return r, f.notFor("bottleneck", "bottleneck adapters")
	case f.batchSize > 0 && r.Training.MicroBatch > 0 && f.batchSize != r.Training.MicroBatch:
		return r, &usageError{
			fmt.Sprintf("--micro-batch %d and --batch-size %d contradict each other", r.Training.MicroBatch, f.batchSize),
			"they are two names of one setting: give one of them",
		}
	case f.batchSize > 0:
		r.Training.MicroBatch = f.batchSize
	}
	r.Method.RSLoRA = f.rslora != nil && *f.rslora
	if f.loraAlpha != nil {
		r.Method.LoRAAlpha = *f.loraAlpha
	}
	r.Method.LoRADropout = f.loraDropout
	m, err := a.env.models(ctx, f.model, a.env.getenv)
	r.Model = m
	return r, err
}

// notFor refuses a flag of methods that are not among those built.
func (f *requestFlags) notFor(flag, owner string) error {
	return &usageError{
		fmt.Sprintf("--%s makes no sense with --method %s: it belongs to %s", flag, f.request.Method.ID, owner),
		"leave it out, or choose a method that has it; \"vramcalc methods\" lists those that are known",
	}
}

package estimator

import "github.com/vramcalc/vramcalc/estimator/methods"

// owned is a setting that only some methods have.
type owned struct {
	setting string
	by      func(methods.Method) bool
	given   func(*Request) bool
	clear   func(*Request)
	why     string
}

func adapters(m methods.Method) bool { return m.Adapter }

const (
	onlyAdapters = "only adapter methods (lora, qlora, dora) have it"
	cannotTrain  = "quantized weights can't train; use --method qlora"
)

// ownedSettings are all of them, in the order in which they are refused.
var ownedSettings = []owned{
	{"lora-rank", adapters, func(r *Request) bool { return r.Method.LoRARank != 0 }, func(r *Request) { r.Method.LoRARank = 0 }, onlyAdapters},
	{"lora-alpha", adapters, func(r *Request) bool { return r.Method.LoRAAlpha != 0 }, func(r *Request) { r.Method.LoRAAlpha = 0 }, onlyAdapters},
	{"lora-targets", adapters, func(r *Request) bool { return len(r.Method.LoRATargets) > 0 }, func(r *Request) { r.Method.LoRATargets = nil }, onlyAdapters},
	{"lora-dropout", adapters, func(r *Request) bool { return r.Method.LoRADropout != nil }, func(r *Request) { r.Method.LoRADropout = nil }, onlyAdapters},
	{"rslora", adapters, func(r *Request) bool { return r.Method.RSLoRA }, func(r *Request) { r.Method.RSLoRA = false }, onlyAdapters},
	{"modules-to-save", adapters, func(r *Request) bool { return len(r.Method.ModulesToSave) > 0 }, func(r *Request) { r.Method.ModulesToSave = nil }, onlyAdapters},
	{"adapter-dtype", adapters, func(r *Request) bool { return r.Training.AdapterDType != "" }, func(r *Request) { r.Training.AdapterDType = "" }, onlyAdapters},
	{
		"trainable-layers", func(m methods.Method) bool { return m.ID == "freeze" },
		func(r *Request) bool { return r.Method.TrainableLayers != 0 }, func(r *Request) { r.Method.TrainableLayers = 0 }, "only --method freeze has it",
	},
	{
		"quant", adapters,
		func(r *Request) bool { return r.Method.Quant != "" && r.Method.Quant != "none" }, func(r *Request) { r.Method.Quant = "" }, cannotTrain,
	},
	{
		"double-quant", adapters,
		func(r *Request) bool { return r.Method.DoubleQuant != nil && *r.Method.DoubleQuant }, func(r *Request) { r.Method.DoubleQuant = nil }, cannotTrain,
	},
}

// foreign are the settings given that a method does not have.
func foreign(m methods.Method, r *Request) (all []owned) {
	for _, o := range ownedSettings {
		if o.given(r) && !o.by(m) {
			all = append(all, o)
		}
	}
	return all
}

// WithoutForeign takes out of r the settings that its method does not have,
// and names them. An unknown method is left to the estimate, which refuses it.
func WithoutForeign(r *Request) (dropped []string) {
	m, ok := methods.Get(r.Method.ID)
	if !ok {
		return nil
	}
	for _, o := range foreign(m, r) {
		dropped = append(dropped, o.setting)
		o.clear(r)
	}
	return dropped
}

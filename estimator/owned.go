package estimator

import "github.com/vramcalc/vramcalc/estimator/methods"

// owned is a setting that only some methods have.
type owned struct {
	setting string
	given   bool
	mine    bool   // the method has it
	why     string // only some have it
}

// owns lists the settings that only some methods have, in the order in which
// they are refused. [drop] knows the same names.
func owns(m methods.Method, r *Request) []owned {
	const (
		onlyAdapters = "only adapter methods (lora, qlora, dora) have it"
		onlyFreeze   = "only --method freeze has it"
		cannotTrain  = "quantized weights can't train; use --method qlora"
	)
	s := &r.Method
	return []owned{
		{"lora-rank", s.LoRARank != 0, m.Adapter, onlyAdapters},
		{"lora-alpha", s.LoRAAlpha != 0, m.Adapter, onlyAdapters},
		{"lora-targets", len(s.LoRATargets) > 0, m.Adapter, onlyAdapters},
		{"lora-dropout", s.LoRADropout != nil, m.Adapter, onlyAdapters},
		{"rslora", s.RSLoRA, m.Adapter, onlyAdapters},
		{"modules-to-save", len(s.ModulesToSave) > 0, m.Adapter, onlyAdapters},
		{"adapter-dtype", r.Training.AdapterDType != "", m.Adapter, onlyAdapters},
		{"trainable-layers", s.TrainableLayers != 0, m.ID == "freeze", onlyFreeze},
		{"quant", s.Quant != "" && s.Quant != "none", m.Adapter, cannotTrain},
		{"double-quant", s.DoubleQuant != nil && *s.DoubleQuant, m.Adapter, cannotTrain},
	}
}

// drop takes one of these settings out of a request.
func drop(r *Request, setting string) {
	s := &r.Method
	switch setting {
	case "lora-rank":
		s.LoRARank = 0
	case "lora-alpha":
		s.LoRAAlpha = 0
	case "lora-targets":
		s.LoRATargets = nil
	case "lora-dropout":
		s.LoRADropout = nil
	case "rslora":
		s.RSLoRA = false
	case "modules-to-save":
		s.ModulesToSave = nil
	case "adapter-dtype":
		r.Training.AdapterDType = ""
	case "trainable-layers":
		s.TrainableLayers = 0
	case "quant":
		s.Quant = ""
	case "double-quant":
		s.DoubleQuant = nil
	}
}

// WithoutForeign takes out of r the settings that its method does not have,
// and names them. An unknown method is left to the estimate, which refuses it.
func WithoutForeign(r *Request) (dropped []string) {
	m, ok := methods.Get(r.Method.ID)
	if !ok {
		return nil
	}
	for _, o := range owns(m, r) {
		if o.given && !o.mine {
			dropped = append(dropped, o.setting)
			drop(r, o.setting)
		}
	}
	return dropped
}

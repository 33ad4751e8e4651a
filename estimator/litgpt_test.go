package estimator_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/memory"
	"github.com/vramcalc/vramcalc/estimator/modules"
	"github.com/vramcalc/vramcalc/presets"
)

// TestLitgptReadIsWalk: with litgpt's code, whose loop keeps logits and graph
// until the next micro-batch, the reading peaks where the walk over every
// allocation does, and splits into categories.
func TestLitgptReadIsWalk(t *testing.T) {
	models := 0
	for _, m := range dense(t) {
		if !modules.LitgptHas(&m) {
			continue
		}
		models++
		m.Layers, m.SlidingLayers = 3, 0
		for i, method := range []string{"full", "lora", "qlora"} {
			req := estimator.Request{Model: m, Method: estimator.Method{ID: method}}
			req.Training = estimator.Training{
				Trainer: []string{"litgpt@0.1", "litgpt"}[models%2], Precision: "bf16",
				MicroBatch: int64(1 + i), SeqLen: []int64{130, 300}[models%2], GradAccum: int64(1 + (models+i)%3),
			}
			if method != "full" {
				req.Method.LoRATargets = [][]string{nil, {"all-linear", "head"}, {"key"}}[models%3]
			}
			s, err := estimator.ReadShape(req)
			if err != nil {
				t.Errorf("%s %s: %v", m.ID, method, err)
				continue
			}
			var live, peak int64
			s.Events(func(ev memory.Event) {
				live += ev.Bytes
				peak = max(peak, live)
			})
			if peak != s.Reading.Peak {
				t.Errorf("%s %+v: read %d, walked %d", m.ID, req.Training, s.Reading.Peak, peak)
			}
			req.Device.GPU = gpu(t, "a100-80gb-sxm")
			rep, err := estimator.Estimate(req)
			if err != nil {
				t.Fatal(err)
			}
			checkReport(t, req, rep)
		}
	}
	if models < 20 {
		t.Errorf("only %d models", models)
	}
}

// TestLitgptLingers: where batches are equally long, logits and what 4-bit
// layers hold of one micro-batch are there beside the next one's.
func TestLitgptLingers(t *testing.T) {
	m, err := presets.Model("tinyllama")
	if err != nil {
		t.Fatal(err)
	}
	peak := func(trainer string) int64 {
		req := estimator.Request{Model: m, Method: estimator.Method{ID: "qlora"}, Training: estimator.Training{Trainer: trainer, MicroBatch: 8, SeqLen: 512}}
		s, err := estimator.ReadShape(req)
		if err != nil {
			t.Fatal(err)
		}
		return s.Reading.Peak
	}
	const tokens = 8 * 512
	held := int64(22*tokens*(3*2048+5632)*2 + tokens*2048*2)
	if more := peak("litgpt@0.2") - peak("litgpt@0.1"); more < held*9/10 || more > held+tokens*32000*4 {
		t.Errorf("%d bytes linger, the 4-bit layers hold %d", more, held)
	}
}

// TestLitgptRefuses: what litgpt's scripts do not have is an error that names
// the setting.
func TestLitgptRefuses(t *testing.T) {
	yes := true
	for setting, change := range map[string]func(*estimator.Request){
		"method":          func(r *estimator.Request) { r.Method.ID = "dora" },
		"quant":           func(r *estimator.Request) { r.Method.ID, r.Method.Quant = "qlora", "int8" },
		"precision":       func(r *estimator.Request) { r.Method.ID, r.Training.Precision = "qlora", "bf16-mixed" },
		"checkpointing":   func(r *estimator.Request) { r.Training.Checkpointing = "full" },
		"attention":       func(r *estimator.Request) { r.Training.Attention = "flash" },
		"kernels":         func(r *estimator.Request) { r.Training.Kernels, r.Training.Loss = "liger", "standard" },
		"loss":            func(r *estimator.Request) { r.Training.Loss = "standard" },
		"modules-to-save": func(r *estimator.Request) { r.Method.ModulesToSave = []string{"lm_head"} },
		"rslora":          func(r *estimator.Request) { r.Method.RSLoRA = yes },
		"norms-dtype":     func(r *estimator.Request) { r.Training.NormsDType = "float32"; r.Training.Precision = "bf16" },
		"seq-len":         func(r *estimator.Request) { r.Training.SeqLen = 2049 },
		"trainer":         func(r *estimator.Request) { r.Model, _ = presets.Model("qwen2.5-0.5b") },
		"lora targets":    func(r *estimator.Request) { r.Method.LoRATargets = []string{"q_proj"} },
	} {
		m, err := presets.Model("tinyllama")
		if err != nil {
			t.Fatal(err)
		}
		req := estimator.Request{Model: m, Method: estimator.Method{ID: "lora"}, Training: estimator.Training{Trainer: "litgpt", SeqLen: 64}}
		if _, err := estimator.Estimate(req); err != nil {
			t.Fatal(err)
		}
		change(&req)
		_, err = estimator.Estimate(req)
		var wrong *estimator.SettingError
		if errors.As(err, &wrong) && wrong.Setting == setting || err != nil && strings.HasPrefix(err.Error(), setting) {
			continue
		}
		t.Errorf("%s: %v", setting, err)
	}
}

// TestLitgptQuantizedPrecision: a quantized base has a precision of its own
// accord that litgpt takes, also on a card without bfloat16.
func TestLitgptQuantizedPrecision(t *testing.T) {
	m, err := presets.Model("tinyllama")
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []estimator.Method{{ID: "qlora"}, {ID: "lora", Quant: "nf4"}} {
		for card, want := range map[string]string{"a100-80gb-sxm": "bf16", "t4": "fp16"} {
			rep, err := estimator.Estimate(estimator.Request{
				Model: m, Method: method, Device: estimator.Device{GPU: gpu(t, card)}, Training: estimator.Training{Trainer: "litgpt"},
			})
			if err != nil || rep.Training.Precision != want {
				t.Errorf("%s on %s: %q, %v", method.ID, card, rep.Training.Precision, err)
			}
		}
	}
}

// TestLitgptChunks: a step of any size is written down in bounded space.
func TestLitgptChunks(t *testing.T) {
	m, err := presets.Model("tinyllama")
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"full", "lora"} {
		req := estimator.Request{Model: m, Method: estimator.Method{ID: method}, Training: estimator.Training{Trainer: "litgpt", MicroBatch: 1 << 14, SeqLen: 2048}}
		s, err := estimator.ReadShape(req)
		if err != nil || len(s.Program.Ops) > 20000 {
			t.Errorf("%s: %d operations, %v", method, len(s.Program.Ops), err)
		}
		for _, seq := range []int64{2, 129} { // a last chunk that predicts nothing
			req.Training.MicroBatch, req.Training.SeqLen = 1, seq
			if s, err := estimator.ReadShape(req); err != nil || s.Reading.Peak <= s.Reading.Static {
				t.Errorf("%s: %d tokens: peak %d, %v", method, seq, s.Reading.Peak, err)
			}
		}
	}
}

package estimator_test

import (
	"errors"
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/methods"
	"github.com/vramcalc/vramcalc/presets"
)

// TestParameters builds every dense preset and compares its parameters with
// the published total.
func TestParameters(t *testing.T) {
	models := presets.Models()
	built := 0
	for _, m := range models {
		if m.Kind != "decoder" || m.Parameters == 0 {
			continue
		}
		s, err := estimator.ReadShape(estimator.Request{Model: m, Method: estimator.Method{ID: "full"}, Training: estimator.Training{MicroBatch: 1, SeqLen: 8, Loss: "standard"}})
		if err != nil {
			t.Errorf("%s: %v", m.ID, err)
			continue
		}
		built++
		if d := s.Parameters - m.Parameters; d != 0 {
			t.Errorf("%s (%s): built %d, published %d (exact %v), difference %d", m.ID, m.ModelType, s.Parameters, m.Parameters, m.ParametersExact, d)
		}
	}
	t.Logf("%d models built", built)
}

// TestLearnedPositions: OPT's table has two more rows than a sequence can have
// tokens.
func TestLearnedPositions(t *testing.T) {
	for name, most := range map[string]int64{"opt-350m": 2048, "gpt2": 1024} {
		m, err := presets.Model(name)
		if err != nil {
			t.Fatal(err)
		}
		req := estimator.Request{Model: m, Method: estimator.Method{ID: "full"}}
		for n, fits := range map[int64]bool{most: true, most + 1: false} {
			req.Training.SeqLen = n
			if _, err := estimator.Estimate(req); (err == nil) != fits {
				t.Errorf("%s with %d tokens: %v", name, n, err)
			}
		}
	}
}

// TestTargets: a target is a module's name, or the end of its path, as PEFT
// matches target_modules.
func TestTargets(t *testing.T) {
	gpt2, err := presets.Model("gpt2")
	if err != nil {
		t.Fatal(err)
	}
	const layers, h, f, rank = 12, 768, 3072, 8
	for target, want := range map[string]int64{
		"attn.c_proj": layers * rank * (h + h),
		"mlp.c_proj":  layers * rank * (f + h),
		"c_proj":      layers * rank * (h + h + f + h),
		"all-linear":  layers * rank * (4*h + 2*h + 2*(h+f)),
	} {
		req := estimator.Request{Model: gpt2, Training: estimator.Training{SeqLen: 8}}
		req.Method = estimator.Method{ID: "lora", LoRARank: rank, LoRATargets: []string{target}}
		s, err := estimator.ReadShape(req)
		if err != nil || s.Trainable != want {
			t.Errorf("%s: %d parameters train, want %d (%v)", target, s.Trainable, want, err)
		}
	}
	for _, target := range []string{"tn.c_proj", "proj", "h.0.attn.c_proj"} {
		req := estimator.Request{Model: gpt2, Training: estimator.Training{SeqLen: 8}}
		req.Method = estimator.Method{ID: "lora", LoRATargets: []string{target}}
		var missing *methods.TargetError
		if _, err := estimator.ReadShape(req); !errors.As(err, &missing) || missing.Target != target {
			t.Errorf("%s: %v", target, err)
		}
	}
}

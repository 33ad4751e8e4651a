package estimator_test

import (
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
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

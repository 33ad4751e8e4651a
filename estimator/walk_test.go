package estimator_test

import (
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/memory"
)

// TestReadIsWalk: the reading that takes a repeated layer once peaks where the
// walk over every layer does, in each dense model.
func TestReadIsWalk(t *testing.T) {
	for _, m := range dense(t) {
		m.Layers = min(m.Layers, 5)
		m.SlidingLayers = min(m.SlidingLayers, m.Layers)
		m.NoPELayers = min(m.NoPELayers, m.Layers)
		for _, method := range []string{"full", "lora", "qlora"} {
			for _, checkpointing := range []string{"none", "full"} {
				s, err := estimator.ReadShape(estimator.Request{
					Model: m, Method: estimator.Method{ID: method},
					Training: estimator.Training{MicroBatch: 2, SeqLen: 16, Checkpointing: checkpointing},
				})
				if err != nil {
					continue // a method that the model refuses
				}
				var live, peak int64
				s.Events(func(ev memory.Event) {
					live += ev.Bytes
					peak = max(peak, live)
				})
				if peak != s.Reading.Peak {
					t.Errorf("%s %s %s: read %d, walked %d", m.ID, method, checkpointing, s.Reading.Peak, peak)
				}
			}
		}
	}
}

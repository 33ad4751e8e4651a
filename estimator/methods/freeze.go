package methods

import (
	"fmt"

	"github.com/vramcalc/vramcalc/estimator/modules"
)

func init() {
	register(Method{
		ID: "freeze", Summary: "the last layers train, the rest is frozen",
		New: newFreeze,
	})
}

// freeze trains the last decoder layers and nothing else (LLaMA-Factory's
// freeze-tuning, freeze_trainable_layers).
type freeze struct {
	frozen
	from int64 // first layer that trains
}

func newFreeze(s Settings) (modules.Tuner, error) {
	if s.TrainableLayers < 1 || s.TrainableLayers > s.Layers {
		return nil, fmt.Errorf("trainable layers: %d is not between 1 and the model's %d layers", s.TrainableLayers, s.Layers)
	}
	return freeze{from: s.Layers - s.TrainableLayers}, nil
}

func (f freeze) Trains(_ string, layer int64) bool { return layer >= f.from }
func (f freeze) TrainsLayer(layer int64) bool      { return layer >= f.from }

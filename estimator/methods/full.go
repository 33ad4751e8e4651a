package methods

import "github.com/vramcalc/vramcalc/estimator/modules"

func init() {
	register(Method{
		ID: "full", Summary: "every parameter trains",
		New: func(Settings) (modules.Tuner, error) { return full{}, nil },
	})
}

type full struct{ frozen }

func (full) Trains(string, int64) bool { return true }
func (full) TrainsLayer(int64) bool    { return true }

package page

import (
	q "github.com/vramcalc/vramcalc/cmd/internal/quantity"
	"github.com/vramcalc/vramcalc/estimator"
)

// Moment is the memory at a moment of the step, for drawing.
type Moment struct {
	X     float64 `json:"x"`     // percent of the step's time
	Y     float64 `json:"y"`     // percent of the peak
	Phase string  `json:"phase"` // its stretch of the step
	Text  string  `json:"text"`
	Place string  `json:"place"`
	Top   bool    `json:"top"` // the peak of the step
	Parts []Part  `json:"parts"`
}

// mostMoments is how finely the timeline is drawn.
const mostMoments = 160

// Timeline is the memory over the step on the GPU named.
func (s Said) Timeline(gpu string) ([]Moment, error) {
	a, err := s.on(gpu)
	if err != nil {
		return nil, err
	}
	a.request.Device = a.devices[0]
	moments, err := estimator.Timeline(a.request, mostMoments)
	if err != nil {
		return nil, err
	}
	top, last := 0, moments[len(moments)-1].Seconds
	for i, m := range moments {
		if m.Bytes > moments[top].Bytes {
			top = i
		}
	}
	list := make([]Moment, 0, len(moments))
	for i, m := range moments {
		x := percentOf(m.Seconds, last)
		if last == 0 { // the speed is not known: moments stand side by side
			x = percentOf(float64(i), float64(len(moments)-1))
		}
		one := Moment{x, percentOf(float64(m.Bytes), float64(moments[top].Bytes)), m.Phase, q.GiB(m.Bytes), m.Place, i == top, nil}
		for _, c := range m.Breakdown {
			one.Parts = append(one.Parts, Part{Key: c.Category, Text: q.GiB(c.Bytes)})
		}
		list = append(list, one)
	}
	return list, nil
}

package answer

import (
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/cost"
	"github.com/vramcalc/vramcalc/hardware"
)

// Costs says what a whole run takes, whatever report it is asked about. The
// zero value was not asked for a run and says nothing.
type Costs struct {
	data *cost.Data
	gpus map[string]hardware.GPU
}

// CostsOver are the costs of runs over data on devices; nil data asks for none.
func CostsOver(data *cost.Data, devices []estimator.Device) Costs {
	c := Costs{data, map[string]hardware.GPU{}}
	for _, d := range devices {
		c.gpus[d.GPU.ID] = d.GPU
	}
	return c
}

// Asked says whether a run was asked for.
func (c Costs) Asked() bool { return c.data != nil }

// Of is what a run with the step of r takes; nil where nobody asked or the
// speed is not known.
func (c Costs) Of(r estimator.Report) *cost.Run {
	if c.data == nil {
		return nil
	}
	return cost.Of(r, c.gpus[r.Device.ID], *c.data)
}

// Over adds to every answer what a run takes.
func (p *Plan) Over(c Costs) {
	for i := range p.Answers {
		p.Answers[i].Run = c.Of(p.Answers[i].Report)
	}
}

// Package solve finds the edge of what fits: the largest value of a setting,
// the largest model, the smallest card with the settings that make it fit, and
// the settings that no others beat in memory and speed at once.
//
// It knows no physics and only asks for estimates. Memory mostly grows with a
// setting, but the caching allocator's rounding can make a larger step hold a
// little less, so an answer is an edge and not a proof about all larger
// values: the value fits, the next one does not, and both were estimated.
package solve

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/sweep"
)

// Bound is what counts as fitting: at least this probability of the error
// band, or with 0 the estimate itself.
type Bound float64

// Holds says whether a report fits under the bound; without a capacity
// nothing does.
func (b Bound) Holds(r estimator.Report) bool {
	switch {
	case r.Fit == nil:
		return false
	case b == 0:
		return r.Fit.Fits
	}
	return r.Fit.Probability >= float64(b)
}

// Enough is what tells which steps the bound holds: verdicts, or full estimates
// where it asks for less than what is left beyond the error band, since
// verdicts tell no probabilities apart there.
func (b Bound) Enough(verdicts, estimate sweep.Estimate) sweep.Estimate {
	if b > 0 && b < (1-estimator.BandLevel)/2 {
		return estimate
	}
	return verdicts
}

// spare are the bytes that are left under the bound, about: the error band is
// known at its ends and in the middle.
func (b Bound) spare(r estimator.Report) float64 {
	if r.Fit == nil {
		return 0
	}
	m := &r.Memory
	end, half := m.Band.HighBytes, estimator.BandLevel/2
	if b < 0.5 {
		end = m.Band.LowBytes
	}
	beyond := 0.0
	if b > 0 {
		beyond = math.Abs(float64(b)-0.5) / half
	}
	return float64(r.Fit.HeadroomBytes) - float64(end-m.DeviceBytes)*beyond
}

// Edge is the largest value of a setting that fits, with the evidence.
type Edge struct {
	Setting string            `json:"setting"`
	Value   int64             `json:"value"` // 0: not even 1 fits
	Report  *estimator.Report `json:"report,omitempty"`
	// Next is Value+1, which does not fit, with its report; or the setting
	// itself ends at Value, and Refusal says why.
	Next       int64             `json:"next"`
	NextReport *estimator.Report `json:"next_report,omitempty"`
	Refusal    error             `json:"-"`
}

// Settings are the settings that [Largest] searches.
func Settings() []string { return []string{"micro-batch", "seq-len", "lora-rank"} }

// Largest finds the edge of a setting of whole numbers on the request's
// device. Both sides of the edge are estimated in full; on the way there
// verdicts will do. The error is that of the smallest value, 1.
func Largest(r estimator.Request, setting string, bound Bound, verdicts, estimate sweep.Estimate) (Edge, error) {
	set, ok := map[string]*int64{
		"micro-batch": &r.Training.MicroBatch, "seq-len": &r.Training.SeqLen, "lora-rank": &r.Method.LoRARank,
	}[setting]
	if !ok {
		return Edge{}, fmt.Errorf("%q is no setting that grows", setting)
	}
	e := Edge{Setting: setting}
	verdicts = bound.Enough(verdicts, estimate)
	device := []estimator.Device{r.Device}
	try := func(n int64, ask sweep.Estimate) (p probe) {
		*set = n
		reports, errs := ask(r, device)
		p = probe{n: n, err: errs[0]}
		if p.err != nil {
			e.Next, e.NextReport, e.Refusal = n, nil, p.err
			return p
		}
		p.spare, p.fits = bound.spare(reports[0]), bound.Holds(reports[0])
		if p.fits {
			e.Value, e.Report = n, &reports[0]
		} else {
			e.Next, e.NextReport, e.Refusal = n, &reports[0], nil
		}
		return p
	}
	approach(func(n int64) probe { return try(n, verdicts) })
	if e.Value == 0 && e.Refusal != nil {
		return Edge{}, e.Refusal
	}
	if e.NextReport != nil && e.NextReport.Memory.AtLeast {
		try(e.Next, estimate)
	}
	return e, nil
}

// Smallest is the index of the report of the device with the least memory that
// fits under the bound, -1 where none does.
func Smallest(reports []estimator.Report, errs []error, bound Bound) int {
	best := -1
	for i, r := range reports {
		if errs[i] == nil && bound.Holds(r) && (best < 0 || r.Device.CapacityBytes < reports[best].Device.CapacityBytes) {
			best = i
		}
	}
	return best
}

// Front are the cells that no other beats in device memory and tokens/s at
// once, the least memory first. Cells without a speed are left out; of cells
// equal in both the first stays.
func Front(cells []sweep.Cell) []sweep.Cell {
	var known, front []sweep.Cell
	for _, c := range cells {
		if c.Err == nil && c.Report.Throughput != nil {
			known = append(known, c)
		}
	}
	slices.SortStableFunc(known, func(a, b sweep.Cell) int {
		return cmp.Or(
			cmp.Compare(a.Report.Memory.DeviceBytes, b.Report.Memory.DeviceBytes),
			-cmp.Compare(a.Report.Throughput.TokensPerSecond, b.Report.Throughput.TokensPerSecond))
	})
	for _, c := range known {
		if n := len(front); n == 0 || c.Report.Throughput.TokensPerSecond > front[n-1].Report.Throughput.TokensPerSecond {
			front = append(front, c)
		}
	}
	return front
}

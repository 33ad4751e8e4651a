package question

import (
	"fmt"
	"math"

	"github.com/vramcalc/vramcalc/estimator/cost"
)

// RunQuestion is what a user said of the whole run. The zero value says
// nothing.
type RunQuestion struct {
	data   cost.Data
	epochs *float64
}

// Settings are everything that can be said of the run.
func (q *RunQuestion) Settings() []Setting {
	all := []Setting{
		{Name: "samples", Value: Count{&q.data.Samples}, Usage: "`n` sequences of an epoch: how long does it all take, what does it cost?"},
		{Name: "tokens", Value: Count{&q.data.Tokens}, Usage: "`n` tokens of an epoch instead, padding counted"},
		{Name: "epochs", Value: Number{&q.epochs, math.SmallestNonzeroFloat64, 1e6, "a number above 0 and below a million"}, Usage: "`x` times over the data (default 1)"},
		{Name: "price", Value: Number{&q.data.USDPerHour, 0, 1e6, "a number from 0 up to less than a million"}, Usage: "`USD` per GPU-hour, instead of the prices seen"},
	}
	for i := range all {
		all[i].Group = "The whole run"
	}
	return all
}

// Build is the data that the run is over; nil where nothing was said.
func (q *RunQuestion) Build() (*cost.Data, error) {
	d := q.data
	switch {
	case d.Samples > 0 && d.Tokens > 0:
		return nil, &UsageError{
			fmt.Sprintf("--samples %d and --tokens %d contradict each other: both say how long an epoch is", d.Samples, d.Tokens),
			"give one of them",
		}
	case max(d.Samples, d.Tokens) > cost.MostOfAnEpoch:
		return nil, &UsageError{fmt.Sprintf("an epoch of more than %d samples or tokens is not believed", int64(cost.MostOfAnEpoch)), "check the number"}
	case d.Samples > 0 || d.Tokens > 0:
		if q.epochs != nil {
			d.Epochs = *q.epochs
		}
		return &d, nil
	case q.epochs != nil:
		return nil, needsData("epochs")
	case d.USDPerHour != nil:
		return nil, needsData("price")
	}
	return nil, nil
}

func needsData(setting string) error {
	return &UsageError{"--" + setting + " makes no sense without --samples or --tokens", "say how much data there is, such as --samples 10000"}
}

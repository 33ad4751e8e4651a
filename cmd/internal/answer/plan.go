// Package answer asks the estimator on each GPU and gives the answer the JSON
// form that scripts rely on. The command line and the web page share it.
package answer

import (
	"cmp"
	"errors"

	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/cost"
)

// Estimate answers a request on each of several devices.
type Estimate = func(estimator.Request, []estimator.Device) ([]estimator.Report, []error)

// Engine answers requests.
type Engine struct {
	Estimate Estimate
	Verdicts Estimate
	Floors   Estimate
	Changes  func(estimator.Request, estimator.Report) []estimator.Change
	Explain  func(estimator.Request) ([]estimator.Derivation, error)
}

// Estimator is the real engine.
var Estimator = Engine{estimator.EstimateAll, estimator.Verdicts, estimator.Floors, estimator.Changes, estimator.Explain}

// Plan is the answer to one question: one report per GPU.
type Plan struct {
	Answers []Answer
	// Focus is the index of the answer that is told in full to people: the
	// smallest GPU with room to spare, else the smallest that it fits.
	Focus int
	// Refused are the GPUs that got no answer.
	Refused []Refusal
}

// Answer is a report with what was asked besides.
type Answer struct {
	estimator.Report
	Changes     []estimator.Change     `json:"changes,omitempty"`
	Derivations []estimator.Derivation `json:"derivations,omitempty"`
	Run         *cost.Run              `json:"run,omitempty"`
	Observed    *Observation           `json:"observed,omitempty"`
}

// Observation is what a running process held of a GPU.
type Observation struct {
	PID       int     `json:"pid"`
	Name      string  `json:"name"`
	Samples   int     `json:"samples"`
	Seconds   float64 `json:"seconds"` // from the first reading to the last
	PeakBytes int64   `json:"peak_bytes"`
	LastBytes int64   `json:"last_bytes"`
}

// Refusal is a GPU on which the request makes no sense, and why.
type Refusal struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	CapacityBytes int64  `json:"capacity_bytes"`
	Reason        string `json:"reason"`
}

// Plan answers a request on each device. On the common cards, which nobody
// named, a refusal is a row like any other unless all of them refuse, and only
// the answer in focus is completed; a card that was named has to answer.
func (e Engine) Plan(r estimator.Request, devices []estimator.Device, common, explain bool) (Plan, error) {
	plan, requests, err := e.ask(r, devices, common)
	if err != nil {
		return plan, err
	}
	plan.Focus = focus(plan.Answers)
	for i := range plan.Answers {
		if common && i != plan.Focus {
			continue // nobody asked about this card in particular
		}
		if err := e.complete(&plan.Answers[i], requests[i], explain); err != nil {
			return plan, err
		}
	}
	return plan, nil
}

// ask estimates the request on each device.
func (e Engine) ask(r estimator.Request, devices []estimator.Device, common bool) (Plan, []estimator.Request, error) {
	var (
		plan     Plan
		requests []estimator.Request
		first    error
	)
	reports, errs := e.Estimate(r, devices)
	for i, d := range devices {
		err := errs[i]
		if err == nil {
			r.Device = d
			plan.Answers = append(plan.Answers, Answer{Report: reports[i]})
			requests = append(requests, r)
			continue
		}
		if !common {
			return plan, nil, about(err, d, len(devices))
		}
		if first == nil {
			first = err
		}
		problem, _, _ := question.Describe(err)
		capacity, _ := d.GPU.Capacity()
		plan.Refused = append(plan.Refused, Refusal{ID: d.GPU.ID, Name: d.GPU.Name, CapacityBytes: capacity, Reason: problem})
	}
	if len(plan.Answers) == 0 {
		return plan, nil, first
	}
	return plan, requests, nil
}

// about says which of several devices an error is about.
func about(err error, d estimator.Device, devices int) error {
	if devices == 1 {
		return err
	}
	problem, hint, usage := question.Describe(err)
	problem = d.GPU.ID + ": " + problem
	if usage {
		return &question.UsageError{Problem: problem, Hint: hint}
	}
	return &question.Failure{Err: errors.New(problem), Hint: hint}
}

// focus is the answer that is told in full: the smallest device with room to
// spare, else the smallest that it fits, else the largest.
func focus(answers []Answer) int {
	best := 0
	for i, a := range answers {
		b := answers[best]
		rank := cmp.Compare(room(a.Report), room(b.Report))
		size := cmp.Compare(b.Device.CapacityBytes, a.Device.CapacityBytes)
		if !fits(a.Report) {
			size = -size
		}
		if rank > 0 || rank == 0 && size > 0 {
			best = i
		}
	}
	return best
}

// room ranks an answer: it fits, tightly, or does not.
func room(r estimator.Report) int {
	switch {
	case !fits(r):
		return 0
	case r.Fit.Verdict == estimator.Tight:
		return 1
	}
	return 2
}

func fits(r estimator.Report) bool { return r.Fit != nil && r.Fit.Fits }

// complete adds to an answer what to change, where there is little or no
// room, and how its numbers came about, where that was asked for.
func (e Engine) complete(answer *Answer, r estimator.Request, explain bool) (err error) {
	if answer.Fit != nil && answer.Fit.Verdict != estimator.Fits {
		answer.Changes = e.Changes(r, answer.Report)
	}
	if explain {
		answer.Derivations, err = e.Explain(r)
	}
	return err
}

// Passes says whether the step fits every device, or one of the common cards.
func (p Plan) Passes(common bool) bool {
	count := 0
	for _, a := range p.Answers {
		if fits(a.Report) {
			count++
		}
	}
	return count == len(p.Answers) || common && count > 0
}

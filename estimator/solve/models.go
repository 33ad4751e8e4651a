package solve

import (
	"cmp"
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/estimator/modules"
	"github.com/vramcalc/vramcalc/estimator/sweep"
)

// ModelEdge is the largest model that fits, with the evidence: every larger
// one was estimated and does not fit, but for those that have no estimate.
type ModelEdge struct {
	Report *estimator.Report `json:"report,omitempty"` // nil: none fits
	// NextReport is that of the smallest of the larger ones; nil where the
	// largest of all fits.
	NextReport *estimator.Report `json:"next_report,omitempty"`
	// Larger were estimated and do not fit; NotJudged are larger too, and the
	// request makes no sense with them or their kind is not built.
	Larger    int `json:"larger"`
	NotJudged int `json:"not_judged"`

	next model.Model // of NextReport
}

// LargestModels finds, for each of several devices, the model with the most
// parameters that fits there. It and the next are estimated in full; on the way
// verdicts will do. Where no model has an estimate on a device, its error is
// that of the largest model whose kind is built.
func LargestModels(r estimator.Request, devices []estimator.Device, models []model.Model, bound Bound, verdicts, estimate sweep.Estimate) ([]ModelEdge, []error) {
	models = slices.Clone(models)
	slices.SortStableFunc(models, func(a, b model.Model) int { return -cmp.Compare(a.Parameters, b.Parameters) })
	edges, errs := make([]ModelEdge, len(devices)), make([]error, len(devices))
	open := len(devices)
	verdicts = bound.Enough(verdicts, estimate)
	for chunk := range slices.Chunk(models, 2*runtime.GOMAXPROCS(0)) {
		for k, a := range estimateModels(r, devices, chunk, verdicts) {
			for i := range edges {
				if e := &edges[i]; e.Report == nil && e.take(chunk[k], &a.reports[i], a.errs[i], bound) {
					open--
				}
				errs[i] = telling(errs[i], a.errs[i])
			}
		}
		if open == 0 {
			break
		}
	}
	for i := range edges {
		e := &edges[i]
		if e.Report != nil || e.Larger > 0 {
			errs[i] = nil
		}
		if e.NextReport != nil && e.NextReport.Memory.AtLeast {
			r.Model = e.next
			reports, _ := estimate(r, devices[i:i+1]) // it had a verdict, so it has a report
			e.NextReport = &reports[0]
		}
	}
	return edges, errs
}

// take takes the answer for the next smaller model, and says whether that was
// looked for.
func (e *ModelEdge) take(m model.Model, r *estimator.Report, err error, bound Bound) bool {
	switch {
	case err != nil:
		e.NotJudged++
	case bound.Holds(*r):
		e.Report = r
		return true
	default:
		e.NextReport, e.next = r, m
		e.Larger++
	}
	return false
}

// telling is the error that says more about the request: the one so far, unless
// it is about its model's kind alone.
func telling(sofar, err error) error {
	var kind *modules.UnsupportedError
	if err != nil && errors.As(sofar, &kind) {
		return err
	}
	return cmp.Or(sofar, err)
}

type modelAnswer struct {
	reports []estimator.Report
	errs    []error
}

// estimateModels estimates the request with each of some models at once.
func estimateModels(r estimator.Request, devices []estimator.Device, models []model.Model, estimate sweep.Estimate) []modelAnswer {
	answers := make([]modelAnswer, len(models))
	var wait sync.WaitGroup
	for i, m := range models {
		wait.Go(func() {
			one := r
			one.Model = m
			answers[i].reports, answers[i].errs = estimate(one, devices)
		})
	}
	wait.Wait()
	return answers
}

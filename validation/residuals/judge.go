package residuals

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/presets"
	"github.com/vramcalc/vramcalc/validation/published"
)

// judged is what one row came to.
type judged struct {
	residuals  []Residual
	parameters *bool
	outcome    *Outcome
	refused    *Kept
	apart      []Kept
}

func refuse(id string, err error) judged {
	return judged{refused: &Kept{ID: id, Reason: err.Error()}}
}

// Judge estimates every row, as many at a time as there are processors.
func Judge(d Data) Result { return JudgeEach(d, func() {}) }

// Len is the number of rows that [Judge] estimates.
func (d Data) Len() int { return len(d.References) + len(d.Published) + len(d.Own) }

// JudgeEach is [Judge] that says after each row, from any goroutine, that one
// more is done.
func JudgeEach(d Data, done func()) Result {
	out := Result{Excluded: d.Excluded, Rows: map[Set]int{References: len(d.References), Published: len(d.Published), Own: len(d.Own)}}
	var all []judged
	all = append(all, each(d.References, done, judgeReference)...)
	all = append(all, each(d.Published, done, judgeRun)...)
	all = append(all, each(d.Own, done, judgeOwn)...)
	for _, j := range all {
		out.Residuals = append(out.Residuals, j.residuals...)
		out.Apart = append(out.Apart, j.apart...)
		if j.parameters != nil {
			out.Parameters.Rows++
			if *j.parameters {
				out.Parameters.Exact++
			}
		}
		if j.outcome != nil {
			out.Outcomes = append(out.Outcomes, *j.outcome)
		}
		if j.refused != nil {
			out.Refused = append(out.Refused, *j.refused)
		}
	}
	return out
}

func each[T any](rows []T, done func(), judge func(T) judged) []judged {
	out := make([]judged, len(rows))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(rows)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(rows); i = int(next.Add(1)) - 1 {
				out[i] = judge(rows[i])
				done()
			}
		})
	}
	workers.Wait()
	return out
}

// judgeReference holds a reference against the same step on tensors without
// data: no kernel runs in either.
func judgeReference(row Reference) judged {
	req, err := row.Request.Estimator()
	if err != nil {
		return refuse(row.ID, err)
	}
	s, err := estimator.ReadShape(req)
	if err != nil {
		return refuse(row.ID, err)
	}
	q := row.Request
	r := Residual{
		ID: row.ID + " " + q.Model + " " + q.Method, Set: References, Source: req.Model.ModelType, Standing: Strict,
		Model: req.Model.ID, Family: req.Model.ModelType, Method: method(q.Method, q.Quant), Trainer: q.Trainer, Size: size(s.Reading.Peak),
	}
	last := row.Steps[len(row.Steps)-1]
	memory, work := r, r
	memory.Reason = fmt.Sprintf("peak in PyTorch: %s; here: %s", join(" ", last.Peak.Phase, last.Peak.Module, last.Peak.Op), s.Place())
	exact := s.Parameters == row.Parameters.Total && s.Trainable == row.Parameters.Trainable
	return judged{parameters: &exact, residuals: []Residual{
		memory.of(Allocated, float64(row.PeakBytes), float64(s.Reading.Peak)),
		work.of(FLOPs, last.FLOPs, s.FLOPs),
	}}
}

// join joins what is not empty.
func join(between string, parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, between)
}

// of is the residual for one figure.
func (r Residual) of(f Figure, measured, estimated float64) Residual {
	r.Figure, r.Measured, r.Estimated, r.Error = f, measured, estimated, estimated/measured-1
	return r
}

// judgeRun holds a published run against the estimate, each figure against the
// one that was read.
func judgeRun(run published.Run) judged {
	req, err := run.Request.Estimator()
	if err != nil {
		return refuse(run.ID, err)
	}
	rep, err := estimator.Estimate(req)
	if err != nil {
		return refuse(run.ID, err)
	}
	r := describe(req, &rep)
	r.ID, r.Set, r.Source, r.Reason = run.ID, Published, run.Family, strings.Join(run.Gap, "; ")
	r.Trainer = trainer(run)
	switch {
	case run.Loop.NotPyTorch:
		r.Standing = OtherEngine
	case !run.Complete:
		r.Standing = Incomplete
	case len(run.Gap) > 0:
		r.Standing = Gap
	default:
		r.Standing = Strict
	}
	out := judged{outcome: outcome(run, &rep, r.Reason)}
	m := run.Measured
	if m.OOM != nil && *m.OOM {
		return out // what was read on the way to the error is no peak
	}
	if run.Loop.TokensPerSecondCounts == unpadded {
		out.apart = append(out.apart, Kept{r.ID, Speed, m.TokensPerSecond, 0, "speed over batches of many lengths, counted in unpadded tokens; the request is the longest batch"})
		m.TokensPerSecond = 0
	}
	out.figures(r, &rep, m)
	return out
}

// unpadded is how a source counts tokens where an estimate counts positions.
const unpadded = "unpadded tokens"

// figures compares what was read.
func (j *judged) figures(r Residual, rep *estimator.Report, m published.Measured) {
	mem := rep.Memory
	add := func(f Figure, measured, estimated int64) {
		if measured <= 0 {
			return
		}
		if full := fullCard(rep, f, measured, estimated); full != "" {
			j.apart = append(j.apart, Kept{r.ID, f, float64(measured), float64(estimated), full})
			return
		}
		j.residuals = append(j.residuals, r.of(f, float64(measured), float64(estimated)))
	}
	add(Allocated, m.AllocatedBytes, mem.AllocatedBytes)
	add(Reserved, m.ReservedBytes, mem.ReservedBytes)
	add(Device, m.DeviceBytes, mem.DeviceBytes)
	if t := rep.Throughput; t != nil && m.TokensPerSecond > 0 {
		j.residuals = append(j.residuals, r.of(Speed, m.TokensPerSecond, t.TokensPerSecond))
	}
	r.Standing, r.Reason = Incomplete, join("; ", r.Reason, "how the memory was read is not stated")
	add(Unspecified, m.UnspecifiedBytes, mem.DeviceBytes)
}

// nearlyFull is the share of the card from which on a run that ran, though its
// pool would not have fitted, says nothing about a pool without a limit: before
// it gives up, the allocator hands back all that it holds unused
// (c10/cuda/CUDACachingAllocator.cpp, release_cached_blocks).
const nearlyFull = 0.8

func fullCard(rep *estimator.Report, f Figure, measured, estimated int64) string {
	capacity := rep.Device.CapacityBytes
	if f == Allocated || capacity == 0 || estimated <= capacity || float64(measured) < nearlyFull*float64(capacity) {
		return ""
	}
	return "the estimate is larger than the card and the run almost filled it, so the reading may have stopped at the card's size"
}

// outcome compares whether a run ran with the verdict.
func outcome(run published.Run, rep *estimator.Report, reason string) *Outcome {
	if rep.Fit == nil {
		return nil
	}
	oom := run.Measured.OOM
	return &Outcome{
		ID: run.ID, Ran: oom == nil || !*oom, Fits: rep.Fit.Fits, Verdict: rep.Fit.Verdict, Probability: rep.Fit.Probability, Reason: reason,
	}
}

// judgeOwn holds a run on a GPU of one's own against the estimate.
func judgeOwn(row OwnRun) judged {
	if row.Failed {
		return refuse(row.ID, fmt.Errorf("%s %s: the run failed", row.Request.Model, row.Request.Method))
	}
	req, err := row.Request.Estimator()
	if err != nil {
		return refuse(row.ID, err)
	}
	if req.Device.GPU, err = presets.GPU(row.Card.Name); err != nil {
		return refuse(row.ID, err)
	}
	rep, err := estimator.Estimate(req)
	if err != nil {
		return refuse(row.ID, err)
	}
	r := describe(req, &rep)
	r.ID, r.Set, r.Source, r.Standing, r.Trainer = row.ID, Own, row.Card.Name, Strict, row.Request.Trainer
	out := judged{}
	tokens := float64(rep.Training.MicroBatch * rep.Training.GradAccum * rep.Training.SeqLen)
	out.figures(r, &rep, published.Measured{
		AllocatedBytes: row.PeakBytes, ReservedBytes: row.ReservedBytes, DeviceBytes: row.ProcessBytes,
		TokensPerSecond: tokens / max(row.StepSeconds, 1e-9),
	})
	return out
}

// describe fills in what rows are grouped by.
func describe(req estimator.Request, rep *estimator.Report) Residual {
	return Residual{
		Model: rep.Model.ID, Family: req.Model.ModelType, Method: method(rep.Method.ID, rep.Training.Quant),
		Class: estimator.BandClass(rep), GPU: rep.Device.ID, Size: size(rep.Memory.AllocatedBytes),
	}
}

// method is a method with how its base is stored.
func method(id, quant string) string {
	if quant == "" || quant == "none" {
		return id
	}
	return id + " " + quant
}

// trainer is the program that ran the step: the one whose model code ran, and
// whose kernels.
func trainer(run published.Run) string {
	name := run.Loop.Trainer
	if name == "" {
		name = run.Request.Trainer
	}
	if run.Request.Kernels != "" {
		name += " with " + run.Request.Kernels
	}
	return name
}

// sizes are the upper ends of the classes of runs, by the memory allocated.
var sizes = []struct {
	below int64
	name  string
}{{4 << 30, "under 4 GiB"}, {16 << 30, "4 to 16 GiB"}, {40 << 30, "16 to 40 GiB"}, {80 << 30, "40 to 80 GiB"}}

func size(allocated int64) string {
	for _, s := range sizes {
		if allocated < s.below {
			return s.name
		}
	}
	return "80 GiB and more"
}

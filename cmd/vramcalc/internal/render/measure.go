package render

import (
	"slices"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/cost"
)

// measure is something of an answer that a cell can show.
type measure struct {
	title   string // of a column of its own
	meaning string // in a sentence
	right   bool
	better  float64 // +1: more is better, -1: less, 0: neither
	number  func(Answer) (float64, bool)
	words   func(float64) string
	wordsOf func(Answer) string         // instead of words, where one number is not all
	mark    func(estimator.Report) Span // instead of a number
	marks   map[string]string           // what the marks mean
}

// show is the measure of an answer in words: a dash where it is not known, and
// for the speed of a step that does not fit.
func (m measure) show(a Answer) Span {
	if m.mark != nil {
		return m.mark(a.Report)
	}
	v, ok := m.number(a)
	switch {
	case !ok:
		return text(Faint, "–")
	case m.wordsOf != nil:
		return plain(m.wordsOf(a))
	}
	return plain(m.words(v))
}

// The names of what a cell can show: of the memory alone, of a card, and of a
// whole run.
var (
	memoryMeasures = []string{"memory", "allocated", "reserved"}
	cardMeasures   = []string{"fit", "headroom", "probability", "tokens/s", "samples/s", "step-time", "mfu", "hfu"}
	runMeasures    = []string{"duration", "gpu-hours", "cost", "energy"}
)

// Measures are the names of what a cell can show.
func Measures() []string { return slices.Concat(memoryMeasures, cardMeasures, runMeasures) }

// NeedsCard says whether a measure is known only on a card.
func NeedsCard(name string) bool { return !slices.Contains(memoryMeasures, name) }

// NeedsRun says whether a measure is one of a whole run.
func NeedsRun(name string) bool { return slices.Contains(runMeasures, name) }

var measures = map[string]measure{
	"memory":    size("GiB", "device memory in GiB", func(r estimator.Report) int64 { return r.Memory.DeviceBytes }),
	"allocated": size("allocated", "allocated memory in GiB", func(r estimator.Report) int64 { return r.Memory.AllocatedBytes }),
	"reserved":  size("reserved", "reserved memory in GiB", func(r estimator.Report) int64 { return r.Memory.ReservedBytes }),
	"fit": {title: "fit", meaning: "whether it fits", mark: fitMark, marks: map[string]string{
		"✓": "✓ fits", "~": "~ fits, but within the error band", "?": "? too big, but within the error band", "✗": "✗ too big",
	}},
	"headroom": {
		title: "to spare", meaning: "GiB to spare", right: true, better: 1, words: func(v float64) string { return gib(int64(v)) },
		number: func(r Answer) (float64, bool) {
			if r.Fit == nil {
				return 0, false
			}
			return float64(r.Fit.HeadroomBytes), true
		},
	},
	"probability": {
		title: "likely", meaning: "how likely it fits", right: true, better: 1, words: percent,
		number: func(r Answer) (float64, bool) {
			if r.Fit == nil {
				return 0, false
			}
			return r.Fit.Probability, true
		},
	},
	"tokens/s":  speed("tokens/s", "tokens/s", 1, Significant, func(t *estimator.Throughput) float64 { return t.TokensPerSecondTotal }),
	"samples/s": speed("samples/s", "samples/s per GPU", 1, Significant, func(t *estimator.Throughput) float64 { return t.SamplesPerSecond }),
	"step-time": speed("step", "time of an optimizer step", -1, Duration, func(t *estimator.Throughput) float64 { return t.StepSeconds }),
	"mfu":       speed("MFU", "MFU", 1, percent, func(t *estimator.Throughput) float64 { return t.MFU }),
	"hfu":       speed("HFU", "HFU", 1, percent, func(t *estimator.Throughput) float64 { return t.HFU }),

	"duration":  ofRun("time", "time of the whole run", hours, func(r *cost.Run) *float64 { return &r.Seconds }),
	"gpu-hours": ofRun("GPU-hours", "GPU-hours of the whole run", Significant, func(r *cost.Run) *float64 { return &r.GPUHours }),
	"cost": {
		title: "USD", meaning: "cost of the whole run in USD", right: true, better: -1,
		number:  runNumber(func(r *cost.Run) *float64 { return r.LowUSD }),
		wordsOf: func(a Answer) string { return dollars(a.Run) },
	},
	"energy": ofRun("kWh", "most energy of the whole run in kWh", Significant, func(r *cost.Run) *float64 { return r.MostKWh }),
}

// size is a measure in bytes, shown in GiB.
func size(title, meaning string, of func(estimator.Report) int64) measure {
	return measure{
		title: title, meaning: meaning, right: true, better: -1,
		words:  func(v float64) string { return gib(int64(v)) },
		number: func(a Answer) (float64, bool) { return float64(of(a.Report)), true },
	}
}

// speed is a measure of a step that fits; zero is not known.
func speed(title, meaning string, better float64, words func(float64) string, of func(*estimator.Throughput) float64) measure {
	return measure{
		title: title, meaning: meaning, right: true, better: better, words: words,
		number: func(r Answer) (float64, bool) {
			if r.Throughput == nil || r.Fit != nil && !r.Fit.Fits {
				return 0, false
			}
			v := of(r.Throughput)
			return v, v > 0
		},
	}
}

// ofRun is a measure of a whole run of which less is better.
func ofRun(title, meaning string, words func(float64) string, of func(*cost.Run) *float64) measure {
	return measure{title: title, meaning: meaning, right: true, better: -1, words: words, number: runNumber(of)}
}

// runNumber is a number of a run that fits; nil is not known.
func runNumber(of func(*cost.Run) *float64) func(Answer) (float64, bool) {
	return func(a Answer) (float64, bool) {
		if a.Run == nil || a.Fit != nil && !a.Fit.Fits || of(a.Run) == nil {
			return 0, false
		}
		return *of(a.Run), true
	}
}

// fitMark is the verdict as a sign.
func fitMark(r estimator.Report) Span {
	if r.Fit == nil {
		return text(Faint, "–")
	}
	_, tone := fitWord(r)
	switch {
	case r.Fit.Verdict == estimator.Tight && r.Fit.Fits:
		return text(tone, "~")
	case r.Fit.Verdict == estimator.Tight:
		return text(tone, "?")
	case r.Fit.Fits:
		return text(tone, "✓")
	}
	return text(tone, "✗")
}

package estimator

import (
	"fmt"

	"github.com/vramcalc/vramcalc/estimator/spread"
)

// BandLevel is the share of runs that an error band is meant to hold.
const BandLevel = 0.9

// leastRuns is the number of measured runs below which a band is that of all
// methods together.
const leastRuns = 8

// measuredRuns are the residuals of runs of one class: each measured figure
// over its estimate. The tables of them are generated from the rows of
// validation, never written by hand.
type measuredRuns struct {
	class   string // "" is all classes
	sources string
	ratios  spread.Spread
}

// The classes of runs that bands tell apart.
const (
	fullRuns      = "full"
	adapterRuns   = "adapter"
	quantizedRuns = "quantized"
)

// BandClass is the kind of run that error bands tell apart: "quantized" where
// the frozen base is, else "adapter" where adapters train, else "full".
func BandClass(rep *Report) string {
	switch {
	case rep.Training.Quant != "none" && rep.Training.Quant != "":
		return quantizedRuns
	case rep.Method.AdapterFileBytes > 0:
		return adapterRuns
	}
	return fullRuns
}

// runsLike finds the measured runs of a class, or all of them where there are
// too few, and words which they are.
func runsLike(table []measuredRuns, class, what string) (spread.Spread, string) {
	var like, all measuredRuns
	for _, m := range table {
		switch m.class {
		case class:
			like = m
		case "":
			all = m
		}
	}
	if len(like.ratios) >= leastRuns {
		return like.ratios, fmt.Sprintf("90 %% band from %d measured %s of %s runs (%s)", len(like.ratios), what, class, like.sources)
	}
	return all.ratios, fmt.Sprintf("only %d measured %s of %s runs: 90 %% band from %d of all methods (%s)",
		len(like.ratios), what, class, len(all.ratios), all.sources)
}

// ends are the ends of the band around an estimate, which they enclose.
func ends(s spread.Spread) (low, high float64) {
	tail := (1 - BandLevel) / 2
	return min(1, s.Quantile(tail)), max(1, s.Quantile(1-tail))
}

func memoryBand(device int64, class string) MemoryBand {
	s, basis := runsLike(memoryRuns, class, "pools and device figures")
	low, high := ends(s)
	return MemoryBand{LowBytes: int64(float64(device) * low), HighBytes: int64(float64(device) * high), Basis: basis}
}

func throughputBand(tokens float64, class string) ThroughputBand {
	s, basis := runsLike(speedRuns, class, "speeds")
	low, high := ends(s)
	return ThroughputBand{LowTokensPerSecond: tokens * low, HighTokensPerSecond: tokens * high, Basis: basis}
}

// The verdicts of [Fit].
const (
	Fits       = "fits"
	Tight      = "tight"
	DoesNotFit = "does-not-fit"
)

// fit holds the device memory with its band against what is free.
func fit(free int64, m *Memory, class string) *Fit {
	s, _ := runsLike(memoryRuns, class, "")
	f := &Fit{Fits: m.DeviceBytes <= free, HeadroomBytes: free - m.DeviceBytes, Verdict: Tight}
	f.Probability = s.Below(float64(free) / float64(m.DeviceBytes))
	switch {
	case m.Band.HighBytes <= free:
		f.Verdict = Fits
	case m.Band.LowBytes > free:
		f.Verdict = DoesNotFit
	}
	return f
}

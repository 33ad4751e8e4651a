package estimator

import "github.com/vramcalc/vramcalc/estimator/spread"

// BandLevel is the share of runs that an error band is meant to hold.
const BandLevel = 0.9

// The classes of runs that error bands tell apart.
const (
	FullRuns      = "full"
	AdapterRuns   = "adapter"
	QuantizedRuns = "quantized"
)

// BandClass is the class of a report's run: quantized where the frozen base
// is, else by whether adapters or the model's own weights train.
func BandClass(rep *Report) string {
	switch {
	case rep.Training.Quant != "none" && rep.Training.Quant != "":
		return QuantizedRuns
	case rep.Method.AdapterFileBytes > 0:
		return AdapterRuns
	}
	return FullRuns
}

// measuredRuns are the residuals of runs of one class, each a measured figure
// over its estimate. The tables of them, zz_bands.go, are generated from the
// rows of validation, never written by hand, and leave out classes of which too
// few runs were measured.
type measuredRuns struct {
	class  string // "" is all classes
	basis  string
	ratios spread.Spread
}

// runsLike finds the measured runs of a class, or all of them where it has no
// band of its own.
func runsLike(table []measuredRuns, class string) measuredRuns {
	var all measuredRuns
	for _, m := range table {
		if m.class == class {
			return m
		}
		if m.class == "" {
			all = m
		}
	}
	return measuredRuns{class, "too few measured runs of this kind; " + all.basis, all.ratios}
}

// BandEnds are the ends of the band around an estimate of 1. They enclose the
// estimate, also where all runs were on one side of it.
func BandEnds(s spread.Spread) (low, high float64) {
	const tail = (1 - BandLevel) / 2
	return min(1, s.Quantile(tail)), max(1, s.Quantile(1-tail))
}

func memoryBand(device int64, class string) MemoryBand {
	m := runsLike(memoryRuns, class)
	low, high := BandEnds(m.ratios)
	return MemoryBand{LowBytes: int64(float64(device) * low), HighBytes: int64(float64(device) * high), Basis: m.basis}
}

func throughputBand(tokens float64, class string) ThroughputBand {
	m := runsLike(speedRuns, class)
	low, high := BandEnds(m.ratios)
	return ThroughputBand{LowTokensPerSecond: tokens * low, HighTokensPerSecond: tokens * high, Basis: m.basis}
}

// The verdicts of [Fit].
const (
	Fits       = "fits"
	Tight      = "tight"
	DoesNotFit = "does-not-fit"
)

// free is the capacity less what others use, in bytes.
func (rep *Report) free() int64 { return rep.Device.CapacityBytes - rep.Device.UsedBytes }

// decide holds the device memory and its band against what is free: the
// capacity, less what others use.
func (rep *Report) decide() {
	need, free := rep.Memory.DeviceBytes, rep.free()
	if rep.Device.CapacityBytes == 0 || rep.Memory.AtLeast && rep.Memory.Band.LowBytes <= free {
		return
	}
	ratios := runsLike(memoryRuns, BandClass(rep)).ratios
	rep.Fit = &Fit{
		Fits: need <= free, HeadroomBytes: free - need, Verdict: Tight,
		Probability: ratios.Below(float64(free) / float64(max(need, 1))),
	}
	switch {
	case rep.Memory.Band.HighBytes <= free && !rep.Memory.CacheReturned:
		rep.Fit.Verdict = Fits
	case rep.Memory.Band.LowBytes > free:
		rep.Fit.Verdict = DoesNotFit
	}
}

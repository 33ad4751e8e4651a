package residuals

import (
	"fmt"
	"go/format"
	"math"
	"slices"
	"strings"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/spread"
)

// Band is an error band with the residuals that it comes from.
type Band struct {
	Kind    string        `json:"kind"`  // "memory" or "speed"
	Class   string        `json:"class"` // "" is all classes
	Runs    int           `json:"runs"`
	Sources []string      `json:"sources"`
	Low     float64       `json:"low"` // of the measured figure over the estimate
	High    float64       `json:"high"`
	Ratios  spread.Spread `json:"-"`
}

// The kinds of bands.
const (
	MemoryBand = "memory"
	SpeedBand  = "speed"
)

// classes are the classes of [estimator.BandClass], and all of them.
var classes = []string{estimator.FullRuns, estimator.AdapterRuns, estimator.QuantizedRuns, ""}

// banded says which residuals make the bands of a kind: figures of whole runs
// with every setting known, whether a request can say all of it or not, since
// whoever asks has a program of his own too. Memory is the device figure, and
// the pool, which is most of it.
func banded(kind string, r Residual) bool {
	if r.Set == References || !known(r.Standing) {
		return false
	}
	if kind == SpeedBand {
		return r.Figure == Speed
	}
	return r.Figure == Device || r.Figure == Reserved
}

// Bands are the error bands by kind and class.
func Bands(rs []Residual) []Band {
	var bands []Band
	for _, kind := range []string{MemoryBand, SpeedBand} {
		for _, class := range classes {
			bands = append(bands, bandOf(kind, class, rs))
		}
	}
	return bands
}

func bandOf(kind, class string, rs []Residual) Band {
	b := Band{Kind: kind, Class: class}
	for _, r := range rs {
		if !banded(kind, r) || class != "" && r.Class != class {
			continue
		}
		b.Runs++
		b.Ratios = append(b.Ratios, r.Measured/r.Estimated)
		if !slices.Contains(b.Sources, r.Source) {
			b.Sources = append(b.Sources, r.Source)
		}
	}
	slices.Sort(b.Ratios)
	slices.Sort(b.Sources)
	b.Low, b.High = estimator.BandEnds(b.Ratios)
	return b
}

// A class with fewer runs or sources has no band of its own: the runs of one
// source share its habits, and say too little about anybody else's.
const (
	leastRuns    = 8
	leastSources = 2
)

// Stands says whether a class has runs enough for a band of its own.
func (b Band) Stands() bool {
	return b.Class == "" || b.Runs >= leastRuns && len(b.Sources) >= leastSources
}

// HeldOut is how many rows of a source fall in the bands of all other sources.
type HeldOut struct {
	Kind   string `json:"kind"`
	Source string `json:"source"` // "" is all of them
	Rows   int    `json:"rows"`
	Inside int    `json:"inside"`
}

// Coverage leaves out one source at a time and counts its rows that the bands
// of the others hold.
func Coverage(rs []Residual) []HeldOut {
	var out []HeldOut
	for _, kind := range []string{MemoryBand, SpeedBand} {
		all := HeldOut{Kind: kind}
		for _, source := range bandOf(kind, "", rs).Sources {
			h := leaveOut(kind, source, rs)
			all.Rows += h.Rows
			all.Inside += h.Inside
			out = append(out, h)
		}
		out = append(out, all)
	}
	return out
}

func leaveOut(kind, source string, rs []Residual) HeldOut {
	rest := Pick(rs, func(r Residual) bool { return r.Source != source })
	ends := map[string]Band{}
	for _, class := range classes {
		b := bandOf(kind, class, rest)
		if !b.Stands() {
			b = bandOf(kind, "", rest)
		}
		ends[class] = b
	}
	h := HeldOut{Kind: kind, Source: source}
	for _, r := range rs {
		if r.Source != source || !banded(kind, r) {
			continue
		}
		h.Rows++
		if b, ratio := ends[r.Class], r.Measured/r.Estimated; ratio >= b.Low && ratio <= b.High {
			h.Inside++
		}
	}
	return h
}

// rounding keeps three decimals of a ratio: the runs themselves repeat no
// better.
const rounding = 1000

// Source is the file estimator/zz_bands.go.
func Source(bands []Band) ([]byte, error) {
	var b strings.Builder
	b.WriteString("// Code generated from the rows of validation by \"make golden\"; DO NOT EDIT.\n\npackage estimator\n\nimport \"github.com/vramcalc/vramcalc/estimator/spread\"\n")
	for _, kind := range []string{MemoryBand, SpeedBand} {
		fmt.Fprintf(&b, "\n// %sRuns are measured figures over their estimates.\nvar %sRuns = []measuredRuns{\n", kind, kind)
		for _, band := range bands {
			if band.Kind == kind && band.Stands() {
				writeBand(&b, band)
			}
		}
		b.WriteString("}\n")
	}
	return format.Source([]byte(b.String()))
}

func writeBand(b *strings.Builder, band Band) {
	ratios := make(spread.Spread, len(band.Ratios))
	for i, r := range band.Ratios {
		ratios[i] = math.Round(r*rounding) / rounding
	}
	low, high := estimator.BandEnds(ratios)
	fmt.Fprintf(b, "{ // 90 %% band: %.3f to %.3f\nclass: %q, basis: %q,\nratios: spread.Spread{", low, high, band.Class, basis(band))
	for i, r := range ratios {
		if i%16 == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(b, "%.3f, ", r)
	}
	b.WriteString("\n},\n},\n")
}

// basis says which runs a band comes from.
func basis(b Band) string {
	what := map[string]string{MemoryBand: "measured memory figures", SpeedBand: "measured speeds"}[b.Kind]
	of := map[string]string{
		estimator.FullRuns: "runs that train the weights", estimator.AdapterRuns: "runs with adapters",
		estimator.QuantizedRuns: "runs with a quantized base", "": "runs of all methods",
	}[b.Class]
	return fmt.Sprintf("90 %% band from %d %s of %s (%s)", b.Runs, what, of, strings.Join(b.Sources, ", "))
}

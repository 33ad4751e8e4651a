// Package residuals holds measured training steps against their estimates:
// PyTorch's own references, runs that others published, and runs on a GPU of
// one's own, each figure against the same figure of the estimate.
//
// [Read] takes the rows from the folder validation of the repository, [Judge]
// estimates every one of them, and the rest of the package summarizes: [Of] is
// the statistics of a group, [Tables] are the groups, [Bars] what vramcalc
// promises, [Bands] the error bands that reports carry.
package residuals

import (
	"math"
	"slices"
	"strings"
)

// Set is where rows come from.
type Set string

// The sets of rows.
const (
	References Set = "references" // PyTorch on fake tensors
	Published  Set = "published"  // runs that others published
	Own        Set = "own"        // runs measured with validation/torch on a GPU
)

// Figure is what was measured.
type Figure string

// The figures. A reading that the source does not name is held against the
// device figure, which is the likely one, and kept apart.
const (
	Allocated   Figure = "allocated"
	Reserved    Figure = "reserved"
	Device      Figure = "device"
	Unspecified Figure = "unspecified"
	FLOPs       Figure = "flops"
	Speed       Figure = "tokens_per_second"
)

// Standing says how much of a run its request says.
type Standing string

// The standings. References are always strict.
const (
	Strict     Standing = "strict"     // every setting is known and said
	Gap        Standing = "gap"        // every setting is known; the run did something that a request can't say
	Incomplete Standing = "incomplete" // settings, or how a figure was read, are not known
	// OtherEngine: the program is not PyTorch, whose step the estimate is of.
	OtherEngine Standing = "other engine"
)

// Residual is one measured figure beside its estimate.
type Residual struct {
	ID       string   `json:"id"`
	Set      Set      `json:"set"`
	Source   string   `json:"source"` // rows of one source share a program and mostly a machine
	Figure   Figure   `json:"figure"`
	Standing Standing `json:"standing"`

	Model   string `json:"model"`
	Family  string `json:"family"`
	Method  string `json:"method"`
	Class   string `json:"class"` // as the error bands tell runs apart
	Trainer string `json:"trainer"`
	GPU     string `json:"gpu,omitempty"`
	Size    string `json:"size"`

	Measured  float64 `json:"measured"`
	Estimated float64 `json:"estimated"`
	Error     float64 `json:"error"`            // estimated over measured, less one
	Reason    string  `json:"reason,omitempty"` // what is known to be different
}

// Kept is a row or a figure that no residual stands for, with the reason.
type Kept struct {
	ID        string  `json:"id"`
	Figure    Figure  `json:"figure,omitempty"`
	Measured  float64 `json:"measured,omitempty"`
	Estimated float64 `json:"estimated,omitempty"`
	Reason    string  `json:"reason"`
}

// Outcome is whether a run ran, beside what the estimate says.
type Outcome struct {
	ID          string  `json:"id"`
	Ran         bool    `json:"ran"`
	Fits        bool    `json:"fits"`
	Verdict     string  `json:"verdict"`
	Probability float64 `json:"probability"`
	Reason      string  `json:"reason,omitempty"`
}

// Exact counts rows whose parameters agree to the last one.
type Exact struct {
	Rows  int `json:"rows"`
	Exact int `json:"exact"`
}

// Result is every row judged.
type Result struct {
	Rows       map[Set]int `json:"rows"`
	Excluded   int         `json:"excluded"` // published rows that no request stands for
	Residuals  []Residual  `json:"-"`
	Parameters Exact       `json:"parameters"`
	Outcomes   []Outcome   `json:"outcomes"`
	Refused    []Kept      `json:"refused"` // rows that the estimator refuses
	Apart      []Kept      `json:"apart"`   // figures that say nothing about an estimate
}

// Stats are the statistics of errors, as fractions.
type Stats struct {
	N         int     `json:"rows"`
	MedianAbs float64 `json:"median_abs"`
	MeanAbs   float64 `json:"mean_abs"`
	P90Abs    float64 `json:"p90_abs"`
	MaxAbs    float64 `json:"max_abs"`
	Bias      float64 `json:"bias"` // the signed median
}

// Of are the statistics of some residuals.
func Of(rs []Residual) Stats {
	if len(rs) == 0 {
		return Stats{}
	}
	signed := make([]float64, len(rs))
	sum := 0.0
	for i, r := range rs {
		signed[i] = r.Error
		sum += math.Abs(r.Error)
	}
	slices.Sort(signed)
	return Stats{
		N: len(rs), MedianAbs: absQuantile(rs, 0.5), MeanAbs: sum / float64(len(rs)),
		P90Abs: absQuantile(rs, 0.9), MaxAbs: absQuantile(rs, 1), Bias: quantile(signed, 0.5),
	}
}

// absQuantile is a quantile of the errors without their sign.
func absQuantile(rs []Residual, q float64) float64 {
	abs := make([]float64, len(rs))
	for i, r := range rs {
		abs[i] = math.Abs(r.Error)
	}
	slices.Sort(abs)
	return quantile(abs, q)
}

// quantile of sorted values, between neighbours in proportion.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	k := int(at)
	if k+1 >= len(sorted) {
		return sorted[k]
	}
	return sorted[k] + (at-float64(k))*(sorted[k+1]-sorted[k])
}

// Pick are the residuals that a condition holds for.
func Pick(rs []Residual, keep func(Residual) bool) []Residual {
	var out []Residual
	for _, r := range rs {
		if keep(r) {
			out = append(out, r)
		}
	}
	return out
}

// Worst are the n rows of some residuals that are furthest off.
func Worst(rs []Residual, n int) []Residual {
	out := slices.Clone(rs)
	slices.SortStableFunc(out, func(a, b Residual) int {
		switch x, y := math.Abs(a.Error), math.Abs(b.Error); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out[:min(max(n, 0), len(out))]
}

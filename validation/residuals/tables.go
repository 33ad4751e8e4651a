package residuals

import "slices"

// Table is the statistics of one grouping of rows.
type Table struct {
	Set    Set     `json:"set"`
	By     string  `json:"by"`
	Groups []Group `json:"groups"`
}

// Group is the statistics of the rows of one figure that have a value of the
// grouping in common.
type Group struct {
	Name     string   `json:"group"`
	Figure   Figure   `json:"figure"`
	Standing Standing `json:"standing"`
	Stats
}

// groupings are what rows are told apart by, in the order they are shown.
var groupings = []struct {
	by string
	of func(Residual) string
}{
	{"all", func(Residual) string { return "all rows" }},
	{"method", func(r Residual) string { return r.Method }},
	{"trainer", func(r Residual) string { return r.Trainer }},
	{"family", func(r Residual) string { return r.Family }},
	{"source", func(r Residual) string { return r.Source }},
	{"gpu", func(r Residual) string { return r.GPU }},
	{"size", func(r Residual) string { return r.Size }},
}

var (
	sets      = []Set{Published, Own, References}
	figures   = []Figure{Allocated, Reserved, Device, Unspecified, Speed, FLOPs}
	standings = []Standing{Strict, Gap, Incomplete, OtherEngine}
)

// Tables are the statistics of all rows by every grouping. A grouping that
// tells no rows apart is left out.
func Tables(rs []Residual) []Table {
	var tables []Table
	for _, set := range sets {
		rows := Pick(rs, func(r Residual) bool { return r.Set == set })
		for _, g := range groupings {
			t := Table{Set: set, By: g.by}
			for _, name := range names(rows, g.of) {
				t.Groups = append(t.Groups, groupsOf(name, Pick(rows, func(r Residual) bool { return g.of(r) == name }))...)
			}
			if len(t.Groups) > 0 && !(set == References && (g.by == "gpu" || g.by == "source")) {
				tables = append(tables, t)
			}
		}
	}
	return tables
}

// names are the values of a grouping in order; sizes in theirs.
func names(rows []Residual, of func(Residual) string) []string {
	var out []string
	for _, r := range rows {
		if n := of(r); !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	slices.SortStableFunc(out, func(a, b string) int { return sizeRank(a) - sizeRank(b) })
	return out
}

func sizeRank(name string) int {
	for i, s := range sizes {
		if s.name == name {
			return i
		}
	}
	return len(sizes)
}

func groupsOf(name string, rows []Residual) []Group {
	var out []Group
	for _, f := range figures {
		for _, s := range standings {
			if rs := Pick(rows, func(r Residual) bool { return r.Figure == f && r.Standing == s }); len(rs) > 0 {
				out = append(out, Group{name, f, s, Of(rs)})
			}
		}
	}
	return out
}

// Check is one promise beside what was found.
type Check struct {
	What      string  `json:"what"`
	Statistic string  `json:"statistic"`
	Rows      int     `json:"rows"`
	Value     float64 `json:"value"`
	Bar       float64 `json:"bar"`
	Holds     bool    `json:"holds"`
}

// The bars: what vramcalc promises of its errors.
var (
	referenceBars = []bar{{"median", 0.005}, {"95 %", 0.02}, {"max", 0.05}}
	publishedBars = []struct {
		figure Figure
		bars   []bar
	}{
		{Allocated, []bar{{"median", 0.02}, {"90 %", 0.08}, {"bias", 0.01}}},
		{Reserved, []bar{{"median", 0.05}, {"90 %", 0.12}, {"bias", 0.03}}},
		{Device, []bar{{"median", 0.06}, {"90 %", 0.15}, {"bias", 0.03}}},
		{Speed, []bar{{"median", 0.10}, {"90 %", 0.25}}},
	}
)

type bar struct {
	statistic string
	limit     float64
}

// The range of held-out rows that the error bands are to hold.
const leastCovered, mostCovered = 0.85, 0.95

// Bars holds the residuals against what vramcalc promises: references, runs
// that a request says in full, and all runs with every setting known.
func Bars(r Result) []Check {
	refs := Pick(r.Residuals, func(x Residual) bool { return x.Set == References && x.Figure == Allocated })
	checks := against("references: allocated", refs, referenceBars)
	if p := r.Parameters; p.Rows > 0 {
		checks = append(checks, Check{"references: parameters", "exact", p.Rows, float64(p.Exact) / float64(p.Rows), 1, p.Exact == p.Rows})
	}
	for _, b := range publishedBars {
		for _, class := range classesOf(b.figure) {
			strict := Pick(r.Residuals, func(x Residual) bool {
				return x.Set != References && x.Figure == b.figure && known(x.Standing) && (class == "" || x.Class == class)
			})
			name := string(b.figure)
			if b.figure == Speed {
				name = SpeedBand
			}
			if class != "" {
				name += ", " + class
			}
			checks = append(checks, against(name+": the request says all", Pick(strict, func(x Residual) bool { return x.Standing == Strict }), b.bars)...)
			checks = append(checks, against(name+": every setting known", strict, b.bars)...)
		}
	}
	for _, h := range Coverage(r.Residuals) {
		if h.Source == "" && h.Rows > 0 {
			v := float64(h.Inside) / float64(h.Rows)
			checks = append(checks, Check{h.Kind + " bands: rows of a source left out", "inside", h.Rows, v, leastCovered, v >= leastCovered && v <= mostCovered})
		}
	}
	return checks
}

// known says whether bars and bands count a row: every setting of a PyTorch
// run is known, whether a request can say all of them or not.
func known(s Standing) bool { return s == Strict || s == Gap }

// classesOf keeps methods apart where their bars do.
func classesOf(f Figure) []string {
	if f == Speed {
		return classes[:len(classes)-1]
	}
	return []string{""}
}

func against(what string, rs []Residual, bars []bar) []Check {
	var checks []Check
	if len(rs) == 0 {
		return nil
	}
	s := Of(rs)
	for _, b := range bars {
		v := map[string]float64{"median": s.MedianAbs, "90 %": s.P90Abs, "95 %": absQuantile(rs, 0.95), "max": s.MaxAbs, "bias": s.Bias}[b.statistic]
		checks = append(checks, Check{what, b.statistic, s.N, v, b.limit, max(v, -v) <= b.limit})
	}
	return checks
}

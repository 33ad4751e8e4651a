package render

import (
	"fmt"
	"strings"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/validation/residuals"
)

// Accuracy is the answer of the validate command: measured steps beside their
// estimates.
type Accuracy struct {
	residuals.Summary
}

// Data is the stable JSON form. A list without entries is [], never null.
func (a Accuracy) Data() any {
	s := a.Summary
	s.Outcomes = append([]residuals.Outcome{}, s.Outcomes...)
	s.Refused = append([]residuals.Kept{}, s.Refused...)
	s.Apart = append([]residuals.Kept{}, s.Apart...)
	s.Worst = append([]residuals.WorstRows{}, s.Worst...)
	return envelope("accuracy", s)
}

// Rows are the groups of all tables.
func (a Accuracy) Rows() []Record {
	var rows []Record
	for _, t := range a.Tables {
		for _, g := range t.Groups {
			rows = append(rows, Record{
				{Key: "set", Value: string(t.Set)},
				{Key: "by", Value: t.By},
				{Key: "group", Value: g.Name},
				{Key: "figure", Value: string(g.Figure)},
				{Key: "standing", Value: string(g.Standing)},
				{Key: "rows", Value: g.N},
				{Key: "median_abs", Value: g.MedianAbs},
				{Key: "mean_abs", Value: g.MeanAbs},
				{Key: "p90_abs", Value: g.P90Abs},
				{Key: "max_abs", Value: g.MaxAbs},
				{Key: "bias", Value: g.Bias},
			})
		}
	}
	return rows
}

// Sections are the promises first, then the tables, and what is furthest off
// last. The plain table leaves out the groupings but the first two.
func (a Accuracy) Sections() []Section {
	out := []Section{a.head(), a.promises()}
	for _, t := range a.Tables {
		out = append(out, groups(t))
	}
	out = append(out, a.outcomes(), a.bands(), a.heldOut())
	for _, w := range a.Worst {
		out = append(out, worst(w))
	}
	return append(out, kept("Rows that the estimator refuses", a.Refused), kept("Figures that no table counts", a.Apart))
}

var setNames = map[residuals.Set]string{
	residuals.References: "references of PyTorch itself",
	residuals.Published:  "published runs",
	residuals.Own:        "runs on a GPU of our own",
}

var figureNames = map[residuals.Figure]string{
	residuals.Allocated: "allocated", residuals.Reserved: "reserved", residuals.Device: "device",
	residuals.Unspecified: "not said", residuals.FLOPs: "FLOPs", residuals.Speed: "tokens/s",
}

var classNames = map[string]string{
	estimator.FullRuns: "weights", estimator.AdapterRuns: "adapters", estimator.QuantizedRuns: "on a quantized base", "": "anything",
}

func (a Accuracy) head() Section {
	p := a.Parameters
	counts := []string{plural(a.Result.Rows[residuals.References], "reference", "references") + " of PyTorch itself"}
	counts = append(counts, plural(a.Result.Rows[residuals.Published], "published run", "published runs")+
		fmt.Sprintf(" (%d more have no request, each with its reason in excluded.jsonl)", a.Excluded))
	if n := a.Result.Rows[residuals.Own]; n > 0 {
		counts = append(counts, plural(n, "run", "runs")+" on a GPU of our own")
	}
	return Section{Title: "Measured steps beside their estimates", Lines: []Line{
		line(plain(strings.Join(counts, ", ") + ".")),
		line(plain("Errors are estimate over measurement, less one, each figure against the same figure; bias is their signed median.")),
		item(1, text(Strong, "strict: "), plain("every setting is known, and a request says all of them")),
		item(1, text(Strong, "gap: "), plain("every setting is known, but the run did something that a request has no words for")),
		item(1, text(Strong, "incomplete: "), plain("a setting, or how the figure was read, is not known; \"not said\" is held against device memory; so is the length of batches that vary")),
		item(1, text(Strong, "other engine: "), plain("the program is not PyTorch, so that no request can stand for it; no promise and no band counts it")),
		line(plain(fmt.Sprintf("Trainable and total parameters are exact in %d of %d references.", p.Exact, p.Rows))),
	}}
}

func (a Accuracy) promises() Section {
	g := Grid{Columns: []Column{
		{Title: "what", Wrap: true},
		{Title: "rows", Right: true},
		{Title: "error"},
		{Title: "found", Right: true},
		{Title: "promised", Right: true},
		{Title: "holds"},
	}}
	for _, c := range a.Bars {
		holds, bar := text(Good, "yes"), "≤ "+percent1(c.Bar)
		if !c.Holds {
			holds = text(Bad, "no")
		}
		switch c.Statistic {
		case "exact":
			bar = percent1(c.Bar)
		case "inside":
			bar = "85–95 %"
		}
		g.Rows = append(g.Rows, []Span{
			plain(c.What), plain(integer(int64(c.Rows))), plain(c.Statistic), plain(percent2(c.Value)), plain(bar), holds,
		})
	}
	return sectionOf("What is promised, and what was found", g)
}

// percent2 is percent with two decimals, for errors.
func percent2(fraction float64) string { return fixed(100*fraction, 2) + " %" }

// groups is one table of statistics.
func groups(t residuals.Table) Section {
	by, title := t.By, capital(setNames[t.Set])
	switch by {
	case "all":
		by = ""
	case "gpu":
		by = "GPU"
	}
	if by != "" {
		title += " by " + by
	}
	g := Grid{Columns: []Column{
		{Title: by, Wrap: true},
		{Title: "figure"},
		{Title: "request", Drop: 1},
		{Title: "rows", Right: true},
		{Title: "median", Right: true},
		{Title: "mean", Right: true, Drop: 3},
		{Title: "90 %", Right: true},
		{Title: "max", Right: true, Drop: 2},
		{Title: "bias", Right: true},
	}}
	for _, x := range t.Groups {
		g.Rows = append(g.Rows, []Span{
			plain(x.Name), plain(figureNames[x.Figure]), plain(string(x.Standing)), plain(integer(int64(x.N))),
			plain(percent2(x.MedianAbs)), plain(percent2(x.MeanAbs)), plain(percent2(x.P90Abs)), plain(percent2(x.MaxAbs)),
			plain(signed(percent2(x.Bias))),
		})
	}
	s := sectionOf(title, g)
	s.Wide = t.By != "all" && t.By != "method"
	return s
}

// capital begins a heading.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// outcomes counts the verdicts on runs that ran and on runs that did not.
func (a Accuracy) outcomes() Section {
	count := map[bool]map[string]int{true: {}, false: {}}
	for _, o := range a.Outcomes {
		count[o.Ran][o.Verdict]++
	}
	g := Grid{Columns: []Column{
		{Title: "what happened"},
		{Title: "fits", Right: true},
		{Title: "tight", Right: true},
		{Title: "does not fit", Right: true},
	}}
	for _, ran := range []bool{true, false} {
		row := []Span{plain(map[bool]string{true: "it ran", false: "out of memory"}[ran])}
		for _, verdict := range []string{estimator.Fits, estimator.Tight, estimator.DoesNotFit} {
			row = append(row, plain(integer(int64(count[ran][verdict]))))
		}
		g.Rows = append(g.Rows, row)
	}
	s := sectionOf("Published runs by what the estimate says of their card", g)
	if wrong := a.wrong(); len(wrong.Rows) > 0 {
		s.Grids = append(s.Grids, wrong)
	}
	return s
}

// wrong are the runs whose verdict was wrong.
func (a Accuracy) wrong() Grid {
	g := Grid{Columns: []Column{{Title: "verdict"}, {Title: "but"}, {Title: "run and what is known to be different", Wrap: true}}}
	for _, o := range a.Outcomes {
		switch {
		case o.Ran && o.Verdict == estimator.DoesNotFit:
			g.Rows = append(g.Rows, []Span{plain("does not fit"), plain("it ran"), plain(o.ID + ": " + known(o.Reason))})
		case !o.Ran && o.Verdict == estimator.Fits:
			g.Rows = append(g.Rows, []Span{plain("fits"), plain("out of memory"), plain(o.ID + ": " + known(o.Reason))})
		}
	}
	return g
}

// known is what is known to be different about a run.
func known(reason string) string {
	if reason == "" {
		return "nothing is known to be different"
	}
	return reason
}

func (a Accuracy) bands() Section {
	g := Grid{Columns: []Column{
		{Title: "90 % band of"},
		{Title: "runs that train"},
		{Title: "rows", Right: true},
		{Title: "from", Right: true},
		{Title: "to", Right: true},
		{Title: "sources", Wrap: true},
	}}
	for _, b := range a.Bands {
		class := classNames[b.Class]
		if !b.Stands() {
			class += " (too few: anything's)"
		}
		g.Rows = append(g.Rows, []Span{
			plain(b.Kind), plain(class), plain(integer(int64(b.Runs))), plain(signed(percent1(b.Low - 1))), plain(signed(percent1(b.High - 1))),
			plain(strings.Join(b.Sources, ", ")),
		})
	}
	return sectionOf("Error bands: measured over estimated", g)
}

func (a Accuracy) heldOut() Section {
	g := Grid{Columns: []Column{
		{Title: "band of"},
		{Title: "source left out"},
		{Title: "rows", Right: true},
		{Title: "inside", Right: true},
		{Title: "share", Right: true},
	}}
	for _, h := range a.HeldOut {
		source := h.Source
		if source == "" {
			source = "each in turn"
		}
		g.Rows = append(g.Rows, []Span{
			plain(h.Kind), plain(source), plain(integer(int64(h.Rows))), plain(integer(int64(h.Inside))),
			plain(percent(fraction(float64(h.Inside), float64(h.Rows)))),
		})
	}
	return sectionOf("Bands of all other sources, and the rows of the one left out", g)
}

// worst lists rows with their reasons.
func worst(w residuals.WorstRows) Section {
	g := Grid{Columns: []Column{
		{Title: "error", Right: true},
		{Title: "figure"},
		{Title: "measured", Right: true, Drop: 1},
		{Title: "estimated", Right: true, Drop: 2},
		{Title: "run and what is known to be different", Wrap: true},
	}}
	for _, r := range w.Rows {
		g.Rows = append(g.Rows, []Span{
			plain(signed(percent2(r.Error))), plain(figureNames[r.Figure]), plain(amount(r.Figure, r.Measured)), plain(amount(r.Figure, r.Estimated)),
			plain(r.ID + ": " + known(r.Reason)),
		})
	}
	return sectionOf("Furthest off: "+setNames[w.Set]+", "+string(w.Standing), g)
}

// amount writes a figure with its unit.
func amount(f residuals.Figure, v float64) string {
	switch f {
	case residuals.Speed:
		return Significant(v) + " tokens/s"
	case residuals.FLOPs:
		return Scaled(v) + "FLOP"
	}
	return GiB(int64(v))
}

// kept lists what no table counts.
func kept(title string, list []residuals.Kept) Section {
	g := Grid{Columns: []Column{{Title: "figure"}, {Title: "measured", Right: true}, {Title: "estimated", Right: true}, {Title: "row and reason", Wrap: true}}}
	for _, k := range list {
		row := []Span{plain(figureNames[k.Figure]), {}, {}, plain(k.ID + ": " + k.Reason)}
		if k.Measured > 0 {
			row[1] = plain(amount(k.Figure, k.Measured))
		}
		if k.Estimated > 0 {
			row[2] = plain(amount(k.Figure, k.Estimated))
		}
		g.Rows = append(g.Rows, row)
	}
	return sectionOf(title, g)
}

package render

import (
	"slices"

	asked "github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/solve"
	"github.com/vramcalc/vramcalc/estimator/sweep"
)

// Solution is the answer of the fit command: edges, smallest cards or a front.
type Solution struct {
	Bound  solve.Bound
	Axes   []sweep.Axis
	Common bool // no GPU was named
	Edges  []SolvedEdge
	Cards  []SolvedCard
	Front  []sweep.Cell
	// Fitting of the Tried cells were candidates of the front.
	Fitting, Tried int
}

// SolvedEdge is an edge at a place on the axes, or the reason for none.
type SolvedEdge struct {
	At []int
	solve.Edge
	Err error
}

// SolvedCard is the report of the smallest card that fits; nil where none does.
type SolvedCard struct {
	At     []int
	Report *estimator.Report
	Err    error
}

// bound words what counts as fitting.
func (s Solution) bound() string {
	if s.Bound == 0 {
		return "fits: the estimate itself is within the memory"
	}
	return "fits: with a probability of at least " + percent(float64(s.Bound)) + ", by the error band"
}

func (s Solution) settings(at []int) Record {
	r := Record{}
	for k, i := range at {
		r = append(r, Field{Key: s.Axes[k].Setting, Value: s.Axes[k].Values[i]})
	}
	return r
}

func reason(err error) any {
	if err == nil {
		return nil
	}
	problem, _, _ := asked.Describe(err)
	return problem
}

// Data is the stable JSON form.
func (s Solution) Data() any {
	bound := Record{{Key: "by", Value: "estimate"}}
	if s.Bound > 0 {
		bound = Record{{Key: "by", Value: "band"}, {Key: "probability", Value: float64(s.Bound)}}
	}
	doc := Record{{Key: "schema_version", Value: SchemaVersion}, {Key: "bound", Value: bound}, {Key: "axes", Value: append([]sweep.Axis{}, s.Axes...)}}
	var list []Record
	for _, e := range s.Edges {
		r := Record{{Key: "settings", Value: s.settings(e.At)}}
		if e.Err != nil {
			list = append(list, append(r, Field{Key: "setting", Value: e.Setting}, Field{Key: "error", Value: reason(e.Err)}))
			continue
		}
		list = append(list, append(r, Field{Key: "edge", Value: e.Edge}, Field{Key: "next_refused", Value: reason(e.Refusal)}))
	}
	for _, c := range s.Cards {
		r := Record{{Key: "settings", Value: s.settings(c.At)}, {Key: "error", Value: reason(c.Err)}}
		if c.Report != nil {
			r = append(r, Field{Key: "report", Value: c.Report})
		}
		list = append(list, r)
	}
	for _, c := range s.Front {
		list = append(list, Record{{Key: "settings", Value: s.settings(c.At)}, {Key: "report", Value: c.Report}})
	}
	return append(doc, Field{Key: "answers", Value: append([]Record{}, list...)})
}

// Rows are the table, numbers unrounded.
func (s Solution) Rows() []Record {
	var rows []Record
	numbers := func(r *estimator.Report) Record {
		out := Record{{Key: "device_id"}, {Key: "memory_device_bytes"}, {Key: "fit_headroom_bytes"}, {Key: "fit_probability"}, {Key: "throughput_tokens_per_second"}}
		if r == nil {
			return out
		}
		out[0].Value, out[1].Value = r.Device.ID, r.Memory.DeviceBytes
		if r.Fit != nil {
			out[2].Value, out[3].Value = r.Fit.HeadroomBytes, r.Fit.Probability
		}
		if r.Throughput != nil {
			out[4].Value = r.Throughput.TokensPerSecond
		}
		return out
	}
	for _, e := range s.Edges {
		row := append(s.settings(e.At), Field{Key: "largest", Value: e.Setting}, Field{Key: "value", Value: e.Value})
		row = append(row, numbers(e.Report)...)
		next := Field{Key: "next_memory_device_bytes"}
		if e.NextReport != nil {
			next.Value = e.NextReport.Memory.DeviceBytes
		}
		why := reason(e.Err)
		if why == nil {
			why = reason(e.Refusal)
		}
		rows = append(rows, append(row, next, Field{Key: "refused", Value: why}))
	}
	for _, c := range s.Cards {
		rows = append(rows, append(append(s.settings(c.At), numbers(c.Report)...), Field{Key: "refused", Value: reason(c.Err)}))
	}
	for _, c := range s.Front {
		rows = append(rows, append(s.settings(c.At), numbers(&c.Report)...))
	}
	return rows
}

// Sections are one table with the bound above it.
func (s Solution) Sections() []Section {
	c := Comparison{Axes: s.Axes}
	for _, a := range s.Axes {
		if len(a.Values) > 1 {
			c.By = append(c.By, a.Setting)
		}
	}
	var g Grid
	var title string
	switch {
	case len(s.Edges) > 0:
		title, g = "The largest that fits", s.edges(&c)
	case s.Common:
		title, g = "The smallest of the common cards that it fits", s.cards(&c)
	default:
		title = "Settings that no others beat in memory and speed: " + integer(int64(len(s.Front))) + " of " +
			integer(int64(s.Fitting)) + " that fit, of " + integer(int64(s.Tried))
		g = s.front(&c)
	}
	for i := len(c.By) - 1; i >= 0; i-- {
		g.Columns = append([]Column{{Title: c.By[i]}}, g.Columns...)
	}
	head := Section{Lines: []Line{line(text(Strong, title))}, Grids: []Grid{g}}
	if fixed := c.fixed(); fixed != "" {
		head.Lines = append(head.Lines, line(text(Faint, fixed)))
	}
	head.Lines = append(head.Lines, line(text(Faint, s.bound())))
	out := []Section{head}
	for _, more := range []Section{c.assumed(), c.found()} {
		if len(more.Lines)+len(more.Grids) > 0 {
			out = append(out, more)
		}
	}
	return out
}

// labels are a row's values on the axes of several.
func (s Solution) labels(at []int) (spans []Span) {
	for k, a := range s.Axes {
		if len(a.Values) > 1 {
			spans = append(spans, plain(a.Values[at[k]]))
		}
	}
	return spans
}

// figures4 are memory, room, chance and speed.
func figures4(r *estimator.Report) []Span {
	out := make([]Span, 4)
	if r == nil {
		return out
	}
	out[0] = plain(gib(r.Memory.DeviceBytes))
	if r.Fit != nil {
		out[1], out[2] = plain(gib(r.Fit.HeadroomBytes)), plain(percent(r.Fit.Probability))
	}
	if r.Throughput != nil {
		out[3] = plain(Significant(r.Throughput.TokensPerSecondTotal))
	}
	return out
}

var figureColumns = []Column{
	{Title: "GiB", Right: true},
	{Title: "to spare", Right: true, Drop: 2},
	{Title: "likely", Right: true},
	{Title: "tokens/s", Right: true},
}

func (s Solution) edges(c *Comparison) Grid {
	// What was assumed may differ by what was searched, as by any axis.
	searched := sweep.Axis{Setting: "largest"}
	for _, e := range s.Edges {
		if !slices.Contains(searched.Values, e.Setting) {
			searched.Values = append(searched.Values, e.Setting)
		}
	}
	c.Axes = append(slices.Clone(s.Axes), searched)
	c.Over = searched.Values
	g := Grid{Columns: append(append([]Column{{Title: "largest"}, {Title: "is", Right: true}}, figureColumns...), Column{Title: "the next", Wrap: true})}
	for _, e := range s.Edges {
		value, next := text(Good, integer(e.Value)), text(Faint, "")
		switch {
		case e.Err != nil:
			value, next = text(Bad, "–"), text(Faint, reason(e.Err).(string))
		case e.Value == 0:
			value = text(Bad, "none")
		}
		switch {
		case e.Err == nil && e.Refusal != nil:
			next.Text = integer(e.Next) + ": " + reason(e.Refusal).(string)
		case e.NextReport != nil:
			next.Text = integer(e.Next) + " needs " + gib(e.NextReport.Memory.DeviceBytes)
		}
		row := append(s.labels(e.At), plain(e.Setting), value)
		g.Rows = append(g.Rows, append(append(row, figures4(e.Report)...), next))
		if e.Report != nil {
			at := append(e.At[:len(e.At):len(e.At)], slices.Index(searched.Values, e.Setting))
			c.Cells = append(c.Cells, sweep.Cell{At: at, Report: *e.Report})
		}
	}
	return g
}

func (s Solution) cards(c *Comparison) Grid {
	c.Over = []string{"gpu"}
	g := Grid{Columns: append([]Column{{Title: "smallest card", Wrap: true}}, figureColumns...)}
	for _, card := range s.Cards {
		name := text(Bad, "none of them")
		switch {
		case card.Err != nil:
			name = text(Bad, "none: "+reason(card.Err).(string))
		case card.Report != nil:
			name = text(Good, card.Report.Device.Name)
			c.Cells = append(c.Cells, sweep.Cell{At: card.At, Report: *card.Report})
		}
		g.Rows = append(g.Rows, append(append(s.labels(card.At), name), figures4(card.Report)...))
	}
	return g
}

// front lists the cells with a bar of their speed: the front as a plot.
func (s Solution) front(c *Comparison) Grid {
	g := Grid{Columns: append(append([]Column{}, figureColumns...), Column{Drop: 1})}
	var fastest float64
	for _, cell := range s.Front {
		fastest = max(fastest, cell.Report.Throughput.TokensPerSecond)
	}
	for _, cell := range s.Front {
		row := append(s.labels(cell.At), figures4(&cell.Report)...)
		g.Rows = append(g.Rows, append(row, Span{Bar: &Bar{Fraction: fraction(cell.Report.Throughput.TokensPerSecond, fastest)}}))
	}
	c.Cells = s.Front
	return g
}

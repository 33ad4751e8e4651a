package render

import (
	"io"
	"slices"
	"strings"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/sweep"
)

// Sections are the answer with the bound above it, then what it rests on.
func (s Solution) Sections() []Section {
	c := Comparison{Axes: s.Axes, Costs: s.Costs}
	for _, a := range s.Axes {
		if len(a.Values) > 1 {
			c.By = append(c.By, a.Setting)
		}
	}
	var g Grid
	var title string
	var more []Section
	var shared string
	switch {
	case s.Front != nil:
		title, g = s.frontTitle(), s.front(&c)
		more = []Section{{Title: "Memory against speed", Plot: s.plot()}}
		shared = s.shared()
	case len(s.Cards) > 0:
		title, g = "The smallest of the common cards that it fits", s.cards(&c)
		more = s.smaller()
	case len(s.Models) > 0:
		title, g = "The largest model that fits", s.models(&c)
		more = []Section{s.notJudged()}
	default:
		title, g = "The largest that fits", s.edges(&c)
	}
	s.label(&g)
	if s.Front != nil {
		g.Columns = append([]Column{{Title: "#"}}, g.Columns...)
	}
	head := Section{Lines: []Line{line(text(Strong, title))}, Grids: []Grid{g}}
	if fixed := c.fixed(); fixed != "" {
		head.Lines = append(head.Lines, line(text(Faint, fixed)))
	}
	head.Lines = append(head.Lines, line(text(Faint, s.bound())))
	if shared != "" {
		head.Lines = append(head.Lines, line(text(Faint, "all of them with "), plain(shared)))
	}
	if note := s.withoutAnswer(); note != "" {
		head.Lines = append(head.Lines, line(text(Bad, note)))
	}
	out := append(append([]Section{head}, more...), runs(s.Costs, s.reports()), c.assumed(), c.found())
	return slices.DeleteFunc(out, func(s Section) bool { return len(s.Lines)+len(s.Grids) == 0 && s.Plot == nil })
}

// withoutAnswer says what to make of a question that has none.
func (s Solution) withoutAnswer() string {
	if s.Front == nil {
		if slices.ContainsFunc(s.Edges, func(e SolvedEdge) bool { return e.Err == nil && e.Value == 0 }) {
			return `where not even 1 fits, "vramcalc plan" says what to change`
		}
		return ""
	}
	switch least := s.Front.Least; {
	case len(s.Front.Cells) > 0:
		return ""
	case least == nil:
		return "the speed of this GPU is not known, and without it there is no front"
	default:
		return "nothing fits " + deviceName(least.Report) + ", " + GiB(least.Report.Device.CapacityBytes-least.Report.Device.UsedBytes) + ": the least needs " +
			GiB(least.Report.Memory.DeviceBytes) + ", with " + s.flags(least.At, func(int) bool { return true })
	}
}

// reports are all that the answer shows.
func (s Solution) reports() (all []*estimator.Report) {
	for i := range s.Edges {
		all = append(all, s.Edges[i].Report)
	}
	for i := range s.Models {
		all = append(all, s.Models[i].Report)
	}
	for i := range s.Cards {
		all = append(all, s.Cards[i].Report)
		if smaller := s.Cards[i].Smaller; smaller != nil {
			all = append(all, &smaller.Report)
		}
	}
	if s.Front != nil {
		for i := range s.Front.Cells {
			all = append(all, &s.Front.Cells[i].Report)
		}
	}
	return slices.DeleteFunc(all, func(r *estimator.Report) bool { return r == nil })
}

// shown are the axes that tell rows apart: of a front those on which its cells
// differ, else those of several values.
func (s Solution) shown() (axes []int) {
	for k, a := range s.Axes {
		differ := len(a.Values) > 1
		if s.Front != nil {
			differ = slices.ContainsFunc(s.Front.Cells, func(c sweep.Cell) bool { return c.At[k] != s.Front.Cells[0].At[k] })
		}
		if differ {
			axes = append(axes, k)
		}
	}
	return axes
}

// shared are the settings searched on which all cells of the front agree.
func (s Solution) shared() string {
	if len(s.Front.Cells) == 0 {
		return ""
	}
	shown := s.shown()
	return s.flags(s.Front.Cells[0].At, func(axis int) bool { return !slices.Contains(shown, axis) })
}

// flags are those that say a place on some of the axes of several values.
func (s Solution) flags(at []int, some func(axis int) bool) string {
	var flags []string
	for k, a := range s.Axes {
		if len(a.Values) > 1 && some(k) {
			flags = append(flags, "--"+a.Setting+" "+a.Values[at[k]])
		}
	}
	return strings.Join(flags, " ")
}

// label puts a column for each axis shown before those of a grid.
func (s Solution) label(g *Grid) {
	var labels []Column
	for _, k := range s.shown() {
		labels = append(labels, Column{Title: s.Axes[k].Setting})
	}
	g.Columns = append(labels, g.Columns...)
}

// labels are a row's values on the axes shown.
func (s Solution) labels(at []int) (spans []Span) {
	for _, k := range s.shown() {
		spans = append(spans, plain(s.Axes[k].Values[at[k]]))
	}
	return spans
}

// figureColumns are those of [Solution.figures].
func (s Solution) figureColumns() []Column {
	columns := []Column{
		{Title: "GiB", Right: true},
		{Title: "to spare", Right: true, Drop: 2},
		{Title: "likely", Right: true, Drop: 1},
		{Title: "tokens/s", Right: true},
	}
	if !s.Costs.Asked() {
		return columns
	}
	return append(columns,
		Column{Title: "time", Right: true},
		Column{Title: "GPU-hours", Right: true, Wide: true},
		Column{Title: "USD", Right: true},
		Column{Title: "kWh ≤", Right: true, Wide: true})
}

// figures are memory, room, chance and speed, and what a run takes where that
// was asked.
func (s Solution) figures(r *estimator.Report) []Span {
	out := make([]Span, len(s.figureColumns()))
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
	if s.Costs.Asked() {
		a := Answer{Report: *r, Run: s.Costs.Of(*r)}
		for i, name := range runMeasures {
			out[4+i] = measures[name].show(a)
		}
	}
	return out
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
	g := Grid{Columns: slices.Concat([]Column{{Title: "largest"}, {Title: "is", Right: true}}, s.figureColumns(), []Column{{Title: "the next", Wrap: true}})}
	fits := slices.ContainsFunc(s.Edges, func(e SolvedEdge) bool { return e.Report != nil })
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
		g.Rows = append(g.Rows, append(append(row, s.figures(e.Report)...), next))
		report := e.Report
		if !fits {
			report = e.NextReport // of which the settings are told all the same
		}
		if report != nil {
			at := append(e.At[:len(e.At):len(e.At)], slices.Index(searched.Values, e.Setting))
			c.Cells = append(c.Cells, sweep.Cell{At: at, Report: *report})
		}
	}
	return g
}

func (s Solution) models(c *Comparison) Grid {
	c.Over = []string{"model"}
	g := Grid{Columns: slices.Concat([]Column{{Title: "largest model", Wrap: true}, {Title: "parameters", Right: true, Drop: 3}}, s.figureColumns(), []Column{{Title: "the next", Wrap: true}})}
	for _, m := range s.Models {
		name, size, next := text(Bad, "none of them"), Span{}, text(Faint, "")
		switch {
		case m.Err != nil:
			name, next = text(Bad, "–"), text(Faint, reason(m.Err).(string))
		case m.Report != nil:
			name, size = text(Good, m.Report.Model.ID), plain(Count(m.Report.Model.Parameters))
			c.Cells = append(c.Cells, sweep.Cell{At: m.At, Report: *m.Report})
		}
		if m.NextReport != nil {
			next.Text = m.NextReport.Model.ID + " needs " + gib(m.NextReport.Memory.DeviceBytes)
		}
		g.Rows = append(g.Rows, append(append(append(s.labels(m.At), name, size), s.figures(m.Report)...), next))
	}
	return g
}

// notJudged says how many larger models nothing is known about.
func (s Solution) notJudged() (out Section) {
	most := 0
	for _, m := range s.Models {
		most = max(most, m.NotJudged)
	}
	if most > 0 {
		out.Lines = append(out.Lines, line(text(Faint, "of the presets; up to "+plural(most, "larger one has", "larger ones have")+
			" no estimate: their kind is not built, or the settings make no sense with them")))
	}
	return out
}

func (s Solution) cards(c *Comparison) Grid {
	c.Over = []string{"gpu"}
	g := Grid{Columns: append([]Column{{Title: "smallest card", Wrap: true}}, s.figureColumns()...)}
	for _, card := range s.Cards {
		name := text(Bad, "none of them")
		switch {
		case card.Err != nil:
			name = text(Bad, "none: "+reason(card.Err).(string))
		case card.Report != nil:
			name = text(Good, card.Report.Device.Name)
			c.Cells = append(c.Cells, sweep.Cell{At: card.At, Report: *card.Report})
		}
		g.Rows = append(g.Rows, append(append(s.labels(card.At), name), s.figures(card.Report)...))
	}
	return g
}

// smaller are the cards that other settings fit, then those settings: as
// flags in one line each, to be copied.
func (s Solution) smaller() []Section {
	g := Grid{Columns: append([]Column{{Title: "smallest card", Wrap: true}}, s.figureColumns()...)}
	with := Section{Title: "With these, added to the question"}
	for _, card := range s.Cards {
		switch labels := s.labels(card.At); {
		case card.Smaller != nil:
			name := card.Smaller.Report.Device.Name
			g.Rows = append(g.Rows, append(append(labels, text(Good, name)), s.figures(&card.Smaller.Report)...))
			var words []string
			for _, l := range labels {
				words = append(words, l.Text)
			}
			of := strings.Join(append(words, name), ", ")
			with.Lines = append(with.Lines, item(1, text(Faint, of+": "), plain(strings.Join(card.Smaller.Changes, " "))))
		case card.Err == nil:
			g.Rows = append(g.Rows, append(append(labels, text(Faint, "no smaller one")), s.figures(nil)...))
		}
	}
	s.label(&g)
	switch {
	case len(g.Rows) == 0:
		return nil
	case len(with.Lines) == 0:
		return []Section{{Lines: []Line{line(text(Faint, "no other setting, of those not given, makes it fit a smaller card"))}}}
	}
	return []Section{{Title: "Smaller still, with other settings", Grids: []Grid{g}}, with}
}

func (s Solution) frontTitle() string {
	return "Settings that no others beat in memory and speed: " + integer(int64(len(s.Front.Cells))) + " of " +
		integer(int64(len(s.Front.Fitting))) + " that fit, of " + integer(int64(s.Front.Tried))
}

// front lists the cells, each with its sign in the plot.
func (s Solution) front(c *Comparison) Grid {
	g := Grid{Columns: s.figureColumns()}
	for i, cell := range s.Front.Cells {
		g.Rows = append(g.Rows, slices.Concat([]Span{plain(plotSign(i))}, s.labels(cell.At), s.figures(&cell.Report)))
	}
	c.Cells = s.Front.Cells
	if s.Front.Least != nil {
		c.Cells = []sweep.Cell{*s.Front.Least}
	}
	return g
}

// plot draws the front over all that fit.
func (s Solution) plot() *Plot {
	if len(s.Front.Cells) == 0 {
		return nil
	}
	first := s.Front.Cells[0].Report
	what := []string{first.Model.Name, first.Method.ID, first.Training.Precision}
	for _, c := range s.Front.Cells { // what differs stands in the list
		for i, word := range []string{c.Report.Model.Name, c.Report.Method.ID, c.Report.Training.Precision} {
			if word != what[i] {
				what[i] = ""
			}
		}
	}
	what = slices.DeleteFunc(what, func(word string) bool { return word == "" })
	p := &Plot{
		Title: "Memory against speed on " + strings.Join(append([]string{deviceName(first)}, what...), " · "),
		X:     Quantity{"device memory, GiB", 1 << 30}, Y: Quantity{"tokens/s", 1},
		Limit:     float64(first.Device.CapacityBytes - first.Device.UsedBytes),
		LimitName: deviceName(first) + ", " + GiB(first.Device.CapacityBytes-first.Device.UsedBytes),
	}
	var names []string
	for _, k := range s.shown() {
		names = append(names, s.Axes[k].Setting)
	}
	p.Labels, p.Note = strings.Join(names, " · "), s.shared()
	point := func(r *estimator.Report) Point {
		return Point{X: float64(r.Memory.DeviceBytes), Y: r.Throughput.TokensPerSecondTotal}
	}
	for i := range s.Front.Fitting {
		if r := &s.Front.Fitting[i].Report; r.Throughput != nil {
			p.Points = append(p.Points, point(r))
		}
	}
	for i := range s.Front.Cells {
		at := point(&s.Front.Cells[i].Report)
		at.Sign = plotSign(i)
		var words []string
		for _, l := range s.labels(s.Front.Cells[i].At) {
			words = append(words, l.Text)
		}
		at.Label = strings.Join(words, " · ")
		p.Points = append(p.Points, at)
	}
	return p
}

// WriteFrontSVG draws the front alone.
func WriteFrontSVG(w io.Writer, s Solution) error {
	_, err := io.WriteString(w, s.plot().svg(true))
	return err
}

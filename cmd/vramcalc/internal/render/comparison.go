package render

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	asked "github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/cost"
	"github.com/vramcalc/vramcalc/estimator/sweep"
)

// Comparison is the answer of the compare command: a report per cell of a grid.
type Comparison struct {
	Axes  []sweep.Axis // in the order of the cells, the last fastest
	Cells []sweep.Cell
	// By and Over say which axes of several values make the rows and the
	// columns of the table; together they are all of them.
	By, Over []string
	Values   []string // what a cell shows, of [Measures]
	Dropped  map[string][]string
	Costs    answer.Costs // of a whole run, where that was asked for
	Width    int          // of the page; 0 is unlimited
}

// answer is a cell's report with what a run of it takes.
func (c Comparison) answer(cell *sweep.Cell) Answer {
	a := Answer{Report: cell.Report}
	if cell.Err == nil {
		a.Run = c.Costs.Of(cell.Report)
	}
	return a
}

// cellError is the reason why a cell has no report.
type cellError struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Data is the stable JSON form.
func (c Comparison) Data() any {
	type cell struct {
		Settings Record `json:"settings"`
		*estimator.Report
		Run   *cost.Run  `json:"run,omitempty"`
		Error *cellError `json:"error,omitempty"`
	}
	cells := make([]cell, len(c.Cells))
	for i := range c.Cells {
		cells[i].Settings = c.settings(&c.Cells[i])
		if err := c.Cells[i].Err; err != nil {
			problem, hint, _ := asked.Describe(err)
			cells[i].Error = &cellError{problem, hint}
			continue
		}
		cells[i].Report, cells[i].Run = &c.Cells[i].Report, c.Costs.Of(c.Cells[i].Report)
	}
	return struct {
		SchemaVersion int          `json:"schema_version"`
		Axes          []sweep.Axis `json:"axes"`
		Cells         []cell       `json:"cells"`
	}{SchemaVersion, append([]sweep.Axis{}, c.Axes...), cells}
}

// settings are a cell's values on the axes.
func (c Comparison) settings(cell *sweep.Cell) Record {
	r := Record{}
	for k, a := range c.Axes {
		r = append(r, Field{Key: a.Setting, Value: a.Values[cell.At[k]]})
	}
	return r
}

// Rows are one record per cell: its settings, the fields of plan, and the
// reason where there is no report.
func (c Comparison) Rows() []Record {
	var plan Plan
	for i := range c.Cells {
		plan.Answers = append(plan.Answers, c.answer(&c.Cells[i]))
	}
	rows := plan.Rows()
	for i := range rows {
		row := Record{}
		for _, f := range c.settings(&c.Cells[i]) {
			f.Key = "setting_" + strings.ReplaceAll(f.Key, "-", "_")
			row = append(row, f)
		}
		reason := Field{Key: "error"}
		if err := c.Cells[i].Err; err != nil {
			for k := range rows[i] {
				rows[i][k].Value = nil
			}
			problem, _, _ := asked.Describe(err)
			reason.Value = problem
		}
		rows[i] = append(append(row, rows[i]...), reason)
	}
	return rows
}

// Sections are the table, then what it rests on.
func (c Comparison) Sections() []Section {
	t := pivot{Comparison: c}
	grids := t.grids()
	head := Section{Lines: []Line{line(text(Strong, t.title())), line(text(Faint, t.fixed())), line(text(Faint, t.legend()))}, Grids: grids}
	out := []Section{head, {Title: "No answer", Lines: t.reasonLines()}, c.run(), c.assumed(), c.found()}
	return slices.DeleteFunc(out, func(s Section) bool { return len(s.Lines)+len(s.Grids) == 0 })
}

// pivot lays the cells out as rows and columns.
type pivot struct {
	Comparison
	reasons []string // of refused cells, in the order of their numbers
	marks   []string // explanations of the marks that occur
}

// axes are the indices of the named axes.
func (c Comparison) axes(names []string) []int {
	var at []int
	for _, n := range names {
		at = append(at, slices.IndexFunc(c.Axes, func(a sweep.Axis) bool { return a.Setting == n }))
	}
	return at
}

// combinations are the indices of all values of the axes, the last fastest.
func (c Comparison) combinations(axes []int) [][]int {
	all := [][]int{{}}
	for _, a := range axes {
		var next [][]int
		for _, head := range all {
			for i := range c.Axes[a].Values {
				next = append(next, append(head[:len(head):len(head)], i))
			}
		}
		all = next
	}
	return all
}

// at is the cell at the values of row and column.
func (c Comparison) at(rows, row, cols, col []int) *sweep.Cell {
	where := make([]int, len(c.Axes))
	for i, a := range rows {
		where[a] = row[i]
	}
	for i, a := range cols {
		where[a] = col[i]
	}
	n := 0
	for k, a := range c.Axes {
		n = n*len(a.Values) + where[k]
	}
	return &c.Cells[n]
}

// grids are the table, over several grids where the page is too narrow.
func (t *pivot) grids() []Grid {
	rows, cols := t.axes(t.By), t.axes(t.Over)
	var labels []Column
	for _, a := range rows {
		right := t.Axes[a].Values[0] != "" && strings.Trim(t.Axes[a].Values[0], "0123456789") == ""
		labels = append(labels, Column{Title: t.Axes[a].Setting, Right: right})
	}
	var head [][]Span
	rowValues, colValues := t.combinations(rows), t.combinations(cols)
	for _, row := range rowValues {
		var spans []Span
		for i, a := range rows {
			spans = append(spans, plain(t.Axes[a].Values[row[i]]))
		}
		head = append(head, spans)
	}
	if len(cols) == 0 {
		return []Grid{t.list(labels, head, rows, rowValues)}
	}
	body := make([][]Span, len(rowValues))
	for i, row := range rowValues {
		for _, col := range colValues {
			body[i] = append(body[i], t.cell(t.at(rows, row, cols, col)))
		}
		t.markBest(body[i], rows, row, cols, colValues)
	}
	var columns []Column
	for _, col := range colValues {
		var title []string
		for i, a := range cols {
			title = append(title, t.Axes[a].Values[col[i]])
		}
		columns = append(columns, Column{Title: strings.Join(title, " ")})
	}
	return t.panels(labels, head, columns, align(body))
}

// list is the table without a column axis: a column per value.
func (t *pivot) list(labels []Column, head [][]Span, rows []int, rowValues [][]int) Grid {
	g := Grid{Columns: labels}
	for _, v := range t.Values {
		g.Columns = append(g.Columns, Column{Title: measures[v].title, Right: measures[v].right})
	}
	for i, row := range rowValues {
		cell := t.at(rows, row, nil, nil)
		spans := head[i]
		for k, v := range t.Values {
			switch {
			case cell.Err == nil:
				s := measures[v].show(t.answer(cell))
				t.explain(measures[v].marks[s.Text])
				spans = append(spans, s)
			case k == 0:
				spans = append(spans, t.refused(cell.Err))
			default:
				spans = append(spans, Span{})
			}
		}
		g.Rows = append(g.Rows, spans)
	}
	return g
}

// cell shows the values of a cell side by side.
func (t *pivot) cell(c *sweep.Cell) Span {
	if c.Err != nil {
		return t.refused(c.Err)
	}
	var parts []string
	for _, v := range t.Values {
		s := measures[v].show(t.answer(c))
		if s.Text == "" {
			s.Text = "–"
		}
		t.explain(measures[v].marks[s.Text])
		parts = append(parts, s.Text)
	}
	tone := Plain
	if c.Report.Fit != nil && !c.Report.Fit.Fits {
		tone = Faint // bold is for the best
	}
	return text(tone, strings.Join(parts, "\t"))
}

// refused numbers the reason of a cell without a report.
func (t *pivot) refused(err error) Span {
	problem, hint, _ := asked.Describe(err)
	if hint != "" {
		problem += "; " + hint
	}
	n := slices.Index(t.reasons, problem)
	if n < 0 {
		n = len(t.reasons)
		t.reasons = append(t.reasons, problem)
	}
	return text(Faint, "– ("+strconv.Itoa(n+1)+")")
}

func (t *pivot) reasonLines() []Line {
	var lines []Line
	for i, r := range t.reasons {
		lines = append(lines, item(1, text(Faint, "("+strconv.Itoa(i+1)+") "+r)))
	}
	return lines
}

func (t *pivot) explain(mark string) {
	if mark != "" && !slices.Contains(t.marks, mark) {
		t.marks = append(t.marks, mark)
	}
}

// bestMark stands behind the best cell of a row.
const bestMark = "*"

// markBest marks the best cells of a row by the last of the values that has a
// better end. What does not fit is no candidate, nor is anything where all
// are equal.
func (t *pivot) markBest(spans []Span, rows, row, cols []int, colValues [][]int) {
	m := measures[t.bestBy()]
	if m.better == 0 {
		return
	}
	var best float64
	values, known := make([]float64, len(spans)), make([]bool, len(spans))
	found, differ := false, false
	for i, col := range colValues {
		c := t.at(rows, row, cols, col)
		if c.Err != nil || c.Report.Fit != nil && !c.Report.Fit.Fits {
			continue
		}
		if values[i], known[i] = m.number(t.answer(c)); !known[i] {
			continue
		}
		differ = differ || found && values[i] != best
		if !found || (values[i]-best)*m.better > 0 {
			best, found = values[i], true
		}
	}
	for i := range spans {
		if differ && known[i] && values[i] == best {
			spans[i].Text += bestMark
			if spans[i].Tone == Plain {
				spans[i].Tone = Strong
			}
			t.explain(bestMark + " the best of its row by " + t.bestBy())
		}
	}
}

// bestBy is the value by which a row's best is judged.
func (c Comparison) bestBy() string {
	for _, v := range slices.Backward(c.Values) {
		if measures[v].better != 0 {
			return v
		}
	}
	return ""
}

// align pads the parts of the cells of each column to the same width.
func align(body [][]Span) [][]Span {
	for c := range body[0] {
		var widths []int
		for _, row := range body {
			if parts := strings.Split(row[c].Text, "\t"); len(parts) > 1 || len(widths) == 0 {
				for i, p := range parts {
					if i == len(widths) {
						widths = append(widths, 0)
					}
					widths[i] = max(widths[i], width(strings.TrimSuffix(p, bestMark)))
				}
			}
		}
		for _, row := range body {
			parts := strings.Split(row[c].Text, "\t")
			if strings.HasPrefix(row[c].Text, "– (") {
				continue
			}
			for i, p := range parts {
				parts[i] = strings.Repeat(" ", max(0, widths[i]-width(strings.TrimSuffix(p, bestMark)))) + p
			}
			row[c].Text = strings.Join(parts, " ")
		}
	}
	return body
}

// panels cuts the columns into grids that fit the page, each with the labels
// of the rows.
func (t *pivot) panels(labels []Column, head [][]Span, columns []Column, body [][]Span) []Grid {
	room := t.Width - gridIndent
	for i, l := range labels {
		w := width(l.Title)
		for _, row := range head {
			w = max(w, width(row[i].Text))
		}
		room -= w + gridGap
	}
	var grids []Grid
	for from := 0; from < len(columns); {
		to, left := from, room
		for ; to < len(columns); to++ {
			w := width(columns[to].Title)
			for _, row := range body {
				w = max(w, width(row[to].Text))
			}
			if left -= w + gridGap; t.Width > 0 && left < -gridGap && to > from {
				break
			}
		}
		g := Grid{Columns: append(slices.Clone(labels), columns[from:to]...)}
		for i := range body {
			g.Rows = append(g.Rows, append(slices.Clone(head[i]), body[i][from:to]...))
		}
		grids, from = append(grids, g), to
	}
	return grids
}

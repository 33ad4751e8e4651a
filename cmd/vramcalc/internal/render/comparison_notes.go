package render

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/sweep"
)

// title says what a cell shows.
func (t *pivot) title() string {
	var parts []string
	for _, v := range t.Values {
		parts = append(parts, measures[v].meaning)
	}
	title := strings.Join(parts, ", ")
	return strings.ToUpper(title[:1]) + title[1:]
}

// fixed are the settings that all cells share.
func (c Comparison) fixed() string {
	first := c.firstReport()
	if first == nil {
		return ""
	}
	varies := func(setting string) bool { return slices.Contains(c.By, setting) || slices.Contains(c.Over, setting) }
	var parts []string
	add := func(setting string, value func(*estimator.Report) string) {
		shared := value(first)
		for i := range c.Cells {
			if c.Cells[i].Err == nil && value(&c.Cells[i].Report) != shared {
				return
			}
		}
		if !varies(setting) && shared != "" {
			parts = append(parts, shared)
		}
	}
	add("model", func(r *estimator.Report) string { return r.Model.Name })
	add("method", func(r *estimator.Report) string { return r.Method.ID })
	add("precision", func(r *estimator.Report) string { return r.Training.Precision })
	add("micro-batch", func(r *estimator.Report) string { return "batch " + integer(r.Training.MicroBatch) })
	add("seq-len", func(r *estimator.Report) string { return integer(r.Training.SeqLen) + " tokens" })
	add("grad-accum", func(r *estimator.Report) string {
		if r.Training.GradAccum <= 1 {
			return ""
		}
		return "× " + integer(r.Training.GradAccum) + " accumulated"
	})
	add("trainer", func(r *estimator.Report) string { return r.Training.Trainer })
	add("gpu", func(r *estimator.Report) string {
		if r.Device.ID == "" {
			return ""
		}
		return deviceName(*r) + ", " + GiB(r.Device.CapacityBytes-r.Device.UsedBytes)
	})
	return strings.Join(parts, " · ")
}

func (c Comparison) firstReport() *estimator.Report {
	for i := range c.Cells {
		if c.Cells[i].Err == nil {
			return &c.Cells[i].Report
		}
	}
	return nil
}

// legend explains the marks that the table has, the best news first.
func (t *pivot) legend() string {
	const order = "✓~?✗" + bestMark
	slices.SortFunc(t.marks, func(a, b string) int {
		return strings.Index(order, firstRune(a)) - strings.Index(order, firstRune(b))
	})
	return strings.Join(t.marks, " · ")
}

func firstRune(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}

// assumed are the settings that nobody stated: those of all cells once, those
// that differ with the values of the axis that they follow.
func (c Comparison) assumed() Section {
	g := Grid{Columns: []Column{{Title: "setting"}, {Title: "taken as"}, {Title: "for", Wrap: true}, {Title: "because", Wrap: true}}}
	var order []string
	kinds := map[string][]estimator.Assumption{} // by setting, without repetition
	where := map[estimator.Assumption][]*sweep.Cell{}
	answered := 0
	for i := range c.Cells {
		cell := &c.Cells[i]
		if cell.Err != nil {
			continue
		}
		answered++
		for _, a := range cell.Report.Assumptions {
			if kinds[a.Setting] == nil {
				order = append(order, a.Setting)
			}
			if where[a] == nil {
				kinds[a.Setting] = append(kinds[a.Setting], a)
			}
			where[a] = append(where[a], cell)
		}
	}
	for _, setting := range order {
		for _, a := range kinds[setting] {
			scope := ""
			if len(where[a]) < answered {
				scope = c.scope(where[a], answered)
			}
			g.Rows = append(g.Rows, []Span{plain(a.Setting), plain(a.Value), plain(scope), text(Faint, a.Because)})
		}
	}
	s := sectionOf("Assumed, since not said", g)
	for _, method := range slices.Sorted(maps.Keys(c.Dropped)) {
		s.Lines = append(s.Lines, item(1, plain(method+" is without --"+strings.Join(c.Dropped[method], ", --")+", which it does not have")))
	}
	return s
}

// scope words which cells these are: the values that they have on the axes
// that set them apart, where those are all the cells with these values, else
// how many.
func (c Comparison) scope(cells []*sweep.Cell, answered int) string {
	in := make([][]bool, len(c.Axes))
	for k, a := range c.Axes {
		in[k] = make([]bool, len(a.Values))
		for _, cell := range cells {
			in[k][cell.At[k]] = true
		}
	}
	if c.inside(in) != len(cells) {
		return strconv.Itoa(len(cells)) + " of " + strconv.Itoa(answered) + " cells"
	}
	var parts []string
	for k, a := range c.Axes {
		var names []string
		for i, yes := range in[k] {
			if yes {
				names = append(names, a.Values[i])
			}
		}
		only := in[k]
		in[k] = nil // any value
		if c.inside(in) != len(cells) {
			in[k] = only
			parts = append(parts, strings.Join(names, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

// inside counts the answered cells with some of the values on each axis; nil
// stands for any.
func (c Comparison) inside(in [][]bool) (n int) {
	for i := range c.Cells {
		inside := c.Cells[i].Err == nil
		for k, at := range c.Cells[i].At {
			inside = inside && (in[k] == nil || in[k][at])
		}
		if inside {
			n++
		}
	}
	return n
}

// found are the findings of the cells, each once with where it holds.
func (c Comparison) found() Section {
	var order []estimator.Finding
	where := map[estimator.Finding][]*sweep.Cell{}
	answered := 0
	for i := range c.Cells {
		if c.Cells[i].Err != nil {
			continue
		}
		answered++
		for _, f := range c.Cells[i].Report.Findings {
			if where[f] == nil {
				order = append(order, f)
			}
			where[f] = append(where[f], &c.Cells[i])
		}
	}
	s := findings(order)
	n := 0
	for i := range s.Lines {
		if s.Lines[i].Indent > 1 {
			continue // a hint
		}
		if cells := where[order[n]]; len(cells) < answered {
			s.Lines[i].Spans = append(s.Lines[i].Spans, text(Faint, " ("+c.scope(cells, answered)+")"))
		}
		n++
	}
	if len(s.Lines) == 0 {
		return Section{}
	}
	return s
}

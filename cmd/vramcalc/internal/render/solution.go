package render

import (
	"strconv"
	"strings"

	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	asked "github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/solve"
	"github.com/vramcalc/vramcalc/estimator/sweep"
)

// Solution is the answer of the fit command: edges, largest models, smallest
// cards or a front.
type Solution struct {
	Bound  solve.Bound
	Axes   []sweep.Axis
	Costs  answer.Costs
	Edges  []SolvedEdge
	Models []SolvedModel
	Cards  []SolvedCard
	Front  *SolvedFront
}

// SolvedEdge is an edge at a place on the axes, or the reason for none.
type SolvedEdge struct {
	At []int
	solve.Edge
	Err error
}

// SolvedModel is the largest model at a place on the axes, or the reason for
// none.
type SolvedModel struct {
	At []int
	solve.ModelEdge
	Err error
}

// SolvedCard is the report of the smallest card that fits; nil where none does.
type SolvedCard struct {
	At     []int
	Report *estimator.Report
	// Smaller is what other settings fit; nil where none of them help.
	Smaller *solve.Smaller
	Err     error
}

// SolvedFront are the cells that no others beat.
type SolvedFront struct {
	Cells []sweep.Cell
	// Fitting are all candidates: those of the Tried cells that fit.
	Fitting []sweep.Cell
	Tried   int
	// Least is the cell of the least memory, where none fits.
	Least *sweep.Cell
}

// bound words what counts as fitting.
func (s Solution) bound() string {
	if s.Bound == 0 {
		return "fits: the estimate itself is within the memory"
	}
	bound := strconv.FormatFloat(100*float64(s.Bound), 'g', 10, 64) // as it was said: 99.5 % are not 100 %
	return "fits: with a probability of at least " + bound + " %, by the error band"
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
		list = append(list, append(r, Field{Key: "edge", Value: e.Edge}, Field{Key: "next_refused", Value: reason(e.Refusal)}, s.runField(e.Report)))
	}
	for _, m := range s.Models {
		r := Record{{Key: "settings", Value: s.settings(m.At)}, {Key: "setting", Value: "model"}, {Key: "error", Value: reason(m.Err)}}
		if m.Err == nil {
			r = append(r, Field{Key: "model_edge", Value: m.ModelEdge}, s.runField(m.Report))
		}
		list = append(list, r)
	}
	for _, c := range s.Cards {
		r := Record{{Key: "settings", Value: s.settings(c.At)}, {Key: "error", Value: reason(c.Err)}}
		if c.Report != nil {
			r = append(r, Field{Key: "report", Value: c.Report}, s.runField(c.Report))
		}
		if c.Smaller != nil {
			r = append(r, Field{Key: "smaller", Value: Record{
				{Key: "changes", Value: c.Smaller.Changes}, {Key: "report", Value: c.Smaller.Report}, s.runField(&c.Smaller.Report),
			}})
		}
		list = append(list, r)
	}
	if s.Front != nil {
		for _, c := range s.Front.Cells {
			list = append(list, Record{{Key: "settings", Value: s.settings(c.At)}, {Key: "report", Value: c.Report}, s.runField(&c.Report)})
		}
	}
	return append(doc, Field{Key: "answers", Value: append([]Record{}, list...)})
}

// runField is what a run of a report takes; left out where nobody asked.
func (s Solution) runField(r *estimator.Report) Field {
	f := Field{Key: "run"}
	if r != nil {
		if run := s.Costs.Of(*r); run != nil {
			f.Value = run
		}
	}
	return f
}

// Rows are the table, numbers unrounded.
func (s Solution) Rows() []Record {
	var rows []Record
	for _, e := range s.Edges {
		row := append(s.settings(e.At), Field{Key: "largest", Value: e.Setting}, Field{Key: "value", Value: e.Value})
		rows = append(rows, append(append(row, s.numbers(e.Report)...), refusedFields(e.NextReport, e.Err, e.Refusal)...))
	}
	for _, m := range s.Models {
		row := append(s.settings(m.At), Field{Key: "largest", Value: "model"}, Field{Key: "value"}, Field{Key: "next"})
		if m.Report != nil {
			row[len(row)-2].Value = m.Report.Model.ID
		}
		if m.NextReport != nil {
			row[len(row)-1].Value = m.NextReport.Model.ID
		}
		rows = append(rows, append(append(row, s.numbers(m.Report)...), refusedFields(m.NextReport, m.Err)...))
	}
	for _, c := range s.Cards {
		row := append(s.settings(c.At), Field{Key: "changes"})
		rows = append(rows, append(append(row, s.numbers(c.Report)...), Field{Key: "refused", Value: reason(c.Err)}))
		if c.Smaller != nil {
			row := append(s.settings(c.At), Field{Key: "changes", Value: strings.Join(c.Smaller.Changes, " ")})
			rows = append(rows, append(append(row, s.numbers(&c.Smaller.Report)...), Field{Key: "refused"}))
		}
	}
	if s.Front != nil {
		for _, c := range s.Front.Cells {
			rows = append(rows, append(s.settings(c.At), s.numbers(&c.Report)...))
		}
	}
	return rows
}

// numbers are a report's figures, empty where there is none.
func (s Solution) numbers(r *estimator.Report) Record {
	out := Record{{Key: "device_id"}, {Key: "memory_device_bytes"}, {Key: "fit_headroom_bytes"}, {Key: "fit_probability"}, {Key: "throughput_tokens_per_second"}}
	if r == nil {
		return append(out, runFields(nil)...)
	}
	out[0].Value, out[1].Value = r.Device.ID, r.Memory.DeviceBytes
	if r.Fit != nil {
		out[2].Value, out[3].Value = r.Fit.HeadroomBytes, r.Fit.Probability
	}
	if r.Throughput != nil {
		out[4].Value = r.Throughput.TokensPerSecond
	}
	return append(out, runFields(s.Costs.Of(*r))...)
}

// refusedFields are what the next needs, or the first of the reasons for none.
func refusedFields(next *estimator.Report, reasons ...error) Record {
	out := Record{{Key: "next_memory_device_bytes"}, {Key: "refused"}}
	if next != nil {
		out[0].Value = next.Memory.DeviceBytes
	}
	for _, err := range reasons {
		if err != nil {
			out[1].Value = reason(err)
			break
		}
	}
	return out
}

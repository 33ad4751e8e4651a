package render

import (
	"strconv"
	"strings"

	"github.com/vramcalc/vramcalc/estimator"
)

// Trace is the program of a step, operation by operation.
type Trace estimator.Trace

// Data is the stable JSON form.
func (t Trace) Data() any {
	return struct {
		SchemaVersion int `json:"schema_version"`
		estimator.Trace
	}{SchemaVersion, estimator.Trace(t)}
}

// Rows are the operations.
func (t Trace) Rows() []Record {
	rows := []Record{}
	for _, o := range t.Operations {
		made, kept := madeBytes(o)
		rows = append(rows, Record{
			{Key: "phase", Value: o.Phase},
			{Key: "block", Value: o.Block},
			{Key: "layer", Value: o.Layer},
			{Key: "layers", Value: o.Layers},
			{Key: "times", Value: o.Times},
			{Key: "module", Value: o.Module},
			{Key: "name", Value: o.Name},
			{Key: "dtype", Value: o.DType},
			{Key: "makes", Value: shapes(o)},
			{Key: "makes_bytes", Value: made},
			{Key: "kept_bytes", Value: kept},
			{Key: "freed_bytes", Value: o.FreedBytes},
			{Key: "kernels", Value: o.Kernels},
			{Key: "flops", Value: o.FLOPs},
			{Key: "moved_bytes", Value: o.MovedBytes},
			{Key: "seconds", Value: o.Seconds},
		})
	}
	return rows
}

// madeBytes is what an operation allocates each time, and what of it autograd
// keeps.
func madeBytes(o estimator.Operation) (made, kept int64) {
	for _, m := range o.Makes {
		made += m.Bytes
		if m.Kept {
			kept += m.Bytes
		}
	}
	return made, kept
}

func shapes(o estimator.Operation) string {
	var list []string
	for _, m := range o.Makes {
		if m.Shape != "" {
			list = append(list, m.Shape)
		}
	}
	return strings.Join(list, "; ")
}

// Sections are the stretches of the step, each a table of its operations.
func (t Trace) Sections() []Section {
	out := []Section{{Lines: []Line{
		line(text(Strong, "The program of one step, as it is read for memory and for time")), question(t.Report),
		line(text(Faint, "Sizes in MiB, each time an operation runs; kept: by autograd, for backward; freed: once it has run.")),
	}}}
	for i := 0; i < len(t.Operations); {
		first := t.Operations[i]
		n := i
		for n < len(t.Operations) && t.Operations[n].Phase == first.Phase && t.Operations[n].Block == first.Block && t.Operations[n].Layer == first.Layer {
			n++
		}
		out = append(out, Section{Title: stretch(first), Grids: []Grid{operationGrid(t.Operations[i:n], t.Report.Throughput != nil)}})
		i = n
	}
	m := t.Report.Memory
	return append(out, Section{Title: "What comes of it", Lines: []Line{
		item(1, plain("allocated at the peak "+GiB(m.AllocatedBytes)+": "+m.PeakAt)),
		item(1, plain("reserved "+GiB(m.ReservedBytes)+", on the device "+GiB(m.DeviceBytes))),
	}})
}

// stretch names a run of operations: its phase, its block and its layers.
func stretch(o estimator.Operation) string {
	words := strings.ToUpper(o.Phase[:1]) + o.Phase[1:] + ", " + o.Block
	if o.Layer >= 0 {
		words += " " + strconv.FormatInt(o.Layer, 10)
		if o.Layers > 1 {
			words += " to " + strconv.FormatInt(o.Layer+o.Layers-1, 10)
		}
	}
	if micro := o.Times / max(o.Layers, 1); micro > 1 {
		words += ", in each of " + strconv.FormatInt(micro, 10) + " micro-batches"
	}
	return words
}

func operationGrid(list []estimator.Operation, timed bool) Grid {
	g := Grid{Columns: []Column{
		{Title: "module"},
		{Title: "operation", Wrap: true},
		{Title: "makes", Wide: true},
		{Title: "type", Drop: 3},
		{Title: "makes", Right: true},
		{Title: "kept", Right: true},
		{Title: "freed", Right: true, Drop: 2},
		{Title: "GFLOP", Right: true, Drop: 1},
		{Title: "moved", Right: true, Wide: true},
		{Title: "kernels", Right: true, Wide: true},
	}}
	if timed {
		g.Columns = append(g.Columns, Column{Title: "time", Right: true})
	}
	for _, o := range list {
		made, kept := madeBytes(o)
		row := []Span{
			plain(o.Module), plain(o.Name), plain(shapes(o)), text(Faint, o.DType), plain(mebibytes(made)), plain(mebibytes(kept)), plain(mebibytes(o.FreedBytes)),
			plain(orBlank(o.FLOPs/1e9, 2)), plain(mebibytes(int64(o.MovedBytes))), plain(strconv.FormatInt(o.Kernels, 10)),
		}
		if timed {
			row = append(row, plain(Duration(o.Seconds)))
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}

func mebibytes(n int64) string {
	if n > 0 && n < 1<<20/100 {
		return "<0.01"
	}
	return orBlank(float64(n)/(1<<20), 2)
}

// orBlank leaves nothing where there is nothing.
func orBlank(v float64, digits int) string {
	if v == 0 {
		return ""
	}
	return fixed(v, digits)
}

package render

// Doctor is what a bug report needs.
type Doctor struct {
	Program  Record // version and build
	Settings Record // of the environment, without secrets
	Machine  Machine
	Advice   []string // what is missing, and how to get it
}

// Data is the stable JSON form.
func (d Doctor) Data() any {
	advice := append([]string{}, d.Advice...)
	data := d.Machine.Data().(Record)
	return append(data, Field{Key: "program", Value: d.Program}, Field{Key: "environment", Value: d.Settings},
		Field{Key: "tried", Value: d.attempts()}, Field{Key: "advice", Value: advice})
}

func (d Doctor) attempts() []Record {
	records := []Record{}
	for _, t := range d.Machine.Tried {
		records = append(records, Record{{Key: "way", Value: t.Way}, {Key: "outcome", Value: t.Outcome}, {Key: "seconds", Value: t.Seconds}})
	}
	return records
}

// Rows are the ways that were tried.
func (d Doctor) Rows() []Record { return d.attempts() }

// Sections are the program, its surroundings, and the machine.
func (d Doctor) Sections() []Section {
	tried := Grid{Columns: []Column{{Title: "way"}, {Title: "ms", Right: true}, {Title: "outcome", Wrap: true}}}
	for _, t := range d.Machine.Tried {
		tried.Rows = append(tried.Rows, []Span{plain(t.Way), plain(fixed(1000*t.Seconds, 1)), plain(t.Outcome)})
	}
	out := Sheet{Title: "Program", Record: d.Program}.Sections()
	out = append(out, Sheet{Title: "Environment", Record: d.Settings}.Sections()...)
	out = append(out, Section{Title: "How GPUs were looked for", Grids: []Grid{tried}})
	out = append(out, d.Machine.Sections()...)
	if len(d.Advice) > 0 {
		s := Section{Title: "What is missing"}
		for _, a := range d.Advice {
			s.Lines = append(s.Lines, item(1, plain(a)))
		}
		out = append(out, s)
	}
	return out
}

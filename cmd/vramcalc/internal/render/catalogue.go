package render

// Catalogue is a list of records of one kind, such as all models.
type Catalogue struct {
	Key     string // JSON key: "models"
	Records []Record
	// Columns are the keys that the table shows; the other formats show all.
	Columns []Shown
}

// Shown is a column of a catalogue's table.
type Shown struct {
	Key    string
	Column Column
}

// Data is the stable JSON form.
func (c Catalogue) Data() any {
	records := c.Records
	if records == nil {
		records = []Record{}
	}
	return envelope(c.Key, records)
}

// envelope is {"schema_version": …, key: value}.
func envelope(key string, value any) Record {
	return Record{{Key: "schema_version", Value: SchemaVersion}, {Key: key, Value: value}}
}

// Rows are the records.
func (c Catalogue) Rows() []Record { return c.Records }

// Sections are one table.
func (c Catalogue) Sections() []Section {
	g := Grid{}
	for _, s := range c.Columns {
		g.Columns = append(g.Columns, s.Column)
	}
	for _, r := range c.Records {
		row := make([]Span, len(c.Columns))
		for i, s := range c.Columns {
			row[i] = plain(r.field(s.Key).forPeople())
		}
		g.Rows = append(g.Rows, row)
	}
	return []Section{{Grids: []Grid{g}}}
}

// Sheet is one record in full.
type Sheet struct {
	Key    string // JSON key: "model"
	Title  string
	Record Record
}

// Data is the stable JSON form.
func (s Sheet) Data() any { return envelope(s.Key, s.Record) }

// Rows are the record alone.
func (s Sheet) Rows() []Record { return []Record{s.Record} }

// Sections are the facts one below the other; what is not known is not shown.
func (s Sheet) Sections() []Section {
	g := Grid{NoHead: true, Columns: []Column{{Title: "fact"}, {Title: "value", Wrap: true}}}
	for _, f := range s.Record {
		if f.known() {
			g.Rows = append(g.Rows, []Span{text(Faint, f.Label), plain(f.forPeople())})
		}
	}
	return []Section{{Title: s.Title, Grids: []Grid{g}}}
}

func (r Record) field(key string) Field {
	for _, f := range r {
		if f.Key == key {
			return f
		}
	}
	return Field{}
}

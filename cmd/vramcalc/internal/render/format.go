package render

import (
	"fmt"
	"io"

	"github.com/vramcalc/vramcalc/cmd/internal/answer"
)

// SchemaVersion is the version of the JSON and YAML forms of every document.
const SchemaVersion = answer.SchemaVersion

// Format is an output format.
type Format string

// The output formats. Wide is Table with more columns.
const (
	Table    Format = "table"
	Wide     Format = "wide"
	JSON     Format = "json"
	YAML     Format = "yaml"
	CSV      Format = "csv"
	Markdown Format = "markdown"
	HTML     Format = "html"
)

// Formats lists the output formats by name.
func Formats() []string {
	return []string{
		string(Table), string(Wide), string(JSON), string(YAML),
		string(CSV), string(Markdown), string(HTML),
	}
}

// Document is an answer that can be written in every format.
type Document interface {
	// Data is what JSON and YAML show.
	Data() any
	// Rows are what CSV shows: records with the same keys in the same order.
	Rows() []Record
	// Sections are what people read.
	Sections() []Section
}

// Page says what the text is shown on.
type Page struct {
	Width int  // columns; no line is longer
	Color bool // ANSI colours
}

// Write writes d in format f. Page matters to Table and Wide only.
func Write(w io.Writer, f Format, page Page, d Document) error {
	switch f {
	case Table, Wide:
		return writeText(w, page, f == Wide, d.Sections())
	case JSON:
		return writeJSON(w, d.Data())
	case YAML:
		return writeYAML(w, d.Data())
	case CSV:
		return writeCSV(w, d.Rows())
	case Markdown:
		return writeMarkdown(w, d.Sections())
	case HTML:
		return writeHTML(w, d.Sections())
	}
	return fmt.Errorf("unknown output format %q", string(f))
}

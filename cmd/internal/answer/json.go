package answer

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/vramcalc/vramcalc/estimator"
)

// SchemaVersion is the version of the JSON and YAML forms of every document.
const SchemaVersion = 1

// Data is the stable JSON form. A list without entries is [], never null.
func (p Plan) Data() any {
	answers := make([]Answer, len(p.Answers))
	for i, a := range p.Answers {
		a.Assumptions = append([]estimator.Assumption{}, a.Assumptions...)
		a.Findings = append([]estimator.Finding{}, a.Findings...)
		a.Memory.Breakdown = append([]estimator.Category{}, a.Memory.Breakdown...)
		a.Memory.Phases = append([]estimator.Phase{}, a.Memory.Phases...)
		answers[i] = a
	}
	return struct {
		SchemaVersion int       `json:"schema_version"`
		Reports       []Answer  `json:"reports"`
		Refused       []Refusal `json:"refused,omitempty"`
	}{SchemaVersion, answers, p.Refused}
}

// WriteJSON writes a document's data.
func WriteJSON(w io.Writer, data any) error {
	// Encoded in full before anything is written, so that an error (a NaN)
	// leaves no half document behind.
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(data); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

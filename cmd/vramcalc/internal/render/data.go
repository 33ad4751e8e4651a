package render

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"strings"

	"gopkg.in/yaml.v3"
)

// writeJSON writes what a document's data is in JSON.
func writeJSON(w io.Writer, data any) error {
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

// writeYAML writes the same data as the JSON form, in the same order: JSON is
// YAML, so it is read as a YAML tree and written in block style.
func writeYAML(w io.Writer, data any) error {
	var b bytes.Buffer
	if err := writeJSON(&b, data); err != nil {
		return err
	}
	var tree yaml.Node
	if err := yaml.Unmarshal(b.Bytes(), &tree); err != nil {
		return err
	}
	blockStyle(&tree)
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(&tree); err != nil {
		return err
	}
	return enc.Close()
}

// plainScalar says that every YAML reader takes s for a string without quotes:
// words of letters, digits and a few signs, and none that YAML 1.1 (PyYAML)
// takes for a truth value.
func plainScalar(s string) bool {
	switch strings.ToLower(s) {
	case "", "y", "yes", "n", "no", "true", "false", "on", "off", "null":
		return false
	}
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		inner := letter || r >= '0' && r <= '9' || strings.ContainsRune("_./+- ", r)
		if i == 0 && !letter || !inner {
			return false
		}
	}
	return !strings.HasSuffix(s, " ")
}

func blockStyle(n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode, yaml.SequenceNode:
		if len(n.Content) > 0 {
			n.Style = 0
		}
	case yaml.ScalarNode:
		if plainScalar(n.Value) {
			n.Style = 0
		}
	}
	for _, c := range n.Content {
		blockStyle(c)
	}
}

func writeCSV(w io.Writer, rows []Record) error {
	if len(rows) == 0 {
		return nil
	}
	out := csv.NewWriter(w)
	line := make([]string, len(rows[0]))
	for i, f := range rows[0] {
		line[i] = f.Key
	}
	if err := out.Write(line); err != nil {
		return err
	}
	for _, r := range rows {
		line = line[:0]
		for _, f := range r {
			line = append(line, f.exact())
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

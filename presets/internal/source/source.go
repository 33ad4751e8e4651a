// Package source turns the YAML files of presets into the Go tables that the
// program holds, so that no process parses YAML to look up a model or a card.
// Its test writes the tables and holds them in step with the files.
package source

import (
	"bytes"
	"fmt"

	"gopkg.in/yaml.v3"
)

// read decodes a list of entries strictly: an unknown key is an error, which
// names the entry where it can.
func read[E, T any](text []byte, convert func(*E) (id string, value T)) ([]T, error) {
	var nodes []yaml.Node
	if err := yaml.Unmarshal(text, &nodes); err != nil {
		return nil, err
	}
	list := make([]T, 0, len(nodes))
	for i := range nodes {
		entry, err := strict[E](&nodes[i])
		id, value := convert(&entry)
		if err != nil {
			return nil, fmt.Errorf("entry %d, id %q, at line %d: %w", i+1, id, nodes[i].Line, err)
		}
		list = append(list, value)
	}
	return list, nil
}

// strict decodes one node; only a decoder can refuse unknown keys.
func strict[E any](n *yaml.Node) (entry E, err error) {
	text, err := yaml.Marshal(n)
	if err != nil {
		return entry, err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	err = d.Decode(&entry)
	return entry, err
}

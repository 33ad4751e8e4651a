// Package requestfile reads and writes request files: YAML mappings whose keys
// are the names of the command line's flags.
package requestfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"
)

// MaxBytes bounds a request file.
const MaxBytes = 1 << 20

// Entry is one key with its value, as the flag takes it: lists are joined by
// commas.
type Entry struct {
	Key, Value string
	Line       int // from 1; 0 in files to be written
}

// Read reads a request file. Errors begin with its name and, where it is
// known, the line.
func Read(name string, r io.Reader) ([]Entry, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(text) > MaxBytes:
		return nil, fmt.Errorf("%s: larger than the %d bytes that are read", name, MaxBytes)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil // nothing said
	case err != nil:
		return nil, fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: more than one YAML document", name)
	}
	return entries(name, doc.Content[0])
}

func entries(name string, n *yaml.Node) ([]Entry, error) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil, nil
	}
	if n.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: want lines such as \"model: llama-7b\"", name, n.Line)
	}
	var list []Entry
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if at, again := seen[key.Value]; again {
			return nil, fmt.Errorf("%s:%d: %s stands in line %d already", name, key.Line, key.Value, at)
		}
		seen[key.Value] = key.Line
		text, err := flagValue(value)
		if err != nil || key.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("%s:%d: %s: want a word, a number or a list of them", name, value.Line, key.Value)
		}
		list = append(list, Entry{key.Value, text, key.Line})
	}
	return list, nil
}

var errNested = errors.New("nested")

// flagValue is a value as a flag takes it.
func flagValue(n *yaml.Node) (string, error) {
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return "", errNested
		}
		return n.Value, nil
	case yaml.SequenceNode:
		var words []string
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode || item.Tag == "!!null" {
				return "", errNested
			}
			words = append(words, item.Value)
		}
		return strings.Join(words, ","), nil
	}
	return "", errNested
}

// Write is the text of a request file, after a comment.
func Write(comment string, list []Entry) ([]byte, error) {
	root := &yaml.Node{Kind: yaml.MappingNode, HeadComment: comment}
	for _, e := range list {
		root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: e.Key}, &yaml.Node{Kind: yaml.ScalarNode, Value: e.Value})
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	if err := enc.Encode(root); err != nil {
		return nil, err
	}
	return b.Bytes(), enc.Close()
}

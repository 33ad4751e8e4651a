package hfconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxBytes is the longest config.json that is read; published ones stay far
// below (their longest parts are label maps).
const MaxBytes = 4 << 20

// maxDepth is how deep objects and lists may nest.
const maxDepth = 32

// object is a JSON object whose numbers are kept as written.
type object map[string]any

// readObject parses one JSON object. Unlike encoding/json it refuses a key
// that stands twice, and like Python it accepts NaN and Infinity, as text, so
// that only a field which needs a number complains about them.
func readObject(r io.Reader) (object, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("longer than %d bytes: not a config.json", MaxBytes)
	}
	d := json.NewDecoder(bytes.NewReader(quoteNonNumbers(data)))
	d.UseNumber()
	v, err := readValue(d, maxDepth)
	if err != nil {
		return nil, notJSON(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not JSON: more text after the object")
	}
	obj, ok := v.(object)
	if !ok {
		return nil, errors.New("want a JSON object")
	}
	return obj, nil
}

func notJSON(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("not JSON: the text ends too early")
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("not JSON: %w", err)
	}
	return err
}

func readValue(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if depth == 0 {
		return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	if delim == '[' {
		return readList(d, depth-1)
	}
	return readMembers(d, depth-1)
}

func readList(d *json.Decoder, depth int) ([]any, error) {
	list := []any{}
	for d.More() {
		v, err := readValue(d, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.Token()
	return list, err
}

func readMembers(d *json.Decoder, depth int) (object, error) {
	obj := object{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		key, _ := t.(string)
		if _, twice := obj[key]; twice {
			return nil, fmt.Errorf("%s: stands twice", key)
		}
		if obj[key], err = readValue(d, depth); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return obj, err
}

// quoteNonNumbers puts Python's NaN, Infinity and -Infinity, outside of
// strings, into quotes.
func quoteNonNumbers(data []byte) []byte {
	if !bytes.Contains(data, []byte("NaN")) && !bytes.Contains(data, []byte("Infinity")) {
		return data
	}
	var out strings.Builder
	inString := false
	for i := 0; i < len(data); i++ {
		if !inString {
			if word := nonNumber(data[i:]); word != "" {
				out.WriteString(`"` + word + `"`)
				i += len(word) - 1
				continue
			}
		}
		switch {
		case data[i] == '"':
			inString = !inString
		case inString && data[i] == '\\' && i+1 < len(data):
			out.WriteByte(data[i])
			i++
		}
		out.WriteByte(data[i])
	}
	return []byte(out.String())
}

func nonNumber(data []byte) string {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(data, []byte(word)) {
			return word
		}
	}
	return ""
}

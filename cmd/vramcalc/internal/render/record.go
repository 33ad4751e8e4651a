package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Record is one thing as ordered facts: an object in JSON, a row in CSV.
type Record []Field

// Field is one fact. Its value is a string, bool, int, int64, float64,
// []string or Record; nil is "not known" and left out of JSON.
type Field struct {
	Key   string // with its unit: "bandwidth_bytes_per_second"
	Label string // for people
	Value any
	Text  string // Value for people; empty: Value as it is
}

// MarshalJSON keeps the order of the fields and leaves out what is not known.
func (r Record) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, f := range r {
		if f.Value == nil {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		if err := encodeInto(&b, f.Key); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := encodeInto(&b, f.Value); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Key, err)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// encodeInto appends the JSON of v, without HTML escapes and newline.
func encodeInto(b *bytes.Buffer, v any) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1)
	return nil
}

// known says whether the field has a value.
func (f Field) known() bool { return f.Value != nil }

// forPeople is the field's value in words.
func (f Field) forPeople() string {
	if f.Text != "" || f.Value == nil {
		return f.Text
	}
	switch v := f.Value.(type) {
	case []string:
		return strings.Join(v, ", ")
	case bool:
		if v {
			return "yes"
		}
		return "no"
	}
	return f.exact()
}

// exact is the field's value unrounded, for CSV.
func (f Field) exact() string {
	switch v := f.Value.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []string:
		return strings.Join(v, " ")
	case Record:
		parts := make([]string, 0, len(v))
		for _, f := range v {
			parts = append(parts, f.Key+"="+f.exact())
		}
		return strings.Join(parts, " ")
	}
	return fmt.Sprint(f.Value)
}

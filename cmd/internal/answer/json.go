package answer

import (
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

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

// WriteJSON writes data as encoding/json does, indented by two spaces and
// without HTML escapes, for what answers consist of: structs (embedded ones
// too), pointers, slices, arrays, words and numbers. It is
// there because encoding/json would be a tenth of what the web page loads. What
// cannot be written (a NaN, another kind) is an error, and then nothing is.
func WriteJSON(w io.Writer, data any) error {
	var e encoder
	if err := e.value(reflect.ValueOf(data), "\n"); err != nil {
		return err
	}
	_, err := w.Write(append(e.out, '\n'))
	return err
}

// encoder appends JSON.
type encoder struct{ out []byte }

// value appends v; newline is a line break with the indent of where v stands.
func (e *encoder) value(v reflect.Value, newline string) error {
	switch v.Kind() {
	case reflect.Invalid:
		e.out = append(e.out, "null"...)
	case reflect.Pointer, reflect.Interface:
		return e.value(v.Elem(), newline)
	case reflect.Bool:
		e.out = strconv.AppendBool(e.out, v.Bool())
	case reflect.Int, reflect.Int64:
		e.out = strconv.AppendInt(e.out, v.Int(), 10)
	case reflect.Float64:
		return e.float(v.Float())
	case reflect.String:
		e.word(v.String())
	case reflect.Slice, reflect.Array:
		return e.list(v, newline)
	case reflect.Struct:
		return e.object(v, newline)
	default:
		return fmt.Errorf("json: unsupported type %s", v.Type())
	}
	return nil
}

// float writes what ECMAScript writes, as encoding/json does.
func (e *encoder) float(x float64) error {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return fmt.Errorf("json: unsupported value: %v", x)
	}
	format := byte('f')
	if a := math.Abs(x); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	s := strconv.FormatFloat(x, format, -1, 64)
	e.out = append(e.out, strings.Replace(s, "e-0", "e-", 1)...)
	return nil
}

func (e *encoder) word(s string) {
	const hex = "0123456789abcdef"
	e.out = append(e.out, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			e.out = append(e.out, '\\', byte(r))
		case r == '\n':
			e.out = append(e.out, `\n`...)
		case r == '\r':
			e.out = append(e.out, `\r`...)
		case r == '\t':
			e.out = append(e.out, `\t`...)
		case r == '\b':
			e.out = append(e.out, `\b`...)
		case r == '\f':
			e.out = append(e.out, `\f`...)
		case r < ' ' || r == '\u2028' || r == '\u2029' || r == utf8.RuneError:
			e.out = append(e.out, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			e.out = utf8.AppendRune(e.out, r)
		}
	}
	e.out = append(e.out, '"')
}

func (e *encoder) list(v reflect.Value, newline string) error {
	if v.Kind() == reflect.Slice && v.IsNil() {
		e.out = append(e.out, "null"...)
		return nil
	}
	return e.between('[', ']', newline, func(inner string) error {
		for i := range v.Len() {
			e.next(i > 0, inner)
			if err := e.value(v.Index(i), inner); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *encoder) object(v reflect.Value, newline string) error {
	return e.between('{', '}', newline, func(inner string) error {
		count := 0
		return e.fields(v, inner, &count)
	})
}

// fields writes the fields of a struct; an embedded one's stand among them.
func (e *encoder) fields(v reflect.Value, inner string, count *int) error {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			if err := e.fields(v.Field(i), inner, count); err != nil {
				return err
			}
			continue
		}
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || option == "omitempty" && empty(v.Field(i)) {
			continue
		}
		if name == "" {
			name = f.Name
		}
		e.next(*count > 0, inner)
		*count++
		e.key(name)
		if err := e.value(v.Field(i), inner); err != nil {
			return err
		}
	}
	return nil
}

// empty says whether omitempty leaves the field out.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

func (e *encoder) between(open, end byte, newline string, inside func(inner string) error) error {
	e.out = append(e.out, open)
	before := len(e.out)
	if err := inside(newline + "  "); err != nil {
		return err
	}
	if len(e.out) > before {
		e.out = append(e.out, newline...)
	}
	e.out = append(e.out, end)
	return nil
}

// next begins an element on its own line.
func (e *encoder) next(comma bool, inner string) {
	if comma {
		e.out = append(e.out, ',')
	}
	e.out = append(e.out, inner...)
}

func (e *encoder) key(name string) {
	e.word(name)
	e.out = append(e.out, ':', ' ')
}

package hfconfig

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// fields reads typed values out of an object and collects everything that is
// wrong with them. A null is as good as absent, as in Python.
type fields struct {
	object
	prefix string // of names in errors: "attn_config."
	errs   *[]error
}

func newFields(o object) fields { return fields{object: o, errs: new([]error)} }

func (f fields) fail(err error)                  { *f.errs = append(*f.errs, err) }
func (f fields) bad(key string, v any, w string) { f.fail(&FieldError{f.prefix + key, shorten(v), w}) }
func (f fields) err() error                      { return errors.Join(*f.errs...) }

// lookUp returns the first of the alternative keys, "a|b", that has a value.
func (f fields) lookUp(keys string) (key string, v any) {
	for key = range strings.SplitSeq(keys, "|") {
		if v := f.object[key]; v != nil {
			return key, v
		}
	}
	first, _, _ := strings.Cut(keys, "|")
	return first, nil
}

// has reports whether one of the keys is written down, be it as null.
func (f fields) has(keys string) bool {
	for key := range strings.SplitSeq(keys, "|") {
		if _, ok := f.object[key]; ok {
			return true
		}
	}
	return false
}

// required as a default makes a size mandatory.
const required = -1

// size returns a whole number in [1, limit].
func (f fields) size(keys string, fallback, limit int64) int64 {
	key, v := f.lookUp(keys)
	if v == nil {
		if fallback == required {
			f.fail(&FieldError{Field: f.prefix + key, Want: wantSize(limit)})
		}
		return fallback
	}
	n, ok := whole(v)
	if !ok || n < 1 || n > limit {
		f.bad(key, v, wantSize(limit))
		return 1
	}
	return n
}

func wantSize(limit int64) string { return fmt.Sprintf("a whole number from 1 to %d", limit) }

// whole reads a JSON number without a fraction.
func whole(v any) (int64, bool) {
	num, ok := v.(number)
	if !ok {
		return 0, false
	}
	if n, err := strconv.ParseInt(string(num), 10, 64); err == nil {
		return n, true
	}
	x, err := num.float()
	if err != nil || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		return 0, false
	}
	return int64(x), true
}

func (f fields) flag(keys string, fallback bool) bool {
	key, v := f.lookUp(keys)
	if v == nil {
		return fallback
	}
	b, ok := v.(bool)
	if !ok {
		f.bad(key, v, "true or false")
	}
	return b
}

func (f fields) text(keys, fallback string) string {
	key, v := f.lookUp(keys)
	if v == nil {
		return fallback
	}
	s, ok := v.(string)
	if !ok {
		f.bad(key, v, "text")
	}
	return s
}

// fraction returns a number in [0, 1].
func (f fields) fraction(keys string, fallback float64) float64 {
	return f.number(keys, fallback, 1)
}

// number returns a number in [0, limit].
func (f fields) number(keys string, fallback, limit float64) float64 {
	key, v := f.lookUp(keys)
	if v == nil {
		return fallback
	}
	num, ok := v.(number)
	x, err := num.float()
	if !ok || err != nil || !(x >= 0 && x <= limit) {
		f.bad(key, v, fmt.Sprintf("a number from 0 to %g", limit))
		return fallback
	}
	return x
}

// sub returns the fields of a nested object; of an empty one where it is absent.
func (f fields) sub(key string) fields {
	v := f.object[key]
	inner, ok := v.(object)
	if v != nil && !ok {
		f.bad(key, v, "an object")
	}
	return fields{object: inner, prefix: f.prefix + key + ".", errs: f.errs}
}

// list returns a list; nil where it is absent.
func (f fields) list(keys string) []any {
	key, v := f.lookUp(keys)
	list, ok := v.([]any)
	if v != nil && !ok {
		f.bad(key, v, "a list")
	}
	return list
}

// shorten writes a value for an error message.
func shorten(v any) string {
	const most = 60
	out := write(v)
	if len(out) > most {
		return strings.ToValidUTF8(out[:most], "") + "…"
	}
	return out
}

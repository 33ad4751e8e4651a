package hfconfig

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/vramcalc/vramcalc/estimator/order"
)

// MaxBytes is the longest config.json that is read; published ones stay far
// below (their longest parts are label maps).
const MaxBytes = 4 << 20

// maxDepth is how deep objects and lists may nest.
const maxDepth = 32

// object is a JSON object. Its values are string, bool, nil, number, []any
// and object.
type object map[string]any

// number is a JSON number as it was written.
type number string

func (n number) float() (float64, error) { return strconv.ParseFloat(string(n), 64) }

// readObject parses one JSON object. Unlike encoding/json, which would be a
// large part of the program in a web page, it refuses a key that stands twice,
// and like Python it accepts NaN and Infinity, as text, so that only a field
// which needs a number complains about them.
func readObject(r io.Reader) (object, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("longer than %d bytes: not a config.json", MaxBytes)
	}
	p := parser{text: string(data)}
	v, err := p.value(maxDepth)
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(p.text) {
		return nil, errors.New("not JSON: more text after the object")
	}
	obj, ok := v.(object)
	if !ok {
		return nil, errors.New("want a JSON object")
	}
	return obj, nil
}

// parser reads text from a place on.
type parser struct {
	text string
	at   int
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// skip passes a sign that may follow after space.
func (p *parser) skip(sign byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == sign {
		p.at++
		return true
	}
	return false
}

func (p *parser) wrong(want string) error {
	if p.at >= len(p.text) {
		return errors.New("not JSON: the text ends too early")
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return fmt.Errorf("not JSON: %q at byte %d, want %s", r, p.at, want)
}

func (p *parser) value(depth int) (any, error) {
	p.space()
	for _, word := range []struct {
		text  string
		value any
	}{{"true", true}, {"false", false}, {"null", nil}, {"NaN", "NaN"}, {"Infinity", "Infinity"}, {"-Infinity", "-Infinity"}} {
		if strings.HasPrefix(p.text[p.at:], word.text) {
			p.at += len(word.text)
			return word.value, nil
		}
	}
	if p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			return p.string()
		case (c == '[' || c == '{') && depth == 0:
			return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
		case c == '[':
			return p.list(depth - 1)
		case c == '{':
			return p.members(depth - 1)
		}
	}
	return p.number()
}

// number reads what JSON's grammar allows.
func (p *parser) number() (any, error) {
	start := p.at
	p.one("-")
	if !p.one("0") && !p.digits() {
		return nil, p.wrong("a value")
	}
	if p.one(".") && !p.digits() {
		return nil, p.wrong("a digit")
	}
	if p.one("eE") {
		p.one("+-")
		if !p.digits() {
			return nil, p.wrong("a digit")
		}
	}
	return number(p.text[start:p.at]), nil
}

// one passes one of the signs.
func (p *parser) one(signs string) bool {
	if p.at < len(p.text) && strings.IndexByte(signs, p.text[p.at]) >= 0 {
		p.at++
		return true
	}
	return false
}

func (p *parser) digits() bool {
	start := p.at
	for p.one("0123456789") {
	}
	return p.at > start
}

func (p *parser) list(depth int) (any, error) {
	p.at++
	list := []any{}
	if p.skip(']') {
		return list, nil
	}
	for {
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if p.skip(']') {
			return list, nil
		}
		if !p.skip(',') {
			return nil, p.wrong("a comma or ]")
		}
	}
}

func (p *parser) members(depth int) (any, error) {
	p.at++
	obj := object{}
	if p.skip('}') {
		return obj, nil
	}
	for {
		p.space()
		key, err := p.string()
		if err != nil {
			return nil, err
		}
		if _, twice := obj[key]; twice {
			return nil, fmt.Errorf("%s: stands twice", key)
		}
		if !p.skip(':') {
			return nil, p.wrong("a colon")
		}
		if obj[key], err = p.value(depth); err != nil {
			return nil, err
		}
		if p.skip('}') {
			return obj, nil
		}
		if !p.skip(',') {
			return nil, p.wrong("a comma or }")
		}
	}
}

// string reads text in quotes; bytes that are no UTF-8 become U+FFFD.
func (p *parser) string() (string, error) {
	if !p.one(`"`) {
		return "", p.wrong("a quote")
	}
	var b strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == '"':
			p.at++
			return strings.ToValidUTF8(b.String(), "\ufffd"), nil
		case c < ' ':
			return "", p.wrong("no control character in a string")
		case c == '\\':
			p.at++
			if err := p.escape(&b); err != nil {
				return "", err
			}
			continue
		}
		b.WriteByte(c)
		p.at++
	}
	return "", p.wrong("a quote")
}

// escapes are the letters after a backslash, and what they stand for.
var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (p *parser) escape(b *strings.Builder) error {
	if p.at < len(p.text) {
		if c, ok := escapes[p.text[p.at]]; ok {
			b.WriteByte(c)
			p.at++
			return nil
		}
	}
	first, err := p.unit()
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(first) && strings.HasPrefix(p.text[p.at:], `\u`) {
		before := p.at
		p.at++
		second, err := p.unit()
		if err != nil {
			return err
		}
		if pair := utf16.DecodeRune(first, second); pair != utf8.RuneError {
			b.WriteRune(pair)
			return nil
		}
		p.at = before
	}
	b.WriteRune(first) // half a pair becomes U+FFFD
	return nil
}

// unit reads "u" and four hexadecimal digits.
func (p *parser) unit() (rune, error) {
	if !p.one("u") {
		return 0, p.wrong("an escape")
	}
	if p.at+4 > len(p.text) {
		p.at = len(p.text)
		return 0, p.wrong("four digits")
	}
	n, err := strconv.ParseUint(p.text[p.at:p.at+4], 16, 16)
	if err != nil {
		return 0, p.wrong("four hexadecimal digits")
	}
	p.at += 4
	return rune(n), nil
}

// write writes a value on one line, for messages.
func write(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return strconv.Quote(v)
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = write(v[i])
		}
		return "[" + strings.Join(parts, ",") + "]"
	case object:
		parts := []string{}
		for _, k := range order.Keys(v) {
			parts = append(parts, strconv.Quote(k)+":"+write(v[k]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return fmt.Sprint(v)
}

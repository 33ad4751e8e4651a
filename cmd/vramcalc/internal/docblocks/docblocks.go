// Package docblocks finds and refreshes the blocks of a document that a
// command fills. A block stands between two comments, each on a line of its
// own:
//
//	<!-- vramcalc:begin COMMAND -->
//	<!-- vramcalc:end sha256=CHECKSUM -->
//
// AsciiDoc writes the markers after "//", reStructuredText after "..". The
// checksum is of the lines between, so that edits by hand are caught.
package docblocks

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// MaxBytes is the largest document that is read: 50 MB (10⁶ bytes).
const MaxBytes = 50_000_000

// checksumBytes of the SHA-256 stand in the marker: enough to catch an edit.
const checksumBytes = 8

// Error is something wrong with a document, with its line from 1.
type Error struct {
	File    string
	Line    int
	Problem string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Problem) }

var errEdited = errors.New("the block was edited by hand: --force replaces it")

// validPrefix is how many bytes of doc are UTF-8.
func validPrefix(doc []byte) int {
	n := 0
	for n < len(doc) {
		r, size := utf8.DecodeRune(doc[n:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		n += size
	}
	return n
}

// Kind is a kind of document.
type Kind int

// The kinds of documents, by the end of their names.
const (
	Markdown Kind = iota
	HTML
	AsciiDoc
	ReST
)

// KindOf is the kind of a document: Markdown, unless its name says another.
func KindOf(file string) Kind {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".html", ".htm":
		return HTML
	case ".adoc", ".asciidoc":
		return AsciiDoc
	case ".rst":
		return ReST
	}
	return Markdown
}

// fenced follows the fences of Markdown: the one that is open after a line
// (CommonMark 0.31, 4.5). It closes with at least as many signs and nothing
// behind them; signs with more of them on their line are code in a text.
func fenced(open, l string) string {
	s := strings.TrimSpace(l)
	if s == "" || s[0] != '`' && s[0] != '~' {
		return open
	}
	rest := strings.TrimLeft(s, s[:1])
	signs := s[:len(s)-len(rest)]
	switch {
	case open == "" && len(signs) >= 3 && (s[0] == '~' || !strings.Contains(rest, "`")):
		return signs
	case open != "" && strings.HasPrefix(signs, open) && rest == "":
		return ""
	}
	return open
}

// open is a block whose end has not come yet.
type open struct {
	line          int
	command       string
	before, after string // the comment's signs around a marker
	content       strings.Builder
}

// Refresh gives the document with what run writes for each command between
// its markers; all else stays, byte by byte. A block that was edited by hand
// is an error, unless force is set. Markers in a fenced piece of Markdown are
// text like any other.
func Refresh(file string, doc []byte, force bool, run func(command string) (string, error)) ([]byte, error) {
	switch {
	case len(doc) > MaxBytes:
		return nil, &Error{file, 1, fmt.Sprintf("%d bytes: larger than the %d that are read", len(doc), MaxBytes)}
	case !utf8.Valid(doc):
		return nil, &Error{file, 1 + bytes.Count(doc[:validPrefix(doc)], []byte("\n")), "not UTF-8"}
	}
	var out bytes.Buffer
	var block *open
	n, fence := 0, ""
	for l := range strings.Lines(string(doc)) {
		n++
		before, word, rest, after, marker := parse(l)
		if block == nil && KindOf(file) == Markdown {
			fence = fenced(fence, l)
		}
		switch {
		case block == nil && (!marker || fence != ""):
			out.WriteString(l)
		case !marker:
			block.content.WriteString(l)
		case word != "begin" && word != "end":
			return nil, &Error{file, n, fmt.Sprintf("%q is no marker: want vramcalc:begin or vramcalc:end", "vramcalc:"+word)}
		case word == "begin" && block != nil:
			return nil, &Error{file, n, fmt.Sprintf("a block begins inside the one of line %d", block.line)}
		case word == "begin" && rest == "":
			return nil, &Error{file, n, "the begin marker names no command"}
		case word == "begin":
			block = &open{line: n, command: rest, before: before, after: after}
			out.WriteString(l)
		case block == nil:
			return nil, &Error{file, n, "an end marker without its begin"}
		default:
			if err := block.close(&out, l, rest, force, run); err != nil {
				return nil, &Error{file, block.line, err.Error()}
			}
			block = nil
		}
	}
	if block != nil {
		return nil, &Error{file, block.line, "a block without its end marker"}
	}
	return out.Bytes(), nil
}

// close writes the content and the end marker, in the document's line ending.
func (b *open) close(out *bytes.Buffer, l, old string, force bool, run func(string) (string, error)) error {
	if sum, ok := strings.CutPrefix(old, "sha256="); ok && !force && sum != checksum(b.content.String()) {
		return errEdited
	}
	text, err := run(b.command)
	if err != nil {
		return fmt.Errorf("%s: %w", b.command, err)
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	for line := range strings.Lines(text) {
		if _, _, _, _, marker := parse(line); marker {
			return fmt.Errorf("%s: its output holds a marker", b.command)
		}
	}
	end := l[len(strings.TrimRight(l, "\r\n")):]
	if strings.HasSuffix(end, "\r\n") {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
	}
	out.WriteString(text + b.before + "vramcalc:end sha256=" + checksum(text) + b.after + end)
	return nil
}

// checksum is of the text whatever its line endings.
func checksum(text string) string {
	sum := sha256.Sum256([]byte(strings.ReplaceAll(text, "\r\n", "\n")))
	return hex.EncodeToString(sum[:checksumBytes])
}

// parse parts a marker line into the comment's signs, the word behind
// "vramcalc:", and what follows.
func parse(l string) (before, word, rest, after string, ok bool) {
	s := strings.TrimSpace(strings.TrimPrefix(l, "\ufeff"))
	for _, c := range [][2]string{{"<!-- ", " -->"}, {"// ", ""}, {".. ", ""}} {
		inner, begins := strings.CutPrefix(s, strings.TrimSpace(c[0]))
		inner, ends := strings.CutSuffix(inner, strings.TrimSpace(c[1]))
		name, has := strings.CutPrefix(strings.TrimSpace(inner), "vramcalc:")
		if begins && ends && has {
			word, rest, _ = strings.Cut(name, " ")
			return c[0], word, strings.TrimSpace(rest), c[1], true
		}
	}
	return "", "", "", "", false
}

package render

import (
	"bytes"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// writeText writes sections for a terminal of the page's width.
func writeText(w io.Writer, page Page, wide bool, sections []Section) error {
	var b bytes.Buffer
	first := true
	for _, s := range sections {
		if s.Wide && !wide {
			continue
		}
		if !first {
			b.WriteByte('\n')
		}
		first = false
		textSection(&b, page, wide, s)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func textSection(b *bytes.Buffer, page Page, wide bool, s Section) {
	if s.Title != "" {
		for _, l := range wrap(s.Title, page.Width) {
			b.WriteString(page.paint(Strong, l) + "\n")
		}
	}
	for _, l := range s.Lines {
		textLine(b, page, l)
	}
	for i := range s.Grids {
		if i > 0 {
			b.WriteByte('\n')
		}
		textGrid(b, page, wide, &s.Grids[i])
	}
	if s.Plot != nil {
		s.Plot.writeText(b, page)
	}
}

// textLine writes a line of prose, wrapped at the width, or with its bar over
// what the words leave.
func textLine(b *bytes.Buffer, page Page, l Line) {
	indent := strings.Repeat("  ", l.Indent)
	room := page.Width - len(indent)
	words := 0
	for _, s := range l.Spans {
		if s.Bar == nil {
			words += width(s.Text)
		}
	}
	if words <= room {
		b.WriteString(indent)
		for _, s := range l.Spans {
			if s.Bar != nil {
				s.Text = s.Bar.Draw(min(room-words, 60))
			}
			b.WriteString(page.paint(s.Tone, s.Text))
		}
		b.WriteByte('\n')
		return
	}
	for i, part := range wrapSpans(l.Spans, room, 2) {
		b.WriteString(indent)
		if i > 0 {
			b.WriteString("  ")
		}
		for _, s := range part {
			b.WriteString(page.paint(s.Tone, s.Text))
		}
		b.WriteByte('\n')
	}
}

// wrapSpans breaks spans into lines of at most room columns, those after the
// first hang columns less; each word keeps its tone.
func wrapSpans(spans []Span, room, hang int) [][]Span {
	var lines [][]Span
	var current []Span
	used := 0
	for _, s := range spans {
		if s.Bar != nil {
			continue
		}
		for _, word := range strings.SplitAfter(s.Text, " ") {
			limit := room
			if len(lines) > 0 {
				limit -= hang
			}
			if used > 0 && used+width(strings.TrimRight(word, " ")) > limit {
				lines, current, used = append(lines, trimSpans(current)), nil, 0
				limit = room - hang
			}
			word = cut(word, limit)
			if n := len(current); n > 0 && current[n-1].Tone == s.Tone {
				current[n-1].Text += word
			} else {
				current = append(current, Span{Text: word, Tone: s.Tone})
			}
			used += width(word)
		}
	}
	return append(lines, trimSpans(current))
}

// trimSpans takes the space off the end of a line.
func trimSpans(spans []Span) []Span {
	if n := len(spans); n > 0 {
		spans[n-1].Text = strings.TrimRight(spans[n-1].Text, " ")
	}
	return spans
}

// wrap breaks s at spaces into lines of at most limit columns and cuts words
// that are longer.
func wrap(s string, limit int) []string {
	var lines []string
	for _, paragraph := range strings.Split(s, "\n") {
		current := ""
		for _, word := range strings.Fields(paragraph) {
			switch {
			case current == "":
				current = cut(word, limit)
			case width(current)+1+width(word) <= limit:
				current += " " + word
			default:
				lines = append(lines, current)
				current = cut(word, limit)
			}
		}
		lines = append(lines, current)
	}
	return lines
}

// cut shortens s to limit columns, with an ellipsis where something is lost.
func cut(s string, limit int) string {
	if width(s) <= limit {
		return s
	}
	out := []rune{}
	used := 0
	for _, r := range s {
		used += width(string(r))
		if used > limit-1 {
			break
		}
		out = append(out, r)
	}
	return string(out) + "…"
}

// width is the number of terminal columns that s takes.
func width(s string) int {
	for i := range len(s) {
		if s[i] >= 0x80 || s[i] == 0x1b {
			return twwidth.Width(s)
		}
	}
	return len(s)
}

// eighths are the left parts of a cell, from one eighth to seven.
var eighths = [...]string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}

// Draw draws a bar over n columns.
func (bar Bar) Draw(n int) string {
	if n <= 0 {
		return ""
	}
	filled := int(8*float64(n)*min(1, max(0, bar.Fraction)) + 0.5)
	out := strings.Repeat("█", filled/8) + eighths[filled%8]
	if bar.Track {
		out += strings.Repeat("░", n-(filled+7)/8)
	}
	return out
}

// sgr are the ANSI attributes of the tones: basic ones only, which every
// terminal theme keeps readable on its own background.
var sgr = map[Tone]string{Strong: "1", Faint: "2", Good: "32", Doubt: "33", Bad: "31"}

// paint colours s, where the page has colour.
func (p Page) paint(t Tone, s string) string {
	code := sgr[t]
	if !p.Color || code == "" || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

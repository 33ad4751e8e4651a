package render

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"strings"
)

// htmlHead begins a page that needs nothing else and follows the reader's
// light or dark setting.
const htmlHead = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p, .item { margin: .25rem 0; }
table { border-collapse: collapse; margin: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; white-space: pre; font-variant-numeric: tabular-nums; }
th { font-weight: 600; border-bottom: 1px solid; }
td.wrap { white-space: pre-line; min-width: 12rem; }
.scroll { overflow-x: auto; }
b { font-weight: 600; }
.good { color: light-dark(#116329, #4ac26b); }
.doubt { color: light-dark(#7d4e00, #d4a72c); }
.bad { color: light-dark(#a40e26, #ff7b72); }
meter { width: 12rem; }
</style>
</head>
<body>
`

func writeHTML(w io.Writer, sections []Section) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, htmlHead, html.EscapeString(htmlTitle(sections)))
	for _, s := range sections {
		if s.Title != "" {
			b.WriteString("<h2>" + html.EscapeString(s.Title) + "</h2>\n")
		}
		for _, l := range s.Lines {
			htmlLine(&b, l)
		}
		for i := range s.Grids {
			htmlGrid(&b, &s.Grids[i])
		}
		if s.Plot != nil {
			b.WriteString(s.Plot.svg(false))
		}
	}
	b.WriteString("</body>\n</html>\n")
	_, err := w.Write(b.Bytes())
	return err
}

// htmlTitle is the first thing that the document says.
func htmlTitle(sections []Section) string {
	title := "vramcalc"
	for _, s := range sections {
		if s.Title != "" {
			return title + ": " + s.Title
		}
		for _, l := range s.Lines {
			var words strings.Builder
			for _, span := range l.Spans {
				words.WriteString(span.Text)
			}
			return title + ": " + words.String()
		}
	}
	return title
}

func htmlLine(b *bytes.Buffer, l Line) {
	if l.Indent > 0 {
		fmt.Fprintf(b, `<div class="item" style="padding-left:%dem">`, l.Indent)
	} else {
		b.WriteString("<p>")
	}
	for _, s := range l.Spans {
		b.WriteString(htmlSpan(s))
	}
	if l.Indent > 0 {
		b.WriteString("</div>\n")
	} else {
		b.WriteString("</p>\n")
	}
}

func htmlGrid(b *bytes.Buffer, g *Grid) {
	b.WriteString("<div class=\"scroll\"><table>\n")
	if !g.NoHead {
		b.WriteString("<thead><tr>")
		for _, c := range g.Columns {
			b.WriteString("<th" + htmlAlign(c) + ">" + html.EscapeString(c.Title) + "</th>")
		}
		b.WriteString("</tr></thead>\n")
	}
	b.WriteString("<tbody>\n")
	for _, row := range g.Rows {
		b.WriteString("<tr>")
		for i, s := range row {
			s.Text = htmlBlanks(s.Text)
			b.WriteString("<td" + htmlAlign(g.Columns[i]) + ">" + htmlSpan(s) + "</td>")
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</tbody>\n</table></div>\n")
}

// htmlAlign stands in the cell itself: a document that the table is put into
// has no style sheet of ours.
func htmlAlign(c Column) string {
	switch {
	case c.Right:
		return ` style="text-align:right"`
	case c.Wrap:
		return ` class="wrap"`
	}
	return ""
}

var htmlClass = map[Tone]string{Good: ` class="good"`, Doubt: ` class="doubt"`, Bad: ` class="bad"`}

func htmlSpan(s Span) string {
	if s.Bar != nil {
		v := min(1, max(0, s.Bar.Fraction))
		return fmt.Sprintf(`<meter value="%.4f">%s</meter>`, v, percent(v))
	}
	out := html.EscapeString(s.Text)
	if out == "" || s.Tone == Plain || s.Tone == Faint {
		return out
	}
	return "<b" + htmlClass[s.Tone] + ">" + out + "</b>"
}

// htmlBlanks keeps the blanks that align numbers, as wide as digits: HTML
// would make one of them.
func htmlBlanks(s string) string {
	if !strings.HasPrefix(s, " ") && !strings.Contains(s, "  ") {
		return s
	}
	const digitWide = '\u2007'
	var b strings.Builder
	before := ' '
	for _, r := range s {
		if r == ' ' && before == ' ' {
			b.WriteRune(digitWide)
		} else {
			b.WriteRune(r)
		}
		before = r
	}
	return b.String()
}

package render

import (
	"bytes"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// markdownBar is the width of a bar in Markdown, in characters.
const markdownBar = 20

func writeMarkdown(w io.Writer, sections []Section) error {
	var b bytes.Buffer
	for i, s := range sections {
		if i > 0 {
			b.WriteByte('\n')
		}
		if s.Title != "" {
			b.WriteString("### " + escapeMarkdown(s.Title) + "\n\n")
		}
		markdownLines(&b, s.Lines)
		for j := range s.Grids {
			if j > 0 || len(s.Lines) > 0 {
				b.WriteByte('\n')
			}
			if err := MarkdownGrid(&b, s.Grids[j]); err != nil {
				return err
			}
		}
		if s.Plot != nil {
			b.WriteString("```text\n")
			s.Plot.writeText(&b, Page{Width: 80})
			b.WriteString("```\n")
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

func markdownLines(b *bytes.Buffer, lines []Line) {
	for i, l := range lines {
		if i > 0 && (l.Indent == 0 || lines[i-1].Indent == 0) {
			b.WriteByte('\n')
		}
		if l.Indent > 0 {
			b.WriteString(strings.Repeat("  ", l.Indent-1) + "- ")
		}
		for _, s := range l.Spans {
			b.WriteString(markdownSpan(s))
		}
		b.WriteByte('\n')
	}
}

func markdownSpan(s Span) string {
	if s.Bar != nil {
		return s.Bar.Draw(markdownBar)
	}
	out := escapeMarkdown(s.Text)
	inner := strings.TrimSpace(out)
	if inner == "" || s.Tone == Plain || s.Tone == Faint {
		return out
	}
	return strings.Replace(out, inner, "**"+inner+"**", 1)
}

// MarkdownGrid writes one grid as a Markdown table, all columns.
func MarkdownGrid(w io.Writer, g Grid) error {
	align := make([]tw.Align, len(g.Columns))
	head := make([]string, len(g.Columns))
	for i, c := range g.Columns {
		align[i] = tw.AlignLeft
		if c.Right {
			align[i] = tw.AlignRight
		}
		head[i] = escapeMarkdown(c.Title)
	}
	cell := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoWrap: tw.WrapNone, AutoFormat: tw.Off},
		Alignment:  tw.CellAlignment{PerColumn: align},
	}
	t := tablewriter.NewTable(w,
		tablewriter.WithConfig(tablewriter.Config{Header: cell, Row: cell}),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithRenderer(renderer.NewMarkdown()))
	t.Header(head)
	for _, row := range g.Rows {
		cells := make([]string, len(row))
		for i, s := range row {
			cells[i] = markdownSpan(s)
		}
		if err := t.Append(cells); err != nil {
			return err
		}
	}
	return t.Render()
}

// escapeMarkdown keeps what Markdown would take for markup as it is, and a
// cell's lines in one row: tablewriter escapes neither.
var markdownEscapes = strings.NewReplacer(
	`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", ">", "&gt;",
	"[", `\[`, "]", `\]`, "\r\n", "<br>", "\n", "<br>", "\r", "<br>")

func escapeMarkdown(s string) string { return markdownEscapes.Replace(s) }

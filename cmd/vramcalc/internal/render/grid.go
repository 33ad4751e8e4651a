package render

import (
	"bytes"
	"strings"
)

const (
	gridIndent = 2  // columns before a grid
	gridGap    = 2  // columns between its columns
	minBar     = 6  // a bar below that says nothing
	maxBar     = 40 // and above that no more
	minWrap    = 16 // a wrapping column below that is hard to read
)

// textGrid writes a grid without rules: columns that fit the page, numbers to
// the right, bars and wrapping text over what is left.
func textGrid(b *bytes.Buffer, page Page, wide bool, g *Grid) {
	cols := visible(g, wide)
	room := page.Width - gridIndent
	for !fits(g, cols, room) {
		next, ok := dropOne(g, cols)
		if !ok {
			break
		}
		cols = next
	}
	widths := columnWidths(g, cols, room)
	if !g.NoHead {
		head := make([][]string, len(cols))
		for i, c := range cols {
			head[i] = []string{cut(g.Columns[c].Title, widths[i])}
		}
		textRow(b, g, cols, widths, head, func(_ int, s string) string {
			return page.paint(Faint, s)
		})
	}
	for _, row := range g.Rows {
		cells := make([][]string, len(cols))
		for i, c := range cols {
			cells[i] = textCell(row[c], g.Columns[c], widths[i])
		}
		textRow(b, g, cols, widths, cells, func(i int, s string) string {
			return page.paint(row[cols[i]].Tone, s)
		})
	}
}

// textRow writes one row, as many lines as its longest cell has. Only the
// words are painted, so that no line ends in blanks.
func textRow(b *bytes.Buffer, g *Grid, cols, widths []int, cells [][]string, paint func(cell int, s string) string) {
	height := 0
	for _, lines := range cells {
		height = max(height, len(lines))
	}
	for n := range height {
		blank := gridIndent
		for i, lines := range cells {
			s := ""
			if n < len(lines) {
				s = lines[n]
			}
			before, after := 0, widths[i]-width(s)
			if g.Columns[cols[i]].Right {
				before, after = after, before
			}
			blank += before
			if s != "" {
				b.WriteString(strings.Repeat(" ", blank) + paint(i, s))
				blank = 0
			}
			blank += after + gridGap
		}
		b.WriteByte('\n')
	}
}

// visible are the indices of the columns shown in the plain or wide table. A
// column that no row has anything for is not shown.
func visible(g *Grid, wide bool) []int {
	var cols []int
	for i, c := range g.Columns {
		if c.Wide && !wide {
			continue
		}
		for _, row := range g.Rows {
			if row[i].Text != "" || row[i].Bar != nil {
				cols = append(cols, i)
				break
			}
		}
	}
	return cols
}

// natural is the width that a column asks for and the least it can do with.
func natural(g *Grid, c int) (want, least int) {
	for _, row := range g.Rows {
		if row[c].Bar != nil {
			want, least = max(want, maxBar), max(least, minBar)
			continue
		}
		for _, l := range strings.Split(row[c].Text, "\n") {
			want = max(want, width(l))
		}
	}
	if !g.NoHead {
		want = max(want, width(g.Columns[c].Title))
	}
	switch {
	case g.Columns[c].Wrap:
		return want, min(want, minWrap)
	case least > 0:
		return want, least
	}
	return want, want
}

// fits says whether the columns, made as narrow as they can be, fit the room.
func fits(g *Grid, cols []int, room int) bool {
	total := gridGap * (len(cols) - 1)
	for _, c := range cols {
		_, least := natural(g, c)
		total += least
	}
	return total <= room
}

// dropOne leaves out the column that matters least.
func dropOne(g *Grid, cols []int) ([]int, bool) {
	worst := -1
	for i, c := range cols {
		if d := g.Columns[c].Drop; d > 0 && (worst < 0 || d >= g.Columns[cols[worst]].Drop) {
			worst = i
		}
	}
	if worst < 0 {
		return cols, false
	}
	return append(append([]int{}, cols[:worst]...), cols[worst+1:]...), true
}

// columnWidths gives each column its width: what it asks for, and to elastic
// columns a part of what is left. Where even the least does not fit, the
// widest columns are cut.
func columnWidths(g *Grid, cols []int, room int) []int {
	widths, wants := make([]int, len(cols)), make([]int, len(cols))
	left := room - gridGap*(len(cols)-1)
	for i, c := range cols {
		wants[i], widths[i] = natural(g, c)
		left -= widths[i]
	}
	for i := range widths {
		more := min(wants[i]-widths[i], max(left, 0))
		widths[i] += more
		left -= more
	}
	for ; left < 0; left++ {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		widths[widest] = max(1, widths[widest]-1)
	}
	return widths
}

// textCell is a cell as lines: drawn, or wrapped or cut to its width.
func textCell(s Span, c Column, w int) []string {
	if s.Bar != nil {
		return []string{s.Bar.Draw(w)}
	}
	lines := strings.Split(s.Text, "\n")
	if c.Wrap {
		lines = wrap(s.Text, w)
	}
	for i, l := range lines {
		lines[i] = cut(l, w)
	}
	return lines
}

package render

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// Plot is a plot of points: of one quantity against another.
type Plot struct {
	Title  string // of a drawing of its own
	X, Y   Quantity
	Points []Point
	Labels string // what the points' labels are, in one line
	Note   string // what all of them share
	// Limit is a value of X that none can pass, such as the memory of a card;
	// 0 is none.
	Limit     float64
	LimitName string
}

// Quantity is what an axis shows.
type Quantity struct {
	Name string  // with its unit
	Unit float64 // what a value is divided by to show it
}

// round is a round value in its unit.
func (q Quantity) round(v float64) string {
	return strconv.FormatFloat(math.Round(v/q.Unit*1e6)/1e6, 'f', -1, 64)
}

// Point is a dot among many, or with a sign one of those that matter.
type Point struct {
	X, Y  float64
	Sign  string
	Label string // what the sign stands for
}

// plotSign is the sign of the i-th point that matters: digits, then letters,
// then all alike.
func plotSign(i int) string {
	const signs = "123456789abcdefghijklmnopqrstuvwxyz"
	if i < len(signs) {
		return signs[i : i+1]
	}
	return "●"
}

// scale is an axis: from a round number to another, a handful of steps.
type scale struct{ low, high, step float64 }

// scaleOf holds all values, and zero where it is not far away.
func scaleOf(unit float64, steps int, values ...float64) scale {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	if low < (high-low)/2 {
		low = 0
	}
	span := max(high-low, high/10) // small differences are not drawn large
	if span == 0 {
		span = unit
	}
	step := roundStep(span/unit, steps) * unit
	s := scale{math.Floor(low/step) * step, math.Ceil(high/step) * step, step}
	if s.low == s.high {
		s.high += step
	}
	return s
}

// roundStep is the smallest of 1, 2, 5, 10, … and their decimal parts that
// makes at most so many steps of a span.
func roundStep(span float64, most int) float64 {
	step := math.Pow(10, math.Floor(math.Log10(span/float64(most))))
	for _, factor := range []float64{1, 2, 5} {
		if span/(step*factor) <= float64(most) {
			return step * factor
		}
	}
	return step * 10
}

// at is where v lies, from 0 to 1.
func (s scale) at(v float64) float64 { return (v - s.low) / (s.high - s.low) }

// ticks are the round numbers of the scale.
func (s scale) ticks() (all []float64) {
	for n := 0.0; s.low+n*s.step <= s.high+s.step/2; n++ {
		all = append(all, s.low+n*s.step)
	}
	return all
}

// scales are those of both axes; the limit is in sight where it is near.
func (p *Plot) scales(stepsX, stepsY int) (x, y scale, limit bool) {
	var xs, ys []float64
	most := 0.0
	for _, point := range p.Points {
		xs, ys = append(xs, point.X), append(ys, point.Y)
		most = max(most, point.X)
	}
	if limit = p.Limit > 0 && p.Limit < 2*most; limit {
		xs = append(xs, p.Limit)
	}
	return scaleOf(p.X.Unit, stepsX, xs...), scaleOf(p.Y.Unit, stepsY, ys...), limit
}

const (
	plotRows    = 14
	plotColumns = 70 // at most
)

// writeText draws the plot in characters: a dot for each point, the signs
// over them, the axes with their round numbers.
func (p *Plot) writeText(b *bytes.Buffer, page Page) {
	x, y, limit := p.scales(6, 5)
	margin := 0
	for _, v := range y.ticks() {
		margin = max(margin, width(p.Y.round(v)))
	}
	columns := max(10, min(plotColumns, page.Width-gridIndent-margin-3))
	canvas := make([][]string, plotRows+1)
	for i := range canvas {
		canvas[i] = strings.Split(strings.Repeat(" ", columns+1), "")
	}
	put := func(px, py float64, s string) {
		canvas[plotRows-int(math.Round(y.at(py)*plotRows))][int(math.Round(x.at(px)*float64(columns)))] = s
	}
	if limit {
		for _, row := range canvas {
			row[int(math.Round(x.at(p.Limit)*float64(columns)))] = page.paint(Faint, "┊")
		}
	}
	for _, point := range p.Points {
		if point.Sign == "" {
			put(point.X, point.Y, page.paint(Faint, "·"))
		}
	}
	for i := len(p.Points) - 1; i >= 0; i-- { // of signs in one place the first shows
		if point := p.Points[i]; point.Sign != "" {
			put(point.X, point.Y, page.paint(Strong, point.Sign))
		}
	}
	indent := strings.Repeat(" ", gridIndent)
	b.WriteString(indent + page.paint(Faint, cut(p.Y.Name, page.Width-gridIndent)) + "\n")
	labels := map[int]string{}
	for _, v := range y.ticks() {
		labels[plotRows-int(math.Round(y.at(v)*plotRows))] = p.Y.round(v)
	}
	for i, row := range canvas {
		mark := "│"
		if labels[i] != "" {
			mark = "┤"
		}
		label := strings.Repeat(" ", margin-width(labels[i])) + labels[i]
		b.WriteString(strings.TrimRight(indent+page.paint(Faint, label+" "+mark)+strings.Join(row, ""), " ") + "\n")
	}
	p.writeXAxis(b, page, x, indent+strings.Repeat(" ", margin+1), columns)
}

// writeXAxis draws the line with its ticks, their numbers and the name.
func (p *Plot) writeXAxis(b *bytes.Buffer, page Page, x scale, indent string, columns int) {
	line := strings.Split(strings.Repeat("─", columns+1), "")
	numbers, used := "", 0
	for _, v := range x.ticks() {
		at := int(math.Round(x.at(v) * float64(columns)))
		line[at] = "┬"
		word := p.X.round(v)
		from := max(0, at+1-width(word)/2)
		if over := from + width(word) - columns - 2; over > 0 {
			from -= over
		}
		if used > 0 && from <= used {
			continue // no room: the tick goes without
		}
		numbers += strings.Repeat(" ", from-used) + word
		used = from + width(word)
	}
	b.WriteString(indent + page.paint(Faint, "└"+strings.Join(line, "")) + "\n")
	b.WriteString(indent + page.paint(Faint, numbers) + "\n")
	name := p.X.Name
	if p.LimitName != "" {
		name += "; ┊ " + p.LimitName
	}
	for _, l := range wrap(name, page.Width-width(indent)-1) {
		b.WriteString(indent + " " + page.paint(Faint, l) + "\n")
	}
}

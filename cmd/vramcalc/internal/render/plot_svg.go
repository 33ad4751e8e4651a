package render

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// The sizes of a plot with a list of its signs beside it, in pixels.
const (
	pointsWidth   = 560
	listLeft      = svgLeft + pointsWidth + 32
	listMemory    = listLeft + 62 // the right edges of its numbers
	listSpeed     = listMemory + 76
	listLabel     = listSpeed + 16
	listLine      = 20
	letterWidth   = 7 // of the widest fonts, on average
	signRadius    = 9
	dotRadius     = 2.5
	axisNameBelow = 38
)

// svg draws the plot: alone on white with its title and a list of the signs,
// or as a part of a page in the page's colours.
func (p *Plot) svg(alone bool) string {
	d := plotDrawing{Plot: p, width: pointsWidth, height: plotHeight}
	for _, point := range p.Points {
		if point.Sign != "" {
			d.signs = append(d.signs, point)
		}
	}
	d.x, d.y, d.limit = p.scales(8, 6)
	var b strings.Builder
	if alone {
		d.height = max(plotHeight, listLine*(len(d.signs)+3))
		longest := max(width(p.Labels), width(p.Note)+len(allWith)-4)
		for _, s := range d.signs {
			longest = max(longest, width(s.Label))
		}
		svgBegin(&b, listLabel+letterWidth*longest+labelOffset, svgTop+d.height+svgBottom+10, p.Title)
		b.WriteString(`<g color="#222">` + "\n")
	} else {
		d.width = svgWidth - svgLeft - labelOffset
		fmt.Fprintf(&b, `<div style="overflow-x:auto"><svg viewBox="0 0 %d %d" role="img" font-family="system-ui, sans-serif" font-size="13" style="width:100%%;min-width:36rem"><title>%s</title>`+"\n<g>\n",
			svgWidth, svgTop+d.height+svgBottom+10, html.EscapeString(p.Title))
	}
	d.axes(&b)
	d.cloud(&b)
	d.front(&b)
	if alone {
		d.list(&b)
	}
	b.WriteString("</g>\n</svg>")
	if !alone {
		b.WriteString("</div>")
	}
	b.WriteString("\n")
	return b.String()
}

// plotDrawing is the geometry of one plot.
type plotDrawing struct {
	*Plot
	signs         []Point
	x, y          scale
	limit         bool
	width, height int
}

func (d *plotDrawing) px(v float64) float64 { return svgLeft + float64(d.width)*d.x.at(v) }
func (d *plotDrawing) py(v float64) float64 { return svgTop + float64(d.height)*(1-d.y.at(v)) }

// axes draws the round numbers, the names with their units, and the limit.
func (d *plotDrawing) axes(b *strings.Builder) {
	right, bottom := svgLeft+d.width, svgTop+d.height
	const grid = `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="currentColor" stroke-opacity=".15"/>`
	const number = `<text x="%.1f" y="%.1f" text-anchor="%s" fill="currentColor" fill-opacity=".75">%s</text>` + "\n"
	for _, v := range d.y.ticks() {
		fmt.Fprintf(b, grid+number, float64(svgLeft), float64(right), d.py(v), d.py(v), float64(svgLeft-labelOffset), d.py(v)+4, "end", d.Y.round(v))
	}
	for _, v := range d.x.ticks() {
		fmt.Fprintf(b, grid+number, d.px(v), d.px(v), float64(svgTop), float64(bottom), d.px(v), float64(bottom+18), "middle", d.X.round(v))
	}
	fmt.Fprintf(b, number, float64(svgLeft-labelOffset), float64(svgTop-14), "end", html.EscapeString(d.Y.Name))
	fmt.Fprintf(b, number, float64(right), float64(bottom+axisNameBelow), "end", html.EscapeString(d.X.Name))
	if !d.limit {
		return
	}
	fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="%s" stroke-width="1.5" stroke-dasharray="7 4"/><text x="%.1f" y="%d" text-anchor="end" fill="%s">%s</text>`+"\n",
		d.px(d.Limit), d.px(d.Limit), svgTop, bottom, limitColor, d.px(d.Limit)-labelOffset, bottom-labelOffset, limitColor, html.EscapeString(d.LimitName))
}

// cloud draws the points that are beaten.
func (d *plotDrawing) cloud(b *strings.Builder) {
	for _, p := range d.Points {
		if p.Sign == "" {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="%.1f" fill="currentColor" fill-opacity=".3"/>`+"\n", d.px(p.X), d.py(p.Y), dotRadius)
		}
	}
}

// Colours dark enough for white and light enough for black.
const (
	frontColor = "#2a7fd0"
	limitColor = "#d64545"
)

// front draws the best speed within any memory as a line of steps, and each
// point on it with its sign.
func (d *plotDrawing) front(b *strings.Builder) {
	var path strings.Builder
	for i, p := range d.signs {
		if i == 0 {
			fmt.Fprintf(&path, "M%.1f %.1f", d.px(p.X), d.py(p.Y))
			continue
		}
		fmt.Fprintf(&path, "H%.1fV%.1f", d.px(p.X), d.py(p.Y))
	}
	fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5" stroke-opacity=".6"/>`+"\n", path.String(), frontColor)
	for _, p := range d.signs {
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="%d" fill="%s"/>`+"\n", d.px(p.X), d.py(p.Y), markerRadius, frontColor)
	}
	d.signsAt(b)
}

// place is a point of the drawing.
type place struct{ x, y float64 }

// near says whether two places are so close that signs there would touch.
func (p place) near(q place) bool {
	const apart = 1.3 * signRadius
	return (p.x-q.x)*(p.x-q.x)+(p.y-q.y)*(p.y-q.y) <= apart*apart
}

// Where a sign goes: above its point, or to the left where the next point is
// near; else where there is room.
var (
	signOffsets     = []place{{0, -1}, {-1, -.6}, {1, .6}, {0, 1}}
	signOffsetsLeft = []place{{-1, -.6}, {-1, .6}, {0, 1}, {0, -1}}
)

// signsAt writes the signs beside their points, each where no other is.
func (d *plotDrawing) signsAt(b *strings.Builder) {
	var points []place
	for _, p := range d.signs {
		points = append(points, place{d.px(p.X), d.py(p.Y)})
	}
	taken := points
	for i, p := range d.signs {
		offsets := signOffsets
		if i+1 < len(points) && points[i].near(points[i+1]) {
			offsets = signOffsetsLeft
		}
		at := roomFor(points[i], offsets, taken)
		taken = append(taken[:len(taken):len(taken)], at)
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="middle" font-size="12" font-weight="600" fill="%s">%s<title>%s</title></text>`+"\n",
			at.x, at.y+4, frontColor, p.Sign, html.EscapeString(p.Label))
	}
}

// roomFor is a free place by a point, further away where it is crowded.
func roomFor(point place, offsets, taken []place) (at place) {
	for n := 1.5 * signRadius; n < 10*signRadius; n += signRadius {
		for _, offset := range offsets {
			at = place{point.x + offset.x*n, point.y + offset.y*n}
			if at.y > svgTop-1.5*signRadius && at.x > svgLeft && !slices.ContainsFunc(taken, at.near) {
				return at
			}
		}
	}
	return at
}

const allWith = "all with "

// list says what the signs stand for.
func (d *plotDrawing) list(b *strings.Builder) {
	row := func(n int, weight, sign, memory, speed, label string) {
		y := svgTop + 4 + n*listLine
		fmt.Fprintf(b, `<g fill="currentColor" font-size="12" font-weight="%s"><text x="%d" y="%d" fill="%s" font-weight="600">%s</text><text x="%d" y="%d" text-anchor="end">%s</text><text x="%d" y="%d" text-anchor="end">%s</text><text x="%d" y="%d">%s</text></g>`+"\n",
			weight, listLeft, y, frontColor, sign, listMemory, y, memory, listSpeed, y, speed, listLabel, y, html.EscapeString(label))
	}
	row(0, "600", "", "GiB", d.Y.Name, d.Labels)
	for i, p := range d.signs {
		row(i+1, "400", p.Sign, fixed(p.X/d.X.Unit, 2), Significant(p.Y), p.Label)
	}
	if d.Note != "" {
		fmt.Fprintf(b, `<text x="%d" y="%d" font-size="12" fill="currentColor" fill-opacity=".75">%s</text>`+"\n",
			listLeft, svgTop+14+(len(d.signs)+1)*listLine, html.EscapeString(allWith+d.Note))
	}
}

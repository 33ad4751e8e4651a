package render

import (
	"fmt"
	"html"
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
		fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" font-family="system-ui, sans-serif" font-size="13" style="max-width:100%%;height:auto"><title>%s</title>`+"\n<g>\n",
			svgWidth, svgTop+d.height+svgBottom+10, html.EscapeString(p.Title))
	}
	d.axes(&b)
	d.cloud(&b)
	d.front(&b)
	if alone {
		d.list(&b)
	}
	b.WriteString("</g>\n</svg>\n")
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
	fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#c33" stroke-width="1.5" stroke-dasharray="7 4"/><text x="%.1f" y="%d" text-anchor="end" fill="#c33">%s</text>`+"\n",
		d.px(d.Limit), d.px(d.Limit), svgTop, bottom, d.px(d.Limit)-labelOffset, bottom-labelOffset, html.EscapeString(d.LimitName))
}

// cloud draws the points that are beaten.
func (d *plotDrawing) cloud(b *strings.Builder) {
	for _, p := range d.Points {
		if p.Sign == "" {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="%.1f" fill="currentColor" fill-opacity=".3"/>`+"\n", d.px(p.X), d.py(p.Y), dotRadius)
		}
	}
}

// frontColor is dark enough for white and light enough for black.
const frontColor = "#2a7fd0"

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

// signsAt writes the signs beside their points, each where no other is.
func (d *plotDrawing) signsAt(b *strings.Builder) {
	type place struct{ x, y float64 }
	var taken []place
	for _, p := range d.signs {
		taken = append(taken, place{d.px(p.X), d.py(p.Y)})
	}
	for _, p := range d.signs {
		x, y := d.px(p.X), d.py(p.Y)
		var at place
		for n := 1; n < 12; n++ { // above, then further away
			for _, offset := range []place{{0, -1}, {-1, -.6}, {1, .6}, {0, 1}} {
				at = place{x + offset.x*1.5*signRadius*float64(n), y + offset.y*1.5*signRadius*float64(n)}
				free := at.y > svgTop-1.5*signRadius && at.x > svgLeft
				for _, t := range taken {
					free = free && (t.x-at.x)*(t.x-at.x)+(t.y-at.y)*(t.y-at.y) > 1.3*signRadius*1.3*signRadius
				}
				if free {
					n = 12
					break
				}
			}
		}
		taken = append(taken, at)
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="middle" font-size="12" font-weight="600" fill="%s">%s<title>%s</title></text>`+"\n",
			at.x, at.y+4, frontColor, p.Sign, html.EscapeString(p.Label))
	}
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

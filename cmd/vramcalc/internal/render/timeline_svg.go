package render

import (
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/vramcalc/vramcalc/estimator"
)

// The drawing's sizes, in pixels.
const (
	svgWidth, svgHeight       = 960, 480
	svgLeft, svgRight         = 70, 230
	svgTop, svgBottom         = 56, 44
	plotWidth, plotHeight     = svgWidth - svgLeft - svgRight, svgHeight - svgTop - svgBottom
	legendLine, legendSquare  = 22, 12
	mostSteps                 = 6
	legendLeft                = svgWidth - svgRight + 24
	labelOffset, markerRadius = 8, 4
)

// svgColors are the categories' colours, from the bottom of the stack up
// (Okabe and Ito 2008: told apart by colour-blind eyes too).
var svgColors = []string{"#0072B2", "#56B4E9", "#009E73", "#F0E442", "#E69F00", "#D55E00", "#CC79A7", "#999999", "#332288", "#88CCEE", "#44AA99", "#117733"}

// WriteTimelineSVG draws the memory over a step, stacked by category, with the
// peak marked and the card's capacity where it is near.
func WriteTimelineSVG(w io.Writer, r estimator.Report, moments []estimator.Moment) error {
	d := drawing{report: r, moments: moments}
	d.measure()
	var b strings.Builder
	svgBegin(&b, svgWidth, svgHeight, r.Model.Name+", "+r.Method.ID+": memory over one training step")
	d.axes(&b)
	d.areas(&b)
	d.capacity(&b)
	d.peak(&b)
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// svgBegin begins a drawing of its own: on white, whatever it is shown on.
func svgBegin(b *strings.Builder, width, height int, title string) {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" font-family="system-ui, sans-serif" font-size="13">`+"\n", width, height, width, height)
	fmt.Fprintf(b, "<title>%s</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", html.EscapeString(title))
	fmt.Fprintf(b, `<text x="%d" y="28" font-size="17" font-weight="600">%s</text>`+"\n", svgLeft, html.EscapeString(title))
}

// drawing is the geometry of one timeline.
type drawing struct {
	report     estimator.Report
	moments    []estimator.Moment
	categories []string
	top        float64 // bytes at the upper edge
	end        float64 // seconds, or moments, at the right edge
	timed      bool
	highest    int
}

func (d *drawing) measure() {
	seen := map[string]bool{}
	for i, m := range d.moments {
		for _, c := range m.Breakdown {
			if !seen[c.Category] {
				seen[c.Category] = true
				d.categories = append(d.categories, c.Category)
			}
		}
		if m.Bytes > d.moments[d.highest].Bytes {
			d.highest = i
		}
	}
	last := d.moments[len(d.moments)-1]
	d.timed = last.Seconds > 0
	d.end = last.Seconds
	if !d.timed {
		d.end = float64(max(len(d.moments)-1, 1))
	}
	d.top = float64(d.moments[d.highest].Bytes) * 1.08
	if c := float64(d.report.Device.CapacityBytes); c > 0 && c < 2*d.top {
		d.top = max(d.top, c*1.04)
	}
}

func (d *drawing) x(i int) float64 {
	at := float64(i)
	if d.timed {
		at = d.moments[i].Seconds
	}
	return svgLeft + plotWidth*at/d.end
}

func (d *drawing) y(bytes float64) float64 { return svgTop + plotHeight*(1-bytes/d.top) }

// axisStep is the round number of bytes, in GiB, that makes a handful of steps.
func axisStep(top float64) float64 {
	step := 1.0 / 1024
	for factor := 0; top/(1<<30)/step > mostSteps; factor++ {
		step *= []float64{2, 2.5, 2}[factor%3] // 1, 2, 5, 10, …
	}
	return step * (1 << 30)
}

// axes draws levels in GiB and the step's phases along the bottom.
func (d *drawing) axes(b *strings.Builder) {
	for level := 0.0; level <= d.top; level += axisStep(d.top) {
		fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end" fill="#444">%s</text>`+"\n",
			svgLeft, svgLeft+plotWidth, d.y(level), d.y(level), svgLeft-labelOffset, d.y(level)+4, gib(int64(level)))
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end" fill="#444">GiB</text>`+"\n", svgLeft-labelOffset, svgTop-14)
	phase := ""
	for i, m := range d.moments {
		if m.Phase == phase {
			continue
		}
		phase = m.Phase
		fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#888" stroke-dasharray="2 3"/>`, d.x(i), d.x(i), svgTop, svgTop+plotHeight+6)
		if d.x(i) < svgLeft+plotWidth-60 {
			fmt.Fprintf(b, `<text x="%.1f" y="%d" fill="#444">%s</text>`, d.x(i)+3, svgTop+plotHeight+18, html.EscapeString(words(phase)))
		}
		b.WriteString("\n")
	}
	if d.timed {
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end" fill="#444">%s</text>`+"\n", svgLeft+plotWidth, svgTop+plotHeight+34, Duration(d.end))
	}
}

// areas stacks the categories, each as one polygon, with a legend.
func (d *drawing) areas(b *strings.Builder) {
	below := make([]float64, len(d.moments))
	for n, category := range d.categories {
		var upper, lower strings.Builder
		for i, m := range d.moments {
			bytes := 0.0
			for _, c := range m.Breakdown {
				if c.Category == category {
					bytes = float64(c.Bytes)
				}
			}
			fmt.Fprintf(&upper, "%.1f,%.1f ", d.x(i), d.y(below[i]+bytes))
			below[i] += bytes
		}
		for i := len(d.moments) - 1; i >= 0; i-- {
			bytes := 0.0
			for _, c := range d.moments[i].Breakdown {
				if c.Category == category {
					bytes = float64(c.Bytes)
				}
			}
			fmt.Fprintf(&lower, "%.1f,%.1f ", d.x(i), d.y(below[i]-bytes))
		}
		color := svgColors[n%len(svgColors)]
		fmt.Fprintf(b, `<polygon fill="%s" points="%s%s"><title>%s</title></polygon>`+"\n", color, upper.String(), lower.String(), html.EscapeString(words(category)))
		y := svgTop + (len(d.categories)-1-n)*legendLine
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/><text x="%d" y="%d">%s</text>`+"\n",
			legendLeft, y, legendSquare, legendSquare, color, legendLeft+legendSquare+labelOffset, y+legendSquare-1, html.EscapeString(words(category)))
	}
}

// capacity draws the card's memory, where it is in sight.
func (d *drawing) capacity(b *strings.Builder) {
	c := float64(d.report.Device.CapacityBytes)
	if c <= 0 || c > d.top {
		return
	}
	fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#a00" stroke-width="1.5" stroke-dasharray="7 4"/><text x="%d" y="%.1f" fill="#a00">%s, %s</text>`+"\n",
		svgLeft, svgLeft+plotWidth, d.y(c), d.y(c), svgLeft+4, d.y(c)-5, html.EscapeString(d.report.Device.Name), GiB(d.report.Device.CapacityBytes))
}

// peak marks the highest moment and says what runs there.
func (d *drawing) peak(b *strings.Builder) {
	m := d.moments[d.highest]
	x, y := d.x(d.highest), d.y(float64(m.Bytes))
	anchor, dx := "start", labelOffset
	if x > svgLeft+plotWidth/2 {
		anchor, dx = "end", -labelOffset
	}
	fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="%d" fill="#000"/><text x="%.1f" y="%.1f" text-anchor="%s" font-weight="600">%s</text>`+"\n",
		x, y, markerRadius, x+float64(dx), y-labelOffset, anchor, html.EscapeString("peak "+GiB(m.Bytes)+": "+m.Place))
}

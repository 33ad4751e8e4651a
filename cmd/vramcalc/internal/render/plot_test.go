package render

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

func TestRoundStep(t *testing.T) {
	for _, c := range []struct {
		span, want float64
		most       int
	}{{10, 2, 5}, {10.1, 5, 5}, {1, 0.2, 5}, {39.6, 5, 8}, {40.1, 10, 8}, {0.03, 0.005, 6}, {12493, 5000, 5}, {100, 20, 5}} {
		if got := roundStep(c.span, c.most); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("a span of %v in at most %d steps: %v, want %v", c.span, c.most, got, c.want)
		}
	}
}

// TestScaleHoldsItsValues: from a round number to another, none of them far
// from what it shows.
func TestScaleHoldsItsValues(t *testing.T) {
	for _, values := range [][]float64{{1}, {0}, {334}, {333.9, 334}, {7, 39.6}, {1222, 4875}, {1e9, 1e9 + 1}, {5e-3, 7e-3}, {0, 1e12}} {
		for steps := 2; steps < 9; steps++ {
			s := scaleOf(1, steps, values...)
			for _, v := range values {
				if at := s.at(v); at < -1e-9 || at > 1+1e-9 || math.IsNaN(at) {
					t.Errorf("%v in %d steps: %v lies at %v of %+v", values, steps, v, at, s)
				}
			}
			if n := len(s.ticks()); n < 2 || n > steps+2 {
				t.Errorf("%v in %d steps: %d ticks, %+v", values, steps, n, s)
			}
		}
	}
}

// TestPlotsOfAnySize draws one point and many, near and far, on any page:
// each sign is somewhere, and no line is too long.
func TestPlotsOfAnySize(t *testing.T) {
	for _, n := range []int{1, 2, 9, 36, 60} {
		p := &Plot{Title: "t", X: Quantity{"device memory, GiB", 1 << 30}, Y: Quantity{"tokens/s", 1}, Limit: 1 << 40, LimitName: "显卡", Labels: "模型"}
		for i := range n {
			p.Points = append(p.Points, Point{X: float64(i%7+1) * (1 << 36), Y: 1000 + float64(i/7)*500, Sign: plotSign(i), Label: "千问 <1>"})
			p.Points = append(p.Points, Point{X: float64(i%5+1) * (1 << 36), Y: 700})
		}
		for _, w := range []int{20, 40, 80, 200} {
			var b bytes.Buffer
			p.writeText(&b, Page{Width: w})
			for l := range strings.Lines(b.String()) {
				if got := width(strings.TrimRight(l, "\n")); got > w {
					t.Errorf("%d points on %d columns: %d: %s", n, w, got, l)
				}
			}
			if w < 80 {
				continue
			}
			for i := range min(n, 35) {
				if !strings.Contains(b.String(), plotSign(i)) {
					t.Errorf("%d points: no sign %s in\n%s", n, plotSign(i), b.String())
				}
			}
		}
		for _, alone := range []bool{true, false} {
			drawing := p.svg(alone)
			if got := strings.Count(drawing, "<circle"); got != 2*n || strings.Contains(drawing, "NaN") || strings.Contains(drawing, "<1>") {
				t.Errorf("%d points, alone %v: %d circles in %s", n, alone, got, drawing[:min(len(drawing), 400)])
			}
			if strings.Count(drawing, "<") != strings.Count(drawing, ">") || alone != strings.Contains(drawing, "xmlns") {
				t.Errorf("%d points, alone %v: no drawing of its own kind", n, alone)
			}
		}
	}
}

// TestSignsStandApart: no two signs of a drawing touch where there is room.
func TestSignsStandApart(t *testing.T) {
	var taken []place
	for i := range 12 {
		at := place{300 + float64(i%4), 300 + float64(i%3)}
		sign := roomFor(at, signOffsets, taken)
		for _, other := range taken {
			if sign.near(other) {
				t.Errorf("sign %d at %v is on another at %v", i, sign, other)
			}
		}
		taken = append(taken, sign)
	}
}

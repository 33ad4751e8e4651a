package spread

import (
	"math"
	"testing"
)

func TestQuantileFollowsTheFiniteSampleRule(t *testing.T) {
	s := Spread{0.9, 1, 1.1, 1.2} // the k-th of four stands at k/5
	for _, c := range []struct{ p, want float64 }{
		{0.2, 0.9},
		{0.4, 1},
		{0.5, 1.05},
		{0.8, 1.2},
		{0, 0.6}, // one more width below
		{1, 1.5},
		{0.9, 1.35},
	} {
		if got := s.Quantile(c.p); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("Quantile(%v) = %v, want %v", c.p, got, c.want)
		}
	}
}

func TestBelowInvertsQuantile(t *testing.T) {
	s := Spread{0.5, 0.97, 0.99, 1, 1, 1.02, 1.3}
	last := 0.0
	for p := 0.01; p < 1; p += 0.01 {
		x := s.Quantile(p)
		if x < last {
			t.Errorf("Quantile(%v) = %v falls", p, x)
		}
		last = x
		if got := s.Below(x); got < p-1e-9 || got > p+0.15 { // two equal ratios make a step
			t.Errorf("Below(Quantile(%v)) = %v", p, got)
		}
	}
	if s.Below(0.1) != 0 || s.Below(3) != 1 {
		t.Error("far away is not certain")
	}
}

func TestEmpty(t *testing.T) {
	var s Spread
	if s.Quantile(0.3) != 1 || s.Below(0.9) != 0 || s.Below(1) != 1 {
		t.Error("an empty spread is not the estimate itself")
	}
}

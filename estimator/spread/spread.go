// Package spread reads an error band and a probability off the residuals of
// runs that were measured.
//
// A [Spread] holds sorted ratios, each a measured figure over its estimate. By
// the rule of split conformal prediction (Vovk, Gammerman, Shafer 2005,
// Algorithmic Learning in a Random World; Lei et al. 2018, arXiv:1604.04173)
// the next ratio of n+1 exchangeable ones falls between two neighbours with
// probability 1/(n+1). So the k-th ratio stands at k/(n+1) and not at k/n,
// which widens the bands of few runs. What lies beyond the outermost ratios,
// 1/(n+1) on each side, is spread over one more width of the whole: the rule
// itself only says that it is out there.
package spread

// Spread is a sorted list of ratios.
type Spread []float64

// knot is a point of the distribution: 0 is below the first ratio, n+1 above
// the last.
func (s Spread) knot(k int) float64 {
	last := len(s) - 1
	width := s[last] - s[0]
	switch {
	case k <= 0:
		return max(s[0]-width, s[0]/2)
	case k > len(s):
		return s[last] + width
	}
	return s[k-1]
}

// Quantile is the ratio below which the next one falls with probability p.
// An empty spread has none: 1.
func (s Spread) Quantile(p float64) float64 {
	if len(s) == 0 {
		return 1
	}
	at := min(1, max(0, p)) * float64(len(s)+1)
	k := min(int(at), len(s))
	lo, hi := s.knot(k), s.knot(k+1)
	return lo + (at-float64(k))*(hi-lo)
}

// Below is the probability that the next ratio is at most x, the inverse of
// Quantile.
func (s Spread) Below(x float64) float64 {
	n := len(s)
	if n == 0 {
		if x >= 1 {
			return 1
		}
		return 0
	}
	if x < s.knot(0) {
		return 0
	}
	for k := range n + 1 {
		lo, hi := s.knot(k), s.knot(k+1)
		if x < hi {
			return (float64(k) + (x-lo)/(hi-lo)) / float64(n+1)
		}
	}
	return 1
}

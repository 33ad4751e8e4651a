package solve

// probe is what was found at a value of a setting.
type probe struct {
	n     int64
	fits  bool
	spare float64 // bytes left, negative where it does not fit
	err   error   // the setting cannot have this value
}

// The search's limits: values grow at most so much from one probe to the
// next, and guesses that do not meet the edge give way to halving.
const (
	mostGrowth  = 16
	mostGuesses = 8
)

// approach closes in on the edge between values from 1 on that fit and those
// that do not, until it has probed two neighbours on both sides of it, or
// found that 1 does not fit. What is left mostly shrinks in
// proportion to the value, so a straight line through two probes guesses well.
func approach(try func(n int64) probe) {
	low := try(1)
	if !low.fits {
		return
	}
	high := try(2)
	for high.fits {
		before := low
		low = high
		high = try(further(before, low))
	}
	var landed [2]int64 // how often in a row on the side that does not fit, and that does
	for guesses := 0; high.n-low.n > 1; guesses++ {
		n := low.n + (high.n-low.n)/2
		if guesses < mostGuesses && high.err == nil {
			n = between(low, high, landed)
		}
		if p := try(n); p.fits {
			low, landed = p, [2]int64{0, landed[1] + 1}
		} else {
			high, landed = p, [2]int64{landed[0] + 1, 0}
		}
	}
}

// further is a value beyond two that fit: where the line through them ends.
func further(before, at probe) int64 {
	n := mostGrowth * at.n
	if slope := (before.spare - at.spare) / float64(at.n-before.n); slope > 0 && at.spare/slope < float64(n-at.n) {
		n = at.n + int64(at.spare/slope)
	}
	return max(n, at.n+1)
}

// between is where the line through both ends meets zero, and further towards
// the end that was left alone the longer it was.
func between(low, high probe, landed [2]int64) int64 {
	share := 0.5
	if low.spare > high.spare {
		share = min(max(low.spare/(low.spare-high.spare), 0), 1)
	}
	n := low.n + int64(share*float64(high.n-low.n))
	switch {
	case landed[0] > 0:
		n -= 1<<landed[0] - 2
	case landed[1] > 0:
		n += 1 << (landed[1] - 1)
	}
	return min(max(n, low.n+1), high.n-1)
}

// Package quantity writes numbers for people: sizes in GiB, rates, durations.
package quantity

import (
	"math"
	"strconv"
	"strings"
)

// Minus is the typographic minus sign.
const Minus = "−"

// GiB writes bytes in GiB (2³⁰ bytes) with two decimals and the unit.
func GiB(bytes int64) string { return Gib(bytes) + " GiB" }

// Gib writes bytes in GiB without the unit, for columns whose title has it.
func Gib(bytes int64) string {
	v := float64(bytes) / (1 << 30)
	if v != 0 && math.Abs(v) < 0.005 {
		return sign(v) + "<0.01"
	}
	return Fixed(v, 2)
}

// Fixed writes v with n decimals and a typographic minus sign, which what
// rounds to zero does not get.
func Fixed(v float64, n int) string {
	s := strconv.FormatFloat(math.Abs(v), 'f', n, 64)
	if strings.Trim(s, "0.") == "" {
		return s
	}
	return sign(v) + s
}

func sign(v float64) string {
	if v < 0 {
		return Minus
	}
	return ""
}

// Signed puts a plus sign before what is not negative, and ± before zero.
func Signed(s string) string {
	switch number, _, _ := strings.Cut(s, " "); {
	case strings.HasPrefix(s, Minus):
		return s
	case strings.Trim(number, "0.") == "":
		return "±" + s
	}
	return "+" + s
}

// Significant writes v with three significant digits, without an exponent.
func Significant(v float64) string {
	a := math.Abs(v)
	switch {
	case a == 0:
		return "0"
	case a >= 99.95:
		return Fixed(v, 0)
	case a >= 9.995:
		return Fixed(v, 1)
	case a >= 0.9995:
		return Fixed(v, 2)
	}
	return Fixed(v, min(9, 2-int(math.Floor(math.Log10(a)))))
}

// Percent writes a fraction in percent.
func Percent(fraction float64) string { return Fixed(100*fraction, 0) + " %" }

// Percent1 is percent with one decimal.
func Percent1(fraction float64) string { return Fixed(100*fraction, 1) + " %" }

// Duration writes seconds in the unit that suits them.
func Duration(seconds float64) string {
	switch a := math.Abs(seconds); {
	case a >= 120:
		return Significant(seconds/60) + " min"
	case a >= 1 || a == 0:
		return Significant(seconds) + " s"
	case a >= 1e-3:
		return Significant(1e3*seconds) + " ms"
	}
	return Significant(1e6*seconds) + " µs"
}

// Scaled writes a count or a rate with a decimal prefix: 6.74 G, 312 T.
func Scaled(v float64) string {
	for _, p := range []struct {
		size   float64
		prefix string
	}{{1e15, "P"}, {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= p.size {
			return Significant(v/p.size) + " " + p.prefix
		}
	}
	return Significant(v)
}

// Count writes a number of parameters the way the field does: 6.74 B, 39.98 M.
func Count(n int64) string {
	switch v := float64(n); {
	case math.Abs(v) >= 1e9:
		return Fixed(v/1e9, 2) + " B"
	case math.Abs(v) >= 1e6:
		return Fixed(v/1e6, 2) + " M"
	case math.Abs(v) >= 1e4:
		return Fixed(v/1e3, 1) + " k"
	}
	return strconv.FormatInt(n, 10)
}

// Fraction is part of whole, 0 where there is no whole.
func Fraction(part, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return part / whole
}

// Plural writes n and the noun that goes with it.
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

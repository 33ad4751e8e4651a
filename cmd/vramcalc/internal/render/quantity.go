package render

import "github.com/vramcalc/vramcalc/cmd/internal/quantity"

// The words of numbers are shared with the web page.

func GiB(bytes int64) string                { return quantity.GiB(bytes) }
func Significant(v float64) string          { return quantity.Significant(v) }
func Duration(seconds float64) string       { return quantity.Duration(seconds) }
func Scaled(v float64) string               { return quantity.Scaled(v) }
func Count(n int64) string                  { return quantity.Count(n) }
func gib(bytes int64) string                { return quantity.Gib(bytes) }
func fixed(v float64, n int) string         { return quantity.Fixed(v, n) }
func signed(s string) string                { return quantity.Signed(s) }
func percent(fraction float64) string       { return quantity.Percent(fraction) }
func percent1(fraction float64) string      { return quantity.Percent1(fraction) }
func fraction(part, whole float64) float64  { return quantity.Fraction(part, whole) }
func plural(n int, one, many string) string { return quantity.Plural(n, one, many) }

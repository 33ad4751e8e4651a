package main

import (
	"strconv"
	"strings"

	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
)

// Values of facts in records: what a preset leaves out is not known or not
// there, and nil says so.

func word(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func words(list []string) any {
	if len(list) == 0 {
		return nil
	}
	return list
}

func count(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

func number(x float64) any {
	if x == 0 {
		return nil
	}
	return x
}

// The same facts in words; empty where there is none.

func sizeText(bytes int64) string {
	switch {
	case bytes == 0:
		return ""
	case bytes < 1<<30:
		return strconv.FormatFloat(float64(bytes)/(1<<20), 'f', -1, 64) + " MiB"
	}
	return render.GiB(bytes)
}

func parameters(n int64) string {
	if n == 0 {
		return ""
	}
	return render.Count(n)
}

func scaled(v float64, unit string) string {
	if v == 0 {
		return ""
	}
	return render.Scaled(v) + unit
}

func unit(v float64, name string) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64) + " " + name
}

func paragraphs(list []string) string { return strings.Join(list, "\n") }

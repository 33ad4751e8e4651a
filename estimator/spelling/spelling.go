// Package spelling finds the name that a misspelt word was meant to be.
package spelling

import "strings"

// longest is how much of a word is looked at: no longer one is near a name.
const longest = 64

// Distance counts the insertions, deletions, replacements and swaps of
// neighbouring bytes that turn a into b (optimal string alignment). Words are
// cut at 64 bytes.
func Distance(a, b string) int {
	a, b = a[:min(len(a), longest)], b[:min(len(b), longest)]
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}

// Nearest is the first of the names, lower case, at the smallest distance
// from a word; empty without names.
func Nearest(word string, names []string) string {
	best, least := "", 0
	for i, n := range names {
		if d := Distance(strings.ToLower(word), n); i == 0 || d < least {
			best, least = n, d
		}
	}
	return best
}

// Near are the names that a word was probably meant for, in their order: those
// that it begins, and those at the smallest distance, of at most three.
func Near(word string, names []string) []string {
	word = strings.ToLower(word)
	least := nearEnough
	for _, n := range names {
		least = min(least, Distance(word, strings.ToLower(n)))
	}
	var near []string
	for _, n := range names {
		if d := Distance(word, strings.ToLower(n)); d == least && d <= nearEnough || word != "" && strings.HasPrefix(strings.ToLower(n), word) {
			near = append(near, n)
		}
	}
	return near
}

// nearEnough is the largest distance at which a name is worth offering.
const nearEnough = 3

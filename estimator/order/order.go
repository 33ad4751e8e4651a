// Package order sorts numbers of things. Unlike package slices' sorts it is one
// piece of code for all types, and the web page that much smaller.
package order

// Of are the numbers 0 to n-1 such that none stands before one that comes
// before it; equal ones stay as they are.
func Of(n int, before func(a, b int) bool) []int {
	from, to := make([]int, n), make([]int, n)
	for i := range from {
		from[i] = i
	}
	for width := 1; width < n; width *= 2 {
		for lo := 0; lo < n; lo += 2 * width {
			i, mid := lo, min(lo+width, n)
			j, hi := mid, min(lo+2*width, n)
			for k := lo; k < hi; k++ {
				if i == mid || j < hi && before(from[j], from[i]) {
					to[k] = from[j]
					j++
				} else {
					to[k] = from[i]
					i++
				}
			}
		}
		from, to = to, from
	}
	return from
}

// Keys are the keys of a map in alphabetical order.
func Keys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sorted := make([]string, len(keys))
	for place, i := range Of(len(keys), func(i, j int) bool { return keys[i] < keys[j] }) {
		sorted[place] = keys[i]
	}
	return sorted
}

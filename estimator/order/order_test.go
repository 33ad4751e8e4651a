package order

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestOf: the same order as the library's stable sort, at every length.
func TestOf(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 70 {
		keys, want := make([]int, n), make([]int, n)
		for i := range keys {
			keys[i], want[i] = random.IntN(n/2+1), i
		}
		slices.SortStableFunc(want, func(a, b int) int { return cmp.Compare(keys[a], keys[b]) })
		if got := Of(n, func(a, b int) bool { return keys[a] < keys[b] }); !slices.Equal(got, want) {
			t.Errorf("%v: %v, want %v", keys, got, want)
		}
	}
}

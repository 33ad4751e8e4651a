package contour_test

import (
	"math/rand/v2"
	"testing"

	"github.com/vramcalc/vramcalc/estimator/contour"
)

// TestLevels finds the levels of random growing grids as asking for each cell
// does, and asks for few.
func TestLevels(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	const rows, columns, top = 12, 12, 3
	asked := 0
	for range 300 {
		static, scale, held := r.Float64(), 4*r.Float64()/rows/columns, 1+0.1*r.Float64()
		load := func(i, j int) float64 { return static + scale*float64((i+1)*(j+1)) }
		level := func(i, j int) int {
			switch device := load(i, j) * held; {
			case device <= 0.96:
				return 0
			case device <= 1:
				return 1
			case device <= 1.04:
				return 2
			}
			return top
		}
		found := contour.Levels(rows, columns, top, func(i, j int) (float64, bool) { return load(i, j), load(i, j) > 1.04 },
			func(i, j int) int { asked++; return level(i, j) })
		for i := range rows {
			for j := range columns {
				if found[i][j] != level(i, j) {
					t.Fatalf("row %d, column %d: level %d, want %d", i, j, found[i][j], level(i, j))
				}
			}
		}
	}
	if mean := asked / 300; mean > 24 {
		t.Errorf("%d of %d cells were asked for", mean, rows*columns)
	} else {
		t.Logf("%d of %d cells were asked for", mean, rows*columns)
	}
}

// Package contour finds where the levels of a growing grid change, with few
// questions: which micro-batches and lengths fit.
package contour

import (
	"math"
	"slices"
)

// firstGuess is the load up to which cells are taken to have level 0 until one
// was asked: a step's tensors are mostly nine tenths of its memory and more.
const firstGuess = 0.95

// Levels finds the level of every cell of a grid, 0 to top, where a further row
// or column never lowers it, as more tokens never need less memory. It asks
// about the cells along the edges between levels and no others; a cell that is
// not asked lies between two of the same level. load is a cheap figure, 1
// where all is used up, that tells where to ask; with beyond it says that the
// cell has the top level.
func Levels(rows, columns, top int, load func(row, column int) (amount float64, beyond bool), ask func(row, column int) int) [][]int {
	l := levels{ask: ask, over: math.Inf(1)}
	for row := range rows {
		l.loads, l.row, l.above = l.loads[:0], make([]int, columns), l.row
		end := 0
		for column := range columns {
			amount, beyond := load(row, column)
			l.loads = append(l.loads, amount)
			l.row[column] = top
			if !beyond {
				end = column + 1
			}
		}
		l.fill(row, -1, end, 0, top)
		l.all = append(l.all, l.row)
	}
	return l.all
}

// levels is the search under way.
type levels struct {
	ask        func(row, column int) int
	all        [][]int
	row, above []int
	loads      []float64 // of the row
	fits, over float64   // the largest load of level 0 that was seen, and the smallest of others
}

// fill finds the levels between two columns of the row whose levels are known.
func (l *levels) fill(row, from, to, low, high int) {
	if to-from <= 1 {
		return
	}
	if l.above != nil {
		low = max(low, l.above[from+1])
	}
	if low >= high {
		for column := from + 1; column < to; column++ {
			l.row[column] = high
		}
		return
	}
	column := l.guess(from, to)
	level := l.ask(row, column)
	l.row[column] = level
	if level == 0 {
		l.fits = max(l.fits, l.loads[column])
	} else {
		l.over = min(l.over, l.loads[column])
	}
	l.fill(row, from, column, low, level)
	l.fill(row, column, to, level, high)
}

// guess is the last column between two that likely has level 0, else the first.
func (l *levels) guess(from, to int) int {
	edge := min(max(firstGuess, l.fits), l.over)
	likely := slices.IndexFunc(l.loads[from+1:to], func(load float64) bool { return load > edge })
	if likely < 0 {
		return to - 1
	}
	return max(from+likely, from+1)
}

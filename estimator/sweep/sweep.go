// Package sweep estimates a request over a grid of settings.
//
// A [Grid] is a base request, axes of settings and devices; [Grid.Cells]
// hands out one [Cell] per combination, in order, computed on all processors
// with a few in flight at a time, so that memory does not grow with the grid.
// A combination that makes no sense is a cell with an error. The package
// knows no physics: every cell is what [estimator.EstimateAll] says.
package sweep

import (
	"fmt"
	"iter"
	"runtime"
	"slices"

	"github.com/vramcalc/vramcalc/estimator"
)

// MaxCells is the largest grid: beyond it a typing error is likelier than a
// question, and a table of it is read by nobody.
const MaxCells = 1 << 20

// Estimate answers a request on each of several devices:
// [estimator.EstimateAll], or what stands in for it.
type Estimate func(estimator.Request, []estimator.Device) ([]estimator.Report, []error)

// Grid is every combination of the axes' values on every device.
type Grid struct {
	Base estimator.Request // its device is not used
	Axes []Axis
	// Devices are the last axis, "gpu", in every cell; none stands for one
	// cell of memory alone. Devices of one combination share its program.
	Devices []estimator.Device
}

// Cell is one combination: the index of its value on each of [Grid.AllAxes],
// and its report, or the reason why there is none.
type Cell struct {
	At     []int
	Report estimator.Report
	Err    error
}

// AllAxes are the axes with that of the devices, if any.
func (g *Grid) AllAxes() []Axis {
	axes := append([]Axis{}, g.Axes...)
	if len(g.Devices) > 0 {
		axes = append(axes, Axis{Setting: "gpu", Values: deviceLabels(g.Devices)})
	}
	return axes
}

// Len is the number of cells. The error says that the grid is too large.
func (g *Grid) Len() (int, error) {
	n := 1
	for _, a := range g.AllAxes() {
		if n *= len(a.Values); n > MaxCells {
			return n, fmt.Errorf("the grid has more than %d cells", MaxCells)
		}
	}
	return n, nil
}

// Dropped are the settings of the base that some of several methods do not
// have, by method: they are left out there, since they were meant for the others.
func (g *Grid) Dropped() map[string][]string {
	dropped := map[string][]string{}
	for _, a := range g.Axes {
		if a.Setting != "method" || len(a.Values) < 2 {
			continue
		}
		for i, method := range a.Values {
			r := g.Base
			a.Apply(&r, i)
			for _, name := range estimator.WithoutForeign(&r) {
				if !slices.ContainsFunc(g.Axes, func(b Axis) bool { return b.Setting == name }) {
					dropped[method] = append(dropped[method], name)
				}
			}
		}
	}
	return dropped
}

// request is the base with the values at an index per axis.
func (g *Grid) request(at []int) estimator.Request {
	r := g.Base
	for k, a := range g.Axes {
		if a.Setting == "method" && len(a.Values) > 1 {
			a.Apply(&r, at[k])
			estimator.WithoutForeign(&r)
		}
	}
	for k, a := range g.Axes {
		a.Apply(&r, at[k])
	}
	return r
}

// Requests are the requests of all combinations of the axes, without a device.
func (g *Grid) Requests() iter.Seq2[[]int, estimator.Request] {
	return func(yield func([]int, estimator.Request) bool) {
		for at := range g.combinations() {
			if !yield(at, g.request(at)) {
				return
			}
		}
	}
}

// job is one combination on all devices, on its way through the workers.
type job struct {
	at      []int
	request estimator.Request
	reports []estimator.Report
	errs    []error
	done    chan struct{}
}

// Cells computes the cells and yields them in order, the last axis fastest.
func (g *Grid) Cells(estimate Estimate) iter.Seq[Cell] {
	return func(yield func(Cell) bool) {
		workers := runtime.GOMAXPROCS(0)
		stop := make(chan struct{})
		defer close(stop)
		// A few jobs per worker wait for their turn: enough to keep all of
		// them busy while the first in order takes its time.
		ordered, jobs := make(chan *job, 4*workers), make(chan *job)
		go g.deal(ordered, jobs, stop)
		for range workers {
			go func() {
				for j := range jobs {
					j.reports, j.errs = estimate(j.request, g.devices())
					close(j.done)
				}
			}()
		}
		for j := range ordered {
			<-j.done
			for i := range j.reports {
				at := j.at
				if len(g.Devices) > 0 {
					at = append(at[:len(at):len(at)], i)
				}
				if !yield(Cell{At: at, Report: j.reports[i], Err: j.errs[i]}) {
					return
				}
			}
		}
	}
}

// devices are those of each job.
func (g *Grid) devices() []estimator.Device {
	if len(g.Devices) == 0 {
		return make([]estimator.Device, 1)
	}
	return g.Devices
}

// deal hands every combination to the workers and, in order, to who waits
// for them, until it is told to stop.
func (g *Grid) deal(ordered, jobs chan<- *job, stop <-chan struct{}) {
	defer close(ordered)
	defer close(jobs)
	for at := range g.combinations() {
		j := &job{at: at, request: g.request(at), done: make(chan struct{})}
		for _, to := range []chan<- *job{ordered, jobs} {
			select {
			case to <- j:
			case <-stop:
				return
			}
		}
	}
}

// combinations are the indices of every combination, the last axis fastest.
func (g *Grid) combinations() iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		at := make([]int, len(g.Axes))
		for {
			if !yield(append([]int{}, at...)) {
				return
			}
			k := len(at) - 1
			for ; k >= 0; k-- {
				if at[k]++; at[k] < len(g.Axes[k].Values) {
					break
				}
				at[k] = 0
			}
			if k < 0 {
				return
			}
		}
	}
}

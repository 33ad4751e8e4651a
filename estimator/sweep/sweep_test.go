package sweep_test

import (
	"fmt"
	"reflect"
	"runtime"
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/sweep"
	"github.com/vramcalc/vramcalc/hardware"
	"github.com/vramcalc/vramcalc/presets"
)

func axis(t testing.TB, setting string, values ...string) sweep.Axis {
	t.Helper()
	a, err := sweep.NewAxis(setting, values...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func devices(t testing.TB, gpus []hardware.GPU) (list []estimator.Device) {
	t.Helper()
	for _, g := range gpus {
		list = append(list, estimator.Device{GPU: g})
	}
	return list
}

func gpus(t testing.TB, names ...string) (list []hardware.GPU) {
	t.Helper()
	for _, n := range names {
		g, err := presets.GPU(n)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, g)
	}
	return list
}

func base(t testing.TB) (r estimator.Request) {
	t.Helper()
	m, err := presets.Model("llama-7b")
	if err != nil {
		t.Fatal(err)
	}
	r.Model = m
	return r
}

// TestCellsAreEstimates holds every cell, in order, against an estimate of
// its own.
func TestCellsAreEstimates(t *testing.T) {
	g := sweep.Grid{
		Base:    base(t),
		Axes:    []sweep.Axis{axis(t, "precision", "fp32", "bf16"), axis(t, "quant", "none", "nf4"), axis(t, "method", "full", "lora")},
		Devices: devices(t, gpus(t, "rtx-4090", "h100")),
	}
	n := 0
	for cell := range g.Cells(estimator.EstimateAll) {
		if want := []int{n / 8, n / 4 % 2, n / 2 % 2, n % 2}; !reflect.DeepEqual(cell.At, want) {
			t.Fatalf("cell %d is at %v, want %v", n, cell.At, want)
		}
		r := g.Base
		r.Training.Precision = g.Axes[0].Values[cell.At[0]]
		r.Method = estimator.Method{ID: g.Axes[2].Values[cell.At[2]], Quant: g.Axes[1].Values[cell.At[1]]}
		r.Device = g.Devices[cell.At[3]]
		want, err := estimator.Estimate(r)
		if !reflect.DeepEqual(cell.Report, want) || fmt.Sprint(cell.Err) != fmt.Sprint(err) {
			t.Errorf("cell %v differs from its estimate", cell.At)
		}
		n++
	}
	if length, err := g.Len(); n != 16 || length != n || err != nil {
		t.Errorf("%d cells, Len says %d, %v", n, length, err)
	}
}

// TestStopping takes one cell of many: nothing may be left running.
func TestStopping(t *testing.T) {
	before := runtime.NumGoroutine()
	g := sweep.Grid{Base: base(t), Axes: []sweep.Axis{axis(t, "method", "full", "lora", "qlora"), axis(t, "micro-batch", "1", "2", "3", "4", "5", "6", "7", "8")}}
	for range g.Cells(estimator.EstimateAll) {
		break
	}
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
	}
	for range 100 {
		for range g.Cells(estimator.EstimateAll) { // gives the others time
			break
		}
	}
	if n := runtime.NumGoroutine(); n > before+16 {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}

func TestForeignSettingsAreDropped(t *testing.T) {
	g := sweep.Grid{Base: base(t), Axes: []sweep.Axis{axis(t, "method", "full", "lora")}}
	g.Base.Method.LoRARank = 16
	if want := map[string][]string{"full": {"lora-rank"}}; !reflect.DeepEqual(g.Dropped(), want) {
		t.Errorf("dropped %v, want %v", g.Dropped(), want)
	}
	for cell := range g.Cells(estimator.EstimateAll) {
		if cell.Err != nil {
			t.Errorf("%v: %v", cell.At, cell.Err)
		}
	}
	g.Axes[0] = axis(t, "method", "full") // the only method: a contradiction
	for cell := range g.Cells(estimator.EstimateAll) {
		if cell.Err == nil {
			t.Error("full with a rank is answered")
		}
	}
}

func TestAxesThatMakeNoSense(t *testing.T) {
	for _, c := range [][]string{{"micro-batch"}, {"micro-batch", "0"}, {"micro-batch", "x"}, {"precision", ""}, {"method", "lora", "lora"}, {"mehtod", "lora"}} {
		if _, err := sweep.NewAxis(c[0], c[1:]...); err == nil {
			t.Errorf("%q is an axis", c)
		}
	}
}

func TestGridTooLarge(t *testing.T) {
	values := make([]string, 1<<11)
	for i := range values {
		values[i] = fmt.Sprint(i + 1)
	}
	g := sweep.Grid{Axes: []sweep.Axis{axis(t, "micro-batch", values...), axis(t, "seq-len", values...)}}
	if _, err := g.Len(); err == nil {
		t.Error("2²² cells are accepted")
	}
}

// BenchmarkCells10000 is 360 combinations on 28 cards; its bytes are what
// passes through, of which only a few cells are held at a time. Each round asks
// for other lengths, so that no replay of the allocator is remembered.
func BenchmarkCells10000(b *testing.B) {
	all := presets.GPUs()
	g := sweep.Grid{Base: base(b), Axes: []sweep.Axis{
		axis(b, "precision", estimator.Precisions()...),
		{},
		axis(b, "micro-batch", "1", "2", "4", "8", "16"), axis(b, "method", "full", "lora", "qlora"),
	}, Devices: devices(b, all[len(all)-28:])}
	b.ReportAllocs()
	for round := 0; b.Loop(); round++ {
		lengths := []string{}
		for _, n := range []int{512, 1024, 2048, 4096} {
			lengths = append(lengths, fmt.Sprint(n+round))
		}
		g.Axes[1] = axis(b, "seq-len", lengths...)
		n := 0
		var peak, now runtime.MemStats
		for range g.Cells(estimator.EstimateAll) {
			if n++; n%2000 == 0 {
				runtime.ReadMemStats(&now)
				peak.HeapAlloc = max(peak.HeapAlloc, now.HeapAlloc)
			}
		}
		b.ReportMetric(float64(n), "cells/op")
		b.ReportMetric(float64(peak.HeapAlloc)/(1<<20), "heap-MiB")
	}
}

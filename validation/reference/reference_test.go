package reference

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/memory"
	"github.com/vramcalc/vramcalc/presets"
)

// The bars that the references hold the estimator to: tighter than what the
// documentation promises, so that a step back shows.
const (
	medianBar = 0.0005
	p95Bar    = 0.001
	maxBar    = 0.01
	flopsBar  = 0.001
	keptBar   = 0.002 // of what is alive after a step's last forward
)

// comparison is one reference beside its estimate.
type comparison struct {
	file  string
	line  int
	row   Row
	shape estimator.Shape
	err   float64 // of the allocated peak, relative
}

func compareAll(t *testing.T) []comparison {
	t.Helper()
	files, err := filepath.Glob("../torch/references/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no references", err)
	}
	var all []comparison
	for _, f := range files {
		r, err := os.Open(f)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := Read(r)
		r.Close()
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for i, row := range rows {
			req, err := row.Request.Estimator()
			if err != nil {
				t.Errorf("%s:%d: %v", f, i+1, err)
				continue
			}
			s, err := estimator.ReadShape(req)
			if err != nil {
				t.Errorf("%s:%d: %v", f, i+1, err)
				continue
			}
			all = append(all, comparison{filepath.Base(f), i + 1, row, s, float64(s.Reading.Peak)/float64(row.PeakBytes) - 1})
		}
	}
	return all
}

// TestReferences holds the allocated peak, the parameters and the FLOPs of
// every reference against the estimate.
func TestReferences(t *testing.T) {
	all := compareAll(t)
	var errs []float64
	for _, c := range all {
		errs = append(errs, abs(c.err))
		if c.shape.Trainable != c.row.Parameters.Trainable || c.shape.Parameters != c.row.Parameters.Total {
			t.Errorf("%s:%d: parameters %d of them %d trainable, PyTorch has %d and %d: %s", c.file, c.line,
				c.shape.Parameters, c.shape.Trainable, c.row.Parameters.Total, c.row.Parameters.Trainable, describe(c))
		}
		if flops := c.row.Steps[len(c.row.Steps)-1].FLOPs; abs(c.shape.FLOPs/flops-1) > flopsBar {
			t.Errorf("%s:%d: %.5g FLOPs, PyTorch counts %.5g: %s", c.file, c.line, c.shape.FLOPs, flops, describe(c))
		}
		if abs(c.err) > maxBar {
			t.Errorf("%s:%d: %s", c.file, c.line, describe(c))
		}
	}
	slices.Sort(errs)
	t.Logf("%d references: median %.4f %%, 95th percentile %.4f %%, max %.3f %%", len(errs), 100*at(errs, 0.5), 100*at(errs, 0.95), 100*errs[len(errs)-1])
	if at(errs, 0.5) > medianBar {
		t.Errorf("the median error is above %.2f %%", 100*medianBar)
	}
	if at(errs, 0.95) > p95Bar {
		t.Errorf("the 95th percentile is above %.2f %%", 100*p95Bar)
	}
	t.Log("\n" + table(all))
}

// TestKeptAfterForward holds what is alive after the last forward, which is what
// autograd kept, and parameters, gradients and states: an error that the peak
// hides shows here.
func TestKeptAfterForward(t *testing.T) {
	for _, c := range compareAll(t) {
		kept := int64(0)
		for _, mark := range c.shape.Reading.Phases() {
			if mark.Phase == memory.Forward {
				kept = mark.End
			}
		}
		for _, live := range c.row.Steps[len(c.row.Steps)-1].Live {
			if live.After != "forward" || c.row.Request.GradAccum > 1 {
				continue
			}
			if e := float64(kept)/float64(live.Bytes) - 1; abs(e) > keptBar {
				t.Errorf("%s:%d: after forward %d, PyTorch %d (%+.2f %%): %s", c.file, c.line, kept, live.Bytes, 100*e, describe(c))
			}
		}
	}
}

// describe says what a row asked for and where the two peaks are.
func describe(c comparison) string {
	q, last := c.row.Request, c.row.Steps[len(c.row.Steps)-1]
	return fmt.Sprintf("%+.2f %% %s L%d %s %s %s quant %s ckpt %s attn %s loss %s %s opt %s b%d s%d ga%d: PyTorch %d at %s %s %s, ours %d at %s",
		100*c.err, q.Model, q.Layers, q.Method, q.LoRATargets, q.Precision, q.Quant, q.Checkpointing, q.Attention, q.Loss, q.Kernels, q.Optimizer, q.MicroBatch, q.SeqLen, q.GradAccum,
		c.row.PeakBytes, last.Peak.Phase, last.Peak.Module, last.Peak.Op, c.shape.Reading.Peak, c.shape.Place())
}

// table is the error by family and method.
func table(all []comparison) string {
	groups := map[string][]float64{}
	for _, c := range all {
		m, err := presets.Model(c.row.Request.Model)
		if err != nil {
			continue
		}
		groups["family "+m.ModelType] = append(groups["family "+m.ModelType], abs(c.err))
		groups["method "+c.row.Request.Method+" "+c.row.Request.Quant] = append(groups["method "+c.row.Request.Method+" "+c.row.Request.Quant], abs(c.err))
	}
	names := make([]string, 0, len(groups))
	for n := range groups {
		names = append(names, n)
	}
	slices.Sort(names)
	s := fmt.Sprintf("%-28s %5s %9s %9s\n", "group", "rows", "median", "max")
	for _, n := range names {
		g := groups[n]
		slices.Sort(g)
		s += fmt.Sprintf("%-28s %5d %8.4f%% %8.4f%%\n", n, len(g), 100*at(g, 0.5), 100*g[len(g)-1])
	}
	return s
}

// at is a quantile of sorted values.
func at(sorted []float64, q float64) float64 { return sorted[int(q*float64(len(sorted)-1)+0.5)] }

func abs(x float64) float64 { return max(x, -x) }

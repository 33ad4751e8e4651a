package estimator_test

import (
	"math"
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
)

// TestTraceSumsToTheReport: the listing is the program that the figures were
// read from.
func TestTraceSumsToTheReport(t *testing.T) {
	for _, m := range dense(t)[:12] {
		for _, method := range []string{"full", "lora", "qlora"} {
			for _, checkpointing := range []string{"none", "full"} {
				tr, err := estimator.TraceStep(estimator.Request{
					Model: m, Method: estimator.Method{ID: method}, Device: estimator.Device{GPU: gpu(t, "a100-80gb-sxm")},
					Training: estimator.Training{MicroBatch: 1, SeqLen: 256, GradAccum: 3, Checkpointing: checkpointing},
				})
				if err != nil {
					t.Fatalf("%s: %v", m.ID, err)
				}
				checkTrace(t, tr)
			}
		}
	}
}

func checkTrace(t *testing.T, tr estimator.Trace) {
	t.Helper()
	var flops, seconds float64
	for _, o := range tr.Operations {
		if o.Phase != "optimizer" {
			flops += float64(o.Times) * o.FLOPs
		}
		seconds += float64(o.Times) * o.Seconds
		if o.Times < 1 || o.FreedBytes < 0 {
			t.Fatalf("%+v", o)
		}
	}
	r := tr.Report
	name := r.Model.ID + " " + r.Method.ID + " " + r.Training.Checkpointing
	if math.Abs(flops/r.Throughput.FLOPsPerStep-1) > 1e-9 {
		t.Errorf("%s: the operations do %g FLOPs, the report says %g", name, flops, r.Throughput.FLOPsPerStep)
	}
	want := r.Throughput.StepSeconds
	for _, part := range r.Throughput.Parts {
		if part.Part == "launch_gaps" {
			want -= part.Seconds
		}
	}
	if math.Abs(seconds/want-1) > 1e-9 {
		t.Errorf("%s: the operations take %g s, the report says %g", name, seconds, want)
	}
}

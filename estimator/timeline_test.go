package estimator_test

import (
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
)

// TestTimelineHoldsThePeak: whatever is left out, the highest moment is the
// report's allocated memory, each moment is the sum of its parts, and time
// never runs backwards.
func TestTimelineHoldsThePeak(t *testing.T) {
	m := dense(t)[0]
	for _, method := range []string{"full", "lora", "qlora"} {
		for _, checkpointing := range []string{"none", "full"} {
			for _, accum := range []int64{1, 4} {
				req := estimator.Request{
					Model: m, Method: estimator.Method{ID: method}, Device: estimator.Device{GPU: gpu(t, "a100-80gb-sxm")},
					Training: estimator.Training{MicroBatch: 2, SeqLen: 512, GradAccum: accum, Checkpointing: checkpointing},
				}
				rep, err := estimator.Estimate(req)
				if err != nil {
					t.Fatal(err)
				}
				for _, most := range []int{1, 7, 200, 1 << 20} {
					checkTimeline(t, req, rep, most)
				}
			}
		}
	}
}

func checkTimeline(t *testing.T, req estimator.Request, rep estimator.Report, most int) {
	t.Helper()
	list, err := estimator.Timeline(req, most)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 || len(list) > most {
		t.Fatalf("%d moments of at most %d", len(list), most)
	}
	peak, at, last := int64(0), "", 0.0
	for _, m := range list {
		sum := int64(0)
		for _, c := range m.Breakdown {
			sum += c.Bytes
			if c.Bytes < 0 {
				t.Fatalf("negative %s at %s", c.Category, m.Place)
			}
		}
		if sum != m.Bytes {
			t.Fatalf("%s: parts sum to %d of %d", m.Place, sum, m.Bytes)
		}
		if m.Bytes > peak {
			peak, at = m.Bytes, m.Place
		}
		if m.Seconds < last-1e-12 {
			t.Fatalf("%s: %g s after %g s", m.Place, m.Seconds, last)
		}
		last = m.Seconds
	}
	if peak != rep.Memory.AllocatedBytes || at != rep.Memory.PeakAt {
		t.Errorf("%s %s, %d moments: peak %d at %s, the report says %d at %s", req.Method.ID, req.Training.Checkpointing, most, peak, at, rep.Memory.AllocatedBytes, rep.Memory.PeakAt)
	}
	if last > rep.Throughput.StepSeconds*(1+1e-9) {
		t.Errorf("the last moment is at %g s of %g s", last, rep.Throughput.StepSeconds)
	}
}

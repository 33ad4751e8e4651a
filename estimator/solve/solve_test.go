package solve_test

import (
	"math/rand/v2"
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/solve"
	"github.com/vramcalc/vramcalc/estimator/sweep"
	"github.com/vramcalc/vramcalc/presets"
)

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

func request(t testing.TB, r *rand.Rand) (req estimator.Request) {
	t.Helper()
	m, err := presets.Model(pick(r, "llama-7b", "qwen2.5-0.5b", "gpt2", "mistral-7b"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := presets.GPU(pick(r, "rtx-4060", "rtx-4090", "a100-40gb-sxm", "h100"))
	if err != nil {
		t.Fatal(err)
	}
	req.Model, req.Device = m, estimator.Device{GPU: g}
	req.Method.ID = pick(r, "full", "lora", "qlora")
	req.Training.Checkpointing = pick(r, "none", "full")
	req.Training.Loss = pick(r, "standard", "fused")
	req.Training.SeqLen = 256 << r.IntN(3)
	return req
}

// TestEdge estimates the value and the next one of random requests anew: the
// one fits, the other does not or is refused.
func TestEdge(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	bounds := []solve.Bound{0, 0.01, 0.5, 0.95}
	for i := range 60 { // each setting under each bound
		req := request(t, r)
		setting := solve.Settings()[i%3]
		if setting == "lora-rank" && req.Method.ID == "full" {
			continue
		}
		bound := bounds[i/3%4]
		probes := 0
		e, err := solve.Largest(req, setting, bound, func(r estimator.Request, d []estimator.Device) ([]estimator.Report, []error) {
			probes++
			return estimator.Verdicts(r, d)
		}, estimator.EstimateAll)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s %s %s bound %v: %d after %d probes (%v)", req.Model.ID, req.Method.ID, setting, bound, e.Value, probes, e.Refusal)
		if e.Next != e.Value+1 {
			t.Errorf("%s: %d fits, and %d is the next", setting, e.Value, e.Next)
		}
		if e.Report != nil && e.Report.Memory.AtLeast || e.NextReport != nil && e.NextReport.Memory.AtLeast {
			t.Errorf("%s: the evidence is no full estimate", setting)
		}
		at := map[string]*int64{"micro-batch": &req.Training.MicroBatch, "seq-len": &req.Training.SeqLen, "lora-rank": &req.Method.LoRARank}[setting]
		*at = e.Next
		if rep, err := estimator.Estimate(req); err == nil && bound.Holds(rep) {
			t.Errorf("%s %d of %s fits too", setting, e.Next, req.Model.ID)
		}
		if e.Value == 0 {
			continue
		}
		*at = e.Value
		if rep, err := estimator.Estimate(req); err != nil || !bound.Holds(rep) {
			t.Errorf("%s %d of %s does not fit: %v", setting, e.Value, req.Model.ID, err)
		}
	}
}

func TestLargestRefuses(t *testing.T) {
	req := request(t, rand.New(rand.NewPCG(1, 1)))
	req.Method.ID = "full"
	if _, err := solve.Largest(req, "lora-rank", 0, estimator.Verdicts, estimator.EstimateAll); err == nil {
		t.Error("full has a largest rank")
	}
	if _, err := solve.Largest(req, "layers", 0, estimator.Verdicts, estimator.EstimateAll); err == nil {
		t.Error("layers are a setting")
	}
}

func TestFront(t *testing.T) {
	cell := func(bytes int64, speed float64) sweep.Cell {
		return sweep.Cell{Report: estimator.Report{Memory: estimator.Memory{DeviceBytes: bytes}, Throughput: &estimator.Throughput{TokensPerSecond: speed}}}
	}
	front := solve.Front([]sweep.Cell{cell(5, 50), cell(3, 10), cell(4, 9), cell(3, 12), cell(5, 50), cell(9, 49), cell(9, 60), {}})
	want := [][2]float64{{3, 12}, {5, 50}, {9, 60}}
	if len(front) != len(want) {
		t.Fatalf("%d cells on the front, want %d", len(front), len(want))
	}
	for i, c := range front {
		if float64(c.Report.Memory.DeviceBytes) != want[i][0] || c.Report.Throughput.TokensPerSecond != want[i][1] {
			t.Errorf("place %d: %d bytes, %v tokens/s", i, c.Report.Memory.DeviceBytes, c.Report.Throughput.TokensPerSecond)
		}
	}
}

func BenchmarkLargestMicroBatch(b *testing.B) {
	req := request(b, rand.New(rand.NewPCG(3, 3)))
	for ; b.Loop(); req.Training.SeqLen++ { // so that no replay is remembered
		if _, err := solve.Largest(req, "micro-batch", 0, estimator.Verdicts, estimator.EstimateAll); err != nil {
			b.Fatal(err)
		}
	}
}

package residuals

import (
	"bytes"
	"flag"
	"math"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
)

var update = flag.Bool("update", false, "rewrite estimator/zz_bands.go")

// judgedRows judges the committed rows, once for all tests.
var judgedRows = sync.OnceValues(func() (Result, error) {
	d, err := Read(os.DirFS(".."))
	return Judge(d), err
})

func result(t *testing.T) Result {
	t.Helper()
	r, err := judgedRows()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestBandsAreInStep holds the tables that reports take their bands from
// against the residuals of today's estimates.
func TestBandsAreInStep(t *testing.T) {
	const file = "../../estimator/zz_bands.go"
	got, err := Source(Bands(result(t).Residuals))
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s was made from other residuals than today's estimates have (make golden refreshes it)", file)
	}
}

// leastHeld is the share of held-out rows that a 90 % band has to hold. More
// than 95 % is too wide, which the tables show and no test forbids.
const leastHeld = 0.85

// TestHeldOutCoverage leaves out one source at a time.
func TestHeldOutCoverage(t *testing.T) {
	for _, h := range Coverage(result(t).Residuals) {
		share := float64(h.Inside) / float64(h.Rows)
		if h.Source != "" {
			t.Logf("%s without %s: %d of %d rows inside (%.0f %%)", h.Kind, h.Source, h.Inside, h.Rows, 100*share)
			continue
		}
		t.Logf("%s: %d of %d held-out rows inside (%.1f %%)", h.Kind, h.Inside, h.Rows, 100*share)
		if share < leastHeld {
			t.Errorf("%s bands hold %.1f %% of held-out rows, want %.0f %%", h.Kind, 100*share, 100*leastHeld)
		}
	}
}

// TestEveryRowIsAccountedFor: a row has residuals, an outcome, or a reason.
func TestEveryRowIsAccountedFor(t *testing.T) {
	d, err := Read(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	r := result(t)
	seen := map[string]bool{}
	for _, x := range r.Residuals {
		seen[x.ID] = true
		if math.IsNaN(x.Error) || math.IsInf(x.Error, 0) || x.Family == "" || x.Method == "" || x.Size == "" || x.Trainer == "" {
			t.Errorf("%s %s: %+v", x.ID, x.Figure, x)
		}
	}
	for _, k := range append(r.Refused, r.Apart...) {
		seen[k.ID] = true
		if k.Reason == "" {
			t.Errorf("%s: left out without a reason", k.ID)
		}
	}
	for _, o := range r.Outcomes {
		seen[o.ID] = true
	}
	for _, run := range d.Published {
		if !seen[run.ID] {
			t.Errorf("%s: in no table", run.ID)
		}
	}
	if n := r.Parameters.Rows + len(r.Refused); n < len(d.References) {
		t.Errorf("%d references, %d judged", len(d.References), n)
	}
}

func TestStats(t *testing.T) {
	s := Of([]Residual{{Error: -0.1}, {Error: 0.3}, {Error: 0.02}, {Error: -0.04}})
	for name, x := range map[string][2]float64{
		"median": {s.MedianAbs, 0.07}, "mean": {s.MeanAbs, 0.115}, "90 %": {s.P90Abs, 0.24}, "max": {s.MaxAbs, 0.3}, "bias": {s.Bias, -0.01},
	} {
		if math.Abs(x[0]-x[1]) > 1e-12 {
			t.Errorf("%s = %v, want %v", name, x[0], x[1])
		}
	}
	if Of(nil) != (Stats{}) {
		t.Error("statistics of nothing")
	}
}

func TestWorstIsSortedByDistance(t *testing.T) {
	w := Worst([]Residual{{ID: "a", Error: 0.1}, {ID: "b", Error: -0.3}, {ID: "c", Error: 0.2}}, 2)
	if len(w) != 2 || w[0].ID != "b" || w[1].ID != "c" {
		t.Errorf("%+v", w)
	}
	if len(Worst(nil, 5)) != 0 {
		t.Error("worst of nothing")
	}
}

const ownRow = `{"request":{"model":"llama-2-7b","method":"lora","precision":"bf16","weights_dtype":"bf16","adapter_dtype":"fp32",` +
	`"lora_rank":8,"lora_targets":["q_proj"],"micro_batch":1,"seq_len":512,"grad_accum":2,"optimizer":"adamw","checkpointing":"none",` +
	`"attention":"sdpa","loss":"standard","trainer":"hf"},"card":{"name":"NVIDIA A100-SXM4-80GB"},` +
	`"peak_bytes":16000000000,"reserved_bytes":16500000000,"process_bytes":17000000000,"step_seconds":0.25}`

// TestOwnRuns: a row of validation/torch/gpu_runs.py is held against four
// figures, and a run that failed is said.
func TestOwnRuns(t *testing.T) {
	first, err := os.ReadFile("../torch/references/gpt2.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	folder := fstest.MapFS{
		"torch/references/gpt2.jsonl": {Data: first[:bytes.IndexByte(first, '\n')+1]},
		"published/runs.jsonl":        {},
		"published/excluded.jsonl":    {Data: []byte("{}\n{}\n")},
		"torch/measured.jsonl":        {Data: []byte(ownRow + "\n" + `{"request":{"model":"gpt2"},"failed":true}` + "\n")},
	}
	d, err := Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	r := Judge(d)
	own := Pick(r.Residuals, func(x Residual) bool { return x.Set == Own })
	if len(own) != 4 || len(r.Refused) != 1 || r.Excluded != 2 || r.Rows[References] != 1 {
		t.Fatalf("%d residuals of own runs, refused %v, %d excluded, rows %v", len(own), r.Refused, r.Excluded, r.Rows)
	}
	for _, x := range own {
		if math.Abs(x.Error) > 0.5 || x.GPU == "" || x.Standing != Strict {
			t.Errorf("%+v", x)
		}
	}
	if speed := own[3]; speed.Figure != Speed || speed.Measured != 4096 {
		t.Errorf("the speed is %v, want 2 × 512 tokens in 0.25 s", speed.Measured)
	}
}

// TestReadSaysWhatIsMissing names the file.
func TestReadSaysWhatIsMissing(t *testing.T) {
	if _, err := Read(fstest.MapFS{}); err == nil {
		t.Error("no error without references")
	}
	row := []byte("{}\n")
	if _, err := Read(fstest.MapFS{"torch/references/a.jsonl": {Data: row}}); err == nil {
		t.Error("no error without published runs")
	}
}

// TestOtherEnginesCountNowhere: a row whose program is not PyTorch has its own
// standing, which no bar and no band counts.
func TestOtherEnginesCountNowhere(t *testing.T) {
	r := result(t)
	others := Pick(r.Residuals, func(x Residual) bool { return x.Standing == OtherEngine })
	if len(others) == 0 {
		t.Fatal("no row of another engine")
	}
	without := r
	without.Residuals = Pick(r.Residuals, func(x Residual) bool { return x.Standing != OtherEngine })
	if !slices.Equal(Bars(r), Bars(without)) {
		t.Error("a bar counts rows of another engine")
	}
	for _, x := range others {
		if x.Trainer != "llmq" || banded(SpeedBand, x) {
			t.Errorf("%s: trainer %s", x.ID, x.Trainer)
		}
	}
}

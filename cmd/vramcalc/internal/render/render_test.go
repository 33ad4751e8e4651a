package render

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/validation/residuals"
	"gopkg.in/yaml.v3"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// sample is a report written by hand: the renderers are tested without the
// engine. Its breakdown sums to its allocated bytes.
func sample(edit func(*estimator.Report)) estimator.Report {
	r := estimator.Report{
		Model:  estimator.ModelInfo{ID: "toy-7b", Name: "Toy 7B", Parameters: 6738415616},
		Method: estimator.MethodInfo{ID: "qlora", TrainableParameters: 4194304, AdapterFileBytes: 16777216},
		Training: estimator.TrainingInfo{
			Trainer: "hf@5", MicroBatch: 1, SeqLen: 2048, GradAccum: 4, Precision: "bf16-mixed",
			WeightsDType: "bfloat16", AdapterDType: "float32", Quant: "nf4", DoubleQuant: true,
			Optimizer: "adamw", Checkpointing: "full", Attention: "sdpa", Loss: "standard",
			LoRARank: 8, LoRAAlpha: 16, LoRATargets: []string{"q_proj", "v_proj"},
		},
		Assumptions: []estimator.Assumption{
			{Setting: "--optimizer", Value: "adamw", Because: "hf@5: the default of transformers' TrainingArguments"},
			{Setting: "--lora-targets", Value: "q_proj,v_proj", Because: "PEFT's default for llama | mistral;\nsecond line of a reason that goes on for longer than one line of a terminal holds"},
		},
		Device: estimator.DeviceInfo{
			ID: "card-24", Name: "Card 24 <GB>", Count: 1, CapacityBytes: 25377636352,
			CapacitySource: "total memory as a CUDA process sees it",
		},
		Memory: estimator.Memory{
			AllocatedBytes: 6442450944, ReservedBytes: 6979321856, DeviceBytes: 7516192768,
			Band:   estimator.MemoryBand{LowBytes: 7301444403, HighBytes: 7838315315, Basis: "12 measured QLoRA runs"},
			PeakAt: "backward, loss.upcast", ContextBytes: 536870912, ContextSource: "Ada, CUDA 12.8",
			Breakdown: []estimator.Category{
				{Category: "weights", Bytes: 3758096384},
				{Category: "quantization_constants", Bytes: 120000000},
				{Category: "adapters", Bytes: 16777216},
				{Category: "gradients", Bytes: 0},
				{Category: "optimizer_states", Bytes: 33554432},
				{Category: "activations", Bytes: 1610612736},
				{Category: "logits_and_loss", Bytes: 903377408},
				{Category: "inputs", Bytes: 32768},
			},
			Phases: []estimator.Phase{
				{Phase: "forward", PeakBytes: 5368709120, PeakAt: "lm_head", EndBytes: 5368709120},
				{Phase: "backward", PeakBytes: 6442450944, PeakAt: "loss.upcast", EndBytes: 3925868544},
				{Phase: "step", PeakBytes: 3959422976, PeakAt: "adamw", EndBytes: 3925868544},
			},
		},
		Throughput: &estimator.Throughput{
			StepSeconds: 2.5, TokensPerSecond: 3276.8, SamplesPerSecond: 1.6, TokensPerSecondTotal: 3276.8,
			FLOPsPerStep: 1.75e14, MFU: 0.4123, HFU: 0.5511, BoundBy: "compute",
			Parts: []estimator.TimePart{
				{Part: "forward", Seconds: 0.75}, {Part: "backward", Seconds: 1.7}, {Part: "optimizer_step", Seconds: 0.05},
			},
			Band: estimator.ThroughputBand{LowTokensPerSecond: 2900, HighTokensPerSecond: 3600, Basis: "9 measured runs"},
		},
		Fit: &estimator.Fit{Fits: true, HeadroomBytes: 17861443584, Verdict: estimator.Fits, Probability: 0.998},
		Findings: []estimator.Finding{
			{Severity: "warning", Code: "truncated", Message: "the sequence is longer than the model's 1024 positions", Hint: "--seq-len 1024"},
		},
	}
	if edit != nil {
		edit(&r)
	}
	return r
}

func tooBig(r *estimator.Report) {
	r.Device = estimator.DeviceInfo{ID: "card-6", Name: "Card 6", Count: 1, CapacityBytes: 6442450944}
	r.Fit = &estimator.Fit{Fits: false, HeadroomBytes: -1073741824, Verdict: estimator.DoesNotFit}
}

func tight(r *estimator.Report) {
	r.Device = estimator.DeviceInfo{ID: "card-7", Name: "Card 7", Count: 2, CapacityBytes: 7623566950}
	r.Fit = &estimator.Fit{Fits: true, HeadroomBytes: 107374182, Verdict: estimator.Tight, Probability: 0.61}
	r.Throughput.TokensPerSecondTotal = 6400
}

func tooTight(r *estimator.Report) {
	r.Device = estimator.DeviceInfo{ID: "card-7", Name: "Card 7", Count: 1, CapacityBytes: 7408818586}
	r.Fit = &estimator.Fit{HeadroomBytes: -107374182, Verdict: estimator.Tight, Probability: 0.37}
}

func noDevice(r *estimator.Report) {
	r.Device, r.Fit, r.Throughput, r.Findings = estimator.DeviceInfo{}, nil, nil, []estimator.Finding{}
}

var someChanges = []estimator.Change{
	{Flags: "--checkpointing full", DeviceBytesDelta: -12025908429, SpeedRatio: 0.76, Fits: true, ResultDeviceBytes: 5368709120},
	{Flags: "--loss chunked", DeviceBytesDelta: -903377408, SpeedRatio: 1.01, ResultDeviceBytes: 6612815360},
	{Flags: "--micro-batch 1 --grad-accum 4", DeviceBytesDelta: -503377408, ResultDeviceBytes: 7012815360},
}

var someDerivations = []estimator.Derivation{
	{
		Quantity: "weights", Formula: "Σ linear in·out/2 + embeddings V·h·2", Values: "6476005376/2 + 32000·4096·2",
		Result: "3.50 GiB", Source: "bitsandbytes 0.50, functional.py: two 4-bit values in a byte",
	},
	{Quantity: "adapters", Result: "0.02 GiB"},
}

func plans() map[string]Plan {
	return map[string]Plan{
		"fits":      {Answers: []Answer{{Report: sample(nil)}}},
		"too-big":   {Answers: []Answer{{Report: sample(tooBig), Changes: someChanges}}},
		"tight":     {Answers: []Answer{{Report: sample(tight), Changes: someChanges, Derivations: someDerivations}}},
		"too-tight": {Answers: []Answer{{Report: sample(tooTight)}}},
		"no-device": {Answers: []Answer{{Report: sample(noDevice)}}},
		"several": {
			Answers: []Answer{{Report: sample(tooBig), Changes: someChanges[:1]}, {Report: sample(tight)}, {Report: sample(nil)}},
			Focus:   1,
			Refused: []Refusal{{ID: "old-card", Name: "Old Card", CapacityBytes: 7000000000, Reason: "it has no bfloat16"}},
		},
	}
}

func documents() map[string]Document {
	docs := map[string]Document{
		"accuracy": someAccuracy(),
		"list": Catalogue{
			Key: "models",
			Records: []Record{
				{{Key: "id", Value: "toy-7b"}, {Key: "parameters", Value: int64(6738415616), Text: "6.74 B"}, {Key: "aliases", Value: []string{"toy", "a|b"}}},
				{{Key: "id", Value: "no"}, {Key: "parameters"}, {Key: "aliases"}},
			},
			Columns: []Shown{{"id", Column{Title: "id"}}, {"parameters", Column{Title: "parameters", Right: true}}, {"aliases", Column{Title: "also", Wide: true}}},
		},
		"sheet": Sheet{
			Key: "gpu", Title: "Card 24",
			Record: Record{
				{Key: "id", Label: "id", Value: "card-24"},
				{Key: "bf16", Label: "bfloat16", Value: true},
				{Key: "bandwidth_bytes_per_second", Label: "bandwidth", Value: 1.008e12, Text: "1.01 TB/s"},
				{Key: "price_usd", Label: "price", Value: nil},
				{Key: "rates", Label: "rates", Value: Record{{Key: "fp16", Value: 1.65e14}}, Text: "165 TFLOP/s"},
			},
		},
	}
	for name, p := range plans() {
		docs[name] = p
	}
	return docs
}

// someAccuracy is a small set of rows of every kind.
func someAccuracy() Accuracy {
	row := residuals.Residual{
		ID: "fms-toy-lora-b4", Set: residuals.Published, Source: "fms", Figure: residuals.Device, Standing: residuals.Strict,
		Family: "toy", Method: "lora", Class: estimator.AdapterRuns, Trainer: "hf@4.45", GPU: "card-24", Size: "4 to 16 GiB",
		Measured: 8 << 30, Estimated: 9 << 30, Error: 0.125,
	}
	fast := row
	fast.Figure, fast.Standing, fast.Measured, fast.Estimated, fast.Error = residuals.Speed, residuals.Gap, 2000, 1500, -0.25
	fast.Reason = "kernels of its own, which a request has no words for | and a long reason besides"
	ref := residuals.Residual{
		ID: "toy.jsonl:1 toy full", Set: residuals.References, Source: "toy", Figure: residuals.Allocated, Standing: residuals.Strict,
		Family: "toy", Method: "full", Trainer: "hf", Size: "under 4 GiB", Measured: 1e9, Estimated: 1e9 + 1, Error: 1e-9,
	}
	return Accuracy{residuals.Summarize(residuals.Result{
		Rows:     map[residuals.Set]int{residuals.References: 1, residuals.Published: 2, residuals.Own: 1},
		Excluded: 7, Parameters: residuals.Exact{Rows: 1, Exact: 1},
		Residuals: []residuals.Residual{row, fast, ref},
		Outcomes: []residuals.Outcome{
			{ID: "fms-toy-lora-b4", Ran: true, Fits: true, Verdict: estimator.Fits, Probability: 0.99},
			{ID: "fms-toy-lora-b8", Ran: true, Verdict: estimator.DoesNotFit},
			{ID: "fms-toy-lora-b9", Verdict: estimator.Fits, Fits: true, Probability: 0.97, Reason: "rank not stated"},
		},
		Refused: []residuals.Kept{{ID: "old-1", Reason: "the card has no bfloat16"}},
		Apart:   []residuals.Kept{{ID: "full-1", Figure: residuals.Reserved, Measured: 8 << 30, Estimated: 10 << 30, Reason: "the card was full"}},
	}, 2)}
}

func render(t *testing.T, f Format, page Page, d Document) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, f, page, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	for name, d := range documents() {
		for _, f := range Formats() {
			page := Page{Width: 80}
			if Format(f) == Wide {
				page.Width = 120
			}
			golden(t, name+"."+f, render(t, Format(f), page, d))
		}
	}
	golden(t, "tight.colour", render(t, Table, Page{Width: 80, Color: true}, plans()["tight"]))
	golden(t, "several.narrow", render(t, Table, Page{Width: 48}, plans()["several"]))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (make golden rewrites it after a wanted change); got:\n%s", path, got)
	}
}

func TestNoLineIsWiderThanThePage(t *testing.T) {
	for name, d := range documents() {
		for _, f := range []Format{Table, Wide} {
			for w := 40; w <= 130; w++ {
				for i, l := range strings.Split(render(t, f, Page{Width: w, Color: w%2 == 0}, d), "\n") {
					if got := width(l); got > w {
						t.Errorf("%s as %s on %d columns: line %d has %d: %q", name, f, w, i+1, got, l)
					}
				}
			}
		}
	}
}

func TestColourOnlyRepeatsTheWords(t *testing.T) {
	for name, d := range documents() {
		bare := render(t, Table, Page{Width: 80}, d)
		if strings.Contains(bare, "\x1b") {
			t.Errorf("%s: escape codes without colour", name)
		}
		coloured := render(t, Table, Page{Width: 80, Color: true}, d)
		if got := stripSGR(coloured); got != bare {
			t.Errorf("%s: without its colours the text differs:\n%s\nwant\n%s", name, got, bare)
		}
	}
}

func stripSGR(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "\x1b[")
		if i < 0 {
			return b.String() + s
		}
		b.WriteString(s[:i])
		s = s[i+strings.IndexByte(s[i:], 'm')+1:]
	}
}

func TestJSONRoundTrip(t *testing.T) {
	want := plans()["tight"]
	var got struct {
		SchemaVersion int      `json:"schema_version"`
		Reports       []Answer `json:"reports"`
	}
	dec := json.NewDecoder(strings.NewReader(render(t, JSON, Page{}, want)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.SchemaVersion != SchemaVersion || len(got.Reports) != 1 {
		t.Fatalf("got schema %d with %d reports", got.SchemaVersion, len(got.Reports))
	}
	again := render(t, JSON, Page{}, Plan{Answers: got.Reports})
	if first := render(t, JSON, Page{}, want); again != first {
		t.Errorf("not the same after a round trip:\n%s\nwant\n%s", again, first)
	}
}

func TestYAMLIsTheSameData(t *testing.T) {
	for name, d := range documents() {
		var fromJSON, fromYAML any
		if err := json.Unmarshal([]byte(render(t, JSON, Page{}, d)), &fromJSON); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal([]byte(render(t, YAML, Page{}, d)), &fromYAML); err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(fromJSON)
		b, _ := json.Marshal(fromYAML)
		if !bytes.Equal(a, b) {
			t.Errorf("%s: YAML\n%s\nJSON\n%s", name, b, a)
		}
	}
}

func TestCSVHasOneRowPerReport(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(render(t, CSV, Page{}, plans()["several"]))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 4 {
		t.Errorf("got %d lines, want a header and 3 rows", len(rows))
	}
}

func TestNaNIsAnErrorThatWritesNothing(t *testing.T) {
	p := Plan{Answers: []Answer{{Report: sample(func(r *estimator.Report) { r.Throughput.MFU = math.NaN() })}}}
	for _, f := range []Format{JSON, YAML} {
		var b bytes.Buffer
		if err := Write(&b, f, Page{}, p); err == nil || b.Len() > 0 {
			t.Errorf("%s: error %v, %d bytes written", f, err, b.Len())
		}
	}
}

func TestMarkdownCellsStayInTheirCells(t *testing.T) {
	g := Grid{Columns: []Column{{Title: "a|b"}, {Title: "c"}}, Rows: [][]Span{{plain("x|y\nz"), plain(`\|`)}}}
	var b bytes.Buffer
	if err := MarkdownGrid(&b, g); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("got %d lines, want 3:\n%s", len(lines), b.String())
	}
	for _, l := range lines {
		bare := strings.ReplaceAll(strings.ReplaceAll(l, `\\`, ""), `\|`, "")
		if n := strings.Count(bare, "|"); n != 3 {
			t.Errorf("%q has %d cell borders, want 3", l, n)
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	if err := Write(&bytes.Buffer{}, "xml", Page{}, Plan{}); err == nil {
		t.Error("no error")
	}
}

func TestQuantities(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{GiB(0), "0.00 GiB"},
		{GiB(1), "<0.01 GiB"},
		{GiB(-1), "−<0.01 GiB"},
		{GiB(1 << 30), "1.00 GiB"},
		{GiB(-3 << 29), "−1.50 GiB"},
		{GiB(81559 << 20), "79.65 GiB"},
		{signed(GiB(1 << 30)), "+1.00 GiB"},
		{signed(percent(-0.24)), "−24 %"},
		{signed(percent(-0.001)), "±0 %"},
		{signed(percent(0.1)), "+10 %"},
		{signed(GiB(0)), "±0.00 GiB"},
		{Significant(0), "0"},
		{Significant(0.01234), "0.0123"},
		{Significant(9.996), "10.0"},
		{Significant(99.96), "100"},
		{Significant(13512.4), "13512"},
		{Duration(0.0123), "12.3 ms"},
		{Duration(0.00000123), "1.23 µs"},
		{Duration(2.5), "2.50 s"},
		{Duration(300), "5.00 min"},
		{Scaled(1.75e14), "175 T"},
		{Count(6738415616), "6.74 B"},
		{Count(4194304), "4.19 M"},
		{Count(12345), "12.3 k"},
		{Count(7), "7"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

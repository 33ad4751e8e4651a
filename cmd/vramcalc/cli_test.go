package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/presets"
)

var update = flag.Bool("update", false, "rewrite the golden files, the README's examples and the docs' tables")

// standIn is an engine whose answer is easily told: every step needs 12 GiB.
var standIn = answer.Engine{
	Estimate: each(func(r estimator.Request) (estimator.Report, error) {
		if r.Training.Precision == "bf16" && !r.Device.GPU.SupportsBF16 {
			return estimator.Report{}, &estimator.SettingError{Setting: "precision", Value: "bf16", Problem: "the card has no bfloat16", Hint: "take fp16"}
		}
		capacity, source := r.Device.GPU.Capacity()
		const need = 12 << 30
		return estimator.Report{
			Model:    estimator.ModelInfo{ID: r.Model.ID, Name: r.Model.Name, Parameters: r.Model.Parameters},
			Method:   estimator.MethodInfo{ID: r.Method.ID},
			Training: estimator.TrainingInfo{MicroBatch: r.Training.MicroBatch, LoRATargets: r.Method.LoRATargets, DoubleQuant: r.Method.DoubleQuant != nil && *r.Method.DoubleQuant},
			Device:   estimator.DeviceInfo{ID: r.Device.GPU.ID, Name: r.Device.GPU.Name, Count: max(1, r.Device.Count), CapacityBytes: capacity, CapacitySource: source},
			Memory: estimator.Memory{
				AllocatedBytes: need, ReservedBytes: need, DeviceBytes: need,
				Breakdown: []estimator.Category{{Category: "weights", Bytes: need}},
			},
			Fit: &estimator.Fit{Fits: capacity >= need, HeadroomBytes: capacity - need, Verdict: verdict(capacity >= need)},
		}, nil
	}),
	Changes: func(estimator.Request, estimator.Report) []estimator.Change {
		return []estimator.Change{{Flags: "--checkpointing full", DeviceBytesDelta: -1 << 30}}
	},
	Explain: func(estimator.Request) ([]estimator.Derivation, error) {
		return []estimator.Derivation{{Quantity: "weights", Result: "12 GiB"}}, nil
	},
}

// each asks an answer for one request on every device.
func each(answer func(estimator.Request) (estimator.Report, error)) func(estimator.Request, []estimator.Device) ([]estimator.Report, []error) {
	return func(r estimator.Request, devices []estimator.Device) ([]estimator.Report, []error) {
		reports, errs := make([]estimator.Report, len(devices)), make([]error, len(devices))
		for i, d := range devices {
			r.Device = d
			reports[i], errs[i] = answer(r)
		}
		return reports, errs
	}
}

func verdict(fits bool) string {
	if fits {
		return estimator.Fits
	}
	return estimator.DoesNotFit
}

// result is what one run left behind.
type result struct {
	stdout, stderr string
	status         int
}

// call runs the program with the stand-in engine and the given environment
// variables ("NAME=value").
func call(t *testing.T, terminal bool, vars []string, args ...string) result {
	t.Helper()
	return callWith(environment{terminal: terminal, local: noGPU, engine: standIn, models: presetOnly}, vars, args...)
}

// presetOnly finds models without the disk and the network.
func presetOnly(_ context.Context, name string, _ func(string) string) (model.Model, error) {
	return presets.Model(name)
}

func callWith(env environment, vars []string, args ...string) result {
	env.getenv = func(name string) string {
		for _, v := range vars {
			if rest, ok := strings.CutPrefix(v, name+"="); ok {
				return rest
			}
		}
		return ""
	}
	if env.engine.Verdicts == nil { // a stand-in's estimates are its verdicts
		env.engine.Verdicts, env.engine.Floors = env.engine.Estimate, env.engine.Estimate
	}
	var out, errs bytes.Buffer
	status := run(args, strings.NewReader(""), &out, &errs, env)
	return result{out.String(), errs.String(), status}
}

// complete is a whole question for the stand-in engine.
var complete = []string{"plan", "--model", "llama-7b", "--method", "lora"}

func ask(more ...string) []string { return append(append([]string{}, complete...), more...) }

func TestExitStatus(t *testing.T) {
	for _, c := range []struct {
		want int
		args []string
	}{
		{exitDone, nil},
		{exitDone, []string{"--help"}},
		{exitDone, []string{"plan", "--help"}},
		{exitDone, []string{"version"}},
		{exitDone, ask()},
		{exitDone, ask("--gpu", "rtx-4060")},
		{exitDone, ask("--check")},
		{exitDone, ask("--gpu", "rtx-4090", "--check")},
		{exitTooBig, ask("--gpu", "rtx-4060", "--check")},
		{exitTooBig, ask("--gpu", "rtx-4090,rtx-4060", "--check", "-o", "json")},
		{exitFailed, []string{"models", "no such model at all"}},
		{exitFailed, []string{"gpus", "zzzz"}},
		{exitUsage, []string{"plan"}},
		{exitUsage, []string{"models", "show"}},
	} {
		if got := call(t, false, nil, c.args...); got.status != c.want {
			t.Errorf("%q: status %d, want %d; stderr: %s", c.args, got.status, c.want, got.stderr)
		}
	}
}

// TestErrors shows every kind of wrong question with its answer, in one file
// that a reader can judge.
func TestErrors(t *testing.T) {
	var b strings.Builder
	for _, args := range [][]string{
		{"plann"},
		{"modles", "show", "llama-7b"},
		{"models", "shwo", "llama-7b"},
		{"models", "show"},
		{"models", "show", "lama-7b"},
		{"models", "qwertz"},
		{"gpus", "show", "rtx-4091"},
		{"methods", "lora"},
		{"version", "-o", "yml"},
		{"plan"},
		{"plan", "--model", "llama-7b"},
		ask("--seqlen", "2048"),
		ask("--lora", "8"),
		ask("-x"),
		ask("--seq-len"),
		ask("--seq-len", "many"),
		ask("--seq-len", "0"),
		ask("--micro-batch", "-1"),
		ask("--micro-batch", "1.5"),
		ask("--micro-batch", "99999999999999999999"),
		ask("--micro-batch", "1", "--batch-size", "2"),
		ask("--lora-alpha", "NaN"),
		ask("--lora-alpha", "0"),
		ask("--lora-dropout", "1"),
		ask("--lora-targets", "q_proj,,v_proj"),
		ask("--double-quant=maybe"),
		ask("--precision", ""),
		ask("--precision", "bf16", "--gpu", "t4-16gb"),
		ask("--precision", "bf16", "--gpu", "rtx-4090,t4-16gb"),
		ask("--gpu", "rtx-4091"),
		ask("--gpu", "local"),
		ask("--gpus", "0"),
		ask("--virtual-tokens", "20"),
		ask("--bottleneck", "64"),
		ask("--output", "xml"),
		ask("--explain", "-o", "csv"),
		ask("extra"),
		{"plan", "--model", "lama-7b", "--method", "lora"},
		{"compare"},
		{"compare", "--model", "llama-7b", "--precision", "bf16,bf61"},
		{"compare", "--model", "llama-7b", "--micro-batch", "1,2,1"},
		{"compare", "--model", "llama-7b", "--micro-batch", "1,0"},
		{"compare", "--model", "llama-7b", "--micro-batch", "1,2", "--batch-size", "4"},
		{"compare", "--model", "llama-7b,meta-llama/Llama-2-7b-hf,llama-7b"},
		{"compare", "--model", "llama-7b", "--value", "memroy"},
		{"compare", "--model", "llama-7b", "--value", "tokens/s"},
		{"compare", "--model", "llama-7b", "--gpus", "2"},
		{"compare", "--model", "llama-7b", "--rows", "precison"},
		{"compare", "--model", "llama-7b", "--rows", "method", "--cols", "method"},
		ask("--samples", "10", "--tokens", "20"),
		ask("--epochs", "2"),
		ask("--price", "2"),
		ask("--samples", "9000000000000000000"),
		ask("--samples", "10", "--epochs", "0"),
		ask("--samples", "10", "--price", "-1"),
		{"fit", "--model", "llama-7b"},
		{"fit", "--model", "llama-7b", "--method", "lora", "--max", "seq-len"},
		{"fit", "--model", "llama-7b", "--method", "lora", "--gpu", "h100", "--max", "seqlen"},
		{"fit", "--model", "llama-7b", "--method", "lora", "--gpu", "h100", "--max", "seq-len", "--seq-len", "1024"},
		{"fit", "--model", "llama-7b", "--method", "lora", "--gpu", "h100", "--micro-batch", "1", "--seq-len", "1024"},
		{"fit", "--model", "llama-7b", "--method", "lora", "--gpu", "h100", "--probability", "1"},
		{"fit", "--model", "llama-7b", "--method", "lora", "--pareto"},
		{"fit", "--model", "llama-7b", "--method", "lora", "--gpu", "h100", "--pareto", "--max", "seq-len"},
		{"compare", "--model", "llama-7b", "--cols", "modle"},
		{"compare", "--model", "llama-7b", "--cols", "model"},
		{"compare", "--model", "llama-7b", "--gpu", "loacl"},
		{"fit", "--model", "llama-7b", "--method", "lora", "--gpu", "comon"},
		{"compare", "--model", "llama-7b", "--samples", "1000"},
		{"compare", "--model", "llama-7b", "--gpu", "h100", "--value", "cost"},
		{"compare", "--model", "llama-7b", "--gpu", "h100", "--price", "1"},
		{"compare", "--model", "llama-7b", "--gpu", "none,h100"},
		{"compare", "--model", "llama-7b", "--gpu", "common,h100"},
		{"compare", "--model", "llama-7b", "--quant", "nf5"},
		{"fit", "--model", "llama-7b", "--method", "lora", "--gpu", "h100", "--max", "mode"},
		{"fit", "--model", "llama-7b", "--method", "lora", "--gpu", "h100", "--max", "model"},
		{"fit", "--method", "lora", "--gpu", "h100", "--max", "model,seq-len"},
		{"fit", "--method", "lora", "--max", "model"},
		{"fit", "--method", "lora", "--gpu", "h100"},
		{"fit", "--model", "llama-7b", "--method", "lora", "--gpu", "none"},
		{"fit", "--model", "llama-7b", "--method", "lora", "--gpu", "h100", "--svg", "x.svg"},
		{"fit", "--model", "llama-7b", "--method", "lora", "--gpu", "h100", "--samples", "5", "--tokens", "5"},
		{"fit", "--model", "llama-7b", "--method", "lroa", "--gpu", "h100"},
		{"fit", "--model", "llama-7b", "--method", "lora", "--gpu", "h100", "--probabilty", "0.9"},
		{"trace", "--model", "gpt2", "--method", "lora", "--gpu", "common"},
		{"fit", "--model", "llama-7b", "--method", "lora", "--gpu", "h100", "--pareto", "--svg", "x.svg", "-o", "json"},
		{"fit", "--model", "llama-7b", "--method", "lora", "--gpu", "h100", "--pareto", "--svg", "x.svg"},
		{"trace", "--model", "gpt2", "--method", "lora", "--svg", "x.svg", "-o", "csv"},
		{"trace", "--model", "gpt2", "--method", "lora", "--gpu", "h100", "--chrome", "x.json", "-o", "json"},
		{"compar", "--model", "llama-7b"},
		{"fti", "-x"},
		{"qwertz", "--help-me"},
		{"validate", "--worst", "-1"},
		{"validate", "--data", "testdata"},
		{"validate", "rows"},
		{"docs", "--check", "--diff", "a.md"},
		{"completion", "tcsh"},
		{"hlep"},
		{"help", "copmare"},
		{"help", "models", "shwo"},
		{"compare", "--model", "llama-7b", "--adapter-dtype", "bfloat"},
		{"compare", "--model", "llama-7b", "--weights-dtype", "float16,bfloat16"},
	} {
		got := call(t, false, nil, args...)
		if got.stdout != "" {
			t.Errorf("%q: an error that writes to standard output: %s", args, got.stdout)
		}
		fmt.Fprintf(&b, "$ vramcalc %s\n%sexit status %d\n\n", quoted(args), got.stderr, got.status)
	}
	golden(t, "errors.golden", b.String())
}

func quoted(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		if a == "" {
			a = `""`
		}
		out[i] = a
	}
	return strings.Join(out, " ")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	goldenFile(t, filepath.Join("testdata", name), got)
}

// goldenFile compares got with a file, or writes it with -update.
func goldenFile(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
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

func TestHelpIsGolden(t *testing.T) {
	golden(t, "help.golden", call(t, false, nil).stdout)
	golden(t, "help-plan.golden", call(t, false, nil, "plan", "--help").stdout)
	golden(t, "help-compare.golden", call(t, false, nil, "compare", "--help").stdout)
	golden(t, "help-fit.golden", call(t, false, nil, "fit", "--help").stdout)
	golden(t, "help-validate.golden", call(t, false, nil, "validate", "--help").stdout)
	golden(t, "help-models.golden", call(t, false, nil, "models", "--help").stdout)
}

func TestHelpFitsTheTerminal(t *testing.T) {
	for _, c := range []string{"", "plan", "compare", "fit", "models", "gpus", "methods", "trainers", "validate", "version"} {
		for l := range strings.Lines(call(t, false, nil, append(strings.Fields(c), "--help")...).stdout) {
			if n := len([]rune(strings.TrimRight(l, "\n"))); n > 80 {
				t.Errorf("%s --help: %d columns: %s", c, n, l)
			}
		}
	}
}

func TestColour(t *testing.T) {
	for _, c := range []struct {
		want     bool
		terminal bool
		vars     []string
	}{
		{false, false, nil},
		{true, true, nil},
		{false, true, []string{"NO_COLOR=1"}},
		{true, true, []string{"NO_COLOR="}},
		{false, true, []string{"TERM=dumb"}},
		{true, false, []string{"FORCE_COLOR=1"}},
		{true, false, []string{"FORCE_COLOR=1", "TERM=dumb"}},
		{false, false, []string{"FORCE_COLOR=0"}},
		{false, false, []string{"FORCE_COLOR=1", "NO_COLOR=1"}},
	} {
		got := call(t, c.terminal, c.vars, ask("--gpu", "rtx-4090")...)
		if has := strings.Contains(got.stdout, "\x1b["); has != c.want {
			t.Errorf("terminal %v, %q: colour %v, want %v", c.terminal, c.vars, has, c.want)
		}
	}
	for _, f := range []string{"json", "yaml", "csv", "markdown", "html"} {
		if got := call(t, true, []string{"FORCE_COLOR=1"}, ask("-o", f)...); strings.Contains(got.stdout, "\x1b[") {
			t.Errorf("-o %s has colour", f)
		}
	}
}

func TestEveryCommandInEveryFormat(t *testing.T) {
	for _, args := range [][]string{
		ask(), ask("--gpu", "rtx-4090"),
		{"compare", "--model", "llama-7b"},
		{"compare", "--model", "llama-7b", "--gpu", "rtx-4060,rtx-4090,h100"},
		{"models", "llama"},
		{"models", "show", "llama-7b"},
		{"gpus", "rtx"},
		{"gpus", "show", "h100"},
		{"methods"},
		{"trainers"},
		{"version"},
	} {
		for _, f := range render.Formats() {
			got := call(t, false, nil, append(append([]string{}, args...), "-o", f)...)
			if got.status != exitDone || got.stdout == "" || got.stderr != "" {
				t.Errorf("%q as %s: status %d, %d bytes, stderr %q", args, f, got.status, len(got.stdout), got.stderr)
			}
			if f == "json" && !json.Valid([]byte(got.stdout)) {
				t.Errorf("%q: not JSON: %s", args, got.stdout)
			}
			if f != "table" {
				continue
			}
			for l := range strings.Lines(got.stdout) {
				if n := len([]rune(strings.TrimRight(l, "\n"))); n > 80 {
					t.Errorf("%q: %d columns: %s", args, n, l)
				}
			}
		}
	}
}

func TestWidthFollowsCOLUMNS(t *testing.T) {
	for _, w := range []int{40, 60, 100} {
		got := call(t, false, []string{fmt.Sprintf("COLUMNS=%d", w)}, ask()...)
		for l := range strings.Lines(got.stdout) {
			if n := len([]rune(strings.TrimRight(l, "\n"))); n > w {
				t.Errorf("COLUMNS=%d: %d columns: %s", w, n, l)
			}
		}
	}
}

// reports reads the JSON of a plan.
func reports(t *testing.T, r result) []render.Answer {
	t.Helper()
	var got struct {
		Reports []render.Answer `json:"reports"`
	}
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
		t.Fatalf("%v: %s%s", err, r.stdout, r.stderr)
	}
	return got.Reports
}

func TestFlagsReachTheRequest(t *testing.T) {
	var got estimator.Request
	env := environment{local: noGPU, engine: standIn, models: presetOnly}
	env.engine.Estimate = func(r estimator.Request, devices []estimator.Device) ([]estimator.Report, []error) {
		got = r
		got.Device = devices[0]
		return standIn.Estimate(r, devices)
	}
	r := callWith(env, nil, ask(
		"--gpu", "h100", "--gpus", "4", "--batch-size", "2", "--seq-len", "512", "--grad-accum", "3",
		"--precision", "bf16-mixed", "--weights-dtype", "float32", "--adapter-dtype", "bfloat16",
		"--quant", "nf4", "--double-quant=false", "--optimizer", "sgd", "--checkpointing", "full",
		"--attention", "eager", "--loss", "chunked", "--trainer", "trl@1.6",
		"--lora-rank", "64", "--lora-alpha", "16", "--lora-dropout", "0", "--lora-targets", "q_proj,v_proj",
		"--lora-targets", "o_proj", "--modules-to-save", "lm_head", "--rslora", "--trainable-layers", "2")...)
	if r.status != exitDone {
		t.Fatal(r.stderr)
	}
	off, none := false, 0.0
	want := estimator.Request{
		Model: got.Model,
		Method: estimator.Method{
			ID: "lora", LoRARank: 64, LoRAAlpha: 16, LoRADropout: &none, LoRATargets: []string{"q_proj", "v_proj", "o_proj"},
			RSLoRA: true, ModulesToSave: []string{"lm_head"}, TrainableLayers: 2, Quant: "nf4", DoubleQuant: &off,
		},
		Training: estimator.Training{
			MicroBatch: 2, SeqLen: 512, GradAccum: 3, Precision: "bf16-mixed", WeightsDType: "float32", AdapterDType: "bfloat16",
			Optimizer: "sgd", Checkpointing: "full", Attention: "eager", Loss: "chunked", Trainer: "trl@1.6",
		},
		Device: estimator.Device{GPU: got.Device.GPU, Count: 4},
	}
	if a, b := asJSON(t, got), asJSON(t, want); a != b {
		t.Errorf("got  %s\nwant %s", a, b)
	}
	if got.Model.ID != "llama-7b" || got.Device.GPU.ID == "" {
		t.Errorf("model %q on GPU %q", got.Model.ID, got.Device.GPU.ID)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWithoutGPUACommonCardPerSize(t *testing.T) {
	got := reports(t, call(t, false, nil, ask("-o", "json")...))
	if len(got) != len(question.CommonCards) {
		t.Fatalf("%d reports, want %d", len(got), len(question.CommonCards))
	}
	for i := 1; i < len(got); i++ {
		if got[i].Device.CapacityBytes <= got[i-1].Device.CapacityBytes {
			t.Errorf("%s does not have more memory than %s", got[i].Device.ID, got[i-1].Device.ID)
		}
	}
	table := call(t, false, nil, ask()...).stdout
	if !strings.Contains(table, "Fits 9 of 12 GPUs") || !strings.Contains(table, "In full: Fits GeForce RTX 4060 Ti 16GB") {
		t.Errorf("unexpected table:\n%s", table)
	}
}

func TestGPUsRepeatedOrComma(t *testing.T) {
	got := reports(t, call(t, false, nil, ask("-o", "json", "--gpu", "h100,rtx-4090", "--gpu", "4090", "--gpu", "l4")...))
	var ids []string
	for _, r := range got {
		ids = append(ids, r.Device.ID)
	}
	if s := strings.Join(ids, " "); s != "h100-80gb-sxm rtx-4090 l4-24gb" {
		t.Errorf("got %s", s)
	}
}

func TestChangesOnlyWhereThereIsLittleRoom(t *testing.T) {
	if got := reports(t, call(t, false, nil, ask("-o", "json", "--gpu", "h100")...)); len(got[0].Changes) != 0 {
		t.Errorf("changes although there is room: %+v", got[0].Changes)
	}
	if got := reports(t, call(t, false, nil, ask("-o", "json", "--gpu", "rtx-4060")...)); len(got[0].Changes) != 1 {
		t.Errorf("no changes although it does not fit")
	}
}

func TestRefusedCardsAreSaid(t *testing.T) {
	env := environment{local: noGPU, engine: standIn, models: presetOnly}
	env.engine.Estimate = func(r estimator.Request, devices []estimator.Device) ([]estimator.Report, []error) {
		reports, errs := standIn.Estimate(r, devices)
		for i, d := range devices {
			if d.GPU.ID == "rtx-4060" {
				errs[i] = &estimator.SettingError{Setting: "loss", Value: "fused", Problem: "not here"}
			}
		}
		return reports, errs
	}
	for _, f := range render.Formats() {
		got := callWith(env, nil, ask("-o", f)...)
		if got.status != exitDone || !strings.Contains(got.stdout+got.stderr, "not here") {
			t.Errorf("-o %s does not say why a card is out: %+v", f, got)
		}
	}
	if got := callWith(env, nil, ask("--gpu", "rtx-4060,h100")...); got.status != exitUsage || !strings.Contains(got.stderr, "rtx-4060: --loss") {
		t.Errorf("a named card that refuses: %+v", got)
	}
}

func TestCompletion(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"plan", "--model", "llama-7"}, "llama-7b"},
		{[]string{"plan", "--gpu", "rtx-4090,h100-80gb-s"}, "rtx-4090,h100-80gb-sxm"},
		{[]string{"plan", "--gpu", "loc"}, "local"},
		{[]string{"plan", "--method", "ql"}, "qlora"},
		{[]string{"plan", "--precision", "bf16-"}, "bf16-mixed"},
		{[]string{"plan", "--checkpointing", "f"}, "full"},
		{[]string{"plan", "-o", "js"}, "json"},
		{[]string{"models", "show", "llama-7"}, "llama-7b"},
		{[]string{"gpus", "show", "rtx-4090"}, "rtx-4090d"},
	} {
		got := call(t, false, nil, append([]string{"__complete"}, c.args...)...)
		found := false
		for l := range strings.Lines(got.stdout) {
			found = found || strings.TrimSpace(l) == c.want
		}
		if !found {
			t.Errorf("%q completes to %q, want %s among them", c.args, got.stdout, c.want)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := call(t, false, nil, "completion", shell); got.status != exitDone || got.stdout == "" {
			t.Errorf("completion %s: %+v", shell, got.stderr)
		}
	}
}

func TestValidateLooksForItsRows(t *testing.T) {
	t.Chdir(t.TempDir())
	got := call(t, false, nil, "validate")
	if got.status != exitFailed || !strings.Contains(got.stderr, "no folder validation") || !strings.Contains(got.stderr, "--data") {
		t.Errorf("status %d: %s", got.status, got.stderr)
	}
}

func TestValidateJSON(t *testing.T) {
	got := call(t, false, nil, "validate", "-o", "json", "--worst", "1")
	var doc struct {
		Schema   int `json:"schema_version"`
		Accuracy struct {
			Tables []struct{ Groups []struct{ Rows int } }
			Worst  []struct{ Rows []struct{ ID string } }
			Bars   []struct{ What string }
		}
	}
	if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Schema != 1 || len(doc.Accuracy.Tables) == 0 || len(doc.Accuracy.Bars) == 0 || len(doc.Accuracy.Worst) == 0 {
		t.Errorf("schema %d, %d tables, %d bars, %d lists of the worst", doc.Schema, len(doc.Accuracy.Tables), len(doc.Accuracy.Bars), len(doc.Accuracy.Worst))
	}
	for _, w := range doc.Accuracy.Worst {
		if len(w.Rows) != 1 {
			t.Errorf("%d of the worst, want 1", len(w.Rows))
		}
	}
}

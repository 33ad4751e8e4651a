package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
)

func TestFitIsGolden(t *testing.T) {
	goldenIn(t, shipped, []string{"table", "csv", "markdown"}, map[string]string{ // the other formats: TestEveryFormatIsGolden
		"fit":        "fit --model gpt2 --method lora,qlora --gpu rtx-4060,rtx-4090 --max micro-batch,seq-len --probability 0.9",
		"fit-gpu":    "fit --model llama-7b --method full,lora,qlora",
		"fit-pareto": "fit --model llama-7b --method lora --gpu a100-40gb-sxm --pareto",
		"fit-model":  "fit --method lora,qlora --gpu rtx-4090,h100 --max model --micro-batch 1",
	})
}

func BenchmarkFit(b *testing.B) {
	benchmarkRun(b, "lora-rank", 8, "fit", "--model", "llama-7b", "--method", "qlora", "--gpu", "rtx-4090")
}

func TestRunIsGolden(t *testing.T) {
	for _, f := range render.Formats() {
		got := callWith(shipped(), nil, strings.Fields("plan --model llama-7b --method qlora --gpu rtx-4090 --samples 52002 --epochs 3 -o "+f)...)
		if got.status != exitDone {
			t.Fatal(got.stderr)
		}
		if f == "table" || f == "json" {
			_, from, ok := strings.Cut(got.stdout, map[string]string{"table": "The whole run\n", "json": "\"run\": {\n"}[f])
			if !ok {
				t.Fatalf("-o %s says nothing of the run", f)
			}
			to := strings.Index(from, map[string]string{"table": "\n\n", "json": "}"}[f])
			golden(t, "run."+f+".golden", from[:to]+"\n")
		}
	}
	bare := callWith(shipped(), nil, strings.Fields("plan --model llama-7b --method qlora --gpu rtx-4060 --samples 10")...)
	if !strings.Contains(bare.stdout, "no rental price of") {
		t.Errorf("a card without a price: %s", bare.stdout)
	}
}

// TestSmallerIsPlan asks plan for what fit found, with the flags that it names.
func TestSmallerIsPlan(t *testing.T) {
	const question = "--model llama-7b --method full"
	var doc struct {
		Answers []struct {
			Smaller struct {
				Changes []string
				Report  map[string]json.RawMessage
				Run     json.RawMessage
			}
		}
	}
	got := callWith(shipped(), nil, strings.Fields("fit "+question+" --samples 1000 -o json")...)
	if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil || len(doc.Answers) != 1 || len(doc.Answers[0].Smaller.Changes) == 0 {
		t.Fatalf("%v: %s%s", err, got.stdout, got.stderr)
	}
	smaller := doc.Answers[0].Smaller
	var device struct{ ID string }
	if err := json.Unmarshal(smaller.Report["device"], &device); err != nil {
		t.Fatal(err)
	}
	var plan struct {
		Reports []map[string]json.RawMessage
	}
	args := "plan " + question + " --samples 1000 --gpu " + device.ID + " " + strings.Join(smaller.Changes, " ") + " -o json"
	alone := callWith(shipped(), nil, strings.Fields(args)...)
	if err := json.Unmarshal([]byte(alone.stdout), &plan); err != nil {
		t.Fatalf("%s: %v: %s", args, err, alone.stderr)
	}
	if compact(t, smaller.Run) != compact(t, plan.Reports[0]["run"]) {
		t.Errorf("%s: the run is %s, fit says %s", args, plan.Reports[0]["run"], smaller.Run)
	}
	for key, want := range plan.Reports[0] {
		if key != "changes" && key != "run" && compact(t, smaller.Report[key]) != compact(t, want) {
			t.Errorf("%s: %s: fit says %s\nplan says %s", args, key, smaller.Report[key], want)
		}
	}
}

// TestFitRefused: where no combination has an answer, the first refusal is the
// answer, as with compare.
func TestFitRefused(t *testing.T) {
	for _, args := range []string{
		"--model gpt2 --gpu rtx-4090", "--model gpt2", "--gpu rtx-4090 --max model",
	} {
		got := callWith(shipped(), nil, strings.Fields("fit --method lora --trainer nobody,noone "+args)...)
		if got.status != exitUsage || got.stdout != "" || !strings.Contains(got.stderr, `--trainer "nobody"`) {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

// TestFitSaysTheProbabilityAsked: no rounding makes it another question.
func TestFitSaysTheProbabilityAsked(t *testing.T) {
	for x, want := range map[string]string{"0.995": "99.5", "0.9725": "97.25", "0.07": "7"} {
		got := callWith(shipped(), nil, strings.Fields("fit --model gpt2 --method lora --gpu h100 --probability "+x)...)
		if !strings.Contains(got.stdout, "at least "+want+" %") {
			t.Errorf("--probability %s: %s%s", x, got.stdout, got.stderr)
		}
	}
}

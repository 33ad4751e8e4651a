package main

import (
	"strings"
	"testing"

	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
)

func TestFitIsGolden(t *testing.T) {
	for name, args := range map[string]string{
		"fit":        "fit --model gpt2 --method lora,qlora --gpu rtx-4060,rtx-4090 --max micro-batch,seq-len --probability 0.9",
		"fit-gpu":    "fit --model llama-7b --method full,lora,qlora",
		"fit-pareto": "fit --model llama-7b --method lora --gpu a100-40gb-sxm --pareto",
	} {
		for _, f := range render.Formats() {
			got := callWith(shipped(), nil, append(strings.Fields(args), "-o", f)...)
			if got.status != exitDone {
				t.Fatalf("%q: %s", args, got.stderr)
			}
			if f == "table" || f == "csv" || f == "markdown" {
				golden(t, name+"."+f+".golden", got.stdout)
			}
			for l := range strings.Lines(got.stdout) {
				if n := len([]rune(strings.TrimRight(l, "\n"))); f == "table" && n > 80 {
					t.Errorf("%q: %d columns: %s", args, n, l)
				}
			}
		}
	}
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

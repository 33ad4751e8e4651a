package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
)

// mixedGrid has cells that fit, that do not, and that make no sense.
var mixedGrid = strings.Fields("compare --model llama-7b --method full,lora,qlora --precision bf16,fp16-mixed" +
	" --quant none,nf4 --micro-batch 1,4 --lora-rank 16 --gpu rtx-4090")

func TestCompareIsGolden(t *testing.T) {
	for name, args := range map[string][]string{
		"compare":         mixedGrid,
		"compare-default": {"compare", "--model", "llama-7b"},
		"compare-narrow":  append(strings.Fields("compare --model llama-7b --precision bf16 --cols gpu --gpu"), "rtx-4090,l40s-48gb,a100-80gb-sxm,h100-80gb-sxm,h200-141gb-sxm,b200-180gb-sxm"),
		"compare-list":    strings.Fields("compare --model llama-7b --method lora --precision bf16 --gpu h100 --value memory,fit,tokens/s,step-time,mfu"),
	} {
		for _, f := range render.Formats() {
			if f != "table" && name != "compare" || f == "json" || f == "yaml" {
				continue // these are held against plan's
			}
			got := callWith(shipped(), nil, append(append([]string{}, args...), "-o", f)...)
			if got.status != exitDone {
				t.Fatalf("%q: %s", args, got.stderr)
			}
			golden(t, name+"."+f+".golden", got.stdout)
		}
	}
}

// TestCompareIsPlan asks plan for every cell of a grid.
func TestCompareIsPlan(t *testing.T) {
	var doc struct {
		Cells []map[string]json.RawMessage
	}
	got := callWith(shipped(), nil, append(append([]string{}, mixedGrid...), "-o", "json")...)
	if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Cells) != 24 {
		t.Fatalf("%d cells, want 24", len(doc.Cells))
	}
	refused := 0
	for _, cell := range doc.Cells {
		var settings map[string]string
		if err := json.Unmarshal(cell["settings"], &settings); err != nil {
			t.Fatal(err)
		}
		args := []string{"plan", "--model", "llama-7b", "-o", "json"}
		if settings["method"] != "full" {
			args = append(args, "--lora-rank", "16")
		}
		for name, value := range settings {
			args = append(args, "--"+name, value)
		}
		alone := callWith(shipped(), nil, args...)
		if cell["error"] != nil {
			refused++
			if alone.status != exitUsage {
				t.Errorf("%q: compare refuses what plan answers: %s", args, cell["error"])
			}
			continue
		}
		var plan struct {
			Reports []map[string]json.RawMessage
		}
		if err := json.Unmarshal([]byte(alone.stdout), &plan); err != nil {
			t.Fatalf("%q: %v: %s", args, err, alone.stderr)
		}
		for key, want := range plan.Reports[0] {
			if key != "changes" && compact(t, cell[key]) != compact(t, want) {
				t.Errorf("%q: %s: compare says %s\nplan says %s", args, key, cell[key], want)
			}
		}
	}
	if refused != 8 {
		t.Errorf("%d cells are refused, want the 4 of full with nf4 and the 4 of qlora without", refused)
	}
}

func compact(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return asJSON(t, v)
}

func TestCompareWhereAllCellsAreRefused(t *testing.T) {
	got := callWith(shipped(), nil, strings.Fields("compare --model llama-7b --method full --quant nf4")...)
	if got.status != exitUsage || !strings.Contains(got.stderr, "quantized weights can't train") {
		t.Errorf("status %d: %s", got.status, got.stderr)
	}
}

func BenchmarkCompare90Cells(b *testing.B) {
	benchmarkRun(b, "seq-len", 2048, "compare", "--model", "llama-7b")
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/presets"
)

// questions are one of every kind of answer of compare and fit.
var questions = []string{
	"compare --model llama-7b --method full,lora,qlora --gpu rtx-4090",
	"compare --model llama-7b --method lora --precision bf16 --micro-batch 1,2 --gpu rtx-4060,h100 --samples 52002 --epochs 3",
	"compare --model llama-7b --method lora --precision bf16 --micro-batch 1,2 --gpu h100 --value memory,fit,probability,headroom,duration,gpu-hours,cost,energy --samples 100",
	"fit --model llama-7b --method full,lora,qlora --gpu rtx-4090,h100 --tokens 1000000",
	"fit --method full,lora --gpu rtx-4090,h100 --max model",
	"fit --model llama-7b --method full,lora --samples 100",
	"fit --model llama-7b --method full,lora --gpu rtx-4090 --pareto --samples 100",
}

// columns is the width of a line in a terminal: CJK takes two columns a sign.
func columns(line string) (n int) {
	for _, r := range strings.TrimRight(line, "\n") {
		if n++; r >= 0x2E80 && r <= 0x9FFF || r >= 0xAC00 && r <= 0xD7A3 || r >= 0xF900 && r <= 0xFAFF || r >= 0xFF00 && r <= 0xFF60 {
			n++
		}
	}
	return n
}

func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	for _, q := range questions {
		for _, w := range []int{40, 60, 80, 100, 200} {
			got := callWith(plainly(), []string{fmt.Sprintf("COLUMNS=%d", w)}, strings.Fields(q)...)
			if got.status != exitDone {
				t.Fatalf("%s: %s", q, got.stderr)
			}
			for l := range strings.Lines(got.stdout) {
				if n := columns(l); n > w {
					t.Errorf("%s, COLUMNS=%d: %d columns: %s", q, w, n, l)
				}
			}
		}
	}
}

func TestColourOfComparisonsAndFits(t *testing.T) {
	for _, q := range questions {
		for _, c := range []struct {
			terminal bool
			vars     []string
			want     bool
		}{
			{true, nil, true},
			{false, nil, false},
			{true, []string{"NO_COLOR=1"}, false},
			{true, []string{"TERM=dumb"}, false},
		} {
			env := plainly()
			env.terminal = c.terminal
			got := callWith(env, c.vars, strings.Fields(q)...)
			if strings.Contains(got.stdout, "\x1b") != c.want {
				t.Errorf("%s, %+v: colour is %v", q, c, !c.want)
			}
			if plain := callWith(plainly(), nil, strings.Fields(q)...).stdout; uncoloured(got.stdout) != plain {
				t.Errorf("%s: colour changes the words", q)
			}
		}
		for _, f := range []string{"json", "yaml", "csv", "markdown", "html"} {
			env := plainly()
			env.terminal = true
			if got := callWith(env, []string{"FORCE_COLOR=1"}, append(strings.Fields(q), "-o", f)...); strings.Contains(got.stdout, "\x1b") {
				t.Errorf("%s -o %s has colour", q, f)
			}
		}
	}
}

func uncoloured(s string) string {
	for _, code := range []string{"0", "1", "2", "31", "32", "33"} {
		s = strings.ReplaceAll(s, "\x1b["+code+"m", "")
	}
	return s
}

// chinese finds two presets under names of wide characters.
func chinese(_ context.Context, name string, _ func(string) string) (model.Model, error) {
	m, err := presets.Model(map[string]string{"千问-小": "qwen2.5-0.5b", "通义千问-七十亿-对话": "llama-7b"}[name])
	m.ID, m.Name = name, "模型 "+name
	return m, err
}

// TestWideCharactersAlign: a column of Chinese names is as straight as one of
// Latin ones, in text of any width and in Markdown's source.
func TestWideCharactersAlign(t *testing.T) {
	env := plainly()
	env.models = chinese
	for _, q := range []string{
		"compare --model 千问-小,通义千问-七十亿-对话 --method lora --precision bf16 --micro-batch 1,8 --gpu rtx-4090",
		"compare --model 千问-小,通义千问-七十亿-对话 --method lora,qlora --precision bf16 --micro-batch 1 --rows method --gpu rtx-4090",
		"fit --model 千问-小,通义千问-七十亿-对话 --method lora --gpu rtx-4090 --max micro-batch",
		"fit --model 千问-小,通义千问-七十亿-对话 --method lora",
	} {
		for _, w := range []int{48, 64, 80} {
			got := callWith(env, []string{fmt.Sprintf("COLUMNS=%d", w)}, strings.Fields(q)...)
			if got.status != exitDone || !strings.Contains(got.stdout, "千问") {
				t.Fatalf("%s: %+v", q, got)
			}
			ends := map[int]int{} // where numbers with two decimals end
			for l := range strings.Lines(got.stdout) {
				if columns(l) > w {
					t.Errorf("%s, COLUMNS=%d: %d columns: %s", q, w, columns(l), l)
				}
				if !strings.HasPrefix(l, "  ") || !strings.Contains(l, "千问") {
					continue
				}
				for i := range l {
					if strings.HasPrefix(l[i:], ".") && i+3 < len(l) && l[i+3] == ' ' {
						ends[columns(l[:i])]++
						break
					}
				}
			}
			for at, n := range ends {
				if n < 2 && len(ends) > 1 {
					t.Errorf("%s, COLUMNS=%d: a number ends at column %d alone:\n%s", q, w, at, got.stdout)
				}
			}
		}
		got := callWith(env, nil, append(strings.Fields(q), "-o", "markdown")...)
		bars := []int(nil)
		for l := range strings.Lines(got.stdout) {
			if !strings.HasPrefix(l, "|") {
				bars = nil
				continue
			}
			var here []int
			for i, r := range l {
				if r == '|' {
					here = append(here, columns(l[:i]))
				}
			}
			if bars != nil && fmt.Sprint(bars) != fmt.Sprint(here) {
				t.Errorf("%s: bars at %v, above at %v: %s", q, here, bars, l)
			}
			bars = here
		}
	}
}

// The keys of compare and fit that scripts rely on.
const (
	stableCompareKeys = `schema_version axes cells.0.settings.micro-batch cells.0.model.id cells.0.memory.device_bytes
		cells.0.fit.fits cells.0.throughput.tokens_per_second cells.0.run.seconds cells.0.run.gpu_hours
		cells.0.run.low_usd cells.0.run.high_usd cells.0.run.price_date cells.0.run.price_source cells.0.run.most_kwh
		cells.0.run.steps cells.0.run.tokens cells.0.run.samples cells.0.run.epochs cells.0.run.low_seconds cells.0.run.high_seconds`
	stableEdgeKeys = `schema_version bound.by axes answers.0.settings answers.0.edge.setting answers.0.edge.value
		answers.0.edge.report.memory.device_bytes answers.0.edge.next answers.0.edge.next_report.memory.device_bytes answers.0.run.seconds`
	stableModelKeys = `bound.by bound.probability answers.0.setting answers.0.model_edge.report.model.id
		answers.0.model_edge.next_report.model.id answers.0.model_edge.larger answers.0.model_edge.not_judged`
	stableCardKeys  = `answers.0.report.device.id answers.0.smaller.changes answers.0.smaller.report.device.id answers.0.smaller.run.seconds answers.0.run.seconds`
	stableFrontKeys = `answers.0.settings.checkpointing answers.0.report.memory.device_bytes answers.0.report.throughput.tokens_per_second answers.0.run.seconds`
)

func TestStableJSONOfCompareAndFit(t *testing.T) {
	for args, keys := range map[string]string{
		"compare --model llama-7b --method lora --precision bf16 --micro-batch 1,2 --gpu h100 --samples 100": stableCompareKeys,
		"fit --model llama-7b --method lora --gpu h100 --max micro-batch --samples 100":                      stableEdgeKeys,
		"fit --method lora --gpu h100 --max model --probability 0.9":                                         stableModelKeys,
		"fit --model llama-7b --method lora --micro-batch 1 --seq-len 40000 --samples 100":                   stableCardKeys,
		"fit --model llama-7b --method lora --gpu h100 --pareto --samples 100":                               stableFrontKeys,
	} {
		var doc any
		got := callWith(plainly(), nil, append(strings.Fields(args), "-o", "json")...)
		if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil {
			t.Fatalf("%s: %v: %s", args, err, got.stderr)
		}
		for _, path := range strings.Fields(keys) {
			at := doc
			for key := range strings.SplitSeq(path, ".") {
				if list, ok := at.([]any); ok && key == "0" && len(list) > 0 {
					at = list[0]
					continue
				}
				object, _ := at.(map[string]any)
				at = object[key]
			}
			if at == nil {
				t.Errorf("%s: the JSON has lost %s", args, path)
			}
		}
	}
}

func TestStableFlagsOfCompareAndFit(t *testing.T) {
	for name, more := range map[string]string{
		"compare": "rows cols value samples tokens epochs price file",
		"fit":     "max pareto svg probability samples tokens epochs price file",
	} {
		cmd, _, err := newRoot(&app{}).Find([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		for _, flag := range strings.Fields(more + " model method gpu gpus micro-batch batch-size seq-len grad-accum precision quant optimizer checkpointing attention loss trainer lora-rank output") {
			if cmd.Flag(flag) == nil {
				t.Errorf("%s has lost --%s", name, flag)
			}
		}
	}
	for _, m := range strings.Fields("memory allocated reserved fit headroom probability tokens/s samples/s step-time mfu hfu duration gpu-hours cost energy") {
		if !strings.Contains(" "+strings.Join(render.Measures(), " ")+" ", " "+m+" ") {
			t.Errorf("compare has lost --value %s", m)
		}
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
	"github.com/vramcalc/vramcalc/estimator"
)

// root is the repository, seen from this package.
const root = "../.."

// shipped is the program as users have it, away from the network.
func shipped() environment {
	return environment{
		local:  noGPU,
		engine: answer.Estimator,
		models: presetOnly,
	}
}

// TestExamplesInDocs runs every "$ vramcalc …" in a console block of the
// documentation and compares what follows with what it prints.
func TestExamplesInDocs(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md")) {
		old, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		refreshed := refreshExamples(t, string(old))
		if refreshed == string(old) {
			continue
		}
		if !*update {
			t.Errorf("%s shows other output than vramcalc prints now (make golden refreshes it):\n%s", name, firstDifference(string(old), refreshed))
			continue
		}
		if err := os.WriteFile(name, []byte(refreshed), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// refreshExamples replaces the output of each example by what it prints now.
func refreshExamples(t *testing.T, text string) string {
	var out strings.Builder
	console, example := false, false
	for l := range strings.Lines(text) {
		bare := strings.TrimRight(l, "\n")
		if strings.HasPrefix(bare, "```") {
			console, example = bare == "```console", false
		}
		command, isCommand := strings.CutPrefix(bare, "$ ")
		if console && isCommand {
			args, ours := strings.CutPrefix(command, programName+" ")
			example = ours
			out.WriteString(l)
			if ours {
				got := callWith(shipped(), nil, strings.Fields(args)...)
				if got.status != exitDone && got.status != exitTooBig {
					t.Errorf("%s: status %d: %s", bare, got.status, got.stderr)
				}
				out.WriteString(got.stdout + got.stderr)
			}
			continue
		}
		if !example {
			out.WriteString(l)
		}
	}
	return out.String()
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return "- " + x[i] + "\n+ " + y[i]
		}
	}
	return "one is longer than the other"
}

// The table of docs/plan-llama-7b.md.
const (
	tableCard     = "h100-80gb-sxm"
	tableSettings = "--seq-len 1024 --checkpointing full"
	tableIntro    = `# Llama 7B: what each way of training it takes

Made by vramcalc itself; ` + "`make golden`" + ` refreshes it and a test compares it. Every
row is

    vramcalc plan --model llama-7b --method M --precision P --micro-batch B ` + tableSettings + `

with all else left to the default trainer. Sizes are in GiB (2³⁰ bytes);
[definitions.md](definitions.md) says what the three memory figures and the
speed mean. Device memory and tokens/s are those of one H100 80GB SXM; a dash
means that the step does not fit it. The last column is the smallest of the
common cards (what ` + "`plan`" + ` shows without ` + "`--gpu`" + `) that the step fits.

`
)

// TestTableOfLlama7B makes the table of methods, precisions and micro-batches.
func TestTableOfLlama7B(t *testing.T) {
	g := render.Grid{Columns: []render.Column{
		{Title: "method"},
		{Title: "precision"},
		{Title: "micro-batch", Right: true},
		{Title: "allocated", Right: true},
		{Title: "reserved", Right: true},
		{Title: "device", Right: true},
		{Title: "tokens/s", Right: true},
		{Title: "smallest common card"},
	}}
	for _, method := range []string{"full", "lora", "qlora"} {
		for _, precision := range []string{"fp32", "fp16", "bf16", "bf16-mixed"} {
			for _, batch := range []string{"1", "4", "16"} {
				g.Rows = append(g.Rows, tableRow(t, method, precision, batch))
			}
		}
	}
	var b bytes.Buffer
	b.WriteString(tableIntro)
	if err := render.MarkdownGrid(&b, g); err != nil {
		t.Fatal(err)
	}
	goldenFile(t, filepath.Join(root, "docs", "plan-llama-7b.md"), b.String())
}

// tableRow is the table's row for one way of training.
func tableRow(t *testing.T, method, precision, batch string) []render.Span {
	t.Helper()
	args := append([]string{
		"plan", "-o", "json", "--model", "llama-7b", "--method", method, "--precision", precision, "--micro-batch", batch,
	}, strings.Fields(tableSettings)...)
	got := callWith(shipped(), nil, args...)
	var doc struct{ Reports []estimator.Report }
	if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil {
		t.Fatalf("%q: %v: %s", args, err, got.stderr)
	}
	row := []string{method, precision, batch, "", "", "", "–", "none"}
	for i := len(doc.Reports) - 1; i >= 0; i-- {
		r := doc.Reports[i]
		if r.Fit != nil && r.Fit.Fits {
			row[7] = r.Device.Name
		}
		if r.Device.ID != tableCard {
			continue
		}
		for j, bytes := range []int64{r.Memory.AllocatedBytes, r.Memory.ReservedBytes, r.Memory.DeviceBytes} {
			row[3+j] = strings.TrimSuffix(render.GiB(bytes), " GiB")
		}
		if r.Throughput != nil && r.Fit != nil && r.Fit.Fits {
			row[6] = render.Significant(r.Throughput.TokensPerSecond)
		}
	}
	cells := make([]render.Span, len(row))
	for i, s := range row {
		cells[i].Text = s
	}
	return cells
}

const accuracyIntro = `# How far off vramcalc is

Made by vramcalc itself, with ` + "`vramcalc validate -o markdown`" + `; ` + "`make golden`" + ` refreshes it and a
test compares it. [definitions.md](definitions.md) says what the figures are,
[validation/README.md](../validation/README.md) where the rows come from and how to
make more.

`

// TestAccuracyDoc makes the tables of measured steps beside their estimates.
func TestAccuracyDoc(t *testing.T) {
	got := callWith(shipped(), nil, "validate", "-o", "markdown")
	if got.status != exitDone {
		t.Fatal(got.stderr)
	}
	goldenFile(t, filepath.Join(root, "docs", "accuracy.md"), accuracyIntro+got.stdout)
}

package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func traceOf(t *testing.T, more ...string) result {
	t.Helper()
	return callWith(shipped(), nil, append([]string{"trace", "--model", "smollm2-135m", "--method", "lora", "--seq-len", "128", "--micro-batch", "1"}, more...)...)
}

func TestTraceTable(t *testing.T) {
	got := traceOf(t, "--gpu", "rtx-4090")
	if got.status != exitDone {
		t.Fatal(got.stderr)
	}
	golden(t, "trace.golden", got.stdout)
}

func TestTraceFormats(t *testing.T) {
	for _, format := range []string{"wide", "json", "yaml", "csv", "markdown", "html"} {
		if got := traceOf(t, "-o", format); got.status != exitDone || !strings.Contains(got.stdout, "softmax") {
			t.Errorf("-o %s: %+v", format, got.stderr)
		}
	}
}

// TestChromeTrace: operations follow each other without gap or overlap, and
// every layer is there.
func TestChromeTrace(t *testing.T) {
	var doc struct {
		Events []struct {
			Name, Ph string
			Ts       float64
			Dur      *float64
			Args     map[string]any
		} `json:"traceEvents"`
	}
	got := traceOf(t, "--gpu", "rtx-4090", "--chrome", "-")
	if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil {
		t.Fatal(err, got.stderr)
	}
	end, layers, counters := 0.0, map[float64]bool{}, 0
	for _, e := range doc.Events {
		switch e.Ph {
		case "X":
			if e.Ts < end-1e-3 || e.Ts > end+1e-3 {
				t.Fatalf("%s begins at %g µs, the one before ends at %g", e.Name, e.Ts, end)
			}
			if e.Dur == nil {
				t.Fatalf("%s has no dur, and the format asks for one", e.Name)
			}
			end = e.Ts + *e.Dur
			layers[e.Args["layer"].(float64)] = true
		case "C":
			counters++
		}
	}
	if counters == 0 || !layers[0] || !layers[29] {
		t.Errorf("%d counters, layers %v", counters, layers)
	}
}

// TestChromeTraceOfSeveralMicroBatches: the operations are those of the last,
// where the counter has it.
func TestChromeTraceOfSeveralMicroBatches(t *testing.T) {
	var doc struct {
		Events []struct {
			Ph      string
			Ts, Dur float64
		} `json:"traceEvents"`
	}
	got := traceOf(t, "--gpu", "rtx-4090", "--grad-accum", "3", "--chrome", "-")
	if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil {
		t.Fatal(err, got.stderr)
	}
	ends := map[string]float64{}
	for _, e := range doc.Events {
		ends[e.Ph] = max(ends[e.Ph], e.Ts+e.Dur)
	}
	if d := ends["X"] - ends["C"]; d < -1e-3 || d > 1e-3 {
		t.Errorf("operations end at %g µs, memory at %g", ends["X"], ends["C"])
	}
}

func TestTimelineDrawing(t *testing.T) {
	for _, more := range [][]string{{"--svg", "-"}, {"--svg", "-", "--gpu", "rtx-4090"}, {"--svg", "-", "--gpu", "h100", "--checkpointing", "full"}} {
		got := traceOf(t, more...)
		d := xml.NewDecoder(strings.NewReader(got.stdout))
		for {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%q: %v", more, err)
			}
		}
		if !strings.Contains(got.stdout, "peak ") || strings.Contains(got.stdout, "NaN") {
			t.Errorf("%q: no peak, or no numbers", more)
		}
	}
}

func TestTraceIntoAFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "step.svg")
	if got := traceOf(t, "--svg", name); got.status != exitDone || got.stdout != "" {
		t.Fatalf("%+v", got)
	}
	text, err := os.ReadFile(name)
	if err != nil || !strings.HasPrefix(string(text), "<svg") {
		t.Errorf("%.40s, %v", text, err)
	}
	if got := traceOf(t, "--svg", filepath.Join(name, "x")); got.status != exitFailed {
		t.Errorf("a folder that is none: %+v", got)
	}
}

func TestTraceQuestionsThatMakeNoSense(t *testing.T) {
	for _, more := range [][]string{{"--svg", "-", "--chrome", "-"}, {"--chrome", "-"}, {"--gpu", "h100,l4"}} {
		if got := traceOf(t, more...); got.status != exitUsage || !strings.Contains(got.stderr, "hint:") {
			t.Errorf("%q: %+v", more, got)
		}
	}
}

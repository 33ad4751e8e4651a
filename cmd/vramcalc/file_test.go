package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func requestFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "vramcalc.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestSaveAndRead: what --save wrote asks the same question.
func TestSaveAndRead(t *testing.T) {
	said := []string{
		"plan", "--model", "llama-7b", "--method", "lora", "--gpu", "h100,rtx-4090", "--micro-batch", "2", "--seq-len", "512", "--lora-rank", "16",
		"--lora-targets", "q_proj,v_proj", "--lora-dropout", "0.05", "--rslora", "--precision", "bf16-mixed", "--quant", "none", "-o", "json",
	}
	want := callWith(shipped(), nil, said...)
	if want.status != exitDone {
		t.Fatal(want.stderr)
	}
	saved := callWith(shipped(), nil, append(said, "--save")...)
	if saved.status != exitDone || !strings.Contains(saved.stdout, "lora-targets: q_proj,v_proj") {
		t.Fatalf("%+v", saved)
	}
	got := callWith(shipped(), nil, "plan", "-f", requestFile(t, saved.stdout))
	if got.stdout != want.stdout {
		t.Errorf("the saved file asks another question: %s", got.stderr)
	}
	name := filepath.Join(t.TempDir(), "out.yaml")
	if got := callWith(shipped(), nil, append(said, "--save="+name)...); got.status != exitDone || got.stdout != "" {
		t.Errorf("%+v", got)
	}
	if text, err := os.ReadFile(name); err != nil || string(text) != saved.stdout {
		t.Errorf("%s, %v", text, err)
	}
}

func TestFlagsOverrideTheFile(t *testing.T) {
	name := requestFile(t, "model: llama-7b\nmethod: lora\nmicro-batch: 2\ngpu: [h100]\n")
	for flag, want := range map[string]string{"--micro-batch": `"micro_batch": 4`, "--batch-size": `"micro_batch": 4`} {
		got := callWith(shipped(), nil, "plan", "-f", name, "-o", "json", flag, "4")
		if got.status != exitDone || !strings.Contains(got.stdout, want) {
			t.Errorf("%s: %+v", flag, got.stderr)
		}
	}
}

func TestFileErrors(t *testing.T) {
	for text, want := range map[string]string{
		"modle: llama-7b\n":               `vramcalc.yaml:1: unknown key "modle"`,
		"model: llama-7b\nmicro-batch: 0": "vramcalc.yaml:2: --micro-batch \"0\": want a whole number",
		"check: true":                     "unknown key",
		"svg: x":                          "unknown key",
		"- a":                             "vramcalc.yaml:1: want lines",
	} {
		got := callWith(shipped(), nil, "plan", "-f", requestFile(t, text))
		if got.status != exitUsage || !strings.Contains(got.stderr, want) {
			t.Errorf("%q: %+v", text, got)
		}
	}
	if got := callWith(shipped(), nil, "plan", "-f", "/none/vramcalc.yaml"); got.status != exitFailed {
		t.Errorf("%+v", got)
	}
	if got := callWith(shipped(), nil, "plan", "--save"); got.status != exitUsage {
		t.Errorf("%+v", got)
	}
}

func TestEveryQuestionTakesAFile(t *testing.T) {
	name := requestFile(t, "model: smollm2-135m\nmethod: lora\nseq-len: 128\ngpu: rtx-4090\n")
	for _, command := range []string{"plan", "compare", "fit", "trace"} {
		if got := callWith(shipped(), nil, command, "-f", name); got.status != exitDone || !strings.Contains(got.stdout, "SmolLM2") {
			t.Errorf("%s: %+v", command, got)
		}
	}
}

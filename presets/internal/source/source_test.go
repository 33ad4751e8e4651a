package source

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the tables of package presets")

// TestTablesAreInStep holds the tables that the program looks names up in
// against the YAML files.
func TestTablesAreInStep(t *testing.T) {
	for _, c := range []struct {
		file, variable string
		read           func([]byte) (any, error)
	}{
		{"models.yaml", "modelTable", func(text []byte) (any, error) { return Models(text) }},
		{"gpus.yaml", "gpuTable", func(text []byte) (any, error) { return GPUs(text) }},
	} {
		text, err := os.ReadFile("../../" + c.file)
		if err != nil {
			t.Fatal(err)
		}
		list, err := c.read(text)
		if err != nil {
			t.Fatalf("%s: %v", c.file, err)
		}
		name := "../../zz_" + strings.TrimSuffix(c.file, ".yaml")
		checkTable(t, name+".go", c.file, func() ([]byte, error) { return Go(c.variable, c.file, "!js", false, list) })
		checkTable(t, name+"_js.go", c.file, func() ([]byte, error) { return Go(c.variable, c.file, "js", true, list) })
	}
}

// checkTable holds a generated file in step, or rewrites it.
func checkTable(t *testing.T, table, file string, make func() ([]byte, error)) {
	t.Helper()
	got, err := make()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(table, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s does not hold what %s says (make golden refreshes it)", table, file)
	}
}

func TestUnknownKeyIsAnError(t *testing.T) {
	const text = "- id: one\n- id: two\n  layerz: 3\n"
	_, err := Models([]byte(text))
	if err == nil || !strings.Contains(err.Error(), "layerz") || !strings.Contains(err.Error(), `id "two", at line 2`) {
		t.Errorf("err = %v, want it to name the key and the entry", err)
	}
	if _, err := GPUs([]byte(text)); err == nil {
		t.Error("no error")
	}
	if _, err := Models([]byte("id: one\n")); err == nil {
		t.Error("a mapping passed for a list")
	}
}

func FuzzModels(f *testing.F) {
	f.Add("- id: x\n  details: {a: [1, 2]}\n")
	f.Add("- id: &a [*a]\n")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = Models([]byte(text))
		_, _ = GPUs([]byte(text))
	})
}

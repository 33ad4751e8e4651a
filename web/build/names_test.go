package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestWithoutNames compiles a program, empties its names and cuts it short at
// many places: an error, never a panic.
func TestWithoutNames(t *testing.T) {
	dir := t.TempDir()
	source, out := filepath.Join(dir, "main.go"), filepath.Join(dir, "main.wasm")
	if err := os.WriteFile(source, []byte("package main\n\nfunc aFunctionOfNoUse() { println(\"words stay\") }\n\nfunc main() { aFunctionOfNoUse() }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-gcflags=-l", "-ldflags=-s -w", "-o", out, source)
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "GOFLAGS=")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	wasm, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(wasm)
	short, err := withoutNames(wasm)
	switch {
	case err != nil:
		t.Fatal(err)
	case !bytes.Equal(wasm, before):
		t.Error("the program given was changed")
	case len(short) != len(wasm):
		t.Errorf("%d bytes became %d", len(wasm), len(short))
	case !bytes.Contains(wasm, []byte("main.aFunctionOfNoUse")) || bytes.Contains(short, []byte("main.aFunctionOfNoUse")):
		t.Error("a function has its name still")
	case !bytes.Contains(short, []byte("words stay")):
		t.Error("words of the program are gone")
	}
	for n := range 200 {
		if _, err := withoutNames(wasm[:n*len(wasm)/200]); err == nil {
			t.Errorf("the first %d of 200 parts of a program are one", n)
		}
	}
}

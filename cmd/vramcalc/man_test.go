package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestManPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	if got := callWith(shipped(), nil, "man", dir); got.status != exitDone || got.stdout != "" {
		t.Fatalf("%+v", got)
	}
	page, err := os.ReadFile(filepath.Join(dir, "vramcalc-trace.1"))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "vramcalc-trace.1.golden", string(page))
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(pages) < 15 {
		t.Errorf("%d pages, %v", len(pages), err)
	}
	for _, p := range pages {
		text, err := os.ReadFile(p)
		if err != nil || !strings.HasPrefix(string(text), ".TH VRAMCALC") || !strings.Contains(string(text), ".SH NAME") {
			t.Errorf("%s: %.60q, %v", p, text, err)
		}
	}
	if got := callWith(shipped(), nil, "man"); got.status != exitUsage {
		t.Errorf("no folder: %+v", got)
	}
}

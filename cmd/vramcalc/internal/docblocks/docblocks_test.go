package docblocks

import (
	"bytes"
	"strings"
	"testing"
)

func echo(command string) (string, error) { return "| " + command + " |\n", nil }

func TestRefresh(t *testing.T) {
	for _, doc := range []string{
		"a\n<!-- vramcalc:begin plan x -->\nold\n<!-- vramcalc:end -->\nb",
		"a\r\n// vramcalc:begin plan x\r\n// vramcalc:end\r\n",
		".. vramcalc:begin plan x\n.. vramcalc:end\n",
		"\ufeff<!-- vramcalc:begin plan x -->\n<!-- vramcalc:end -->",
	} {
		once, err := Refresh("f", []byte(doc), false, echo)
		if err != nil || !strings.Contains(string(once), "| plan x |") || strings.Contains(string(once), "old") {
			t.Fatalf("%q: %q, %v", doc, once, err)
		}
		if twice, err := Refresh("f", once, false, echo); err != nil || string(twice) != string(once) {
			t.Errorf("not idempotent: %q then %q, %v", once, twice, err)
		}
		edited := []byte(strings.Replace(string(once), "| plan", "| plam", 1))
		if _, err := Refresh("f", edited, false, echo); err == nil {
			t.Errorf("%q: the edit was not caught", edited)
		}
		if forced, err := Refresh("f", edited, true, echo); err != nil || string(forced) != string(once) {
			t.Errorf("forced: %q, %v", forced, err)
		}
		if strings.Contains(doc, "\r") != strings.Contains(string(once), "|\r\n") {
			t.Errorf("line endings changed: %q", once)
		}
	}
}

func TestHostile(t *testing.T) {
	const begin, end = "<!-- vramcalc:begin plan -->\n", "<!-- vramcalc:end -->\n"
	for doc, want := range map[string]string{
		"x\n" + begin:               "f:2: a block without",
		begin + begin + end:         "f:2: a block begins inside",
		begin + end + end:           "f:3: an end marker",
		"<!-- vramcalc:begin -->\n": "f:1: the begin marker names no command",
		"<!--vramcalc:begin plan-->\n<!-- vramcalc:End -->\n": "f:2: \"vramcalc:End\" is no marker",
		"a\nb\xff\n": "f:2: not UTF-8",
	} {
		if _, err := Refresh("f", []byte(doc), false, echo); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", doc, err, want)
		}
	}
	huge := bytes.Repeat([]byte("x"), MaxBytes+1)
	if _, err := Refresh("f", huge, false, echo); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a huge document: %v", err)
	}
	marker := func(string) (string, error) { return end, nil }
	if _, err := Refresh("f", []byte(begin+end), false, marker); err == nil {
		t.Error("output that holds a marker was taken")
	}
}

// TestFencesShowMarkers: documentation can show the syntax.
func TestFencesShowMarkers(t *testing.T) {
	const doc = "```\n<!-- vramcalc:begin plan -->\n```\n<!-- vramcalc:begin plan -->\n```text\nx\n```\n<!-- vramcalc:end -->\n"
	got, err := Refresh("f.md", []byte(doc), false, echo)
	if err != nil || strings.Count(string(got), "| plan |") != 1 {
		t.Errorf("%q, %v", got, err)
	}
}

// TestFencesOfMarkdown: a fence closes with as many signs as opened it, and
// nothing behind them; what stands alone on its line with text is none.
func TestFencesOfMarkdown(t *testing.T) {
	const block = "<!-- vramcalc:begin plan -->\n<!-- vramcalc:end -->\n"
	for doc, blocks := range map[string]int{
		"````\n```sh\n" + block + "```\n````\n" + block:               1,
		"```\n```text\n" + block + "```\n" + block:                    1,
		"~~~~\n~~~\n" + block + "~~~~~\n" + block:                     1,
		"```a``` is code\n" + block:                                   1,
		"- x\n  ```\n  <!-- vramcalc:begin plan -->\n  ```\n" + block: 1,
	} {
		for _, file := range []string{"f.md", "F.MD", "f.markdown", "README"} {
			got, err := Refresh(file, []byte(doc), false, echo)
			if n := strings.Count(string(got), "| plan |"); err != nil || n != blocks {
				t.Errorf("%s: %q: %d blocks, want %d: %v", file, doc, n, blocks, err)
			}
		}
	}
	if got, err := Refresh("f.rst", []byte("```\n.. vramcalc:begin plan\n.. vramcalc:end\n"), false, echo); err != nil || !strings.Contains(string(got), "| plan |") {
		t.Errorf("reST has no such fences: %q, %v", got, err)
	}
}

func FuzzRefresh(f *testing.F) {
	f.Add("<!-- vramcalc:begin plan -->\n<!-- vramcalc:end -->\n", false)
	f.Add("// vramcalc:begin a\r\nb\r\n// vramcalc:end sha256=00", true)
	f.Fuzz(func(t *testing.T, doc string, force bool) {
		once, err := Refresh("f.md", []byte(doc), force, echo)
		if err != nil {
			return
		}
		if twice, err := Refresh("f.md", once, false, echo); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%q: %q, then %q, %v", doc, once, twice, err)
		}
	})
}

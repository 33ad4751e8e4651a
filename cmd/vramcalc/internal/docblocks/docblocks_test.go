package docblocks

import (
	"strings"
	"testing"
)

func echo(command string) (string, error) { return "| " + command + " |\n", nil }

func TestRefresh(t *testing.T) {
	for _, doc := range []string{
		"a\n<!-- vramcalc:begin plan x -->\nold\n<!-- vramcalc:end -->\nb",
		"a\r\n// vramcalc:begin plan x\r\n// vramcalc:end\r\n",
		".. vramcalc:begin plan x\n.. vramcalc:end\n",
	} {
		once, err := Refresh("f", []byte(doc), echo)
		if err != nil || !strings.Contains(string(once), "| plan x |") || strings.Contains(string(once), "old") {
			t.Fatalf("%q: %q, %v", doc, once, err)
		}
		if twice, err := Refresh("f", once, echo); err != nil || string(twice) != string(once) {
			t.Errorf("not idempotent: %q then %q, %v", once, twice, err)
		}
		edited := strings.Replace(string(once), "| plan", "| plam", 1)
		if _, err := Refresh("f", []byte(edited), echo); err == nil {
			t.Errorf("%q: the edit was not caught", edited)
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
		"\xff":                      "f:1: not UTF-8",
	} {
		if _, err := Refresh("f", []byte(doc), echo); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", doc, err, want)
		}
	}
}

package requestfile

import (
	"reflect"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	const text = "# a comment\nmodel: llama-7b\nmicro-batch: 4\nlora-targets: [q_proj, v_proj]\nlora-dropout: 0.1\nrslora: true\n"
	got, err := Read("f", strings.NewReader(text))
	want := []Entry{{"model", "llama-7b", 2}, {"micro-batch", "4", 3}, {"lora-targets", "q_proj,v_proj", 4}, {"lora-dropout", "0.1", 5}, {"rslora", "true", 6}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, empty := range []string{"", "# nothing\n", "~\n"} {
		if got, err := Read("f", strings.NewReader(empty)); err != nil || len(got) != 0 {
			t.Errorf("%q: %+v, %v", empty, got, err)
		}
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"- model":                        "f:1: want lines such as",
		"model: a\nmodel: b":             "f:2: model stands in line 1 already",
		"a: 1\nmodel: {x: 1}":            "f:2: model: want a word",
		"model:\n":                       "f:1: model: want a word",
		"model: [a, [b]]":                "f:1: model: want a word",
		"a: b: c":                        "f: ",
		"model: a\n---\nmodel: b":        "f: more than one",
		strings.Repeat("#", MaxBytes+10): "f: larger than",
	} {
		if _, err := Read("f", strings.NewReader(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}

// FuzzRead: whatever is read can be written and read again.
func FuzzRead(f *testing.F) {
	f.Add("model: llama-7b\nlora-targets: [a, b]\n")
	f.Add("a: &x [*x]")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Read("f", strings.NewReader(text))
		if err != nil {
			return
		}
		out, err := Write("", list)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read("f", strings.NewReader(string(out)))
		if err != nil || len(again) != len(list) {
			t.Fatalf("%q became %q: %v", text, out, err)
		}
		for i := range list {
			if again[i].Key != list[i].Key || again[i].Value != list[i].Value {
				t.Errorf("%+v became %+v", list[i], again[i])
			}
		}
	})
}

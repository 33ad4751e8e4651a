package main

import (
	"strings"
	"testing"
)

// goTo follows a link within the page and waits for all of its answers.
func (v *visit) goTo(fragment string) {
	v.t.Helper()
	eval[bool](v, `(document.documentElement.dataset.complete = "", location.hash = `+quote(fragment)+`, true)`)
	v.settle()
}

// TestPageCellsSayNothingOld changes a setting that moves a cell's memory and
// hardly its speed: what the cells say is what they say to whoever comes anew.
// A step that fails has no speed.
func TestPageCellsSayNothingOld(t *testing.T) {
	const asked = "#v=1&model=llama-7b&method=qlora&checkpointing=full&double-quant=false&loss=fused&grad-accum=4&gpu=rtx-3090&precision=bf16&weights-dtype=float32&norms-dtype="
	const words = `[...document.querySelectorAll(".heat button")].map((b) => b.ariaLabel + " | " + b.title)`
	v := open(t)
	v.show(asked + "float16")
	v.goTo(asked + "float32")
	moved := eval[[]string](v, words)
	v.show(asked + "float32")
	fresh := eval[[]string](v, words)
	for i, text := range fresh {
		if moved[i] != text {
			t.Errorf("after a change a cell says %q, anew %q", moved[i], text)
		}
		name, title, _ := strings.Cut(text, " | ")
		runs := strings.Contains(name, ": fits") || strings.Contains(name, ": tight")
		if !strings.HasPrefix(title, name+"; its tensors alone take ") || runs != strings.Contains(name, " tokens/s") {
			t.Errorf("a cell is called %q and says %q", name, title)
		}
	}
	if len(fresh) != 144 {
		t.Errorf("there are %d cells", len(fresh))
	}
	v.quiet()
}

// TestPageCountsWhatWasNamed tells GPUs that somebody named from the common ones.
func TestPageCountsWhatWasNamed(t *testing.T) {
	v := open(t)
	for fragment, want := range map[string]string{
		"#v=1&model=llama-7b&method=qlora": "fits 8 of 12 common GPUs", "#v=1&model=llama-7b&method=qlora&gpu=rtx-3060%2Ch100": "fits 1 of the 2 GPUs named", fitting: "",
	} {
		v.show(fragment)
		parts := strings.Split(v.text("verdict-more"), " · ")
		if got := parts[len(parts)-1]; got != want && (want != "" || strings.Contains(got, "GPUs")) {
			t.Errorf("%s: the page says %q, want %q", fragment, got, want)
		}
	}
	v.quiet()
}

// TestPageMessagesStay says something wrong while an answer is on its way: the
// answer to what was asked before does not come over the message.
func TestPageMessagesStay(t *testing.T) {
	v := open(t)
	for name, wrong := range map[string]string{
		"a file": `(() => { const d = new DataTransfer(); d.items.add(new File([new Uint8Array(5 << 20)], "big.json")); window.dispatchEvent(new DragEvent("drop", { dataTransfer: d, cancelable: true })); })()`,
		"a text": `(() => { const d = new DataTransfer(); d.setData("text", "{" + " ".repeat(5 << 20)); window.dispatchEvent(new ClipboardEvent("paste", { clipboardData: d, cancelable: true })); })()`,
	} {
		v.show(fitting)
		eval[bool](v, `(() => { const e = document.getElementById("in-seq-len"); e.value = "777"; e.dispatchEvent(new Event("input")); `+wrong+`; return true; })()`)
		eval[bool](v, `new Promise((done) => setTimeout(() => done(true), 600))`)
		if text := v.text("problem"); !strings.Contains(text, "too long to be a config.json") || !eval[bool](v, `document.getElementById("answers").hidden`) {
			t.Errorf("%s that is too long: the page says %q", name, text)
		}
	}
	v.quiet()
}

// TestPageReadsAFileAgain chooses a file: the chooser forgets it, as a browser
// says nothing when the same file is chosen twice, though it was edited.
func TestPageReadsAFileAgain(t *testing.T) {
	v := open(t)
	v.show(fitting)
	eval[bool](v, `(() => { const d = new DataTransfer(), e = document.getElementById("in-file"); d.items.add(new File([`+quote(smallConfig)+`], "gpt2")); document.documentElement.dataset.complete = ""; e.files = d.files; e.dispatchEvent(new Event("change")); return true; })()`)
	v.settle()
	if name := eval[string](v, `document.getElementById("in-file").value`); name != "" || !strings.HasPrefix(v.text("question"), "gpt2 (") {
		t.Errorf("the chooser keeps %q, the answer is to %q", name, v.text("question"))
	}
	if note := v.text("in-model-note"); note != "from your config.json" {
		t.Errorf("a file with a preset's name is said to be %q", note)
	}
	v.quiet()
}

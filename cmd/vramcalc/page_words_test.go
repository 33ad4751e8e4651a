package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/chromedp/chromedp"
)

// wordless are texts that are the same in every language.
var wordless = regexp.MustCompile(`^([\d\s.,:%×·–—+<>✓≈!✕▲▼/\\-]|[MG]iB|ms|µs|[Tt]okens/s|tokens|samples|LoRA alpha|LoRA dropout|nvidia-smi|GPU|CUDA|LoRA|MFU|HFU|USD|M|\(|\))*$`)

// TestPageWordsAreUsed finds words that no source of the page asks for, and
// questions for words that no language has.
func TestPageWordsAreUsed(t *testing.T) {
	var sources strings.Builder
	files, err := filepath.Glob(filepath.Join(root, "web/page/*.*"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		sources.Write(data)
	}
	words := languageWords(t, "en")
	text := sources.String()
	for key := range words {
		if group, _, dotted := strings.Cut(key, "."); dotted {
			key = group + "."
			if !strings.Contains(text, "`"+key) && !strings.Contains(text, `"`+group+`"`) {
				t.Errorf("nobody asks for the words %s…", key)
			}
		} else if !strings.Contains(text, `"`+key+`"`) {
			t.Errorf("nobody asks for the word %s", key)
		}
	}
	for _, m := range regexp.MustCompile(`(?:\bt\("|data-t="|data-label=")([\w.-]+)"`).FindAllStringSubmatch(text, -1) {
		if words[m[1]] == "" {
			t.Errorf("the page asks for the word %s, which there is not", m[1])
		}
	}
}

// TestPageInChinese looks whether all words of the page's own are Chinese, in
// every state, and whether they have room on a narrow phone.
func TestPageInChinese(t *testing.T) {
	v := open(t)
	v.look(360, 800, "light")
	for _, fragment := range []string{
		fitting, tooBig, "#v=1&model=llama-7b&method=dora&gpu=rtx-4090", "#v=1&model=qwen2.5-0.5b&method=freeze&gpu=h100&optimizer=sgd", "#v=1&model=gpt2&method=full&checkpointing=none&precision=fp16", "#v=1&model=nobody",
	} {
		act(v, chromedp.Navigate("about:blank"))
		act(v, chromedp.Navigate(v.url+"?lang=zh"+fragment))
		v.settle()
		eval[bool](v, `document.querySelectorAll("details").forEach((d) => { d.open = true; }) ?? true`)
		texts := eval[[]string](v, `[...document.querySelectorAll("h2, label, thead th, summary, [data-t], .legend li > span:not(.quiet), .chips li, dt, .mark, .headline, #verdict-more, .field select option[value=''], .axis, #timeline-table tbody th")].filter((e) => e.checkVisibility()).map((e) => e.tagName === "OPTION" ? e.textContent.split("：")[0] : e.textContent)`)
		for _, text := range texts {
			if !strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) }) && !wordless.MatchString(text) {
				t.Errorf("%s: %q is not Chinese", fragment, text)
			}
		}
		if len(texts) < 20 {
			t.Errorf("%s: only %d texts", fragment, len(texts))
		}
		if eval[bool](v, `document.documentElement.scrollWidth > innerWidth`) {
			t.Errorf("%s: the page is wider than the window", fragment)
		}
		for _, cut := range eval[[]string](v, `[...document.querySelectorAll("button, label, summary, dt, dd, .mark, .headline")].filter((e) => e.checkVisibility() && !e.closest(".scroll") && getComputedStyle(e).overflowX === "visible" && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && getComputedStyle(e).display !== "inline").map((e) => e.textContent.slice(0, 60))`) {
			t.Errorf("%s: %q has not room enough", fragment, cut)
		}
	}
	v.show(tooBig) // in English, then switched
	eval[bool](v, `(() => { const e = document.getElementById("language"); e.value = "zh"; e.dispatchEvent(new Event("change")); document.documentElement.dataset.complete = ""; return true; })()`)
	v.settle()
	if line := v.text("verdict-line"); !strings.Contains(line, "放不下") {
		t.Errorf("switched to Chinese the page says %q", line)
	}
	saveShot(t, "phone-light-too-big-chinese.png", act(v, chromedp.FullScreenshot(100)))
	v.quiet()
}

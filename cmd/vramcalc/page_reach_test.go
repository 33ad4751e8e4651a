package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// These tests are about what reaches the page from outside and what leaves it:
// the Hub, the clipboard, files, other people's pages.

// hub answers what the browser asks of the Hugging Face Hub: status 0 means
// that there is no network. It returns the list of what was asked.
func (v *visit) hub(answer func(address string) (status int64, body string)) func() []string {
	v.t.Helper()
	paused := chromedp.Events(v.ctx, fetch.RequestPaused)
	asked := []string{}
	go func() {
		for request, err := range paused {
			if err != nil {
				return
			}
			v.mu.Lock()
			asked = append(asked, request.Request.URL)
			v.mu.Unlock()
			status, body := answer(request.Request.URL)
			if status == 0 {
				_, _ = chromedp.Call(v.ctx, fetch.FailRequest, fetch.FailRequestParams{RequestID: request.RequestID, ErrorReason: network.ErrorReasonInternetDisconnected})
				continue
			}
			_, _ = chromedp.Call(v.ctx, fetch.FulfillRequest, fetch.FulfillRequestParams{
				RequestID: request.RequestID, ResponseCode: status, Body: []byte(body),
				ResponseHeaders: []*fetch.HeaderEntry{{Name: "Access-Control-Allow-Origin", Value: "*"}, {Name: "Content-Type", Value: "text/plain"}},
			})
		}
	}()
	everywhere := []*fetch.RequestPattern{{URLPattern: "https://*"}}
	command(v, fetch.Enable, fetch.EnableParams{Patterns: everywhere})
	return func() []string {
		v.mu.Lock()
		defer v.mu.Unlock()
		return append([]string{}, asked...)
	}
}

// fetchModel types a repository and presses the button that fetches it.
func (v *visit) fetchModel(name string) {
	v.t.Helper()
	eval[bool](v, `(document.getElementById("problem").textContent = "", document.getElementById("in-model").focus(), document.getElementById("in-model").select(), true)`)
	act(v, chromedp.KeyEvent(name))
	v.press(kb.Enter)
	v.wait(`location.hash.includes("model=` + strings.ReplaceAll(name, "/", "%2F") + `") && document.getElementById("problem").textContent !== ""`)
	eval[bool](v, `(document.getElementById("problem").textContent = "", document.documentElement.dataset.complete = "", document.getElementById("hub").focus(), true)`)
	v.press(kb.Enter)
	v.settle()
}

func TestPageAsksTheHub(t *testing.T) {
	v := open(t)
	files := map[string]string{
		"good/model":     smallConfig,
		"page/instead":   "<!doctype html><img src=x onerror=window.hacked=1>",
		"nothing/there":  "",
		"holes/in-it":    strings.Replace(smallConfig, "64", "-64", 1),
		"huge/numbers":   strings.Replace(smallConfig, "128", "1e308", 1),
		"deep/nest":      strings.Repeat("[", 200_000),
		"proto/type":     `{"__proto__":{"model_type":"llama"},"constructor":1}`,
		"name/attacks":   strings.Replace(smallConfig, "llama", "<script>window.hacked=1</script>", 1),
		"endless/config": strings.Repeat(" ", 5<<20) + smallConfig,
	}
	asked := v.hub(func(address string) (int64, string) {
		name, _, _ := strings.Cut(strings.TrimPrefix(address, "https://huggingface.co/"), "/resolve/")
		if name == "no/network" {
			return 0, ""
		}
		body, ok := files[name]
		if !ok {
			return 404, "Entry not found"
		}
		return 200, body
	})
	v.show("#v=1&model=llama-7b&method=lora&gpu=h100")
	if len(asked()) != 0 {
		t.Errorf("before anybody presses the button the page asks %q", asked())
	}
	v.fetchModel("good/model")
	if line := v.text("verdict-line"); !strings.HasPrefix(line, "✓ Fits NVIDIA H100") || !strings.Contains(v.text("question"), "good/model") {
		t.Errorf("the fetched model's answer is %q to %q", line, v.text("question"))
	}
	for name, want := range map[string]string{
		"no/network": "(Failed to fetch)", "not/there": "(404)", "endless/config": "too long", "page/instead": "JSON", "nothing/there": "JSON", "deep/nest": "nested deeper",
		"holes/in-it": "hidden_size", "huge/numbers": "intermediate_size", "proto/type": "model_type", "name/attacks": "script",
	} {
		v.fetchModel(name)
		if text := v.text("problem"); !strings.Contains(text, want) || !eval[bool](v, `document.getElementById("answers").hidden`) {
			t.Errorf("%s: the page says %q, want %q in it and no numbers", name, text, want)
		}
	}
	if eval[bool](v, `"hacked" in window`) {
		t.Error("something from the Hub ran")
	}
	if got := asked(); len(got) != 11 || got[0] != "https://huggingface.co/good/model/resolve/main/config.json" {
		t.Errorf("the page asked %q", got)
	}
}

// TestPageAsksNobodyElse holds the policy to its word: only the Hub can be asked.
func TestPageAsksNobodyElse(t *testing.T) {
	v := open(t)
	asked := v.hub(func(string) (int64, string) { return 200, "{}" })
	v.show(fitting)
	refused := eval[[]string](v, `(async () => {
		const refused = new Set(); // the page and the server say the same policy, each
		refused.push = (...words) => refused.add(words.join(" "));
		document.addEventListener("securitypolicyviolation", (e) => refused.push(e.effectiveDirective, new URL(e.blockedURI).host));
		await fetch("https://example.org/config.json").catch(() => {});
		await fetch("https://huggingface.co.example.org/x").catch(() => {});
		await fetch("https://huggingface.co/a/b/resolve/main/config.json").catch(() => refused.push("the Hub"));
		const image = new Image();
		image.src = "https://example.org/a.png";
		await new Promise((done) => { image.onerror = image.onload = done; });
		return [...refused];
	})()`)
	if got := strings.Join(refused, ", "); got != "connect-src example.org, connect-src huggingface.co.example.org, img-src example.org" {
		t.Errorf("refused: %s", got)
	}
	if got := asked(); len(got) != 1 || !strings.HasPrefix(got[0], "https://huggingface.co/a/b/") {
		t.Errorf("the browser asked %q", got)
	}
}

// copied presses a button that copies and gives what the clipboard has then.
func (k *typist) copied(kind string) string {
	k.t.Helper()
	eval[bool](k.visit, `(document.querySelector('[data-copy="`+kind+`"]').focus(), document.getElementById("shared").textContent = "", true)`)
	k.press(kb.Enter)
	k.wait(`document.getElementById("shared").textContent !== ""`)
	return eval[string](k.visit, `navigator.clipboard.readText()`)
}

// TestPageCopies holds what is copied to what the program says itself.
func TestPageCopies(t *testing.T) {
	k := newTypist(t)
	for _, fragment := range []string{
		fitting,
		"#v=1&model=qwen2.5-0.5b&method=lora&gpu=rtx-3090%2Ch100&micro-batch=3&seq-len=777&lora-targets=q_proj%2Cv_proj&rslora=true",
		"#v=1&model=llama-7b&method=qlora&double-quant=false&lora-alpha=12.5&trainer=hf%405.0",
	} {
		k.show(fragment)
		if link := k.copied("link"); link != k.url+fragment {
			t.Errorf("the link is %s, want %s", link, k.url+fragment)
		}
		line := k.copied("command")
		rest, ok := strings.CutPrefix(line, "vramcalc ")
		if !ok {
			t.Fatalf("the command line is %q", line)
		}
		words, err := exec.Command("sh", "-c", `printf '%s\n' `+rest).Output()
		if err != nil {
			t.Fatalf("%q in a shell: %v", line, err)
		}
		said := callWith(shipped(), nil, append(strings.Split(strings.TrimSpace(string(words)), "\n"), "-o", "json")...)
		if got := k.copied("json"); said.status != exitDone || got != said.stdout {
			t.Errorf("%q gives other JSON (%s) than the page, which has %d bytes", line, said.stderr, len(got))
		}
		checkMarkdown(t, k.copied("markdown"), k.text("verdict-line"))
	}
	k.quiet()
}

// checkMarkdown holds a table to its form and to the verdict.
func checkMarkdown(t *testing.T, text, verdict string) {
	t.Helper()
	rows := 0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "|") {
			rows++
			if strings.Count(line, "|") != 3 {
				t.Errorf("a row of the Markdown table has not two cells: %q", line)
			}
		}
	}
	word := "| fits |"
	if !strings.HasPrefix(verdict, "✓") {
		word = "| does not fit |"
	}
	if rows < 8 || !strings.Contains(text, word) || !strings.Contains(text, "\n| --- | ---: |\n") {
		t.Errorf("the Markdown is %q, the verdict %q", text, verdict)
	}
}

// TestPageSaysWhenItCannotCopy takes the permission away.
func TestPageSaysWhenItCannotCopy(t *testing.T) {
	k := newTypist(t)
	k.show(fitting)
	eval[bool](k.visit, `(navigator.clipboard.writeText = () => Promise.reject(new Error("no")), document.querySelector('[data-copy="link"]').click(), true)`)
	k.wait(`document.getElementById("shared").textContent.includes("does not let")`)
	if text := k.text("command"); text != k.url+fitting {
		t.Errorf("what could not be copied stands nowhere: %q", text)
	}
}

// TestPageDownloads saves the chart, in light and dark, in both forms.
func TestPageDownloads(t *testing.T) {
	for _, scheme := range []string{"light", "dark"} {
		k := newTypist(t)
		k.look(1280, 900, scheme)
		k.show(fitting)
		eval[bool](k.visit, `(document.querySelector('[data-download="svg"]').click(), true)`)
		checkSVG(t, k.downloaded("vramcalc.svg"))
		eval[bool](k.visit, `(document.querySelector('[data-download="png"]').click(), true)`)
		picture, err := png.Decode(bytes.NewReader(k.downloaded("vramcalc.png")))
		if err != nil {
			t.Fatal(err)
		}
		saveShot(t, "download-"+scheme+".png", k.downloaded("vramcalc.png"))
		if _, _, _, opaque := picture.At(0, 0).RGBA(); opaque != 0xffff {
			t.Errorf("%s: the picture has no ground of its own, and its words may not be seen", scheme)
		}
		k.quiet()
	}
}

// TestPageEmbedded puts the page into another one, three ways.
func TestPageEmbedded(t *testing.T) {
	v := open(t)
	act(v, chromedp.Navigate(v.url+hostPage))
	for embed, section := range map[string]string{"compare": "section-methods", "memory": "section-memory", "heat": "section-heat", "<b>": "section-memory"} {
		address, _ := json.Marshal("./?embed=" + embed + fitting)
		eval[bool](v, fmt.Sprintf(`new Promise((done) => {
			document.body.replaceChildren(window.frame = document.createElement("iframe"));
			frame.width = 640; frame.height = 480; frame.onload = () => done(true); frame.src = %s;
		})`, address))
		v.wait(`frame.contentDocument.documentElement.dataset.complete === "yes"`)
		seen := eval[string](v, `[...frame.contentDocument.querySelectorAll("header, form, section, footer")].filter((e) => e.checkVisibility()).map((e) => e.id || e.tagName).join(" ")`)
		if seen != "verdict "+section {
			t.Errorf("embedded as %s there are %s", embed, seen)
		}
		if line := eval[string](v, `frame.contentDocument.getElementById("verdict-line").textContent`); !strings.HasPrefix(line, "✓ Fits NVIDIA H100") {
			t.Errorf("embedded as %s the page says %q", embed, line)
		}
		if eval[bool](v, `frame.contentDocument.documentElement.scrollWidth > frame.contentWindow.innerWidth`) {
			t.Errorf("embedded as %s the page is wider than its frame", embed)
		}
		if eval[bool](v, `frame.contentWindow.hacked === 1 || frame.contentDocument.querySelector("b b") !== null`) {
			t.Errorf("%s became part of the page", embed)
		}
	}
	v.quiet()
}

// media sets a kind of output and what the user prefers.
func (v *visit) media(kind, feature, value string) {
	v.t.Helper()
	command(v, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: kind, Features: []*emulation.MediaFeature{{Name: feature, Value: value}}})
}

// seen says which of the elements are to be seen.
func (v *visit) seen(ids ...string) string {
	v.t.Helper()
	list, _ := json.Marshal(ids)
	return eval[string](v, string(list)+`.filter((id) => document.getElementById(id).checkVisibility()).join(" ")`)
}

// TestPageOnPaper prints: the answer without what is to be pressed, dark on
// white whatever the theme is.
func TestPageOnPaper(t *testing.T) {
	v := open(t)
	v.show(tooBig)
	eval[bool](v, `(document.documentElement.dataset.theme = "dark", true)`)
	v.media("print", "prefers-color-scheme", "dark")
	if got := v.seen("inputs", "language", "theme", "section-share", "all-gpus", "order", "skip"); got != "" {
		t.Errorf("on paper there is %s", got)
	}
	const want = "verdict-line verdict-more question bar legend figures changes timeline speed heat methods gpus"
	if got := v.seen(strings.Fields(want)...); got != want {
		t.Errorf("on paper there is %s, want %s", got, want)
	}
	colours := eval[string](v, `["body", "#section-memory h2", "#gpus td"].map((s) => getComputedStyle(document.querySelector(s)).color).join(" ")`)
	if colours != "rgb(0, 0, 0) rgb(0, 0, 0) rgb(0, 0, 0)" {
		t.Errorf("on paper the ink is %s", colours)
	}
	if eval[bool](v, `[...document.querySelectorAll(".scroll")].some((e) => e.checkVisibility() && getComputedStyle(e).overflowX !== "visible")`) {
		t.Error("on paper something scrolls")
	}
	act(v, chromedp.EmulateViewport(720, 1000)) // about A4 between its margins
	for _, wide := range eval[[]string](v, `[...document.querySelectorAll("main *")].filter((e) => e.checkVisibility() && !e.closest(".hidden, svg") && e.getBoundingClientRect().right > innerWidth + 0.5).map((e) => e.outerHTML.slice(0, 120))`) {
		t.Errorf("wider than the paper: %s", wide)
	}
	saveShot(t, "paper.png", act(v, chromedp.FullScreenshot(100)))
	pdf := act(v, chromedp.PrintToPDF())
	pages := bytes.Count(pdf, []byte("/Type /Page\n")) + bytes.Count(pdf, []byte("/Type /Page/")) + bytes.Count(pdf, []byte("/Type /Page "))
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) || pages < 2 || pages > 8 {
		t.Errorf("the PDF is %d bytes on %d pages", len(pdf), pages)
	}
	v.quiet()
}

// TestPageReducedMotion looks for motion where none is wanted, and for some
// where nobody minds.
func TestPageReducedMotion(t *testing.T) {
	v := open(t)
	for _, c := range []struct {
		wish  string
		moves bool
	}{{"reduce", false}, {"no-preference", true}} {
		v.media("", "prefers-reduced-motion", c.wish)
		v.show(fitting)
		got := eval[bool](v, `[...document.querySelectorAll("*")].some((e) => { const s = getComputedStyle(e); return /[1-9]/.test(s.transitionDuration + s.animationDuration) || s.scrollBehavior === "smooth"; })`)
		if got != c.moves {
			t.Errorf("%s: something moves: %t", c.wish, got)
		}
		eval[bool](v, `(document.documentElement.dataset.complete = "", location.hash = `+quote(tooBig)+`, true)`)
		v.wait(`document.getElementById("verdict-line").textContent.startsWith("✕")`)
		if running := eval[int](v, `document.getAnimations().length`); !c.moves && running > 0 {
			t.Errorf("%s: %d animations run", c.wish, running)
		}
		v.settle()
	}
}

// TestPageReflows is a window of 1280 pixels at 400 %, the narrowest phones, and
// windows where the answers have least room beside the inputs: nothing but what scrolls by itself may be wider.
func TestPageReflows(t *testing.T) {
	v := open(t)
	for _, width := range []int64{320, 360, 1000, 1100} {
		for _, language := range []string{"en", "zh"} {
			act(v, chromedp.EmulateViewport(width, 256))
			act(v, chromedp.Navigate("about:blank"))
			act(v, chromedp.Navigate(v.url+"?lang="+language+tooBig))
			v.settle()
			eval[bool](v, `document.querySelectorAll("details").forEach((d) => { d.open = true; }) ?? true`)
			v.wait(`document.querySelectorAll("#derivations tr").length > 3 && document.querySelectorAll("#prices tr").length > 3`)
			for _, wide := range eval[[]string](v, `[...document.querySelectorAll("body *")].filter((e) => e.checkVisibility() && !e.closest(".scroll, .hidden, .tools span, .skip, svg") && e.getBoundingClientRect().right > innerWidth + 0.5).map((e) => e.outerHTML.slice(0, 120))`) {
				t.Errorf("%s, %d pixels: %s reaches out of the window", language, width, wide)
			}
			if eval[bool](v, `document.documentElement.scrollWidth > innerWidth`) {
				t.Errorf("%s, %d pixels: the page scrolls sideways", language, width)
			}
			if eval[bool](v, `(scrollTo(0, 2000), document.getElementById("verdict").getBoundingClientRect().bottom > 0)`) {
				t.Errorf("%s, %d pixels: the verdict takes the little room there is", language, width)
			}
		}
	}
	v.quiet()
}

// TestPageOnAPhone holds the verdict to the first screen, wherever one is.
func TestPageOnAPhone(t *testing.T) {
	v := open(t)
	v.look(390, 844, "light")
	for _, fragment := range []string{fitting, tooBig} {
		v.show(fragment)
		for _, to := range []string{"0", "600", "2500", "document.body.scrollHeight"} {
			box := eval[[]float64](v, `(() => { scrollTo(0, `+to+`); const b = document.getElementById("verdict-line").getBoundingClientRect(); return [b.top, b.bottom]; })()`)
			if box[0] < 0 || box[1] > 200 {
				t.Errorf("%s at %s: the verdict stands at %v", fragment, to, box)
			}
		}
	}
}

// withSource is a price with its date and its source.
var withSource = regexp.MustCompile(`^\d+\.\d\d 20\d\d-\d\d(–\d\d)? \w.{2,}`)

// TestPagePrices looks at each row of the GPUs for the price's date and source,
// or for the words that none is known.
func TestPagePrices(t *testing.T) {
	v := open(t)
	v.show(fitting)
	eval[bool](v, `(document.getElementById("all-gpus").click(), document.getElementById("all-prices").open = true)`)
	v.wait(`document.querySelectorAll("#prices tbody tr").length > 20`)
	rows := eval[[][]string](v, `[...document.querySelectorAll("#gpus tbody tr")].map((r) => [...r.cells].map((c) => c.textContent))`)
	priced := 0
	for _, r := range rows {
		million, price := r[5], r[6]
		switch {
		case price == "no price known" && million != "–":
			t.Errorf("no price, and yet %q", r)
		case price != "no price known":
			priced++
			if !withSource.MatchString(price) {
				t.Errorf("a price without date and source: %q", r)
			}
		}
	}
	if priced < 20 || priced == len(rows) {
		t.Errorf("%d of %d cards have a price", priced, len(rows))
	}
	v.quiet()
}

// TestPageSaysWhenItCannotStart is a browser without WebAssembly.
func TestPageSaysWhenItCannotStart(t *testing.T) {
	v := open(t)
	command(v, cdpage.AddScriptToEvaluateOnNewDocument, cdpage.AddScriptToEvaluateOnNewDocumentParams{Source: `delete window.WebAssembly`})
	v.show(fitting)
	if text := v.text("verdict-line") + v.text("problem"); !strings.Contains(text, "No answer") || !strings.Contains(text, "cannot start the calculator – no WebAssembly") {
		t.Errorf("without WebAssembly the page says %q", text)
	}
	v.quiet()
}

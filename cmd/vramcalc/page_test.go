package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/presets"
)

// The bars of what a first visit loads, compressed with brotli, in bytes.
const (
	mostProgram = 900_000
	mostPage    = 1_000_000
)

func TestPageSizes(t *testing.T) {
	browserPath(t) // where the page is not tested, it is not built either
	dir, err := builtPage()
	if err != nil {
		t.Fatal(err)
	}
	total, program := 0, 0
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".br") {
			return err
		}
		info, err := d.Info()
		total += int(info.Size())
		if strings.HasSuffix(path, ".wasm.br") {
			program = int(info.Size())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the program is %d bytes, the whole page %d", program, total)
	if program == 0 || program > mostProgram {
		t.Errorf("the program is %d bytes, at most %d are wanted", program, mostProgram)
	}
	if total > mostPage {
		t.Errorf("the whole page is %d bytes, at most %d are wanted", total, mostPage)
	}
}

// languageWords are the page's words in a language.
func languageWords(t *testing.T, language string) (words map[string]string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "web/page/strings", language+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &words); err != nil {
		t.Fatal(err)
	}
	return words
}

// TestPageLanguages holds the languages to the same keys with the same values
// to fill in.
func TestPageLanguages(t *testing.T) {
	words := map[string]map[string]string{"en": languageWords(t, "en"), "zh": languageWords(t, "zh")}
	for key, text := range words["en"] {
		other, ok := words["zh"][key]
		if !ok || other == "" {
			t.Errorf("zh lacks %s", key)
		}
		if strings.Count(text, "{") != strings.Count(other, "{") {
			t.Errorf("%s: %q and %q fill in different values", key, text, other)
		}
	}
	for key := range words["zh"] {
		if words["en"][key] == "" {
			t.Errorf("en lacks %s", key)
		}
	}
}

// askAll is JavaScript that asks the page's own engine a list of questions.
const askAll = `(async (list) => {
	const engine = await import(document.querySelector("script[type=module]").src.replace("main.js", "engine.js"));
	return Promise.all(list.map((q) => engine.ask(q.operation, { settings: q.settings ?? [], config: q.config ?? "", hub: q.hub ?? false }, q.argument ?? "")));
})(%s)`

// pageQuestion is what the page's engine is asked.
type pageQuestion struct {
	Operation string      `json:"operation"`
	Settings  [][2]string `json:"settings"`
	Config    string      `json:"config"`
	Argument  string      `json:"argument"`
}

type pageAnswer struct {
	OK    any `json:"ok"`
	Error *struct{ Problem, Hint string }
}

func (v *visit) ask(list []pageQuestion) []pageAnswer {
	v.t.Helper()
	data, err := json.Marshal(list)
	if err != nil {
		v.t.Fatal(err)
	}
	return eval[[]pageAnswer](v, fmt.Sprintf(askAll, data))
}

// randomSettings are settings that may be said, most of them sensible together.
func randomSettings(r *rand.Rand) [][2]string {
	models := []string{"llama-7b", "llama-2-7b", "qwen2.5-0.5b", "qwen2.5-7b", "gemma-2-2b", "mistral-7b-v0.1", "phi-2", "gpt2", "pythia-160m", "opt-125m", "llama-13b", "smollm2-135m", "qwen3-0.6b", "llama-3.2-1b", "lama"}
	said := [][2]string{{"model", models[r.IntN(len(models))]}}
	add := func(name string, values []string, chance float64) {
		if r.Float64() < chance {
			said = append(said, [2]string{name, values[r.IntN(len(values))]})
		}
	}
	for _, s := range new(question.Question).Settings() {
		switch s.Name {
		case "model", "virtual-tokens", "bottleneck", "batch-size":
		case "method":
			add(s.Name, s.Values(), 1)
		case "gpu":
			add(s.Name, append(presets.GPUNames(), "a100", "nonsense"), 0.9)
		case "lora-targets":
			add(s.Name, []string{"all-linear", "q_proj", "q_proj,v_proj"}, 0.1)
		case "micro-batch", "grad-accum", "lora-rank", "trainable-layers", "gpus":
			add(s.Name, []string{"1", "2", "3", "4", "5", "8", "12", "16", "0", "many"}, 0.08)
		case "seq-len":
			add(s.Name, []string{"128", "512", "1000", "4096"}, 0.5)
		case "lora-alpha", "lora-dropout":
			add(s.Name, []string{"0.05", "16", "-1"}, 0.05)
		case "rslora", "double-quant":
			add(s.Name, []string{"true", "false", "perhaps"}, 0.1)
		default:
			if s.Values != nil {
				add(s.Name, s.Values(), 0.06)
			}
		}
	}
	return said
}

// TestPageGivesTheCommandLinesJSON asks both the same random questions.
func TestPageGivesTheCommandLinesJSON(t *testing.T) {
	const requests, batch = 1000, 50
	v := open(t)
	v.show(fitting)
	r := rand.New(rand.NewPCG(6, 2026))
	answered := 0
	for range requests / batch {
		var list []pageQuestion
		for range batch {
			q := pageQuestion{Operation: "plan", Settings: randomSettings(r)}
			if r.IntN(4) == 0 {
				q.Argument = "explain"
			}
			list = append(list, q)
		}
		for i, got := range v.ask(list) {
			args := []string{"plan", "-o", "json"}
			for _, s := range list[i].Settings {
				args = append(args, "--"+s[0]+"="+s[1])
			}
			if list[i].Argument == "explain" {
				args = append(args, "--explain")
			}
			want := callWith(shipped(), nil, args...)
			if want.status != exitDone {
				if got.Error == nil || !strings.HasPrefix(want.stderr, "vramcalc: error: "+got.Error.Problem+"\n") {
					t.Errorf("%q: the page says %+v, the command line %q", args, got, want.stderr)
				}
				continue
			}
			answered++
			if got.OK != want.stdout {
				t.Errorf("%q: the page's JSON differs: %v", args, got.Error)
			}
		}
	}
	t.Logf("%d of %d questions had an answer", answered, requests)
	if answered < requests/2 {
		t.Errorf("only %d of %d questions had an answer", answered, requests)
	}
	v.quiet()
}

// TestPageCellsArePlans holds the heat map to the plan's own answers.
func TestPageCellsArePlans(t *testing.T) {
	v := open(t)
	v.show(fitting)
	base := [][2]string{{"model", "llama-7b"}, {"method", "qlora"}, {"gpu", "h100"}}
	rows := v.ask([]pageQuestion{{Operation: "heat", Settings: base, Argument: "5 6 h100"}})[0].OK.([]any)
	for _, cell := range rows[0].([]any) {
		c := cell.(map[string]any)
		args := []string{"plan", "--model", "llama-7b", "--method", "qlora", "--gpu", "h100", "-o", "markdown", "--micro-batch", fmt.Sprint(c["micro_batch"]), "--seq-len", fmt.Sprint(c["seq_len"])}
		if out := callWith(shipped(), nil, args...).stdout; !strings.Contains(out, strings.TrimSuffix(c["tensors"].(string), " GiB")) || !strings.Contains(out, c["tokens"].(string)) {
			t.Errorf("%v: the cell says %v and %v tokens/s, the plan does not", args, c["tensors"], c["tokens"])
		}
	}
}

// TestPageIsAccessible runs axe-core over the page with everything open.
func TestPageIsAccessible(t *testing.T) {
	axe, err := os.ReadFile("testdata/axe/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	v := open(t)
	for _, c := range []struct{ scheme, fragment string }{{"light", fitting}, {"dark", fitting}, {"light", tooBig}, {"dark", tooBig}, {"dark", "#v=1&model=x"}} {
		v.look(1280, 900, c.scheme)
		v.show(c.fragment)
		eval[bool](v, `document.querySelectorAll("details").forEach((d) => { d.open = true; }) ?? true`)
		if c.fragment != "#v=1&model=x" {
			v.wait(`document.querySelectorAll("#derivations tr").length > 3`)
		}
		eval[bool](v, string(axe)+`; true`)
		found := eval[[]string](v, `axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then((r) => r.violations.flatMap((x) => x.nodes.map((n) => x.id + ": " + n.html.slice(0, 160) + " " + n.failureSummary.slice(0, 200))))`)
		for _, f := range found[:min(len(found), 12)] {
			t.Errorf("%s %s: %s", c.scheme, c.fragment, f)
		}
	}
	v.quiet()
}

// hostile are pieces that attacks and accidents are made of.
var hostile = []string{
	"<img src=x onerror=window.hacked=1>", "<script>window.hacked=1</script>", "javascript:window.hacked=1", "__proto__", "constructor", "toString", "%00", "\x00", "\u202e", "%F0%28%8C%28", "NaN", "-1", "1e308",
	"9223372036854775808", "null", "undefined", "{}", "[]", "'", "\"", "`", "${window.hacked=1}", "&&&", "===", "llama-7b", "qlora", "h100", "local", "../../etc/passwd", "C:\\config.json", "0x10", "１", strings.Repeat("a", 5000),
}

func hostileWord(r *rand.Rand) string {
	word := hostile[r.IntN(len(hostile))]
	for r.IntN(3) == 0 {
		word += string(rune(r.IntN(0x300))) + hostile[r.IntN(len(hostile))]
	}
	return word
}

// hostileFile is a config.json with holes, or something else.
func hostileFile(r *rand.Rand) string {
	const good = smallConfig
	switch r.IntN(4) {
	case 0:
		return hostileWord(r)
	case 1:
		return good[:r.IntN(len(good))]
	case 2:
		at := r.IntN(len(good))
		return good[:at] + hostileWord(r) + good[at+1:]
	}
	return strings.Replace(good, []string{"64", "128", "2,", "4", "100", "2048", "llama"}[r.IntN(7)], hostileWord(r), 1)
}

// TestPageWithstandsHostileInput gives the page 10,000 random and hostile
// fragments and files: each gets an answer or a message, none runs.
func TestPageWithstandsHostileInput(t *testing.T) {
	const through, batch, visible = 10_000, 250, 120
	v := open(t)
	v.show(fitting)
	r := rand.New(rand.NewPCG(10, 6))
	for range through / batch {
		var list []pageQuestion
		for range batch {
			q := pageQuestion{Operation: []string{"view", "command"}[r.IntN(2)], Settings: [][2]string{{"model", "llama-7b"}, {"method", "lora"}, {"gpu", "h100"}}}
			if r.IntN(2) == 0 {
				q.Settings[0][1], q.Config = hostileWord(r), hostileFile(r)
			} else {
				name := []string{"model", "method", "gpu", "seq-len", "micro-batch", "precision", "trainer", "lora-targets", hostileWord(r)}[r.IntN(9)]
				q.Settings = slices.DeleteFunc(q.Settings, func(s [2]string) bool { return s[0] == name })
				q.Settings = append(q.Settings, [2]string{name, hostileWord(r)})
			}
			list = append(list, q)
		}
		for i, got := range v.ask(list) {
			switch {
			case got.Error == nil && got.OK == nil, got.Error != nil && got.Error.Problem == "":
				t.Errorf("%+v: neither an answer nor a message", list[i])
			case got.Error != nil && strings.Contains(got.Error.Problem, "itself failed"):
				t.Errorf("%+v: %s", list[i], got.Error.Problem)
			}
		}
	}
	for range visible {
		fragment := "#v=1"
		for range r.IntN(4) {
			fragment += "&" + hostileWord(r) + "=" + hostileWord(r)
		}
		eval[bool](v, `(document.documentElement.dataset.complete = "", location.hash = `+quote(fragment+fmt.Sprint("&n=", r.Int()))+`, true)`)
		v.settle()
		eval[bool](v, `(() => { const d = new DataTransfer(); d.items.add(new File([`+quote(hostileFile(r))+`], `+quote(hostileWord(r))+`)); document.documentElement.dataset.complete = ""; window.dispatchEvent(new DragEvent("drop", { dataTransfer: d, cancelable: true })); return true; })()`)
		v.settle()
		if v.text("verdict-line") == "" {
			t.Fatal("the page says nothing")
		}
	}
	if eval[bool](v, `"hacked" in window || document.querySelectorAll("body img, body script").length !== 1`) {
		t.Error("something from a fragment or a file became part of the page")
	}
	v.quiet()
}

func TestPageWorksOffline(t *testing.T) {
	v := open(t)
	v.show(fitting)
	eval[bool](v, `navigator.serviceWorker.ready.then(() => true)`)
	v.wait(`navigator.serviceWorker.controller !== null`)
	v.server.CloseClientConnections()
	v.server.Close()
	v.show(tooBig)
	if line := v.text("verdict-line"); !strings.HasPrefix(line, "✕") {
		t.Errorf("without a network the page says %q", line)
	}
}

func TestPagePolicy(t *testing.T) {
	v := open(t)
	v.show(fitting)
	response, err := http.Get(v.url)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusNotAcceptable {
		t.Errorf("status %d for a client without brotli, want 406", response.StatusCode)
	}
	policy := eval[string](v, `fetch(location.pathname).then((r) => r.headers.get("content-security-policy"))`)
	for _, want := range []string{"default-src 'none'", "script-src 'self' 'wasm-unsafe-eval';", "connect-src 'self' https://huggingface.co;"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q lacks %q", policy, want)
		}
	}
	if strings.Contains(policy, "unsafe-inline") || strings.Contains(policy, "'unsafe-eval'") {
		t.Errorf("the policy allows too much: %q", policy)
	}
	if !eval[bool](v, `(() => { const s = document.createElement("script"); s.textContent = "window.ran = true"; document.head.append(s); return !window.ran; })()`) {
		t.Error("an inline script ran")
	}
}

// TestPageSpeed prints how long answers take; it fails only where a change is
// slower than starting, which no machine explains.
func TestPageSpeed(t *testing.T) {
	v := open(t)
	v.show(fitting)
	first := eval[float64](v, `performance.getEntriesByName("first-answer")[0].startTime - performance.getEntriesByType("resource").find((r) => r.name.endsWith(".wasm")).responseEnd`)
	var changes, heats []float64
	for i := range 21 {
		eval[bool](v, fmt.Sprintf(`(document.documentElement.dataset.complete = "", location.hash = "#v=1&model=llama-7b&method=qlora&gpu=h100&seq-len=%d", true)`, 1024+64*i))
		v.settle()
		changes = append(changes, eval[float64](v, `Number(document.documentElement.dataset.answered)`))
		heats = append(heats, eval[float64](v, `Number(document.documentElement.dataset.heat)`))
		time.Sleep(10 * time.Millisecond)
	}
	slices.Sort(changes)
	slices.Sort(heats)
	t.Logf("first answer %.0f ms after the bytes; a change %.1f ms, the heat map %.0f ms (medians)", first, changes[len(changes)/2], heats[len(heats)/2])
	if changes[len(changes)/2] > first {
		t.Errorf("a change takes %.0f ms, the first answer %.0f ms", changes[len(changes)/2], first)
	}
}

// smallConfig is a config.json of a small model.
const smallConfig = `{"model_type":"llama","hidden_size":64,"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4,"vocab_size":100,"max_position_embeddings":2048}`

// checkSVG holds a drawing to well-formed XML with shapes that have colours of
// their own.
func checkSVG(t *testing.T, data []byte) {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader(data))
	shapes, first := 0, ""
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("the SVG is not well-formed: %v", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if first == "" {
			first = start.Name.Space + " " + start.Name.Local
		}
		for _, a := range start.Attr {
			if start.Name.Local == "rect" && a.Name.Local == "fill" && strings.HasPrefix(a.Value, "rgb(") {
				shapes++
			}
		}
	}
	if first != "http://www.w3.org/2000/svg svg" || shapes < 4 {
		t.Errorf("the SVG begins with %q and has %d coloured shapes", first, shapes)
	}
}

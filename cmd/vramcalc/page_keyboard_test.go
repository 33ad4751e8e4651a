package main

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/dom"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// keyboardHelp names the control that has the focus and watches it: named is
// the name of a control, stop what there is to say about the one in focus.
const keyboardHelp = `
window.named = (e) => e.id || (e.dataset.copy && "copy/" + e.dataset.copy) || (e.dataset.download && "download/" + e.dataset.download) ||
	(e.closest(".heat") && "heat/cell") || (e.dataset.key && e.parentElement.closest("[id]").id + "/" + e.dataset.key) || e.tagName.toLowerCase() + "/" + e.closest("[id]").id;
window.stop = () => {
	const e = document.activeElement, box = e.getBoundingClientRect(), small = Math.min(box.width, box.height) < 24;
	const tall = box.height > innerHeight / 2; // it cannot be in sight from its top on; what matters is that it is
	const over = document.elementFromPoint(box.left + box.width / 2, tall ? (Math.max(box.top, 0) + Math.min(box.bottom, innerHeight)) / 2 : box.top + Math.min(box.height / 2, 12));
	return {
		name: e === document.body ? "" : named(e), kind: e.getAttribute("role") || e.tagName.toLowerCase() + (e.type === "file" ? "/file" : ""),
		hidden: !e.matches(".file, .skip") && (!over || (over.closest("#verdict") !== null && e.id !== "verdict")),
		small: small && e.matches("button, select, input:not(.file), summary"),
		ring: getComputedStyle(e).outlineStyle !== "none" || e.matches(".file"),
	};
};
window.all = () => [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex]")].filter((e) => e.checkVisibility() && e.tabIndex >= 0).map(named);
window.again = (hash) => { history.replaceState(null, "", hash); document.documentElement.dataset.complete = ""; window.dispatchEvent(new HashChangeEvent("hashchange")); return true; };
true`

// stop is a place where the tab key stops.
type stop struct {
	Name, Kind          string
	Hidden, Small, Ring bool
}

// typist works the page by keyboard.
type typist struct {
	*visit
	downloads string // the folder that downloads go to
	used      map[string]bool
}

func newTypist(t *testing.T) *typist {
	k := &typist{visit: open(t), downloads: t.TempDir(), used: map[string]bool{}}
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		command(k.visit, browser.SetPermission, browser.SetPermissionParams{Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted})
	}
	command(k.visit, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: k.downloads})
	return k
}

func (k *typist) hash() string { k.t.Helper(); return eval[string](k.visit, `location.hash`) }

// again asks the first question anew, the focus staying where it is.
func (k *typist) again(name string) {
	k.t.Helper()
	eval[bool](k.visit, `again(`+quote(tooBig)+`)`)
	k.settle()
	k.wait(`!document.getElementById("answers").hidden`)
	if at := eval[stop](k.visit, `stop()`); at.Name == "" {
		k.t.Errorf("after using %s nothing has the focus", name)
	} else if at.Name != name { // what was pressed was gone meanwhile
		eval[bool](k.visit, `([...document.querySelectorAll("button, select, input")].find((e) => named(e) === `+quote(name)+`)?.focus(), true)`)
	}
}

// at is where the tab key stopped, in sight as soon as the browser has scrolled.
func (k *typist) at() stop {
	k.t.Helper()
	at := eval[stop](k.visit, `stop()`)
	for end := time.Now().Add(5 * time.Second); at.Hidden && time.Now().Before(end); at = eval[stop](k.visit, `stop()`) {
		time.Sleep(20 * time.Millisecond)
	}
	return at
}

// leads fails the test unless the fragment says something.
func (k *typist) leads(name, want string) {
	k.t.Helper()
	if hash := k.hash(); !strings.Contains(hash+"&", want) {
		k.t.Errorf("%s leads to %s, want %q in it", name, hash, want)
	}
}

// TestPageByKeyboard walks through the page with the tab key and uses every
// control that it stops at with keys alone, holding each to its effect.
func TestPageByKeyboard(t *testing.T) {
	k := newTypist(t)
	k.show(tooBig)
	eval[bool](k.visit, keyboardHelp)
	k.skipLink()
	k.show(tooBig)
	eval[bool](k.visit, keyboardHelp)
	k.press(kb.Tab) // past the link
	for range 600 {
		k.press(kb.Tab)
		at := k.at()
		if at.Name == "" || at.Name == "skip" {
			break
		}
		if k.used[at.Name] {
			t.Fatalf("the tab key comes to %s again", at.Name)
		}
		k.used[at.Name] = true
		if at.Hidden || at.Small || !at.Ring {
			t.Errorf("%+v: covered, smaller than 24 pixels or without a ring", at)
		}
		k.use(at)
	}
	k.used["skip"] = true
	for _, name := range eval[[]string](k.visit, `all()`) {
		if !k.used[name] {
			t.Errorf("the tab key never comes to %s", name)
		}
	}
	t.Logf("%d controls used", len(k.used))
	if len(k.used) < 100 {
		t.Errorf("only %d controls were used", len(k.used))
	}
	k.quiet()
}

// skipLink takes the first stop of all to the answer, and leaves the question.
func (k *typist) skipLink() {
	k.t.Helper()
	k.press(kb.Tab)
	if at := eval[stop](k.visit, `stop()`); at.Name != "skip" {
		k.t.Errorf("the first stop is %s", at.Name)
	}
	k.press(kb.Enter)
	if at := eval[stop](k.visit, `stop()`); at.Name != "verdict" || k.hash() != tooBig {
		k.t.Errorf("the link to the answer leads to %s at %s", at.Name, k.hash())
	}
}

// use operates one control.
func (k *typist) use(at stop) {
	k.t.Helper()
	group, key, _ := strings.Cut(at.Name, "/")
	switch {
	case at.Kind == "combobox":
		k.useCombobox(at.Name)
	case at.Kind == "input/file":
		k.useFile(at.Name)
	case at.Kind == "slider":
		k.useTimeline()
	case at.Name == "language" || at.Name == "theme" || at.Name == "order" || at.Name == "in-size":
		k.useSelect(at.Name)
	case strings.HasPrefix(at.Name, "in-"):
		k.useSetting(at)
	case at.Kind == "summary":
		k.press(kb.Enter)
		if !eval[bool](k.visit, `document.activeElement.parentElement.open`) {
			k.t.Errorf("%s does not open", at.Name)
		}
		if at.Name == "summary/how" {
			k.wait(`document.querySelectorAll("#derivations tr").length > 3`)
		}
	case at.Name == "heat/cell":
		k.useHeat()
	case group == "changes":
		flags := strings.Fields(key)
		k.pressFor(at.Name, strings.TrimPrefix(flags[0], "--")+"="+flags[1]+"&")
		k.again(at.Name)
	case group == "methods" && key != "":
		k.pressFor(at.Name, "method="+key+"&")
		k.again(at.Name)
	case group == "gpus" && key != "":
		k.pressFor(at.Name, "gpu="+key+"&")
		k.again(at.Name)
	case group == "copy":
		k.useCopy(key)
	case group == "download":
		k.useDownload(key)
	default:
		k.useOther(at)
	}
}

// pressFor presses the button in focus, which leads to a setting.
func (k *typist) pressFor(name, want string) {
	k.t.Helper()
	k.press(kb.Enter)
	k.leads(name, want)
}

func (k *typist) useOther(at stop) {
	k.t.Helper()
	switch {
	case at.Name == "hub":
		k.press(kb.Enter)
		if text := k.text("problem"); !strings.Contains(text, "org/name") {
			k.t.Errorf("asking the Hub for a preset's name says %q", text)
		}
		k.again(at.Name)
	case at.Name == "reset":
		k.press(kb.Enter)
		if hash := k.hash(); hash != "#v=1&model=llama-7b&method=qlora" {
			k.t.Errorf("starting over leads to %s", hash)
		}
		k.settle()
		k.again(at.Name)
	case at.Name == "all-gpus":
		k.useAllGPUs()
	case at.Kind == "region" || at.Name == "command": // what scrolls
		k.press(kb.ArrowRight)
		if eval[bool](k.visit, `(() => { const e = document.activeElement; return e.scrollWidth > e.clientWidth + 40; })()`) {
			k.wait(`document.activeElement.scrollLeft > 0`)
		}
	default:
		k.t.Errorf("nobody told this test what %+v does", at)
	}
}

// typing replaces what the field in focus says.
func (k *typist) typing(text string) {
	k.t.Helper()
	eval[bool](k.visit, `(document.activeElement.select(), true)`)
	k.press(kb.Delete)
	act(k.visit, chromedp.KeyEvent(text))
}

// useCombobox finds things by part of a name, picks with the arrow keys, and
// closes the list.
func (k *typist) useCombobox(name string) {
	k.t.Helper()
	open := `document.activeElement.getAttribute("aria-expanded") === "true"`
	find, id, was := "2.5 0.5b", "model=qwen2.5-0.5b&", "llama-7b"
	if name == "in-gpu" {
		find, id, was = "geforce 3090", "gpu=rtx-3090&", "rtx-4090"
	}
	k.typing(find)
	if !eval[bool](k.visit, open) {
		k.t.Fatalf("%s: typing %q opens no list", name, find)
	}
	k.press(kb.Escape)
	if eval[bool](k.visit, open) {
		k.t.Errorf("%s: Escape does not close the list", name)
	}
	k.press(kb.ArrowDown, kb.ArrowUp)
	if !eval[bool](k.visit, open+` && document.getElementById(document.activeElement.getAttribute("aria-activedescendant")) !== null`) {
		k.t.Errorf("%s: an arrow key does not open the list of all", name)
	}
	k.press(kb.Escape)
	k.typing(find)
	k.press(kb.ArrowDown, kb.Enter)
	k.leads(name, id)
	k.settle()
	if name == "in-gpu" { // several, parted by commas
		k.press(kb.End)
		act(k.visit, chromedp.KeyEvent(",h100"))
		k.press(kb.Enter)
		k.leads(name, "gpu=rtx-3090%2Ch100&")
		k.settle()
	}
	k.typing(was)
	k.press(kb.Enter)
	k.leads(name, "="+was+"&")
	k.again(name)
}

// useFile opens the chooser of files and chooses one.
func (k *typist) useFile(name string) {
	k.t.Helper()
	config := filepath.Join(k.downloads, "config.json")
	if err := os.WriteFile(config, []byte(smallConfig), 0o600); err != nil {
		k.t.Fatal(err)
	}
	command(k.visit, cdpage.SetInterceptFileChooserDialog, cdpage.SetInterceptFileChooserDialogParams{Enabled: true})
	opened := chromedp.Events(k.ctx, cdpage.FileChooserOpened)
	k.press(kb.Enter)
	for chooser, err := range opened {
		if err != nil {
			k.t.Fatal(err)
		}
		command(k.visit, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: []string{config}, BackendNodeID: chooser.BackendNodeID})
		break
	}
	k.wait(`location.hash.includes("model=config.json")`)
	k.settle()
	k.again(name)
}

// useSelect works the lists that are no settings of their own.
func (k *typist) useSelect(name string) {
	k.t.Helper()
	before := eval[string](k.visit, `document.getElementById("gpus").textContent`)
	k.press(kb.ArrowDown)
	switch name {
	case "language":
		k.wait(`document.documentElement.lang === "zh" && document.getElementById("verdict-line").textContent.includes("放不下")`)
	case "theme":
		k.wait(`getComputedStyle(document.documentElement).colorScheme === "light"`)
		k.press(kb.ArrowDown)
		k.wait(`getComputedStyle(document.documentElement).colorScheme === "dark"`)
		k.press(kb.ArrowUp)
	case "order":
		k.wait(`document.getElementById("gpus").textContent !== ` + quote(before))
	case "in-size":
		k.wait(`location.hash.includes("gpu=" + document.activeElement.value)`)
		k.again(name)
		return
	}
	k.press(kb.ArrowUp)
	if name == "language" {
		k.wait(`document.documentElement.lang === "en" && document.getElementById("verdict-line").textContent.includes("not fit")`)
	}
}

// typed are values for the settings that are typed.
var typed = map[string]string{
	"in-micro-batch": "2", "in-seq-len": "512", "in-grad-accum": "4", "in-gpus": "2", "in-lora-rank": "16", "in-lora-alpha": "32",
	"in-lora-dropout": "0.1", "in-lora-targets": "q_proj", "in-modules-to-save": "lm_head", "in-trainable-layers": "2",
}

// useSetting says a setting, whose answer is a verdict or a message.
func (k *typist) useSetting(at stop) {
	k.t.Helper()
	setting := strings.TrimPrefix(at.Name, "in-")
	eval[bool](k.visit, `(document.documentElement.dataset.complete = "", true)`)
	if at.Kind == "select" {
		k.press(kb.ArrowDown)
		if setting == "method" && !strings.Contains(k.hash(), "method=lora") { // the one after full
			k.t.Errorf("an arrow key leads to %s", k.hash())
		}
		value := eval[string](k.visit, `document.activeElement.value`)
		k.leads(at.Name, "&"+setting+"="+strings.ReplaceAll(value, "@", "%40")+"&")
	} else {
		value, ok := typed[at.Name]
		if !ok {
			k.t.Errorf("nobody told this test what to type into %s", at.Name)
		}
		k.typing(value)
		k.leads(at.Name, "&"+setting+"="+value+"&")
	}
	k.settle()
	k.again(at.Name)
	if value := eval[string](k.visit, `document.activeElement.value`); setting != "method" && value != "" {
		k.t.Errorf("%s still says %q when nothing is said", at.Name, value)
	}
}

func (k *typist) useTimeline() {
	k.t.Helper()
	seen := map[string]bool{}
	for _, key := range []string{kb.Home, kb.ArrowRight, kb.PageDown, kb.PageUp, kb.End, kb.ArrowLeft} {
		k.press(key)
		now := eval[string](k.visit, `document.activeElement.getAttribute("aria-valuenow")`)
		seen[now] = true
		if eval[string](k.visit, `document.activeElement.getAttribute("aria-valuetext")`) == "" || k.text("moment") == "" {
			k.t.Errorf("nothing stands at moment %s", now)
		}
	}
	if !seen["0"] || !seen["1"] || !seen["10"] || len(seen) != 5 {
		k.t.Errorf("the keys lead to the moments %v", seen)
	}
}

// useHeat goes through all cells with the arrow keys and takes each.
func (k *typist) useHeat() {
	k.t.Helper()
	if start := eval[bool](k.visit, `document.activeElement.hasAttribute("aria-current")`); !start {
		k.t.Error("the heat map's stop is not the cell that is asked about")
	}
	for range 12 {
		k.press(kb.ArrowUp)
	}
	k.press(kb.Home)
	cells := map[string]bool{}
	for row := range 12 {
		for column := range 12 {
			k.press(kb.Enter)
			label := eval[string](k.visit, `document.activeElement.ariaLabel`)
			var batch, length int
			if _, err := fmt.Sscanf(label, "%d × %d:", &batch, &length); err != nil {
				k.t.Fatalf("a cell is called %q: %v", label, err)
			}
			cells[label] = true
			k.leads("heat/cell "+label, fmt.Sprintf("&micro-batch=%d&seq-len=%d&", batch, length))
			if column < 11 {
				k.press(kb.ArrowRight)
			}
		}
		if row < 11 {
			k.press(kb.ArrowDown, kb.Home)
		}
	}
	if len(cells) != 144 {
		k.t.Errorf("the arrow keys come to %d cells, want 144", len(cells))
	}
	k.again("heat/cell")
}

// useAllGPUs shows all cards and goes back through them.
func (k *typist) useAllGPUs() {
	k.t.Helper()
	before := eval[int](k.visit, `document.querySelectorAll("#gpus button").length`)
	k.press(kb.Enter)
	count := eval[int](k.visit, `document.querySelectorAll("#gpus button").length`)
	if count <= before || !eval[bool](k.visit, `document.activeElement.ariaExpanded === "true"`) {
		k.t.Errorf("%d cards, %d when all are shown", before, count)
	}
	for range count {
		act(k.visit, chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(kb.ModifierShift)))
		name := eval[stop](k.visit, `stop()`).Name
		id, ok := strings.CutPrefix(name, "gpus/")
		if !ok {
			k.t.Fatalf("the tab key goes back to %s, want a card", name)
		}
		k.used[name] = true
		k.pressFor(name, "gpu="+id+"&")
	}
	eval[bool](k.visit, `again(`+quote(tooBig)+`)`)
	k.settle()
	eval[bool](k.visit, `(document.getElementById("all-gpus").focus(), true)`)
}

// useCopy copies and reads the clipboard.
func (k *typist) useCopy(kind string) {
	k.t.Helper()
	eval[bool](k.visit, `navigator.clipboard.writeText("").then(() => { document.getElementById("shared").textContent = ""; return true; })`)
	k.press(kb.Enter)
	k.wait(`document.getElementById("shared").textContent === "Copied."`)
	text := eval[string](k.visit, `navigator.clipboard.readText()`)
	if want := map[string]string{"link": k.url + tooBig, "command": "vramcalc plan --model llama-7b", "markdown": "| --- | ---: |", "json": `"model"`}[kind]; !strings.Contains(text, want) {
		k.t.Errorf("copying the %s gives %q, want %q in it", kind, text[:min(len(text), 200)], want)
	}
}

// useDownload waits for the file and looks whether it is a drawing.
func (k *typist) useDownload(kind string) {
	k.t.Helper()
	k.press(kb.Enter)
	data := k.downloaded("vramcalc." + kind)
	switch kind {
	case "svg":
		checkSVG(k.t, data)
	case "png":
		picture, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			k.t.Fatal(err)
		}
		colours := map[any]bool{}
		for x := range picture.Bounds().Dx() {
			colours[picture.At(x, picture.Bounds().Dy()/2)] = true
		}
		if picture.Bounds().Dx() < 600 || len(colours) < 5 {
			k.t.Errorf("the PNG is %v with %d colours across it", picture.Bounds(), len(colours))
		}
	}
}

// downloaded waits for a file to be there.
func (k *typist) downloaded(name string) []byte {
	k.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if data, err := os.ReadFile(filepath.Join(k.downloads, name)); err == nil && len(data) > 0 {
			return data
		}
	}
	k.t.Fatalf("%s never comes", name)
	return nil
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/site"
)

// The page is tested in a real Chromium. Where there is none, these tests skip,
// unless VRAMCALC_BROWSER=required says that there has to be one; "off" skips
// them anyway.

// browsers are the programs that are looked for.
var browsers = []string{"chromium", "chromium-browser", "google-chrome"}

func browserPath(t *testing.T) string {
	t.Helper()
	if os.Getenv("VRAMCALC_BROWSER") == "off" {
		t.Skip("VRAMCALC_BROWSER=off")
	}
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	message := "no Chromium: install Debian's package chromium to test the page"
	if os.Getenv("VRAMCALC_BROWSER") == "required" {
		t.Fatal(message)
	}
	t.Skip(message)
	return ""
}

// builtPage is the folder that web/build writes, once for all tests.
var builtPage = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "vramcalc-page")
	if err != nil {
		return "", err
	}
	if err := noteSources("web/build", "web/page", "cmd/internal/page", "cmd/vramcalc-wasm"); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "run", "./web/build", "-out", filepath.Join(dir, "page"))
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", &failure{err, string(out)}
	}
	return filepath.Join(dir, "page"), nil
})

// noteSources opens the page's sources, which another process reads: so the go
// command knows that a result does not hold for others.
func noteSources(folders ...string) error {
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			_, err = os.ReadFile(path)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// visit is a browser's tab that shows the page.
type visit struct {
	t      *testing.T
	ctx    context.Context
	url    string
	server *httptest.Server
	mu     sync.Mutex
	thrown []string // exceptions and errors on the console
}

// open starts a browser and the server of the page.
func open(t *testing.T) *visit {
	t.Helper()
	path := browserPath(t)
	dir, err := builtPage()
	if err != nil {
		t.Fatal(err)
	}
	v := &visit{t: t, server: httptest.NewServer(besideOthers(site.Handler(os.DirFS(dir))))}
	v.url = v.server.URL + "/"
	t.Cleanup(v.server.Close)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.Flag("lang", "en-US"))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	v.ctx = ctx
	if _, err := chromedp.Run(ctx, chromedp.Navigate("about:blank")); err != nil { // the browser lives as long as this context
		t.Fatal(err)
	}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.IsException() || strings.HasPrefix(m.String(), "error") {
				v.mu.Lock()
				v.thrown = append(v.thrown, m.String())
				v.mu.Unlock()
			}
		}
	}()
	return v
}

// hostPage is where a page of someone else stands that embeds this one.
const hostPage = "someone-elses.html"

// besideOthers serves the page, and an empty one of someone else beside it.
func besideOthers(page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/"+hostPage {
			page.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><title>docs</title><link rel="icon" href="data:,">`)
	})
}

// act carries an action out, within the time of a slow machine.
func act[T any](v *visit, a chromedp.Action[T]) T {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, time.Minute)
	defer cancel()
	result, err := chromedp.Run(ctx, a)
	if err != nil {
		v.t.Fatal(err)
	}
	return result
}

// eval evaluates an expression, awaiting a promise.
func eval[T any](v *visit, expression string) T {
	v.t.Helper()
	return act(v, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// command sends the browser a command.
func command[P, R any](v *visit, c cdp.Command[P, R], params P) R {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, time.Minute)
	defer cancel()
	result, err := chromedp.Call(ctx, c, params)
	if err != nil {
		v.t.Fatal(err)
	}
	return result
}

// press presses keys, one after the other.
func (v *visit) press(keys ...string) {
	v.t.Helper()
	for _, k := range keys {
		act(v, chromedp.KeyEvent(k))
	}
}

// show opens the page at a fragment and waits for all of the answer.
func (v *visit) show(fragment string) {
	v.t.Helper()
	act(v, chromedp.Navigate("about:blank"))
	act(v, chromedp.Navigate(v.url+fragment))
	v.settle()
}

// settle waits until the whole answer or an error is there.
func (v *visit) settle() {
	v.t.Helper()
	v.wait(`document.documentElement.dataset.complete === "yes" || document.getElementById("problem")?.textContent.length > 0`)
}

// wait waits until a condition holds.
func (v *visit) wait(condition string) {
	v.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if eval[bool](v, condition) {
			return
		}
	}
	v.t.Fatalf("never true: %s; the page says %q", condition, v.text("verdict"))
}

func (v *visit) text(id string) string {
	v.t.Helper()
	return eval[string](v, `document.getElementById(`+quote(id)+`).textContent`)
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// quiet fails the test where the page threw or logged an error.
func (v *visit) quiet() {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, e := range v.thrown {
		v.t.Error(e)
	}
}

// look sets the window's size and the colour scheme.
func (v *visit) look(width, height int64, scheme string) {
	v.t.Helper()
	act(v, chromedp.EmulateViewport(width, height))
	command(v, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

const (
	fitting = "#v=1&model=llama-7b&method=qlora&gpu=h100"
	tooBig  = "#v=1&model=llama-7b&method=full&gpu=rtx-4090"
)

// shots is where the screenshots go, for people to look at.
const shots = "../../web/test/shots"

func saveShot(t *testing.T, name string, png []byte) {
	t.Helper()
	if err := os.MkdirAll(shots, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(shots, name), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestPageScreenshots(t *testing.T) {
	v := open(t)
	for _, c := range []struct {
		name, fragment, scheme string
		width, height          int64
		want                   string
	}{
		{"desktop-light-fits", fitting, "light", 1440, 1000, "✓"},
		{"desktop-dark-too-big", tooBig, "dark", 1440, 1000, "✕"},
		{"phone-light-too-big", tooBig, "light", 390, 844, "✕"},
		{"phone-dark-fits", fitting, "dark", 390, 844, "✓"},
		{"desktop-light-too-big", tooBig, "light", 1440, 1000, "✕"},
		{"phone-light-fits", fitting, "light", 390, 844, "✓"},
	} {
		v.look(c.width, c.height, c.scheme)
		v.show(c.fragment)
		if line := v.text("verdict-line"); !strings.HasPrefix(line, c.want) {
			t.Errorf("%s: %q, want it to begin with %s", c.name, line, c.want)
		}
		if eval[bool](v, `document.documentElement.scrollWidth > innerWidth`) {
			t.Errorf("%s: the page is wider than the window", c.name)
		}
		saveShot(t, c.name+".png", act(v, chromedp.FullScreenshot(100)))
	}
	v.quiet()
}

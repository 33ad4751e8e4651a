// Command build makes the web page from web/page and cmd/vramcalc-wasm:
//
//	go run ./web/build -out dist/web -zip cmd/vramcalc/internal/site/site.zip
//
// The folder is what any static host serves: index.html, and beside it the
// files that it loads in a folder named after their content, each also
// compressed as .br and .gz. The zip file is the same with the compressed
// forms alone where there are some; the program embeds it.
package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/vramcalc/vramcalc/presets"
)

// source is the hand-written part of the page.
const source = "web/page"

// assets stands in the page for the folder that is named after its content.
const assets = "__ASSETS__"

// rooted are the files whose address may not change: what a browser asks for
// by name, and the service worker, which governs the folder it stands in.
var rooted = []string{"index.html", "service-worker.js", "manifest.webmanifest", "icon.svg"}

func main() {
	out := flag.String("out", "dist/web", "folder to write")
	archive := flag.String("zip", "", "zip file to write besides")
	flag.Parse()
	if err := build(*out, *archive); err != nil {
		fmt.Fprintln(os.Stderr, "web/build:", err)
		os.Exit(1)
	}
}

func build(out, archive string) error {
	files, err := gather()
	if err != nil {
		return err
	}
	files = place(files)
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		br, gz, err := compressed(files[name])
		if err != nil {
			return err
		}
		for suffix, data := range map[string][]byte{"": files[name], ".br": br, ".gz": gz} {
			if err := write(filepath.Join(out, name+suffix), data); err != nil {
				return err
			}
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: name + ".br", Method: zip.Store})
		if err != nil {
			return err
		}
		if _, err := w.Write(br); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil || archive == "" {
		return err
	}
	return write(archive, packed.Bytes())
}

func write(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o644)
}

// gather reads the sources, Go's own glue and the compiled program.
func gather() (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(source), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[name], err = os.ReadFile(filepath.Join(source, name))
		return err
	})
	if err != nil {
		return nil, err
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	files["wasm_exec.js"], err = os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return nil, err
	}
	if files["catalogue.json"], err = exec.Command("go", "run", "./cmd/vramcalc-wasm").Output(); err != nil {
		return nil, fmt.Errorf("go run ./cmd/vramcalc-wasm: %w", err)
	}
	if files["prices.json"], err = prices(); err != nil {
		return nil, err
	}
	files["vramcalc.wasm"], err = compile()
	return files, err
}

// seen is when and where the rental prices of a GPU were seen.
type seen struct {
	Date   string `json:"date"`
	Source string `json:"source"`
}

// prices says of each GPU with a price where it comes from: words that the
// program for the browser goes without, and that nobody waits for.
func prices() ([]byte, error) {
	known := map[string]seen{}
	for _, g := range presets.GPUs() {
		for _, p := range g.PriceUSDPerHour {
			known[g.ID] = seen{p.Date, p.Source} // the lowest and the highest have the same
		}
	}
	return json.Marshal(known)
}

// compile builds the program for the browser. Without inlining it is a seventh
// smaller and hardly slower; the default garbage collector's vector code is of
// no use in WebAssembly.
func compile() ([]byte, error) {
	dir, err := os.MkdirTemp("", "vramcalc-web")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "vramcalc.wasm")
	cmd := exec.Command("go", "build", "-trimpath", "-gcflags=all=-l", "-ldflags=-s -w", "-o", out, "./cmd/vramcalc-wasm")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "GOEXPERIMENT=nogreenteagc", "GOFLAGS=")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w", cmd, err)
	}
	wasm, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	return withoutNames(wasm)
}

// place puts what may change its address into a folder named after the content
// of all files, and writes that name where the others refer to it.
func place(files map[string][]byte) map[string][]byte {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	sum := sha256.New()
	for _, name := range names {
		fmt.Fprintf(sum, "%s %d\n", name, len(files[name]))
		sum.Write(files[name])
	}
	folder := hex.EncodeToString(sum.Sum(nil))[:12]
	placed := map[string][]byte{}
	list := []string{}
	for _, name := range names {
		if !slices.Contains(rooted, name) {
			placed[path.Join(folder, name)] = files[name]
			list = append(list, path.Join(folder, name))
		}
	}
	for _, name := range rooted {
		text := strings.ReplaceAll(string(files[name]), assets, folder)
		placed[name] = []byte(strings.ReplaceAll(text, "__FILES__", strings.Join(list, " ")))
	}
	return placed
}

// compressed gives the brotli and the gzip form, as small as they get.
func compressed(data []byte) (br, gz []byte, err error) {
	var b, g bytes.Buffer
	bw := brotli.NewWriterOptions(&b, brotli.WriterOptions{Quality: brotli.BestCompression, LGWin: 24})
	if _, err := bw.Write(data); err != nil {
		return nil, nil, err
	}
	if err := bw.Close(); err != nil {
		return nil, nil, err
	}
	gw, err := gzip.NewWriterLevel(&g, gzip.BestCompression)
	if err != nil {
		return nil, nil, err
	}
	if _, err := gw.Write(data); err != nil {
		return nil, nil, err
	}
	err = gw.Close()
	return b.Bytes(), g.Bytes(), err
}

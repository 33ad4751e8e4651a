// Package site serves the web page: the one that is built into the program, or
// a folder that web/build wrote.
package site

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// ErrNone says that the program was built without the page.
var ErrNone = errors.New("this program was built without the web page")

// Embedded is the page that is built into the program.
func Embedded() (fs.FS, error) {
	if len(archive) == 0 {
		return nil, ErrNone
	}
	return zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
}

// policy is the page's content security policy. Only the page's own files run,
// and only the Hugging Face Hub is asked, when the user does.
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; " +
	"connect-src 'self' https://huggingface.co; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'"

// types are those of the page's files, whatever the machine's tables say.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".json": "application/json", ".svg": "image/svg+xml", ".wasm": "application/wasm", ".webmanifest": "application/manifest+json",
}

// Handler serves the compressed files of a page.
func Handler(files fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		if name == "" {
			name = "index.html"
		}
		data, err := fs.ReadFile(files, name+".br")
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			http.Error(w, "only GET", http.StatusMethodNotAllowed)
			return
		case err != nil:
			http.NotFound(w, r)
			return
		case !strings.Contains(r.Header.Get("Accept-Encoding"), "br"):
			http.Error(w, "the page is compressed with brotli, which this browser does not take", http.StatusNotAcceptable)
			return
		}
		h := w.Header()
		kind := types[path.Ext(name)]
		if kind == "" {
			kind = mime.TypeByExtension(path.Ext(name))
		}
		h.Set("Content-Type", kind)
		h.Set("Content-Encoding", "br")
		h.Set("Vary", "Accept-Encoding")
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		if strings.Contains(name, "/") { // in the folder named after its content
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	})
}

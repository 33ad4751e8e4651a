package hub

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vramcalc/vramcalc/presets"
	"github.com/vramcalc/vramcalc/presets/hfconfig"
)

const (
	repo   = "acme/tiny-llama"
	config = `{"model_type":"llama","hidden_size":64,"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4,"vocab_size":100,"torch_dtype":"bfloat16"}`
)

// files serves the files of one repository; others are 404.
type files map[string]string

func (f files) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, ok := f[strings.TrimPrefix(req.URL.Path, "/"+repo+"/resolve/main/")]
	if !ok {
		http.NotFound(w, req)
		return
	}
	http.ServeContent(w, req, "", time.Time{}, strings.NewReader(body)) // honours Range
}

func serve(t *testing.T, h http.Handler) Options {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return Options{Endpoint: s.URL, CacheDir: t.TempDir(), Timeout: 5 * time.Second, Client: s.Client()}
}

// safetensors returns a file whose header is the given JSON.
func safetensors(header string) string {
	size := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return string(size) + header + "weights, never read"
}

func TestHubModel(t *testing.T) {
	long := strings.Repeat(" ", firstBytes)
	for name, c := range map[string]struct {
		files      files
		parameters int64
		exact      bool
		note       string
	}{
		"no safetensors":    {files{}, 0, false, "no safetensors"},
		"index with total":  {files{indexFile: `{"metadata":{"total_parameters":1234,"total_size":9},"weight_map":{}}`}, 1234, true, "total_parameters"},
		"index with bytes":  {files{indexFile: `{"metadata":{"total_size":2468.0}}`}, 1234, false, "total_size"},
		"index says naught": {files{indexFile: `{}`}, 0, false, "does not tell"},
		"index is HTML":     {files{indexFile: `<html>`}, 0, false, "invalid character"},
		"header": {files{tensorsFile: safetensors(`{"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[100,64],"data_offsets":[0,1]},
			"b":{"dtype":"BF16","shape":[],"data_offsets":[0,1]},"h.0.attn.bias":{"dtype":"F32","shape":[1,1,64,64]},"h.1.attn.bias":{"dtype":"F32","shape":[7]}}`)}, 6408, true, "header"},
		"long header":       {files{tensorsFile: safetensors(`{"a":{"shape":[10]}` + long + `}`)}, 10, true, "header"},
		"header breaks off": {files{tensorsFile: safetensors(`{}`)[:9]}, 0, false, "breaks off"},
		"absurd header":     {files{tensorsFile: "\xff\xff\xff\xff\xff\xff\xff\xff{}"}, 0, false, "too large"},
		"negative shape":    {files{tensorsFile: safetensors(`{"a":{"shape":[-1]}}`)}, 0, false, "shape [-1]"},
		"shape overflows":   {files{tensorsFile: safetensors(`{"a":{"shape":[4294967296,4294967296]}}`)}, 0, false, "shape"},
	} {
		t.Run(name, func(t *testing.T) {
			c.files[configFile] = config
			m, err := Resolve(t.Context(), repo, serve(t, c.files))
			if err != nil {
				t.Fatal(err)
			}
			if m.HubID != repo || m.Hidden != 64 || m.Parameters != c.parameters || m.ParametersExact != c.exact {
				t.Errorf("%s: hidden %d, parameters %d exact %t", m.HubID, m.Hidden, m.Parameters, m.ParametersExact)
			}
			if !strings.Contains(strings.Join(m.Notes, "\n"), c.note) {
				t.Errorf("notes %q do not say %q", m.Notes, c.note)
			}
		})
	}
}

func TestFailuresSayWhatToDo(t *testing.T) {
	status := func(code int, header string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Error-Code", header)
			w.WriteHeader(code)
		})
	}
	for name, c := range map[string]struct {
		handler http.Handler
		token   string
		is      error
		says    string
	}{
		"gated, no token":    {status(401, "GatedRepo"), "", ErrGated, "set HF_TOKEN"},
		"gated, wrong token": {status(403, "GatedRepo"), "secret", ErrGated, "no access"},
		"hidden repository":  {status(401, "RepoNotFound"), "", ErrNotFound, "no such repository"},
		"missing":            {status(404, ""), "", ErrNotFound, "HTTP 404"},
		"server error":       {status(503, ""), "", nil, "HTTP 503"},
		"not JSON":           {files{configFile: "<html>hello</html>"}, "", nil, "not JSON"},
		"too large":          {files{configFile: strings.Repeat("x", hfconfig.MaxBytes+1)}, "", ErrTooLarge, "more than"},
		"unsupported":        {files{configFile: `{"model_type":"mamba"}`}, "", nil, `model_type: "mamba"`},
		"breaks off":         {http.HandlerFunc(truncate), "", io.ErrUnexpectedEOF, "breaks off"},
		"redirects for ever": {http.HandlerFunc(loop), "", nil, "redirects"},
	} {
		t.Run(name, func(t *testing.T) {
			o := serve(t, c.handler)
			o.Token = c.token
			_, err := Resolve(t.Context(), repo, o)
			if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v, want it to be %v and to say %q", err, c.is, c.says)
			}
			if !strings.Contains(err.Error(), repo) {
				t.Errorf("%v does not name the repository", err)
			}
			if c.token != "" && strings.Contains(err.Error(), c.token) {
				t.Errorf("%v shows the token", err)
			}
			if found, _ := filepath.Glob(filepath.Join(o.CacheDir, "hub", "*", "*", "*")); len(found) > 0 {
				t.Errorf("a failure was cached: %v", found)
			}
		})
	}
}

func truncate(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	fmt.Fprint(w, config)
}

func loop(w http.ResponseWriter, req *http.Request) {
	http.Redirect(w, req, req.URL.Path, http.StatusFound)
}

// TestEndlessBodyStopsAtTheLimit: a gigabyte without a stated length.
func TestEndlessBodyStopsAtTheLimit(t *testing.T) {
	var sent atomic.Int64
	o := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 1<<16)
		for sent.Load() < 1<<30 {
			n, err := w.Write(chunk)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}))
	_, err := Resolve(t.Context(), repo, o)
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v, want ErrTooLarge", err)
	}
	if n := sent.Load(); n > 4*hfconfig.MaxBytes {
		t.Errorf("%d bytes were taken", n)
	}
}

func TestStatedGigabyteIsNotRead(t *testing.T) {
	o := serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Length", "1073741824")
		w.(http.Flusher).Flush()
		<-req.Context().Done()
	}))
	if _, err := Resolve(t.Context(), repo, o); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v, want ErrTooLarge", err)
	}
}

// TestServerThatIgnoresRanges must not make us read the weights.
func TestServerThatIgnoresRanges(t *testing.T) {
	o := serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch {
		case strings.HasSuffix(req.URL.Path, configFile):
			fmt.Fprint(w, config)
		case strings.HasSuffix(req.URL.Path, tensorsFile):
			fmt.Fprint(w, safetensors(`{"a":{"shape":[7]}}`))
			chunk := make([]byte, 1<<16)
			for {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		default:
			http.NotFound(w, req)
		}
	}))
	m, err := Resolve(t.Context(), repo, o)
	if err != nil || m.Parameters != 7 {
		t.Errorf("parameters %d, %v", m.Parameters, err)
	}
}

func TestSlowServerTimesOut(t *testing.T) {
	o := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }))
	o.Timeout = 50 * time.Millisecond
	start := time.Now()
	_, err := Resolve(t.Context(), repo, o)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "within 50ms") {
		t.Errorf("%v", err)
	}
	if waited := time.Since(start); waited > 3*time.Second {
		t.Errorf("waited %v", waited)
	}
}

// TestRedirectKeepsTheTokenAtHome: the Hub sends large files to another host,
// which must not see the token.
func TestRedirectKeepsTheTokenAtHome(t *testing.T) {
	var leaked atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		leaked.Store(leaked.Load() || req.Header.Get("Authorization") != "")
		files{configFile: config}.ServeHTTP(w, req)
	}))
	t.Cleanup(other.Close)
	var asked atomic.Bool
	o := serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		asked.Store(asked.Load() || req.Header.Get("Authorization") == "Bearer secret")
		target := strings.Replace(other.URL, "127.0.0.1", "localhost", 1) // another host by name
		http.Redirect(w, req, target+req.URL.Path, http.StatusTemporaryRedirect)
	}))
	o.Token, o.Client = "secret", nil
	if _, err := Resolve(t.Context(), repo, o); err != nil {
		t.Fatal(err)
	}
	if !asked.Load() || leaked.Load() {
		t.Errorf("token sent to the Hub: %t, to the other host: %t", asked.Load(), leaked.Load())
	}
}

func TestCache(t *testing.T) {
	var requests atomic.Int64
	var down atomic.Bool
	o := serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		requests.Add(1)
		if down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		files{configFile: config, tensorsFile: safetensors(`{"a":{"shape":[7]}}`)}.ServeHTTP(w, req)
	}))
	offline := o
	offline.Offline = true

	if _, err := Resolve(t.Context(), repo, offline); !errors.Is(err, ErrOffline) || !strings.Contains(err.Error(), "HF_HUB_OFFLINE") {
		t.Errorf("offline, empty cache: %v", err)
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests while offline", n)
	}
	first, err := Resolve(t.Context(), repo, o)
	if err != nil || first.Parameters != 7 {
		t.Fatalf("parameters %d, %v", first.Parameters, err)
	}
	asked := requests.Load()
	for name, o := range map[string]Options{"again": o, "offline": offline} {
		m, err := Resolve(t.Context(), repo, o)
		if err != nil || m.Parameters != 7 || requests.Load() != asked {
			t.Errorf("%s: parameters %d, %v, %d more requests", name, m.Parameters, err, requests.Load()-asked)
		}
	}

	r := repository{id: repo, Options: o.withDefaults()}
	rec, ok := r.load()
	if !ok {
		t.Fatal("nothing cached")
	}
	rec.Fetched = time.Now().Add(-2 * fresh)
	if err := r.store(rec); err != nil {
		t.Fatal(err)
	}
	down.Store(true)
	m, err := Resolve(t.Context(), repo, o)
	if err != nil || !strings.Contains(strings.Join(m.Notes, "\n"), "from the cache") {
		t.Errorf("stale and the server down: %v, notes %q", err, m.Notes)
	}

	if err := os.WriteFile(r.cachePath(), []byte(`{"config":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Resolve(t.Context(), repo, offline); !errors.Is(err, ErrOffline) {
		t.Errorf("a broken cache file: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(r.cachePath()), ".tmp-*")); len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}

func TestUnwritableCacheIsNoFailure(t *testing.T) {
	o := serve(t, files{configFile: config})
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o.CacheDir = file
	m, err := Resolve(t.Context(), repo, o)
	if err != nil || !strings.Contains(strings.Join(m.Notes, "\n"), "not cached") {
		t.Errorf("%v, notes %q", err, m.Notes)
	}
}

func TestPresetsComeFirst(t *testing.T) {
	o := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the network was asked") }))
	for _, name := range []string{"llama-2-7b", "meta-llama/Llama-2-7b-hf"} {
		if m, err := Resolve(t.Context(), name, o); err != nil || m.ID != "llama-2-7b" {
			t.Errorf("%s: %q, %v", name, m.ID, err)
		}
	}
	for _, name := range []string{"lama-7b", "a/b/c", "../x", "a/..", "", "a b/c", "-a/b", "x/\x00"} {
		if _, err := Resolve(t.Context(), name, o); err == nil {
			t.Errorf("%q was found", name)
		}
	}
	if _, err := Resolve(t.Context(), "lama-7b", o); !strings.Contains(err.Error(), "llama-7b") {
		t.Error(err)
	}
}

func TestUnknownRepositoryOffersPresets(t *testing.T) {
	_, err := Resolve(t.Context(), "meta-lama/Llama-2-7b-hf", serve(t, files{}))
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "llama-2-7b") {
		t.Error(err)
	}
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write(configFile, config)
	write(tensorsFile, safetensors(`{"a":{"shape":[7]}}`))
	for _, path := range []string{file, dir, dir + string(filepath.Separator)} {
		m, err := Resolve(t.Context(), path, Options{})
		if err != nil || m.Hidden != 64 || m.Parameters != 7 || m.ID != path {
			t.Errorf("%s: %q, hidden %d, parameters %d, %v", path, m.ID, m.Hidden, m.Parameters, err)
		}
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "no.json"):           "no such file",
		t.TempDir():                             configFile,
		write("bad.json", `{"a":1`):             "not JSON",
		write("t5.json", `{"model_type":"t5"}`): `model_type: "t5"`,
	} {
		if _, err := Resolve(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want it to say %q", path, err, want)
		}
	}
}

func TestFromEnv(t *testing.T) {
	env := map[string]string{"HF_ENDPOINT": "https://mirror.example/", "HF_TOKEN": " t ", "HF_HUB_OFFLINE": "Yes"}
	o := FromEnv(func(key string) string { return env[key] })
	if o.Token != "t" || !o.Offline || o.withDefaults().Endpoint != "https://mirror.example" {
		t.Errorf("%+v", o)
	}
	o = FromEnv(func(string) string { return "" })
	if o.Offline || o.withDefaults().Endpoint != defaultEndpoint || o.withDefaults().Timeout != defaultTimeout {
		t.Errorf("%+v", o)
	}
}

func TestPlainUnknownNameIsAPresetError(t *testing.T) {
	_, err := Resolve(t.Context(), "lama", Options{Offline: true})
	if _, ok := errors.AsType[*presets.NotFoundError](err); !ok {
		t.Errorf("%v", err)
	}
}

func FuzzTotalOfHeader(f *testing.F) {
	f.Add([]byte(`{"a":{"shape":[2,3]},"__metadata__":{"x":"y"}}`))
	f.Add([]byte(`{"a":{"shape":[9223372036854775807,2]}}`))
	f.Fuzz(func(t *testing.T, header []byte) {
		if got, err := totalOfHeader(header); err == nil && got.Parameters < 0 {
			t.Errorf("%d parameters", got.Parameters)
		}
	})
}

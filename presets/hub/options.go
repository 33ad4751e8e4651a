package hub

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Options say how to reach the Hub. The zero value is the public Hub without
// a token and without a cache.
type Options struct {
	Endpoint string        // default "https://huggingface.co"
	Token    string        // sent as a bearer token; empty: none
	Offline  bool          // use the cache and nothing else
	CacheDir string        // empty: no cache
	Timeout  time.Duration // of one look-up in all; default 15 s
	Client   *http.Client  // default http.DefaultClient
}

const (
	defaultEndpoint = "https://huggingface.co"
	defaultTimeout  = 15 * time.Second
)

// FromEnv fills the options from HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE, as
// huggingface_hub reads them, and puts the cache into the user's cache folder.
// The argument is [os.Getenv], or a stand-in for tests.
func FromEnv(getenv func(string) string) Options {
	o := Options{
		Endpoint: strings.TrimSpace(getenv("HF_ENDPOINT")),
		Token:    strings.TrimSpace(getenv("HF_TOKEN")),
		Offline:  isTrue(getenv("HF_HUB_OFFLINE")),
	}
	if dir, err := os.UserCacheDir(); err == nil {
		o.CacheDir = filepath.Join(dir, "vramcalc")
	}
	return o
}

// isTrue has the values that huggingface_hub takes for true.
func isTrue(s string) bool {
	switch strings.ToUpper(strings.TrimSpace(s)) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}

func (o Options) withDefaults() Options {
	if o.Endpoint == "" {
		o.Endpoint = defaultEndpoint
	}
	o.Endpoint = strings.TrimRight(o.Endpoint, "/")
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	return o
}

package hub

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// fresh is how long a cached answer is used without asking again; config.json
// of a published model hardly ever changes.
const fresh = 7 * 24 * time.Hour

// A record is what the cache keeps of a repository.
type record struct {
	Config  []byte    `json:"config"` // config.json as fetched
	Total   total     `json:"total"`
	Fetched time.Time `json:"fetched"`
}

// cachePath is one file for each endpoint and repository, "" without a cache.
func (r repository) cachePath() string {
	if r.CacheDir == "" {
		return ""
	}
	host := r.Endpoint
	if u, err := url.Parse(r.Endpoint); err == nil && u.Host != "" {
		host = u.Host
	}
	host = strings.NewReplacer("/", "_", ":", "_", "\\", "_").Replace(host)
	return filepath.Join(r.CacheDir, "hub", host, filepath.FromSlash(r.id)+".json")
}

// load returns the cached record; a broken one counts as none.
func (r repository) load() (record, bool) {
	var rec record
	path := r.cachePath()
	if path == "" {
		return rec, false
	}
	data, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(data, &rec) != nil || len(rec.Config) == 0 {
		return record{}, false
	}
	return rec, true
}

// store writes the record so that a reader sees the old file or the new one,
// never half of one.
func (r repository) store(rec record) error {
	path := r.cachePath()
	if path == "" {
		return nil
	}
	data, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails after the rename, as it should
	if _, err := tmp.Write(data); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

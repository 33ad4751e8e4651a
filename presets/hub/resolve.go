package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/presets"
	"github.com/vramcalc/vramcalc/presets/hfconfig"
)

// configFile is the file that describes a model.
const configFile = "config.json"

// repositoryID is the form of a repository's name on the Hub.
var repositoryID = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9][A-Za-z0-9_.-]{0,95}$`)
})

// Resolve returns the model that name stands for: a preset by any of its
// names, else a config.json or a folder with one on this machine, else a
// repository "owner/name" on the Hub.
func Resolve(ctx context.Context, name string, o Options) (model.Model, error) {
	m, presetErr := presets.Model(name)
	unknown, ok := errors.AsType[*presets.NotFoundError](presetErr)
	if !ok {
		return m, presetErr
	}
	if isPath(name) {
		return FromPath(ctx, name)
	}
	if !repositoryID().MatchString(name) || strings.Contains(name, "..") {
		return model.Model{}, presetErr
	}
	m, err := FromHub(ctx, name, o)
	if (errors.Is(err, ErrNotFound) || errors.Is(err, ErrOffline)) && len(unknown.Nearest) > 0 {
		err = fmt.Errorf("%w; no preset has this name, the nearest: %s", err, strings.Join(unknown.Nearest, ", "))
	}
	return m, err
}

// isPath reports whether name means a file or folder: it looks like one, or
// there is one.
func isPath(name string) bool {
	if name == "" || strings.ContainsRune(name, 0) {
		return false
	}
	if filepath.IsAbs(name) || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".json") {
		return true
	}
	_, err := os.Stat(name)
	return err == nil
}

// FromPath reads a config.json, or the one in a folder; safetensors files
// beside it tell the number of parameters.
func FromPath(ctx context.Context, path string) (model.Model, error) {
	dir, file := filepath.Split(path)
	if info, err := os.Stat(path); err != nil {
		return model.Model{}, err
	} else if info.IsDir() {
		dir, file = path, configFile
	}
	from := folder(dir)
	config, err := from.read(ctx, file, hfconfig.MaxBytes)
	if err != nil {
		return model.Model{}, fmt.Errorf("%s: %w", path, err)
	}
	m, err := hfconfig.Read(bytes.NewReader(config), path)
	if err != nil {
		return model.Model{}, err
	}
	t, err := countParameters(ctx, from, config)
	if err != nil {
		t = total{Basis: err.Error()}
	}
	return withTotal(m, t), nil
}

// FromHub fetches a repository's config.json and its number of parameters, or
// takes them from the cache.
func FromHub(ctx context.Context, id string, o Options) (model.Model, error) {
	r := repository{id: id, Options: o.withDefaults()}
	rec, cached := r.load()
	if r.Offline && !cached {
		hint := "unset HF_HUB_OFFLINE, or give the path of a config.json"
		return model.Model{}, &Error{Repo: id, File: configFile, Err: fmt.Errorf("%w and not in the cache", ErrOffline), Hint: hint}
	}
	if r.Offline || cached && time.Since(rec.Fetched) < fresh {
		return r.model(rec)
	}
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	m, err := r.fetch(ctx)
	if err != nil && cached && !errors.Is(err, ErrGated) && !errors.Is(err, ErrNotFound) {
		m, cacheErr := r.model(rec)
		m.Notes = append(m.Notes, fmt.Sprintf("from the cache of %s: %v", rec.Fetched.Format(time.DateOnly), err))
		return m, cacheErr
	}
	return m, err
}

// fetch asks the Hub and fills the cache.
func (r repository) fetch(ctx context.Context) (model.Model, error) {
	config, err := r.read(ctx, configFile, hfconfig.MaxBytes)
	if err != nil {
		return model.Model{}, err
	}
	rec := record{Config: config, Fetched: time.Now()}
	if _, err := r.model(rec); err != nil {
		return model.Model{}, err // what cannot be read is not worth keeping
	}
	t, countErr := countParameters(ctx, r, config)
	if countErr != nil {
		t = total{Basis: countErr.Error()}
	}
	rec.Total = t
	m, err := r.model(rec)
	if countErr == nil {
		if err := r.store(rec); err != nil {
			m.Notes = append(m.Notes, fmt.Sprintf("not cached: %v", err))
		}
	}
	return m, err
}

// model reads a record.
func (r repository) model(rec record) (model.Model, error) {
	m, err := hfconfig.Read(bytes.NewReader(rec.Config), r.id)
	if err != nil {
		return model.Model{}, err
	}
	m.HubID = r.id
	m.Source = fmt.Sprintf("%s of %s/%s", configFile, r.Endpoint, r.id)
	return withTotal(m, rec.Total), nil
}

func withTotal(m model.Model, t total) model.Model {
	m.Parameters, m.ParametersExact = t.Parameters, t.Exact
	if t.Basis != "" {
		m.Notes = append(m.Notes, "parameters: "+t.Basis)
	}
	return m
}

package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
)

// A source hands out the files of one model.
type source interface {
	// read returns a whole file of at most limit bytes.
	read(ctx context.Context, file string, limit int64) ([]byte, error)
	// head returns the first n bytes of a file, or all where it is shorter.
	head(ctx context.Context, file string, n int64) ([]byte, error)
}

// A folder is a source on this machine.
type folder string

func (dir folder) read(_ context.Context, file string, limit int64) ([]byte, error) {
	return dir.open(file, func(r io.Reader) ([]byte, error) { return readAll(r, limit) })
}

func (dir folder) head(_ context.Context, file string, n int64) ([]byte, error) {
	return dir.open(file, func(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, n)) })
}

func (dir folder) open(file string, read func(io.Reader) ([]byte, error)) ([]byte, error) {
	f, err := os.Open(filepath.Join(string(dir), file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(f)
}

// A repository is a source on the Hub.
type repository struct {
	id string // "owner/name"
	Options
}

func (r repository) read(ctx context.Context, file string, limit int64) ([]byte, error) {
	return r.get(ctx, file, "", func(resp *http.Response) ([]byte, error) {
		if resp.ContentLength > limit {
			return nil, tooLarge(limit)
		}
		return readAll(resp.Body, limit)
	})
}

// head asks for a range; a server that ignores that is cut off.
func (r repository) head(ctx context.Context, file string, n int64) ([]byte, error) {
	return r.get(ctx, file, fmt.Sprintf("bytes=0-%d", n-1), func(resp *http.Response) ([]byte, error) {
		return io.ReadAll(io.LimitReader(resp.Body, n))
	})
}

// get sends one request and hands a good answer to read.
func (r repository) get(ctx context.Context, file, span string, read func(*http.Response) ([]byte, error)) ([]byte, error) {
	url := r.Endpoint + "/" + r.id + "/resolve/main/" + file
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, r.failure(file, err)
	}
	req.Header.Set("User-Agent", "vramcalc")
	if r.Token != "" {
		req.Header.Set("Authorization", "Bearer "+r.Token)
	}
	if span != "" {
		req.Header.Set("Range", span)
	}
	resp, err := r.Client.Do(req)
	if err != nil {
		return nil, r.failure(file, err)
	}
	defer resp.Body.Close()
	if err := r.refusal(file, resp); err != nil {
		return nil, err
	}
	data, err := read(resp)
	if err != nil {
		return nil, r.failure(file, err)
	}
	return data, nil
}

// failure wraps what went wrong before or after a good status.
func (r repository) failure(file string, err error) error {
	e := &Error{Repo: r.id, File: file, Err: err}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		e.Err = fmt.Errorf("no answer from %s within %v: %w", r.Endpoint, r.Timeout, context.DeadlineExceeded)
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Err = fmt.Errorf("the answer of %s breaks off: %w", r.Endpoint, err)
	}
	return e
}

// refusal turns a status into an error that says what to do.
func (r repository) refusal(file string, resp *http.Response) error {
	e := &Error{Repo: r.id, File: file, Status: resp.StatusCode}
	code := resp.Header.Get("X-Error-Code")
	switch resp.StatusCode {
	case http.StatusOK, http.StatusPartialContent:
		return nil
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Err = ErrGated
		switch {
		case code == "RepoNotFound":
			e.Err, e.Hint = ErrNotFound, "there is no such repository, or it is private and needs HF_TOKEN"
		case r.Token == "":
			e.Hint = fmt.Sprintf("accept its terms at %s/%s, then set HF_TOKEN", r.Endpoint, r.id)
		default:
			e.Hint = fmt.Sprintf("the token in HF_TOKEN has no access: accept the terms at %s/%s with its account", r.Endpoint, r.id)
		}
	case http.StatusNotFound:
		e.Err = ErrNotFound
	default:
		e.Err = fmt.Errorf("unexpected answer from %s", r.Endpoint)
	}
	return e
}

// readAll reads to the end, and no further than limit.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = tooLarge(limit)
	}
	return data, err
}

func tooLarge(limit int64) error { return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit) }

package hub

import (
	"errors"
	"fmt"
)

// Why a model could not be had; tested with [errors.Is].
var (
	ErrGated    = errors.New("gated or private")
	ErrNotFound = errors.New("not found")
	ErrOffline  = errors.New("offline")
	ErrTooLarge = errors.New("too large")
)

// Error is a failure to get a file of a repository.
type Error struct {
	Repo   string // "owner/name"
	File   string // "config.json"
	Status int    // of HTTP; 0 where there was no answer
	Hint   string // what to do, may be empty
	Err    error
}

func (e *Error) Error() string {
	msg := fmt.Sprintf("%s: %s: %v", e.Repo, e.File, e.Err)
	if e.Status != 0 {
		msg += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	if e.Hint != "" {
		msg += "; " + e.Hint
	}
	return msg
}

func (e *Error) Unwrap() error { return e.Err }

package main

import (
	"strings"
	"testing"
)

// FuzzArguments gives the program any words at all: it has to answer with one
// of its exit statuses, say something, and never panic. Words are separated by
// newlines.
func FuzzArguments(f *testing.F) {
	for _, args := range [][]string{
		ask(), ask("--gpu", "h100,l4", "-o", "json"), ask("--micro-batch", "1", "--batch-size", "2"),
		ask("--lora-alpha", "1e309"), ask("--lora-targets", ","), ask("--double-quant=x", "-o", "html"),
		{"models", "a|b"},
		{"gpus", "show", "\x00"},
		{"__complete", "plan", "--gpu", "a,"},
		{"-"},
		{"--"},
		{"-=", "--="},
	} {
		f.Add(strings.Join(args, "\n"))
	}
	f.Fuzz(func(t *testing.T, words string) {
		got := call(t, false, nil, strings.Split(words, "\n")...)
		if got.status < exitDone || got.status > exitTooBig {
			t.Errorf("status %d", got.status)
		}
		if (got.status == exitFailed || got.status == exitUsage) && !strings.HasPrefix(got.stderr, programName+": error: ") {
			t.Errorf("status %d with %q on standard error", got.status, got.stderr)
		}
	})
}

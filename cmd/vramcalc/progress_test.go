package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// clock is a time that goes on by a step whenever somebody looks.
func clock(step time.Duration) func() time.Time {
	var mu sync.Mutex
	at := time.Unix(0, 0)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		at = at.Add(step)
		return at
	}
}

// TestProgress: a bar is on standard error, of a terminal, and only of what
// takes more than a second; nothing of it is left, nor is any in the answer.
func TestProgress(t *testing.T) {
	doc := filepath.Join(t.TempDir(), "a.md")
	if err := os.WriteFile(doc, []byte("no block\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"compare --model llama-7b --method full,lora --precision bf16 --micro-batch 1,2,3,4,5": " of 10 combinations",
		"fit --model llama-7b --method full,lora --gpu rtx-4090":                               " estimates",
		"fit --model llama-7b --method full,lora":                                              " estimates",
		"fit --method lora --gpu rtx-4090 --max model":                                         " estimates",
		"fit --model llama-7b --method lora --gpu rtx-4090 --pareto":                           " of 324 combinations",
		"docs --check" + strings.Repeat(" "+doc, 4):                                            " of 4 documents",
	} {
		testProgress(t, args, want, []shows{
			{400 * time.Millisecond, true, nil, true},
			{400 * time.Millisecond, true, []string{"NO_COLOR=1"}, true}, // it has no colour
			{400 * time.Millisecond, false, nil, false},
			{400 * time.Millisecond, true, []string{"TERM=dumb"}, false},
			{time.Microsecond, true, nil, false},
		})
	}
	testProgress(t, "validate", " measured steps", []shows{{400 * time.Millisecond, true, nil, true}})
}

// shows says where a bar is shown: with what between two looks at the clock,
// on what, and with which variables.
type shows struct {
	step     time.Duration
	terminal bool
	vars     []string
	shown    bool
}

func testProgress(t *testing.T, args, want string, cases []shows) {
	t.Helper()
	quiet := callWith(plainly(), nil, strings.Fields(args)...)
	for _, c := range cases {
		env := plainly()
		env.errTerminal, env.now = c.terminal, clock(c.step)
		got := callWith(env, c.vars, strings.Fields(args)...)
		if got.stdout != quiet.stdout || got.status != exitDone {
			t.Errorf("%s: status %d, and the answer changed with the bar", args, got.status)
		}
		if c.shown != (got.stderr != "") || c.shown != strings.Contains(got.stderr, want) {
			t.Errorf("%s, %+v: %q", args, c, got.stderr)
		}
		if c.shown && (!strings.HasSuffix(got.stderr, "\r\x1b[K") || strings.Contains(got.stderr, "\n")) {
			t.Errorf("%s: something is left of the bar: %q", args, got.stderr)
		}
	}
}

// TestProgressIsWipedBeforeAnError: the message stands on a line of its own.
func TestProgressIsWipedBeforeAnError(t *testing.T) {
	env := plainly()
	env.errTerminal, env.now = true, clock(time.Second)
	got := callWith(env, nil, strings.Fields("compare --model llama-7b --method qlora --precision fp32 --micro-batch 1,2,3")...)
	if _, after, ok := strings.Cut(got.stderr, "\r\x1b[K"); got.status != exitUsage || !ok || !strings.HasPrefix(after, "vramcalc: error: ") {
		t.Errorf("status %d: %q", got.status, got.stderr)
	}
}

func TestProgressLine(t *testing.T) {
	for _, c := range []struct {
		width, done, total int
		want               string
	}{
		{80, 5, 10, "████████████░░░░░░░░░░░░ 5 of 10 cells"},
		{80, 10, 10, "████████████████████████ 10 of 10 cells"},
		{30, 5, 10, "███████▌░░░░░░░ 5 of 10 cells"},
		{20, 5, 10, "5 of 10 cells"},
		{80, 7, 0, "7 cells"},
	} {
		p := &progress{width: c.width, done: c.done, total: c.total, what: "cells"}
		if got := p.line(); got != c.want || len([]rune(got)) >= c.width {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

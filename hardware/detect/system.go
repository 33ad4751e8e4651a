package detect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// System is what detection touches of a machine.
type System struct {
	OS        string // as in GOOS
	LookupEnv func(string) (string, bool)
	ReadFile  func(path string) ([]byte, error)
	Glob      func(pattern string) ([]string, error)
	// Find returns the path of a program: the first of the names that is there.
	Find func(names ...string) (string, bool)
	// Run runs a program and returns its standard output. It is killed, with all
	// that it started, when ctx ends.
	Run func(ctx context.Context, program string, args ...string) ([]byte, error)
	// NVML reads NVIDIA's management library; nil where the build has none.
	NVML func() (Machine, error)
	Now  func() time.Time
}

// ThisSystem is the machine that the program runs on. nvml may be nil.
func ThisSystem(nvml func() (Machine, error)) System {
	return System{
		OS: runtime.GOOS, LookupEnv: os.LookupEnv, ReadFile: os.ReadFile, Glob: filepath.Glob,
		Find: find, Run: run, NVML: nvml, Now: time.Now,
	}
}

// Errors that ways end with.
var (
	// ErrAbsent says that what a way asks is not on this machine.
	ErrAbsent = errors.New("not here")
	// ErrSlow says that a driver or a program did not answer in time.
	ErrSlow = errors.New("no answer in time")
)

func find(names ...string) (string, bool) {
	for _, n := range names {
		if path, err := exec.LookPath(n); err == nil {
			return path, true
		}
	}
	return "", false
}

// most bounds what a program may print.
const most = 4 << 20

// errEndless ends a program that prints more.
var errEndless = fmt.Errorf("it prints more than %d MiB", most/mib)

// run reads a program's output. Its words on standard error become part of the
// error.
func run(ctx context.Context, program string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	ownGroup(cmd)
	cmd.WaitDelay = 100 * time.Millisecond // a child that keeps the pipe open
	out, problem := &capped{}, &capped{}
	cmd.Stdout, cmd.Stderr = out, problem
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, ErrSlow
	}
	if out.full || problem.full {
		return nil, errEndless
	}
	if err != nil {
		words := strings.Join(strings.Fields(problem.text.String()+" "+out.text.String()), " ")
		if len(words) > 300 {
			words = words[:300] + " …"
		}
		if words == "" {
			return nil, err
		}
		return out.text.Bytes(), fmt.Errorf("%w: %s", err, words)
	}
	return out.text.Bytes(), nil
}

// capped takes what a program may print, and then refuses, which ends it. The
// buffer is no embedded one: its ReadFrom would take without end.
type capped struct {
	text bytes.Buffer
	full bool
}

func (c *capped) Write(p []byte) (int, error) {
	if c.full = c.text.Len()+len(p) > most; c.full {
		return 0, errEndless
	}
	return c.text.Write(p)
}

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
	if err != nil {
		words := strings.Join(strings.Fields(problem.String()+" "+out.String()), " ")
		if len(words) > 300 {
			words = words[:300] + " …"
		}
		if words == "" {
			return nil, err
		}
		return out.Bytes(), fmt.Errorf("%w: %s", err, words)
	}
	return out.Bytes(), nil
}

// capped keeps the beginning of what is written to it.
type capped struct{ bytes.Buffer }

func (c *capped) Write(p []byte) (int, error) {
	c.Buffer.Write(p[:min(len(p), max(0, most-c.Len()))])
	return len(p), nil
}

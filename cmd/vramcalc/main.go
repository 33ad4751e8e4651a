// Command vramcalc predicts the memory and the speed of fine-tuning a language
// model: flags in, report out. It computes nothing itself.
//
// Results go to standard output, everything else to standard error. The exit
// status is 0 when done, 1 when something failed, 2 when the question makes no
// sense, and 3 when the step does not fit (with --check only).
package main

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/vramcalc/vramcalc/cmd/internal/answer"
)

// Exit statuses.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitTooBig  = 3
	programName = "vramcalc"
)

// environment is what a run sees of the world besides its streams.
type environment struct {
	getenv   func(string) string
	terminal bool // standard output is a terminal
	document bool // the output becomes part of a document
	local    localMachine
	engine   answer.Engine
	models   modelFinder

	errTerminal bool             // standard error is a terminal
	now         func() time.Time // for the progress shown there
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, environment{
		getenv:   os.Getenv,
		terminal: isTerminal(os.Stdout),
		local:    thisMachine,
		engine:   answer.Estimator,
		models:   findModel,

		errTerminal: isTerminal(os.Stderr),
		now:         time.Now,
	}))
}

// run is the whole program.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, env environment) int {
	cmd := newRoot(&app{stdout: stdout, stderr: stderr, env: env})
	cmd.SetArgs(append([]string{}, args...)) // nil would mean os.Args
	cmd.SetIn(stdin)
	cmd.SetErr(stderr)
	err := cmd.Execute()
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errTooBig):
		return exitTooBig
	}
	return report(stderr, err)
}

// isTerminal says whether f is a terminal or another character device.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

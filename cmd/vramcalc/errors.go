package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/estimator/spelling"
	"github.com/vramcalc/vramcalc/presets/hub"
)

// Errors have two parts: what is wrong with what was expected, and what to do
// about it. Neither begins with a capital letter nor ends with a full stop.

// errTooBig ends a run with --check: the report says the rest.
var errTooBig = errors.New("does not fit")

// usageError is a call of the command line that makes no sense.
type usageError struct{ problem, hint string }

func (e *usageError) Error() string { return e.problem }

// failure is an error with something to do about it.
type failure struct {
	err  error
	hint string
}

func (e *failure) Error() string { return e.err.Error() }
func (e *failure) Unwrap() error { return e.err }

// report writes err for a person and returns the exit status.
func report(w io.Writer, err error) int {
	problem, hint, status := describe(err)
	fmt.Fprintf(w, "%s: error: %s\n", programName, problem)
	if hint != "" {
		fmt.Fprintf(w, "%s: hint: %s\n", programName, hint)
	}
	return status
}

// describe parts an error into problem, hint and exit status.
func describe(err error) (problem, hint string, status int) {
	var (
		call   *usageError
		remote *hub.Error
		failed *failure
	)
	switch {
	case errors.As(err, &call):
		return call.problem, call.hint, exitUsage
	case errors.As(err, &remote):
		return strings.Replace(err.Error(), "; "+remote.Hint, "", 1), remote.Hint, exitFailed
	case errors.As(err, &failed):
		return err.Error(), failed.hint, exitFailed
	}
	problem, hint, usage := question.Describe(err)
	if usage {
		return problem, hint, exitUsage
	}
	return problem, hint, exitFailed
}

// flagError turns pflag's errors into usage errors that say what to do.
func flagError(cmd *cobra.Command, err error) error {
	help := fmt.Sprintf("%q lists the flags", cmd.CommandPath()+" --help")
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch words := cmd.Flags().Args(); {
	case !cmd.HasParent() && len(words) > 0: // its flags are unknown since it is
		return unknownCommand(cmd, words[0])
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		return &usageError{fmt.Sprintf("unknown flag -%s", unknown.GetSpecifiedShortnames()), help}
	case errors.As(err, &unknown):
		var near []string
		for _, n := range spelling.Near(unknown.GetSpecifiedName(), flagNames(cmd)) {
			near = append(near, "--"+n)
		}
		return &usageError{"unknown flag --" + unknown.GetSpecifiedName(), question.DidYouMean(near, help)}
	case errors.As(err, &missing):
		f := missing.GetFlag()
		_, usage := pflag.UnquoteUsage(f)
		return &usageError{fmt.Sprintf("--%s needs a value: %s", f.Name, usage), help}
	case errors.As(err, &invalid):
		var value *question.UsageError
		if errors.As(err, &value) {
			return &usageError{fmt.Sprintf("--%s %q: %s", invalid.GetFlag().Name, invalid.GetValue(), value.Problem), value.Hint}
		}
		return &usageError{fmt.Sprintf("--%s %q: %v", invalid.GetFlag().Name, invalid.GetValue(), invalid.Unwrap()), help}
	}
	return &usageError{err.Error(), help}
}

func flagNames(cmd *cobra.Command) []string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

// unknownCommand is the error for a word that is no command of cmd.
func unknownCommand(cmd *cobra.Command, word string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() || c.Name() == "help" {
			names = append(names, c.Name())
		}
	}
	return &usageError{
		fmt.Sprintf("unknown command %q", cmd.CommandPath()+" "+word),
		question.DidYouMean(spelling.Near(word, names), fmt.Sprintf("%q lists the commands", cmd.CommandPath()+" --help")),
	}
}

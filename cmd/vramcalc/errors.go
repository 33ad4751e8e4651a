package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/methods"
	"github.com/vramcalc/vramcalc/presets"
	"github.com/vramcalc/vramcalc/presets/hub"
)

// Errors have two parts: what is wrong with what was expected, and what to do
// about it. Neither begins with a capital letter nor ends with a full stop.

// errTooBig ends a run with --check: the report says the rest.
var errTooBig = errors.New("does not fit")

// usageError is a question that makes no sense.
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
		usage     *usageError
		setting   *estimator.SettingError
		target    *methods.TargetError
		notFound  *presets.NotFoundError
		ambiguous *presets.AmbiguousError
		remote    *hub.Error
		failed    *failure
	)
	switch {
	case errors.As(err, &usage):
		return usage.problem, usage.hint, exitUsage
	case errors.As(err, &setting):
		bare := *setting
		bare.Hint = ""
		return bare.Error(), setting.Hint, exitUsage
	case errors.As(err, &target):
		return err.Error(), "", exitUsage
	case errors.As(err, &notFound):
		return fmt.Sprintf("unknown %s %q", notFound.Kind, notFound.Name),
			didYouMean(notFound.Nearest, listCommand(notFound.Kind)+" lists them"), exitUsage
	case errors.As(err, &ambiguous):
		return fmt.Sprintf("%s %q may be any of several", ambiguous.Kind, ambiguous.Name),
			"name one of " + strings.Join(ambiguous.Candidates, ", "), exitUsage
	case errors.As(err, &remote):
		return strings.Replace(err.Error(), "; "+remote.Hint, "", 1), remote.Hint, exitFailed
	case errors.As(err, &failed):
		return err.Error(), failed.hint, exitFailed
	}
	return err.Error(), "", exitFailed
}

// listCommand is the command that lists things of a kind.
func listCommand(kind string) string {
	return fmt.Sprintf("%q", programName+" "+strings.ToLower(kind)+"s")
}

// didYouMean asks for the nearest names and says where all of them are.
func didYouMean(nearest []string, otherwise string) string {
	if len(nearest) == 0 {
		return otherwise
	}
	names := nearest[0]
	if last := len(nearest) - 1; last > 0 {
		names = strings.Join(nearest[:last], ", ") + " or " + nearest[last]
	}
	return strings.TrimSpace("did you mean " + names + "? " + otherwise)
}

// nearest are the names that word may have been meant for, by cobra's own
// measure: few letters differ, or the word is the beginning.
func nearest(word string, names []string) []string {
	probe := &cobra.Command{}
	for _, n := range names {
		probe.AddCommand(&cobra.Command{Use: n, Run: func(*cobra.Command, []string) {}})
	}
	for distance := 1; distance <= 3; distance++ {
		probe.SuggestionsMinimumDistance = distance
		if found := probe.SuggestionsFor(word); len(found) > 0 {
			return found
		}
	}
	return nil
}

// flagError turns pflag's errors into usage errors that say what to do.
func flagError(cmd *cobra.Command, err error) error {
	help := fmt.Sprintf("%q lists the flags", cmd.CommandPath()+" --help")
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		return &usageError{fmt.Sprintf("unknown flag -%s", unknown.GetSpecifiedShortnames()), help}
	case errors.As(err, &unknown):
		var near []string
		for _, n := range nearest(unknown.GetSpecifiedName(), flagNames(cmd)) {
			near = append(near, "--"+n)
		}
		return &usageError{"unknown flag --" + unknown.GetSpecifiedName(), didYouMean(near, help)}
	case errors.As(err, &missing):
		f := missing.GetFlag()
		_, usage := pflag.UnquoteUsage(f)
		return &usageError{fmt.Sprintf("--%s needs a value: %s", f.Name, usage), help}
	case errors.As(err, &invalid):
		var usage *usageError
		if errors.As(err, &usage) {
			return &usageError{fmt.Sprintf("--%s %q: %s", invalid.GetFlag().Name, invalid.GetValue(), usage.problem), usage.hint}
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
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return &usageError{
		fmt.Sprintf("unknown command %q", cmd.CommandPath()+" "+word),
		didYouMean(nearest(word, names), fmt.Sprintf("%q lists the commands", cmd.CommandPath()+" --help")),
	}
}

package question

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/methods"
	"github.com/vramcalc/vramcalc/presets"
)

// Errors have two parts: what is wrong with what was expected, and what to do
// about it. Neither begins with a capital letter nor ends with a full stop.

// UsageError is a question that makes no sense.
type UsageError struct{ Problem, Hint string }

func (e *UsageError) Error() string { return e.Problem }

// Failure is an error with something to do about it.
type Failure struct {
	Err  error
	Hint string
}

func (e *Failure) Error() string { return e.Err.Error() }
func (e *Failure) Unwrap() error { return e.Err }

// Describe parts an error into problem and hint, and says whether the question
// is at fault.
func Describe(err error) (problem, hint string, usage bool) {
	var (
		nonsense  *UsageError
		setting   *estimator.SettingError
		target    *methods.TargetError
		notFound  *presets.NotFoundError
		ambiguous *presets.AmbiguousError
		failed    *Failure
	)
	switch {
	case errors.As(err, &nonsense):
		return nonsense.Problem, nonsense.Hint, true
	case errors.As(err, &setting):
		bare := *setting
		bare.Hint = ""
		return bare.Error(), setting.Hint, true
	case errors.As(err, &target):
		return err.Error(), "", true
	case errors.As(err, &notFound):
		return fmt.Sprintf("unknown %s %q", notFound.Kind, notFound.Name),
			DidYouMean(notFound.Nearest, ListCommand(notFound.Kind)+" lists them"), true
	case errors.As(err, &ambiguous):
		return fmt.Sprintf("%s %q may be any of several", ambiguous.Kind, ambiguous.Name),
			"name one of " + strings.Join(ambiguous.Candidates, ", "), true
	case errors.As(err, &failed):
		return err.Error(), failed.Hint, false
	}
	return err.Error(), "", false
}

// ListCommand is the command that lists things of a kind.
func ListCommand(kind string) string {
	return fmt.Sprintf("%q", "vramcalc "+strings.ToLower(kind)+"s")
}

// DidYouMean asks for the nearest names and says where all of them are.
func DidYouMean(nearest []string, otherwise string) string {
	if len(nearest) == 0 {
		return otherwise
	}
	names := nearest[0]
	if last := len(nearest) - 1; last > 0 {
		names = strings.Join(nearest[:last], ", ") + " or " + nearest[last]
	}
	return strings.TrimSpace("did you mean " + names + "? " + otherwise)
}

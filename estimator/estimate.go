package estimator

import "errors"

// Estimate answers one request.
func Estimate(Request) (Report, error) { return Report{}, errors.New("not built yet") }

// Changes are single settings that would save memory, each computed by
// [Estimate], widest effect first.
func Changes(Request, Report) ([]Change, error) { return nil, errors.New("not built yet") }

// Explain derives the numbers of a report in symbols.
func Explain(Request) ([]Derivation, error) { return nil, errors.New("not built yet") }

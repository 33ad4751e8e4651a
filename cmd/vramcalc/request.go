package main

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/model"
)

// requestFlags are the flags that make up a request.
type requestFlags struct{ question.Question }

// add adds the flags to cmd.
func (f *requestFlags) add(cmd *cobra.Command) { addSettings(cmd, f.Settings()) }

// addSettings adds a flag for each setting.
func addSettings(cmd *cobra.Command, settings []question.Setting) {
	for _, s := range settings {
		flag := flagAdder{cmd, s.Group}.add(s.Value, s.Name, s.Usage, s.Values)
		if _, ok := s.Value.(question.Switch); ok {
			flag.NoOptDefVal = "true"
		}
	}
}

// build completes the request, all but its device.
func (f *requestFlags) build(ctx context.Context, a *app) (estimator.Request, error) {
	return f.Build(a.finder(ctx))
}

// finder finds the model that a user named.
func (a *app) finder(ctx context.Context) func(name string) (model.Model, error) {
	return func(name string) (model.Model, error) { return a.env.models(ctx, name, a.env.getenv) }
}

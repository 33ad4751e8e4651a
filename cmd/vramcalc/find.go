package main

import (
	"context"

	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/presets"
)

// modelFinder finds the model that a user named.
type modelFinder func(ctx context.Context, name string, getenv func(string) string) (model.Model, error)

// findModel takes a preset's name.
func findModel(_ context.Context, name string, _ func(string) string) (model.Model, error) {
	return presets.Model(name)
}

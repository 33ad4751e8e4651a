package main

import (
	"context"

	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/presets/hub"
)

// modelFinder finds the model that a user named.
type modelFinder func(ctx context.Context, name string, getenv func(string) string) (model.Model, error)

// findModel takes a preset's name, a config.json or its folder, or a
// repository on the Hugging Face Hub.
func findModel(ctx context.Context, name string, getenv func(string) string) (model.Model, error) {
	return hub.Resolve(ctx, name, hub.FromEnv(getenv))
}

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/presets"
)

// devices are the devices asked for. Without a name they are those of this
// machine, or else the common sizes, and then common is true.
func (a *app) devices(ctx context.Context, names []string, count int64) (found []estimator.Device, common bool, err error) {
	if len(names) == 0 {
		if found, err = a.env.local.list(ctx); err == nil && len(found) > 0 {
			return withCount(found, count), false, nil
		}
		names, common = question.CommonCards, true
	}
	seen := map[string]bool{}
	for _, n := range names {
		list, err := a.device(ctx, n)
		if err != nil {
			return nil, false, err
		}
		for _, d := range list {
			if !seen[d.GPU.ID] || n == question.Local {
				found = append(found, d)
			}
			seen[d.GPU.ID] = true
		}
	}
	return withCount(found, count), common, nil
}

// device is the preset of a name, or the devices of this machine.
func (a *app) device(ctx context.Context, name string) ([]estimator.Device, error) {
	if name != question.Local {
		g, err := presets.GPU(name)
		return []estimator.Device{{GPU: g}}, err
	}
	found, err := a.env.local.list(ctx)
	switch {
	case errors.Is(err, errNoDetection):
		return nil, &usageError{"--gpu local: " + err.Error(), `name the card, such as --gpu rtx-4090; "vramcalc gpus" lists them`}
	case err != nil:
		return nil, fmt.Errorf("--gpu local: %w", err)
	case len(found) == 0:
		return nil, &failure{errors.New("--gpu local: no GPU found on this machine"), `name a card, such as --gpu rtx-4090`}
	}
	return found, nil
}

func withCount(list []estimator.Device, count int64) []estimator.Device {
	list = slices.Clone(list)
	for i := range list {
		list[i].Count = count
	}
	return list
}

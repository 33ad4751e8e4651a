package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/estimator"
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
	found, err = question.Devices(names, count, func(name string) ([]estimator.Device, error) { return a.device(ctx, name) })
	return found, common, err
}

// device is the preset of a name, or the devices of this machine.
func (a *app) device(ctx context.Context, name string) ([]estimator.Device, error) {
	if name != question.Local {
		return question.PresetDevice(name)
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

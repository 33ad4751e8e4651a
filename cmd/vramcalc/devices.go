package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/presets"
)

// localName asks for the GPUs of this machine.
const localName = "local"

// commonCards are one well-known GPU per common memory size, smallest first:
// what is shown when no GPU is named. The sizes are names; the capacity is the
// preset's.
var commonCards = []string{
	"rtx-4060",                  // 8 GB
	"rtx-3080-10gb",             // 10 GB
	"rtx-3060-12gb",             // 12 GB
	"rtx-4060-ti-16gb",          // 16 GB
	"rtx-4090",                  // 24 GB
	"rtx-5090",                  // 32 GB
	"a100-40gb-sxm",             // 40 GB
	"l40s-48gb",                 // 48 GB
	"h100-80gb-sxm",             // 80 GB
	"rtx-pro-6000-blackwell-ws", // 96 GB
	"h200-141gb-sxm",            // 141 GB
	"b200-180gb-sxm",            // 180 GB
}

// devices are the devices asked for. Without a name they are those of this
// machine, or else the common sizes, and then common is true.
func (a *app) devices(ctx context.Context, names []string, count int64) (found []estimator.Device, common bool, err error) {
	if len(names) == 0 {
		if found, err = a.env.local.list(ctx); err == nil && len(found) > 0 {
			return withCount(found, count), false, nil
		}
		names, common = commonCards, true
	}
	seen := map[string]bool{}
	for _, n := range names {
		list, err := a.device(ctx, n)
		if err != nil {
			return nil, false, err
		}
		for _, d := range list {
			if !seen[d.GPU.ID] || n == localName {
				found = append(found, d)
			}
			seen[d.GPU.ID] = true
		}
	}
	return withCount(found, count), common, nil
}

// device is the preset of a name, or the devices of this machine.
func (a *app) device(ctx context.Context, name string) ([]estimator.Device, error) {
	if name != localName {
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

package question

import (
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/presets"
)

// CommonCards are one well-known GPU per common memory size, smallest first:
// what is shown when no GPU is named. The sizes are names; the capacity is the
// preset's.
var CommonCards = []string{
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

// Devices are the named devices without repetition, count of each used
// together. Find finds what a name stands for.
func Devices(names []string, count int64, find func(name string) ([]estimator.Device, error)) ([]estimator.Device, error) {
	var all []estimator.Device
	seen := map[string]bool{}
	for _, name := range names {
		found, err := find(name)
		if err != nil {
			return nil, err
		}
		for _, d := range found {
			if !seen[d.GPU.ID] || name == Local {
				d.Count = count
				all = append(all, d)
			}
			seen[d.GPU.ID] = true
		}
	}
	return all, nil
}

// PresetDevice is the device that a preset describes.
func PresetDevice(name string) ([]estimator.Device, error) {
	g, err := presets.GPU(name)
	return []estimator.Device{{GPU: g}}, err
}

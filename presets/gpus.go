package presets

import (
	"errors"

	"github.com/vramcalc/vramcalc/hardware"
)

var gpus = newCatalogue("GPU", gpuTable, func(g *hardware.GPU) names {
	return names{id: g.ID, aliases: g.Aliases, driver: g.NVMLName}
}, "nvidia", "amd", "geforce", "tesla", "instinct", "radeon")

// GPU returns the accelerator that name stands for: an id, an alias or the
// name its driver gives it, in any case, with "-", "_" and spaces alike. The
// error is a [*NotFoundError] or an [*AmbiguousError]. Its lists are shared:
// change none.
func GPU(name string) (hardware.GPU, error) { return gpus.find(name) }

// GPUForDevice returns the accelerator that a driver reports under this name
// with this much total memory, in bytes. Cards that share a driver name are
// told apart by the memory.
func GPUForDevice(name string, totalBytes int64) (hardware.GPU, error) {
	g, err := GPU(name)
	several, ok := errors.AsType[*AmbiguousError](err)
	if !ok && err != nil {
		return hardware.GPU{}, err
	}
	candidates := ids(gpus.implying(canonical(name)))
	if ok {
		candidates = several.Candidates
	}
	for _, id := range candidates {
		other, err := GPU(id)
		if err != nil {
			return hardware.GPU{}, err
		}
		if g.ID == "" || memoryGap(other, totalBytes) < memoryGap(g, totalBytes) {
			g = other
		}
	}
	return g, nil
}

// memoryGap is how far a card's total memory is from total, in bytes.
func memoryGap(g hardware.GPU, total int64) int64 {
	size := g.ReportedBytes
	if size == 0 {
		size = int64(g.MarketingGB * (1 << 30))
	}
	return max(size-total, total-size)
}

// GPUs returns every accelerator in the order of the file.
func GPUs() []hardware.GPU { return SearchGPUs("") }

// SearchGPUs returns the accelerators that have every word of pattern in one
// of their names; an empty pattern finds all.
func SearchGPUs(pattern string) []hardware.GPU { return gpus.search(pattern) }

// GPUNames returns the ids of all accelerators.
func GPUNames() []string { return ids(gpus.entries()) }

// Package localgpu makes estimator devices of the GPUs that detection found:
// each with the preset that describes its kind, its real capacity, and what
// others already hold of it.
package localgpu

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/hardware"
	"github.com/vramcalc/vramcalc/hardware/detect"
	"github.com/vramcalc/vramcalc/presets"
)

// group are equal GPUs.
type group struct {
	fullest detect.Device
	device  estimator.Device // of the fullest
	members []int            // indices
}

// Devices are the distinct GPUs of a machine for a run over count of them, the
// one with the least room first. Equal GPUs are one device: the fullest of
// them, since a run waits for it. Where there are not count equal ones, the run
// is over unequal ones, and the one with the least room decides.
func Devices(m detect.Machine, count int64) []estimator.Device {
	groups := equals(m.Devices)
	if count > 1 {
		enough := slices.DeleteFunc(slices.Clone(groups), func(g group) bool { return int64(len(g.members)) < count })
		if len(enough) == 0 {
			enough = []group{mixed(m.Devices, int(count))}
		}
		groups = enough
	}
	var devices []estimator.Device
	for i, g := range groups {
		if n := len(g.members); n > 1 {
			g.say("info", "equal-gpus", fmt.Sprintf("this machine has %d of this GPU; GPU %d has the least free memory and decides", n, g.fullest.Index))
		}
		if i == 0 && len(groups) > 1 && count <= 1 {
			g.say("warning", "unequal-gpus", fmt.Sprintf("this machine has unequal GPUs: in a run over all of them this one, GPU %d, has the least room and decides", g.fullest.Index))
		}
		if count > 1 && g.fullest.Parent != "" {
			g.say("warning", "mig-alone", "CUDA shows a process one MIG instance, and no way from one to another (NVIDIA's MIG user guide)")
		}
		for _, f := range m.Findings {
			g.device.Findings = append(g.device.Findings, estimator.Finding(f))
		}
		g.device.Count = count
		devices = append(devices, g.device)
	}
	return devices
}

func (g *group) say(severity, code, message string) {
	g.device.Findings = append(g.device.Findings, estimator.Finding{Severity: severity, Code: code, Message: message})
}

// equals groups GPUs of the same kind and capacity, the least room first.
func equals(all []detect.Device) (groups []group) {
	for _, d := range all {
		device := Device(d)
		i := slices.IndexFunc(groups, func(g group) bool {
			return g.device.GPU.ID == device.GPU.ID && g.device.CapacityBytes == device.CapacityBytes
		})
		if i < 0 {
			groups = append(groups, group{d, device, []int{d.Index}})
			continue
		}
		groups[i].members = append(groups[i].members, d.Index)
		if room(device) < room(groups[i].device) {
			groups[i].fullest, groups[i].device = d, device
		}
	}
	slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(room(a.device), room(b.device)) })
	return groups
}

// mixed is a run over unequal GPUs: the count with the most room, of which the
// last decides.
func mixed(all []detect.Device, count int) group {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b detect.Device) int { return cmp.Compare(room(Device(b)), room(Device(a))) })
	all = all[:count]
	last := all[count-1]
	g := group{fullest: last, device: Device(last)}
	var names []string
	for _, d := range all {
		names = append(names, strconv.Itoa(d.Index))
	}
	g.say("warning", "unequal-gpus", fmt.Sprintf("a run over GPUs %s is one over unequal GPUs: GPU %d, %s, has the least room of them and decides",
		strings.Join(names, ", "), last.Index, last.Name))
	return g
}

func room(d estimator.Device) int64 { return d.CapacityBytes - d.UsedBytes }

// memoryTolerance is how far a card's memory may be from its preset's: error
// correction takes a sixteenth of GDDR6, and is on or off.
const memoryTolerance = 0.1

// Device is one GPU as the estimator needs it.
func Device(d detect.Device) estimator.Device {
	gpu, known := kind(d)
	out := estimator.Device{GPU: gpu, CapacityBytes: d.TotalBytes - d.ReservedBytes, CapacitySource: "total memory, " + d.Source}
	say := func(severity, code, message, hint string) {
		out.Findings = append(out.Findings, estimator.Finding{Severity: severity, Code: code, Message: message, Hint: hint})
	}
	off := float64(d.TotalBytes)/float64(max(gpu.ReportedBytes, 1)) - 1
	other := known && gpu.ReportedBytes > 0 && !d.Unified && d.Parent == "" && math.Abs(off) > memoryTolerance
	switch {
	case d.Unified:
		out.CapacitySource = d.Source
	case d.ReservedBytes > 0:
		out.CapacitySource = "total memory less what the driver reserves, " + d.Source
	case other:
		say("warning", "preset-memory", fmt.Sprintf("the card's memory is not that of the preset %s: its own is counted, the preset's speed may not be the card's", gpu.ID), "")
	case known && gpu.CUDABytes > 0 && gpu.CUDABytes < d.TotalBytes && d.Parent == "":
		out.CapacityBytes = gpu.CUDABytes
		out.CapacitySource = "total memory as a CUDA process sees it on this kind of card; the driver does not say what it reserves"
	}
	if d.FreeKnown {
		out.UsedBytes = max(0, out.CapacityBytes-d.FreeBytes)
	} else {
		say("warning", "free-unknown", "what is free is not known: all of the memory is taken as free", "")
	}
	if !known {
		say("info", "gpu-unknown", fmt.Sprintf("no preset describes %q: only what the driver says of it is known", d.Name), `"vramcalc gpus" lists the presets`)
	}
	if d.Display != nil && *d.Display {
		say("info", "display", "a screen is drawn with this GPU; what that takes counts as used", "")
	}
	if d.Unified {
		say("info", "unified-memory", "the memory is shared with the CPU, whose programs need a part of it", "")
	}
	return out
}

// orin is what NVML calls the GPU of every Jetson Orin board; memory tells them
// apart.
const orin = "Orin (nvgpu)"

// kind is the preset that describes a GPU, or what its driver says of it. A
// MIG instance has its GPU's architecture, and rates that nobody measured.
func kind(d detect.Device) (gpu hardware.GPU, known bool) {
	name, profile, instance := strings.Cut(d.Name, " MIG ")
	if d.Unified && strings.Contains(name, "Orin") {
		name = orin
	}
	gpu, err := presets.GPUForDevice(name, d.TotalBytes)
	switch {
	case err == nil && !instance:
		return gpu, true
	case err == nil:
		gpu.ID += "-mig-" + profile
		gpu.Name, gpu.SMs = d.Name, d.SMs
		gpu.Rates, gpu.Measured, gpu.BandwidthBytes = hardware.Rates{}, hardware.Measured{}, 0
		gpu.CUDABytes, gpu.ReportedBytes = 0, d.TotalBytes
		return gpu, true
	}
	return hardware.GPU{
		ID: slug(d.Name), Name: d.Name, Vendor: d.Vendor, ComputeCapability: d.ComputeCapability, SMs: d.SMs,
		ReportedBytes: d.TotalBytes, UnifiedMemory: d.Unified, SupportsBF16: d.Vendor != "NVIDIA" || ampere(d.ComputeCapability),
	}, false
}

// ampere says whether a compute capability is 8.0 or later, from where on
// tensor cores have bfloat16.
func ampere(capability string) bool {
	major, _, _ := strings.Cut(capability, ".")
	n, err := strconv.Atoi(major)
	return err == nil && n >= 8
}

// slug is a name as an id.
func slug(name string) string {
	fields := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.'
	})
	return strings.Join(fields, "-")
}

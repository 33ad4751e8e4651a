// Package localgpu makes estimator devices of the GPUs that detection found:
// each with the preset that describes its kind, its real capacity, and what
// others already hold of it.
package localgpu

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/hardware"
	"github.com/vramcalc/vramcalc/hardware/detect"
	"github.com/vramcalc/vramcalc/presets"
)

// Devices are the distinct GPUs of a machine, the one with the least room
// first. Equal GPUs are one device: the fullest of them, since a run over all
// waits for it.
func Devices(m detect.Machine) []estimator.Device {
	type group struct {
		fullest detect.Device
		device  estimator.Device
		indices []int
	}
	var groups []group
	for _, d := range m.Devices {
		device := Device(d)
		i := slices.IndexFunc(groups, func(g group) bool {
			return g.device.GPU.ID == device.GPU.ID && g.device.CapacityBytes == device.CapacityBytes
		})
		if i < 0 {
			groups = append(groups, group{d, device, []int{d.Index}})
			continue
		}
		groups[i].indices = append(groups[i].indices, d.Index)
		if room(device) < room(groups[i].device) {
			groups[i].fullest, groups[i].device = d, device
		}
	}
	slices.SortStableFunc(groups, func(a, b group) int { return int(max(-1, min(1, room(a.device)-room(b.device)))) })
	var devices []estimator.Device
	for i, g := range groups {
		say := func(severity, code, message string) {
			g.device.Findings = append(g.device.Findings, estimator.Finding{Severity: severity, Code: code, Message: message})
		}
		if n := len(g.indices); n > 1 {
			say("info", "equal-gpus", fmt.Sprintf("this machine has %d of this GPU; GPU %d has the least free memory and decides", n, g.fullest.Index))
		}
		if i == 0 && len(groups) > 1 {
			say("warning", "unequal-gpus", fmt.Sprintf("this machine has unequal GPUs: in a run over all of them this one, GPU %d, has the least room and decides", g.fullest.Index))
		}
		for _, f := range m.Findings {
			g.device.Findings = append(g.device.Findings, estimator.Finding(f))
		}
		devices = append(devices, g.device)
	}
	return devices
}

func room(d estimator.Device) int64 { return d.CapacityBytes - d.UsedBytes }

// Device is one GPU as the estimator needs it.
func Device(d detect.Device) estimator.Device {
	gpu, known := kind(d)
	out := estimator.Device{GPU: gpu, CapacityBytes: d.TotalBytes, CapacitySource: "total memory, " + d.Source}
	switch {
	case d.ReservedBytes > 0:
		out.CapacityBytes = d.TotalBytes - d.ReservedBytes
		out.CapacitySource = "total memory less what the driver reserves, " + d.Source
	case known && gpu.CUDABytes > 0 && gpu.CUDABytes < d.TotalBytes && d.Parent == "":
		out.CapacityBytes = gpu.CUDABytes
		out.CapacitySource = "total memory as a CUDA process sees it on this kind of card; the driver does not say what it reserves"
	}
	say := func(severity, code, message, hint string) {
		out.Findings = append(out.Findings, estimator.Finding{Severity: severity, Code: code, Message: message, Hint: hint})
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
		say("info", "unified-memory", "the memory is shared with the CPU: what programs use there is missing here", "")
	}
	return out
}

// kind is the preset that describes a GPU, or what its driver says of it. A
// MIG instance has its GPU's architecture, and rates that nobody measured.
func kind(d detect.Device) (gpu hardware.GPU, known bool) {
	name, profile, instance := strings.Cut(d.Name, " MIG ")
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

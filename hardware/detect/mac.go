package detect

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// metalShare is the least part of the memory that Metal was seen to let its GPU
// take when nobody raised the limit: 11453 MB of 16 GiB
// (recommendedMaxWorkingSetSize in logs of llama.cpp). Newer chips and systems
// give up to 0.78 of it; only Metal itself says how much.
const metalShare = 2.0 / 3

// readMac reads Apple's chips, whose GPU shares the memory of the CPU, or the
// graphics card of an Intel Mac.
func readMac(ctx context.Context, s System) (Machine, error) {
	if s.OS != "darwin" {
		return Machine{}, fmt.Errorf("%w: not macOS", ErrAbsent)
	}
	out, err := s.Run(ctx, "sysctl", "machdep.cpu.brand_string", "hw.memsize")
	if err != nil {
		return Machine{}, err
	}
	values := sysctlValues(string(out))
	chip := values["machdep.cpu.brand_string"]
	if !strings.HasPrefix(chip, "Apple") {
		return readIntelMac(ctx, s)
	}
	total, err := strconv.ParseInt(values["hw.memsize"], 10, 64)
	if err != nil || total <= 0 {
		return Machine{}, fmt.Errorf("sysctl does not say how much memory there is")
	}
	d := Device{Name: chip, Vendor: "Apple", Unified: true, TotalBytes: total}
	var m Machine
	// Set by whoever raised the GPU's limit; 0 or missing is Metal's own.
	out, err = s.Run(ctx, "sysctl", "iogpu.wired_limit_mb")
	if mb, bad := strconv.ParseInt(sysctlValues(string(out))["iogpu.wired_limit_mb"], 10, 32); err == nil && bad == nil && mb > 0 {
		d.ReservedBytes = max(0, total-mb*mib)
		d.Source = "hw.memsize, of which the GPU may take iogpu.wired_limit_mb"
	} else {
		d.ReservedBytes = total - int64(metalShare*float64(total))
		d.Source = "hw.memsize, of which two thirds are taken as the GPU's"
		m.warn("gpu-limit-unknown", "macOS gives the GPU only a part of the memory and does not say here how much: two thirds are counted, the least that was seen",
			"Metal's recommendedMaxWorkingSetSize is the limit; sysctl iogpu.wired_limit_mb sets it")
	}
	m.Devices = []Device{d}
	return m, nil
}

// readIntelMac reads the graphics cards with memory of their own, which
// system_profiler lists; it takes a second, so Apple's chips do without.
func readIntelMac(ctx context.Context, s System) (Machine, error) {
	out, err := s.Run(ctx, "system_profiler", "SPDisplaysDataType", "-json")
	if err != nil {
		return Machine{}, err
	}
	cards, err := parseDisplays(out)
	if err == nil && len(cards) == 0 {
		err = fmt.Errorf("%w: no graphics card with memory of its own", ErrAbsent)
	}
	return Machine{Devices: cards}, err
}

// parseDisplays reads system_profiler's list of graphics cards. Memory is in
// words such as "8 GB"; an integrated GPU has none of its own.
func parseDisplays(out []byte) ([]Device, error) {
	var list struct {
		Cards []struct {
			Model  string `json:"sppci_model"`
			Vendor string `json:"spdisplays_vendor"`
			Memory string `json:"spdisplays_vram"`
		} `json:"SPDisplaysDataType"`
	}
	if err := json.Unmarshal(jsonPart(out, '{'), &list); err != nil {
		return nil, fmt.Errorf("output that is no JSON: %w", err)
	}
	var devices []Device
	for _, c := range list.Cards {
		size, unit, _ := strings.Cut(c.Memory, " ")
		scale := map[string]int64{"MB": mib, "GB": 1 << 30}[unit]
		total := int64(whole(size)) * scale
		if c.Model == "" || total <= 0 {
			continue
		}
		d := Device{Index: len(devices), Name: c.Model, TotalBytes: total, Source: "system_profiler, in whole " + unit}
		for _, vendor := range []string{"AMD", "NVIDIA"} {
			if strings.Contains(c.Vendor+" "+c.Model, vendor) {
				d.Vendor = vendor
			}
		}
		devices = append(devices, d)
	}
	return devices, nil
}

// sysctlValues reads lines "name: value".
func sysctlValues(out string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(out) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			values[name] = strings.TrimSpace(value)
		}
	}
	return values
}

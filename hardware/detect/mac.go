package detect

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// readMac reads Apple's chips, whose GPU shares the memory of the CPU.
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
	total, _ := strconv.ParseInt(values["hw.memsize"], 10, 64)
	if !strings.HasPrefix(chip, "Apple") {
		return Machine{}, fmt.Errorf("%w: no Apple chip", ErrAbsent)
	}
	if total <= 0 {
		return Machine{}, fmt.Errorf("sysctl does not say how much memory there is")
	}
	m := Machine{Devices: []Device{{
		Name: chip, Vendor: "Apple", Unified: true, TotalBytes: total,
		Source: "hw.memsize: the CPU's memory, which the GPU shares",
	}}}
	// Set by whoever raised the GPU's limit; 0 or missing is Metal's own, which
	// only Metal says.
	limit, err := s.Run(ctx, "sysctl", "iogpu.wired_limit_mb")
	if mb, bad := strconv.ParseInt(sysctlValues(string(limit))["iogpu.wired_limit_mb"], 10, 32); err == nil && bad == nil && mb > 0 {
		m.Devices[0].TotalBytes = min(total, mb*mib)
		m.Devices[0].Source = "iogpu.wired_limit_mb: the GPU's share of the memory"
	} else {
		m.warn("gpu-limit-unknown", "macOS gives the GPU only a part of the memory, and does not say here how much",
			"Metal's recommendedMaxWorkingSetSize is the limit; sysctl iogpu.wired_limit_mb sets it")
	}
	return m, nil
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

package detect

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// readJetson reads NVIDIA's boards that share memory between CPU and GPU: the
// device tree names the board, the kernel its memory. nvidia-smi of JetPack
// gives neither.
func readJetson(_ context.Context, s System) (Machine, error) {
	if s.OS != "linux" {
		return Machine{}, fmt.Errorf("%w: not Linux", ErrAbsent)
	}
	text, err := s.ReadFile("/proc/device-tree/model")
	board := strings.Trim(string(text), "\x00 \n")
	if err != nil || !strings.Contains(board, "Jetson") && !strings.Contains(board, "Orin") {
		return Machine{}, fmt.Errorf("%w: no Jetson board", ErrAbsent)
	}
	memory, err := s.ReadFile("/proc/meminfo")
	if err != nil {
		return Machine{}, err
	}
	total, free := memInfo(string(memory), "MemTotal"), memInfo(string(memory), "MemAvailable")
	if total == 0 {
		return Machine{}, fmt.Errorf("/proc/meminfo does not say how much memory there is")
	}
	return Machine{Devices: []Device{{
		Name: board, Vendor: "NVIDIA", Unified: true,
		TotalBytes: total, FreeBytes: free, FreeKnown: free > 0, UsedBytes: total - free,
		Source: "/proc/meminfo: the CPU's memory, which the GPU shares",
	}}}, nil
}

// memInfo is a figure of /proc/meminfo, in bytes.
func memInfo(text, key string) int64 {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		if fields := strings.Fields(value); name == key && len(fields) == 2 && fields[1] == "kB" {
			if kib, err := strconv.ParseInt(fields[0], 10, 64); err == nil && kib > 0 && kib < 1<<50 {
				return kib << 10
			}
		}
	}
	return 0
}

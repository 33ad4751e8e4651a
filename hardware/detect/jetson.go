package detect

import (
	"context"
	"errors"
	"fmt"
	"regexp"
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
	if err != nil || !strings.Contains(board, "Jetson") && !strings.Contains(board, "NVIDIA Orin") {
		return Machine{}, fmt.Errorf("%w: no Jetson board", ErrAbsent)
	}
	total, free, source, err := sharedMemory(s)
	if err != nil {
		return Machine{}, err
	}
	m := Machine{Devices: []Device{{
		Name: board, Vendor: "NVIDIA", Unified: true,
		TotalBytes: total, FreeBytes: free, FreeKnown: free > 0, UsedBytes: total - free, Source: source,
	}}}
	if release, err := s.ReadFile("/etc/nv_tegra_release"); err == nil {
		m.Driver = tegraRelease(string(release))
	}
	return m, nil
}

// tegraRelease reads "# R36 (release), REVISION: 4.3, GCID: …" as the version
// of Jetson Linux, 36.4.3.
func tegraRelease(text string) string {
	found := tegraLine.FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	return "Jetson Linux " + found[1] + "." + found[2]
}

var tegraLine = regexp.MustCompile(`^# R(\d+) \(release\), REVISION: ([\d.]+)`)

// shareMemory gives the CPU's memory to NVIDIA's GPUs that have none of their
// own, such as GB10 of the DGX Spark: the driver answers "not supported".
func (m *Machine) shareMemory(s System) {
	for i := range m.Devices {
		d := &m.Devices[i]
		if d.TotalBytes > 0 || d.Vendor != "NVIDIA" || d.Parent != "" || s.OS != "linux" {
			continue
		}
		total, free, source, err := sharedMemory(s)
		if err != nil {
			m.warn("memory-unknown", fmt.Sprintf("the driver does not say how much memory GPU %d has, and the system neither: %v", d.Index, err), "")
			continue
		}
		d.Unified, d.Source = true, source
		d.TotalBytes, d.FreeBytes, d.FreeKnown, d.UsedBytes = total, free, free > 0, total-free
	}
}

// sharedMemory is the memory that CPU and GPU share, in bytes: what the kernel
// has, or what the container may take of it.
func sharedMemory(s System) (total, free int64, source string, err error) {
	memory, err := s.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, 0, "", err
	}
	total, free = memInfo(string(memory), "MemTotal"), memInfo(string(memory), "MemAvailable")
	if total == 0 {
		return 0, 0, "", errors.New("/proc/meminfo does not say how much memory there is")
	}
	source = "/proc/meminfo: the CPU's memory, which the GPU shares"
	limit, used := cgroupBytes(s, "memory.max"), cgroupBytes(s, "memory.current")
	if limit > 0 && limit < total {
		total, free = limit, min(free, max(limit-used, 0))
		source = "the container's memory.max: the CPU's memory, which the GPU shares"
	}
	return total, free, source, nil
}

// cgroupBytes is a figure of the control group that the process is in, as a
// container sees its own; 0 where there is none or no limit.
func cgroupBytes(s System, name string) int64 {
	text, err := s.ReadFile("/sys/fs/cgroup/" + name)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || n < 0 { // "max"
		return 0
	}
	return n
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

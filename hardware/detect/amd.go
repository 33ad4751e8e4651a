package detect

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// amdVendor is AMD's number among PCI vendors.
const amdVendor = "0x1002"

// readAMD reads the kernel's files about AMD's cards, which give memory in
// bytes, and asks amd-smi or rocm-smi for their names.
func readAMD(ctx context.Context, s System) (Machine, error) {
	if s.OS != "linux" {
		return Machine{}, fmt.Errorf("%w: not Linux", ErrAbsent)
	}
	folders, err := s.Glob("/sys/class/drm/card[0-9]*/device")
	if err != nil {
		return Machine{}, err
	}
	var m Machine
	for _, f := range folders {
		if d, ok := amdDevice(s, f); ok {
			m.Devices = append(m.Devices, d)
		}
	}
	if len(m.Devices) == 0 {
		return Machine{}, fmt.Errorf("%w: no AMD card in /sys/class/drm", ErrAbsent)
	}
	slices.SortFunc(m.Devices, func(a, b Device) int { return strings.Compare(a.Bus, b.Bus) })
	for i := range m.Devices {
		m.Devices[i].Index = i
	}
	m.nameAMD(ctx, s)
	return m, nil
}

// amdDevice reads one card; the folder is linked to its place on the PCI bus.
func amdDevice(s System, folder string) (Device, bool) {
	read := func(name string) string {
		text, err := s.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(text))
	}
	total, err := strconv.ParseInt(read("mem_info_vram_total"), 10, 64)
	if read("vendor") != amdVendor || err != nil || total <= 0 {
		return Device{}, false
	}
	used, usedErr := strconv.ParseInt(read("mem_info_vram_used"), 10, 64)
	d := Device{
		Name: read("product_name"), UUID: read("unique_id"), Vendor: "AMD", TotalBytes: total,
		Source: "the kernel's mem_info_vram_total", Bus: ueventValue(read("uevent"), "PCI_SLOT_NAME"),
	}
	if usedErr == nil && used >= 0 && used <= total {
		d.UsedBytes, d.FreeBytes, d.FreeKnown = used, total-used, true
	}
	if d.Name == "" {
		d.Name = "AMD GPU " + read("device")
	}
	return d, true
}

// ueventValue reads a line KEY=value.
func ueventValue(text, key string) string {
	for line := range strings.Lines(text) {
		if k, v, _ := strings.Cut(strings.TrimSpace(line), "="); k == key {
			return v
		}
	}
	return ""
}

// nameAMD takes marketing names from ROCm's tools, where one is there.
func (m *Machine) nameAMD(ctx context.Context, s System) {
	for _, tool := range []struct {
		program string
		args    []string
		parse   func([]byte) (map[string]string, error)
	}{
		{"amd-smi", []string{"static", "--asic", "--bus", "--json"}, parseAMDSMI},
		{"rocm-smi", []string{"--showproductname", "--showbus", "--json"}, parseROCmSMI},
	} {
		program, ok := s.Find(tool.program, "/opt/rocm/bin/"+tool.program)
		if !ok {
			continue
		}
		out, err := s.Run(ctx, program, tool.args...)
		if err != nil {
			m.warn(tool.program+"-failed", tool.program+": "+err.Error(), "")
			continue
		}
		names, err := tool.parse(out)
		if err != nil {
			m.warn(tool.program+"-failed", tool.program+": "+err.Error(), "")
			continue
		}
		for i := range m.Devices {
			if name := names[strings.ToLower(m.Devices[i].Bus)]; name != "" {
				m.Devices[i].Name = name
			}
		}
		return
	}
}

// parseROCmSMI maps PCI addresses to names: {"card0": {"Card Series": …, "PCI
// Bus": "0000:C1:00.0"}}; newer versions write "Card series" in lower case.
func parseROCmSMI(out []byte) (map[string]string, error) {
	var cards map[string]map[string]any
	if err := json.Unmarshal(jsonPart(out, '{'), &cards); err != nil {
		return nil, fmt.Errorf("output that is no JSON: %w", err)
	}
	names := map[string]string{}
	for _, card := range cards {
		bus, name := "", ""
		for key, value := range card {
			text, _ := value.(string)
			switch strings.ToLower(key) {
			case "pci bus":
				bus = strings.ToLower(text)
			case "card series":
				name = text
			}
		}
		if bus != "" && name != "" && !strings.EqualFold(name, "N/A") {
			names[bus] = name
		}
	}
	return names, nil
}

// parseAMDSMI maps PCI addresses to names: a list of GPUs, in newer versions
// under "gpu_data".
func parseAMDSMI(out []byte) (map[string]string, error) {
	type gpu struct {
		ASIC struct {
			MarketName string `json:"market_name"`
		} `json:"asic"`
		Bus struct {
			BDF string `json:"bdf"`
		} `json:"bus"`
	}
	var list []gpu
	var wrapped struct {
		Data []gpu `json:"gpu_data"`
	}
	if err := json.Unmarshal(jsonPart(out, '['), &list); err != nil || list == nil {
		if err := json.Unmarshal(jsonPart(out, '{'), &wrapped); err != nil {
			return nil, fmt.Errorf("output that is no JSON: %w", err)
		}
		list = wrapped.Data
	}
	names := map[string]string{}
	for _, g := range list {
		if g.ASIC.MarketName != "" && g.Bus.BDF != "" && g.ASIC.MarketName != "N/A" {
			names[strings.ToLower(g.Bus.BDF)] = g.ASIC.MarketName
		}
	}
	return names, nil
}

// jsonPart skips what tools print before their JSON, such as warnings.
func jsonPart(out []byte, start byte) []byte {
	if i := slices.Index(out, start); i > 0 {
		return out[i:]
	}
	return out
}

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

// leastVRAM leaves out integrated GPUs, to which the firmware gives half a
// gibibyte or one of the CPU's memory: nobody trains on that.
const leastVRAM = 2 << 30

// readAMD reads the kernel's files about AMD's cards, which give memory in
// bytes, and asks amd-smi or rocm-smi for their names. Where the files are
// missing rocm-smi is asked for the memory too.
func readAMD(ctx context.Context, s System) (Machine, error) {
	if s.OS != "linux" {
		return Machine{}, fmt.Errorf("%w: not Linux", ErrAbsent)
	}
	folders, err := s.Glob("/sys/class/drm/card[0-9]*/device")
	if err != nil {
		return Machine{}, err
	}
	m := Machine{Driver: readLine(s, "/sys/module/amdgpu/version")}
	reason := "no AMD card in /sys/class/drm"
	for _, f := range folders {
		d, ok := amdDevice(s, f)
		switch {
		case ok && d.TotalBytes < leastVRAM:
			reason = fmt.Sprintf("an integrated AMD GPU with %d MiB is left out", d.TotalBytes/mib)
		case ok:
			m.Devices = append(m.Devices, d)
		}
	}
	slices.SortFunc(m.Devices, func(a, b Device) int { return strings.Compare(a.Bus, b.Bus) })
	for i := range m.Devices {
		m.Devices[i].Index = i
	}
	m.addKFD(s)
	m.askROCm(ctx, s)
	if len(m.Devices) == 0 && len(m.Findings) == 0 {
		return Machine{}, fmt.Errorf("%w: %s", ErrAbsent, reason)
	}
	return m, nil
}

// amdDevice reads one card; the folder is linked to its place on the PCI bus.
func amdDevice(s System, folder string) (Device, bool) {
	read := func(name string) string { return readLine(s, filepath.Join(folder, name)) }
	total, err := strconv.ParseInt(read("mem_info_vram_total"), 10, 64)
	if read("vendor") != amdVendor || err != nil || total <= 0 {
		return Device{}, false
	}
	d := Device{
		Name: read("product_name"), Vendor: "AMD", TotalBytes: total,
		Source: "the kernel's mem_info_vram_total", Bus: ueventValue(read("uevent"), "PCI_SLOT_NAME"),
		PCIeGeneration: pcieGeneration(read("max_link_speed")), PCIeWidth: whole(read("max_link_width")),
	}
	used, err := strconv.ParseInt(read("mem_info_vram_used"), 10, 64)
	d.use(used, err == nil)
	if id := read("unique_id"); id != "" {
		d.UUID = "GPU-" + id // as ROCm writes it
	}
	if d.Name == "" {
		d.Name = "AMD GPU " + read("device")
	}
	caps, _ := s.Glob(filepath.Join(folder, "hwmon/hwmon*/power1_cap"))
	for _, path := range caps {
		d.PowerLimitWatts = number(readLine(s, path)) / 1e6 // microwatts
	}
	return d, true
}

// use sets what is used of a device's memory and what is left.
func (d *Device) use(used int64, known bool) {
	if known && used >= 0 && used <= d.TotalBytes {
		d.UsedBytes, d.FreeBytes, d.FreeKnown = used, d.TotalBytes-used, true
	}
}

// readLine is what a small file says, empty where it cannot be read.
func readLine(s System, path string) string {
	text, err := s.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// pcieGeneration reads the kernel's "16.0 GT/s PCIe"; 0 where it is not known.
func pcieGeneration(speed string) int {
	rate, _, _ := strings.Cut(speed, " ")
	return map[string]int{"2.5": 1, "5.0": 2, "8.0": 3, "16.0": 4, "32.0": 5, "64.0": 6}[rate]
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

// askROCm takes marketing names from ROCm's tools, where one is there, and the
// devices themselves where the kernel shows none.
func (m *Machine) askROCm(ctx context.Context, s System) {
	for _, tool := range []struct {
		program string
		args    []string
		parse   func([]byte) ([]Device, error)
	}{
		{"amd-smi", []string{"static", "--asic", "--bus", "--json"}, parseAMDSMI},
		{"rocm-smi", []string{"--showproductname", "--showbus", "--showuniqueid", "--showmeminfo", "vram", "--json"}, parseROCmSMI},
	} {
		program, ok := s.Find(tool.program, "/opt/rocm/bin/"+tool.program)
		if !ok {
			continue
		}
		out, err := s.Run(ctx, program, tool.args...)
		var listed []Device
		if err == nil {
			listed, err = tool.parse(out)
		}
		if err != nil {
			m.warn(tool.program+"-failed", tool.program+": "+err.Error(), "")
			continue
		}
		if m.takeListed(listed) {
			return
		}
	}
}

// takeListed names the devices after those that a tool lists, or takes the
// listed ones themselves. It says whether there is any device now.
func (m *Machine) takeListed(listed []Device) bool {
	if len(m.Devices) == 0 {
		for _, d := range listed {
			if d.TotalBytes >= leastVRAM {
				d.Index = len(m.Devices)
				m.Devices = append(m.Devices, d)
			}
		}
		return len(m.Devices) > 0
	}
	for i := range m.Devices {
		for _, d := range listed {
			if d.Name != "" && strings.EqualFold(d.Bus, m.Devices[i].Bus) {
				m.Devices[i].Name = d.Name
			}
		}
	}
	return true
}

// parseROCmSMI reads {"card0": {"Card Series": …, "PCI Bus": "0000:C1:00.0"}};
// some versions write "Card series" with a small letter.
func parseROCmSMI(out []byte) ([]Device, error) {
	var cards map[string]map[string]any
	if err := json.Unmarshal(jsonPart(out, '{'), &cards); err != nil {
		return nil, fmt.Errorf("output that is no JSON: %w", err)
	}
	var list []Device
	for _, card := range cards {
		values := map[string]string{}
		for key, value := range card {
			if text, ok := value.(string); ok && text != "N/A" {
				values[strings.ToLower(key)] = text
			}
		}
		d := Device{Name: chipName(values["card series"]), Bus: strings.ToLower(values["pci bus"]), Vendor: "AMD", Source: "rocm-smi"}
		if id, ok := strings.CutPrefix(values["unique id"], "0x"); ok {
			d.UUID = "GPU-" + id
		}
		if total, err := strconv.ParseInt(values["vram total memory (b)"], 10, 64); err == nil && total > 0 {
			d.TotalBytes = total
			used, err := strconv.ParseInt(values["vram total used memory (b)"], 10, 64)
			d.use(used, err == nil)
		}
		if d.Bus != "" && d.Name != "" {
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(a, b Device) int { return strings.Compare(a.Bus, b.Bus) })
	return list, nil
}

// chipName is the card of a name such as "Arcturus GL-XL [Instinct MI100]",
// which has the chip before it.
func chipName(series string) string {
	if _, card, ok := strings.Cut(series, "["); ok && strings.HasSuffix(card, "]") {
		return "AMD " + strings.TrimSuffix(card, "]")
	}
	return series
}

// parseAMDSMI reads the names of GPUs: a list, in newer versions under
// "gpu_data".
func parseAMDSMI(out []byte) ([]Device, error) {
	type gpu struct {
		ASIC struct {
			MarketName string `json:"market_name"`
		} `json:"asic"`
		Bus struct {
			BDF string `json:"bdf"`
		} `json:"bus"`
	}
	var gpus []gpu
	var wrapped struct {
		Data []gpu `json:"gpu_data"`
	}
	if err := json.Unmarshal(jsonPart(out, '['), &gpus); err != nil || gpus == nil {
		if err := json.Unmarshal(jsonPart(out, '{'), &wrapped); err != nil {
			return nil, fmt.Errorf("output that is no JSON: %w", err)
		}
		gpus = wrapped.Data
	}
	var list []Device
	for _, g := range gpus {
		if g.ASIC.MarketName != "" && g.Bus.BDF != "" && g.ASIC.MarketName != "N/A" {
			list = append(list, Device{Name: g.ASIC.MarketName, Bus: strings.ToLower(g.Bus.BDF), Vendor: "AMD"})
		}
	}
	return list, nil
}

// jsonPart skips what tools print before their JSON, such as warnings.
func jsonPart(out []byte, start byte) []byte {
	if i := slices.Index(out, start); i > 0 {
		return out[i:]
	}
	return out
}

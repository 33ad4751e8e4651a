package detect

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// kfdRoot is where AMD's compute driver describes its GPUs: the topology of
// nodes, and what each process holds.
const kfdRoot = "/sys/class/kfd/kfd/"

// xgmi is the type of a link between GPUs that is not PCIe (the kernel's
// CRAT_IOLINK_TYPE_XGMI).
const xgmi = 11

// addKFD adds to AMD's devices what the compute driver knows: compute units,
// clocks, links and processes.
func (m *Machine) addKFD(s System) {
	nodes := map[int]int{}      // number of the node: place of its device
	ids := map[string]*Device{} // the driver's id of a GPU
	folders, _ := s.Glob(kfdRoot + "topology/nodes/*")
	for _, f := range folders {
		p := kfdProperties(s, f+"/properties")
		for i := range m.Devices {
			d := &m.Devices[i]
			if p["simd_count"] <= 0 || d.Bus != kfdBus(p) {
				continue
			}
			nodes[whole(filepath.Base(f))] = i
			ids[readLine(s, f+"/gpu_id")] = d
			d.ComputeCapability = gfxName(p["gfx_target_version"])
			d.ClockMHz = int(p["max_engine_clk_fcompute"])
			d.MemoryClockMHz = int(kfdProperties(s, f+"/mem_banks/0/properties")["mem_clk_max"])
			if p["simd_per_cu"] > 0 {
				d.SMs = int(p["simd_count"] / p["simd_per_cu"])
			}
		}
	}
	m.addXGMI(s, nodes)
	files, _ := s.Glob(kfdRoot + "proc/*/vram_*")
	for _, f := range files {
		d := ids[strings.TrimPrefix(filepath.Base(f), "vram_")]
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		held, bad := strconv.ParseInt(readLine(s, f), 10, 64)
		if d != nil && err == nil && bad == nil && held > 0 {
			d.Processes = append(d.Processes, Process{pid, readLine(s, fmt.Sprintf("/proc/%d/comm", pid)), held})
		}
	}
}

// addXGMI adds the links between GPUs. The driver gives the rate of one
// direction in MB/s, or none.
func (m *Machine) addXGMI(s System, nodes map[int]int) {
	files, _ := s.Glob(kfdRoot + "topology/nodes/*/io_links/*/properties")
	for _, f := range files {
		p := kfdProperties(s, f)
		a, one := nodes[int(p["node_from"])]
		b, two := nodes[int(p["node_to"])]
		if p["type"] == xgmi && one && two && a < b {
			m.Links = append(m.Links, Link{A: a, B: b, Kind: "XGMI", Lanes: 1, BytesPerSecond: 2e6 * float64(p["max_bandwidth"])})
		}
	}
}

// kfdProperties reads lines "name value"; what is no number is left out.
func kfdProperties(s System, path string) map[string]int64 {
	text, err := s.ReadFile(path)
	if err != nil {
		return nil
	}
	values := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && n >= 0 {
			values[name] = n
		}
	}
	return values
}

// kfdBus is the PCI address of a node: bus, device and function in one number.
func kfdBus(p map[string]int64) string {
	at := p["location_id"]
	return fmt.Sprintf("%04x:%02x:%02x.%d", p["domain"], at>>8&0xff, at>>3&0x1f, at&7)
}

// gfxName is the name of an instruction set: 90402 is gfx942, 90010 is gfx90a.
func gfxName(version int64) string {
	if version <= 0 {
		return ""
	}
	return fmt.Sprintf("gfx%d%x%x", version/10000, version/100%100, version%100)
}

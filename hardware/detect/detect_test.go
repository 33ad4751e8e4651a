package detect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

func yes() *bool { b := true; return &b }
func no() *bool  { b := false; return &b }

func TestNvidiaSMI(t *testing.T) {
	m := Detect(t.Context(), fake{programs: smi(t, "smi_rtx4090.csv", "smi_apps.csv", nil)}.system())
	want := Device{
		Name: "NVIDIA GeForce RTX 4090", UUID: "GPU-5c9ed0a6-3b8e-11ee-be56-0242ac120002", Bus: "00000000:01:00.0", Vendor: "NVIDIA",
		TotalBytes: 24564 << 20, FreeBytes: 23010 << 20, UsedBytes: 1100 << 20, ReservedBytes: 454 << 20, FreeKnown: true, Source: "nvidia-smi, in whole MiB",
		ComputeCapability: "8.9", ClockMHz: 3105, MemoryClockMHz: 10501, PowerLimitWatts: 450, ECC: no(), Display: yes(), PCIeGeneration: 4, PCIeWidth: 16,
		Processes: []Process{{4242, "/usr/bin/python3.11", 800 << 20}, {977, `/opt/tool, with a comma "in" its name`, 0}},
	}
	if m.Way != "nvidia-smi" || m.Driver != "550.54.15" || m.CUDA != "12.4" || len(m.Devices) != 1 || !reflect.DeepEqual(m.Devices[0], want) {
		t.Errorf("got  %+v\nwant %+v", m, want)
	}
}

// TestOldDriver: fields that a driver does not know are left out, one by one.
func TestOldDriver(t *testing.T) {
	unknown := []string{"memory.reserved", "compute_cap"}
	programs := map[string]func(context.Context, string) (string, error){
		"nvidia-smi": func(_ context.Context, args string) (string, error) {
			if !strings.HasPrefix(args, "--query-gpu=") {
				return "", nil
			}
			for _, f := range unknown {
				if strings.Contains(args, f) {
					return fmt.Sprintf("Field %q is not a valid field to query.\n", f), errors.New("exit status 2")
				}
			}
			return strings.Replace(read(t, "smi_rtx4090.csv"), "454, 8.9, ", "", 1), nil
		},
	}
	m := Detect(t.Context(), fake{programs: programs}.system())
	if len(m.Devices) != 1 || m.Devices[0].ReservedBytes != 0 || m.Devices[0].ComputeCapability != "" || m.Devices[0].ClockMHz != 3105 {
		t.Errorf("%+v", m)
	}
}

func TestTopology(t *testing.T) {
	m := Detect(t.Context(), fake{programs: smi(t, "smi_two.csv", "empty.csv", map[string]string{"topo -m": "smi_topo.txt"})}.system())
	// Twelve links are 600 GB/s in the A100's data sheet.
	if want := []Link{{0, 1, NVLink, 12, 600e9}}; len(m.Devices) != 2 || !reflect.DeepEqual(m.Links, want) {
		t.Errorf("%+v", m.Links)
	}
}

func TestTopologyOfEight(t *testing.T) {
	links := parseTopology(read(t, "topo_h100.txt"))
	if len(links) != 8*7/2 || links[0] != (Link{A: 0, B: 1, Kind: NVLink, Lanes: 18}) || links[27] != (Link{A: 6, B: 7, Kind: NVLink, Lanes: 18}) {
		t.Errorf("%+v", links)
	}
	links = parseTopology("GPU0 GPU1 GPU2 NIC0 CPU Affinity\nGPU0 X PIX SYS SYS 0-7\nGPU1 PIX X NODE PHB 0-7\nGPU2 SYS NODE X PIX 8-15\n")
	if want := []Link{{A: 0, B: 1, Kind: PCIeSwitch}, {A: 0, B: 2, Kind: PCIeSystem}, {A: 1, B: 2, Kind: PCIeNode}}; !reflect.DeepEqual(links, want) {
		t.Errorf("%+v", links)
	}
}

// TestLinkRates holds what follows from the devices against data sheets, both
// directions together.
func TestLinkRates(t *testing.T) {
	for _, c := range []struct {
		card  string
		d     Device
		kind  string
		lanes int
		sheet float64
	}{
		{"P100", Device{ComputeCapability: "6.0"}, NVLink, 4, 160e9},
		{"V100", Device{ComputeCapability: "7.0"}, NVLink, 6, 300e9},
		{"RTX A6000", Device{ComputeCapability: "8.6"}, NVLink, 4, 112.5e9},
		{"A100", Device{ComputeCapability: "8.0"}, NVSwitch, 12, 600e9},
		{"H100", Device{ComputeCapability: "9.0"}, NVSwitch, 18, 900e9},
		{"B200", Device{ComputeCapability: "10.0"}, NVSwitch, 18, 1800e9},
		{"a card to come", Device{ComputeCapability: "13.0"}, NVLink, 18, 0},
		{"PCIe 4.0, 16 lanes", Device{PCIeGeneration: 4, PCIeWidth: 16}, PCIeHost, 0, 63.01538461538461e9},
		{"a slot that nobody described", Device{}, PCIeSystem, 0, 0},
	} {
		other := c.d
		other.Index = 1
		m := Machine{Devices: []Device{c.d, other}, Links: []Link{{A: 0, B: 1, Kind: c.kind, Lanes: c.lanes}}}
		if m.rateLinks(); math.Abs(m.Links[0].BytesPerSecond-c.sheet) > 1 {
			t.Errorf("%s: %g bytes/s, the data sheet says %g", c.card, m.Links[0].BytesPerSecond, c.sheet)
		}
	}
}

// divided is nvidia-smi on a machine with an A100 in four instances and a
// whole one.
func divided(t *testing.T) map[string]func(context.Context, string) (string, error) {
	return smi(t, "mig_a100.csv", "empty.csv", map[string]string{"-L": "mig_a100_list.txt", "-q -x": "mig_a100.xml"})
}

func TestInstances(t *testing.T) {
	m := Detect(t.Context(), fake{programs: divided(t)}.system())
	if len(m.Devices) != 5 || m.Devices[4].Parent != "" || len(m.Findings) != 0 {
		t.Fatalf("%+v", m)
	}
	want := Device{
		Name: "NVIDIA A100-SXM4-80GB MIG 1g.20gb", UUID: "MIG-a45882f0-9215-5733-a0c1-49286ab31cb5", Parent: "GPU-513536b6-7d19-9063-b049-1e69664bb298",
		Bus: "00000000:01:00.0", Vendor: "NVIDIA", TotalBytes: 19968 << 20, UsedBytes: 12 << 20, FreeBytes: 19955 << 20, FreeKnown: true,
		Source: "nvidia-smi, in whole MiB, MIG instance", ComputeCapability: "8.0", SMs: 14, ECC: yes(), Processes: []Process{{34965, "python", 14195 << 20}},
	}
	if got := m.Devices[1]; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestInstancesWithoutDetails: the size in the name is taken, and said to be one.
func TestInstancesWithoutDetails(t *testing.T) {
	m := Detect(t.Context(), fake{programs: smi(t, "mig_a100.csv", "empty.csv", map[string]string{"-L": "mig_a100_list.txt"})}.system())
	if len(m.Devices) != 5 || len(m.Findings) != 1 {
		t.Fatalf("%+v", m)
	}
	if d := m.Devices[1]; d.TotalBytes != 20<<30 || d.FreeKnown || !strings.Contains(d.Source, "profile's name") {
		t.Errorf("%+v", d)
	}
}

// TestVisibleDevices: the rules of the CUDA programming guide.
func TestVisibleDevices(t *testing.T) {
	for _, c := range []struct {
		list, order string
		want        []int
		findings    []string
	}{
		{"1", "PCI_BUS_ID", []int{1}, []string{"hidden-devices"}},
		{"1", "", []int{1}, []string{"device-order", "hidden-devices"}}, // the two are unequal
		{"1,0", "FASTEST_FIRST", []int{1, 0}, []string{"device-order"}},
		{"GPU-bbbb", "", []int{1}, []string{"hidden-devices"}},
		{" GPU-BBBB , 0 ", "PCI_BUS_ID", []int{1, 0}, nil},
		{"-1", "", nil, []string{"hidden-devices"}},
		{"", "", nil, []string{"hidden-devices"}},
		{"NoDevFiles", "", nil, []string{"hidden-devices"}},
		{"0,7,1", "PCI_BUS_ID", []int{0}, []string{"visible-devices", "hidden-devices"}},
		{"0,-1,1", "PCI_BUS_ID", []int{0}, []string{"hidden-devices"}},
		{"0,0", "PCI_BUS_ID", nil, []string{"visible-devices", "hidden-devices"}},
		{"GPU-", "", nil, []string{"visible-devices", "hidden-devices"}},
		{"banana", "", nil, []string{"visible-devices", "hidden-devices"}},
	} {
		m := Detect(t.Context(), fake{
			env:      map[string]string{"CUDA_VISIBLE_DEVICES": c.list, "CUDA_DEVICE_ORDER": c.order},
			programs: smi(t, "smi_two.csv", "empty.csv", map[string]string{"topo -m": "smi_topo.txt"}),
		}.system())
		if got := indices(m); !reflect.DeepEqual(got, c.want) || !reflect.DeepEqual(codes(m), c.findings) || len(got) < 2 && len(m.Links) > 0 {
			t.Errorf("%q: devices %v, links %v, findings %+v", c.list, got, m.Links, m.Findings)
		}
	}
	m := Detect(t.Context(), fake{programs: smi(t, "smi_two.csv", "empty.csv", map[string]string{"topo -m": "smi_topo.txt"})}.system())
	if len(m.Devices) != 2 || len(m.Findings) != 0 {
		t.Errorf("not set: %+v", m)
	}
}

func indices(m Machine) (list []int) {
	for _, d := range m.Devices {
		list = append(list, d.Index)
	}
	return list
}

func codes(m Machine) (list []string) {
	for _, f := range m.Findings {
		list = append(list, f.Code)
	}
	return list
}

func TestVisibleInstance(t *testing.T) {
	for list, want := range map[string]string{
		"MIG-f00d722c-f4e1-52c9-aa31-750441ae1bfe": "MIG-f00d722c-f4e1-52c9-aa31-750441ae1bfe",
		"MIG-f00d":   "MIG-f00d722c-f4e1-52c9-aa31-750441ae1bfe",
		"1":          "GPU-d8594bd4-0fc3-8595-e355-7c98138f3b95",
		"GPU-d8594b": "GPU-d8594bd4-0fc3-8595-e355-7c98138f3b95",
	} {
		m := Detect(t.Context(), fake{env: map[string]string{"CUDA_VISIBLE_DEVICES": list}, programs: divided(t)}.system())
		if len(m.Devices) != 1 || m.Devices[0].UUID != want {
			t.Errorf("%s: %+v", list, m.Devices)
		}
	}
}

// TestDriverTroubles: what goes wrong is a finding, and another way is tried.
func TestDriverTroubles(t *testing.T) {
	for said, want := range map[string]string{
		"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that": "the NVIDIA driver does not answer",
		"Failed to initialize NVML: Driver/library version mismatch":                                   "different versions",
		"Unable to determine the device handle for GPU0000:01:00.0: GPU is lost.":                      "a GPU is lost",
		"Failed to initialize NVML: Insufficient Permissions":                                          "no permission",
		"No devices were found": "finds no GPU",
		"Segmentation fault":    "Segmentation fault",
	} {
		m := Detect(t.Context(), fake{programs: map[string]func(context.Context, string) (string, error){
			"nvidia-smi": func(context.Context, string) (string, error) { return "", errors.New("exit status 9: " + said) },
		}}.system())
		if len(m.Devices) != 0 || len(m.Findings) != 1 || !strings.Contains(m.Findings[0].Message, want) {
			t.Errorf("%q: %+v", said, m.Findings)
		}
	}
}

// TestOneBadLine: a card that fell off the bus, or a warning between the lines,
// hides no other card.
func TestOneBadLine(t *testing.T) {
	for _, line := range []string{
		"WARNING: infoROM is corrupted at gpu 0000:65:00.0",
		"1, [GPU is lost], [GPU is lost], 00000000:0F:00.0, 535.104.05" + strings.Repeat(", [GPU is lost]", 13),
		"1, NVIDIA A100, GPU-c, 00000000:0F:00.0, 535.104.05" + strings.Repeat(", [Unknown Error]", 13),
	} {
		m := Detect(t.Context(), fake{programs: map[string]func(context.Context, string) (string, error){
			"nvidia-smi": func(_ context.Context, args string) (string, error) {
				if strings.HasPrefix(args, "--query-gpu") {
					return read(t, "smi_rtx4090.csv") + line + "\n", nil
				}
				return "", nil
			},
		}}.system())
		if len(m.Devices) != 1 || !reflect.DeepEqual(codes(m), []string{"device-unreadable"}) {
			t.Errorf("%s: %+v", line, m)
		}
	}
}

func TestNVMLFailsAndSMIAnswers(t *testing.T) {
	m := Detect(t.Context(), fake{
		nvml:     func() (Machine, error) { return Machine{}, errors.New("unknown error") },
		programs: smi(t, "smi_rtx4090.csv", "empty.csv", nil),
	}.system())
	if m.Way != "nvidia-smi" || len(m.Devices) != 1 || len(m.Findings) != 1 || len(m.Tried) != 3 {
		t.Errorf("%+v", m)
	}
}

// TestGarbage: output that nobody can read is an error with the output in it,
// not a device.
func TestGarbage(t *testing.T) {
	for _, out := range []string{"", "\x00\xff", "0, a", strings.Repeat("x,", 4000), "-1" + strings.Repeat(", 1", 17), "0" + strings.Repeat(",", 17)} {
		m := Detect(t.Context(), fake{programs: map[string]func(context.Context, string) (string, error){
			"nvidia-smi": func(context.Context, string) (string, error) { return out, nil },
		}}.system())
		if len(m.Devices) != 0 {
			t.Errorf("%.20q: %+v", out, m.Devices)
		}
	}
}

// mi300 are two MI300X as the kernel shows them, an integrated GPU and a card
// of another vendor.
var mi300 = map[string]string{
	"/sys/module/amdgpu/version":                                 "6.8.5\n",
	"/sys/class/drm/card0/device/vendor":                         "0x1a03\n",
	"/sys/class/drm/card1/device/vendor":                         "0x1002\n",
	"/sys/class/drm/card1/device/device":                         "0x74a1\n",
	"/sys/class/drm/card1/device/mem_info_vram_total":            "206141652992\n",
	"/sys/class/drm/card1/device/mem_info_vram_used":             "293703680\n",
	"/sys/class/drm/card1/device/unique_id":                      "8b1c5d3a2f4e6071\n",
	"/sys/class/drm/card1/device/max_link_speed":                 "32.0 GT/s PCIe\n",
	"/sys/class/drm/card1/device/max_link_width":                 "16\n",
	"/sys/class/drm/card1/device/hwmon/hwmon3/power1_cap":        "750000000\n",
	"/sys/class/drm/card1/device/uevent":                         "DRIVER=amdgpu\nPCI_CLASS=120000\nPCI_SLOT_NAME=0000:c1:00.0\n",
	"/sys/class/drm/card2/device/vendor":                         "0x1002\n",
	"/sys/class/drm/card2/device/mem_info_vram_total":            "536870912\n",
	"/sys/class/drm/card2/device/uevent":                         "PCI_SLOT_NAME=0000:d0:00.0\n",
	"/sys/class/drm/card3/device/vendor":                         "0x1002\n",
	"/sys/class/drm/card3/device/device":                         "0x74a1\n",
	"/sys/class/drm/card3/device/mem_info_vram_total":            "206141652992\n",
	"/sys/class/drm/card3/device/uevent":                         "PCI_SLOT_NAME=0000:03:00.0\n",
	"/sys/class/kfd/kfd/topology/nodes/0/properties":             "cpu_cores_count 96\nsimd_count 0\n",
	"/sys/class/kfd/kfd/topology/nodes/2/gpu_id":                 "51234\n",
	"/sys/class/kfd/kfd/topology/nodes/2/properties":             "simd_count 1216\nsimd_per_cu 4\ngfx_target_version 90402\ndomain 0\nlocation_id 49408\nmax_engine_clk_fcompute 2100\n",
	"/sys/class/kfd/kfd/topology/nodes/2/mem_banks/0/properties": "heap_type 1\nmem_clk_max 1300\n",
	"/sys/class/kfd/kfd/topology/nodes/2/io_links/0/properties":  "type 2\nnode_from 2\nnode_to 0\n",
	"/sys/class/kfd/kfd/topology/nodes/3/gpu_id":                 "60000\n",
	"/sys/class/kfd/kfd/topology/nodes/3/properties":             "simd_count 1216\nsimd_per_cu 4\ngfx_target_version 90402\ndomain 0\nlocation_id 768\n",
	"/sys/class/kfd/kfd/topology/nodes/3/io_links/1/properties":  "type 11\nnode_from 3\nnode_to 2\nmax_bandwidth 64000\n",
	"/sys/class/kfd/kfd/proc/777/vram_51234":                     "4294967296\n",
	"/sys/class/kfd/kfd/proc/777/vram_60000":                     "0\n",
	"/proc/777/comm":                                             "python3\n",
}

func TestAMD(t *testing.T) {
	for tool, want := range map[string]string{"": "AMD GPU 0x74a1", "amd-smi": "AMD Instinct MI300X"} {
		programs := map[string]func(context.Context, string) (string, error){}
		if tool != "" {
			programs[tool] = func(context.Context, string) (string, error) { return read(t, "amd_smi.json"), nil }
		}
		m := Detect(t.Context(), fake{files: mi300, programs: programs}.system())
		if m.Way != "amd" || len(m.Devices) != 2 || m.Driver != "6.8.5" {
			t.Fatalf("%s: %+v", tool, m)
		}
		expected := Device{
			Index: 1, Name: want, UUID: "GPU-8b1c5d3a2f4e6071", Bus: "0000:c1:00.0", Vendor: "AMD", TotalBytes: 206141652992,
			UsedBytes: 293703680, FreeBytes: 206141652992 - 293703680, FreeKnown: true, Source: "the kernel's mem_info_vram_total",
			ComputeCapability: "gfx942", SMs: 304, ClockMHz: 2100, MemoryClockMHz: 1300, PowerLimitWatts: 750, PCIeGeneration: 5, PCIeWidth: 16,
			Processes: []Process{{777, "python3", 4 << 30}},
		}
		if !reflect.DeepEqual(m.Devices[1], expected) {
			t.Errorf("%s: got  %+v\nwant %+v", tool, m.Devices[1], expected)
		}
		// 128 GB/s a link in AMD's data sheet of the MI300X.
		if want := []Link{{0, 1, XGMI, 1, 128e9}}; !reflect.DeepEqual(m.Links, want) {
			t.Errorf("%s: %+v", tool, m.Links)
		}
	}
}

// TestAMDVisible: HIP counts what ROCR_VISIBLE_DEVICES left.
func TestAMDVisible(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want []int
	}{
		{nil, []int{0, 1}},
		{map[string]string{"HIP_VISIBLE_DEVICES": "1"}, []int{1}},
		{map[string]string{"CUDA_VISIBLE_DEVICES": "1"}, []int{1}},
		{map[string]string{"HIP_VISIBLE_DEVICES": "0", "CUDA_VISIBLE_DEVICES": "1"}, []int{0}},
		{map[string]string{"ROCR_VISIBLE_DEVICES": "1"}, []int{1}},
		{map[string]string{"ROCR_VISIBLE_DEVICES": "GPU-8B1C5D3A2F4E6071"}, []int{1}},
		{map[string]string{"ROCR_VISIBLE_DEVICES": "1", "HIP_VISIBLE_DEVICES": "0"}, []int{1}},
		{map[string]string{"ROCR_VISIBLE_DEVICES": "1", "HIP_VISIBLE_DEVICES": "1"}, nil},
		{map[string]string{"ROCR_VISIBLE_DEVICES": ""}, nil},
	} {
		if m := Detect(t.Context(), fake{files: mi300, env: c.env}.system()); !reflect.DeepEqual(indices(m), c.want) {
			t.Errorf("%v: %v, want %v", c.env, indices(m), c.want)
		}
	}
}

// TestAMDWithoutKernelFiles: rocm-smi is asked for the memory too.
func TestAMDWithoutKernelFiles(t *testing.T) {
	for file, want := range map[string]Device{
		"rocm_smi_mi100.json": {
			Name: "AMD Instinct MI100", UUID: "GPU-79ccd55167a2124a", Bus: "0000:83:00.0", Vendor: "AMD", Source: "rocm-smi",
			TotalBytes: 34342961152, UsedBytes: 6750208, FreeBytes: 34342961152 - 6750208, FreeKnown: true,
		},
		"rocm_smi_rx6700xt.json": {
			Name: "AMD Radeon RX 6700/6700 XT / 6800M", Bus: "0000:07:00.0", Vendor: "AMD", Source: "rocm-smi",
			TotalBytes: 12868124672, UsedBytes: 1572745216, FreeBytes: 12868124672 - 1572745216, FreeKnown: true,
		},
	} {
		m := Detect(t.Context(), fake{programs: map[string]func(context.Context, string) (string, error){
			"rocm-smi": func(context.Context, string) (string, error) {
				return "WARNING: low-power state\n\n" + read(t, file), nil
			},
		}}.system())
		if m.Way != "amd" || len(m.Devices) == 0 || !reflect.DeepEqual(m.Devices[0], want) {
			t.Errorf("got  %+v\nwant %+v", m, want)
		}
	}
}

// TestIntegratedGPU: what the firmware gives an integrated GPU is no card.
func TestIntegratedGPU(t *testing.T) {
	m := Detect(t.Context(), fake{files: map[string]string{
		"/sys/class/drm/card0/device/vendor": "0x1002", "/sys/class/drm/card0/device/mem_info_vram_total": "536870912",
	}}.system())
	if len(m.Devices) != 0 || len(m.Findings) != 0 || !strings.Contains(fmt.Sprint(m.Tried), "512 MiB is left out") {
		t.Errorf("%+v", m)
	}
}

func TestMac(t *testing.T) {
	for _, c := range []struct {
		limit    string
		usable   int64
		findings int
	}{{"iogpu.wired_limit_mb: 0", 45812984490, 1}, {"iogpu.wired_limit_mb: 49152", 48 << 30, 0}, {"iogpu.wired_limit_mb: 99999", 64 << 30, 0}, {"", 45812984490, 1}} {
		m := Detect(t.Context(), fake{os: "darwin", programs: map[string]func(context.Context, string) (string, error){
			"sysctl": func(_ context.Context, args string) (string, error) {
				if args == "iogpu.wired_limit_mb" {
					return c.limit, nil
				}
				return "machdep.cpu.brand_string: Apple M2 Max\nhw.memsize: 68719476736\n", nil
			},
		}}.system())
		if len(m.Devices) != 1 || len(m.Findings) != c.findings {
			t.Fatalf("%q: %+v", c.limit, m)
		}
		if d := m.Devices[0]; d.Name != "Apple M2 Max" || d.TotalBytes != 64<<30 || d.TotalBytes-d.ReservedBytes != c.usable || d.FreeKnown {
			t.Errorf("%q: %+v", c.limit, d)
		}
	}
}

func TestIntelMac(t *testing.T) {
	m := Detect(t.Context(), fake{os: "darwin", env: map[string]string{"CUDA_VISIBLE_DEVICES": ""}, programs: map[string]func(context.Context, string) (string, error){
		"sysctl": func(context.Context, string) (string, error) {
			return "machdep.cpu.brand_string: Intel(R) Core(TM) i9-9880H CPU @ 2.30GHz\nhw.memsize: 17179869184\n", nil
		},
		"system_profiler": func(context.Context, string) (string, error) { return read(t, "displays_intel_mac.json"), nil },
	}}.system())
	want := Device{Name: "AMD Radeon Pro 5500M", Vendor: "AMD", TotalBytes: 8 << 30, Source: "system_profiler, in whole GB"}
	if len(m.Devices) != 1 || !reflect.DeepEqual(m.Devices[0], want) {
		t.Errorf("%+v", m)
	}
}

func jetson(more map[string]string) map[string]string {
	files := map[string]string{
		"/proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\x00",
		"/etc/nv_tegra_release":   "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8 01:49:37 UTC 2025\n",
		"/proc/meminfo":           "MemTotal:       64322112 kB\nMemFree:        50000000 kB\nMemAvailable:   60000000 kB\n",
	}
	maps.Copy(files, more)
	return files
}

// TestJetson: JetPack has an nvidia-smi, which says neither name nor memory.
func TestJetson(t *testing.T) {
	m := Detect(t.Context(), fake{files: jetson(nil), programs: smi(t, "smi_gb10.csv", "empty.csv", nil)}.system())
	if m.Way != "jetson" || m.Driver != "Jetson Linux 36.4.3" || len(m.Devices) != 1 {
		t.Fatalf("%+v", m)
	}
	if d := m.Devices[0]; d.TotalBytes != 64322112<<10 || d.FreeBytes != 60000000<<10 || !d.Unified || !strings.Contains(d.Source, "meminfo") {
		t.Errorf("%+v", d)
	}
}

// TestContainerLimit: what a container may take of shared memory is all there is.
func TestContainerLimit(t *testing.T) {
	for limit, want := range map[string][2]int64{
		"8589934592": {8 << 30, 7 << 30}, "max": {64322112 << 10, 60000000 << 10}, "999999999999999": {64322112 << 10, 60000000 << 10},
	} {
		m := Detect(t.Context(), fake{files: jetson(map[string]string{"/sys/fs/cgroup/memory.max": limit + "\n", "/sys/fs/cgroup/memory.current": "1073741824\n"})}.system())
		if d := m.Devices[0]; d.TotalBytes != want[0] || d.FreeBytes != want[1] {
			t.Errorf("memory.max %s: %+v", limit, d)
		}
	}
}

// TestUnifiedMemory: the driver of a GPU without memory of its own says "N/A".
func TestUnifiedMemory(t *testing.T) {
	files := jetson(nil)
	delete(files, "/proc/device-tree/model")
	m := Detect(t.Context(), fake{files: files, programs: smi(t, "smi_gb10.csv", "empty.csv", nil)}.system())
	if d := m.Devices[0]; m.Way != "nvidia-smi" || d.Name != "NVIDIA GB10" || d.TotalBytes != 64322112<<10 || !d.FreeKnown || !d.Unified {
		t.Errorf("%+v", m)
	}
	m = Detect(t.Context(), fake{programs: smi(t, "smi_gb10.csv", "empty.csv", nil)}.system())
	if !reflect.DeepEqual(codes(m), []string{"memory-unknown"}) || m.Devices[0].TotalBytes != 0 {
		t.Errorf("%+v", m)
	}
}

func TestNothing(t *testing.T) {
	for _, goos := range []string{"linux", "darwin", "windows", "js"} {
		m := Detect(t.Context(), fake{os: goos, programs: map[string]func(context.Context, string) (string, error){
			"sysctl": func(context.Context, string) (string, error) {
				return "machdep.cpu.brand_string: Intel(R) Core(TM) i7\nhw.memsize: 1\n", nil
			},
			"system_profiler": func(context.Context, string) (string, error) { return `{"SPDisplaysDataType": []}`, nil },
		}}.system())
		if len(m.Devices) != 0 || len(m.Findings) != 0 || len(m.Tried) != len(ways) {
			t.Errorf("%s: %+v", goos, m)
		}
	}
}

// TestHangingLibrary: a call that never returns is left behind.
func TestHangingLibrary(t *testing.T) {
	block := make(chan struct{})
	defer close(block)
	start := time.Now()
	m := Detect(t.Context(), fake{nvml: func() (Machine, error) { <-block; return Machine{}, nil }}.system())
	if len(m.Findings) != 1 || !strings.Contains(m.Findings[0].Message, ErrSlow.Error()) || time.Since(start) < Patience {
		t.Errorf("%+v", m)
	}
}

// TestPrograms runs real processes in place of nvidia-smi.
func TestPrograms(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-ins are shell scripts")
	}
	for _, c := range []struct{ script, finding string }{
		{"sleep 60 & sleep 60", ErrSlow.Error()}, // with a child that keeps the pipe open
		{"echo broken >&2; exit 3", "exit status 3: broken"},
		{"kill -SEGV $$", "signal"},
		{"head -c 100000000 /dev/zero", "more than 4 MiB"},
		{"exit 0", ""},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "nvidia-smi")
		if err := os.WriteFile(file, []byte("#!/bin/sh\n"+c.script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		s := ThisSystem(nil)
		s.Find = func(names ...string) (string, bool) { return file, names[0] == "nvidia-smi" }
		s.Glob = func(string) ([]string, error) { return nil, nil }
		ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
		m := Detect(ctx, s)
		cancel()
		if len(m.Devices) != 0 || c.finding != "" && (len(m.Findings) == 0 || !strings.Contains(m.Findings[0].Message, c.finding)) {
			t.Errorf("%s: %+v", c.script, m.Findings)
		}
	}
}

// BenchmarkNothing is what a machine without a GPU pays.
func BenchmarkNothing(b *testing.B) {
	s := ThisSystem(nil)
	for b.Loop() {
		Detect(b.Context(), s)
	}
}

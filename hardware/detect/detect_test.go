package detect

import (
	"context"
	"errors"
	"fmt"
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
		Processes: []Process{{4242, "/usr/bin/python3.11", 800 << 20}, {977, "/usr/lib/xorg/Xorg", 0}},
	}
	if m.Way != "nvidia-smi" || m.Driver != "550.54.15" || len(m.Devices) != 1 || !reflect.DeepEqual(m.Devices[0], want) {
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
	if want := []Link{{A: 0, B: 1, Kind: "NVLink", Lanes: 12}}; len(m.Devices) != 2 || !reflect.DeepEqual(m.Links, want) {
		t.Errorf("%+v", m.Links)
	}
}

func TestInstancesFromTheList(t *testing.T) {
	m := Detect(t.Context(), fake{programs: smi(t, "smi_mig.csv", "empty.csv", map[string]string{"-L": "smi_list.txt"})}.system())
	if len(m.Devices) != 2 || m.Devices[0].Name != "NVIDIA H100 80GB HBM3 MIG 3g.40gb" || m.Devices[0].TotalBytes != 40<<30 ||
		m.Devices[1].UUID != "MIG-22222222-0000-0000-0000-000000000000" || m.Devices[1].ComputeCapability != "9.0" {
		t.Errorf("%+v", m.Devices)
	}
}

func TestVisibleDevices(t *testing.T) {
	for _, c := range []struct {
		list     string
		want     []int
		findings int
	}{
		{"", []int{0, 1}, 0},
		{"1", []int{1}, 1},
		{"1,0", []int{1, 0}, 0},
		{"GPU-bbbb", []int{1}, 1},
		{"-1", nil, 1},
		{"0,7,1", []int{0}, 2},
		{"0,0", nil, 2},
		{"GPU-", nil, 2},
		{"banana", nil, 2},
	} {
		m := Detect(t.Context(), fake{
			env: map[string]string{"CUDA_VISIBLE_DEVICES": c.list}, programs: smi(t, "smi_two.csv", "empty.csv", map[string]string{"topo -m": "smi_topo.txt"}),
		}.system())
		var got []int
		for _, d := range m.Devices {
			got = append(got, d.Index)
		}
		if !reflect.DeepEqual(got, c.want) || len(m.Findings) != c.findings || len(got) < 2 && len(m.Links) > 0 {
			t.Errorf("%q: devices %v, links %v, findings %+v", c.list, got, m.Links, m.Findings)
		}
	}
}

func TestVisibleInstance(t *testing.T) {
	m := Detect(t.Context(), fake{
		env:      map[string]string{"CUDA_VISIBLE_DEVICES": "MIG-22222222-0000-0000-0000-000000000000"},
		programs: smi(t, "smi_mig.csv", "empty.csv", map[string]string{"-L": "smi_list.txt"}),
	}.system())
	if len(m.Devices) != 1 || !strings.HasSuffix(m.Devices[0].Name, "1g.10gb") {
		t.Errorf("%+v", m.Devices)
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

func TestNVMLFailsAndSMIAnswers(t *testing.T) {
	m := Detect(t.Context(), fake{
		nvml:     func() (Machine, error) { return Machine{}, errors.New("unknown error") },
		programs: smi(t, "smi_rtx4090.csv", "empty.csv", nil),
	}.system())
	if m.Way != "nvidia-smi" || len(m.Devices) != 1 || len(m.Findings) != 1 || len(m.Tried) != 2 {
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

var mi300 = map[string]string{
	"/sys/class/drm/card1/device/vendor":              "0x1002\n",
	"/sys/class/drm/card1/device/device":              "0x74a1\n",
	"/sys/class/drm/card1/device/mem_info_vram_total": "206141652992\n",
	"/sys/class/drm/card1/device/mem_info_vram_used":  "293703680\n",
	"/sys/class/drm/card1/device/unique_id":           "8b1c5d3a2f4e6071\n",
	"/sys/class/drm/card1/device/uevent":              "DRIVER=amdgpu\nPCI_CLASS=120000\nPCI_SLOT_NAME=0000:c1:00.0\n",
	"/sys/class/drm/card0/device/vendor":              "0x1a03\n",
}

func TestAMD(t *testing.T) {
	for tool, want := range map[string]string{"": "AMD GPU 0x74a1", "rocm-smi": "AMD Instinct MI300X OAM", "amd-smi": "AMD Instinct MI300X"} {
		programs := map[string]func(context.Context, string) (string, error){}
		if tool != "" {
			programs[tool] = func(context.Context, string) (string, error) {
				return read(t, strings.ReplaceAll(tool, "-", "_")+".json"), nil
			}
		}
		m := Detect(t.Context(), fake{files: mi300, programs: programs}.system())
		if m.Way != "amd" || len(m.Devices) != 1 {
			t.Fatalf("%s: %+v", tool, m)
		}
		d := m.Devices[0]
		if d.Name != want || d.TotalBytes != 206141652992 || d.FreeBytes != 206141652992-293703680 || d.Bus != "0000:c1:00.0" {
			t.Errorf("%s: %+v", tool, d)
		}
	}
	m := Detect(t.Context(), fake{files: mi300, env: map[string]string{"HIP_VISIBLE_DEVICES": "1"}}.system())
	if len(m.Devices) != 0 {
		t.Errorf("HIP_VISIBLE_DEVICES=1: %+v", m.Devices)
	}
}

func TestMac(t *testing.T) {
	for _, c := range []struct {
		limit    string
		total    int64
		findings int
	}{{"iogpu.wired_limit_mb: 0", 64 << 30, 1}, {"iogpu.wired_limit_mb: 49152", 48 << 30, 0}, {"", 64 << 30, 1}} {
		m := Detect(t.Context(), fake{os: "darwin", programs: map[string]func(context.Context, string) (string, error){
			"sysctl": func(_ context.Context, args string) (string, error) {
				if args == "iogpu.wired_limit_mb" {
					return c.limit, nil
				}
				return "machdep.cpu.brand_string: Apple M2 Max\nhw.memsize: 68719476736\n", nil
			},
		}}.system())
		if len(m.Devices) != 1 || m.Devices[0].Name != "Apple M2 Max" || m.Devices[0].TotalBytes != c.total || len(m.Findings) != c.findings {
			t.Errorf("%q: %+v", c.limit, m)
		}
	}
}

func TestJetson(t *testing.T) {
	m := Detect(t.Context(), fake{files: map[string]string{
		"/proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\x00",
		"/proc/meminfo":           "MemTotal:       64322112 kB\nMemFree:        50000000 kB\nMemAvailable:   60000000 kB\n",
	}}.system())
	if m.Way != "jetson" || len(m.Devices) != 1 || m.Devices[0].TotalBytes != 64322112<<10 || m.Devices[0].FreeBytes != 60000000<<10 || !m.Devices[0].Unified {
		t.Errorf("%+v", m)
	}
}

func TestNothing(t *testing.T) {
	for _, goos := range []string{"linux", "darwin", "windows", "js"} {
		m := Detect(t.Context(), fake{os: goos, programs: map[string]func(context.Context, string) (string, error){
			"sysctl": func(context.Context, string) (string, error) {
				return "machdep.cpu.brand_string: Intel(R) Core(TM) i7\nhw.memsize: 1\n", nil
			},
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
		{"head -c 100000000 /dev/zero", "nvidia-smi"},
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

func FuzzParsers(f *testing.F) {
	for _, name := range []string{"smi_rtx4090.csv", "smi_apps.csv", "smi_topo.txt", "smi_list.txt", "rocm_smi.json", "amd_smi.json"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseDevices(smiFields, []byte(text))
		for _, d := range m.Devices {
			if err == nil && (d.Name == "" || d.TotalBytes < 0 || d.Index < 0) {
				t.Errorf("%+v", d)
			}
		}
		m.addProcesses([]byte(text))
		m.parseInstances([]byte(text))
		for _, d := range m.Devices {
			for _, p := range d.Processes {
				if p.Bytes < 0 {
					t.Errorf("%+v", p)
				}
			}
		}
		for _, l := range parseTopology(text) {
			if l.A >= l.B || l.Lanes < 0 {
				t.Errorf("%+v", l)
			}
		}
		_, _ = parseROCmSMI([]byte(text))
		_, _ = parseAMDSMI([]byte(text))
		_ = sysctlValues(text)
		if memInfo(text, "MemTotal") < 0 {
			t.Error("negative memory")
		}
		m.see("CUDA_VISIBLE_DEVICES", text)
	})
}

// BenchmarkNothing is what a machine without a GPU pays.
func BenchmarkNothing(b *testing.B) {
	s := ThisSystem(nil)
	for b.Loop() {
		Detect(b.Context(), s)
	}
}

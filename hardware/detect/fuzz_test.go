package detect

import (
	"os"
	"strings"
	"testing"
)

// Whatever a program prints, no parser panics, and no figure is negative.

func seed(f *testing.F, names ...string) {
	f.Helper()
	for _, name := range names {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
}

func sane(t *testing.T, devices []Device) {
	t.Helper()
	for _, d := range devices {
		if d.Name == "" || min(d.Index, d.SMs, d.ClockMHz, d.PCIeGeneration, d.PCIeWidth) < 0 ||
			min(d.TotalBytes, d.FreeBytes, d.UsedBytes, d.ReservedBytes) < 0 || d.PowerLimitWatts < 0 {
			t.Errorf("%+v", d)
		}
		for _, p := range d.Processes {
			if p.Bytes < 0 {
				t.Errorf("%+v", p)
			}
		}
	}
}

func FuzzSMIDevices(f *testing.F) {
	seed(f, "smi_rtx4090.csv", "smi_two.csv", "smi_gb10.csv", "mig_a100.csv")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseDevices(smiFields, []byte(text))
		if err != nil && len(m.Devices) > 0 {
			t.Error("an error and devices")
		}
		sane(t, m.Devices)
	})
}

func FuzzSMIProcesses(f *testing.F) {
	seed(f, "smi_apps.csv")
	f.Fuzz(func(t *testing.T, text string) {
		m := Machine{Devices: []Device{{Name: "one", UUID: "GPU-5c9ed0a6-3b8e-11ee-be56-0242ac120002"}}}
		m.addProcesses([]byte(text))
		sane(t, m.Devices)
	})
}

func FuzzMIG(f *testing.F) {
	list, err := os.ReadFile("testdata/mig_a100_list.txt")
	if err != nil {
		f.Fatal(err)
	}
	details, err := os.ReadFile("testdata/mig_a100.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(list), string(details))
	f.Fuzz(func(t *testing.T, list, details string) {
		known, _ := parseMIGDetails([]byte(details))
		var m Machine
		m.parseInstances([]byte(list), known)
		sane(t, m.Devices)
	})
}

func FuzzTopology(f *testing.F) {
	seed(f, "smi_topo.txt", "topo_h100.txt")
	f.Fuzz(func(t *testing.T, text string) {
		for _, l := range parseTopology(text) {
			if l.A < 0 || l.A >= l.B || l.Lanes < 0 || l.Kind == "" {
				t.Errorf("%+v", l)
			}
		}
	})
}

func FuzzROCm(f *testing.F) {
	seed(f, "rocm_smi_mi100.json", "rocm_smi_rx6700xt.json", "amd_smi.json")
	f.Fuzz(func(t *testing.T, text string) {
		for _, parse := range []func([]byte) ([]Device, error){parseROCmSMI, parseAMDSMI} {
			devices, _ := parse([]byte(text))
			sane(t, devices)
		}
	})
}

func FuzzDisplays(f *testing.F) {
	seed(f, "displays_intel_mac.json")
	f.Fuzz(func(t *testing.T, text string) {
		devices, _ := parseDisplays([]byte(text))
		sane(t, devices)
	})
}

// FuzzFiles gives the same text to everything that reads the kernel's files.
func FuzzFiles(f *testing.F) {
	for _, text := range mi300 {
		f.Add(text)
	}
	for _, text := range jetson(nil) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		files := map[string]string{}
		for path := range mi300 {
			files[path] = text
		}
		files["/sys/class/drm/card1/device/vendor"] = amdVendor
		for path := range jetson(nil) {
			files[path] = text
		}
		files["/sys/fs/cgroup/memory.max"], files["/sys/fs/cgroup/memory.current"] = text, text
		sane(t, Detect(t.Context(), fake{files: files}.system()).Devices)
		files["/proc/device-tree/model"] = "Jetson"
		sane(t, Detect(t.Context(), fake{files: files}.system()).Devices)
	})
}

func FuzzVisibleDevices(f *testing.F) {
	f.Add("0,1", "MIG-1,GPU-a")
	f.Add("", "-1")
	f.Fuzz(func(t *testing.T, cuda, rocr string) {
		for _, vendor := range []string{"NVIDIA", "AMD"} {
			m := Machine{Devices: []Device{{UUID: "GPU-ab", Vendor: vendor}, {Index: 1, UUID: "GPU-ac", MIG: true}, {Index: 1, UUID: "MIG-1", Parent: "GPU-ac"}}}
			m.restrict(func(name string) (string, bool) {
				if strings.HasPrefix(name, "ROCR") {
					return rocr, true
				}
				return cuda, true
			})
			if len(m.Devices) > 3 {
				t.Errorf("%+v", m.Devices)
			}
		}
	})
}

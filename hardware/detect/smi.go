package detect

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const mib = 1 << 20

// smiFields are what nvidia-smi --query-gpu is asked for. Older drivers do not
// know all of them, and say which.
var smiFields = []string{
	"index", "name", "uuid", "pci.bus_id", "driver_version",
	"memory.total", "memory.free", "memory.used", "memory.reserved",
	"compute_cap", "clocks.max.sm", "clocks.max.memory", "power.limit", "ecc.mode.current", "display_active",
	"pcie.link.gen.max", "pcie.link.width.max", "mig.mode.current",
}

// needed are the fields without which there is no device.
var needed = []string{"index", "name", "uuid", "memory.total"}

// appFields are what --query-compute-apps is asked for: the name last, since a
// program may have commas in it.
var appFields = []string{"gpu_uuid", "pid", "used_gpu_memory", "process_name"}

// readSMI asks nvidia-smi, which is where the driver is: in containers, under
// WSL and on Windows.
func readSMI(ctx context.Context, s System) (Machine, error) {
	program, ok := s.Find("nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi", `C:\Windows\System32\nvidia-smi.exe`,
		`C:\Program Files\NVIDIA Corporation\NVSMI\nvidia-smi.exe`)
	if !ok {
		return Machine{}, fmt.Errorf("%w: no nvidia-smi", ErrAbsent)
	}
	var (
		apps, version []byte
		appsErr       error
		others        sync.WaitGroup
	)
	others.Go(func() {
		apps, appsErr = s.Run(ctx, program, "--query-compute-apps="+strings.Join(appFields, ","), "--format=csv,noheader,nounits")
	})
	others.Go(func() {
		version, _ = s.Run(ctx, program, "--version") // older drivers do not know it
	})
	m, err := queryDevices(ctx, s, program)
	others.Wait()
	if err != nil {
		return Machine{}, smiError(err)
	}
	if found := cudaVersion.FindSubmatch(version); found != nil {
		m.CUDA = string(found[1])
	}
	if appsErr != nil {
		m.warn("processes-unknown", "nvidia-smi does not list processes: "+appsErr.Error(), "")
	} else {
		m.addProcesses(apps)
	}
	divided := slices.ContainsFunc(m.Devices, func(d Device) bool { return d.MIG })
	if divided {
		m.addInstances(ctx, s, program)
	}
	if len(m.Devices) > 1 && !divided {
		m.addTopology(ctx, s, program)
	}
	return m, nil
}

var cudaVersion = regexp.MustCompile(`(?mi)^CUDA [a-z ]*version\s*: (\d+\.\d+)`)

// smiError words the ways in which nvidia-smi says that there is no driver.
func smiError(err error) error {
	text := err.Error()
	for _, said := range []struct{ part, means string }{
		{"couldn't communicate with the NVIDIA driver", "the NVIDIA driver does not answer"},
		{"Driver/library version mismatch", "the driver in the kernel and its library have different versions: reload the driver or restart the machine"},
		{"No devices were found", "the driver runs, and finds no GPU"},
		{"GPU is lost", "a GPU is lost: restart the machine"},
		{"Insufficient Permissions", "no permission to ask the driver"},
	} {
		if strings.Contains(text, said.part) {
			return errors.New(said.means)
		}
	}
	return err
}

var badField = regexp.MustCompile(`(?i)field "([^"]+)" is not a valid field`)

// queryDevices asks for all fields, and again without those that the driver
// does not know.
func queryDevices(ctx context.Context, s System, program string) (Machine, error) {
	fields := slices.Clone(smiFields)
	for {
		out, err := s.Run(ctx, program, "--query-gpu="+strings.Join(fields, ","), "--format=csv,noheader,nounits")
		bad := badField.FindStringSubmatch(string(out))
		if bad == nil && err != nil {
			bad = badField.FindStringSubmatch(err.Error())
		}
		if bad == nil {
			if err != nil {
				return Machine{}, err
			}
			return parseDevices(fields, out)
		}
		at := slices.Index(fields, bad[1])
		if at < 0 || slices.Contains(needed, bad[1]) {
			return Machine{}, fmt.Errorf("nvidia-smi does not know the field %q", bad[1])
		}
		fields = slices.Delete(fields, at, at+1)
	}
}

// parseDevices reads the lines of --query-gpu. A line that is no device is a
// finding, as long as there are others: a card that fell off the bus, or a
// warning that nvidia-smi adds.
func parseDevices(fields []string, out []byte) (Machine, error) {
	var m Machine
	var first error
	for _, row := range rows(out, -1) {
		d, driver, err := smiRow(fields, row)
		if err != nil {
			if first == nil {
				first = err
			}
			m.warn("device-unreadable", err.Error(), "")
			continue
		}
		m.Driver = driver
		m.Devices = append(m.Devices, d)
	}
	if len(m.Devices) == 0 && first != nil {
		return Machine{}, first
	}
	return m, nil
}

// smiRow reads one line: a device and the version of its driver.
func smiRow(fields, row []string) (Device, string, error) {
	if len(row) != len(fields) {
		return Device{}, "", fmt.Errorf("nvidia-smi printed a line that is no device: %.80q", strings.Join(row, ", "))
	}
	values := map[string]string{}
	for i, f := range fields {
		values[f] = row[i]
	}
	d, err := smiDevice(values)
	return d, known(values["driver_version"]), err
}

func smiDevice(v map[string]string) (Device, error) {
	index, err := strconv.Atoi(v["index"])
	if err != nil || index < 0 {
		return Device{}, fmt.Errorf("nvidia-smi printed %q as an index", v["index"])
	}
	d := Device{
		Index: index, Name: v["name"], UUID: v["uuid"], Bus: v["pci.bus_id"], Vendor: "NVIDIA",
		TotalBytes: mebibytes(v["memory.total"]), FreeBytes: mebibytes(v["memory.free"]),
		UsedBytes: mebibytes(v["memory.used"]), ReservedBytes: mebibytes(v["memory.reserved"]),
		Source:            "nvidia-smi, in whole MiB",
		ComputeCapability: known(v["compute_cap"]),
		ClockMHz:          whole(v["clocks.max.sm"]), MemoryClockMHz: whole(v["clocks.max.memory"]),
		PowerLimitWatts: number(v["power.limit"]),
		ECC:             enabled(v["ecc.mode.current"]), Display: enabled(v["display_active"]),
		PCIeGeneration: whole(v["pcie.link.gen.max"]), PCIeWidth: whole(v["pcie.link.width.max"]),
	}
	_, freeErr := strconv.ParseFloat(v["memory.free"], 64)
	d.FreeKnown = freeErr == nil
	if mig := enabled(v["mig.mode.current"]); mig != nil {
		d.MIG = *mig
	}
	// GPUs without memory of their own have none, and say so.
	none := strings.Contains(v["memory.total"], "N/A") || strings.Contains(v["memory.total"], "Not Supported")
	if d.Name == "" || d.TotalBytes <= 0 && !none {
		return Device{}, fmt.Errorf("GPU %d does not answer: nvidia-smi gives %q as its name and %q as its memory", index, v["name"], v["memory.total"])
	}
	return d, nil
}

// addProcesses reads the lines of --query-compute-apps.
func (m *Machine) addProcesses(out []byte) {
	for _, row := range rows(out, len(appFields)) {
		if len(row) != len(appFields) {
			continue
		}
		pid, err := strconv.Atoi(row[1])
		if err != nil {
			continue
		}
		for i := range m.Devices {
			if m.Devices[i].UUID == row[0] {
				m.Devices[i].Processes = append(m.Devices[i].Processes, Process{pid, row[3], mebibytes(row[2])})
			}
		}
	}
}

// addTopology reads how the GPUs are joined from nvidia-smi topo -m.
func (m *Machine) addTopology(ctx context.Context, s System, program string) {
	out, err := s.Run(ctx, program, "topo", "-m")
	if err != nil {
		m.warn("topology-unknown", "nvidia-smi topo -m does not tell how the GPUs are joined: "+err.Error(), "")
		return
	}
	m.Links = parseTopology(string(out))
}

var (
	escapes   = regexp.MustCompile("\x1b\\[[0-9;]*m")
	gpuCell   = regexp.MustCompile(`^GPU\d+$`)
	linkCount = regexp.MustCompile(`^NV(\d+)$`)
)

// topologyKinds are the ways between GPUs that are not NVLink, as nvidia-smi topo writes them.
var topologyKinds = map[string]string{"PIX": PCIeSwitch, "PXB": PCIeSwitches, "PHB": PCIeHost, "NODE": PCIeNode, "SYS": PCIeSystem}

// parseTopology reads the matrix: a cell NV12 means twelve NVLinks. Columns
// after those of the GPUs are network cards and CPUs.
func parseTopology(out string) (links []Link) {
	columns := 0
	for line := range strings.Lines(escapes.ReplaceAllString(out, "")) {
		cells := strings.Fields(line)
		if len(cells) == 0 || !gpuCell.MatchString(cells[0]) {
			continue
		}
		if columns == 0 { // the head
			for columns < len(cells) && gpuCell.MatchString(cells[columns]) {
				columns++
			}
			continue
		}
		a := whole(strings.TrimPrefix(cells[0], "GPU"))
		for b, cell := range cells[1:min(len(cells), 1+columns)] {
			if a >= b {
				continue
			}
			if n := linkCount.FindStringSubmatch(cell); n != nil {
				links = append(links, Link{A: a, B: b, Kind: NVLink, Lanes: whole(n[1])})
			} else if kind := topologyKinds[cell]; kind != "" {
				links = append(links, Link{A: a, B: b, Kind: kind})
			}
		}
	}
	return links
}

// rows reads lines of values separated by commas, at most n of them (-1: all);
// nvidia-smi quotes nothing.
func rows(out []byte, n int) (list [][]string) {
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		row := strings.SplitN(line, ",", n)
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		list = append(list, row)
	}
	return list
}

// known is a value, empty where nvidia-smi says that there is none.
func known(s string) string {
	if strings.HasPrefix(s, "[") || s == "N/A" {
		return ""
	}
	return s
}

// number reads a figure; 0 where it is none.
func number(s string) float64 {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(x) || x < 0 || x > 1<<40 {
		return 0
	}
	return x
}

func whole(s string) int { return int(number(s)) }

func mebibytes(s string) int64 { return int64(number(s) * mib) }

// enabled reads a switch; nil where the card has none.
func enabled(s string) *bool {
	switch on := s == "Enabled" || s == "Yes"; {
	case on, s == "Disabled", s == "No":
		return &on
	}
	return nil
}

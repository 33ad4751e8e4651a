package detect

import (
	"context"
	"encoding/csv"
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

// readSMI asks nvidia-smi, which is where the driver is: in containers, under
// WSL and on Windows.
func readSMI(ctx context.Context, s System) (Machine, error) {
	program, ok := s.Find("nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi", `C:\Windows\System32\nvidia-smi.exe`,
		`C:\Program Files\NVIDIA Corporation\NVSMI\nvidia-smi.exe`)
	if !ok {
		return Machine{}, fmt.Errorf("%w: no nvidia-smi", ErrAbsent)
	}
	var (
		m       Machine
		apps    []byte
		appsErr error
		both    sync.WaitGroup
	)
	both.Go(func() {
		apps, appsErr = s.Run(ctx, program, "--query-compute-apps=gpu_uuid,pid,process_name,used_gpu_memory", "--format=csv,noheader,nounits")
	})
	m, err := queryDevices(ctx, s, program)
	both.Wait()
	if err != nil {
		return Machine{}, smiError(err)
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

// parseDevices reads the lines of --query-gpu.
func parseDevices(fields []string, out []byte) (Machine, error) {
	rows, err := csvRows(out)
	if err != nil {
		return Machine{}, err
	}
	var m Machine
	for _, row := range rows {
		if len(row) != len(fields) {
			return Machine{}, fmt.Errorf("nvidia-smi printed %d values where %d were asked for: %.80q", len(row), len(fields), strings.Join(row, ", "))
		}
		values := map[string]string{}
		for i, f := range fields {
			values[f] = row[i]
		}
		d, err := smiDevice(values)
		if err != nil {
			return Machine{}, err
		}
		m.Driver = values["driver_version"]
		m.Devices = append(m.Devices, d)
	}
	return m, nil
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
	if d.Name == "" || d.TotalBytes <= 0 && !strings.Contains(v["memory.total"], "N/A") {
		return Device{}, fmt.Errorf("nvidia-smi printed no name or memory for device %d: %q, %q", index, v["name"], v["memory.total"])
	}
	return d, nil
}

// addProcesses reads the lines of --query-compute-apps.
func (m *Machine) addProcesses(out []byte) {
	rows, err := csvRows(out)
	if err != nil {
		m.warn("processes-unknown", "nvidia-smi lists processes in a way that cannot be read", "")
		return
	}
	for _, row := range rows {
		if len(row) != 4 {
			continue
		}
		pid, err := strconv.Atoi(row[1])
		if err != nil {
			continue
		}
		for i := range m.Devices {
			if m.Devices[i].UUID == row[0] {
				m.Devices[i].Processes = append(m.Devices[i].Processes, Process{pid, row[2], mebibytes(row[3])})
			}
		}
	}
}

var (
	gpuLine = regexp.MustCompile(`^GPU (\d+): (.+) \(UUID: (GPU-[0-9a-fA-F-]+)\)`)
	migLine = regexp.MustCompile(`^\s+MIG (\S+)\s+Device\s+(\d+): \(UUID: (MIG-[^)]+)\)`)
	migSize = regexp.MustCompile(`\.(\d+)gb`)
)

// addInstances reads MIG instances from nvidia-smi -L. It gives no memory but
// the size in the profile's name, which is rounded up: the figure is taken as
// it stands and said to be a name.
func (m *Machine) addInstances(ctx context.Context, s System, program string) {
	out, err := s.Run(ctx, program, "-L")
	if err != nil {
		m.warn("mig-unknown", "nvidia-smi -L does not list the MIG instances: "+err.Error(), "")
		return
	}
	m.parseInstances(out)
}

func (m *Machine) parseInstances(out []byte) {
	parent := Device{}
	for line := range strings.Lines(string(out)) {
		if g := gpuLine.FindStringSubmatch(line); g != nil {
			parent = Device{Index: whole(g[1]), Name: g[2], UUID: g[3]}
			continue
		}
		g := migLine.FindStringSubmatch(line)
		if g == nil || parent.UUID == "" {
			continue
		}
		d := Device{
			Index: parent.Index, Name: parent.Name + " MIG " + g[1], UUID: g[3], Parent: parent.UUID, Vendor: "NVIDIA",
			Source: "the size in the MIG profile's name: nvidia-smi gives no exact one",
		}
		if size := migSize.FindStringSubmatch(g[1]); size != nil {
			d.TotalBytes = int64(whole(size[1])) << 30
		}
		for _, p := range m.Devices {
			if p.UUID == parent.UUID {
				d.ComputeCapability, d.ECC = p.ComputeCapability, p.ECC
			}
		}
		m.Devices = append(m.Devices, d)
	}
}

// addTopology reads NVLink connections from nvidia-smi topo -m.
func (m *Machine) addTopology(ctx context.Context, s System, program string) {
	if out, err := s.Run(ctx, program, "topo", "-m"); err == nil {
		m.Links = parseTopology(string(out))
	}
}

var (
	escapes   = regexp.MustCompile("\x1b\\[[0-9;]*m")
	linkCount = regexp.MustCompile(`^NV(\d+)$`)
)

// parseTopology reads the matrix: a cell NV12 means twelve NVLinks.
func parseTopology(out string) (links []Link) {
	for line := range strings.Lines(escapes.ReplaceAllString(out, "")) {
		cells := strings.Fields(line)
		if len(cells) < 2 || !strings.HasPrefix(cells[0], "GPU") {
			continue
		}
		a, err := strconv.Atoi(strings.TrimPrefix(cells[0], "GPU"))
		if err != nil {
			continue // the head of the matrix
		}
		for b, cell := range cells[1:] {
			if n := linkCount.FindStringSubmatch(cell); n != nil && a < b {
				links = append(links, Link{A: a, B: b, Kind: "NVLink", Lanes: whole(n[1])})
			}
		}
	}
	return links
}

// csvRows reads lines of values, without the blanks around them.
func csvRows(out []byte) ([][]string, error) {
	r := csv.NewReader(strings.NewReader(string(out)))
	r.TrimLeadingSpace, r.LazyQuotes, r.FieldsPerRecord = true, true, -1
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("output that is no table: %w", err)
	}
	for _, row := range rows {
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
	}
	return rows, nil
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

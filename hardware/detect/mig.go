package detect

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
)

// MIG instances as nvidia-smi tells of them: -L has their names and UUIDs,
// -q -x their memory, multiprocessors and processes.

var (
	gpuLine = regexp.MustCompile(`^GPU (\d+): (.+) \(UUID: (GPU-[0-9a-fA-F-]+)\)`)
	migLine = regexp.MustCompile(`^\s+MIG (\S+)\s+Device\s+(\d+): \(UUID: (MIG-[^)]+)\)`)
	migSize = regexp.MustCompile(`\.(\d+)gb`)
)

// addInstances adds the MIG instances of the devices.
func (m *Machine) addInstances(ctx context.Context, s System, program string) {
	list, err := s.Run(ctx, program, "-L")
	if err != nil {
		m.warn("mig-unknown", "nvidia-smi -L does not list the MIG instances: "+err.Error(), "")
		return
	}
	var known map[place]migDevice
	details, err := s.Run(ctx, program, "-q", "-x")
	if err == nil {
		known, err = parseMIGDetails(details)
	}
	if err != nil {
		m.warn("mig-unknown", "nvidia-smi -q -x does not tell the memory of the MIG instances: "+err.Error(), "")
	}
	m.parseInstances(list, known)
}

// place is where an instance is: the UUID of its GPU and its number there.
type place struct {
	gpu   string
	index int
}

// migDevice is what is known of an instance besides its name.
type migDevice struct {
	memory    Device // memory and multiprocessors only
	processes []Process
}

// parseInstances reads the instances of -L. Where their details are not known
// the size in the profile's name, which is rounded up, is taken as it stands
// and said to be a name.
func (m *Machine) parseInstances(out []byte, details map[place]migDevice) {
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
			Source: "the size in the MIG profile's name: nvidia-smi gave no exact one",
		}
		if size := migSize.FindStringSubmatch(g[1]); size != nil {
			d.TotalBytes = int64(whole(size[1])) << 30
		}
		if known, ok := details[place{parent.UUID, whole(g[2])}]; ok {
			d = known.memory
			d.Processes = known.processes
		}
		d.Index, d.Name, d.UUID, d.Parent, d.Vendor = parent.Index, parent.Name+" MIG "+g[1], g[3], parent.UUID, "NVIDIA"
		for _, p := range m.Devices {
			if p.UUID == parent.UUID {
				d.ComputeCapability, d.ECC, d.Bus = p.ComputeCapability, p.ECC, p.Bus
			}
		}
		m.Devices = append(m.Devices, d)
	}
	slices.SortStableFunc(m.Devices, func(a, b Device) int { return a.Index - b.Index })
}

// parseMIGDetails reads nvidia-smi -q -x, of which these few elements are told
// apart by their names alone: no need for an XML reader in the program.
func parseMIGDetails(out []byte) (map[place]migDevice, error) {
	if !strings.Contains(string(out), "<nvidia_smi_log>") {
		return nil, errors.New("output that is no log of nvidia-smi")
	}
	details := map[place]migDevice{}
	for _, g := range elements(string(out), "gpu") {
		ids := elements(g, "uuid")
		at := slices.IndexFunc(ids, func(id string) bool { return strings.HasPrefix(id, "GPU-") })
		if at < 0 {
			continue
		}
		for _, i := range elements(g, "mig_device") {
			memory := element(i, "fb_memory_usage")
			d := migDevice{memory: Device{
				TotalBytes: inMiB(element(memory, "total")), ReservedBytes: inMiB(element(memory, "reserved")),
				UsedBytes: inMiB(element(memory, "used")), FreeBytes: inMiB(element(memory, "free")),
				FreeKnown: strings.HasSuffix(element(memory, "free"), " MiB"),
				SMs:       whole(element(i, "multiprocessor_count")), Source: "nvidia-smi, in whole MiB, MIG instance",
			}}
			if d.memory.TotalBytes == 0 {
				continue // no permission to look into it
			}
			for _, p := range elements(g, "process_info") {
				if element(p, "gpu_instance_id") == element(i, "gpu_instance_id") && element(p, "compute_instance_id") == element(i, "compute_instance_id") {
					d.processes = append(d.processes, Process{whole(element(p, "pid")), element(p, "process_name"), inMiB(element(p, "used_memory"))})
				}
			}
			details[place{ids[at], whole(element(i, "index"))}] = d
		}
	}
	return details, nil
}

// elements are what stands in the elements of a name, in their order.
func elements(text, name string) (found []string) {
	for {
		_, rest, ok := strings.Cut(text, "<"+name)
		if !ok {
			return found
		}
		if text = rest; !strings.HasPrefix(rest, ">") && !strings.HasPrefix(rest, " ") {
			continue // a longer name
		}
		_, rest, _ = strings.Cut(rest, ">")
		inner, rest, ok := strings.Cut(rest, "</"+name+">")
		if !ok {
			return found
		}
		found = append(found, strings.TrimSpace(inner))
		text = rest
	}
}

// element is what stands in the first element of a name; empty where there is
// none.
func element(text, name string) string {
	if found := elements(text, name); len(found) > 0 {
		return found[0]
	}
	return ""
}

// inMiB reads "19968 MiB", in bytes.
func inMiB(s string) int64 { return mebibytes(strings.TrimSuffix(s, " MiB")) }

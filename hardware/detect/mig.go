package detect

import (
	"context"
	"encoding/xml"
	"fmt"
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

// smiLog is the part of nvidia-smi -q -x that tells of instances.
type smiLog struct {
	GPUs []struct {
		UUID      string `xml:"uuid"`
		Instances []struct {
			Index   int    `xml:"index"`
			GPU     string `xml:"gpu_instance_id"`
			Compute string `xml:"compute_instance_id"`
			SMs     string `xml:"device_attributes>shared>multiprocessor_count"`
			Memory  struct {
				Total    string `xml:"total"`
				Reserved string `xml:"reserved"`
				Used     string `xml:"used"`
				Free     string `xml:"free"`
			} `xml:"fb_memory_usage"`
		} `xml:"mig_devices>mig_device"`
		Processes []struct {
			GPU     string `xml:"gpu_instance_id"`
			Compute string `xml:"compute_instance_id"`
			PID     string `xml:"pid"`
			Name    string `xml:"process_name"`
			Memory  string `xml:"used_memory"`
		} `xml:"processes>process_info"`
	} `xml:"gpu"`
}

// parseMIGDetails reads nvidia-smi -q -x.
func parseMIGDetails(out []byte) (map[place]migDevice, error) {
	var log smiLog
	if err := xml.Unmarshal(out, &log); err != nil {
		return nil, fmt.Errorf("output that is no XML: %w", err)
	}
	details := map[place]migDevice{}
	for _, g := range log.GPUs {
		for _, i := range g.Instances {
			d := migDevice{memory: Device{
				TotalBytes: inMiB(i.Memory.Total), ReservedBytes: inMiB(i.Memory.Reserved),
				UsedBytes: inMiB(i.Memory.Used), FreeBytes: inMiB(i.Memory.Free), FreeKnown: strings.HasSuffix(i.Memory.Free, " MiB"),
				SMs: whole(i.SMs), Source: "nvidia-smi, in whole MiB, MIG instance",
			}}
			if d.memory.TotalBytes == 0 {
				continue // no permission to look into it
			}
			for _, p := range g.Processes {
				if p.GPU == i.GPU && p.Compute == i.Compute {
					d.processes = append(d.processes, Process{whole(p.PID), p.Name, inMiB(p.Memory)})
				}
			}
			details[place{g.UUID, i.Index}] = d
		}
	}
	return details, nil
}

// inMiB reads "19968 MiB", in bytes.
func inMiB(s string) int64 { return mebibytes(strings.TrimSuffix(s, " MiB")) }

package detect

import (
	"slices"
	"strconv"
	"strings"
)

// restrict leaves the devices that a process started from here would see:
// CUDA_VISIBLE_DEVICES for NVIDIA (CUDA C++ programming guide, environment
// variables), HIP_VISIBLE_DEVICES and ROCR_VISIBLE_DEVICES for AMD (ROCm's GPU
// isolation).
func (m *Machine) restrict(getenv func(string) string) {
	variables := []string{"CUDA_VISIBLE_DEVICES"}
	if m.Devices[0].Vendor == "AMD" {
		variables = []string{"ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"}
	}
	if m.Devices[0].Vendor == "Apple" {
		return
	}
	m.dropDivided()
	for _, v := range variables {
		if list := getenv(v); list != "" {
			m.see(v, list)
			return
		}
	}
}

// dropDivided leaves out GPUs that are divided into instances: no process can
// use one as a whole.
func (m *Machine) dropDivided() {
	divided := map[string]bool{}
	for _, d := range m.Devices {
		if d.Parent != "" {
			divided[d.Parent] = true
		}
	}
	m.Devices = slices.DeleteFunc(m.Devices, func(d Device) bool { return divided[d.UUID] })
}

// see leaves the devices of a list, in its order. It ends at the first entry
// that names none, as CUDA's does.
func (m *Machine) see(variable, list string) {
	var seen []Device
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimSpace(entry)
		d, ok := m.named(entry)
		if !ok {
			if entry != "-1" && !strings.EqualFold(entry, "NoDevFiles") {
				m.warn("visible-devices", variable+" names "+strconv.Quote(entry)+", which is no device of this machine: it and what follows are not seen", "name indices or UUIDs, as nvidia-smi -L lists them")
			}
			break
		}
		if slices.ContainsFunc(seen, func(o Device) bool { return o.UUID == d.UUID && o.Index == d.Index }) {
			m.warn("visible-devices", variable+" names a device twice: CUDA then sees none", "name each device once")
			seen = nil
			break
		}
		seen = append(seen, d)
	}
	if hidden := len(m.Devices) - len(seen); hidden > 0 {
		m.Findings = append(m.Findings, Finding{"info", "hidden-devices", plural(hidden, "device is", "devices are") + " hidden by " + variable + "=" + list, ""})
	}
	m.Devices = seen
	m.Links = slices.DeleteFunc(m.Links, func(l Link) bool { return !m.has(l.A) || !m.has(l.B) })
}

func (m *Machine) has(index int) bool {
	return slices.ContainsFunc(m.Devices, func(d Device) bool { return d.Index == index })
}

// named finds the device of an entry: its index, or its UUID or the beginning
// of it where no other begins so.
func (m *Machine) named(entry string) (Device, bool) {
	if index, err := strconv.Atoi(entry); err == nil {
		for _, d := range m.Devices {
			if d.Index == index {
				return d, true
			}
		}
		return Device{}, false
	}
	var found []Device
	if len(entry) > len("GPU-") {
		for _, d := range m.Devices {
			if strings.HasPrefix(strings.ToLower(d.UUID), strings.ToLower(entry)) {
				found = append(found, d)
			}
		}
	}
	if len(found) != 1 {
		return Device{}, false
	}
	return found[0], true
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

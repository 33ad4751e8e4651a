package detect

import (
	"slices"
	"strconv"
	"strings"
)

// restrict leaves the devices that a process started from here would see:
// CUDA_VISIBLE_DEVICES for NVIDIA (CUDA programming guide, environment
// variables). For AMD (ROCm's GPU isolation) ROCR_VISIBLE_DEVICES comes first,
// and HIP_VISIBLE_DEVICES, or else CUDA_VISIBLE_DEVICES, counts what that left.
// A variable that is set to nothing hides all.
func (m *Machine) restrict(lookup func(string) (string, bool)) {
	switch {
	case m.Way == "macos":
	case m.Devices[0].Vendor == "AMD":
		if list, set := lookup("ROCR_VISIBLE_DEVICES"); set {
			m.see("ROCR_VISIBLE_DEVICES", list, m.nth)
		}
		for _, v := range []string{"HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"} {
			if list, set := lookup(v); set {
				m.see(v, list, m.nth)
				return
			}
		}
	default:
		m.dropDivided()
		if list, set := lookup("CUDA_VISIBLE_DEVICES"); set {
			order, _ := lookup("CUDA_DEVICE_ORDER")
			m.checkOrder(list, order)
			m.see("CUDA_VISIBLE_DEVICES", list, m.indexed)
		}
	}
}

// checkOrder warns where an index may mean another GPU to CUDA than to the
// driver: CUDA counts the fastest first, the driver by PCI address.
func (m *Machine) checkOrder(list, order string) {
	unequal := slices.ContainsFunc(m.Devices, func(d Device) bool { return d.Name != m.Devices[0].Name && d.Parent == "" })
	if order == "PCI_BUS_ID" || !unequal || !strings.ContainsAny(list, "0123456789") || strings.Contains(list, "-") {
		return // "-" is in UUIDs and in -1
	}
	m.warn("device-order", "CUDA_VISIBLE_DEVICES="+list+" is read in the driver's order, but CUDA puts the fastest GPU first",
		"set CUDA_DEVICE_ORDER=PCI_BUS_ID, or name UUIDs, so that both mean the same GPU")
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

// see leaves the devices of a list, in its order; numbered finds the device of
// an index. The list ends at the first entry that names none, as CUDA's does.
func (m *Machine) see(variable, list string, numbered func(int) (Device, bool)) {
	var seen []Device
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimSpace(entry)
		d, ok := m.named(entry, numbered)
		if !ok {
			if strings.TrimSpace(list) != "" && entry != "-1" && !strings.EqualFold(entry, "NoDevFiles") {
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

// indexed finds a device by the driver's index.
func (m *Machine) indexed(index int) (Device, bool) {
	i := slices.IndexFunc(m.Devices, func(d Device) bool { return d.Index == index })
	return m.nth(i)
}

// nth finds a device by its place in the list.
func (m *Machine) nth(i int) (Device, bool) {
	if i < 0 || i >= len(m.Devices) {
		return Device{}, false
	}
	return m.Devices[i], true
}

// named finds the device of an entry: by its number, or by its UUID or the
// beginning of it where no other begins so.
func (m *Machine) named(entry string, numbered func(int) (Device, bool)) (Device, bool) {
	if index, err := strconv.Atoi(entry); err == nil {
		return numbered(index)
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

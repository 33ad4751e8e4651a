//go:build linux && cgo

package nvml

import (
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/vramcalc/vramcalc/hardware/detect"
)

// ports are the NVLinks of one device: to each other device, by its place in
// the list, and to a switch.
type ports struct {
	direct   map[int]int
	switched int
}

func (r reader) ports(d gpu, byBus map[string]int) ports {
	p := ports{direct: map[int]int{}}
	for n := range nvml.NVLINK_MAX_LINKS {
		state, ok := ask(r, "nvmlDeviceGetNvLinkState", func() (nvml.EnableState, nvml.Return) { return d.handle.GetNvLinkState(n) })
		if !ok || state != nvml.FEATURE_ENABLED {
			continue
		}
		kind, ok := ask(r, "nvmlDeviceGetNvLinkRemoteDeviceType", func() (nvml.IntNvLinkDeviceType, nvml.Return) {
			return d.handle.GetNvLinkRemoteDeviceType(n)
		})
		if ok && kind == nvml.NVLINK_DEVICE_TYPE_SWITCH {
			p.switched++
			continue
		}
		remote, ok := ask(r, "nvmlDeviceGetNvLinkRemotePciInfo_v2", func() (nvml.PciInfo, nvml.Return) { return d.handle.GetNvLinkRemotePciInfo(n) })
		if other, known := byBus[busOf(remote)]; ok && known {
			p.direct[other]++
		}
	}
	return p
}

// links are the fastest ways between devices: NVLink, directly or through a
// switch, which joins all that hang on it, or else PCIe.
func (r reader) links(devices []gpu) (list []detect.Link) {
	if len(devices) < 2 {
		return nil
	}
	byBus := map[string]int{}
	for i, d := range devices {
		byBus[d.Bus] = i
	}
	all := make([]ports, len(devices))
	for i, d := range devices {
		all[i] = r.ports(d, byBus)
	}
	for a := range devices {
		for b := a + 1; b < len(devices); b++ {
			l := detect.Link{A: devices[a].Index, B: devices[b].Index}
			if l.Kind, l.Lanes = detect.NVLink, all[a].direct[b]; l.Lanes == 0 {
				l.Kind, l.Lanes = detect.NVSwitch, min(all[a].switched, all[b].switched)
			}
			if l.Lanes == 0 {
				l.Kind = r.common(devices[a], devices[b])
			}
			if l.Kind != "" {
				list = append(list, l)
			}
		}
	}
	return list
}

// common is how two devices are joined by PCIe, empty where it is not known.
func (r reader) common(a, b gpu) string {
	level, ok := ask(r, "nvmlDeviceGetTopologyCommonAncestor", func() (nvml.GpuTopologyLevel, nvml.Return) {
		return a.handle.GetTopologyCommonAncestor(b.handle)
	})
	if !ok {
		return ""
	}
	return map[nvml.GpuTopologyLevel]string{
		nvml.TOPOLOGY_INTERNAL: detect.SameBoard, nvml.TOPOLOGY_SINGLE: detect.PCIeSwitch, nvml.TOPOLOGY_MULTIPLE: detect.PCIeSwitches,
		nvml.TOPOLOGY_HOSTBRIDGE: detect.PCIeHost, nvml.TOPOLOGY_NODE: detect.PCIeNode, nvml.TOPOLOGY_SYSTEM: detect.PCIeSystem,
	}[level]
}

// bus is a device's PCI address, empty where it is not known.
func (r reader) bus(d nvml.Device) string {
	pci, ok := ask(r, "nvmlDeviceGetPciInfo_v3", d.GetPciInfo)
	if !ok {
		return ""
	}
	return busOf(pci)
}

// busOf is a PCI address as nvidia-smi writes it.
func busOf(pci nvml.PciInfo) string {
	return fmt.Sprintf("%08X:%02X:%02X.0", pci.Domain, pci.Bus, pci.Device)
}

//go:build linux && cgo

package nvml

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/vramcalc/vramcalc/hardware/detect"
)

// nvlinkRate is what one link carries in both directions together, in bytes per
// second, by nvmlNvlinkVersion_t (NVIDIA's white papers of P100, V100, A100,
// H100 and Blackwell).
var nvlinkRate = map[uint32]float64{
	uint32(nvml.NVLINK_VERSION_1_0): 40e9,
	uint32(nvml.NVLINK_VERSION_2_0): 50e9,
	uint32(nvml.NVLINK_VERSION_2_2): 50e9,
	uint32(nvml.NVLINK_VERSION_3_0): 50e9,
	uint32(nvml.NVLINK_VERSION_3_1): 50e9,
	uint32(nvml.NVLINK_VERSION_4_0): 50e9,
	uint32(nvml.NVLINK_VERSION_5_0): 100e9,
}

// linkRate is the rate of one link of a device. Drivers were seen to call the
// links of an H100 version 5, which is Blackwell's: Hopper has version 4.
func (r reader) linkRate(d gpu, link int) float64 {
	v, _ := ask(r, "nvmlDeviceGetNvLinkVersion", func() (uint32, nvml.Return) { return d.handle.GetNvLinkVersion(link) })
	if strings.HasPrefix(d.ComputeCapability, "9.") {
		v = min(v, uint32(nvml.NVLINK_VERSION_4_0))
	}
	return nvlinkRate[v]
}

// ports are the NVLinks of one device: those to each other device, and those
// to a switch.
type ports struct {
	direct   map[int]int // by index in the list of devices
	switched int
	rate     float64 // of one link, 0 where it is not known
}

func (r reader) ports(d gpu, byBus map[string]int) ports {
	p := ports{direct: map[int]int{}}
	for n := range nvml.NVLINK_MAX_LINKS {
		state, ok := ask(r, "nvmlDeviceGetNvLinkState", func() (nvml.EnableState, nvml.Return) { return d.handle.GetNvLinkState(n) })
		if !ok || state != nvml.FEATURE_ENABLED {
			continue
		}
		p.rate = r.linkRate(d, n)
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

// links are the NVLink connections between devices: direct ones, or through a
// switch, which joins all that hang on it.
func (r reader) links(devices []gpu) (list []detect.Link) {
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
			kind, lanes := "NVLink", all[a].direct[b]
			if lanes == 0 {
				kind, lanes = "NVLink over NVSwitch", min(all[a].switched, all[b].switched)
			}
			if lanes > 0 {
				list = append(list, detect.Link{
					A: devices[a].Index, B: devices[b].Index, Kind: kind, Lanes: lanes,
					BytesPerSecond: min(all[a].rate, all[b].rate) * float64(lanes),
				})
			}
		}
	}
	return list
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

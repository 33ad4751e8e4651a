package detect

import "strings"

// The ways between two devices of a machine, fastest first. What is joined by
// PCIe is told apart by how far the way is, in the terms of nvidia-smi topo.
const (
	NVLink       = "NVLink"
	NVSwitch     = "NVLink over NVSwitch"
	XGMI         = "XGMI"
	SameBoard    = "one board"
	PCIeSwitch   = "PCIe, one switch"           // PIX
	PCIeSwitches = "PCIe, several switches"     // PXB
	PCIeHost     = "PCIe, over the host bridge" // PHB
	PCIeNode     = "PCIe, within a NUMA node"   // NODE
	PCIeSystem   = "PCIe, between NUMA nodes"   // SYS
)

// nvlinkRate is what one NVLink carries in both directions together, in bytes
// per second, by compute capability: NVIDIA's white papers of P100, V100,
// TU102, A100, GA102, H100 and Blackwell. NVML's version of a link does not do:
// drivers were seen to give Blackwell's for an H100.
var nvlinkRate = map[string]float64{
	"6.0": 40e9, "7.0": 50e9, "7.5": 50e9, "8.0": 50e9, "8.6": 28.125e9, "9.0": 50e9, "10.0": 100e9, "10.3": 100e9,
}

// pcieRate is what one lane carries in one direction, in bytes per second, by
// generation: the signalling rate less the line code (PCI-SIG).
var pcieRate = map[int]float64{1: 0.25e9, 2: 0.5e9, 3: 8e9 * 128 / 130 / 8, 4: 16e9 * 128 / 130 / 8, 5: 32e9 * 128 / 130 / 8}

// rateLinks says how fast links are, where their way did not and it follows
// from the devices.
func (m *Machine) rateLinks() {
	whole := map[int]Device{}
	for _, d := range m.Devices {
		if d.Parent == "" {
			whole[d.Index] = d
		}
	}
	for i := range m.Links {
		l := &m.Links[i]
		a, b := whole[l.A], whole[l.B]
		switch {
		case l.BytesPerSecond > 0:
		case strings.HasPrefix(l.Kind, NVLink):
			l.BytesPerSecond = float64(l.Lanes) * min(nvlinkRate[a.ComputeCapability], nvlinkRate[b.ComputeCapability])
		case strings.HasPrefix(l.Kind, "PCIe"):
			l.BytesPerSecond = 2 * min(pcieRate[a.PCIeGeneration]*float64(a.PCIeWidth), pcieRate[b.PCIeGeneration]*float64(b.PCIeWidth))
		}
	}
}

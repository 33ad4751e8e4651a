//go:build linux && cgo

package nvml

import (
	"errors"
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/vramcalc/vramcalc/hardware/detect"
)

// Read asks the library of this machine.
var Read = func() (detect.Machine, error) { return From(nvml.New()) }

// From asks a library for all devices.
func From(lib nvml.Interface) (detect.Machine, error) {
	if ret := lib.Init(); ret != nvml.SUCCESS {
		return detect.Machine{}, failure(ret)
	}
	defer lib.Shutdown()
	var m detect.Machine
	if v, ret := lib.SystemGetDriverVersion(); ret == nvml.SUCCESS {
		m.Driver = v
	}
	if v, ret := lib.SystemGetCudaDriverVersion(); ret == nvml.SUCCESS {
		m.CUDA = fmt.Sprintf("%d.%d", v/1000, v%1000/10)
	}
	n, ret := lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return m, failure(ret)
	}
	var whole []nvml.Device
	for i := range n {
		d, ret := lib.DeviceGetHandleByIndex(i)
		if ret != nvml.SUCCESS {
			m.Findings = append(m.Findings, lost(i, ret))
			continue
		}
		whole = append(whole, d)
		device := describe(d, i)
		device.Processes = processes(lib, d)
		m.Devices = append(m.Devices, device)
		m.Devices = append(m.Devices, instances(lib, d, device)...)
	}
	m.Links = links(whole)
	return m, nil
}

// failure words what stops the library as a whole.
func failure(ret nvml.Return) error {
	switch ret {
	case nvml.ERROR_LIBRARY_NOT_FOUND:
		return fmt.Errorf("%w: no libnvidia-ml", detect.ErrAbsent)
	case nvml.ERROR_DRIVER_NOT_LOADED:
		return errors.New("the NVIDIA driver is not loaded")
	case nvml.ERROR_LIB_RM_VERSION_MISMATCH:
		return errors.New("the driver in the kernel and its library have different versions: reload the driver or restart the machine")
	case nvml.ERROR_NO_PERMISSION:
		return errors.New("no permission to ask the driver")
	}
	return errors.New(nvml.ErrorString(ret))
}

// lost tells of a device that does not answer.
func lost(index int, ret nvml.Return) detect.Finding {
	f := detect.Finding{Severity: "warning", Code: "device-lost", Message: fmt.Sprintf("GPU %d does not answer: %s", index, nvml.ErrorString(ret))}
	if ret == nvml.ERROR_GPU_IS_LOST {
		f.Hint = "it fell off the bus: restart the machine"
	}
	return f
}

// describe reads one device; what it does not support stays unknown.
func describe(d nvml.Device, index int) detect.Device {
	out := detect.Device{Index: index, Vendor: "NVIDIA", Source: "NVML"}
	out.Name, _ = d.GetName()
	out.UUID, _ = d.GetUUID()
	if pci, ret := d.GetPciInfo(); ret == nvml.SUCCESS {
		out.Bus = busOf(pci)
	}
	readMemory(d, &out)
	if major, minor, ret := d.GetCudaComputeCapability(); ret == nvml.SUCCESS {
		out.ComputeCapability = fmt.Sprintf("%d.%d", major, minor)
	}
	if v, ret := d.GetMaxClockInfo(nvml.CLOCK_SM); ret == nvml.SUCCESS {
		out.ClockMHz = int(v)
	}
	if v, ret := d.GetMaxClockInfo(nvml.CLOCK_MEM); ret == nvml.SUCCESS {
		out.MemoryClockMHz = int(v)
	}
	if v, ret := d.GetPowerManagementLimit(); ret == nvml.SUCCESS {
		out.PowerLimitWatts = float64(v) / 1000 // milliwatts
	}
	if now, _, ret := d.GetEccMode(); ret == nvml.SUCCESS {
		out.ECC = switchOf(now)
	}
	if v, ret := d.GetDisplayActive(); ret == nvml.SUCCESS {
		out.Display = switchOf(v)
	}
	if v, ret := d.GetMaxPcieLinkGeneration(); ret == nvml.SUCCESS {
		out.PCIeGeneration = v
	}
	if v, ret := d.GetMaxPcieLinkWidth(); ret == nvml.SUCCESS {
		out.PCIeWidth = v
	}
	if now, _, ret := d.GetMigMode(); ret == nvml.SUCCESS {
		out.MIG = now == nvml.DEVICE_MIG_ENABLE
	}
	out.SMs = multiprocessors(d, out.ComputeCapability)
	return out
}

// readMemory prefers the second version of the call, which tells what the
// driver reserves from what processes use.
func readMemory(d nvml.Device, out *detect.Device) {
	if v, ret := d.GetMemoryInfo_v2(); ret == nvml.SUCCESS {
		out.TotalBytes, out.FreeBytes, out.UsedBytes, out.ReservedBytes = int64(v.Total), int64(v.Free), int64(v.Used), int64(v.Reserved)
		out.FreeKnown = true
		return
	}
	if v, ret := d.GetMemoryInfo(); ret == nvml.SUCCESS {
		out.TotalBytes, out.FreeBytes, out.UsedBytes = int64(v.Total), int64(v.Free), int64(v.Used)
		out.FreeKnown = true
	}
}

// coresPerSM are the CUDA cores of a multiprocessor by compute capability
// (CUDA C++ programming guide, technical specifications per compute
// capability): NVML counts cores only.
var coresPerSM = map[string]int{
	"5.0": 128, "5.2": 128, "6.0": 64, "6.1": 128, "7.0": 64, "7.5": 64, "8.0": 64, "8.6": 128, "8.7": 128, "8.9": 128,
	"9.0": 128, "10.0": 128, "10.3": 128, "12.0": 128, "12.1": 128,
}

func multiprocessors(d nvml.Device, capability string) int {
	cores, ret := d.GetNumGpuCores()
	if per := coresPerSM[capability]; ret == nvml.SUCCESS && per > 0 {
		return cores / per
	}
	return 0
}

// processes are those that hold memory of a device, by either kind of use.
func processes(lib nvml.Interface, d nvml.Device) []detect.Process {
	var all []detect.Process
	seen := map[uint32]bool{}
	for _, list := range []func() ([]nvml.ProcessInfo, nvml.Return){d.GetComputeRunningProcesses, d.GetGraphicsRunningProcesses} {
		infos, ret := list()
		if ret != nvml.SUCCESS {
			continue
		}
		for _, p := range infos {
			if seen[p.Pid] {
				continue
			}
			seen[p.Pid] = true
			out := detect.Process{PID: int(p.Pid)}
			const notAvailable = ^uint64(0) // NVML_VALUE_NOT_AVAILABLE
			if p.UsedGpuMemory != notAvailable {
				out.Bytes = int64(p.UsedGpuMemory)
			}
			out.Name, _ = lib.SystemGetProcessName(out.PID)
			all = append(all, out)
		}
	}
	return all
}

// instances are the MIG instances of a device, each with its own memory.
func instances(lib nvml.Interface, d nvml.Device, parent detect.Device) []detect.Device {
	if !parent.MIG {
		return nil
	}
	n, ret := d.GetMaxMigDeviceCount()
	if ret != nvml.SUCCESS {
		return nil
	}
	var list []detect.Device
	for i := range n {
		mig, ret := d.GetMigDeviceHandleByIndex(i)
		if ret != nvml.SUCCESS {
			continue // this place is empty
		}
		out := detect.Device{
			Index: parent.Index, Parent: parent.UUID, Bus: parent.Bus, Vendor: parent.Vendor, Source: "NVML, MIG instance",
			ComputeCapability: parent.ComputeCapability, ClockMHz: parent.ClockMHz, MemoryClockMHz: parent.MemoryClockMHz, ECC: parent.ECC,
		}
		out.Name, _ = mig.GetName()
		out.UUID, _ = mig.GetUUID()
		readMemory(mig, &out)
		if v, ret := mig.GetAttributes(); ret == nvml.SUCCESS {
			out.SMs = int(v.MultiprocessorCount)
		}
		out.Processes = processes(lib, mig)
		list = append(list, out)
	}
	return list
}

// nvlinkRate is what one link carries in both directions together, in bytes per
// second, by NVLink's version (NVIDIA's white papers of P100, V100, A100, H100
// and Blackwell).
var nvlinkRate = map[uint32]float64{1: 40e9, 2: 50e9, 3: 50e9, 4: 50e9, 5: 100e9}

// links are the NVLink connections between devices: direct ones, or through a
// switch, which joins all that hang on it.
func links(devices []nvml.Device) []detect.Link {
	byBus := map[string]int{}
	for i, d := range devices {
		if pci, ret := d.GetPciInfo(); ret == nvml.SUCCESS {
			byBus[busOf(pci)] = i
		}
	}
	type pair struct{ a, b int }
	found := map[pair]detect.Link{}
	switched := make([]int, len(devices))
	rate := 0.0
	for a, d := range devices {
		for n := range nvml.NVLINK_MAX_LINKS {
			if state, ret := d.GetNvLinkState(n); ret != nvml.SUCCESS || state != nvml.FEATURE_ENABLED {
				continue
			}
			if v, ret := d.GetNvLinkVersion(n); ret == nvml.SUCCESS {
				rate = nvlinkRate[v]
			}
			if kind, ret := d.GetNvLinkRemoteDeviceType(n); ret == nvml.SUCCESS && kind == nvml.NVLINK_DEVICE_TYPE_SWITCH {
				switched[a]++
				continue
			}
			remote, ret := d.GetNvLinkRemotePciInfo(n)
			if b, ok := byBus[busOf(remote)]; ret == nvml.SUCCESS && ok && a < b {
				l := found[pair{a, b}]
				found[pair{a, b}] = detect.Link{A: a, B: b, Kind: "NVLink", Lanes: l.Lanes + 1, BytesPerSecond: l.BytesPerSecond + rate}
			}
		}
	}
	var list []detect.Link
	for a := range devices {
		for b := a + 1; b < len(devices); b++ {
			if l, ok := found[pair{a, b}]; ok {
				list = append(list, l)
			} else if lanes := min(switched[a], switched[b]); lanes > 0 {
				list = append(list, detect.Link{A: a, B: b, Kind: "NVLink over NVSwitch", Lanes: lanes, BytesPerSecond: rate * float64(lanes)})
			}
		}
	}
	return list
}

// busOf is a PCI address as nvidia-smi writes it.
func busOf(pci nvml.PciInfo) string {
	return fmt.Sprintf("%08X:%02X:%02X.0", pci.Domain, pci.Bus, pci.Device)
}

func switchOf(s nvml.EnableState) *bool {
	on := s == nvml.FEATURE_ENABLED
	return &on
}

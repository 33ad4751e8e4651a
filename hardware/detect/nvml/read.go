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
	r := reader{lib}
	var m detect.Machine
	m.Driver, _ = ask(r, "nvmlSystemGetDriverVersion", lib.SystemGetDriverVersion)
	if v, ok := ask(r, "nvmlSystemGetCudaDriverVersion", lib.SystemGetCudaDriverVersion); ok {
		m.CUDA = fmt.Sprintf("%d.%d", v/1000, v%1000/10)
	}
	n, ret := lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return m, failure(ret)
	}
	var whole []gpu
	for i := range n {
		handle, ret := lib.DeviceGetHandleByIndex(i)
		if ret != nvml.SUCCESS {
			m.Findings = append(m.Findings, lost(i, ret))
			continue
		}
		device := r.describe(handle, i)
		whole = append(whole, gpu{device, handle})
		m.Devices = append(m.Devices, device)
		m.Devices = append(m.Devices, r.instances(handle, device)...)
	}
	m.Links = r.links(whole)
	return m, nil
}

// gpu is a device with what the library knows it by.
type gpu struct {
	detect.Device
	handle nvml.Device
}

// reader asks one library, and only for what it has.
type reader struct{ nvml.Interface }

// ask calls a function of the library. A driver older than the function has no
// such symbol, and calling it all the same would end the process ("symbol
// lookup error"): what the driver does not have or not support is unknown.
func ask[T any](r reader, symbol string, call func() (T, nvml.Return)) (v T, ok bool) {
	if r.Extensions().LookupSymbol(symbol) != nil {
		return v, false
	}
	v, ret := call()
	return v, ret == nvml.SUCCESS
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
	switch ret {
	case nvml.ERROR_GPU_IS_LOST:
		f.Hint = "it fell off the bus: restart the machine"
	case nvml.ERROR_NO_PERMISSION:
		f.Hint = "a container sees only the GPUs that were passed in, as docker run --gpus all does"
	}
	return f
}

// describe reads one device; what it does not support stays unknown.
func (r reader) describe(d nvml.Device, index int) detect.Device {
	out := detect.Device{Index: index, Vendor: "NVIDIA", Source: "NVML"}
	out.Name, _ = ask(r, "nvmlDeviceGetName", d.GetName)
	out.UUID, _ = ask(r, "nvmlDeviceGetUUID", d.GetUUID)
	out.Bus = r.bus(d)
	r.readMemory(d, &out)
	if v, ok := ask(r, "nvmlDeviceGetCudaComputeCapability", func() ([2]int, nvml.Return) {
		major, minor, ret := d.GetCudaComputeCapability()
		return [2]int{major, minor}, ret
	}); ok {
		out.ComputeCapability = fmt.Sprintf("%d.%d", v[0], v[1])
	}
	clock := func(kind nvml.ClockType) int {
		v, _ := ask(r, "nvmlDeviceGetMaxClockInfo", func() (uint32, nvml.Return) { return d.GetMaxClockInfo(kind) })
		return int(v)
	}
	out.ClockMHz, out.MemoryClockMHz = clock(nvml.CLOCK_SM), clock(nvml.CLOCK_MEM)
	if v, ok := ask(r, "nvmlDeviceGetPowerManagementLimit", d.GetPowerManagementLimit); ok {
		out.PowerLimitWatts = float64(v) / 1000 // milliwatts
	}
	if now, ok := ask(r, "nvmlDeviceGetEccMode", func() (nvml.EnableState, nvml.Return) {
		now, _, ret := d.GetEccMode()
		return now, ret
	}); ok {
		out.ECC = switchOf(now)
	}
	if v, ok := ask(r, "nvmlDeviceGetDisplayActive", d.GetDisplayActive); ok {
		out.Display = switchOf(v)
	}
	out.PCIeGeneration, _ = ask(r, "nvmlDeviceGetMaxPcieLinkGeneration", d.GetMaxPcieLinkGeneration)
	out.PCIeWidth, _ = ask(r, "nvmlDeviceGetMaxPcieLinkWidth", d.GetMaxPcieLinkWidth)
	mode, _ := ask(r, "nvmlDeviceGetMigMode", func() (int, nvml.Return) {
		now, _, ret := d.GetMigMode()
		return now, ret
	})
	out.MIG = mode == nvml.DEVICE_MIG_ENABLE
	if cores, ok := ask(r, "nvmlDeviceGetNumGpuCores", d.GetNumGpuCores); ok && coresPerSM[out.ComputeCapability] > 0 {
		out.SMs = cores / coresPerSM[out.ComputeCapability]
	}
	out.Processes = r.processes(d)
	return out
}

// readMemory prefers the second version of the call, which tells what the
// driver reserves from what processes use.
func (r reader) readMemory(d nvml.Device, out *detect.Device) {
	if v, ok := ask(r, "nvmlDeviceGetMemoryInfo_v2", d.GetMemoryInfo_v2); ok {
		out.TotalBytes, out.FreeBytes, out.UsedBytes, out.ReservedBytes = int64(v.Total), int64(v.Free), int64(v.Used), int64(v.Reserved)
		out.FreeKnown = true
		return
	}
	if v, ok := ask(r, "nvmlDeviceGetMemoryInfo", d.GetMemoryInfo); ok {
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

// processes are those that hold memory of a device, by either kind of use.
func (r reader) processes(d nvml.Device) (all []detect.Process) {
	compute, _ := ask(r, "nvmlDeviceGetComputeRunningProcesses", d.GetComputeRunningProcesses)
	graphics, _ := ask(r, "nvmlDeviceGetGraphicsRunningProcesses", d.GetGraphicsRunningProcesses)
	seen := map[uint32]bool{}
	for _, p := range append(compute, graphics...) {
		if seen[p.Pid] {
			continue
		}
		seen[p.Pid] = true
		out := detect.Process{PID: int(p.Pid)}
		const notAvailable = ^uint64(0) // NVML_VALUE_NOT_AVAILABLE
		if p.UsedGpuMemory != notAvailable {
			out.Bytes = int64(p.UsedGpuMemory)
		}
		out.Name, _ = ask(r, "nvmlSystemGetProcessName", func() (string, nvml.Return) { return r.SystemGetProcessName(out.PID) })
		all = append(all, out)
	}
	return all
}

// instances are the MIG instances of a device, each with its own memory.
func (r reader) instances(d nvml.Device, parent detect.Device) (list []detect.Device) {
	if !parent.MIG {
		return nil
	}
	n, _ := ask(r, "nvmlDeviceGetMaxMigDeviceCount", d.GetMaxMigDeviceCount)
	for i := range n {
		mig, ok := ask(r, "nvmlDeviceGetMigDeviceHandleByIndex", func() (nvml.Device, nvml.Return) { return d.GetMigDeviceHandleByIndex(i) })
		if !ok {
			continue // this place is empty
		}
		out := detect.Device{
			Index: parent.Index, Parent: parent.UUID, Bus: parent.Bus, Vendor: parent.Vendor, Source: "NVML, MIG instance",
			ComputeCapability: parent.ComputeCapability, ClockMHz: parent.ClockMHz, MemoryClockMHz: parent.MemoryClockMHz, ECC: parent.ECC,
		}
		out.Name, _ = ask(r, "nvmlDeviceGetName", mig.GetName)
		out.UUID, _ = ask(r, "nvmlDeviceGetUUID", mig.GetUUID)
		r.readMemory(mig, &out)
		if v, ok := ask(r, "nvmlDeviceGetAttributes_v2", mig.GetAttributes); ok {
			out.SMs = int(v.MultiprocessorCount)
		}
		out.Processes = r.processes(mig)
		list = append(list, out)
	}
	return list
}

func switchOf(s nvml.EnableState) *bool {
	on := s == nvml.FEATURE_ENABLED
	return &on
}

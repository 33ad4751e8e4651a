//go:build linux && cgo

package nvml

import (
	"errors"
	"slices"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxa100"
	"github.com/vramcalc/vramcalc/hardware/detect"
)

// server is go-nvml's DGX A100 with answers to what its mock leaves open.
func server(t *testing.T) *dgxa100.Server {
	t.Helper()
	s := dgxa100.New()
	s.SystemGetProcessNameFunc = func(int) (string, nvml.Return) { return "python", nvml.SUCCESS }
	for i := range s.Devices {
		d := s.Devices[i].(*dgxa100.Device)
		unsupported(&d.Device)
		d.GetMemoryInfo_v2Func = func() (nvml.Memory_v2, nvml.Return) {
			return nvml.Memory_v2{Total: 42949672960, Reserved: 600 << 20, Used: 2 << 30, Free: 42949672960 - 600<<20 - 2<<30}, nvml.SUCCESS
		}
		d.GetPciInfoFunc = func() (nvml.PciInfo, nvml.Return) {
			return nvml.PciInfo{Bus: uint32(i + 1)}, nvml.SUCCESS
		}
	}
	return s
}

// unsupported answers every question of the reader with "not supported".
func unsupported(d *mock.Device) {
	const no = nvml.ERROR_NOT_SUPPORTED
	d.GetMaxClockInfoFunc = func(nvml.ClockType) (uint32, nvml.Return) { return 0, no }
	d.GetPowerManagementLimitFunc = func() (uint32, nvml.Return) { return 0, no }
	d.GetEccModeFunc = func() (nvml.EnableState, nvml.EnableState, nvml.Return) { return 0, 0, no }
	d.GetDisplayActiveFunc = func() (nvml.EnableState, nvml.Return) { return 0, no }
	d.GetMaxPcieLinkGenerationFunc = func() (int, nvml.Return) { return 0, no }
	d.GetMaxPcieLinkWidthFunc = func() (int, nvml.Return) { return 0, no }
	d.GetNumGpuCoresFunc = func() (int, nvml.Return) { return 0, no }
	d.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) { return nil, no }
	d.GetGraphicsRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) { return nil, no }
	d.GetNvLinkStateFunc = func(int) (nvml.EnableState, nvml.Return) { return 0, no }
	d.GetTopologyCommonAncestorFunc = func(nvml.Device) (nvml.GpuTopologyLevel, nvml.Return) { return nvml.TOPOLOGY_SYSTEM, nvml.SUCCESS }
	d.GetMaxMigDeviceCountFunc = func() (int, nvml.Return) { return 0, no }
	d.GetAttributesFunc = func() (nvml.DeviceAttributes, nvml.Return) { return nvml.DeviceAttributes{}, no }
}

func TestEightCards(t *testing.T) {
	s := server(t)
	d := s.Devices[0].(*dgxa100.Device)
	d.GetNumGpuCoresFunc = func() (int, nvml.Return) { return 6912, nvml.SUCCESS }
	d.GetPowerManagementLimitFunc = func() (uint32, nvml.Return) { return 400000, nvml.SUCCESS }
	d.GetEccModeFunc = func() (nvml.EnableState, nvml.EnableState, nvml.Return) {
		return nvml.FEATURE_ENABLED, nvml.FEATURE_ENABLED, nvml.SUCCESS
	}
	d.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) {
		return []nvml.ProcessInfo{{Pid: 42, UsedGpuMemory: 2 << 30}, {Pid: 43, UsedGpuMemory: ^uint64(0)}}, nvml.SUCCESS
	}
	d.GetGraphicsRunningProcessesFunc = d.GetComputeRunningProcessesFunc // the same process draws
	m, err := From(s)
	if err != nil || len(m.Devices) != 8 {
		t.Fatalf("%d devices, %v", len(m.Devices), err)
	}
	got := m.Devices[0]
	if got.Name != d.Name || got.UUID != d.UUID || got.TotalBytes != 42949672960 || got.FreeBytes != 42949672960-600<<20-2<<30 ||
		got.ReservedBytes != 600<<20 || !got.FreeKnown || got.ComputeCapability != "8.0" || got.SMs != 108 ||
		got.PowerLimitWatts != 400 || got.ECC == nil || !*got.ECC || got.Display != nil {
		t.Errorf("%+v", got)
	}
	if p := got.Processes; len(p) != 2 || p[0] != (detect.Process{PID: 42, Name: "python", Bytes: 2 << 30}) || p[1].Bytes != 0 {
		t.Errorf("processes %+v", p)
	}
	if m.Driver != s.DriverVersion || m.CUDA != "12.4" {
		t.Errorf("driver %q, CUDA %q of %d", m.Driver, m.CUDA, s.CudaDriverVersion)
	}
}

// TestTotalIsNVMLs: to the byte, also where only the first version of the call
// is there.
func TestTotalIsNVMLs(t *testing.T) {
	s := server(t)
	for i := range s.Devices {
		s.Devices[i].(*dgxa100.Device).GetMemoryInfo_v2Func = func() (nvml.Memory_v2, nvml.Return) {
			return nvml.Memory_v2{}, nvml.ERROR_FUNCTION_NOT_FOUND
		}
	}
	m, err := From(s)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range m.Devices {
		if want := int64(s.Devices[i].(*dgxa100.Device).MemoryInfo.Total); d.TotalBytes != want {
			t.Errorf("device %d: %d bytes, NVML says %d", i, d.TotalBytes, want)
		}
	}
}

func TestInstancesAreDevices(t *testing.T) {
	s := server(t)
	d := s.Devices[3].(*dgxa100.Device)
	d.MigMode = nvml.DEVICE_MIG_ENABLE
	mig := &dgxa100.Device{Device: mock.Device{}}
	unsupported(&mig.Device)
	mig.GetNameFunc = func() (string, nvml.Return) { return "NVIDIA A100-SXM4-40GB MIG 3g.20gb", nvml.SUCCESS }
	mig.GetUUIDFunc = func() (string, nvml.Return) { return "MIG-1", nvml.SUCCESS }
	mig.GetMemoryInfo_v2Func = func() (nvml.Memory_v2, nvml.Return) {
		return nvml.Memory_v2{Total: 19968 << 20, Free: 19900 << 20}, nvml.SUCCESS
	}
	mig.GetAttributesFunc = func() (nvml.DeviceAttributes, nvml.Return) {
		return nvml.DeviceAttributes{MultiprocessorCount: 42}, nvml.SUCCESS
	}
	d.GetMaxMigDeviceCountFunc = func() (int, nvml.Return) { return 7, nvml.SUCCESS }
	d.GetMigDeviceHandleByIndexFunc = func(i int) (nvml.Device, nvml.Return) {
		if i == 2 {
			return mig, nvml.SUCCESS
		}
		return nil, nvml.ERROR_NOT_FOUND
	}
	m, err := From(s)
	if err != nil || len(m.Devices) != 9 {
		t.Fatalf("%d devices, %v", len(m.Devices), err)
	}
	if got := m.Devices[4]; got.Parent != d.UUID || got.Index != 3 || got.TotalBytes != 19968<<20 || got.SMs != 42 || got.UUID != "MIG-1" {
		t.Errorf("%+v", got)
	}
}

func TestLinksThroughASwitch(t *testing.T) {
	s := server(t)
	for i := range s.Devices[:3] {
		d := s.Devices[i].(*dgxa100.Device)
		d.GetNvLinkStateFunc = func(n int) (nvml.EnableState, nvml.Return) {
			if n < 12 {
				return nvml.FEATURE_ENABLED, nvml.SUCCESS
			}
			return 0, nvml.ERROR_INVALID_ARGUMENT
		}
		d.GetNvLinkRemoteDeviceTypeFunc = func(int) (nvml.IntNvLinkDeviceType, nvml.Return) {
			return nvml.NVLINK_DEVICE_TYPE_SWITCH, nvml.SUCCESS
		}
	}
	m, err := From(s)
	if err != nil {
		t.Fatal(err)
	}
	want := detect.Link{A: 0, B: 1, Kind: detect.NVSwitch, Lanes: 12}
	if m.Links = joined(m.Links); len(m.Links) != 3 || m.Links[0] != want {
		t.Errorf("%+v", m.Links)
	}
}

func TestDirectLinks(t *testing.T) {
	s := server(t)
	for i := range 2 {
		d := s.Devices[i].(*dgxa100.Device)
		d.GetNvLinkStateFunc = func(n int) (nvml.EnableState, nvml.Return) {
			if n < 4 {
				return nvml.FEATURE_ENABLED, nvml.SUCCESS
			}
			return nvml.FEATURE_DISABLED, nvml.SUCCESS
		}
		d.GetNvLinkRemoteDeviceTypeFunc = func(int) (nvml.IntNvLinkDeviceType, nvml.Return) {
			return nvml.NVLINK_DEVICE_TYPE_GPU, nvml.SUCCESS
		}
		d.GetNvLinkRemotePciInfoFunc = func(int) (nvml.PciInfo, nvml.Return) {
			return nvml.PciInfo{Bus: uint32(2 - i)}, nvml.SUCCESS
		}
	}
	m, err := From(s)
	if err != nil {
		t.Fatal(err)
	}
	if want := (detect.Link{A: 0, B: 1, Kind: detect.NVLink, Lanes: 4}); len(m.Links) != 28 || m.Links[0] != want || m.Links[1].Kind != detect.PCIeSystem {
		t.Errorf("%+v", m.Links)
	}
}

// joined are the links that are not PCIe.
func joined(links []detect.Link) []detect.Link {
	return slices.DeleteFunc(links, func(l detect.Link) bool { return l.Lanes == 0 })
}

func TestFailures(t *testing.T) {
	for ret, want := range map[nvml.Return]string{
		nvml.ERROR_DRIVER_NOT_LOADED:       "the NVIDIA driver is not loaded",
		nvml.ERROR_LIB_RM_VERSION_MISMATCH: "the driver in the kernel and its library have different versions: reload the driver or restart the machine",
		nvml.ERROR_NO_PERMISSION:           "no permission to ask the driver",
	} {
		s := server(t)
		s.InitFunc = func() nvml.Return { return ret }
		if _, err := From(s); err == nil || err.Error() != want {
			t.Errorf("%v: %v", ret, err)
		}
	}
	s := server(t)
	s.InitFunc = func() nvml.Return { return nvml.ERROR_LIBRARY_NOT_FOUND }
	if _, err := From(s); !errors.Is(err, detect.ErrAbsent) {
		t.Errorf("no library: %v", err)
	}
	s = server(t)
	old := s.DeviceGetHandleByIndexFunc
	s.DeviceGetHandleByIndexFunc = func(i int) (nvml.Device, nvml.Return) {
		if i == 5 {
			return nil, nvml.ERROR_GPU_IS_LOST
		}
		return old(i)
	}
	m, err := From(s)
	if err != nil || len(m.Devices) != 7 || len(m.Findings) != 1 || m.Findings[0].Code != "device-lost" {
		t.Errorf("%d devices, %+v, %v", len(m.Devices), m.Findings, err)
	}
}

// BenchmarkRead is the reader's own share of the time: the mock answers at once.
func BenchmarkRead(b *testing.B) {
	s := dgxa100.New()
	for i := range s.Devices {
		d := s.Devices[i].(*dgxa100.Device)
		unsupported(&d.Device)
		d.GetMemoryInfo_v2Func = func() (nvml.Memory_v2, nvml.Return) { return nvml.Memory_v2{}, nvml.ERROR_FUNCTION_NOT_FOUND }
	}
	for b.Loop() {
		if _, err := From(s); err != nil {
			b.Fatal(err)
		}
	}
}

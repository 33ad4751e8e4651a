//go:build linux && cgo

// Package dgx reads the mock servers of go-nvml's DGX machines the way the
// program reads a real one.
package dgx

import (
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxa100"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxb200"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxh100"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxh200"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/server"
	reader "github.com/vramcalc/vramcalc/hardware/detect/nvml"
)

// open answers what the mocks leave open with "not supported".
func open(d *server.Device) {
	const no = nvml.ERROR_NOT_SUPPORTED
	d.GetMemoryInfo_v2Func = func() (nvml.Memory_v2, nvml.Return) { return nvml.Memory_v2{}, no }
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
	d.GetTopologyCommonAncestorFunc = func(nvml.Device) (nvml.GpuTopologyLevel, nvml.Return) { return 0, no }
}

func TestServers(t *testing.T) {
	for name, c := range map[string]struct {
		server     *server.Server
		capability string
	}{
		"a100": {dgxa100.New(), "8.0"},
		"h100": {dgxh100.New(), "9.0"},
		"h200": {dgxh200.New(), "9.0"},
		"b200": {dgxb200.New(), "10.0"},
	} {
		for _, d := range c.server.Devices {
			open(d.(*server.Device))
		}
		m, err := reader.From(c.server)
		if err != nil || len(m.Devices) != 8 || m.Driver != c.server.DriverVersion {
			t.Errorf("%s: %d devices, driver %q, %v", name, len(m.Devices), m.Driver, err)
			continue
		}
		for i, got := range m.Devices {
			d := c.server.Devices[i].(*server.Device)
			memory, _ := d.GetMemoryInfo()
			model, _ := d.GetName()
			if got.TotalBytes != int64(memory.Total) || got.Name != model || got.UUID != d.UUID || got.ComputeCapability != c.capability {
				t.Errorf("%s, device %d: %+v", name, i, got)
			}
		}
	}
}

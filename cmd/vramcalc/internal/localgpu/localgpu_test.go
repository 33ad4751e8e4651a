package localgpu

import (
	"slices"
	"strings"
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/hardware/detect"
)

const mib = 1 << 20

func codes(d estimator.Device) (list []string) {
	for _, f := range d.Findings {
		list = append(list, f.Code)
	}
	return list
}

func a100(index int, free int64) detect.Device {
	return detect.Device{
		Index: index, Name: "NVIDIA A100-SXM4-80GB", Vendor: "NVIDIA", TotalBytes: 81920 * mib, ReservedBytes: 700 * mib,
		FreeBytes: free, FreeKnown: true, Source: "NVML", ComputeCapability: "8.0",
	}
}

// TestFreeMemoryIsWhatIsLeft: capacity less what is used is what the driver
// calls free, to the byte.
func TestFreeMemoryIsWhatIsLeft(t *testing.T) {
	for _, d := range []detect.Device{
		a100(0, 70000*mib),
		{Name: "NVIDIA GeForce RTX 4090", TotalBytes: 24564 * mib, FreeBytes: 20000 * mib, FreeKnown: true},
		{Name: "Frobnicator 9000", Vendor: "NVIDIA", TotalBytes: 1 << 34, FreeBytes: 1, FreeKnown: true},
	} {
		got := Device(d)
		if got.CapacityBytes-got.UsedBytes != d.FreeBytes {
			t.Errorf("%s: capacity %d, used %d, free %d", d.Name, got.CapacityBytes, got.UsedBytes, d.FreeBytes)
		}
	}
	if got := Device(a100(0, 0)); got.GPU.ID != "a100-80gb-sxm" || got.CapacityBytes != 81220*mib || got.UsedBytes != got.CapacityBytes {
		t.Errorf("%+v", got)
	}
}

func TestEqualGPUsAreOne(t *testing.T) {
	got := Devices(detect.Machine{Devices: []detect.Device{a100(0, 80000*mib), a100(1, 60000*mib), a100(2, 70000*mib)}}, 0)
	if len(got) != 1 || got[0].CapacityBytes-got[0].UsedBytes != 60000*mib || !strings.Contains(got[0].Findings[0].Message, "3 of this GPU; GPU 1") {
		t.Errorf("%+v", got)
	}
}

func TestTheSmallestOfUnequalGPUsDecides(t *testing.T) {
	small := detect.Device{Index: 1, Name: "NVIDIA GeForce RTX 4090", TotalBytes: 24564 * mib, FreeBytes: 23000 * mib, FreeKnown: true}
	got := Devices(detect.Machine{Devices: []detect.Device{a100(0, 80000*mib), small}, Findings: []detect.Finding{{Code: "hidden-devices"}}}, 1)
	if len(got) != 2 || got[0].GPU.ID != "rtx-4090" || !slices.Equal(codes(got[0]), []string{"unequal-gpus", "hidden-devices"}) {
		t.Errorf("%+v", got)
	}
}

// TestRunOverSeveral: so many equal GPUs, or else the ones with the most room,
// of which the smallest decides.
func TestRunOverSeveral(t *testing.T) {
	small := func(index int) detect.Device {
		return detect.Device{Index: index, Name: "NVIDIA GeForce RTX 4090", TotalBytes: 24564 * mib, FreeBytes: 23000 * mib, FreeKnown: true}
	}
	m := detect.Machine{Devices: []detect.Device{small(0), a100(1, 80000*mib), a100(2, 60000*mib), small(3)}}
	got := Devices(m, 2)
	if len(got) != 2 || got[0].GPU.ID != "rtx-4090" || got[1].GPU.ID != "a100-80gb-sxm" || got[0].Count != 2 || room(got[1]) != 60000*mib ||
		!slices.Equal(codes(got[1]), []string{"equal-gpus"}) {
		t.Errorf("two: %+v", got)
	}
	got = Devices(m, 3)
	if len(got) != 1 || got[0].GPU.ID != "rtx-4090" || got[0].Count != 3 || !slices.Equal(codes(got[0]), []string{"unequal-gpus"}) ||
		!strings.Contains(got[0].Findings[0].Message, "GPUs 1, 2, 0") {
		t.Errorf("three: %+v", got)
	}
}

// TestMemoryThatIsNotThePresets: a card with other memory keeps its own, as a
// part of a card that a virtual machine was given.
func TestMemoryThatIsNotThePresets(t *testing.T) {
	got := Device(detect.Device{Name: "NVIDIA A100-SXM4-80GB", TotalBytes: 20480 * mib, FreeBytes: 20000 * mib, FreeKnown: true})
	if got.CapacityBytes != 20480*mib || !slices.Equal(codes(got), []string{"preset-memory"}) {
		t.Errorf("%+v", got)
	}
	// Error correction on: a sixteenth less.
	got = Device(detect.Device{Name: "NVIDIA RTX A6000", TotalBytes: 46068 * mib, FreeBytes: 46000 * mib, FreeKnown: true})
	if len(got.Findings) != 0 || got.GPU.ID != "rtx-a6000" {
		t.Errorf("%+v", got)
	}
}

func TestUnknownCard(t *testing.T) {
	got := Device(detect.Device{Name: "NVIDIA Frobnicator 9000", Vendor: "NVIDIA", TotalBytes: 1 << 34, ComputeCapability: "7.5"})
	if got.GPU.ID != "nvidia-frobnicator-9000" || got.GPU.SupportsBF16 || !slices.Equal(codes(got), []string{"free-unknown", "gpu-unknown"}) {
		t.Errorf("%+v", got)
	}
	if got := Device(detect.Device{Name: "NVIDIA Future", Vendor: "NVIDIA", TotalBytes: 1 << 34, ComputeCapability: "12.0"}); !got.GPU.SupportsBF16 {
		t.Errorf("%+v", got.GPU)
	}
}

func TestMIGInstance(t *testing.T) {
	got := Device(detect.Device{
		Name: "NVIDIA H100 80GB HBM3 MIG 1g.10gb", Parent: "GPU-1", Vendor: "NVIDIA", TotalBytes: 9984 * mib, FreeBytes: 9900 * mib, FreeKnown: true, SMs: 16,
	})
	if got.GPU.ID != "h100-80gb-sxm-mig-1g.10gb" || got.GPU.Architecture != "Hopper" || got.GPU.SMs != 16 || got.GPU.Rates.BF16 != 0 || got.CapacityBytes != 9984*mib {
		t.Errorf("%+v", got)
	}
}

func TestAppleIsAPreset(t *testing.T) {
	if got := Device(detect.Device{Name: "Apple M2 Max", Vendor: "Apple", TotalBytes: 48 << 30, ReservedBytes: 16 << 30, Unified: true, Source: "hw.memsize"}); got.GPU.ID != "apple-m2-max" || got.CapacityBytes != 32<<30 || got.CapacitySource != "hw.memsize" {
		t.Errorf("%+v", got)
	}
}

// TestJetsonBoards: the board's name is in the device tree, its preset follows
// from its memory, of which the kernel keeps a part.
func TestJetsonBoards(t *testing.T) {
	for _, c := range []struct {
		board string
		kib   int64
		want  string
	}{
		{"NVIDIA Jetson AGX Orin Developer Kit", 64322112, "jetson-agx-orin-64gb"},
		{"NVIDIA Jetson Orin NX Engineering Reference Developer Kit", 15885988, "jetson-orin-nx-16gb"},
		{"NVIDIA Orin Nano Developer Kit", 7802684, "jetson-orin-nano-8gb-super"},
	} {
		d := Device(detect.Device{Name: c.board, Vendor: "NVIDIA", Unified: true, TotalBytes: c.kib << 10, FreeBytes: 1 << 30, FreeKnown: true, Source: "meminfo"})
		if d.GPU.ID != c.want || d.CapacityBytes != c.kib<<10 || !slices.Equal(codes(d), []string{"unified-memory"}) {
			t.Errorf("%s: %s, %+v", c.board, d.GPU.ID, d.Findings)
		}
	}
}

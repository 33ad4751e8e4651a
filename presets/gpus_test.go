package presets

import "testing"

func TestGPUsAreComplete(t *testing.T) {
	list := GPUs()
	if len(list) != 175 {
		t.Errorf("%d GPUs, want 175", len(list))
	}
	seen := map[string]bool{}
	for _, g := range list {
		if seen[g.ID] {
			t.Errorf("%s: two entries", g.ID)
		}
		seen[g.ID] = true
		if g.Name == "" || g.Vendor == "" || g.Architecture == "" || g.MarketingGB <= 0 || g.BandwidthBytes <= 0 || len(g.Source) == 0 || g.Confidence == "" {
			t.Errorf("%s: name, vendor, architecture, memory_gb, bandwidth_gbps, source or confidence is missing", g.ID)
		}
		if g.SupportsBF16 && g.Rates.BF16 <= 0 || g.SupportsFP8 && g.Rates.FP8 <= 0 {
			t.Errorf("%s: a supported type has no rate", g.ID)
		}
	}
}

// TestCapacitiesAreOrdered: CUDA sees less than the driver reports, and the
// driver reports about what is on the box.
func TestCapacitiesAreOrdered(t *testing.T) {
	for _, g := range GPUs() {
		if g.CUDABytes > 0 && g.CUDABytes >= g.ReportedBytes {
			t.Errorf("%s: CUDA sees %d bytes of %d reported", g.ID, g.CUDABytes, g.ReportedBytes)
		}
		if g.ReportedBytes > 0 {
			if ratio := float64(g.ReportedBytes) / (g.MarketingGB * (1 << 30)); ratio < 0.9 || ratio > 1.02 {
				t.Errorf("%s: reports %.3f of the size on the box", g.ID, ratio)
			}
		}
	}
}

// TestUnits checks one card against its data sheet, to the unit.
func TestUnits(t *testing.T) {
	g, err := GPU("h100")
	if err != nil {
		t.Fatal(err)
	}
	if g.ReportedBytes != 81559<<20 || g.BandwidthBytes != 3350e9 || g.Rates.BF16 != 989.4e12 || g.NVLinkBytes != 900e9 || g.L2Bytes != 50<<20 {
		t.Errorf("%+v", g)
	}
}

func TestDevicesOfOneNameAreToldApartByMemory(t *testing.T) {
	for _, c := range []struct {
		name  string
		total int64
		want  string
	}{
		{"NVIDIA GeForce RTX 3080", 10240 << 20, "rtx-3080-10gb"},
		{"NVIDIA GeForce RTX 3080", 12288 << 20, "rtx-3080-12gb"},
		{"NVIDIA GeForce RTX 4060 Ti", 16380 << 20, "rtx-4060-ti-16gb"},
		{"NVIDIA GeForce RTX 4060 Ti", 8188 << 20, "rtx-4060-ti-8gb"},
		{"NVIDIA GeForce RTX 4090", 24564 << 20, "rtx-4090"},
		{"NVIDIA GeForce RTX 4090", 49140 << 20, "rtx-4090-48gb-mod"},
		{"Tesla V100-SXM2-32GB", 32768 << 20, "v100-32gb-sxm2"},
		{"NVIDIA H100 80GB HBM3", 81559 << 20, "h100-80gb-sxm"},
	} {
		g, err := GPUForDevice(c.name, c.total)
		if err != nil || g.ID != c.want {
			t.Errorf("%s with %d bytes: %q, %v, want %q", c.name, c.total, g.ID, err, c.want)
		}
	}
	if _, err := GPUForDevice("NVIDIA Frobnicator", 1<<30); err == nil {
		t.Error("an unknown device was found")
	}
}

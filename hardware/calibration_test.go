package hardware_test

import (
	"encoding/csv"
	"errors"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/vramcalc/vramcalc/hardware"
	"github.com/vramcalc/vramcalc/presets"
)

func calibrate(t testing.TB, id string) (hardware.GPU, hardware.Calibration) {
	t.Helper()
	g, err := presets.GPU(id)
	if err != nil {
		t.Fatal(err)
	}
	c, err := hardware.Calibrate(g)
	if err != nil {
		t.Fatal(err)
	}
	return g, c
}

// table reads a file of measurements; its first rows are comments.
func table(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// summary are the median, the 90th percentile of the absolute errors, and the
// median error.
func summary(errs []float64) (median, p90, bias float64) {
	slices.Sort(errs)
	bias = errs[len(errs)/2]
	abs := make([]float64, len(errs))
	for i, e := range errs {
		abs[i] = math.Abs(e)
	}
	slices.Sort(abs)
	return abs[len(abs)/2], abs[len(abs)*9/10], bias
}

// sustained is what the power limit leaves in long runs; the tables marked aic
// come from short ones.
var sustained = map[string]float64{
	"a100-80gb-sxm": 0.946, "h100-80gb-sxm": 0.915, "h200-141gb-sxm": 0.915, "b200-180gb-sxm": 0.915, "b300-270gb-sxm": 0.915,
	"l40s-48gb": 1, "rtx-pro-6000-blackwell-server": 1,
}

func TestMatmulTables(t *testing.T) {
	errs := map[string][]float64{}
	for _, r := range table(t, "matmul.csv") {
		_, c := calibrate(t, r[0])
		got := c.MatmulSeconds(hardware.BF16, int64(number(t, r[1])), int64(number(t, r[2])), int64(number(t, r[3])), 1)
		want := number(t, r[4]) * 1e-6
		if r[5] == "aic" {
			want /= sustained[r[0]]
		}
		errs[r[0]] = append(errs[r[0]], got/want-1)
	}
	for card, e := range errs {
		median, p90, bias := summary(e)
		t.Logf("%-32s %d shapes: median %.1f %%, 90th percentile %.1f %%, bias %+.1f %%", card, len(e), 100*median, 100*p90, 100*bias)
		if median > 0.11 || p90 > 0.30 || math.Abs(bias) > 0.07 {
			t.Errorf("%s: median %.3f, 90th percentile %.3f, bias %+.3f", card, median, p90, bias)
		}
	}
}

func TestAttentionTables(t *testing.T) {
	errs := map[string][]float64{}
	for _, r := range table(t, "attention.csv") {
		_, c := calibrate(t, r[0])
		d, s, h := number(t, r[2]), number(t, r[3]), number(t, r[4])
		backward := r[5] == "true"
		flops := 2 * d * h * s * (s + 1)
		if backward {
			flops *= 2.5
		}
		got := c.AttentionSeconds(hardware.FlashKernel, hardware.BF16, flops, int64(d), int64(s), int64(h), backward)
		want := flops / (number(t, r[6]) * 1e12)
		if r[7] == "aic" {
			want /= sustained[r[0]]
		}
		errs[r[0]] = append(errs[r[0]], got/want-1)
	}
	for card, e := range errs {
		median, p90, bias := summary(e)
		t.Logf("%-32s %d shapes: median %.1f %%, 90th percentile %.1f %%, bias %+.1f %%", card, len(e), 100*median, 100*p90, 100*bias)
		if median > 0.10 || p90 > 0.45 || math.Abs(bias) > 0.08 { // the widest are short: 512 tokens
			t.Errorf("%s: median %.3f, 90th percentile %.3f, bias %+.3f", card, median, p90, bias)
		}
	}
}

// unknown are the NVIDIA cards without a curve, and why.
var unknown = map[string]string{
	"Pascal": "no measurements of NVIDIA Pascal were found",
}

func TestEveryNVIDIACard(t *testing.T) {
	gpus := presets.GPUs()
	for _, g := range gpus {
		c, err := hardware.Calibrate(g)
		if err != nil {
			var missing *hardware.CalibrationError
			if !errors.As(err, &missing) || missing.GPU != g.Name {
				t.Errorf("%s: %v", g.ID, err)
			} else if g.Vendor == "NVIDIA" && missing.Missing != unknown[g.Architecture] {
				t.Errorf("%s: %v", g.ID, err)
			}
			continue
		}
		notFaster(t, g, &c)
		if b, source := c.Context(); source == "" || g.Vendor == "NVIDIA" && (b < 200<<20 || b > 1<<30) {
			t.Errorf("%s: context %d bytes from %q", g.ID, b, source)
		}
		if c.CublasWorkspaceBytes() < 8<<20 {
			t.Errorf("%s: workspace %d", g.ID, c.CublasWorkspaceBytes())
		}
	}
}

// notFaster holds every rate against the data sheet.
func notFaster(t *testing.T, g hardware.GPU, c *hardware.Calibration) {
	t.Helper()
	const n = 1 << 14
	flops := 2.0 * n * n * n
	for m, peak := range map[hardware.Math]float64{hardware.FP32: g.Rates.FP32, hardware.TF32: g.Rates.TF32, hardware.FP16: g.Rates.FP16, hardware.BF16: g.Rates.BF16} {
		peak = max(peak, g.Rates.FP32)
		s := c.MatmulSeconds(m, n, n, n, 1)
		if !(s > 0) || flops/s > peak {
			t.Errorf("%s: %v %.4g FLOP/s of %.4g", g.ID, m, flops/s, peak)
		}
	}
	if s := c.MemorySeconds(1e9); !(s > 0) || 1e9/s > g.BandwidthBytes {
		t.Errorf("%s: %.4g bytes/s of %.4g", g.ID, 1e9/s, g.BandwidthBytes)
	}
	if s := c.DequantSeconds(hardware.NF4, 1e9); !(s > 0) || 2.5e9/s > g.BandwidthBytes {
		t.Errorf("%s: dequantization %.4g s", g.ID, s)
	}
	peak := max(g.Rates.FP16, g.Rates.BF16, g.Rates.FP32)
	for _, k := range []hardware.Kernel{hardware.FlashKernel, hardware.EfficientKernel} {
		for _, backward := range []bool{false, true} {
			if s := c.AttentionSeconds(k, hardware.FP16, 1e14, 128, 1<<15, 64, backward); !(s > 0) || 1e14/s > peak {
				t.Errorf("%s: attention %d %v %.4g FLOP/s of %.4g", g.ID, k, backward, 1e14/s, peak)
			}
		}
	}
}

func TestMonotone(t *testing.T) {
	sizes := []int64{1, 16, 17, 64, 100, 128, 500, 1024, 1025, 2048, 4095, 4096, 8192, 11008, 32000, 128256}
	for _, id := range []string{"a100-80gb-sxm", "h100-80gb-sxm", "rtx-4090", "t4-16gb", "mi300x-192gb"} {
		_, c := calibrate(t, id)
		for _, m := range []hardware.Math{hardware.FP32, hardware.BF16} {
			for _, a := range sizes {
				for _, b := range sizes {
					var last [4]float64
					for _, x := range sizes {
						now := [4]float64{
							c.MatmulSeconds(m, x, a, b, 1), c.MatmulSeconds(m, a, x, b, 1), c.MatmulSeconds(m, a, b, x, 1), c.MatmulSeconds(m, a, b, 64, x),
						}
						for i := range now {
							if now[i] < last[i]*(1-1e-12) {
								t.Fatalf("%s %v: %d×%d, %d in place %d is faster than less", id, m, a, b, x, i)
							}
						}
						last = now
					}
				}
			}
		}
		last := 0.0
		for _, x := range sizes {
			f := float64(x)
			s := c.AttentionSeconds(hardware.FlashKernel, hardware.BF16, f*f*128*4*32, 128, x, 32, false) + c.MemorySeconds(f) + c.DequantSeconds(hardware.NF4, x)
			if s < last {
				t.Errorf("%s: %d tokens are faster than less", id, x)
			}
			last = s
		}
	}
}

func TestNothingTakesNoTime(t *testing.T) {
	_, c := calibrate(t, "a100-80gb-sxm")
	if s := c.MatmulSeconds(hardware.BF16, 0, 1, 1, 1) + c.MemorySeconds(0) + c.AttentionSeconds(hardware.FlashKernel, hardware.BF16, 0, 1, 1, 1, true) + c.DequantSeconds(hardware.NF4, 0) + c.LaunchSeconds(0, false); s != 0 {
		t.Errorf("%g s", s)
	}
}

func TestUnknownIsSaid(t *testing.T) {
	g, _ := calibrate(t, "a100-80gb-sxm")
	for name, change := range map[string]func(*hardware.GPU){
		"bandwidth": func(g *hardware.GPU) { g.BandwidthBytes = 0 }, "float32": func(g *hardware.GPU) { g.Rates.FP32 = 0 },
		"multiprocessors": func(g *hardware.GPU) { g.SMs = 0 }, "generation": func(g *hardware.GPU) { g.ComputeCapability = "3.5" },
	} {
		g := g
		change(&g)
		if _, err := hardware.Calibrate(g); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func BenchmarkCalibrate(b *testing.B) {
	g, _ := calibrate(b, "a100-80gb-sxm")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := hardware.Calibrate(g); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatmulSeconds(b *testing.B) {
	_, c := calibrate(b, "a100-80gb-sxm")
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		c.MatmulSeconds(hardware.BF16, 4096+i&63, 4096, 4096, 1)
	}
}

func BenchmarkMemorySeconds(b *testing.B) {
	_, c := calibrate(b, "a100-80gb-sxm")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.MemorySeconds(float64(i))
	}
}

func BenchmarkAttentionSeconds(b *testing.B) {
	_, c := calibrate(b, "a100-80gb-sxm")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.AttentionSeconds(hardware.FlashKernel, hardware.BF16, 1e12+float64(i), 128, 4096, 128, true)
	}
}

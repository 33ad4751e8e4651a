package hardware

import "testing"

var a100 = GPU{
	ID: "a100-80gb-sxm", Name: "A100", Vendor: "NVIDIA", ComputeCapability: "8.0", SMs: 108, L2Bytes: 40 << 20, BandwidthBytes: 2039e9,
	Rates: Rates{FP32: 19.5e12, TF32: 156e12, FP16: 312e12, BF16: 312e12, INT8: 624e12}, SupportsBF16: true,
}

func BenchmarkMatmulSeconds(b *testing.B) {
	c, err := Calibrate(a100)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var s float64
	for i := 0; b.Loop(); i++ {
		s += c.MatmulSeconds(BF16, 4096+int64(i&63), 4096, 4096, 1)
	}
	_ = s
}

func BenchmarkMemorySeconds(b *testing.B) {
	c, _ := Calibrate(a100)
	b.ReportAllocs()
	var s float64
	for i := 0; b.Loop(); i++ {
		s += c.MemorySeconds(float64(i))
	}
	_ = s
}

func BenchmarkAttentionSeconds(b *testing.B) {
	c, _ := Calibrate(a100)
	b.ReportAllocs()
	var s float64
	for i := 0; b.Loop(); i++ {
		s += c.AttentionSeconds(FlashKernel, BF16, 1e12+float64(i), 128, 4096, 128, true)
	}
	_ = s
}

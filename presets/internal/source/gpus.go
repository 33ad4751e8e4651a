package source

import "github.com/vramcalc/vramcalc/hardware"

// GPUs reads gpus.yaml.
func GPUs(text []byte) ([]hardware.GPU, error) {
	return read(text, func(y *gpuEntry) (string, hardware.GPU) { return y.ID, y.gpu() })
}

// gpuEntry is one entry of gpus.yaml; the file's head explains the keys.
type gpuEntry struct {
	ID                string   `yaml:"id"`
	Name              string   `yaml:"name"`
	NVMLName          string   `yaml:"nvml_name"`
	Aliases           []string `yaml:"aliases"`
	Vendor            string   `yaml:"vendor"`
	Architecture      string   `yaml:"architecture"`
	ComputeCapability string   `yaml:"compute_capability"`
	Released          int      `yaml:"released"`
	Form              string   `yaml:"form"`
	MemoryGB          float64  `yaml:"memory_gb"`
	MemoryType        string   `yaml:"memory_type"`
	ReportedMiB       int64    `yaml:"reported_mib"`
	CUDAMiB           int64    `yaml:"cuda_mib"`
	UnifiedMemory     bool     `yaml:"unified_memory"`
	BandwidthGBps     float64  `yaml:"bandwidth_gbps"`
	TFLOPS            tflops   `yaml:"tflops"`
	SupportsBF16      bool     `yaml:"supports_bf16"`
	SupportsFP8       bool     `yaml:"supports_fp8"`
	SupportsFP4       bool     `yaml:"supports_fp4"`
	SMs               int      `yaml:"sms"`
	L2MiB             float64  `yaml:"l2_mib"`
	TDPWatts          int      `yaml:"tdp_w"`
	NVLinkGBps        float64  `yaml:"nvlink_gbps"`
	PCIe              string   `yaml:"pcie"`
	USDPerHour        *price   `yaml:"usd_per_hour"`
	LaunchPrice       struct {
		USD   float64 `yaml:"usd"`
		Basis string  `yaml:"basis"`
	} `yaml:"launch_price"`
	Measured   measured `yaml:"measured"`
	Notes      []string `yaml:"notes"`
	Confidence string   `yaml:"confidence"`
	Source     []string `yaml:"source"`
}

// tflops are dense peak rates in 10^12 FLOP/s.
type tflops struct {
	FP32 float64 `yaml:"fp32"`
	TF32 float64 `yaml:"tf32"`
	FP16 float64 `yaml:"fp16"`
	BF16 float64 `yaml:"bf16"`
	FP8  float64 `yaml:"fp8"`
	INT8 float64 `yaml:"int8"`
	FP4  float64 `yaml:"fp4"`
}

// price is the range of rental prices seen.
type price struct {
	Low    float64 `yaml:"low"`
	High   float64 `yaml:"high"`
	AsOf   string  `yaml:"as_of"`
	Source string  `yaml:"source"`
}

// measured are rates in 10^12 FLOP/s and GB/s.
type measured struct {
	FP16          float64 `yaml:"fp16_tflops"`
	BF16          float64 `yaml:"bf16_tflops"`
	FP8           float64 `yaml:"fp8_tflops"`
	FP4           float64 `yaml:"fp4_tflops"`
	BandwidthGBps float64 `yaml:"bandwidth_gbps"`
	Source        string  `yaml:"source"`
}

const (
	mib  = 1 << 20
	giga = 1e9
	tera = 1e12
)

// gpu fills the shared type, in bytes, bytes per second and FLOP/s.
func (y *gpuEntry) gpu() hardware.GPU {
	g := hardware.GPU{
		ID: y.ID, Name: y.Name, NVMLName: y.NVMLName, Aliases: y.Aliases, Vendor: y.Vendor,
		Architecture: y.Architecture, ComputeCapability: y.ComputeCapability,
		Released: y.Released, Form: y.Form, MemoryType: y.MemoryType,
		MarketingGB: y.MemoryGB, ReportedBytes: y.ReportedMiB * mib, CUDABytes: y.CUDAMiB * mib,
		UnifiedMemory:  y.UnifiedMemory,
		BandwidthBytes: y.BandwidthGBps * giga, Rates: y.TFLOPS.rates(),
		SupportsBF16: y.SupportsBF16, SupportsFP8: y.SupportsFP8, SupportsFP4: y.SupportsFP4,
		SMs: y.SMs, L2Bytes: int64(y.L2MiB * mib), TDPWatts: y.TDPWatts,
		NVLinkBytes: y.NVLinkGBps * giga, PCIe: y.PCIe,
		PriceUSDPerHour: y.USDPerHour.prices(),
		LaunchPriceUSD:  y.LaunchPrice.USD, LaunchPriceBasis: y.LaunchPrice.Basis,
		Measured: y.Measured.measured(), Notes: y.Notes, Confidence: y.Confidence, Source: y.Source,
	}
	_, g.CapacitySource = g.Capacity()
	return g
}

func (t tflops) rates() hardware.Rates {
	return hardware.Rates{
		FP32: t.FP32 * tera, TF32: t.TF32 * tera, FP16: t.FP16 * tera, BF16: t.BF16 * tera,
		FP8: t.FP8 * tera, INT8: t.INT8 * tera, FP4: t.FP4 * tera,
	}
}

func (m measured) measured() hardware.Measured {
	return hardware.Measured{
		FP16: m.FP16 * tera, BF16: m.BF16 * tera, FP8: m.FP8 * tera, FP4: m.FP4 * tera,
		BandwidthBytes: m.BandwidthGBps * giga, Source: m.Source,
	}
}

// prices lists the lowest and, where it differs, the highest price seen.
func (p *price) prices() []hardware.Price {
	if p == nil {
		return nil
	}
	list := []hardware.Price{{USDPerHour: p.Low, Kind: "lowest", Date: p.AsOf, Source: p.Source}}
	if p.High > p.Low {
		list = append(list, hardware.Price{USDPerHour: p.High, Kind: "highest", Date: p.AsOf, Source: p.Source})
	}
	return list
}

// Package hardware holds what is known about accelerators as types. It does
// no detection itself and compiles everywhere, WASM included.
package hardware

// GPU is one accelerator model. A zero figure means that it is not known or
// not supported; whoever needs it says so instead of guessing.
type GPU struct {
	ID                string
	Name              string
	NVMLName          string
	Aliases           []string
	Vendor            string
	Architecture      string // "Ampere", "Hopper", …
	ComputeCapability string // "8.0"
	Released          int
	Form              string
	MemoryType        string

	// MarketingGB is the size on the box and only ever a name.
	MarketingGB float64
	// ReportedBytes is the total that the driver reports (nvidia-smi).
	ReportedBytes int64
	// CUDABytes is what a CUDA process can see (torch total_memory), less
	// than ReportedBytes; 0 when nobody printed it.
	CUDABytes int64
	// CapacitySource says where the capacity in bytes comes from.
	CapacitySource string
	UnifiedMemory  bool

	BandwidthBytes float64 // bytes per second, data sheet
	Rates          Rates   // dense FLOP/s, data sheet, float32 accumulate
	SupportsBF16   bool
	SupportsFP8    bool
	SupportsFP4    bool

	SMs              int
	L2Bytes          int64
	TDPWatts         int
	NVLinkBytes      float64 // bytes per second, both directions, per GPU
	PCIe             string
	PriceUSDPerHour  []Price
	LaunchPriceUSD   float64
	LaunchPriceBasis string

	Measured   Measured
	Notes      []string
	Confidence string // "high", "medium" or "low"
	Source     []string
}

// Measured are the best rates that anyone measured on the card, in FLOP/s and
// bytes per second; zero where nobody did.
type Measured struct {
	FP16, BF16, FP8, FP4 float64
	BandwidthBytes       float64
	Source               string
}

// Rates are dense peak rates in FLOP/s (INT8 in operations/s) as the data
// sheet gives them, without sparsity.
type Rates struct{ FP32, TF32, FP16, BF16, FP8, INT8, FP4 float64 }

// Price is a dated rental price.
type Price struct {
	USDPerHour float64
	Kind       string // "on-demand", "spot", provider name, …
	Date       string
	Source     string
}

// Capacity is the memory that a training process can count on, in bytes, and
// where that figure comes from: what CUDA shows, else what the driver
// reports, else the marketing size taken as GiB (and said so).
func (g GPU) Capacity() (int64, string) {
	switch {
	case g.CUDABytes > 0:
		return g.CUDABytes, "total memory as a CUDA process sees it"
	case g.ReportedBytes > 0:
		return g.ReportedBytes, "total memory as the driver reports it"
	}
	return int64(g.MarketingGB * (1 << 30)), "marketing size taken as GiB; nobody published the driver's figure"
}

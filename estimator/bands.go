package estimator

// The error bands are wide until runs like the request were measured; they
// are set from residuals by the validation harness.
const (
	memoryMargin     = 0.08
	throughputMargin = 0.35
	notMeasured      = "no measured run like this one was compared yet: a wide guess"
)

func memoryBand(device int64) MemoryBand {
	d := float64(device)
	return MemoryBand{LowBytes: int64(d * (1 - memoryMargin)), HighBytes: int64(d * (1 + memoryMargin)), Basis: notMeasured}
}

func throughputBand(tokens float64) ThroughputBand {
	return ThroughputBand{LowTokensPerSecond: tokens * (1 - throughputMargin), HighTokensPerSecond: tokens * (1 + throughputMargin), Basis: notMeasured}
}

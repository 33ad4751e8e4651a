package cost_test

import (
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/cost"
	"github.com/vramcalc/vramcalc/hardware"
)

// report is a step of 8 sequences of 100 tokens on 2 GPUs in 2 s.
func report() (r estimator.Report) {
	r.Training.MicroBatch, r.Training.GradAccum, r.Training.SeqLen, r.Device.Count = 2, 2, 100, 2
	r.Throughput = &estimator.Throughput{
		StepSeconds: 2, TokensPerSecond: 200,
		Band: estimator.ThroughputBand{LowTokensPerSecond: 100, HighTokensPerSecond: 400},
	}
	return r
}

func card() hardware.GPU {
	return hardware.GPU{Name: "Card", TDPWatts: 500, PriceUSDPerHour: []hardware.Price{
		{USDPerHour: 1, Date: "2026-01", Source: "a"}, {USDPerHour: 3, Date: "2026-01", Source: "a"},
	}}
}

func TestByHand(t *testing.T) {
	// 14401 samples are 1801 steps an epoch, 2 epochs 3602 steps of 2 s.
	r := cost.Of(report(), card(), cost.Data{Samples: 14401, Epochs: 2})
	if r.Steps != 3602 || r.Seconds != 7204 || r.Low != 3602 || r.High != 14408 || r.Tokens != 3602*800 {
		t.Errorf("got %+v", r)
	}
	hours := 2 * 7204.0 / 3600
	if r.GPUHours != hours || *r.LowUSD != hours || *r.HighUSD != 3*hours || *r.MostKWh != hours/2 || r.PriceDate != "2026-01" {
		t.Errorf("got %+v", r)
	}
}

func TestTokensAreSamplesOfFullLength(t *testing.T) {
	if r := cost.Of(report(), card(), cost.Data{Tokens: 1601}); r.Samples != 17 || r.Steps != 3 || r.Epochs != 1 {
		t.Errorf("got %+v", r)
	}
}

func TestPrices(t *testing.T) {
	half, g := 0.5, card()
	if r := cost.Of(report(), g, cost.Data{Samples: 8, USDPerHour: &half}); *r.LowUSD != *r.HighUSD || *r.LowUSD != r.GPUHours/2 || r.PriceDate != "" {
		t.Errorf("got %+v", r)
	}
	g.PriceUSDPerHour, g.TDPWatts = nil, 0
	if r := cost.Of(report(), g, cost.Data{Samples: 8}); r.LowUSD != nil || r.MostKWh != nil || r.PriceSource != "no rental price of Card is known" {
		t.Errorf("got %+v", r)
	}
	rep := report()
	rep.Throughput = nil
	if cost.Of(rep, g, cost.Data{Samples: 8}) != nil {
		t.Error("a run without a speed has a cost")
	}
}

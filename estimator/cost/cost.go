// Package cost says what a whole run takes: time, GPU-hours, money, energy.
//
// It multiplies the step of a report by the steps of a data set, as
// transformers' Trainer counts them: the last batch of an epoch may be short
// and is a step all the same, which counts as a full one here. Evaluation,
// checkpoints and start-up are not part of it.
package cost

import (
	"math"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/hardware"
)

// Data is what is trained on. One of Samples and Tokens is given.
type Data struct {
	Samples int64   // sequences of one epoch
	Tokens  int64   // tokens of one epoch, padding counted
	Epochs  float64 // 0 means 1
	// USDPerHour is the price of one GPU-hour instead of those known; nil
	// where none was given.
	USDPerHour *float64
}

// Run is the cost of a whole run on all GPUs. What is not known is nil.
type Run struct {
	Samples  int64   `json:"samples"` // of one epoch
	Epochs   float64 `json:"epochs"`
	Steps    int64   `json:"steps"`  // optimizer steps
	Tokens   float64 `json:"tokens"` // processed in all steps, padding counted
	Seconds  float64 `json:"seconds"`
	Low      float64 `json:"low_seconds"` // the error band of the speed
	High     float64 `json:"high_seconds"`
	GPUHours float64 `json:"gpu_hours"`

	// Prices of the GPU-hours, lowest and highest seen.
	LowUSD      *float64 `json:"low_usd,omitempty"`
	HighUSD     *float64 `json:"high_usd,omitempty"`
	PriceDate   string   `json:"price_date,omitempty"`
	PriceSource string   `json:"price_source"` // or why there is none

	// MostKWh is an upper bound of the GPUs' energy: the cards' power limit
	// all the time. The rest of the machine is not in it.
	MostKWh *float64 `json:"most_kwh,omitempty"`
}

// MostOfAnEpoch are more samples or tokens than any data set has; arithmetic
// on more of them could overflow.
const MostOfAnEpoch = 1e15

const (
	secondsPerHour = 3600
	wattsPerKW     = 1000
)

// Of is the cost of training on data with the step of rep on gpu; nil where
// the speed is not known.
func Of(rep estimator.Report, gpu hardware.GPU, data Data) *Run {
	t := rep.Throughput
	if t == nil || t.StepSeconds <= 0 {
		return nil
	}
	count := max(rep.Device.Count, 1)
	perStep := rep.Training.MicroBatch * rep.Training.GradAccum * count
	r := &Run{Samples: data.Samples, Epochs: data.Epochs}
	if r.Samples == 0 {
		r.Samples = (data.Tokens + rep.Training.SeqLen - 1) / rep.Training.SeqLen
	}
	if r.Epochs == 0 {
		r.Epochs = 1
	}
	perEpoch := (r.Samples + perStep - 1) / perStep
	r.Steps = int64(math.Ceil(float64(perEpoch) * r.Epochs))
	r.Tokens = float64(r.Steps) * float64(perStep) * float64(rep.Training.SeqLen)
	r.Seconds = float64(r.Steps) * t.StepSeconds
	r.Low, r.High = r.Seconds, r.Seconds
	if t.Band.LowTokensPerSecond > 0 {
		r.Low = r.Seconds * t.TokensPerSecond / t.Band.HighTokensPerSecond
		r.High = r.Seconds * t.TokensPerSecond / t.Band.LowTokensPerSecond
	}
	r.GPUHours = r.Seconds / secondsPerHour * float64(count)
	r.price(gpu, data.USDPerHour)
	if gpu.TDPWatts > 0 {
		kwh := r.GPUHours * float64(gpu.TDPWatts) / wattsPerKW
		r.MostKWh = &kwh
	}
	return r
}

// price multiplies the GPU-hours by the price given or those known.
func (r *Run) price(gpu hardware.GPU, given *float64) {
	usd := func(perHour float64) *float64 {
		v := perHour * r.GPUHours
		return &v
	}
	switch known := gpu.PriceUSDPerHour; {
	case given != nil:
		r.LowUSD, r.HighUSD, r.PriceSource = usd(*given), usd(*given), "the price given"
	case len(known) == 0:
		r.PriceSource = "no rental price of " + gpu.Name + " is known"
	default:
		last := known[len(known)-1]
		r.LowUSD, r.HighUSD = usd(known[0].USDPerHour), usd(last.USDPerHour)
		r.PriceDate, r.PriceSource = last.Date, last.Source
	}
}

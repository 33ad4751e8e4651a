package render

import (
	"strconv"

	"github.com/vramcalc/vramcalc/estimator/cost"
)

// run is what the whole run takes.
func run(r *cost.Run) Section {
	if r == nil {
		return Section{}
	}
	g := Grid{NoHead: true, Columns: []Column{{Title: "figure"}, {Title: "value"}, {Title: "what it is", Wrap: true}}}
	add := func(name, value, note string) {
		g.Rows = append(g.Rows, []Span{plain(name), text(Strong, value), text(Faint, note)})
	}
	epochs := strconv.FormatFloat(r.Epochs, 'g', -1, 64) + " epochs"
	if r.Epochs == 1 {
		epochs = "1 epoch"
	}
	add("steps", integer(r.Steps), plural(int(r.Samples), "sample", "samples")+" × "+epochs+", "+Scaled(r.Tokens)+" tokens with padding")
	add("time", hours(r.Seconds), "likely "+hours(r.Low)+" to "+hours(r.High)+"; training steps alone")
	add("GPU-hours", Significant(r.GPUHours), "")
	if r.LowUSD == nil {
		add("cost", "not known", r.PriceSource+"; --price gives one")
	} else {
		add("cost", dollars(r), priceNote(r))
	}
	if r.MostKWh == nil {
		add("energy", "not known", "no power limit of this GPU is known")
	} else {
		add("energy", "≤ "+Significant(*r.MostKWh)+" kWh", "at the GPUs' power limit all the time; the machine around them is not in it")
	}
	return sectionOf("The whole run", g)
}

func dollars(r *cost.Run) string {
	if *r.LowUSD == *r.HighUSD {
		return fixed(*r.LowUSD, 2) + " USD"
	}
	return fixed(*r.LowUSD, 2) + "–" + fixed(*r.HighUSD, 2) + " USD"
}

func priceNote(r *cost.Run) string {
	if r.PriceDate == "" {
		return r.PriceSource
	}
	return "rental prices seen in " + r.PriceDate + ": " + r.PriceSource
}

// hours writes the duration of a run.
func hours(seconds float64) string {
	const hour = 3600
	if seconds < 2*hour {
		return Duration(seconds)
	}
	return Significant(seconds/hour) + " h"
}

// runFields are empty cells where nobody asked, or the speed is not known.
func runFields(r *cost.Run) Record {
	row := Record{{Key: "run_steps"}, {Key: "run_tokens"}, {Key: "run_seconds"}, {Key: "run_gpu_hours"}, {Key: "run_low_usd"}, {Key: "run_high_usd"}, {Key: "run_most_kwh"}}
	if r == nil {
		return row
	}
	row[0].Value, row[1].Value, row[2].Value, row[3].Value = r.Steps, r.Tokens, r.Seconds, r.GPUHours
	for i, v := range []*float64{r.LowUSD, r.HighUSD, r.MostKWh} {
		if v != nil {
			row[4+i].Value = *v
		}
	}
	return row
}

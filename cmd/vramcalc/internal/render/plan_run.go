package render

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	"github.com/vramcalc/vramcalc/estimator"
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
	add("steps", integer(r.Steps), dataOf(r)+", "+Scaled(r.Tokens)+" tokens with padding")
	add("time", hours(r.Seconds), "likely "+hours(r.Low)+" to "+hours(r.High)+"; training steps alone")
	add("GPU-hours", Significant(r.GPUHours), "")
	if r.LowUSD == nil {
		add("cost", "not known", priceNote(r))
	} else {
		add("cost", dollars(r)+" USD", priceNote(r))
	}
	if r.MostKWh == nil {
		add("energy", "not known", "no power limit of this GPU is known")
	} else {
		add("energy", "≤ "+Significant(*r.MostKWh)+" kWh", energyNote)
	}
	return sectionOf("The whole run", g)
}

const energyNote = "at the GPUs' power limit all the time; the machine around them is not in it"

// dataOf words what a run is over.
func dataOf(r *cost.Run) string {
	epochs := strconv.FormatFloat(r.Epochs, 'g', -1, 64) + " epochs"
	if r.Epochs == 1 {
		epochs = "1 epoch"
	}
	return plural(int(r.Samples), "sample", "samples") + " × " + epochs
}

// run says what the runs of all cells rest on.
func (c Comparison) run() Section {
	var reports []*estimator.Report
	for i := range c.Cells {
		if c.Cells[i].Err == nil {
			reports = append(reports, &c.Cells[i].Report)
		}
	}
	return runs(c.Costs, reports)
}

// runs says what runs rest on: the data, and each card's price.
func runs(costs answer.Costs, reports []*estimator.Report) Section {
	if !costs.Asked() || len(reports) == 0 {
		return Section{}
	}
	var data, prices []string
	names := map[string][]string{} // by price note
	add := func(list *[]string, s string) {
		if !slices.Contains(*list, s) {
			*list = append(*list, s)
		}
	}
	for _, r := range reports {
		if run := costs.Of(*r); run != nil {
			note := priceNote(run)
			add(&data, "over "+dataOf(run)+": training steps alone")
			add(&prices, note)
			of := names[note]
			add(&of, r.Device.Name)
			names[note] = of
		}
	}
	if len(data) == 0 {
		return sectionLines("The whole run", []string{"no speed is known, so neither is what a run takes"})
	}
	for _, note := range prices {
		if strings.Contains(note, names[note][0]) { // it names the card itself
			data = append(data, note)
		} else {
			data = append(data, strings.Join(names[note], ", ")+": "+note)
		}
	}
	return sectionLines("The whole run", append(data, "energy is "+energyNote))
}

func sectionLines(title string, notes []string) Section {
	s := Section{Title: title}
	for _, n := range notes {
		s.Lines = append(s.Lines, item(1, text(Faint, n)))
	}
	return s
}

func dollars(r *cost.Run) string {
	if *r.LowUSD == *r.HighUSD {
		return fixed(*r.LowUSD, 2)
	}
	return fixed(*r.LowUSD, 2) + "–" + fixed(*r.HighUSD, 2)
}

func priceNote(r *cost.Run) string {
	switch {
	case r.LowUSD == nil:
		return r.PriceSource + "; --price gives one"
	case r.PriceDate == "":
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
	row := Record{{Key: "run_steps"}, {Key: "run_tokens"}, {Key: "run_seconds"}, {Key: "run_gpu_hours"}, {Key: "run_low_usd"}, {Key: "run_high_usd"}, {Key: "run_most_kwh"}, {Key: "run_price_date"}, {Key: "run_price_source"}}
	if r == nil {
		return row
	}
	row[0].Value, row[1].Value, row[2].Value, row[3].Value = r.Steps, r.Tokens, r.Seconds, r.GPUHours
	for i, v := range []*float64{r.LowUSD, r.HighUSD, r.MostKWh} {
		if v != nil {
			row[4+i].Value = *v
		}
	}
	row[7].Value, row[8].Value = r.PriceDate, r.PriceSource
	return row
}

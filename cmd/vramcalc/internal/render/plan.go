package render

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	"github.com/vramcalc/vramcalc/estimator"
)

// Plan is the answer of the plan command: one report per GPU.
type Plan answer.Plan

// The parts of a plan.
type (
	Answer  = answer.Answer
	Refusal = answer.Refusal
)

// Data is the stable JSON form.
func (p Plan) Data() any { return answer.Plan(p).Data() }

// Sections tell the verdict first, then what it rests on.
func (p Plan) Sections() []Section {
	if len(p.Answers) == 0 {
		return nil
	}
	a := p.Answers[p.Focus]
	var out []Section
	if len(p.Answers)+len(p.Refused) > 1 {
		out = append(out, p.comparison())
		out = append(out, Section{Lines: []Line{line(text(Strong, "In full: "), verdict(a.Report))}})
	} else {
		out = append(out, Section{Lines: []Line{line(verdict(a.Report)), question(a.Report)}})
	}
	out = append(out, memory(a.Report), timeline(a.Report), throughput(a.Report), run(a.Run), assumptions(a.Report))
	out = append(out, changes("What to change", a.Changes))
	for i, other := range p.Answers {
		if i != p.Focus {
			out = append(out, changes("What to change for "+deviceName(other.Report), other.Changes))
		}
	}
	out = append(out, observation(a), findings(a.Findings), derivations(a.Derivations))
	return slices.DeleteFunc(out, func(s Section) bool { return len(s.Lines)+len(s.Grids) == 0 })
}

// verdict says in one line whether it fits, on what, with how much room and
// how fast.
func verdict(r estimator.Report) Span {
	on := deviceName(r)
	speed := ""
	if r.Throughput != nil {
		speed = ", at " + Significant(r.Throughput.TokensPerSecondTotal) + " tokens/s"
	}
	switch {
	case r.Fit == nil && on == "":
		return text(Strong, "Needs "+GiB(r.Memory.DeviceBytes)+" on the device")
	case r.Fit == nil:
		return text(Doubt, "Needs "+GiB(r.Memory.DeviceBytes)+" on "+on+", whose memory is not known"+speed)
	case r.Fit.Verdict == estimator.Tight && !r.Fit.Fits:
		return text(Bad, "Too tight for "+on+": "+GiB(-r.Fit.HeadroomBytes)+" too much, within the error band; "+chance(r))
	case !r.Fit.Fits:
		return text(Bad, "Does not fit "+on+": "+GiB(-r.Fit.HeadroomBytes)+" too much")
	case r.Memory.CacheReturned:
		return text(Doubt, "Fits "+on+" tightly: PyTorch has to return cached memory; "+chance(r)+speed)
	case r.Fit.Verdict == estimator.Tight:
		return text(Doubt, "Fits "+on+" tightly: "+GiB(r.Fit.HeadroomBytes)+" to spare, less than the error band; "+chance(r)+speed)
	}
	return text(Good, "Fits "+on+" with "+GiB(r.Fit.HeadroomBytes)+" to spare"+speed)
}

// chance is the probability that the step fits.
func chance(r estimator.Report) string { return percent(r.Fit.Probability) + " likely to fit" }

func deviceName(r estimator.Report) string {
	name := r.Device.Name
	if name == "" {
		name = r.Device.ID
	}
	return times(r.Device.Count, name)
}

// times is a name, with its number where there are several.
func times(n int64, name string) string {
	if n > 1 {
		return integer(n) + " × " + name
	}
	return name
}

// question repeats what was asked, in one line.
func question(r estimator.Report) Line {
	t := r.Training
	parts := []string{r.Model.Name, r.Method.ID}
	if t.LoRARank > 0 {
		parts[1] += " rank " + integer(t.LoRARank)
	}
	if t.Quant != "" && t.Quant != "none" {
		parts = append(parts, t.Quant)
	}
	batch := "batch " + integer(t.MicroBatch) + " × " + integer(t.SeqLen) + " tokens"
	if t.GradAccum > 1 {
		batch += " × " + integer(t.GradAccum) + " accumulated"
	}
	parts = append(parts, t.Precision, batch, t.Optimizer, t.Trainer)
	kept := parts[:0]
	for _, s := range parts {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return line(text(Faint, strings.Join(kept, " · ")))
}

// comparison is the row per GPU.
func (p Plan) comparison() Section {
	s := Section{Lines: []Line{line(p.summary()), question(p.Answers[p.Focus].Report)}}
	g := Grid{Columns: []Column{
		{Title: "GPU"},
		{Title: "name", Wide: true, Drop: 4},
		{Title: "has GiB", Right: true},
		{Title: "needs", Right: true},
		{Title: "allocated", Right: true, Wide: true},
		{Title: "reserved", Right: true, Wide: true},
		{Title: "to spare", Right: true},
		{Title: "verdict"},
		{Title: "likely", Right: true, Wide: true},
		{Title: "tokens/s", Right: true},
		{Title: "step", Right: true, Wide: true},
		{Title: "MFU", Right: true, Drop: 2},
		{Title: "HFU", Right: true, Wide: true},
		{Title: "bound by", Drop: 3},
	}}
	refused := p.Refused
	for _, a := range p.Answers {
		for len(refused) > 0 && refused[0].CapacityBytes < a.Device.CapacityBytes {
			g.Rows = append(g.Rows, refusedRow(refused[0], len(g.Columns)))
			refused = refused[1:]
		}
		g.Rows = append(g.Rows, comparisonRow(a.Report))
	}
	for _, r := range refused {
		g.Rows = append(g.Rows, refusedRow(r, len(g.Columns)))
	}
	s.Grids = []Grid{g}
	for _, r := range p.Refused {
		s.Lines = append(s.Lines, item(1, text(Faint, r.Name+" is out: "+r.Reason)))
	}
	return s
}

func comparisonRow(r estimator.Report) []Span {
	word, tone := fitWord(r)
	row := []Span{
		plain(times(r.Device.Count, r.Device.ID)), plain(r.Device.Name),
		plain(gib(r.Device.CapacityBytes)), plain(gib(r.Memory.DeviceBytes)),
		plain(gib(r.Memory.AllocatedBytes)), plain(gib(r.Memory.ReservedBytes)),
		{},
		text(tone, word),
		{},
		{},
		{},
		{},
		{},
		{},
	}
	if r.Fit != nil {
		row[6] = text(tone, gib(r.Fit.HeadroomBytes))
		row[8] = plain(percent(r.Fit.Probability))
	}
	if t := r.Throughput; t != nil {
		row[9] = plain(Significant(t.TokensPerSecondTotal))
		row[10] = plain(Duration(t.StepSeconds))
		if t.HFU > 0 { // the card's peak rate is known
			row[11], row[12] = plain(percent(t.MFU)), plain(percent(t.HFU))
		}
		row[13] = plain(t.BoundBy)
		if r.Fit != nil && !r.Fit.Fits {
			for i := 9; i < len(row); i++ {
				row[i] = text(Faint, "–")
			}
		}
	}
	return row
}

func refusedRow(r Refusal, columns int) []Span {
	row := make([]Span, columns)
	row[0], row[1], row[2], row[7] = plain(r.ID), plain(r.Name), plain(gib(r.CapacityBytes)), text(Bad, "no")
	return row
}

// fitWord is the verdict in a word.
func fitWord(r estimator.Report) (string, Tone) {
	switch {
	case r.Fit == nil:
		return "unknown", Doubt
	case r.Fit.Verdict == estimator.Tight && !r.Fit.Fits:
		return "too tight", Bad
	case !r.Fit.Fits:
		return "too big", Bad
	case r.Fit.Verdict == estimator.Tight:
		return "tight", Doubt
	}
	return "fits", Good
}

// summary is the verdict over all GPUs: how many, the smallest, with room to
// spare where there is one, and the fastest.
func (p Plan) summary() Span {
	fits, tight, fastest := 0, 0, -1
	for i, a := range p.Answers {
		if a.Fit == nil || !a.Fit.Fits {
			continue
		}
		fits++
		if a.Fit.Verdict == estimator.Tight {
			tight++
		}
		if a.Throughput != nil && (fastest < 0 ||
			a.Throughput.TokensPerSecondTotal > p.Answers[fastest].Throughput.TokensPerSecondTotal) {
			fastest = i
		}
	}
	all := plural(len(p.Answers)+len(p.Refused), "GPU", "GPUs")
	if fits == 0 {
		return text(Bad, "Fits none of "+all)
	}
	words, tone := "Fits "+strconv.Itoa(fits)+" of "+all, Good
	switch {
	case tight == fits:
		words, tone = words+", tightly; the smallest is ", Doubt
	case tight > 0:
		words += ", " + strconv.Itoa(tight) + " of them tightly; the smallest with room is "
	default:
		words += "; the smallest is "
	}
	words += deviceName(p.Answers[p.Focus].Report)
	if fastest >= 0 {
		f := p.Answers[fastest]
		words += ", the fastest " + deviceName(f.Report) + " with " + Significant(f.Throughput.TokensPerSecondTotal) + " tokens/s"
	}
	return text(tone, words)
}

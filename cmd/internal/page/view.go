package page

import (
	"math"
	"strings"

	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	q "github.com/vramcalc/vramcalc/cmd/internal/quantity"
	"github.com/vramcalc/vramcalc/estimator"
)

// View is an answer ready to be drawn. Percent are of the width that stands
// for Scale.
type View struct {
	Summary  Summary      `json:"summary"`
	Verdict  Verdict      `json:"verdict"`
	Question []string     `json:"question"` // what was asked, after defaults
	Bar      Bar          `json:"bar"`
	Figures  []Figure     `json:"figures"`
	Phases   []Phase      `json:"phases"`
	Speed    *Speed       `json:"speed,omitempty"`
	Changes  []Change     `json:"changes"`
	Assumed  []Assumption `json:"assumptions"`
	Findings []Finding    `json:"findings"`
}

// Assumption and Finding are those of the report.
type (
	Assumption = estimator.Assumption
	Finding    = estimator.Finding
)

// Summary counts the GPUs that the step fits.
type Summary struct {
	Fits   int  `json:"fits"`
	Of     int  `json:"of"`
	Common bool `json:"common"` // nobody named them: the common ones
}

// Verdict is the answer in focus in a few words; State is "fits", "tight",
// "too-tight", "too-big" or "unknown".
type Verdict struct {
	State    string `json:"state"`
	GPU      string `json:"gpu"`
	ID       string `json:"id"`
	Capacity string `json:"capacity"`
	Needs    string `json:"needs"`
	Spare    string `json:"spare"` // without its sign
	Chance   string `json:"chance"`
	Tokens   string `json:"tokens"` // tokens/s of all GPUs; empty: not known
}

// Bar is the stacked bar of device memory against the card's capacity.
type Bar struct {
	Parts    []Part  `json:"parts"`
	Capacity float64 `json:"capacity"` // percent; 0: not known
	Low      float64 `json:"low"`      // percent, the ends of the error band
	High     float64 `json:"high"`
	LowText  string  `json:"low_text"`
	HighText string  `json:"high_text"`
	Basis    string  `json:"basis"`
	PeakAt   string  `json:"peak_at"`
}

// Part is one length of a bar.
type Part struct {
	Key   string  `json:"key"`
	Text  string  `json:"text"`
	Share string  `json:"share"`
	Left  float64 `json:"left"`
	Width float64 `json:"width"`
}

// Figure is a named size.
type Figure struct {
	Key  string `json:"key"`
	Text string `json:"text"`
}

// Phase is a stretch of the step.
type Phase struct {
	Phase string `json:"phase"`
	Peak  string `json:"peak"`
	End   string `json:"end"`
	At    string `json:"at"`
}

// Speed is the throughput in words.
type Speed struct {
	Figures []Figure `json:"figures"`
	Parts   []Part   `json:"parts"`
	Basis   string   `json:"basis"`
	Bound   string   `json:"bound"`
}

// Change is a suggestion; Settings are what a button sets.
type Change struct {
	Flags    string      `json:"flags"`
	Settings [][2]string `json:"settings"`
	Saves    string      `json:"saves"`
	Speed    string      `json:"speed"` // change of tokens/s in percent; empty: not known
	Slower   bool        `json:"slower"`
	Fits     bool        `json:"fits"`
	Needs    string      `json:"needs"`
}

// View answers the question for drawing.
func (s Said) View() (View, error) {
	a, err := s.ask()
	if err != nil {
		return View{}, err
	}
	plan, err := answer.Estimator.Plan(a.request, a.devices, a.common, false)
	if err != nil {
		return View{}, err
	}
	focus := plan.Answers[plan.Focus]
	v := View{
		Summary: Summary{Of: len(plan.Answers) + len(plan.Refused), Common: a.common},
		Verdict: verdict(focus.Report), Question: settings(focus.Report),
		Bar: bar(focus.Report), Figures: figures(focus.Report), Phases: phases(focus.Report),
		Speed: speed(focus.Report), Changes: changes(focus),
		Assumed: append([]Assumption{}, focus.Assumptions...), Findings: append([]Finding{}, focus.Findings...),
	}
	for _, one := range plan.Answers {
		if one.Fit != nil && one.Fit.Fits {
			v.Summary.Fits++
		}
	}
	return v, nil
}

// state is the verdict in one word.
func state(r estimator.Report) string {
	switch {
	case r.Fit == nil:
		return "unknown"
	case !r.Fit.Fits && r.Fit.Verdict == estimator.Tight:
		return "too-tight"
	case !r.Fit.Fits:
		return "too-big"
	case r.Fit.Verdict == estimator.Tight:
		return "tight"
	}
	return "fits"
}

func verdict(r estimator.Report) Verdict {
	v := Verdict{
		State: state(r), GPU: r.Device.Name, ID: r.Device.ID,
		Capacity: q.GiB(r.Device.CapacityBytes), Needs: q.GiB(r.Memory.DeviceBytes),
	}
	if r.Fit != nil {
		v.Spare = strings.TrimPrefix(q.GiB(r.Fit.HeadroomBytes), q.Minus)
		v.Chance = q.Percent(r.Fit.Probability)
	}
	if r.Throughput != nil {
		v.Tokens = q.Significant(r.Throughput.TokensPerSecondTotal)
	}
	return v
}

// settings repeats what was asked.
func settings(r estimator.Report) []string {
	t := r.Training
	method := r.Method.ID
	if t.LoRARank > 0 {
		method += " r=" + q.Count(t.LoRARank)
	}
	list := []string{r.Model.Name + " (" + q.Count(r.Model.Parameters) + ")", method + " (" + q.Count(r.Method.TrainableParameters) + ")"}
	if t.Quant != "" && t.Quant != "none" {
		list = append(list, t.Quant)
	}
	return append(list, t.Precision, q.Count(t.MicroBatch)+" × "+q.Count(t.SeqLen)+" tokens", t.Optimizer, t.Trainer)
}

// percentOf is part of whole in percent, to a thousandth: what a bar needs.
func percentOf(part, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return math.Round(1e5*part/whole) / 1e3
}

// bar lays the parts side by side: what is allocated at the peak, what the
// allocator holds besides, and the context.
func bar(r estimator.Report) Bar {
	m := r.Memory
	scale := float64(max(r.Device.CapacityBytes, m.Band.HighBytes, m.DeviceBytes))
	b := Bar{
		Capacity: percentOf(float64(r.Device.CapacityBytes), scale),
		Low:      percentOf(float64(m.Band.LowBytes), scale), High: percentOf(float64(m.Band.HighBytes), scale),
		LowText: q.GiB(m.Band.LowBytes), HighText: q.GiB(m.Band.HighBytes), Basis: m.Band.Basis, PeakAt: m.PeakAt,
	}
	at := int64(0)
	add := func(key string, bytes int64) {
		b.Parts = append(b.Parts, Part{
			key, q.GiB(bytes), q.Percent(q.Fraction(float64(bytes), float64(m.DeviceBytes))),
			percentOf(float64(at), scale), percentOf(float64(bytes), scale),
		})
		at += bytes
	}
	for _, c := range m.Breakdown {
		add(c.Category, c.Bytes)
	}
	if cached := m.ReservedBytes - m.AllocatedBytes; cached > 0 {
		add("cached", cached)
	}
	add("context", m.ContextBytes)
	return b
}

func figures(r estimator.Report) []Figure {
	m := r.Memory
	return []Figure{
		{"allocated", q.GiB(m.AllocatedBytes)},
		{"reserved", q.GiB(m.ReservedBytes)},
		{"device", q.GiB(m.DeviceBytes)},
		{"likely", q.Gib(m.Band.LowBytes) + "–" + q.GiB(m.Band.HighBytes)},
		{"capacity", q.GiB(r.Device.CapacityBytes)},
	}
}

// phases are the step's stretches with their highest memory.
func phases(r estimator.Report) []Phase {
	list := []Phase{}
	for _, p := range r.Memory.Phases {
		list = append(list, Phase{p.Phase, q.GiB(p.PeakBytes), q.GiB(p.EndBytes), p.PeakAt})
	}
	return list
}

func speed(r estimator.Report) *Speed {
	t := r.Throughput
	if t == nil {
		return nil
	}
	s := &Speed{Basis: t.Band.Basis, Bound: t.BoundBy, Figures: []Figure{
		{"tokens", q.Significant(t.TokensPerSecondTotal)},
		{"likely", q.Significant(t.Band.LowTokensPerSecond) + "–" + q.Significant(t.Band.HighTokensPerSecond)},
		{"step", q.Duration(t.StepSeconds)},
		{"samples", q.Significant(t.SamplesPerSecond)},
	}}
	if t.HFU > 0 {
		s.Figures = append(s.Figures, Figure{"mfu", q.Percent1(t.MFU)}, Figure{"hfu", q.Percent1(t.HFU)})
	}
	at := 0.0
	for _, p := range t.Parts {
		s.Parts = append(s.Parts, Part{
			p.Part, q.Duration(p.Seconds), q.Percent(q.Fraction(p.Seconds, t.StepSeconds)),
			percentOf(at, t.StepSeconds), percentOf(p.Seconds, t.StepSeconds),
		})
		at += p.Seconds
	}
	return s
}

func changes(a answer.Answer) []Change {
	list := []Change{}
	for _, c := range a.Changes {
		one := Change{
			Flags: c.Flags, Settings: flagSettings(c.Flags), Fits: c.Fits,
			Saves: q.GiB(-c.DeviceBytesDelta), Needs: q.GiB(c.ResultDeviceBytes),
		}
		if c.SpeedRatio > 0 {
			one.Speed, one.Slower = q.Signed(q.Percent(c.SpeedRatio-1)), c.SpeedRatio < 1
		}
		list = append(list, one)
	}
	return list
}

// flagSettings are the settings that a line of flags says. Another method takes
// back the layers that were chosen: only freeze has some.
func flagSettings(flags string) [][2]string {
	list := [][2]string{}
	for word := range strings.FieldsSeq(flags) {
		if name, ok := strings.CutPrefix(word, "--"); ok {
			list = append(list, [2]string{name, "true"})
		} else if len(list) > 0 {
			list[len(list)-1][1] = word
		}
	}
	if len(list) > 0 && list[0][0] == "method" {
		list = append(list, [2]string{"trainable-layers", ""})
	}
	return list
}

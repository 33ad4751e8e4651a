package render

import (
	"strconv"

	"github.com/vramcalc/vramcalc/estimator"
)

// throughput shows the speed, its band and what the time goes to.
func throughput(r estimator.Report) Section {
	t := r.Throughput
	if t == nil {
		return Section{}
	}
	g := Grid{NoHead: true, Columns: []Column{{Title: "figure"}, {Title: "value"}, {Title: "what it is", Wrap: true}}}
	add := func(tone Tone, name, value, note string) {
		g.Rows = append(g.Rows, []Span{plain(name), text(tone, value), text(Faint, note)})
	}
	add(Strong, "tokens/s", Significant(t.TokensPerSecond), band(t.Band))
	if r.Device.Count > 1 {
		add(Plain, "on all GPUs", Significant(t.TokensPerSecondTotal), "")
	}
	add(Plain, "step", Duration(t.StepSeconds), "one optimizer step of "+Scaled(t.FLOPsPerStep)+"FLOP, bound by "+t.BoundBy)
	add(Plain, "samples/s", Significant(t.SamplesPerSecond), "")
	if t.HFU > 0 { // the card's peak rate is known
		add(Plain, "MFU", percent1(t.MFU), "of the peak rate, for the arithmetic that the model needs")
		add(Plain, "HFU", percent1(t.HFU), "the same with what is computed again")
	}
	parts := Grid{Columns: []Column{
		{Title: "time by part"}, {Title: "time", Right: true}, {Title: "share", Right: true}, {Title: "", Drop: 1},
	}}
	for _, p := range t.Parts {
		share := fraction(p.Seconds, t.StepSeconds)
		parts.Rows = append(parts.Rows, []Span{
			plain(words(p.Part)), plain(Duration(p.Seconds)), plain(percent(share)), {Bar: &Bar{Fraction: share}},
		})
	}
	s := Section{Title: "Throughput", Grids: []Grid{g}}
	if r.Fit != nil && !r.Fit.Fits {
		s.Title = "Throughput, if it fitted"
	}
	if len(parts.Rows) > 0 {
		s.Grids = append(s.Grids, parts)
	}
	return s
}

func band(b estimator.ThroughputBand) string {
	if b.HighTokensPerSecond <= 0 {
		return ""
	}
	likely := "likely " + Significant(b.LowTokensPerSecond) + " to " + Significant(b.HighTokensPerSecond)
	if b.Basis == "" {
		return likely
	}
	return likely + " (" + b.Basis + ")"
}

// assumptions are the settings that nobody stated.
func assumptions(r estimator.Report) Section {
	g := Grid{Columns: []Column{{Title: "setting"}, {Title: "taken as"}, {Title: "because", Wrap: true}}}
	for _, a := range r.Assumptions {
		g.Rows = append(g.Rows, []Span{plain(a.Setting), plain(a.Value), text(Faint, a.Because)})
	}
	return sectionOf("Assumed, since not said", g)
}

// changes are the single settings that would save memory.
func changes(title string, list []estimator.Change) Section {
	g := Grid{Columns: []Column{
		{Title: "setting"},
		{Title: "memory", Right: true},
		{Title: "speed", Right: true},
		{Title: "then needs", Right: true},
		{Title: "then"},
	}}
	for _, c := range list {
		then := text(Bad, "too big")
		if c.Fits {
			then = text(Good, "fits")
		}
		speed := ""
		if c.SpeedRatio > 0 {
			speed = signed(percent(c.SpeedRatio - 1))
		}
		g.Rows = append(g.Rows, []Span{
			text(Strong, c.Flags), plain(signed(GiB(c.DeviceBytesDelta))), plain(speed),
			plain(GiB(c.ResultDeviceBytes)), then,
		})
	}
	return sectionOf(title, g)
}

// findings are what the reader should know besides.
func findings(list []estimator.Finding) Section {
	s := Section{Title: "Findings"}
	tones := map[string]Tone{"error": Bad, "warning": Doubt, "info": Strong}
	for _, f := range list {
		s.Lines = append(s.Lines, item(1, text(tones[f.Severity], f.Severity+": "), plain(f.Message)))
		if f.Hint != "" {
			s.Lines = append(s.Lines, item(2, text(Faint, "→ "+f.Hint)))
		}
	}
	return s
}

// derivations are how each number came about.
func derivations(list []estimator.Derivation) Section {
	s := Section{Title: "How each number came about"}
	for _, d := range list {
		s.Lines = append(s.Lines, item(1, text(Strong, d.Quantity), plain(" = "+d.Result)))
		for _, part := range []string{d.Formula, d.Values} {
			if part != "" {
				s.Lines = append(s.Lines, item(2, plain("= "+part)))
			}
		}
		if d.Source != "" {
			s.Lines = append(s.Lines, item(2, text(Faint, "source: "+d.Source)))
		}
	}
	return s
}

// sectionOf is a section of one grid, or nothing where the grid is empty.
func sectionOf(title string, g Grid) Section {
	if len(g.Rows) == 0 {
		return Section{}
	}
	return Section{Title: title, Grids: []Grid{g}}
}

func integer(n int64) string { return strconv.FormatInt(n, 10) }

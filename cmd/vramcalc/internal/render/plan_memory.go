package render

import (
	"strings"

	"github.com/vramcalc/vramcalc/estimator"
)

// memory shows the capacity as a bar, the allocated memory by category, and
// the three figures.
func memory(r estimator.Report) Section {
	m := r.Memory
	s := Section{Title: "Memory"}
	if capacity := r.Device.CapacityBytes - r.Device.UsedBytes; capacity > 0 {
		used := fraction(float64(m.DeviceBytes), float64(capacity))
		of := GiB(m.DeviceBytes) + " of " + GiB(capacity) + "  " + percent(used) + "  "
		s.Lines = append(s.Lines, item(1, plain(of), Span{Tone: fitTone(r), Bar: &Bar{Fraction: used, Track: true}}))
	}
	g := Grid{Columns: []Column{
		{Title: "allocated at the peak"},
		{Title: "GiB", Right: true},
		{Title: "bytes", Right: true, Wide: true},
		{Title: "share", Right: true},
		{Title: "", Drop: 1},
	}}
	for _, c := range m.Breakdown {
		if c.Bytes == 0 {
			continue
		}
		share := fraction(float64(c.Bytes), float64(m.AllocatedBytes))
		g.Rows = append(g.Rows, []Span{
			plain(words(c.Category)), plain(gib(c.Bytes)), plain(integer(c.Bytes)),
			plain(percent(share)),
			{Bar: &Bar{Fraction: share}},
		})
	}
	if len(g.Rows) > 0 {
		s.Grids = append(s.Grids, g)
	}
	s.Grids = append(s.Grids, figures(m))
	return s
}

// figures are the three memory figures, the band of the last and the moment
// of the peak.
func figures(m estimator.Memory) Grid {
	g := Grid{Columns: []Column{
		{Title: "figure"},
		{Title: "GiB", Right: true},
		{Title: "bytes", Right: true, Wide: true},
		{Title: "what it is", Wrap: true},
	}}
	add := func(tone Tone, name string, bytes int64, note string) {
		g.Rows = append(g.Rows, []Span{
			text(tone, name), text(tone, gib(bytes)), text(tone, integer(bytes)), text(Faint, note),
		})
	}
	add(Plain, "allocated", m.AllocatedBytes, "tensors at the peak: "+m.PeakAt)
	add(Plain, "reserved", m.ReservedBytes, "held by PyTorch's caching allocator")
	add(Strong, "device", m.DeviceBytes, "what nvidia-smi shows: reserved + "+GiB(m.ContextBytes)+" context")
	if b := m.Band; b.HighBytes > 0 {
		g.Rows = append(g.Rows, []Span{
			plain("likely"), plain(gib(b.LowBytes) + "–" + gib(b.HighBytes)), plain(""), text(Faint, b.Basis),
		})
	}
	return g
}

func fitTone(r estimator.Report) Tone {
	_, tone := fitWord(r)
	return tone
}

// timeline is the memory phase by phase.
func timeline(r estimator.Report) Section {
	g := Grid{Columns: []Column{
		{Title: "phase"},
		{Title: "peak GiB", Right: true},
		{Title: "end GiB", Right: true},
		{Title: "peak at", Wrap: true},
		{Title: "", Drop: 1},
	}}
	for _, p := range r.Memory.Phases {
		g.Rows = append(g.Rows, []Span{
			plain(p.Phase), plain(gib(p.PeakBytes)), plain(gib(p.EndBytes)), plain(p.PeakAt),
			{Bar: &Bar{Fraction: fraction(float64(p.PeakBytes), float64(r.Memory.AllocatedBytes))}},
		})
	}
	s := sectionOf("Memory over one step, in the steady state", g)
	s.Wide = true
	return s
}

// words turns a JSON name into words.
func words(name string) string { return strings.ReplaceAll(name, "_", " ") }

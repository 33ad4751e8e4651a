package render

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/hardware/detect"
)

// Machine is the answer of gpus --local: the GPUs that are there.
type Machine struct {
	detect.Machine
	GPUs []LocalGPU // one per device
}

// LocalGPU is what is known about a device besides what the driver says.
type LocalGPU struct {
	Preset string // id, empty where no preset describes it
	Plans  []LargestPlan
}

// LargestPlan is the largest of some common models that fits a device as it
// is now.
type LargestPlan struct {
	Method string
	Model  string // id, empty where none fits
}

// Data is the stable JSON form.
func (m Machine) Data() any {
	return envelope("machine", Record{
		{Key: "found_by", Value: orNil(m.Way)},
		{Key: "driver", Value: orNil(m.Driver)},
		{Key: "cuda", Value: orNil(m.CUDA)},
		{Key: "devices", Value: m.Rows()},
		{Key: "links", Value: linkRecords(m.Links)},
		{Key: "findings", Value: findingList(m.Findings)},
	})
}

// Rows are the devices.
func (m Machine) Rows() []Record {
	rows := []Record{}
	for i, d := range m.Devices {
		rows = append(rows, m.GPUs[i].record(d))
	}
	return rows
}

func (g LocalGPU) record(d detect.Device) Record {
	r := Record{
		{Key: "index", Value: d.Index},
		{Key: "name", Value: d.Name},
		{Key: "preset", Value: orNil(g.Preset)},
		{Key: "uuid", Value: orNil(d.UUID)},
		{Key: "parent_uuid", Value: orNil(d.Parent)},
		{Key: "bus", Value: orNil(d.Bus)},
		{Key: "vendor", Value: orNil(d.Vendor)},
		{Key: "total_bytes", Value: positive(d.TotalBytes)},
		{Key: "free_bytes"},
		{Key: "used_bytes"},
		{Key: "reserved_bytes", Value: positive(d.ReservedBytes)},
		{Key: "memory_source", Value: orNil(d.Source)},
		{Key: "unified_memory", Value: d.Unified},
		{Key: "compute_capability", Value: orNil(d.ComputeCapability)},
		{Key: "sms", Value: positive(int64(d.SMs))},
		{Key: "clock_mhz", Value: positive(int64(d.ClockMHz))},
		{Key: "memory_clock_mhz", Value: positive(int64(d.MemoryClockMHz))},
		{Key: "power_limit_watts"},
		{Key: "ecc", Value: switchValue(d.ECC)},
		{Key: "display", Value: switchValue(d.Display)},
		{Key: "pcie_generation", Value: positive(int64(d.PCIeGeneration))},
		{Key: "pcie_width", Value: positive(int64(d.PCIeWidth))},
		{Key: "mig", Value: d.MIG},
		{Key: "processes", Value: processRecords(d.Processes)},
		{Key: "largest_plans", Value: planRecords(g.Plans)},
	}
	for i := range r {
		switch {
		case r[i].Key == "free_bytes" && d.FreeKnown:
			r[i].Value = d.FreeBytes
		case r[i].Key == "used_bytes" && d.FreeKnown:
			r[i].Value = d.UsedBytes
		case r[i].Key == "power_limit_watts" && d.PowerLimitWatts > 0:
			r[i].Value = d.PowerLimitWatts
		}
	}
	return r
}

// orNil is a word, or nil where nobody gave one.
func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func positive(n int64) any {
	if n <= 0 {
		return nil
	}
	return n
}

func switchValue(b *bool) any {
	if b == nil {
		return nil
	}
	return *b
}

func processRecords(list []detect.Process) any {
	records := []Record{}
	for _, p := range list {
		records = append(records, Record{{Key: "pid", Value: p.PID}, {Key: "name", Value: orNil(p.Name)}, {Key: "bytes", Value: positive(p.Bytes)}})
	}
	return records
}

func planRecords(list []LargestPlan) any {
	records := []Record{}
	for _, p := range list {
		records = append(records, Record{{Key: "method", Value: p.Method}, {Key: "model", Value: orNil(p.Model)}})
	}
	return records
}

func linkRecords(list []detect.Link) []Record {
	records := []Record{}
	for _, l := range list {
		rate := any(nil)
		if l.BytesPerSecond > 0 {
			rate = l.BytesPerSecond
		}
		records = append(records, Record{
			{Key: "a", Value: l.A},
			{Key: "b", Value: l.B},
			{Key: "kind", Value: l.Kind},
			{Key: "lanes", Value: l.Lanes},
			{Key: "bytes_per_second", Value: rate},
		})
	}
	return records
}

// findingList makes the findings of detection those of a report.
func findingList(list []detect.Finding) []estimator.Finding {
	out := []estimator.Finding{}
	for _, f := range list {
		out = append(out, estimator.Finding(f))
	}
	return out
}

// Sections are what is there, who uses it and what would fit.
func (m Machine) Sections() []Section {
	if len(m.Devices) == 0 {
		return slices.DeleteFunc(
			[]Section{{Lines: []Line{line(text(Doubt, "No GPU found on this machine"))}}, findings(findingList(m.Findings))},
			func(s Section) bool { return len(s.Lines) == 0 },
		)
	}
	found := plural(len(m.Devices), "GPU", "GPUs") + ", found by " + m.Way
	if m.Driver != "" {
		found += ", driver " + m.Driver
	}
	if m.CUDA != "" {
		found += ", CUDA " + m.CUDA
	}
	out := []Section{{Lines: []Line{line(text(Strong, found))}, Grids: []Grid{m.deviceGrid()}}}
	if links := m.linkLines(); len(links) > 0 {
		out = append(out, Section{Title: "Links", Lines: links})
	}
	if g := m.processGrid(); len(g.Rows) > 0 {
		out = append(out, Section{Title: "Who uses them", Grids: []Grid{g}})
	}
	out = append(out, Section{Title: "Largest common model that fits now, 1 × 2048 tokens, checkpointing", Grids: []Grid{m.planGrid()}})
	if f := findings(findingList(m.Findings)); len(f.Lines) > 0 {
		out = append(out, f)
	}
	return out
}

func (m Machine) deviceGrid() Grid {
	g := Grid{Columns: []Column{
		{Title: "GPU", Right: true},
		{Title: "name", Wrap: true},
		{Title: "preset", Drop: 2},
		{Title: "total GiB", Right: true},
		{Title: "free GiB", Right: true},
		{Title: "capability", Right: true, Drop: 3},
		{Title: "SMs", Right: true, Wide: true, Drop: 7},
		{Title: "power W", Right: true, Wide: true, Drop: 6},
		{Title: "PCIe", Wide: true, Drop: 5},
		{Title: "bus", Wide: true, Drop: 4},
		{Title: "UUID", Wide: true},
	}}
	for i, d := range m.Devices {
		free := "?"
		if d.FreeKnown {
			free = gib(d.FreeBytes)
		}
		preset := m.GPUs[i].Preset
		if preset == "" {
			preset = "none"
		}
		g.Rows = append(g.Rows, []Span{
			plain(strconv.Itoa(d.Index)), plain(d.Name), plain(preset), plain(gib(d.TotalBytes)), plain(free),
			plain(d.ComputeCapability), number(d.SMs), number(int(d.PowerLimitWatts)), plain(pcie(d)), plain(d.Bus), plain(d.UUID),
		})
	}
	return g
}

// number is a figure, empty where it is not known.
func number(n int) Span {
	if n <= 0 {
		return Span{}
	}
	return plain(strconv.Itoa(n))
}

// pcie is generation and lanes, as in "4x16"; empty where they are not known.
func pcie(d detect.Device) string {
	if d.PCIeGeneration <= 0 || d.PCIeWidth <= 0 {
		return ""
	}
	return fmt.Sprintf("%dx%d", d.PCIeGeneration, d.PCIeWidth)
}

// linkLines are the ways between GPUs, those that are alike on one line.
func (m Machine) linkLines() (lines []Line) {
	type way struct {
		kind  string
		lanes int
		rate  float64
	}
	var order []way
	pairs := map[way][]string{}
	for _, l := range m.Links {
		w := way{l.Kind, l.Lanes, l.BytesPerSecond}
		if pairs[w] == nil {
			order = append(order, w)
		}
		pairs[w] = append(pairs[w], fmt.Sprintf("%d–%d", l.A, l.B))
	}
	for _, w := range order {
		words := w.kind
		if w.lanes > 0 {
			words += ", " + plural(w.lanes, "link", "links")
		}
		if w.rate > 0 {
			words += ", " + Scaled(w.rate) + "B/s both ways together"
		}
		which := "GPU " + strings.Join(pairs[w], ", ")
		if n := m.whole(); len(pairs[w]) == n*(n-1)/2 && n > 2 {
			which = "every two GPUs"
		}
		lines = append(lines, item(1, text(Strong, which+": "), plain(words)))
	}
	return lines
}

// whole is the number of GPUs that are not instances of one.
func (m Machine) whole() (n int) {
	for _, d := range m.Devices {
		if d.Parent == "" {
			n++
		}
	}
	return n
}

func (m Machine) processGrid() Grid {
	g := Grid{Columns: []Column{{Title: "GPU", Right: true}, {Title: "PID", Right: true}, {Title: "GiB", Right: true}, {Title: "process", Wrap: true}}}
	for _, d := range m.Devices {
		for _, p := range d.Processes {
			size := "?"
			if p.Bytes > 0 {
				size = gib(p.Bytes)
			}
			g.Rows = append(g.Rows, []Span{plain(strconv.Itoa(d.Index)), plain(strconv.Itoa(p.PID)), plain(size), plain(p.Name)})
		}
	}
	return g
}

func (m Machine) planGrid() Grid {
	g := Grid{Columns: []Column{{Title: "GPU", Right: true}}}
	for _, p := range m.GPUs[0].Plans {
		g.Columns = append(g.Columns, Column{Title: p.Method})
	}
	for i, d := range m.Devices {
		row := []Span{plain(strconv.Itoa(d.Index))}
		for _, p := range m.GPUs[i].Plans {
			if p.Model == "" {
				row = append(row, text(Bad, "none"))
			} else {
				row = append(row, plain(p.Model))
			}
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}

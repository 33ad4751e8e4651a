package estimator

import (
	"fmt"
	"slices"

	"github.com/vramcalc/vramcalc/estimator/memory"
	"github.com/vramcalc/vramcalc/estimator/program"
	"github.com/vramcalc/vramcalc/hardware"
)

// depth is how far the reserved memory is looked into.
type depth uint8

const (
	replayed depth = iota // the allocator is replayed
	decided               // until the verdict is known
	tensors               // no further than the tensors
)

// tensorsWith is the memory of a step's tensors on cards with a size of workspaces.
type tensorsWith struct {
	workspace int64
	memory    Memory
}

// allocated is the memory of a program's tensors, which devices with equal
// workspaces share, beside the context of one.
func (e *engine) allocated(p program.Program, plan memory.Plan, cal *hardware.Calibration) (m Memory) {
	at := slices.IndexFunc(e.step.tensors, func(t tensorsWith) bool { return t.workspace == plan.Workspaces[0] })
	if at < 0 {
		at = len(e.step.tensors)
		e.step.tensors = append(e.step.tensors, tensorsWith{plan.Workspaces[0], e.read(p, plan)})
	}
	m = e.step.tensors[at].memory
	m.Breakdown, m.Phases = slices.Clone(m.Breakdown), slices.Clone(m.Phases)
	m.ContextBytes, m.ContextSource = hardware.DefaultContext()
	if cal != nil {
		m.ContextBytes, m.ContextSource = cal.Context()
	}
	return m
}

// read is the memory of a program's tensors, at its peak and by phase.
func (e *engine) read(p program.Program, plan memory.Plan) Memory {
	rd := e.replayer.Read(p, plan)
	m := Memory{AllocatedBytes: rd.Peak}
	if e.depth == tensors { // how much it is, and no story
		return m
	}
	m.PeakAt = place(p, rd.At)
	for c, bytes := range e.replayer.Explain(p, plan, rd.At) {
		if bytes != 0 {
			m.Breakdown = append(m.Breakdown, Category{program.Category(c).String(), bytes})
		}
	}
	for _, mark := range rd.Phases() {
		m.Phases = append(m.Phases, Phase{mark.Phase.String(), mark.Peak, place(p, mark.At), mark.End})
	}
	return m
}

// readMemory reads the program as bytes: what is allocated, and what the
// allocator then holds on the report's device.
func (rep *Report) readMemory(e *engine, p program.Program, plan memory.Plan, cal *hardware.Calibration) {
	rep.Memory = e.allocated(p, plan, cal)
	m, class, free := &rep.Memory, BandClass(rep), rep.free()
	settle := func(reserved int64) {
		m.ReservedBytes, m.DeviceBytes = reserved, reserved+m.ContextBytes
		m.Band = memoryBand(m.DeviceBytes, class)
	}
	settle(m.AllocatedBytes)
	hopeless := rep.Device.CapacityBytes > 0 && m.Band.LowBytes > free
	if e.depth == tensors || e.depth == decided && hopeless {
		m.AtLeast = true
		return
	}
	settle(e.reserve(p, plan, 0).reserved)
	if room := free - m.ContextBytes; m.AllocatedBytes <= room && room < m.ReservedBytes {
		if within := e.reserve(p, plan, room); !within.outOfMemory {
			m.CacheReturned = true
			settle(within.reserved)
		}
	}
}

// reserve is the peak of what the caching allocator holds on a card with so
// much room, 0 for as much as it wants: before it gives up it returns its
// cached segments to the device.
func (e *engine) reserve(p program.Program, plan memory.Plan, room int64) reservation {
	if e.step.print == (memory.Fingerprint{}) {
		e.step.print = e.replayer.Fingerprint(p, plan)
	}
	return replays.of(replay{e.step.print, plan.Workspaces[0], room}, func() reservation {
		e.allocator.Reset()
		e.allocator.Limit = room
		e.replayer.Reserve(p, plan, &e.allocator)
		return reservation{e.allocator.PeakReserved, e.allocator.OutOfMemory}
	})
}

// place words a moment of the replay: phase, layer and operation.
func place(p program.Program, at memory.Point) string {
	s := at.Phase.String()
	if at.Recompute {
		s += " (recomputation)"
	}
	if at.Op == program.Never || at.Block < 0 {
		return s
	}
	o := &p.Ops[at.Op]
	b := &p.Blocks[at.Block]
	if b.First >= 0 {
		return fmt.Sprintf("%s, layer %d, %s: %s", s, b.First+at.Repeat, o.Module, o.Name)
	}
	return fmt.Sprintf("%s, %s: %s", s, o.Module, o.Name)
}

package estimator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vramcalc/vramcalc/estimator/memory"
	"github.com/vramcalc/vramcalc/estimator/program"
	"github.com/vramcalc/vramcalc/estimator/throughput"
	"github.com/vramcalc/vramcalc/hardware"
)

// Explain derives the numbers of a report: what is alive at the peak, tensor
// by tensor in symbols, how reserved and device memory follow, and how the
// step's time is made up.
func Explain(req Request) (ds []Derivation, err error) {
	err = stepOf(req, func(e *engine, r *resolved, p program.Program, plan memory.Plan, cal *hardware.Calibration) {
		var rep Report
		rep.describe(r, p)
		ds = append([]Derivation{symbols(r)}, e.alive(p, plan)...)
		rep.readMemory(e, p, plan, cal)
		ds = append(ds, totals(rep.Memory)...)
		if cal != nil {
			ds = append(ds, timing(r, p, plan, cal)...)
		}
	})
	return ds, err
}

// symbols says what the letters in the shapes stand for.
func symbols(r *resolved) Derivation {
	m, i := &r.req.Model, &r.info
	return Derivation{
		Quantity: "symbols", Formula: "b, s, h, n, g, d, f, V, L, r",
		Values: fmt.Sprintf("b=%d sequences, s=%d tokens, h=%d hidden, n=%d heads, g=%d key-value heads, d=%d head dimension, f=%d MLP width, V=%d vocabulary, L=%d layers, r=%d rank",
			i.MicroBatch, i.SeqLen, m.Hidden, m.Heads, m.KVHeads, m.HeadDim, m.Intermediate, m.Vocab, m.Layers, i.LoRARank),
		Result: m.ID, Source: m.Source,
	}
}

// aliveKey groups equal tensors at the peak.
type aliveKey struct {
	cat           program.Category
	module, shape string
}

type aliveSum struct {
	bytes int64
	count int64
	order int
}

// alive lists the tensors at the peak, grouped by module and shape, the
// largest first; small ones are summed.
func (e *engine) alive(p program.Program, plan memory.Plan) []Derivation {
	rd := e.replayer.Read(p, plan)
	groups := map[aliveKey]*aliveSum{}
	var live, best int64
	current := map[int32]memory.Event{}
	var atPeak []memory.Event
	done := false
	e.replayer.Walk(p, plan, func(ev memory.Event) {
		if done {
			return
		}
		live += ev.Bytes
		if ev.Bytes < 0 {
			delete(current, ev.Handle)
			return
		}
		current[ev.Handle] = ev
		if live > best {
			best = live
			if live == rd.Peak {
				for _, c := range current {
					atPeak = append(atPeak, c)
				}
				done = true
			}
		}
	})
	for _, ev := range atPeak {
		k := keyOf(p, ev)
		if groups[k] == nil {
			groups[k] = &aliveSum{order: len(groups)}
		}
		groups[k].bytes += ev.Bytes
		groups[k].count++
	}
	return listAlive(groups, rd.Peak, place(p, rd.At))
}

// keyOf names the group of an allocation.
func keyOf(p program.Program, ev memory.Event) aliveKey {
	if ev.Storage == program.Never {
		if ev.Phase == memory.Load {
			return aliveKey{cat: program.Weights, module: "parameters, constants and workspaces"}
		}
		return aliveKey{cat: program.Inputs, module: "inputs", shape: "b·s"}
	}
	s := &p.Storages[ev.Storage]
	k := aliveKey{cat: s.Cat, shape: s.Shape}
	if s.Born >= 0 {
		k.module = p.Ops[s.Born].Module + " " + p.Ops[s.Born].Name
	}
	return k
}

// shownTensors is how many groups of tensors an explanation lists.
const shownTensors = 16

func listAlive(groups map[aliveKey]*aliveSum, peak int64, where string) []Derivation {
	keys := make([]aliveKey, 0, len(groups))
	for k := range groups {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b aliveKey) int {
		x, y := groups[a], groups[b]
		if x.bytes != y.bytes {
			return int(max(-1, min(1, y.bytes-x.bytes)))
		}
		return strings.Compare(a.module+a.shape, b.module+b.shape)
	})
	var ds []Derivation
	var rest, restCount int64
	for i, k := range keys {
		g := groups[k]
		if i >= shownTensors {
			rest += g.bytes
			restCount += g.count
			continue
		}
		ds = append(ds, Derivation{
			Quantity: "at the peak: " + k.cat.String(), Formula: k.module + " [" + k.shape + "]",
			Values: fmt.Sprintf("%d tensors", g.count), Result: gib(g.bytes), Source: "replay of the step program",
		})
	}
	if restCount > 0 {
		ds = append(ds, Derivation{Quantity: "at the peak: the rest", Formula: "smaller tensors", Values: fmt.Sprintf("%d tensors", restCount), Result: gib(rest), Source: "replay of the step program"})
	}
	return append(ds, Derivation{Quantity: "allocated", Formula: "sum of the above", Values: "at " + where, Result: gib(peak), Source: "each size rounded up to 512 B (c10/cuda/CUDACachingAllocator.cpp)"})
}

func totals(m Memory) []Derivation {
	segments := "2 MiB segments up to 1 MiB, 20 MiB up to 10 MiB, own ones above"
	if m.CacheReturned {
		segments += "; unused ones returned when the card is full"
	}
	return []Derivation{
		{Quantity: "reserved", Formula: "segments that the caching allocator holds", Values: segments, Result: gib(m.ReservedBytes), Source: "replay of PyTorch's allocator (c10/cuda/CUDACachingAllocator.cpp)"},
		{Quantity: "device", Formula: "reserved + context", Values: gib(m.ReservedBytes) + " + " + gib(m.ContextBytes), Result: gib(m.DeviceBytes), Source: m.ContextSource},
	}
}

// timing splits the step's time.
func timing(r *resolved, p program.Program, plan memory.Plan, cal *hardware.Calibration) []Derivation {
	rd := throughput.Read(p, throughput.Plan{GradAccum: r.info.GradAccum, Optimizer: plan.Optimizer, TF32: r.info.Precision == "tf32"}, cal)
	var ds []Derivation
	for part, s := range rd.Parts {
		if s > 0 {
			ds = append(ds, Derivation{Quantity: "time: " + throughput.Part(part).String(), Formula: "Σ operations at achieved rates", Values: fmt.Sprintf("%.1f %% of the step", 100*s/rd.Seconds), Result: fmt.Sprintf("%.4g s", s), Source: "roofline per operation (package hardware)"})
		}
	}
	peak := r.peakRate()
	ds = append(ds, Derivation{Quantity: "step", Formula: "sum of the parts", Values: fmt.Sprintf("%d kernels, %.4g FLOPs", rd.Kernels, rd.FLOPs), Result: fmt.Sprintf("%.4g s", rd.Seconds), Source: "two clocks: the GPU's and the CPU's that launches"})
	if peak > 0 {
		ds = append(ds,
			Derivation{Quantity: "MFU", Formula: "model FLOPs / (step · peak)", Values: fmt.Sprintf("%.4g / (%.4g s · %.4g FLOP/s)", rd.Model, rd.Seconds, peak), Result: fmt.Sprintf("%.1f %%", 100*rd.Model/rd.Seconds/peak), Source: "Chowdhery et al. 2022, PaLM, appendix B"},
			Derivation{Quantity: "HFU", Formula: "executed FLOPs / (step · peak)", Values: fmt.Sprintf("%.4g / (%.4g s · %.4g FLOP/s)", rd.Hardware, rd.Seconds, peak), Result: fmt.Sprintf("%.1f %%", 100*rd.Hardware/rd.Seconds/peak), Source: "the same, recomputation counted"})
	}
	return ds
}

func gib(bytes int64) string { return fmt.Sprintf("%.3f GiB", float64(bytes)/(1<<30)) }

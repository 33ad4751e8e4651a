package memory

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/vramcalc/vramcalc/estimator/program"
)

// Fingerprint identifies what the allocator is asked for in a replay, whatever
// the operations compute and in which type: two programs with the same one
// hold the same memory. It is of this process alone.
type Fingerprint [2]uint64

// seeds make two hashes of 64 bits: among the replays of a lifetime no two
// different ones are the same in both.
var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// Fingerprint is that of a program under a plan, but for the plan's workspaces.
func (r *Replayer) Fingerprint(p program.Program, plan Plan) Fingerprint {
	r.open(p, plan)
	return r.walker.fingerprint()
}

func (w *walker) fingerprint() Fingerprint {
	b := w.said[:0]
	say := func(numbers ...int64) {
		for _, n := range numbers {
			b = binary.LittleEndian.AppendUint64(b, uint64(n))
		}
	}
	say(int64(w.plan.Steps), w.plan.GradAccum, int64(w.plan.Optimizer), inputBytes(w.p))
	for i := range w.p.Params {
		q := &w.p.Params[i]
		say(q.Count)
		q.EachTensor(func(bytes int64, _ program.Category) { say(bytes) })
		say(-1)
	}
	for i := range w.p.Blocks {
		k, s := &w.p.Blocks[i], &w.scripts[i]
		say(k.Count)
		for _, x := range [...]int32{
			k.StLo, k.StHi, k.In, k.Out, k.GradIn, k.GradOut, k.CarryIn, k.CarryOut, s.forward.lo, s.forward.hi, s.steady.lo, s.steady.hi,
			s.backwardFirst.lo, s.backwardFirst.hi, s.backwardAgain.lo, s.backwardAgain.hi,
		} {
			b = binary.LittleEndian.AppendUint32(b, uint32(x))
		}
	}
	for i := range w.p.Storages {
		say(w.p.Storages[i].Bytes, int64(w.p.Storages[i].Times))
	}
	for _, c := range w.codes {
		b = binary.LittleEndian.AppendUint32(b, uint32(c))
	}
	w.said = b
	return Fingerprint{maphash.Bytes(seeds[0], b), maphash.Bytes(seeds[1], b)}
}

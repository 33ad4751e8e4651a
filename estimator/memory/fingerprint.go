package memory

import "github.com/vramcalc/vramcalc/estimator/program"

// Fingerprint identifies what the allocator is asked for in a replay, whatever
// the operations compute and in which type: two programs with the same one
// hold the same memory. Its two hashes of 64 bits mix in every number on their
// own, so that different replays of a lifetime differ in one of them.
type Fingerprint [2]uint64

// say mixes numbers in: multiplication by an odd constant (of the golden ratio,
// and of Vigna's SplitMix64), and a shift of the high bits down.
func (f *Fingerprint) say(numbers ...int64) {
	a, b := f[0], f[1]
	for _, n := range numbers {
		a = (a ^ uint64(n)) * 0x9e3779b97f4a7c15
		a ^= a >> 32
		b = (b + uint64(n)) * 0xbf58476d1ce4e5b9
		b ^= b >> 29
	}
	f[0], f[1] = a, b
}

// Fingerprint is that of a program under a plan, but for the plan's workspaces.
func (r *Replayer) Fingerprint(p program.Program, plan Plan) (f Fingerprint) {
	r.open(p, plan)
	w := &r.walker
	f.say(int64(plan.Steps), int64(plan.micros()), int64(plan.Optimizer), inputBytes(p)*plan.batches(), flag(plan.Lingers))
	for i := range p.Params {
		q := &p.Params[i]
		f.say(q.Count)
		q.EachTensor(func(bytes int64, _ program.Category) { f.say(bytes) })
	}
	for i := range p.Blocks {
		f.block(&p.Blocks[i])
		s := &w.scripts[i]
		for _, part := range [...]span{s.forward, s.steady, s.backwardFirst, s.backwardAgain} {
			f.say(int64(part.lo), int64(part.hi))
		}
	}
	for i := range p.Storages {
		f.say(p.Storages[i].Bytes, int64(p.Storages[i].Times))
	}
	for i := 1; i < len(w.codes); i += 2 {
		f.say(int64(w.codes[i-1])<<32 | int64(w.codes[i]))
	}
	if n := len(w.codes); n%2 == 1 {
		f.say(int64(w.codes[n-1]))
	}
	return f
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// block mixes in what a block hands on.
func (f *Fingerprint) block(b *program.Block) {
	f.say(b.Count)
	for _, st := range [...]int32{b.StLo, b.StHi, b.FwdEnd, b.In, b.Out, b.GradIn, b.GradOut, b.CarryIn, b.CarryOut} {
		f.say(int64(st))
	}
}

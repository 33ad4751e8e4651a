package estimator

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
)

// alternative is one setting that may save memory.
type alternative struct {
	flags string
	apply func(*Request)
}

// Changes are single settings that would save memory, each computed by
// [Estimate] as if its flags were added to the question, the widest effect
// first: what another method brings along, such as checkpointing, counts.
// Settings that save less than one percent are left out.
func Changes(req Request, rep Report) []Change {
	as := alternatives(rep)
	changes := make([]*Change, len(as))
	var all sync.WaitGroup
	for i, a := range as {
		all.Go(func() { changes[i] = a.change(req, rep) })
	}
	all.Wait()
	var worth []Change
	for _, c := range changes {
		if c != nil && c.DeviceBytesDelta < -rep.Memory.DeviceBytes/100 {
			worth = append(worth, *c)
		}
	}
	slices.SortStableFunc(worth, func(a, b Change) int { return cmp.Compare(a.DeviceBytesDelta, b.DeviceBytesDelta) })
	return worth
}

// change is the effect of an alternative on a request: nil when the setting
// does not go with the others.
func (a alternative) change(req Request, before Report) *Change {
	a.apply(&req)
	after, err := Estimate(req)
	if err != nil {
		return nil
	}
	c := &Change{
		Flags: a.flags, DeviceBytesDelta: after.Memory.DeviceBytes - before.Memory.DeviceBytes,
		ResultDeviceBytes: after.Memory.DeviceBytes, Fits: after.Fit != nil && after.Fit.Fits,
	}
	if after.Throughput != nil && before.Throughput != nil {
		c.SpeedRatio = after.Throughput.TokensPerSecond / before.Throughput.TokensPerSecond
	}
	return c
}

// alternatives are the settings to try, one at a time.
func alternatives(rep Report) []alternative {
	t := &rep.Training
	var as []alternative
	try := func(flags string, apply func(*Request)) { as = append(as, alternative{flags, apply}) }
	if t.Checkpointing == "none" {
		try("--checkpointing full", func(r *Request) { r.Training.Checkpointing = "full" })
	}
	if t.Loss == "standard" {
		try("--loss fused", func(r *Request) { r.Training.Loss = "fused" })
	}
	if t.Attention == "eager" {
		try("--attention sdpa", func(r *Request) { r.Training.Attention = "sdpa" })
	}
	if t.Optimizer == "adamw" || t.Optimizer == "adamw-fused" {
		try("--optimizer adamw-8bit", func(r *Request) { r.Training.Optimizer = "adamw-8bit" })
	}
	if t.MicroBatch > 1 {
		half := t.MicroBatch / 2
		accum := t.GradAccum * t.MicroBatch / half
		try(fmt.Sprintf("--micro-batch %d --grad-accum %d", half, accum), func(r *Request) { r.Training.MicroBatch, r.Training.GradAccum = half, accum })
		if half > 1 {
			all := t.GradAccum * t.MicroBatch
			try(fmt.Sprintf("--micro-batch 1 --grad-accum %d", all), func(r *Request) { r.Training.MicroBatch, r.Training.GradAccum = 1, all })
		}
	}
	if t.SeqLen > 512 {
		try(fmt.Sprintf("--seq-len %d", t.SeqLen/2), func(r *Request) { r.Training.SeqLen = t.SeqLen / 2 })
	}
	if t.Precision == "fp32" || t.Precision == "tf32" {
		try("--precision bf16", func(r *Request) { r.Training.Precision = "bf16" })
	}
	return append(as, otherMethods(rep)...)
}

// otherMethods train less, or store the base in less.
func otherMethods(rep Report) (as []alternative) {
	method := func(id string) alternative {
		return alternative{"--method " + id, func(r *Request) {
			r.Method.ID, r.Method.TrainableLayers = id, 0 // only freeze has layers to choose
		}}
	}
	switch rep.Method.ID {
	case "full", "freeze":
		return []alternative{method("lora"), method("qlora")}
	case "lora", "dora":
		return []alternative{method("qlora")}
	case "qlora":
		if rep.Training.Quant == "int8" {
			return []alternative{{"--quant nf4", func(r *Request) { r.Method.Quant = "nf4" }}}
		}
		if !rep.Training.DoubleQuant {
			return []alternative{{"--double-quant", func(r *Request) { yes := true; r.Method.DoubleQuant = &yes }}}
		}
	}
	return nil
}

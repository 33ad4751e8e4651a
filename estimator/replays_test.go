package estimator

import (
	"reflect"
	"testing"

	"github.com/vramcalc/vramcalc/estimator/memory"
	"github.com/vramcalc/vramcalc/presets"
)

// prints are the fingerprints of a request with each of several settings.
func prints(t *testing.T, change func(*Request, string), values ...string) []memory.Fingerprint {
	t.Helper()
	var all []memory.Fingerprint
	for _, v := range values {
		m, err := presets.Model("qwen2.5-0.5b")
		if err != nil {
			t.Fatal(err)
		}
		req := Request{Model: m, Method: Method{ID: "lora"}, Training: Training{MicroBatch: 1, SeqLen: 64}}
		change(&req, v)
		r, err := resolve(req)
		if err != nil {
			t.Fatal(err)
		}
		e := new(engine)
		if err := e.hold(r); err != nil {
			t.Fatal(err)
		}
		e.reserve(e.step.program, e.step.plan, 0)
		all = append(all, e.step.print)
	}
	return all
}

// TestFingerprint: settings that change no byte share a replay, those that do
// have one of their own.
func TestFingerprint(t *testing.T) {
	precision := func(r *Request, v string) { r.Training.Precision = v }
	for _, same := range [][2]string{{"fp32", "tf32"}, {"bf16", "fp16"}, {"bf16-mixed", "fp16-mixed"}} {
		if p := prints(t, precision, same[:]...); p[0] != p[1] {
			t.Errorf("%v: two replays", same)
		}
	}
	for name, p := range map[string][]memory.Fingerprint{
		"precision":     prints(t, precision, "fp32", "bf16", "bf16-mixed"),
		"micro-batch":   prints(t, func(r *Request, v string) { r.Training.MicroBatch = int64(len(v)) }, "1", "22", "333"),
		"layers":        prints(t, func(r *Request, v string) { r.Model.Layers = int64(len(v)) }, "1", "22", "333"),
		"grad-accum":    prints(t, func(r *Request, v string) { r.Training.GradAccum = int64(len(v)) }, "1", "22", "333"),
		"checkpointing": prints(t, func(r *Request, v string) { r.Training.Checkpointing = v }, "none", "full"),
		"optimizer":     prints(t, func(r *Request, v string) { r.Training.Optimizer = v }, "adamw", "adamw-8bit", "sgd"),
		"loss":          prints(t, func(r *Request, v string) { r.Training.Loss = v }, "standard", "chunked", "fused"),
	} {
		for i := range p {
			for j := range i {
				if p[i] == p[j] {
					t.Errorf("%s: values %d and %d share a replay", name, j, i)
				}
			}
		}
	}
}

// TestRemembered: what is remembered is what a replay gives.
func TestRemembered(t *testing.T) {
	m, err := presets.Model("qwen2.5-0.5b")
	if err != nil {
		t.Fatal(err)
	}
	g, err := presets.GPU("rtx-4060")
	if err != nil {
		t.Fatal(err)
	}
	estimates := func(between func()) (all []Report) {
		for _, batch := range []int64{1, 7, 8, 1} {
			for _, precision := range []string{"fp32", "tf32", "bf16", "fp16"} {
				between()
				rep, err := Estimate(Request{
					Model: m, Method: Method{ID: "full"}, Device: Device{GPU: g},
					Training: Training{MicroBatch: batch, SeqLen: 512, Precision: precision},
				})
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, rep)
			}
		}
		return all
	}
	if !reflect.DeepEqual(estimates(func() {}), estimates(replays.forget)) {
		t.Error("a remembered replay changes a report")
	}
	for i := range mostReplays + 1 {
		replays.of(replay{room: int64(-1 - i)}, func() reservation { return reservation{} })
	}
	if n := len(replays.known); n > mostReplays {
		t.Errorf("%d replays are remembered, the most is %d", n, mostReplays)
	}
}

// forget forgets all: a benchmark of replays does them.
func (m *remembered) forget() {
	m.Lock()
	defer m.Unlock()
	m.known = nil
}

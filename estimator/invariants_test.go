package estimator_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/memory"
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/estimator/modules"
	"github.com/vramcalc/vramcalc/hardware"
	"github.com/vramcalc/vramcalc/presets"
)

func gpu(t testing.TB, id string) hardware.GPU {
	t.Helper()
	g, err := presets.GPU(id)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// dense are the presets that the engine builds.
func dense(t testing.TB) []model.Model {
	t.Helper()
	all := presets.Models()
	var ms []model.Model
	for _, m := range all {
		if m.Kind == "decoder" {
			ms = append(ms, m)
		}
	}
	return ms
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// randomRequest is a request with every choice left to chance.
func randomRequest(r *rand.Rand, models []model.Model) estimator.Request {
	m := pick(r, models...)
	m.Layers = min(m.Layers, 1+r.Int64N(8))
	m.SlidingLayers, m.NoPELayers = min(m.SlidingLayers, m.Layers), min(m.NoPELayers, m.Layers)
	req := estimator.Request{Model: m}
	req.Method.ID = pick(r, "full", "freeze", "lora", "dora", "qlora")
	req.Training = estimator.Training{
		MicroBatch: 1 + r.Int64N(4), SeqLen: 16 << r.IntN(6), GradAccum: 1 + r.Int64N(3),
		Precision:     pick(r, "", "fp32", "tf32", "fp16", "bf16", "fp16-mixed", "bf16-mixed"),
		WeightsDType:  pick(r, "", "", "float32", "bfloat16", "float16"),
		Optimizer:     pick(r, "", "adamw", "adamw-fused", "adamw-8bit", "paged-adamw-8bit", "sgd", "sgd-momentum", "lion"),
		Checkpointing: pick(r, "", "none", "full"),
		Loss:          pick(r, "", "standard", "chunked", "fused"),
		Trainer:       pick(r, "", "hf", "trl", "trl@1.6"),
	}
	if req.Method.ID == "qlora" {
		req.Method.Quant = pick(r, "", "nf4", "fp4", "int8")
	}
	withKernels(rand.New(rand.NewPCG(uint64(m.Parameters), uint64(req.Training.SeqLen))), &req)
	return req
}

// withKernels adds fused kernels where there are some for the family, and
// versions of transformers that checkpoint and attend otherwise.
func withKernels(r *rand.Rand, req *estimator.Request) {
	nested := true
	if req.Training.Trainer == "hf" {
		req.Training.Trainer = pick(r, "hf", "hf@4.57", "hf@4.45")
	}
	switch patches := func(k modules.Kernels) bool { return k.Patches(req.Model.ModelType) }; {
	case r.IntN(2) == 0:
	case r.IntN(2) == 0 && patches(modules.FOAKKernels):
		req.Training.Kernels = "foak"
		if req.Method.ID == "qlora" {
			req.Method.Quant, req.Method.DoubleQuant = "nf4", &nested
		}
	case patches(modules.LigerKernels):
		req.Training.Kernels = "liger"
	}
}

// TestInvariants holds what must be true of every answer.
func TestInvariants(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	models := dense(t)
	card := gpu(t, "a100-80gb-sxm")
	answered := 0
	for range 1500 {
		req := randomRequest(r, models)
		req.Device.GPU = card
		rep, err := estimator.Estimate(req)
		if err != nil {
			continue // a contradiction drawn by chance
		}
		answered++
		checkReport(t, req, rep)
	}
	if answered < 1000 {
		t.Fatalf("only %d of 1500 requests were answered", answered)
	}
}

func checkReport(t *testing.T, req estimator.Request, rep estimator.Report) {
	t.Helper()
	m := rep.Memory
	var sum int64
	for _, c := range m.Breakdown {
		if c.Bytes < 0 {
			t.Fatalf("%+v: %s is negative: %d", req, c.Category, c.Bytes)
		}
		sum += c.Bytes
	}
	if sum != m.AllocatedBytes {
		t.Fatalf("%s %+v %+v: the breakdown sums to %d, allocated is %d (peak at %s)", req.Model.ID, req.Method, req.Training, sum, m.AllocatedBytes, m.PeakAt)
	}
	if m.ReservedBytes < m.AllocatedBytes || m.DeviceBytes < m.ReservedBytes {
		t.Fatalf("%s %+v: allocated %d, reserved %d, device %d are not in order", req.Model.ID, req.Training, m.AllocatedBytes, m.ReservedBytes, m.DeviceBytes)
	}
	tp := rep.Throughput
	if tp == nil || !(tp.StepSeconds > 0) || !(tp.MFU > 0) || tp.HFU < tp.MFU*0.999 {
		t.Fatalf("%s %+v: throughput %+v", req.Model.ID, req.Training, tp)
	}
	if rep.Training.Quant != "int8" && tp.MFU > 1 { // int8 products outrun the rate of the precision
		t.Fatalf("%s %+v: MFU %g", req.Model.ID, rep.Training, tp.MFU)
	}
	var parts float64
	for _, p := range tp.Parts {
		parts += p.Seconds
	}
	if d := parts/tp.StepSeconds - 1; d > 1e-9 || d < -1e-9 {
		t.Fatalf("the parts sum to %g s, the step is %g s", parts, tp.StepSeconds)
	}
}

// TestWalkAgreesWithRead compares the two replays: the one that walks every
// layer and the one that walks each kind of layer once.
func TestWalkAgreesWithRead(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	models := dense(t)
	for range 300 {
		req := randomRequest(r, models)
		s, err := estimator.ReadShape(req)
		if err != nil {
			continue
		}
		var live, peak int64
		open := map[int32]int64{}
		s.Events(func(ev memory.Event) {
			live += ev.Bytes
			peak = max(peak, live)
			if ev.Bytes >= 0 {
				open[ev.Handle] = ev.Bytes
				return
			}
			if open[ev.Handle] != -ev.Bytes {
				t.Fatalf("%s %+v %+v: %d bytes of handle %d are freed, it holds %d", req.Model.ID, req.Method, req.Training, -ev.Bytes, ev.Handle, open[ev.Handle])
			}
			delete(open, ev.Handle)
		})
		if peak != s.Reading.Peak {
			t.Errorf("%s %+v %+v: walking every layer peaks at %d, reading at %d", req.Model.ID, req.Method, req.Training, peak, s.Reading.Peak)
		}
	}
}

// TestMonotone: more of anything never needs less.
func TestMonotone(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	models := dense(t)
	grow := map[string]func(*estimator.Request){
		"micro-batch": func(q *estimator.Request) { q.Training.MicroBatch++ },
		"seq-len":     func(q *estimator.Request) { q.Training.SeqLen *= 2 },
		"layers":      func(q *estimator.Request) { q.Model.Layers++ },
		"vocabulary":  func(q *estimator.Request) { q.Model.Vocab += 1 << 15 }, // a tile of TRL's chunked loss: a part of one can need less than a whole
		"rank": func(q *estimator.Request) {
			if q.Method.LoRARank > 0 {
				q.Method.LoRARank *= 2
			}
		},
	}
	for range 150 {
		req := randomRequest(r, models)
		if req.Method.ID == "lora" || req.Method.ID == "qlora" {
			req.Method.LoRARank = 8
		}
		if req.Training.Loss == "fused" {
			req.Training.Loss = "standard" // Liger's chunks are powers of two: more tokens can mean smaller ones
		}
		before, err := estimator.ReadShape(req)
		if err != nil {
			continue
		}
		for what, f := range grow {
			more := req
			f(&more)
			after, err := estimator.ReadShape(more)
			if err != nil {
				continue
			}
			if after.Reading.Peak < before.Reading.Peak {
				t.Errorf("%s %+v %+v: more %s needs less: %d after %d", req.Model.ID, req.Method, req.Training, what, after.Reading.Peak, before.Reading.Peak)
			}
		}
	}
}

// TestOrder: QLoRA ≤ LoRA ≤ full, and checkpointing never costs memory in
// models of four layers or more.
func TestOrder(t *testing.T) {
	peak := func(m model.Model, method, checkpointing string) int64 {
		t.Helper()
		s, err := estimator.ReadShape(estimator.Request{
			Model: m, Method: estimator.Method{ID: method},
			Training: estimator.Training{MicroBatch: 2, SeqLen: 512, Precision: "bf16", WeightsDType: "bfloat16", Checkpointing: checkpointing, Loss: "standard"},
		})
		if err != nil {
			t.Fatalf("%s: %v", m.ID, err)
		}
		return s.Reading.Peak
	}
	for _, m := range dense(t) {
		if m.MaxPosition < 512 || m.Layers < 4 {
			continue
		}
		full, lora, qlora := peak(m, "full", "full"), peak(m, "lora", "full"), peak(m, "qlora", "full")
		if m.Parameters > 3e8 && (lora > full || qlora > lora) {
			t.Errorf("%s: full %d, lora %d, qlora %d are not in order", m.ID, full, lora, qlora)
		}
		for _, method := range []string{"full", "lora"} {
			if with, without := peak(m, method, "full"), peak(m, method, "none"); with > without {
				t.Errorf("%s %s: checkpointing raises the peak from %d to %d", m.ID, method, without, with)
			}
		}
	}
}

// TestSameBytes: the same question twice has the same answer, byte for byte,
// by its preset's id and by its alias.
func TestSameBytes(t *testing.T) {
	answer := func(name string) string {
		m, err := presets.Model(name)
		if err != nil {
			t.Fatal(err)
		}
		rep, err := estimator.Estimate(estimator.Request{Model: m, Method: estimator.Method{ID: "lora"}, Device: estimator.Device{GPU: gpu(t, "rtx-4090")}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(rep)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if a, b := answer("llama-7b"), answer("LLAMA_7B"); a != b {
		t.Error("two names of one model give two answers")
	}
	if a, b := answer("llama-7b"), answer("llama-7b"); a != b {
		t.Error("the same request gives two answers")
	}
}

// TestDepthIsFlat: identical layers are built once.
func TestDepthIsFlat(t *testing.T) {
	m, err := presets.Model("llama-7b")
	if err != nil {
		t.Fatal(err)
	}
	count := func(layers int64) int {
		m.Layers = layers
		s, err := estimator.ReadShape(estimator.Request{Model: m, Method: estimator.Method{ID: "lora"}})
		if err != nil {
			t.Fatal(err)
		}
		return len(s.Program.Ops)
	}
	if a, b := count(32), count(80); a != b {
		t.Errorf("32 layers make %d operations, 80 layers %d", a, b)
	}
}

// FuzzRequest: no request panics, and every error says something.
func FuzzRequest(f *testing.F) {
	f.Add(uint64(1), int64(32), int64(4096), int64(32), int64(32), int64(8), int64(2048), int64(1), "bf16", "lora", 0.0)
	f.Add(uint64(2), int64(-1), int64(0), int64(1<<62), int64(-5), int64(1e9), int64(1<<40), int64(-1), "fp64", "", 1e300)
	models := dense(f)
	f.Fuzz(func(t *testing.T, seed uint64, layers, hidden, heads, kv, batch, seq, rank int64, precision, method string, dropout float64) {
		r := rand.New(rand.NewPCG(seed, 7))
		req := randomRequest(r, models)
		if seed%2 == 0 {
			req.Model.Layers, req.Model.Hidden, req.Model.Heads, req.Model.KVHeads = layers, hidden, heads, kv
		}
		req.Model.ResidualDropout = dropout
		req.Training.MicroBatch, req.Training.SeqLen, req.Training.Precision = batch, seq, precision
		req.Method.ID, req.Method.LoRARank = method, rank
		req.Method.LoRADropout = &dropout
		rep, err := estimator.Estimate(req)
		if err != nil {
			if err.Error() == "" || !reflect.DeepEqual(rep, estimator.Report{}) {
				t.Fatal("an error without words, or with a report")
			}
			return
		}
		if rep.Memory.AllocatedBytes <= 0 || rep.Memory.ReservedBytes < rep.Memory.AllocatedBytes {
			t.Fatalf("%+v", rep.Memory)
		}
	})
}

// TestSharedWorkChangesNothing: devices asked together answer as they do alone.
func TestSharedWorkChangesNothing(t *testing.T) {
	var devices []estimator.Device
	for _, name := range []string{"rtx-4090", "h100-80gb-sxm", "rtx-4060", "b200-180gb-sxm", "t4", "a100-40gb-sxm"} {
		devices = append(devices, estimator.Device{GPU: gpu(t, name)})
	}
	m, err := presets.Model("llama-7b")
	if err != nil {
		t.Fatal(err)
	}
	for _, precision := range []string{"", "bf16-mixed"} { // the default depends on the card
		req := estimator.Request{Model: m, Method: estimator.Method{ID: "lora"}, Training: estimator.Training{Precision: precision, MicroBatch: 2}}
		together, errs := estimator.EstimateAll(req, devices)
		for i, d := range devices {
			req.Device = d
			alone, err := estimator.Estimate(req)
			if !reflect.DeepEqual(alone, together[i]) || (err == nil) != (errs[i] == nil) {
				t.Errorf("%s: together %+v, alone %+v", d.GPU.ID, together[i], alone)
			}
		}
	}
}

// TestFullCardReturnsItsCache: between what the tensors need and what an
// unbounded allocator would hold, a step fits, tightly, and says why.
func TestFullCardReturnsItsCache(t *testing.T) {
	m, err := presets.Model("llama-7b")
	if err != nil {
		t.Fatal(err)
	}
	req := estimator.Request{Model: m, Method: estimator.Method{ID: "qlora"}, Device: estimator.Device{GPU: gpu(t, "a100-80gb-sxm")}}
	ample, err := estimator.Estimate(req)
	if err != nil {
		t.Fatal(err)
	}
	least, most := ample.Memory.AllocatedBytes+ample.Memory.ContextBytes, ample.Memory.DeviceBytes
	if ample.Memory.CacheReturned || most-least < 1<<30 {
		t.Fatalf("the request holds no cache to speak of: %d to %d", least, most)
	}
	for _, capacity := range []int64{least - 1, most - 1<<28, most} {
		req.Device.CapacityBytes = capacity
		got, err := estimator.Estimate(req)
		if err != nil {
			t.Fatal(err)
		}
		between := capacity > least && capacity < most
		if got.Memory.CacheReturned != between || got.Fit.Fits != (capacity > least) {
			t.Errorf("capacity %d of %d to %d: %+v, %+v", capacity, least, most, got.Memory, got.Fit)
		}
		if between && (got.Fit.Verdict != estimator.Tight || got.Memory.DeviceBytes > capacity) {
			t.Errorf("returned cache: verdict %s with %d of %d", got.Fit.Verdict, got.Memory.DeviceBytes, capacity)
		}
	}
}

package estimator

import (
	"testing"

	"github.com/vramcalc/vramcalc/estimator/throughput"
	"github.com/vramcalc/vramcalc/hardware"
	"github.com/vramcalc/vramcalc/presets"
)

// dense is a Llama of the given depth on an A100.
func denseRequest(b *testing.B, layers int64, method, checkpointing string) *resolved {
	b.Helper()
	m, err := presets.Model("llama-7b")
	if err != nil {
		b.Fatal(err)
	}
	g, err := presets.GPU("a100-80gb-sxm")
	if err != nil {
		b.Fatal(err)
	}
	m.Layers = layers
	r, err := resolve(Request{Model: m, Method: Method{ID: method}, Training: Training{MicroBatch: 4, SeqLen: 2048, Checkpointing: checkpointing}, Device: Device{GPU: g}})
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// benchmarkRead is an estimate of allocated memory and of throughput.
func benchmarkRead(b *testing.B, layers int64, method, checkpointing string) {
	r := denseRequest(b, layers, method, checkpointing)
	cal, err := hardware.Calibrate(r.req.Device.GPU)
	if err != nil {
		b.Fatal(err)
	}
	e := new(engine)
	b.ReportAllocs()
	for b.Loop() {
		p, plan, err := e.build(r)
		if err != nil {
			b.Fatal(err)
		}
		e.replayer.Read(p, plan)
		throughput.Read(p, throughput.Plan{GradAccum: 1, Optimizer: plan.Optimizer}, &cal)
	}
}

// Flat in depth: the 80-layer figures stay near the 32-layer ones.
func BenchmarkReadFull32(b *testing.B) { benchmarkRead(b, 32, "full", "none") }
func BenchmarkReadFull80(b *testing.B) { benchmarkRead(b, 80, "full", "none") }
func BenchmarkReadLoRA32(b *testing.B) { benchmarkRead(b, 32, "lora", "full") }
func BenchmarkReadLoRA80(b *testing.B) { benchmarkRead(b, 80, "lora", "full") }

// benchmarkReserve is the same with the allocator's replay, which walks every
// layer.
func benchmarkReserve(b *testing.B, method, checkpointing string) {
	r := denseRequest(b, 32, method, checkpointing)
	e := new(engine)
	b.ReportAllocs()
	for b.Loop() {
		p, plan, err := e.build(r)
		if err != nil {
			b.Fatal(err)
		}
		e.allocator.Reset()
		e.replayer.Reserve(p, plan, &e.allocator)
	}
}

func BenchmarkReserveFull32(b *testing.B) { benchmarkReserve(b, "full", "none") }
func BenchmarkReserveLoRA32(b *testing.B) { benchmarkReserve(b, "lora", "full") }

// BenchmarkEstimate is the whole report, with nothing remembered.
func BenchmarkEstimate(b *testing.B) {
	r := denseRequest(b, 32, "lora", "full")
	b.ReportAllocs()
	for b.Loop() {
		replays.forget()
		if _, err := Estimate(r.req); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFingerprint is what it costs to find out whether a replay is known.
func BenchmarkFingerprint(b *testing.B) {
	r := denseRequest(b, 32, "lora", "full")
	e := new(engine)
	p, plan, err := e.build(r)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		e.replayer.Fingerprint(p, plan)
	}
}

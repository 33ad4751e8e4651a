package estimator

import (
	"testing"

	"github.com/vramcalc/vramcalc/estimator/memory"
	"github.com/vramcalc/vramcalc/presets"
)

func llama(b *testing.B, layers int64) Request {
	m, err := presets.Model("llama-7b")
	if err != nil {
		b.Fatal(err)
	}
	m.Layers = layers
	return Request{Model: m, Method: Method{ID: "lora"}, Training: Training{MicroBatch: 4, SeqLen: 2048, Checkpointing: "full"}}
}

func benchmarkRead(b *testing.B, layers int64) {
	r, err := resolve(llama(b, layers))
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
	}
}

func BenchmarkRead32(b *testing.B) { benchmarkRead(b, 32) }
func BenchmarkRead80(b *testing.B) { benchmarkRead(b, 80) }

func BenchmarkReserve32(b *testing.B) {
	r, err := resolve(llama(b, 32))
	if err != nil {
		b.Fatal(err)
	}
	e := new(engine)
	var a memory.Allocator
	b.ReportAllocs()
	for b.Loop() {
		p, plan, _ := e.build(r)
		a.Reset()
		e.replayer.Reserve(p, plan, &a)
	}
}

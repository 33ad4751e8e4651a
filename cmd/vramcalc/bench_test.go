package main

import (
	"fmt"
	"testing"
)

// The whole program but its start: one card, and one per common size.

func BenchmarkPlanOneCard(b *testing.B) {
	benchmarkRun(b, "seq-len", 2048, "plan", "--model", "llama-7b", "--method", "qlora", "--gpu", "h100")
}

func BenchmarkPlanCommonCards(b *testing.B) {
	benchmarkRun(b, "seq-len", 2048, "plan", "--model", "llama-7b", "--method", "qlora")
}

// benchmarkRun runs a command over and over, each time with another value of a
// flag: an estimator remembers the replays that it has done.
func benchmarkRun(b *testing.B, flag string, from int, args ...string) {
	b.ReportAllocs()
	for round := 0; b.Loop(); round++ {
		fresh := append(args[:len(args):len(args)], "--"+flag, fmt.Sprint(from+round))
		if got := callWith(shipped(), nil, fresh...); got.status != exitDone {
			b.Fatal(got.stderr)
		}
	}
}

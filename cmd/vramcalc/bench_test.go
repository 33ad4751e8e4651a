package main

import "testing"

// The whole program but its start: one card, and one per common size.

func BenchmarkPlanOneCard(b *testing.B) {
	benchmarkRun(b, "plan", "--model", "llama-7b", "--method", "qlora", "--gpu", "h100")
}

func BenchmarkPlanCommonCards(b *testing.B) {
	benchmarkRun(b, "plan", "--model", "llama-7b", "--method", "qlora")
}

func benchmarkRun(b *testing.B, args ...string) {
	b.ReportAllocs()
	for b.Loop() {
		if got := callWith(shipped(), nil, args...); got.status != exitDone {
			b.Fatal(got.stderr)
		}
	}
}

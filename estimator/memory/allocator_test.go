package memory

import (
	"math/rand/v2"
	"testing"

	"github.com/vramcalc/vramcalc/estimator/program"
)

const mib = 1 << 20

// TestSegments holds the allocator against what CUDACachingAllocator.cpp says
// of single requests: the size of the segment, and what a second request finds.
func TestSegments(t *testing.T) {
	for _, c := range []struct {
		name     string
		requests []int64
		reserved int64
	}{
		{"a small request takes a small segment", []int64{512}, 2 * mib},
		{"1 MiB is still small", []int64{mib}, 2 * mib},
		{"small requests share a segment", []int64{mib, mib}, 2 * mib},
		{"a third does not fit it", []int64{mib, mib, 512}, 4 * mib},
		{"above 1 MiB a large segment", []int64{mib + 512}, 20 * mib},
		{"large requests share one", []int64{9 * mib, 9 * mib}, 20 * mib},
		{"pools are apart", []int64{512, 2 * mib}, 22 * mib},
		{"from 10 MiB a segment of its own", []int64{10 * mib}, 10 * mib},
		{"in steps of 2 MiB", []int64{11*mib + 512}, 12 * mib},
	} {
		var a Allocator
		for _, r := range c.requests {
			a.Malloc(r)
		}
		if a.Reserved != c.reserved {
			t.Errorf("%s: reserved %d, want %d", c.name, a.Reserved, c.reserved)
		}
	}
}

// TestSplitKeepsWhatIsLeft: a large block is cut only when more than 1 MiB is
// left (should_split), and what is not cut counts as allocated.
func TestSplitKeepsWhatIsLeft(t *testing.T) {
	var a Allocator
	a.Free(a.Malloc(20 * mib))
	if a.Malloc(19 * mib); a.Allocated != 20*mib {
		t.Errorf("1 MiB left: allocated %d, want the whole block", a.Allocated)
	}
	a.Reset()
	a.Free(a.Malloc(20 * mib))
	if a.Malloc(19*mib - 512); a.Allocated != 19*mib-512 {
		t.Errorf("more than 1 MiB left: allocated %d", a.Allocated)
	}
}

// TestLimit: a full card gets its cached segments back before a request fails.
func TestLimit(t *testing.T) {
	a := Allocator{Limit: 40 * mib}
	first := a.Malloc(20 * mib)
	a.Free(first)
	if a.Malloc(30 * mib); a.OutOfMemory || a.Reserved != 30*mib || a.PeakReserved != 30*mib {
		t.Errorf("the cached 20 MiB were not returned: %+v", a)
	}
	if a.Malloc(12 * mib); !a.OutOfMemory {
		t.Error("42 MiB on a card of 40 did not fail")
	}
}

// naive is the same allocator as a list of segments, each a list of pieces.
type naive struct {
	segments [][]piece
	limit    int64
	next     int32
	failed   bool
}

type piece struct {
	size   int64
	handle int32 // program.Never: free
	small  bool
}

func (n *naive) malloc(size int64) int32 {
	small := size <= smallSize
	if n.place(size, small) {
		return n.next - 1
	}
	want := segmentSize(size)
	if n.limit > 0 && n.reserved()+want > n.limit {
		var kept [][]piece
		for _, s := range n.segments {
			if len(s) > 1 || s[0].handle != program.Never {
				kept = append(kept, s)
			}
		}
		n.segments = kept
		if n.reserved()+want > n.limit {
			n.failed = true
			return program.Never
		}
	}
	n.segments = append(n.segments, []piece{{want, program.Never, small}})
	n.place(size, small)
	return n.next - 1
}

// place puts a request into the smallest free piece that takes it.
func (n *naive) place(size int64, small bool) bool {
	s, i := -1, -1
	for x, segment := range n.segments {
		for y, p := range segment {
			if p.handle == program.Never && p.small == small && p.size >= size && (s < 0 || p.size < n.segments[s][i].size) {
				s, i = x, y
			}
		}
	}
	if s < 0 {
		return false
	}
	p := &n.segments[s][i]
	rest := p.size - size
	p.handle = n.next
	n.next++
	if small && rest >= minBlock || !small && rest > smallSize {
		p.size = size
		tail := append([]piece{{rest, program.Never, small}}, n.segments[s][i+1:]...)
		n.segments[s] = append(n.segments[s][:i+1:i+1], tail...)
	}
	return true
}

func (n *naive) free(handle int32) {
	for x, segment := range n.segments {
		for y := range segment {
			if segment[y].handle != handle {
				continue
			}
			segment[y].handle = program.Never
			var merged []piece
			for _, p := range segment {
				if k := len(merged) - 1; k >= 0 && p.handle == program.Never && merged[k].handle == program.Never {
					merged[k].size += p.size
				} else {
					merged = append(merged, p)
				}
			}
			n.segments[x] = merged
			return
		}
	}
}

func (n *naive) reserved() (sum int64) { return n.sum(func(piece) bool { return true }) }

func (n *naive) allocated() int64 {
	return n.sum(func(p piece) bool { return p.handle != program.Never })
}

func (n *naive) sum(counts func(piece) bool) (sum int64) {
	for _, s := range n.segments {
		for _, p := range s {
			if counts(p) {
				sum += p.size
			}
		}
	}
	return sum
}

// TestAllocatorIsTheNaiveOne plays random requests on both. Their sizes are
// not rounded, so that ties between equal blocks, which could part them, are
// next to impossible.
func TestAllocatorIsTheNaiveOne(t *testing.T) {
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		a, n := Allocator{}, naive{}
		if seed%2 == 1 {
			a.Limit, n.limit = 600*mib, 600*mib
		}
		type pair struct{ a, n int32 }
		var live []pair
		for step := range 2000 {
			if len(live) > 0 && rnd.IntN(100) < 47 {
				i := rnd.IntN(len(live))
				a.Free(live[i].a)
				n.free(live[i].n)
				live = append(live[:i], live[i+1:]...)
			} else {
				size := 512 + rnd.Int64N(20*mib>>rnd.IntN(6))
				if x, y := a.Malloc(size), n.malloc(size); x != program.Never || y != program.Never {
					live = append(live, pair{x, y})
				}
			}
			if a.Reserved != n.reserved() || a.Allocated != n.allocated() || a.OutOfMemory != n.failed {
				t.Fatalf("seed %d, step %d: reserved %d and %d, allocated %d and %d, failed %t and %t",
					seed, step, a.Reserved, n.reserved(), a.Allocated, n.allocated(), a.OutOfMemory, n.failed)
			}
		}
	}
}

// TestLinkedHandles: one handle can stand for several requests.
func TestLinkedHandles(t *testing.T) {
	var a Allocator
	first := a.Malloc(2 * mib)
	last := first
	for range 3 {
		h := a.Malloc(2 * mib)
		a.Link(last, h)
		last = h
	}
	if a.Free(first); a.Allocated != 0 {
		t.Errorf("%d bytes stay allocated", a.Allocated)
	}
}

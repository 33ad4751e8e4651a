package memory

import (
	"slices"

	"github.com/vramcalc/vramcalc/estimator/program"
)

// The constants of PyTorch's CUDA caching allocator with its default settings
// (c10/core/AllocatorConfig.h, c10/cuda/CUDACachingAllocator.cpp).
const (
	smallSize     = 1 << 20  // kSmallSize: up to here a request goes to the small pool
	smallBuffer   = 2 << 20  // kSmallBuffer: segments of the small pool
	largeBuffer   = 20 << 20 // kLargeBuffer: segments for requests below minLargeAlloc
	minLargeAlloc = 10 << 20 // kMinLargeAlloc: from here a request has a segment of its own
	roundLarge    = 2 << 20  // kRoundLarge: rounded up to this
	minBlock      = 512      // kMinBlockSize
)

// block is a piece of a segment.
type block struct {
	size       int64
	prev, next int32 // neighbours in the segment, program.Never at its ends
	small      bool
	free       bool
}

// Allocator replays the CUDA caching allocator. The zero value is ready.
type Allocator struct {
	// Limit bounds what the device can give (0: no bound). A request beyond it
	// returns cached segments first, as cudaMalloc's failure makes PyTorch do.
	Limit int64

	Reserved, PeakReserved   int64
	Allocated, PeakAllocated int64
	OutOfMemory              bool

	blocks []block
	spare  []int32 // indices of blocks that merged away
	pools  [2][]piece
	owner  []int32 // handle → block
}

// Reset forgets everything and keeps the memory.
func (a *Allocator) Reset() {
	*a = Allocator{blocks: a.blocks[:0], spare: a.spare[:0], pools: [2][]piece{a.pools[0][:0], a.pools[1][:0]}, owner: a.owner[:0]}
}

// piece is a free block in its pool.
type piece struct {
	size  int64
	block int32
}

func (a *Allocator) pool(small bool) *[]piece {
	if small {
		return &a.pools[0]
	}
	return &a.pools[1]
}

// segmentSize is what cudaMalloc is asked for.
func segmentSize(size int64) int64 {
	switch {
	case size <= smallSize:
		return smallBuffer
	case size < minLargeAlloc:
		return largeBuffer
	}
	return (size + roundLarge - 1) / roundLarge * roundLarge
}

// Malloc serves a request, already rounded, under a handle.
func (a *Allocator) Malloc(handle int32, size int64) {
	size = max(size, minBlock)
	small := size <= smallSize
	p := a.pool(small)
	i := bestFit(*p, size)
	var b int32
	if i < len(*p) {
		b = (*p)[i].block
		if r := a.split(b, size, small); r != program.Never {
			place(*p, i, piece{a.blocks[r].size, r})
		} else {
			cut(p, i)
		}
	} else {
		b = a.segment(size, small)
		if b == program.Never {
			a.OutOfMemory = true
			return
		}
		if r := a.split(b, size, small); r != program.Never {
			a.insert(r)
		}
	}
	a.blocks[b].free = false
	if int(handle) >= len(a.owner) {
		a.grow(int(handle) + 1)
	}
	a.owner[handle] = b
	a.Allocated += a.blocks[b].size
	a.PeakAllocated = max(a.PeakAllocated, a.Allocated)
}

// grow makes room for handles.
func (a *Allocator) grow(n int) {
	for len(a.owner) < n {
		a.owner = append(a.owner, program.Never)
	}
}

// bestFit is the position of the smallest free block that is large enough;
// the pool is ordered by size. Most pools hold a dozen pieces: a scan beats a
// search whose branches can't be predicted.
func bestFit(pool []piece, size int64) int {
	lo, hi := 0, len(pool)
	for hi-lo > 16 {
		mid := int(uint(lo+hi) >> 1)
		if pool[mid].size < size {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	for lo < hi && pool[lo].size < size {
		lo++
	}
	return lo
}

// place puts a piece where position i was and moves it to its order: a block
// that was split or grew seldom passes many others.
func place(pool []piece, i int, f piece) {
	for ; i > 0 && pool[i-1].size >= f.size; i-- {
		pool[i] = pool[i-1]
	}
	for ; i < len(pool)-1 && pool[i+1].size < f.size; i++ {
		pool[i] = pool[i+1]
	}
	pool[i] = f
}

// segment asks the device for memory.
func (a *Allocator) segment(size int64, small bool) int32 {
	n := segmentSize(size)
	if a.Limit > 0 && a.Reserved+n > a.Limit {
		a.releaseCached()
		if a.Reserved+n > a.Limit {
			return program.Never
		}
	}
	a.Reserved += n
	a.PeakReserved = max(a.PeakReserved, a.Reserved)
	return a.newBlock(block{size: n, prev: program.Never, next: program.Never, small: small})
}

// releaseCached returns every segment that is free as a whole.
func (a *Allocator) releaseCached() {
	for i := range a.pools {
		a.pools[i] = slices.DeleteFunc(a.pools[i], func(f piece) bool {
			k := &a.blocks[f.block]
			if k.prev != program.Never || k.next != program.Never {
				return false
			}
			a.Reserved -= k.size
			a.spare = append(a.spare, f.block)
			return true
		})
	}
}

func (a *Allocator) newBlock(b block) int32 {
	if n := len(a.spare); n > 0 {
		i := a.spare[n-1]
		a.spare = a.spare[:n-1]
		a.blocks[i] = b
		return i
	}
	a.blocks = append(a.blocks, b)
	return int32(len(a.blocks)) - 1
}

// split cuts what is not needed off a block: the rest is a free block, Never
// when it stays in one piece.
func (a *Allocator) split(b int32, size int64, small bool) int32 {
	rest := a.blocks[b].size - size
	if small && rest < minBlock || !small && rest <= smallSize {
		return program.Never
	}
	k := a.blocks[b]
	r := a.newBlock(block{size: rest, prev: b, next: k.next, small: small, free: true})
	if k.next != program.Never {
		a.blocks[k.next].prev = r
	}
	a.blocks[b].size, a.blocks[b].next = size, r
	return r
}

func (a *Allocator) insert(b int32) {
	p := a.pool(a.blocks[b].small)
	size := a.blocks[b].size
	i := bestFit(*p, size)
	q := append(*p, piece{size, b})
	if i < len(q)-1 {
		copy(q[i+1:], q[i:])
		q[i] = piece{size, b}
	}
	*p = q
}

// cut takes position i out of a pool.
func cut(p *[]piece, i int) {
	q := *p
	copy(q[i:], q[i+1:])
	*p = q[:len(q)-1]
}

// position finds the piece of a free block.
func (a *Allocator) position(pool []piece, b int32) int {
	i := bestFit(pool, a.blocks[b].size)
	for pool[i].block != b {
		i++
	}
	return i
}

// Free returns the block of a handle and merges it with free neighbours.
func (a *Allocator) Free(handle int32) {
	b := a.owner[handle]
	if b == program.Never {
		return
	}
	a.owner[handle] = program.Never
	k := &a.blocks[b]
	a.Allocated -= k.size
	k.free = true
	pool := a.pool(k.small)
	before := k.prev != program.Never && a.blocks[k.prev].free
	after := k.next != program.Never && a.blocks[k.next].free
	switch {
	case before:
		first := k.prev
		if after {
			cut(pool, a.position(*pool, k.next))
			a.join(b, k.next)
		}
		i := a.position(*pool, first)
		a.join(first, b)
		place(*pool, i, piece{a.blocks[first].size, first})
	case after:
		i := a.position(*pool, k.next)
		a.join(b, k.next)
		place(*pool, i, piece{k.size, b})
	default:
		a.insert(b)
	}
}

// join appends block n to its left neighbour b.
func (a *Allocator) join(b, n int32) {
	a.blocks[b].size += a.blocks[n].size
	a.blocks[b].next = a.blocks[n].next
	if after := a.blocks[n].next; after != program.Never {
		a.blocks[after].prev = b
	}
	a.spare = append(a.spare, n)
}

// Reserve replays a program through the allocator and returns it in its final
// state: max_memory_allocated and max_memory_reserved.
func (r *Replayer) Reserve(p program.Program, plan Plan, a *Allocator) {
	r.walk(p, plan, func(_, handle int32, bytes int64) {
		if bytes >= 0 {
			a.Malloc(handle, bytes)
		} else {
			a.Free(handle)
		}
	})
}

package memory

import (
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
	up, down   int32 // free blocks of the same size in the pool, program.Never at its ends
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
	pools  [2][]class
	owner  []int32 // handle → block
}

// Reset forgets everything and keeps the memory.
func (a *Allocator) Reset() {
	*a = Allocator{blocks: a.blocks[:0], spare: a.spare[:0], pools: [2][]class{a.pools[0][:0], a.pools[1][:0]}, owner: a.owner[:0]}
}

// class is the free blocks of one size in a pool. Layers ask for the same
// sizes over and over, so classes are few and blocks come and go without
// moving anything.
type class struct {
	size int64
	head int32
}

func (a *Allocator) pool(small bool) *[]class {
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
	var b int32
	if i := bestFit(*p, size); i < len(*p) {
		b = (*p)[i].head
		a.pop(p, i)
	} else if b = a.segment(size, small); b == program.Never {
		a.OutOfMemory = true
		return
	}
	if r := a.split(b, size, small); r != program.Never {
		a.insert(r)
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

// bestFit is the position of the smallest size of free blocks that is large enough;
// the pool is ordered by size. Most pools hold a dozen sizes: a scan beats a
// search whose branches can't be predicted.
func bestFit(pool []class, size int64) int {
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

// pop takes the head of the class at position i out of its pool.
func (a *Allocator) pop(p *[]class, i int) {
	q := *p
	next := a.blocks[q[i].head].down
	if next != program.Never {
		a.blocks[next].up = program.Never
		q[i].head = next
		return
	}
	copy(q[i:], q[i+1:])
	*p = q[:len(q)-1]
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
	for i := range a.blocks {
		k := &a.blocks[i]
		if k.free && k.prev == program.Never && k.next == program.Never {
			a.Reserved -= k.size
			a.remove(int32(i))
			k.free = false
			a.spare = append(a.spare, int32(i))
		}
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
	k := &a.blocks[b]
	p := a.pool(k.small)
	k.up, k.down = program.Never, program.Never
	i := bestFit(*p, k.size)
	if i < len(*p) && (*p)[i].size == k.size {
		k.down = (*p)[i].head
		a.blocks[k.down].up = b
		(*p)[i].head = b
		return
	}
	q := append(*p, class{})
	copy(q[i+1:], q[i:])
	q[i] = class{k.size, b}
	*p = q
}

// remove takes a block out of its pool.
func (a *Allocator) remove(b int32) {
	k := &a.blocks[b]
	if k.up == program.Never {
		p := a.pool(k.small)
		a.pop(p, bestFit(*p, k.size))
		return
	}
	a.blocks[k.up].down = k.down
	if k.down != program.Never {
		a.blocks[k.down].up = k.up
	}
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
	if p := k.prev; p != program.Never && a.blocks[p].free {
		a.remove(p)
		a.join(p, b)
		b = p
	}
	if n := a.blocks[b].next; n != program.Never && a.blocks[n].free {
		a.remove(n)
		a.join(b, n)
	}
	a.insert(b)
}

// join appends block n to its left neighbour b.
func (a *Allocator) join(b, n int32) {
	a.blocks[b].size += a.blocks[n].size
	a.blocks[b].next = a.blocks[n].next
	if after := a.blocks[n].next; after != program.Never {
		a.blocks[after].prev = b
	}
	a.blocks[n].free = false
	a.spare = append(a.spare, n)
}

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
	twin       int32 // the next block of the same request, program.Never for the last
	small      bool
	free       bool
}

// Allocator replays the CUDA caching allocator. The zero value is ready.
type Allocator struct {
	// Limit bounds what the device can give (0: no bound). A request beyond it
	// returns cached segments first, as cudaMalloc's failure makes PyTorch do.
	Limit int64

	Reserved, PeakReserved int64
	Allocated              int64
	OutOfMemory            bool

	blocks []block
	spare  []int32 // indices of blocks that merged away
	pools  [2][]class
}

// Reset forgets everything and keeps the memory.
func (a *Allocator) Reset() {
	*a = Allocator{blocks: a.blocks[:0], spare: a.spare[:0], pools: [2][]class{a.pools[0][:0], a.pools[1][:0]}}
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

// Malloc serves a request, already rounded, and returns its handle:
// program.Never when the device has no room.
func (a *Allocator) Malloc(size int64) int32 {
	size = max(size, minBlock)
	small := size <= smallSize
	p := a.pool(small)
	b := program.Never
	if i := bestFit(*p, size); i < len(*p) {
		b = (*p)[i].head
		a.take(p, i, size)
	} else if b = a.segment(size, small); b == program.Never {
		a.OutOfMemory = true
		return b
	} else if divides(a.blocks[b].size-size, small) {
		a.insert(a.split(b, size))
	}
	k := &a.blocks[b]
	k.free, k.twin = false, program.Never
	a.Allocated += k.size
	return b
}

// divides says whether so much left of a block is cut off.
func divides(rest int64, small bool) bool {
	if small {
		return rest >= minBlock
	}
	return rest > smallSize
}

// take takes the head of class i for a request and gives the pool what is left
// of it, in its place where the order allows it.
func (a *Allocator) take(p *[]class, i int, size int64) {
	b := (*p)[i].head
	rest := (*p)[i].size - size
	if !divides(rest, a.blocks[b].small) {
		a.pop(p, i)
		return
	}
	r := a.split(b, size)
	if a.blocks[b].down == program.Never && (i == 0 || (*p)[i-1].size < rest) {
		(*p)[i] = class{rest, r}
		return
	}
	a.pop(p, i)
	a.insert(r)
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

// split cuts what is not needed off a block: the rest is a free block outside
// the pool.
func (a *Allocator) split(b int32, size int64) int32 {
	k := &a.blocks[b]
	rest := block{size: k.size - size, prev: b, next: k.next, up: program.Never, down: program.Never, small: k.small, free: true}
	k.size = size
	r := a.newBlock(rest)
	a.blocks[b].next = r
	if rest.next != program.Never {
		a.blocks[rest.next].prev = r
	}
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

// Link lets a handle stand for another one too.
func (a *Allocator) Link(handle, other int32) {
	if handle != program.Never {
		a.blocks[handle].twin = other
	}
}

// Free returns the blocks of a handle and merges them with free neighbours.
func (a *Allocator) Free(handle int32) {
	for b := handle; b != program.Never; {
		twin := a.blocks[b].twin
		a.release(b)
		b = twin
	}
}

func (a *Allocator) release(b int32) {
	k := &a.blocks[b]
	a.Allocated -= k.size
	k.free = true
	left := k.prev != program.Never && a.blocks[k.prev].free
	right := k.next != program.Never && a.blocks[k.next].free
	switch {
	case left && right:
		n := k.next
		a.remove(n)
		a.join(b, n)
		a.merge(k.prev, b, k.prev)
	case left:
		a.merge(k.prev, b, k.prev)
	case right:
		a.merge(b, k.next, k.next)
	default:
		a.insert(b)
	}
}

// merge joins b and its right neighbour n to one free block. One of the two is
// in the pool; the sum takes its place where the order allows it.
func (a *Allocator) merge(b, n, pooled int32) {
	k := &a.blocks[pooled]
	p := a.pool(k.small)
	if k.up == program.Never && k.down == program.Never {
		i := bestFit(*p, k.size)
		if size := a.blocks[b].size + a.blocks[n].size; i+1 == len(*p) || size < (*p)[i+1].size {
			a.join(b, n)
			(*p)[i] = class{size, b}
			a.blocks[b].up, a.blocks[b].down = program.Never, program.Never
			return
		}
	}
	a.remove(pooled)
	a.join(b, n)
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

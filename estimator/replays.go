package estimator

import (
	"sync"

	"github.com/vramcalc/vramcalc/estimator/memory"
)

// replay is one replay of the allocator: of steps with this fingerprint, with
// workspaces of a size, on a card with so much room.
type replay struct {
	step            memory.Fingerprint
	workspace, room int64
}

// reservation is what the allocator holds at its peak.
type reservation struct {
	reserved    int64
	outOfMemory bool
}

// mostReplays bounds what is remembered, to about half a megabyte.
const mostReplays = 1 << 13

// remembered are replays that were done already. A replay is the dearest part
// of an estimate, and many settings ask the allocator for the same: fp16 for
// what bf16 does, a faster card for what a slower one does.
type remembered struct {
	sync.Mutex
	known map[replay]reservation
}

var replays remembered

// of is what a replay gave, doing it where it is not known.
func (m *remembered) of(r replay, do func() reservation) reservation {
	m.Lock()
	result, ok := m.known[r]
	m.Unlock()
	if ok {
		return result
	}
	result = do()
	m.Lock()
	defer m.Unlock()
	if m.known == nil || len(m.known) >= mostReplays {
		m.known = make(map[replay]reservation)
	}
	m.known[r] = result
	return result
}

package presets

import (
	"slices"
	"strings"
	"sync"
)

// A catalogue looks names up in a table. The names are gathered on first use.
type catalogue[T any] struct {
	kind    string // "model" or "GPU", for messages
	table   []T
	makers  []string // leading words of a name that may be left out
	entries func() []entry
}

// An entry is the names of one line of the table.
type entry struct {
	index int
	id    string
	names []string // id, aliases, repository or driver name, as written
	// claimed is how many of the names are the entry's own: a driver name
	// may be several cards', and stands behind them.
	claimed int
}

// names are what a thing is called; a repository is nobody else's, a driver's
// name may be.
type names struct {
	id                 string
	aliases            []string
	repository, driver string
}

func newCatalogue[T any](kind string, table []T, namesOf func(*T) names, makers ...string) *catalogue[T] {
	c := &catalogue[T]{kind: kind, table: table, makers: makers}
	c.entries = sync.OnceValue(func() []entry {
		list := make([]entry, len(table))
		for i := range table {
			list[i] = namesOf(&table[i]).entry(i)
		}
		return list
	})
	return c
}

func (n names) entry(index int) entry {
	all := make([]string, 0, len(n.aliases)+2)
	all = append(append(all, n.id), n.aliases...)
	if n.repository != "" {
		all = append(all, n.repository)
	}
	claimed := len(all)
	if n.driver != "" {
		all = append(all, n.driver)
	}
	return entry{index, n.id, all, claimed}
}

// find returns the one thing that name leads to. An id as written is the
// usual one, and needs no comparing of canonical forms.
func (c *catalogue[T]) find(name string) (T, error) {
	var none T
	for _, e := range c.entries() {
		if e.id == name {
			return c.table[e.index], nil
		}
	}
	hits := c.lookUp(canonical(name))
	switch len(hits) {
	case 0:
		return none, &NotFoundError{Kind: c.kind, Name: name, Nearest: c.nearest(name, maxNearest)}
	case 1:
		return c.table[hits[0].index], nil
	}
	return none, &AmbiguousError{Kind: c.kind, Name: name, Candidates: ids(hits)}
}

// lookUp prefers what an entry claims, then a driver name or the last part of
// a repository's name, then the name without its maker, where that is what
// decides between cards of one driver name.
func (c *catalogue[T]) lookUp(key string) []entry {
	if hits := c.claiming(key); len(hits) > 0 {
		return hits
	}
	hits := c.implying(key)
	if len(hits) == 1 {
		return hits
	}
	bare := key
	for _, maker := range c.makers {
		bare = strings.TrimPrefix(bare, maker+"-")
	}
	if bare != key {
		if short := c.claiming(bare); len(short) > 0 {
			return short
		}
	}
	return hits
}

// claiming returns the entries that have the canonical name as their own.
func (c *catalogue[T]) claiming(key string) []entry {
	return c.filter(func(e entry) bool {
		return slices.ContainsFunc(e.names[:e.claimed], func(name string) bool { return isCanonical(key, name) })
	})
}

// implying returns the entries that the canonical name also leads to.
func (c *catalogue[T]) implying(key string) []entry {
	return c.filter(func(e entry) bool {
		return slices.ContainsFunc(e.names, func(name string) bool {
			i := strings.LastIndexByte(name, '/')
			return isCanonical(key, name[i+1:])
		})
	})
}

func (c *catalogue[T]) filter(keep func(entry) bool) []entry {
	var kept []entry
	for _, e := range c.entries() {
		if keep(e) {
			kept = append(kept, e)
		}
	}
	return kept
}

// search returns what has all words of pattern in one of its names.
func (c *catalogue[T]) search(pattern string) []T {
	words := strings.Fields(strings.ToLower(pattern))
	var found []T
	for _, e := range c.entries() {
		if e.matches(words) {
			found = append(found, c.table[e.index])
		}
	}
	return found
}

// matches reports whether one name of the entry holds every word.
func (e entry) matches(words []string) bool {
	return slices.ContainsFunc(e.names, func(name string) bool {
		plain, key := strings.ToLower(name), canonical(name)
		for _, w := range words {
			if !strings.Contains(plain, w) && !strings.Contains(key, canonical(w)) {
				return false
			}
		}
		return true
	})
}

func ids(entries []entry) []string {
	list := make([]string, len(entries))
	for i, e := range entries {
		list[i] = e.id
	}
	return list
}

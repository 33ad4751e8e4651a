package presets

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// A catalogue is one embedded YAML file, cut into entries that are decoded one
// at a time. Its index is built on first use from three lines of each entry
// (id, the repository or driver name, aliases), without a YAML parser.
type catalogue struct {
	kind   string   // "model" or "GPU", for messages
	other  string   // the key of the second name: "hub_id" or "nvml_name"
	makers []string // leading words of a name that may be left out
	index  func() *index
}

// An index says where entries stand and which names lead to them.
type index struct {
	entries []entry
	named   map[string][]int // canonical id, alias and repository
	derived map[string][]int // canonical names that yield to those in named
}

// An entry is one item of the file.
type entry struct {
	id    string
	text  string   // its YAML, a list of one item
	names []string // id, aliases, repository or driver name, as written
}

// entryStart begins an entry; the file has it nowhere else at a line's start.
const entryStart = "\n- id: "

func newCatalogue(kind, other, text string, makers ...string) *catalogue {
	c := &catalogue{kind: kind, other: other, makers: makers}
	c.index = sync.OnceValue(func() *index { return c.build(text) })
	return c
}

// build cuts text into entries and indexes their names.
func (c *catalogue) build(text string) *index {
	x := &index{named: map[string][]int{}, derived: map[string][]int{}}
	_, text, _ = strings.Cut("\n"+text, entryStart)
	for text != "" {
		var one string
		one, text, _ = strings.Cut(text, entryStart)
		x.add(c.scan(one))
	}
	return x
}

// scan reads the names of an entry whose leading "- id: " is cut off.
func (c *catalogue) scan(text string) (e entry, other string) {
	e = entry{text: entryStart[1:] + text}
	id, rest, _ := strings.Cut(text, "\n")
	e.id = plainScalar(id)
	e.names = []string{e.id}
	for line := range strings.Lines(rest) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case c.other:
			other = plainScalar(value)
		case "aliases":
			e.names = append(e.names, plainList(value)...)
			return e, other
		case "layers", "memory_gb": // the names stand before the sizes
			return e, other
		}
	}
	return e, other
}

// add files an entry under its names. Two entries may share a driver name or
// the last part of a repository name: those only count where no entry claims
// the name outright.
func (x *index) add(e entry, other string) {
	n := len(x.entries)
	for _, name := range e.names {
		put(x.named, canonical(name), n)
	}
	if strings.Contains(other, "/") {
		put(x.named, canonical(other), n)
	} else if other != "" {
		put(x.derived, canonical(other), n)
	}
	if other != "" {
		e.names = append(e.names, other)
	}
	for _, name := range e.names {
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			put(x.derived, canonical(name[i+1:]), n)
		}
	}
	x.entries = append(x.entries, e)
}

func put(m map[string][]int, key string, n int) {
	if !slices.Contains(m[key], n) {
		m[key] = append(m[key], n)
	}
}

// find returns the one entry that name leads to.
func (c *catalogue) find(name string) (entry, error) {
	x := c.index()
	hits := c.lookUp(x, canonical(name))
	switch len(hits) {
	case 0:
		return entry{}, &NotFoundError{Kind: c.kind, Name: name, Nearest: x.nearest(name, maxNearest)}
	case 1:
		return x.entries[hits[0]], nil
	}
	return entry{}, &AmbiguousError{Kind: c.kind, Name: name, Candidates: x.ids(hits)}
}

// lookUp prefers what an entry claims, then the name without its maker, where
// that is what decides between cards of one driver name.
func (c *catalogue) lookUp(x *index, key string) []int {
	if hits := x.named[key]; len(hits) > 0 {
		return hits
	}
	hits := x.derived[key]
	if len(hits) == 1 {
		return hits
	}
	bare := key
	for _, maker := range c.makers {
		bare = strings.TrimPrefix(bare, maker+"-")
	}
	if short := x.named[bare]; bare != key && len(short) > 0 {
		return short
	}
	return hits
}

// search returns the entries that have all words of pattern in one of their names.
func (c *catalogue) search(pattern string) []entry {
	words := strings.Fields(strings.ToLower(pattern))
	var found []entry
	for _, e := range c.index().entries {
		if e.matches(words) {
			found = append(found, e)
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

// sharing returns the ids of the entries under a driver name.
func (c *catalogue) sharing(name string) []string {
	x := c.index()
	return x.ids(x.derived[canonical(name)])
}

func (x *index) ids(hits []int) []string {
	ids := make([]string, len(hits))
	for i, n := range hits {
		ids[i] = x.entries[n].id
	}
	return ids
}

func (c *catalogue) allIDs() []string {
	entries := c.index().entries
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.id
	}
	return ids
}

// decode reads an entry strictly: an unknown key is an error.
func decode[T any](c *catalogue, e entry) (T, error) {
	var list []T
	d := yaml.NewDecoder(strings.NewReader(e.text))
	d.KnownFields(true)
	err := d.Decode(&list)
	if err == nil && len(list) != 1 {
		err = fmt.Errorf("%d items where one entry is expected", len(list))
	}
	if err != nil {
		var zero T
		return zero, fmt.Errorf("%s preset %s: %w", c.kind, e.id, err)
	}
	return list[0], nil
}

// plainScalar strips the quotes of a YAML scalar that stands on one line.
func plainScalar(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 1 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return strings.ReplaceAll(s[1:len(s)-1], "''", "'")
	}
	return s
}

// plainList reads a YAML list of plain or single-quoted scalars, "[a, b]".
// Commas inside quotes do not occur in names; a test holds the files to that.
func plainList(s string) []string {
	s = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(s), "["), "]")
	items := strings.Split(s, ",")
	for i := range items {
		items[i] = plainScalar(items[i])
	}
	return items
}

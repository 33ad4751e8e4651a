package presets

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// A catalogue is one embedded YAML file, cut into entries that are decoded one
// at a time. It is cut on first use, by three lines of each entry (id, the
// repository or driver name, aliases) and without a YAML parser: that costs a
// process a fraction of a millisecond, decoding everything tens of them.
type catalogue struct {
	kind    string   // "model" or "GPU", for messages
	second  string   // the key of the second name: "hub_id" or "nvml_name"
	makers  []string // leading words of a name that may be left out
	entries func() []entry
}

// An entry is one item of the file.
type entry struct {
	id    string
	text  string   // its YAML, a list of one item
	names []string // id, aliases, repository or driver name, as written
	// claimed is how many of the names are the entry's own: a driver name
	// may be several cards', and stands behind them.
	claimed int
}

// entryStart begins an entry, after the comment at the head of the file, and
// stands nowhere else.
const entryStart = "\n- id: "

func newCatalogue(kind, second, text string, makers ...string) *catalogue {
	c := &catalogue{kind: kind, second: second, makers: makers}
	c.entries = sync.OnceValue(func() []entry { return c.cut(text) })
	return c
}

// cut finds the entries of text; they share its memory.
func (c *catalogue) cut(text string) []entry {
	entries := make([]entry, 0, strings.Count(text, entryStart))
	_, rest, more := strings.Cut(text, entryStart)
	for more {
		start := len(text) - len(rest) - len(entryStart) + 1
		_, rest, more = strings.Cut(rest, entryStart)
		end := len(text)
		if more {
			end -= len(rest) + len(entryStart) - 1
		}
		entries = append(entries, c.scan(text[start:end]))
	}
	return entries
}

// scan reads the names of an entry.
func (c *catalogue) scan(text string) entry {
	first, rest, _ := strings.Cut(text, "\n")
	e := entry{id: plainScalar(strings.TrimPrefix(first, entryStart[1:])), text: text}
	e.names = append(e.names, e.id)
	second := ""
	for line := range strings.Lines(rest) {
		key, value, _ := strings.Cut(strings.TrimLeft(line, " "), ": ")
		switch key {
		case c.second:
			second = plainScalar(value)
		case "aliases":
			e.names = append(e.names, plainList(value)...)
		}
		if key == "family" || key == "vendor" { // the names stand before
			break
		}
	}
	e.claimed = len(e.names)
	if second != "" {
		e.names = append(e.names, second)
		if strings.Contains(second, "/") {
			e.claimed++ // a repository is nobody else's
		}
	}
	return e
}

// find returns the one entry that name leads to.
func (c *catalogue) find(name string) (entry, error) {
	hits := c.lookUp(canonical(name))
	switch len(hits) {
	case 0:
		return entry{}, &NotFoundError{Kind: c.kind, Name: name, Nearest: c.nearest(name, maxNearest)}
	case 1:
		return hits[0], nil
	}
	return entry{}, &AmbiguousError{Kind: c.kind, Name: name, Candidates: ids(hits)}
}

// lookUp prefers what an entry claims, then a driver name or the last part of
// a repository's name, then the name without its maker, where that is what
// decides between cards of one driver name.
func (c *catalogue) lookUp(key string) []entry {
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
func (c *catalogue) claiming(key string) []entry {
	return c.filter(func(e entry) bool {
		return slices.ContainsFunc(e.names[:e.claimed], func(name string) bool { return isCanonical(key, name) })
	})
}

// implying returns the entries that the canonical name also leads to.
func (c *catalogue) implying(key string) []entry {
	return c.filter(func(e entry) bool {
		return slices.ContainsFunc(e.names, func(name string) bool {
			i := strings.LastIndexByte(name, '/')
			return isCanonical(key, name[i+1:])
		})
	})
}

func (c *catalogue) filter(keep func(entry) bool) []entry {
	var kept []entry
	for _, e := range c.entries() {
		if keep(e) {
			kept = append(kept, e)
		}
	}
	return kept
}

// search returns the entries that have all words of pattern in one of their names.
func (c *catalogue) search(pattern string) []entry {
	words := strings.Fields(strings.ToLower(pattern))
	return c.filter(func(e entry) bool { return e.matches(words) })
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

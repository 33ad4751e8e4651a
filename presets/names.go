package presets

import (
	"slices"
	"strings"

	"github.com/vramcalc/vramcalc/estimator/order"
	"github.com/vramcalc/vramcalc/estimator/spelling"
)

// canonical is the form in which names are compared: lower case, with "_",
// " " and "-" alike, and none of them between a letter and a digit, so that
// "RTX 4090", "rtx-4090" and "rtx4090" are one name and "llama-2-7b" and
// "llama-27b" are not.
func canonical(name string) string {
	return string(appendCanonical(nil, name))
}

// isCanonical reports whether key is the canonical form of name.
func isCanonical(key, name string) bool {
	if len(key) > len(name) {
		return false
	}
	var buf [128]byte
	return string(appendCanonical(buf[:0], name)) == key
}

func appendCanonical(b []byte, name string) []byte {
	gap := false
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '-' || c == '_' || c == ' ':
			gap = len(b) > 0
			continue
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		if gap && !letterMeetsDigit(b[len(b)-1], c) {
			b = append(b, '-')
		}
		gap = false
		b = append(b, c)
	}
	return b
}

func letterMeetsDigit(a, b byte) bool {
	return isLetter(a) && isDigit(b) || isDigit(a) && isLetter(b)
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// maxNearest is how many near names an error offers.
const maxNearest = 5

// longestName bounds the work of a near-name search; no name is longer.
const longestName = 80

// nearest returns the ids of at most n entries whose names look most like name.
func (c *catalogue[T]) nearest(name string, n int) []string {
	key := canonical(name[:min(len(name), longestName)])
	if key == "" {
		return nil
	}
	type scored struct {
		id    string
		score float64
	}
	var near []scored
	for _, e := range c.entries() {
		best := 0.0
		for _, alias := range e.names {
			best = max(best, likeness(key, canonical(alias)))
		}
		if best >= leastLikeness {
			near = append(near, scored{e.id, best})
		}
	}
	best := order.Of(len(near), func(i, j int) bool { return near[i].score > near[j].score })
	ids := make([]string, min(n, len(near)))
	for i := range ids {
		ids[i] = near[best[i]].id
	}
	return ids
}

// leastLikeness is the least likeness worth offering, of 1.
const leastLikeness = 0.5

// likeness of two canonical names, 0 to 1: the share of letters that an edit
// leaves in place, or the share of words they have in common. A repository's
// owner counts only where both names have one.
func likeness(a, b string) float64 {
	if !strings.Contains(a, "/") {
		b = b[strings.LastIndexByte(b, '/')+1:]
	}
	longer := max(len(a), len(b))
	if longer == 0 {
		return 0
	}
	edits := 1 - float64(spelling.Distance(a, b))/float64(longer)
	if strings.HasPrefix(b, a) {
		edits = max(edits, 0.75+0.25*float64(len(a))/float64(len(b)))
	}
	return max(edits, 0.95*sharedWords(a, b))
}

// sharedWords is the share of words, of both names together, that both have.
func sharedWords(a, b string) float64 {
	x, y := words(a), words(b)
	common := 0
	for _, w := range x {
		if i := slices.Index(y, w); i >= 0 {
			common++
			y = slices.Delete(y, i, i+1)
		}
	}
	if all := len(x) + len(y); all > 0 {
		return float64(common) / float64(all)
	}
	return 0
}

// words cuts a canonical name at separators and between letters and digits;
// a size such as "7b" stays one word.
func words(s string) []string {
	var out []string
	start := 0
	cut := func(i int) {
		if i > start {
			out = append(out, s[start:i])
		}
		start = i
	}
	for i := range len(s) {
		switch {
		case s[i] == '-' || s[i] == '/':
			cut(i)
			start = i + 1
		case i > start && isLetter(s[i-1]) && isDigit(s[i]):
			cut(i)
		}
	}
	cut(len(s))
	return out
}

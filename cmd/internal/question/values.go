package question

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/vramcalc/vramcalc/estimator/spelling"
)

// Value is a setting that can be said. Each kind says in its error what was
// expected; none takes an empty word or a zero for "not said", which is what
// leaving the setting out means.
type Value interface {
	Set(string) error
	Type() string
	String() string
}

// Count is a whole number from 1 up.
type Count struct{ N *int64 }

func (v Count) Set(s string) error {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 {
		return &UsageError{"want a whole number from 1 up", ""}
	}
	*v.N = n
	return nil
}

func (v Count) Type() string { return "n" }

func (v Count) String() string {
	if v.N == nil || *v.N == 0 {
		return ""
	}
	return strconv.FormatInt(*v.N, 10)
}

// Number is a number of at least low and less than high.
type Number struct {
	X         **float64
	Low, High float64
	Want      string
}

func (v Number) Set(s string) error {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(x) || x < v.Low || x >= v.High {
		return &UsageError{"want " + v.Want, ""}
	}
	*v.X = &x
	return nil
}

func (v Number) Type() string { return "x" }

func (v Number) String() string {
	if v.X == nil || *v.X == nil {
		return ""
	}
	return strconv.FormatFloat(**v.X, 'g', -1, 64)
}

// Word is a word; where the values are known here, one of them.
type Word struct {
	Word   *string
	Values []string
}

func (v Word) Set(s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return &UsageError{"want a name", ""}
	case v.Values != nil && !slices.Contains(v.Values, s):
		return &UsageError{"want one of " + strings.Join(v.Values, ", "), DidYouMean(spelling.Near(s, v.Values), "")}
	}
	*v.Word = s
	return nil
}

func (v Word) Type() string { return "name" }

func (v Word) String() string {
	if v.Word == nil {
		return ""
	}
	return *v.Word
}

// Words are words, comma-separated or by repeating the flag.
type Words struct{ Words *[]string }

func (v Words) Set(s string) error {
	for w := range strings.SplitSeq(s, ",") {
		w = strings.TrimSpace(w)
		if w == "" {
			return &UsageError{"want names separated by commas, none of them empty", ""}
		}
		*v.Words = append(*v.Words, w)
	}
	return nil
}

func (v Words) Type() string { return "names" }

func (v Words) String() string {
	if v.Words == nil {
		return ""
	}
	return strings.Join(*v.Words, ",")
}

// Switch is true when the flag stands alone, and may be said: --flag=false.
type Switch struct{ On **bool }

func (v Switch) Set(s string) error {
	b, err := strconv.ParseBool(s)
	if err != nil {
		return &UsageError{"want true or false", ""}
	}
	*v.On = &b
	return nil
}

func (v Switch) Type() string { return "bool" }

func (v Switch) String() string {
	if v.On == nil || *v.On == nil {
		return ""
	}
	return strconv.FormatBool(**v.On)
}

package main

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The values of flags. Each says in its error what was expected; none takes an
// empty word or a zero for "not said", which is what leaving the flag out means.

// countValue is a whole number from 1 up.
type countValue struct{ n *int64 }

func (v countValue) Set(s string) error {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 {
		return &usageError{"want a whole number from 1 up", ""}
	}
	*v.n = n
	return nil
}

func (v countValue) Type() string { return "n" }

func (v countValue) String() string {
	if v.n == nil || *v.n == 0 {
		return ""
	}
	return strconv.FormatInt(*v.n, 10)
}

// numberValue is a number of at least low and less than high.
type numberValue struct {
	x         **float64
	low, high float64
	want      string
}

func (v numberValue) Set(s string) error {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(x) || x < v.low || x >= v.high {
		return &usageError{"want " + v.want, ""}
	}
	*v.x = &x
	return nil
}

func (v numberValue) Type() string { return "x" }

func (v numberValue) String() string {
	if v.x == nil || *v.x == nil {
		return ""
	}
	return strconv.FormatFloat(**v.x, 'g', -1, 64)
}

// wordValue is a word; where the values are known here, one of them.
type wordValue struct {
	word   *string
	values []string
}

func (v wordValue) Set(s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return &usageError{"want a name", ""}
	case v.values != nil && !slices.Contains(v.values, s):
		return &usageError{"want one of " + strings.Join(v.values, ", "), didYouMean(nearest(s, v.values), "")}
	}
	*v.word = s
	return nil
}

func (v wordValue) Type() string { return "name" }

func (v wordValue) String() string {
	if v.word == nil {
		return ""
	}
	return *v.word
}

// wordsValue are words, comma-separated or by repeating the flag.
type wordsValue struct{ words *[]string }

func (v wordsValue) Set(s string) error {
	for w := range strings.SplitSeq(s, ",") {
		w = strings.TrimSpace(w)
		if w == "" {
			return &usageError{"want names separated by commas, none of them empty", ""}
		}
		*v.words = append(*v.words, w)
	}
	return nil
}

func (v wordsValue) Type() string { return "names" }

func (v wordsValue) String() string {
	if v.words == nil {
		return ""
	}
	return strings.Join(*v.words, ",")
}

// switchValue is true when the flag stands alone, and may be said: --flag=false.
type switchValue struct{ on **bool }

func (v switchValue) Set(s string) error {
	b, err := strconv.ParseBool(s)
	if err != nil {
		return &usageError{"want true or false", ""}
	}
	*v.on = &b
	return nil
}

func (v switchValue) Type() string { return "bool" }

func (v switchValue) String() string {
	if v.on == nil || *v.on == nil {
		return ""
	}
	return strconv.FormatBool(**v.on)
}

// groupKey is the annotation that says under which heading help lists a flag.
const groupKey = "group"

// flagAdder adds flags of one heading, with their completion.
type flagAdder struct {
	cmd   *cobra.Command
	group string
}

func (a flagAdder) add(v pflag.Value, name, usage string, complete func() []string) *pflag.Flag {
	f := a.cmd.Flags().VarPF(v, name, "", usage)
	f.Annotations = map[string][]string{groupKey: {a.group}}
	completion := cobra.NoFileCompletions
	if complete != nil {
		completion = completeFrom(complete)
	}
	// The only error is a flag that does not exist or has one already.
	_ = a.cmd.RegisterFlagCompletionFunc(name, completion)
	return f
}

func (a flagAdder) addSwitch(on **bool, name, usage string) {
	a.add(switchValue{on}, name, usage, nil).NoOptDefVal = "true"
}

// completeFrom completes the last of comma-separated names.
func completeFrom(names func() []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		head, last := "", typed
		if i := strings.LastIndexByte(typed, ','); i >= 0 {
			head, last = typed[:i+1], typed[i+1:]
		}
		var found []string
		for _, n := range names() {
			if strings.HasPrefix(n, strings.ToLower(last)) {
				found = append(found, head+n)
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

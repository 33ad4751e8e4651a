package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

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

package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
)

// app is one run: what its commands share.
type app struct {
	stdout io.Writer
	stderr io.Writer
	env    environment
	output string
}

// newRoot builds the commands.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   programName,
		Short: "Predict the memory and the speed of fine-tuning a language model",
		Long: "vramcalc predicts how much GPU memory one training step takes and how fast it\n" +
			"runs, derived operation by operation from what the framework executes.",
		Example: "  vramcalc plan --model llama-7b --method qlora --gpu rtx-4090",
		Args:    noCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if a.env.document {
				return refuseOutside(cmd)
			}
			return nil
		},
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	a.output = string(render.Table)
	f := root.PersistentFlags().VarPF(question.Word{Word: &a.output, Values: render.Formats()}, "output", "o",
		"`format`: "+strings.Join(render.Formats(), ", "))
	f.Annotations = map[string][]string{groupKey: {"Output"}}
	_ = root.RegisterFlagCompletionFunc("output", completeFrom(render.Formats))
	root.SetFlagErrorFunc(flagError)
	root.SetUsageFunc(usage)
	root.SetHelpFunc(help)
	root.AddCommand(
		newPlan(a), newCompare(a), newFit(a), newTrace(a), newModels(a), newGPUs(a), newMethods(a), newTrainers(a),
		newValidate(a), newDocs(a), newDoctor(a), newWeb(a), newMan(), newVersion(a),
	)
	root.SetOut(a.stdout) // the scripts of completion take it now
	addBuiltIn(root)
	return root
}

// addBuiltIn adds cobra's own commands, which would take any word for a shell
// or a command.
func addBuiltIn(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			c.Args = noCommand
			c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		case "help":
			c.Args = func(_ *cobra.Command, words []string) error {
				found, rest, err := root.Find(words)
				if err == nil && len(rest) > 0 {
					return unknownCommand(found, rest[0])
				}
				return err
			}
		}
	}
}

// noCommand refuses words where a command was expected.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return unknownCommand(cmd, args[0])
	}
	return nil
}

// noArguments refuses words after a command that takes flags only.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return &usageError{
			fmt.Sprintf("%s takes no arguments, got %q", cmd.CommandPath(), args[0]),
			fmt.Sprintf("%q lists the flags", cmd.CommandPath()+" --help"),
		}
	}
	return nil
}

// write writes d in the format that was asked for.
func (a *app) write(d render.Document) error {
	return render.Write(a.stdout, render.Format(a.output), a.page(), d)
}

// page is what the environment says about the terminal.
func (a *app) page() render.Page {
	width, _ := strconv.Atoi(a.env.getenv("COLUMNS"))
	switch {
	case width <= 0 && a.output == string(render.Wide):
		width = 132
	case width <= 0:
		width = 80
	case width < 40:
		width = 40
	}
	return render.Page{Width: width, Color: a.color()}
}

// color follows NO_COLOR, then FORCE_COLOR, then the terminal.
func (a *app) color() bool {
	force := a.env.getenv("FORCE_COLOR")
	switch {
	case a.env.getenv("NO_COLOR") != "":
		return false
	case force != "" && force != "0" && force != "false":
		return true
	}
	return a.env.terminal && a.env.getenv("TERM") != "dumb"
}

// help writes what a command is for, then its usage.
func help(cmd *cobra.Command, _ []string) {
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	fmt.Fprintln(cmd.OutOrStdout(), strings.TrimSpace(text)+"\n")
	_ = usage(cmd)
}

// usage writes how to call a command: its lines, commands and flags by
// heading, in 80 columns.
func usage(cmd *cobra.Command) error {
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "Usage:\n")
	if cmd.Runnable() && cmd.HasParent() {
		fmt.Fprintf(w, "  %s\n", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "  %s <command> [flags]\n", cmd.CommandPath())
	}
	if cmd.Example != "" {
		fmt.Fprintf(w, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\nCommands:\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(w, "  %-12s %s\n", c.Name(), c.Short)
			}
		}
	}
	for _, g := range flagGroups(cmd) {
		fmt.Fprintf(w, "\n%s:\n%s", g.name, g.flags.FlagUsagesWrapped(80))
	}
	return nil
}

type flagGroup struct {
	name  string
	flags *pflag.FlagSet
}

// flagGroups are a command's flags by heading, in the order they were added.
func flagGroups(cmd *cobra.Command) []flagGroup {
	var groups []flagGroup
	place := func(f *pflag.Flag) {
		name := "Output"
		if g := f.Annotations[groupKey]; len(g) > 0 {
			name = g[0]
		}
		for _, g := range groups {
			if g.name == name {
				g.flags.AddFlag(f)
				return
			}
		}
		set := pflag.NewFlagSet(name, pflag.ContinueOnError)
		set.SortFlags = false
		set.AddFlag(f)
		groups = append(groups, flagGroup{name, set})
	}
	local := cmd.LocalFlags()
	local.SortFlags = false
	local.VisitAll(place)
	cmd.InheritedFlags().VisitAll(place)
	return groups
}

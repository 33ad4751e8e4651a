package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/methods"
	"github.com/vramcalc/vramcalc/estimator/spelling"
	"github.com/vramcalc/vramcalc/presets"
)

func newModels(a *app) *cobra.Command {
	cmd := listing("models [PATTERN]", "List the models that are known by name", presets.ModelNames,
		func(pattern string) error {
			found := presets.SearchModels(pattern)
			if len(found) == 0 {
				_, err := presets.Model(pattern)
				return noMatch("model", pattern, err)
			}
			list := render.Catalogue{Key: "models", Columns: modelColumns}
			for _, m := range found {
				list.Records = append(list.Records, modelRecord(m))
			}
			return a.write(list)
		})
	cmd.AddCommand(showing("Show all that is known about a model", presets.ModelNames, func(cmd *cobra.Command, name string) error {
		m, err := a.env.models(cmd.Context(), name, a.env.getenv)
		if err != nil {
			return err
		}
		return a.write(render.Sheet{Key: "model", Title: m.Name, Record: modelRecord(m)})
	}))
	return cmd
}

func newGPUs(a *app) *cobra.Command {
	cmd := listing("gpus [PATTERN]", "List the GPUs that are known by name", presets.GPUNames,
		func(pattern string) error {
			found := presets.SearchGPUs(pattern)
			if len(found) == 0 {
				_, err := presets.GPU(pattern)
				return noMatch("GPU", pattern, err)
			}
			list := render.Catalogue{Key: "gpus", Columns: gpuColumns}
			for _, g := range found {
				list.Records = append(list.Records, gpuRecord(g))
			}
			return a.write(list)
		})
	local := cmd.Flags().Bool("local", false, "show the GPUs of this machine: what is free, who uses it, what fits")
	byName := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !*local {
			return byName(cmd, args)
		}
		if len(args) > 0 {
			return &usageError{fmt.Sprintf("--local makes no sense with the pattern %q", strings.Join(args, " ")), "leave one of them out"}
		}
		return a.localGPUs(cmd)
	}
	cmd.AddCommand(showing("Show all that is known about a GPU", presets.GPUNames, func(_ *cobra.Command, name string) error {
		g, err := presets.GPU(name)
		if err != nil {
			return err
		}
		return a.write(render.Sheet{Key: "gpu", Title: g.Name, Record: gpuRecord(g)})
	}))
	return cmd
}

// listing is a command that lists what matches a pattern.
func listing(use, short string, names func() []string, list func(pattern string) error) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Long:  short + ". PATTERN is one or more\nwords that must all appear in one of its names.",
		Args: func(cmd *cobra.Command, args []string) error {
			// Several words are a pattern, but no name begins with a verb.
			if len(args) > 1 && len(spelling.Near(args[0], []string{"show"})) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return nil
		},
		ValidArgsFunction: completeFrom(names),
		RunE:              func(_ *cobra.Command, args []string) error { return list(strings.Join(args, " ")) },
	}
}

// showing is the command that shows one thing in full.
func showing(short string, names func() []string, show func(cmd *cobra.Command, name string) error) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: short,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{
					fmt.Sprintf("%s takes one name, got %d", cmd.CommandPath(), len(args)),
					fmt.Sprintf("%q lists the names", cmd.Parent().CommandPath()),
				}
			}
			return nil
		},
		ValidArgsFunction: completeFrom(names),
		RunE:              func(cmd *cobra.Command, args []string) error { return show(cmd, args[0]) },
	}
}

// noMatch says that a pattern matches nothing, with the names nearest to it.
func noMatch(kind, pattern string, err error) error {
	hint := fmt.Sprintf("%s lists all of them", question.ListCommand(kind))
	var notFound *presets.NotFoundError
	if errors.As(err, &notFound) {
		hint = question.DidYouMean(notFound.Nearest, hint)
	}
	return &failure{fmt.Errorf("no %s matches %q", kind, pattern), hint}
}

func newMethods(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "methods",
		Short: "List the fine-tuning methods",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			list := render.Catalogue{Key: "methods", Columns: []render.Shown{
				{Key: "id", Column: render.Column{Title: "method"}},
				{Key: "summary", Column: render.Column{Title: "what it does", Wrap: true}},
				{Key: "saves_adapter", Column: render.Column{Title: "saves an adapter", Drop: 2}},
				{Key: "quantizes", Column: render.Column{Title: "quantizes", Drop: 1}},
			}}
			for _, id := range methods.IDs() {
				m, _ := methods.Get(id)
				list.Records = append(list.Records, render.Record{
					{Key: "id", Value: m.ID},
					{Key: "summary", Value: m.Summary},
					{Key: "saves_adapter", Value: m.Adapter},
					{Key: "quantizes", Value: m.Quantizes},
				})
			}
			return a.write(list)
		},
	}
}

func newTrainers(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "trainers",
		Short: "List the trainers whose defaults are known",
		Long: "List the trainers whose defaults are known. NAME@VERSION takes the defaults of\n" +
			"that version, NAME alone those of the newest profile.",
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			list := render.Catalogue{Key: "trainers", Columns: []render.Shown{
				{Key: "id", Column: render.Column{Title: "trainer"}},
			}}
			for _, id := range estimator.Trainers() {
				list.Records = append(list.Records, render.Record{{Key: "id", Value: id}})
			}
			return a.write(list)
		},
	}
}

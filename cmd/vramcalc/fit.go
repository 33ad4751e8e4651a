package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/solve"
	"github.com/vramcalc/vramcalc/estimator/spelling"
	"github.com/vramcalc/vramcalc/estimator/sweep"
)

// fitFlags are the flags of fit.
type fitFlags struct {
	question.Question
	lists       question.Lists
	max         []string
	pareto      bool
	probability *float64
}

// frontByDefault are the values that a front is looked for among: what
// changes memory and speed of a run and not the model that comes out, but for
// the optimizer's 8-bit states.
var frontByDefault = question.Lists{
	"checkpointing": estimator.Checkpointings(),
	"loss":          estimator.Losses(),
	"optimizer":     {"adamw-fused", "adamw-8bit", "paged-adamw-8bit"},
	"micro-batch":   {"1", "2", "4", "8", "16", "32"},
}

func newFit(a *app) *cobra.Command {
	f := &fitFlags{lists: question.Lists{}}
	cmd := &cobra.Command{
		Use:   "fit --model NAME --method NAME [flags]",
		Short: "The largest batch, sequence or rank that fits; the smallest GPU",
		Long: "fit searches for what still fits. With --gpu it is the largest micro-batch and\n" +
			"the longest sequence, or what --max names; without, the smallest of the common\n" +
			"cards. Each answer was estimated, and so was the next value, which does not fit.\n" +
			"--pareto lists the settings that no others beat in memory and speed at once,\n" +
			"over checkpointing, loss, optimizer and micro-batch, or the values given.",
		Example: "  vramcalc fit --model llama-7b --method qlora --gpu rtx-4090\n" +
			"  vramcalc fit --model llama-7b --method qlora --gpu rtx-4090 --max lora-rank\n" +
			"  vramcalc fit --model llama-7b --method full,lora,qlora --probability 0.95\n" +
			"  vramcalc fit --model llama-7b --method lora --gpu a100-40gb-sxm --pareto",
		Args:                  noArguments,
		DisableFlagsInUseLine: true,
		RunE:                  func(cmd *cobra.Command, _ []string) error { return a.fit(cmd.Context(), f) },
	}
	cmd.Flags().SortFlags = false
	addSettings(cmd, f.lists.Settings(&f.Question))
	cmd.Flags().Lookup("gpu").Usage = "GPU `names`, or local; not given: the smallest common card is looked for"
	search := flagAdder{cmd, "Search"}
	search.add(question.Words{Words: &f.max}, "max", "`settings` to make as large as fits: "+strings.Join(solve.Settings(), ", ")+
		" (default those of the first two that were not given)", solve.Settings)
	search.add(question.Number{X: &f.probability, Low: 0.01, High: 1, Want: "a number from 0.01 up to less than 1"}, "probability",
		"fits means with at least this `probability`, by the error band (default: the estimate itself fits)", nil)
	cmd.Flags().BoolVar(&f.pareto, "pareto", false, "list the front of memory against tokens/s")
	cmd.Flags().Lookup("pareto").Annotations = map[string][]string{groupKey: {"Search"}}
	takesFile(cmd)
	return cmd
}

func (a *app) fit(ctx context.Context, f *fitFlags) error {
	max, err := f.unknowns()
	if err != nil {
		return err
	}
	var otherwise question.Lists
	if f.pareto {
		otherwise = frontByDefault
	}
	grid, err := a.gridOf(ctx, &f.Question, f.lists, otherwise)
	if err != nil {
		return err
	}
	s := render.Solution{Common: len(grid.Devices) == 0}
	if f.probability != nil {
		s.Bound = solve.Bound(*f.probability)
	}
	switch {
	case f.pareto:
		err = a.front(&grid, &s)
	case s.Common:
		err = a.smallest(&grid, &s)
	default:
		err = a.largest(&grid, max, &s)
	}
	if err != nil {
		return err
	}
	return a.write(s)
}

// unknowns are the settings to search. Each is free: it was not given.
func (f *fitFlags) unknowns() ([]string, error) {
	given := func(setting string) bool {
		return len(f.lists[setting]) > 0 || setting == "micro-batch" && len(f.lists["batch-size"]) > 0
	}
	for _, n := range f.max {
		switch {
		case !slices.Contains(solve.Settings(), n):
			return nil, &usageError{
				fmt.Sprintf("--max %q: want some of %s", n, strings.Join(solve.Settings(), ", ")),
				question.DidYouMean(spelling.Near(n, solve.Settings()), ""),
			}
		case given(n):
			return nil, &usageError{fmt.Sprintf("--max %s and --%s contradict each other", n, n), "give a value, or have the largest looked for"}
		case f.pareto:
			return nil, &usageError{"--max and --pareto are two questions", "ask them one after the other"}
		case len(f.GPUs) == 0:
			return nil, &usageError{"--max makes no sense without --gpu", "name the card, such as --gpu rtx-4090"}
		}
	}
	if f.pareto && len(f.GPUs) != 1 {
		return nil, &usageError{"--pareto needs one --gpu: speeds of several make no front", "for example --gpu rtx-4090"}
	}
	if len(f.max) > 0 {
		return f.max, nil
	}
	free := slices.DeleteFunc(slices.Clone(solve.Settings()[:2]), given)
	if len(free) == 0 && len(f.GPUs) > 0 && !f.pareto {
		return nil, &usageError{"--micro-batch and --seq-len are both given: nothing is left to look for", "leave one out, or say what with --max"}
	}
	return free, nil
}

// largest finds the edge of each unknown in each combination on each device,
// as many at a time as there are processors.
func (a *app) largest(grid *sweep.Grid, unknowns []string, s *render.Solution) error {
	s.Axes = grid.AllAxes()
	var wait sync.WaitGroup
	var requests []estimator.Request
	for at, r := range grid.Requests() {
		for i, d := range grid.Devices {
			for _, setting := range unknowns {
				r.Device = d
				s.Edges = append(s.Edges, render.SolvedEdge{At: append(slices.Clone(at), i), Edge: solve.Edge{Setting: setting}})
				requests = append(requests, r)
			}
		}
	}
	for i := range s.Edges {
		wait.Go(func() {
			e := &s.Edges[i]
			e.Edge, e.Err = solve.Largest(requests[i], e.Setting, s.Bound, a.env.engine.Verdicts, a.env.engine.Estimate)
		})
	}
	wait.Wait()
	for i, e := range s.Edges {
		s.Edges[i].Setting = unknowns[i%len(unknowns)]
		if len(s.Edges) == len(unknowns) && e.Err != nil {
			return e.Err
		}
	}
	return nil
}

// smallest finds the smallest common card of each combination.
func (a *app) smallest(grid *sweep.Grid, s *render.Solution) error {
	devices, err := question.Devices(question.CommonCards, grid.Base.Device.Count, question.PresetDevice)
	if err != nil {
		return err
	}
	s.Axes = grid.AllAxes()
	for at, r := range grid.Requests() {
		reports, errs := a.env.engine.Estimate(r, devices)
		card := render.SolvedCard{At: at, Err: errs[len(errs)-1]}
		if i := solve.Smallest(reports, errs, s.Bound); i >= 0 {
			card.Report, card.Err = &reports[i], nil
		}
		if card.Err != nil && len(s.Axes) == 0 {
			return card.Err
		}
		s.Cards = append(s.Cards, card)
	}
	return nil
}

// front finds the front among the cells that fit.
func (a *app) front(grid *sweep.Grid, s *render.Solution) error {
	s.Axes = grid.AllAxes()
	var fitting []sweep.Cell
	var refusal error
	tried := 0
	for c := range grid.Cells(a.env.engine.Estimate) {
		tried++
		if c.Err != nil {
			refusal = c.Err
		} else if s.Bound.Holds(c.Report) {
			fitting = append(fitting, c)
		}
	}
	s.Front, s.Fitting, s.Tried = solve.Front(fitting), len(fitting), tried
	if len(s.Front) == 0 && refusal != nil {
		return refusal
	}
	return nil
}

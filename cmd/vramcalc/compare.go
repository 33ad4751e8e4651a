package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/spelling"
	"github.com/vramcalc/vramcalc/estimator/sweep"
)

// compareFlags are the flags of compare.
type compareFlags struct {
	question.Question
	lists              question.Lists
	run                question.RunQuestion
	rows, cols, values []string
}

// comparedByDefault are the values of settings that nobody gave: the table
// that people ask for first.
var comparedByDefault = question.Lists{
	"method":      {"full", "lora", "qlora"},
	"precision":   estimator.Precisions(),
	"micro-batch": {"1", "2", "4", "8", "16"},
}

func newCompare(a *app) *cobra.Command {
	f := &compareFlags{lists: question.Lists{}}
	cmd := &cobra.Command{
		Use:   "compare --model NAME [flags]",
		Short: "Methods, precisions, batches and more side by side, as one table",
		Long: "compare estimates every combination of the values given; most settings take\n" +
			"several, separated by commas. Not said: the methods full, lora and qlora, every\n" +
			"precision, micro-batches of 1 to 16. Without --gpu it is about the card of this\n" +
			"machine, or where there is none (and always with --gpu none) about memory alone.\n" +
			"A setting that a method does not have is left out of that method's cells; one\n" +
			"of several values, which makes rows or columns, is refused in them.",
		Example: "  vramcalc compare --model llama-7b\n" +
			"  vramcalc compare --model qwen2.5-7b --gpu rtx-4090 --precision bf16,bf16-mixed\n" +
			"  vramcalc compare --model llama-7b --method lora --precision bf16 \\\n" +
			"    --gpu rtx-4090,a100-80gb,h100 --cols gpu --value tokens/s\n" +
			"  vramcalc compare --model llama-7b --precision bf16 --micro-batch 4 \\\n" +
			"    --gpu a100-80gb,h100 --samples 52000 --epochs 3",
		Args:                  noArguments,
		DisableFlagsInUseLine: true,
		RunE:                  func(cmd *cobra.Command, _ []string) error { return a.compare(cmd.Context(), f) },
	}
	cmd.Flags().SortFlags = false
	addSettings(cmd, f.lists.Settings(&f.Question))
	cmd.Flags().Lookup("gpu").Usage = "GPU `names`, or local, or common: a card per common size, or none: memory alone; not given: local where there is one, else none"
	addSettings(cmd, f.run.Settings())
	table := flagAdder{cmd, "Table"}
	table.add(question.Words{Words: &f.rows}, "rows", "`settings` that make the rows (default: all that are no columns)", axisNames)
	table.add(question.Words{Words: &f.cols}, "cols", "`settings` that make the columns (default method, else gpu)", axisNames)
	table.add(question.Words{Words: &f.values}, "value", "what a cell shows: `names` of "+strings.Join(render.Measures(), ", ")+
		" (default memory; with a GPU memory,fit,tokens/s; with --samples or --tokens memory,fit,duration,cost)", render.Measures)
	takesFile(cmd)
	return cmd
}

func (a *app) compare(ctx context.Context, f *compareFlags) error {
	data, err := f.run.Build()
	if err != nil {
		return err
	}
	devices, err := a.compared(ctx, f, data != nil)
	if err != nil {
		return err
	}
	grid, err := a.gridOf(ctx, &f.Question, f.lists, comparedByDefault, devices)
	if err != nil {
		return err
	}
	c := render.Comparison{Axes: grid.AllAxes(), Dropped: grid.Dropped(), Costs: answer.CostsOver(data, devices)}
	if a.output == string(render.Table) || a.output == string(render.Wide) {
		c.Width = a.page().Width
	}
	if c.By, c.Over, err = pivot(c.Axes, f.rows, f.cols); err != nil {
		return err
	}
	if c.Values, err = measuresOf(f.values, len(devices) > 0, data != nil); err != nil {
		return err
	}
	var first error
	answered := false
	bar := a.progress("combinations", combinations(&grid))
	for cell := range grid.Cells(bar.counting(a.env.engine.Estimate)) {
		if cell.Err == nil {
			answered = true
		} else if first == nil {
			first = cell.Err
		}
		c.Cells = append(c.Cells, cell)
	}
	bar.end()
	if !answered {
		return first
	}
	return a.write(c)
}

// compared are the devices that are compared; none stands for memory alone.
func (a *app) compared(ctx context.Context, f *compareFlags, run bool) (devices []estimator.Device, err error) {
	alone := slices.Equal(f.GPUs, []string{question.None})
	switch {
	case slices.Equal(f.GPUs, []string{question.Common}):
		devices, _, err = a.devices(ctx, f.GPUs, f.Request.Device.Count)
	case !alone:
		devices, err = a.namedOrLocal(ctx, f.GPUs, f.Request.Device.Count)
	}
	switch {
	case err != nil || len(devices) > 0:
		return devices, err
	case f.Request.Device.Count > 0:
		return nil, &usageError{"--gpus makes no sense without --gpu: the memory is that of one GPU", "name the card, such as --gpu h100"}
	case run:
		return nil, &usageError{"--samples and --tokens make no sense without --gpu: how long a run takes depends on the card", "name the card, such as --gpu h100"}
	}
	return nil, nil
}

// axisNames are the settings that can make rows or columns.
func axisNames() []string { return slices.Concat([]string{"model"}, sweep.Settings(), []string{"gpu"}) }

// combinations is the number of estimates that a grid asks for: all devices of
// one combination are one.
func combinations(grid *sweep.Grid) int {
	cells, _ := grid.Len() // refused before, where too large
	return cells / max(1, len(grid.Devices))
}

// gridOf is the grid that a question with lists asks for.
func (a *app) gridOf(ctx context.Context, q *question.Question, lists, otherwise question.Lists, devices []estimator.Device) (g sweep.Grid, err error) {
	find := a.finder(ctx)
	if g.Axes, err = lists.Axes(q, otherwise, find); err != nil {
		return g, err
	}
	if g.Base, err = q.Build(find); err != nil {
		return g, err
	}
	g.Devices = devices
	if _, err = g.Len(); err != nil {
		return g, &usageError{err.Error(), "give fewer values of the settings"}
	}
	return g, nil
}

// measuresOf checks the values that were asked for, or is what goes without
// saying.
func measuresOf(names []string, gpu, run bool) ([]string, error) {
	if len(names) == 0 {
		switch {
		case run:
			return []string{"memory", "fit", "duration", "cost"}, nil
		case gpu:
			return []string{"memory", "fit", "tokens/s"}, nil
		}
		return []string{"memory"}, nil
	}
	for _, n := range names {
		switch {
		case !slices.Contains(render.Measures(), n):
			return nil, &usageError{
				fmt.Sprintf("--value %q: want some of %s", n, strings.Join(render.Measures(), ", ")),
				question.DidYouMean(spelling.Near(n, render.Measures()), ""),
			}
		case !gpu && render.NeedsCard(n):
			return nil, &usageError{fmt.Sprintf("--value %s makes no sense without --gpu", n), "name the card, such as --gpu rtx-4090"}
		case !run && render.NeedsRun(n):
			return nil, &usageError{fmt.Sprintf("--value %s makes no sense without --samples or --tokens", n), "say how much data there is, such as --samples 10000"}
		}
	}
	return names, nil
}

// pivot says which axes of several values make the rows and which the
// columns. What is in neither goes to the side that nothing was said of, else
// to the rows.
func pivot(axes []sweep.Axis, rows, cols []string) (by, over []string, err error) {
	var free []string
	for _, a := range axes {
		if len(a.Values) > 1 {
			free = append(free, a.Setting)
		}
	}
	varied := slices.Clone(free)
	for _, side := range []struct {
		flag  string
		names []string
	}{{"rows", rows}, {"cols", cols}} {
		for _, n := range side.names {
			at := slices.Index(free, n)
			if at < 0 && slices.Contains(varied, n) {
				return nil, nil, &usageError{fmt.Sprintf("--%s %s: %s is named twice", side.flag, strings.Join(side.names, ","), n), "each setting makes rows or columns"}
			}
			if at < 0 && !slices.Contains(axisNames(), n) {
				return nil, nil, &usageError{
					fmt.Sprintf("--%s %q: want some of the settings of several values, which are %s", side.flag, n, strings.Join(varied, ", ")),
					question.DidYouMean(spelling.Near(n, axisNames()), ""),
				}
			}
			if at < 0 {
				return nil, nil, &usageError{
					fmt.Sprintf("--%s %s: it has not several values here; those that do are %s", side.flag, n, strings.Join(varied, ", ")),
					"give --" + n + " several, separated by commas",
				}
			}
			free = slices.Delete(free, at, at+1)
		}
	}
	if len(rows)+len(cols) == 0 {
		for _, n := range []string{"method", "gpu"} {
			if at := slices.Index(free, n); at >= 0 && len(free) > 1 {
				return slices.Delete(free, at, at+1), []string{n}, nil
			}
		}
	}
	if len(rows) > 0 && len(cols) == 0 {
		return rows, free, nil
	}
	return append(slices.Clone(rows), free...), cols, nil
}

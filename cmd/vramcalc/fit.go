package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/files"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/methods"
	"github.com/vramcalc/vramcalc/estimator/solve"
	"github.com/vramcalc/vramcalc/estimator/spelling"
	"github.com/vramcalc/vramcalc/estimator/sweep"
	"github.com/vramcalc/vramcalc/presets"
)

// fitFlags are the flags of fit.
type fitFlags struct {
	question.Question
	lists       question.Lists
	run         question.RunQuestion
	max         []string
	pareto      bool
	svg         string
	probability *float64
}

// frontByDefault are the values that a front is looked for among: what
// changes memory and speed of a run and not the model that comes out, but for
// the rounding of the optimizer's 8-bit states and of a quantized base.
var frontByDefault = question.Lists{
	"checkpointing": estimator.Checkpointings(),
	"loss":          estimator.Losses(),
	"optimizer":     {"adamw-fused", "adamw-8bit", "paged-adamw-8bit"},
	"micro-batch":   {"1", "2", "4", "8", "16", "32"},
}

// maxModel is the unknown that no number is.
const maxModel = "model"

func unknownNames() []string { return append(solve.Settings(), maxModel) }

func newFit(a *app) *cobra.Command {
	f := &fitFlags{lists: question.Lists{}}
	cmd := &cobra.Command{
		Use:   "fit --model NAME --method NAME [flags]",
		Short: "The largest batch, sequence or model that fits; the smallest GPU",
		Long: "fit searches for what still fits. On a GPU, named or of this machine, it is the\n" +
			"largest micro-batch and the longest sequence, or what --max names; --max model\n" +
			"goes through the presets. Where there is none, and with --gpu common, it is the\n" +
			"smallest of the common cards, as asked and with other settings than asked.\n" +
			"Each answer was estimated, and so was the next value, which does not fit.\n" +
			"--pareto lists the settings that no others beat in memory and speed at once,\n" +
			"over checkpointing, loss, optimizer, quantization and micro-batch, or the\n" +
			"values given.",
		Example: "  vramcalc fit --model llama-7b --method qlora --gpu rtx-4090\n" +
			"  vramcalc fit --model llama-7b --method qlora --gpu rtx-4090 --max lora-rank\n" +
			"  vramcalc fit --method full,lora,qlora --gpu rtx-4090 --max model\n" +
			"  vramcalc fit --model llama-7b --method full,lora,qlora --probability 0.95\n" +
			"  vramcalc fit --model llama-7b --method lora --gpu a100-40gb-sxm --pareto\n" +
			"  vramcalc fit --model llama-7b --method lora --gpu h100 --pareto --svg h.svg",
		Args:                  noArguments,
		DisableFlagsInUseLine: true,
		RunE:                  func(cmd *cobra.Command, _ []string) error { return a.fit(cmd.Context(), f) },
	}
	cmd.Flags().SortFlags = false
	addSettings(cmd, f.lists.Settings(&f.Question))
	cmd.Flags().Lookup("gpu").Usage = "GPU `names`, or local, or common: the smallest common card; not given: local where there is one, else common"
	addSettings(cmd, f.run.Settings())
	search := flagAdder{cmd, "Search"}
	search.add(question.Words{Words: &f.max}, "max", "`settings` to make as large as fits: "+strings.Join(unknownNames(), ", ")+
		" (default those of the first two that were not given)", unknownNames)
	search.add(question.Number{X: &f.probability, Low: 0.01, High: 1, Want: "a number from 0.01 up to less than 1"}, "probability",
		"fits means with at least this `probability`, by the error band (default: the estimate itself fits)", nil)
	cmd.Flags().BoolVar(&f.pareto, "pareto", false, "list and plot the front of memory against tokens/s")
	cmd.Flags().Lookup("pareto").Annotations = map[string][]string{groupKey: {"Search"}}
	cmd.Flags().StringVar(&f.svg, "svg", "", "draw the front into this `file` instead (-: standard output)")
	takesFile(cmd)
	return cmd
}

func (a *app) fit(ctx context.Context, f *fitFlags) error {
	if f.svg != "" && a.output != string(render.Table) {
		return drawsOnly("svg", a.output)
	}
	data, err := f.run.Build()
	if err != nil {
		return err
	}
	devices, err := a.namedOrLocal(ctx, f.GPUs, f.Request.Device.Count)
	if err != nil {
		return err
	}
	max, err := f.unknowns(devices)
	if err != nil {
		return err
	}
	if slices.Contains(max, maxModel) {
		f.Model = presets.Models()[0].ID // any: each takes its place in turn
	}
	grid, err := a.gridOf(ctx, &f.Question, f.lists, f.otherwise(), devices)
	if err != nil {
		return err
	}
	s := render.Solution{Costs: answer.CostsOver(data, devices)}
	if f.probability != nil {
		s.Bound = solve.Bound(*f.probability)
	}
	var bar *progress
	switch {
	case f.pareto:
		bar = a.progress("combinations", combinations(&grid))
		err = a.front(&grid, &s, bar)
	case len(devices) == 0:
		bar = a.progress("estimates", 0)
		err = a.smallest(&grid, f, &s, bar)
	case slices.Contains(max, maxModel):
		bar = a.progress("estimates", 0)
		err = a.largestModels(&grid, &s, bar)
	default:
		bar = a.progress("estimates", 0)
		err = a.largest(&grid, max, &s, bar)
	}
	bar.end()
	switch {
	case err != nil:
		return err
	case f.svg != "":
		return a.drawFront(f.svg, s)
	}
	return a.write(s)
}

// otherwise are the values of settings that nobody gave.
func (f *fitFlags) otherwise() question.Lists {
	if !f.pareto {
		return nil
	}
	otherwise := maps.Clone(frontByDefault)
	if m, ok := methods.Get(f.Request.Method.ID); ok && len(f.lists["method"]) == 1 && m.Adapter {
		otherwise["quant"] = slices.DeleteFunc(slices.Clone(frontQuants), func(q string) bool { return q == "none" && m.Quantizes })
	}
	return otherwise
}

// frontQuants are the kinds of storage that a front is looked for among.
var frontQuants = []string{"none", "int8", "nf4"}

// given says whether a setting was.
func (f *fitFlags) given(setting string) bool {
	switch setting {
	case "micro-batch":
		return len(f.lists["micro-batch"])+len(f.lists["batch-size"]) > 0
	case "double-quant":
		return f.Request.Method.DoubleQuant != nil
	}
	return len(f.lists[setting]) > 0
}

// unknowns are the settings to search on devices. Each is free: it was not given.
func (f *fitFlags) unknowns(devices []estimator.Device) ([]string, error) {
	for _, n := range f.max {
		switch {
		case !slices.Contains(unknownNames(), n):
			return nil, &usageError{
				fmt.Sprintf("--max %q: want some of %s", n, strings.Join(unknownNames(), ", ")),
				question.DidYouMean(spelling.Near(n, unknownNames()), ""),
			}
		case f.given(n):
			return nil, &usageError{fmt.Sprintf("--max %s and --%s contradict each other", n, n), "give a value, or have the largest looked for"}
		case f.pareto:
			return nil, &usageError{"--max and --pareto are two questions", "ask them one after the other"}
		case n == maxModel && len(f.max) > 1:
			return nil, &usageError{"--max model stands alone: the other settings are searched for one model", "ask one after the other"}
		case len(devices) == 0:
			return nil, &usageError{"--max makes no sense without --gpu", "name the card, such as --gpu rtx-4090"}
		}
	}
	switch {
	case f.pareto && len(devices) != 1:
		return nil, &usageError{"--pareto needs one --gpu: speeds of several make no front", "for example --gpu rtx-4090"}
	case f.svg != "" && !f.pareto:
		return nil, &usageError{"--svg draws a front and needs --pareto", `"vramcalc trace --svg" draws the memory over a step`}
	case len(f.max) > 0:
		return f.max, nil
	}
	free := slices.DeleteFunc(slices.Clone(solve.Settings()[:2]), f.given)
	if len(free) == 0 && len(devices) > 0 && !f.pareto {
		return nil, &usageError{"--micro-batch and --seq-len are both given: nothing is left to look for", "leave one out, or say what with --max"}
	}
	return free, nil
}

// largest finds the edge of each unknown in each combination on each device,
// as many at a time as there are processors.
func (a *app) largest(grid *sweep.Grid, unknowns []string, s *render.Solution, bar *progress) error {
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
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range s.Edges {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			e := &s.Edges[i]
			e.Edge, e.Err = solve.Largest(requests[i], e.Setting, s.Bound, bar.counting(a.env.engine.Verdicts), bar.counting(a.env.engine.Estimate))
		})
	}
	wait.Wait()
	for i, e := range s.Edges {
		s.Edges[i].Setting = unknowns[i%len(unknowns)]
		if len(s.Edges) == len(unknowns) && e.Err != nil {
			return e.Err
		}
	}
	return refusal(s.Edges, func(e render.SolvedEdge) error { return e.Err })
}

// refusal is the first error where nothing has an answer.
func refusal[T any](all []T, of func(T) error) (first error) {
	for _, one := range all {
		err := of(one)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// largestModels finds the largest preset in each combination on each device.
func (a *app) largestModels(grid *sweep.Grid, s *render.Solution, bar *progress) error {
	s.Axes = grid.AllAxes()
	for at, r := range grid.Requests() {
		edges, errs := solve.LargestModels(r, grid.Devices, presets.Models(), s.Bound, bar.counting(a.env.engine.Verdicts), bar.counting(a.env.engine.Estimate))
		for i := range edges {
			s.Models = append(s.Models, render.SolvedModel{At: append(slices.Clone(at), i), ModelEdge: edges[i], Err: errs[i]})
		}
	}
	return refusal(s.Models, func(m render.SolvedModel) error { return m.Err })
}

// smallest finds the smallest common card of each combination, and the
// smallest with other settings where those make it smaller.
func (a *app) smallest(grid *sweep.Grid, f *fitFlags, s *render.Solution, bar *progress) error {
	devices, err := question.Devices(question.CommonCards, grid.Base.Device.Count, question.PresetDevice)
	if err != nil {
		return err
	}
	s.Axes = grid.AllAxes()
	data, _ := f.run.Build() // refused before
	s.Costs = answer.CostsOver(data, devices)
	free := func(setting string) bool { return !f.given(setting) }
	verdicts := bar.counting(s.Bound.Enough(a.env.engine.Verdicts, a.env.engine.Estimate))
	for at, r := range grid.Requests() {
		reports, errs := verdicts(r, devices)
		card, smaller := render.SolvedCard{At: at}, devices
		answered := slices.Index(errs, nil)
		switch i := solve.Smallest(reports, errs, s.Bound); {
		case answered < 0:
			card.Err = errs[0]
		case i >= 0:
			card.Report, smaller = &reports[i], devices[:i]
		}
		if card.Err == nil {
			card.Smaller = solve.SmallestWith(r, smaller, solve.Choices(reports[answered], free), s.Bound, bar.counting(a.env.engine.Floors), verdicts)
		}
		s.Cards = append(s.Cards, card)
	}
	return refusal(s.Cards, func(c render.SolvedCard) error { return c.Err })
}

// front finds the front among the cells that fit.
func (a *app) front(grid *sweep.Grid, s *render.Solution, bar *progress) error {
	s.Axes = grid.AllAxes()
	s.Front = &render.SolvedFront{}
	for c := range grid.Cells(bar.counting(s.Bound.Enough(a.env.engine.Verdicts, a.env.engine.Estimate))) {
		s.Front.Tried++
		if c.Err == nil && s.Bound.Holds(c.Report) {
			s.Front.Fitting = append(s.Front.Fitting, c)
		}
	}
	s.Front.Cells = solve.Front(s.Front.Fitting)
	if len(s.Front.Fitting) > 0 {
		return nil
	}
	// How far off it all is, no verdict says.
	var refusal error
	for c := range grid.Cells(bar.counting(a.env.engine.Estimate)) {
		switch least := s.Front.Least; {
		case c.Err != nil:
			refusal = c.Err
		case least == nil || c.Report.Memory.DeviceBytes < least.Report.Memory.DeviceBytes:
			s.Front.Least = &c
		}
	}
	if s.Front.Least == nil {
		return refusal // of all of them
	}
	return nil
}

// drawFront writes the drawing of a front to a file or standard output.
func (a *app) drawFront(name string, s render.Solution) error {
	switch {
	case len(s.Front.Cells) == 0 && len(s.Front.Fitting) > 0:
		return &failure{errors.New("--svg: the speed of this GPU is not known, so there is no front to draw"), "take another card"}
	case len(s.Front.Cells) == 0:
		return &failure{errors.New("--svg: nothing fits, so there is nothing to draw"), "the same question without --svg tells more"}
	}
	if name == "-" {
		return render.WriteFrontSVG(a.stdout, s)
	}
	var b bytes.Buffer
	if err := render.WriteFrontSVG(&b, s); err != nil {
		return err
	}
	return files.Write(name, b.Bytes())
}

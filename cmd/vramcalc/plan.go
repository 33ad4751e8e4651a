package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
	"github.com/vramcalc/vramcalc/estimator"
)

// planFlags are the flags of plan.
type planFlags struct {
	requestFlags
	check, explain bool
}

func newPlan(a *app) *cobra.Command {
	f := &planFlags{}
	cmd := &cobra.Command{
		Use:   "plan --model NAME --method NAME [flags]",
		Short: "Does it fit, on what, with how much room, and how fast?",
		Long: "plan predicts the memory and the speed of one training step. A setting that is\n" +
			"not said is the trainer's default, and the answer lists it.",
		Example: "  vramcalc plan --model llama-7b --method qlora\n" +
			"  vramcalc plan --model qwen2.5-7b --method lora --gpu rtx-4090,a100-80gb\n" +
			"  vramcalc plan --model llama-7b --method full --gpu h100 --check -o json",
		Args:                  noArguments,
		DisableFlagsInUseLine: true,
		RunE:                  func(cmd *cobra.Command, _ []string) error { return a.plan(cmd, f) },
	}
	cmd.Flags().SortFlags = false
	f.add(cmd)
	cmd.Flags().BoolVar(&f.check, "check", false, "exit with status 3 unless it fits every GPU named (none named: one of them)")
	cmd.Flags().BoolVar(&f.explain, "explain", false, "show how each number came about: symbols, values, source")
	return cmd
}

func (a *app) plan(cmd *cobra.Command, f *planFlags) error {
	if f.explain && a.output == string(render.CSV) {
		return &usageError{"--explain makes no sense with -o csv: a derivation has no row", "take -o table, json, yaml, markdown or html"}
	}
	request, err := f.build(cmd.Context(), a)
	if err != nil {
		return err
	}
	devices, common, err := a.devices(cmd.Context(), f.gpus, f.request.Device.Count)
	if err != nil {
		return err
	}
	plan, requests, err := a.answers(request, devices, common)
	if err != nil {
		return err
	}
	plan.Focus = focus(plan.Answers)
	for i := range plan.Answers {
		if common && i != plan.Focus {
			continue // nobody asked about this card in particular
		}
		if err := a.complete(&plan.Answers[i], requests[i], f.explain); err != nil {
			return err
		}
	}
	if err := a.write(plan); err != nil {
		return err
	}
	if a.output == string(render.CSV) {
		for _, r := range plan.Refused { // which have no row there
			fmt.Fprintf(a.stderr, "%s: note: %s is left out: %s\n", programName, r.ID, r.Reason)
		}
	}
	if f.check && !passes(plan.Answers, common) {
		return errTooBig
	}
	return nil
}

// answers estimates the request on each device. On the common cards a refusal
// is a row like any other, unless all of them refuse; a card that was named
// has to answer.
func (a *app) answers(r estimator.Request, devices []estimator.Device, common bool) (render.Plan, []estimator.Request, error) {
	var (
		plan     render.Plan
		requests []estimator.Request
		first    error
	)
	reports, errs := a.env.engine.estimate(r, devices)
	for i, d := range devices {
		err := errs[i]
		if err == nil {
			r.Device = d
			plan.Answers = append(plan.Answers, render.Answer{Report: reports[i]})
			requests = append(requests, r)
			continue
		}
		if !common {
			return plan, nil, about(err, d, len(devices))
		}
		if first == nil {
			first = err
		}
		problem, _, _ := describe(err)
		capacity, _ := d.GPU.Capacity()
		plan.Refused = append(plan.Refused, render.Refusal{ID: d.GPU.ID, Name: d.GPU.Name, CapacityBytes: capacity, Reason: problem})
	}
	if len(plan.Answers) == 0 {
		return plan, nil, first
	}
	return plan, requests, nil
}

// about says which of several devices an error is about.
func about(err error, d estimator.Device, devices int) error {
	if devices == 1 {
		return err
	}
	problem, hint, status := describe(err)
	problem = d.GPU.ID + ": " + problem
	if status == exitUsage {
		return &usageError{problem, hint}
	}
	return &failure{errors.New(problem), hint}
}

// focus is the answer that is told in full: the smallest device with room to
// spare, else the smallest that it fits, else the largest.
func focus(answers []render.Answer) int {
	best := 0
	for i, a := range answers {
		b := answers[best]
		rank := cmp.Compare(room(a.Report), room(b.Report))
		size := cmp.Compare(b.Device.CapacityBytes, a.Device.CapacityBytes)
		if !fits(a.Report) {
			size = -size
		}
		if rank > 0 || rank == 0 && size > 0 {
			best = i
		}
	}
	return best
}

// room ranks an answer: it fits, tightly, or does not.
func room(r estimator.Report) int {
	switch {
	case !fits(r):
		return 0
	case r.Fit.Verdict == estimator.Tight:
		return 1
	}
	return 2
}

func fits(r estimator.Report) bool { return r.Fit != nil && r.Fit.Fits }

// passes says whether the step fits every device, or one of the common cards.
func passes(answers []render.Answer, common bool) bool {
	count := 0
	for _, a := range answers {
		if fits(a.Report) {
			count++
		}
	}
	return count == len(answers) || common && count > 0
}

// complete adds to an answer what to change, where there is little or no
// room, and how its numbers came about, where that was asked for.
func (a *app) complete(answer *render.Answer, r estimator.Request, explain bool) (err error) {
	if answer.Fit != nil && answer.Fit.Verdict != estimator.Fits {
		answer.Changes = a.env.engine.changes(r, answer.Report)
	}
	if explain {
		answer.Derivations, err = a.env.engine.explain(r)
	}
	return err
}

package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
)

// planFlags are the flags of plan.
type planFlags struct {
	requestFlags
	run            question.RunQuestion
	check, explain bool
	watch, observe int64
	save           string
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
	addSettings(cmd, f.run.Settings())
	cmd.Flags().BoolVar(&f.check, "check", false, "exit with status 3 unless it fits every GPU named (none named: one of them)")
	cmd.Flags().BoolVar(&f.explain, "explain", false, "show how each number came about: symbols, values, source")
	to := flagAdder{cmd, "Beside a running process"}
	to.add(question.Count{N: &f.watch}, "watch", "read what process `pid` holds until it ends, and show it beside the prediction", nil)
	to.add(question.Count{N: &f.observe}, "observe", "the same for `n` seconds; without --watch of the process that holds most", nil)
	takesFile(cmd)
	cmd.Flags().StringVar(&f.save, "save", "", "write the settings given as a request `file` for -f and answer nothing (alone: standard output)")
	cmd.Flags().Lookup("save").NoOptDefVal = "-"
	return cmd
}

func (a *app) plan(cmd *cobra.Command, f *planFlags) error {
	if f.explain && a.output == string(render.CSV) {
		return &usageError{"--explain makes no sense with -o csv: a derivation has no row", "take -o table, json, yaml, markdown or html"}
	}
	if f.save != "" {
		return a.save(cmd, f.save)
	}
	request, err := f.build(cmd.Context(), a)
	if err != nil {
		return err
	}
	data, err := f.run.Build()
	if err != nil {
		return err
	}
	devices, common, err := a.devices(cmd.Context(), f.GPUs, f.Request.Device.Count)
	if err != nil {
		return err
	}
	plan, err := a.env.engine.Plan(request, devices, common, f.explain)
	if err != nil {
		return err
	}
	plan.Over(answer.CostsOver(data, devices))
	if f.watch+f.observe > 0 {
		seen, err := a.observe(cmd.Context(), watcher{f.watch, f.observe, readingPause})
		if err != nil {
			return err
		}
		for i := range plan.Answers {
			plan.Answers[i].Observed = seen
		}
	}
	if err := a.write(render.Plan(plan)); err != nil {
		return err
	}
	if a.output == string(render.CSV) {
		for _, r := range plan.Refused { // which have no row there
			fmt.Fprintf(a.stderr, "%s: note: %s is left out: %s\n", programName, r.ID, r.Reason)
		}
	}
	if f.check && !plan.Passes(common) {
		return errTooBig
	}
	return nil
}

package main

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/files"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
	"github.com/vramcalc/vramcalc/estimator"
)

// traceFlags are the flags of trace.
type traceFlags struct {
	requestFlags
	svg, chrome string
}

// The moments that a drawing shows: about one per pixel, and enough for a
// counter that can be zoomed into.
const (
	drawnMoments  = 700
	chromeMoments = 20000
)

func newTrace(a *app) *cobra.Command {
	f := &traceFlags{}
	cmd := &cobra.Command{
		Use:   "trace --model NAME --method NAME [flags]",
		Short: "List every operation of the step with its memory and time",
		Long: "trace lists what plan reads: each operation with its module, the tensors it\n" +
			"makes and keeps, its arithmetic and its time. Equal layers stand once.",
		Example: "  vramcalc trace --model gpt2 --method full --gpu rtx-4090\n" +
			"  vramcalc trace --model llama-7b --method qlora --gpu rtx-4090 --svg step.svg\n" +
			"  vramcalc trace --model llama-7b --method lora --gpu h100 --chrome step.json\n" +
			"  vramcalc trace --model gpt2 --method full -o csv > step.csv",
		Args:                  noArguments,
		DisableFlagsInUseLine: true,
		RunE:                  func(cmd *cobra.Command, _ []string) error { return a.trace(cmd.Context(), f) },
	}
	cmd.Flags().SortFlags = false
	f.add(cmd)
	cmd.Flags().Lookup("gpu").Usage = "GPU `name`, or local; not given: memory alone"
	cmd.Flags().StringVar(&f.svg, "svg", "", "draw the memory over the step into this `file` instead (-: standard output)")
	cmd.Flags().StringVar(&f.chrome, "chrome", "", "write a trace for Perfetto into this `file` instead (-: standard output)")
	takesFile(cmd)
	return cmd
}

// drawsOnly refuses an output format beside a drawing.
func drawsOnly(flag, output string) error {
	return &usageError{"--" + flag + " makes no sense with -o " + output + ": the drawing is the answer", "ask for one at a time"}
}

func (a *app) trace(ctx context.Context, f *traceFlags) error {
	switch {
	case f.svg != "" && a.output != string(render.Table):
		return drawsOnly("svg", a.output)
	case f.chrome != "" && a.output != string(render.Table):
		return drawsOnly("chrome", a.output)
	case f.svg != "" && f.chrome != "":
		return &usageError{"--svg and --chrome are two drawings", "ask for one at a time"}
	case len(f.GPUs) > 1:
		return &usageError{"trace follows one step on one GPU", "name one --gpu"}
	case f.chrome != "" && len(f.GPUs) == 0:
		return &usageError{"--chrome needs --gpu: a trace without times shows nothing", "for example --gpu rtx-4090"}
	}
	r, err := f.build(ctx, a)
	if err != nil {
		return err
	}
	if len(f.GPUs) == 1 {
		devices, err := a.namedOrLocal(ctx, f.GPUs, f.Request.Device.Count)
		switch {
		case err != nil:
			return err
		case len(devices) != 1: // common, or local where unequal cards are
			return &usageError{"--gpu " + f.GPUs[0] + ": trace follows one step on one GPU", "name one, such as --gpu rtx-4090"}
		}
		r.Device = devices[0]
	}
	t, err := estimator.TraceStep(r)
	if err != nil {
		return err
	}
	switch {
	case f.svg != "":
		return a.draw(f.svg, r, drawnMoments, func(w io.Writer, moments []estimator.Moment) error {
			return render.WriteTimelineSVG(w, t.Report, moments)
		})
	case f.chrome != "" && t.Report.Throughput == nil:
		return &failure{errors.New("--chrome: the speed of this GPU is not known, so there are no times to show"), "take another card"}
	case f.chrome != "":
		return a.draw(f.chrome, r, chromeMoments, func(w io.Writer, moments []estimator.Moment) error {
			return render.WriteChrome(w, t, moments)
		})
	}
	return a.write(render.Trace(t))
}

// draw writes a drawing of the step's moments to a file or standard output.
func (a *app) draw(name string, r estimator.Request, most int, write func(io.Writer, []estimator.Moment) error) error {
	moments, err := estimator.Timeline(r, most)
	if err != nil {
		return err
	}
	if name == "-" {
		return write(a.stdout, moments)
	}
	var b bytes.Buffer
	if err := write(&b, moments); err != nil {
		return err
	}
	return files.Write(name, b.Bytes())
}

package solve_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/solve"
	"github.com/vramcalc/vramcalc/presets"
)

func everySize(t *testing.T) (devices []estimator.Device) {
	t.Helper()
	for _, id := range []string{"rtx-4060", "rtx-3060-12gb", "rtx-4090", "a100-40gb-sxm", "h100-80gb-sxm", "h200-141gb-sxm"} {
		g, err := presets.GPU(id)
		if err != nil {
			t.Fatal(err)
		}
		devices = append(devices, estimator.Device{GPU: g})
	}
	return devices
}

// with is a request with the options that some flags name.
func with(r estimator.Request, choices []solve.Choice, flags []string) estimator.Request {
	for _, c := range choices {
		for _, o := range c.Options {
			if slices.Contains(flags, o.Flags) {
				o.Apply(&r)
			}
		}
	}
	return r
}

// combinations are the flags of every combination of the choices.
func combinations(choices []solve.Choice) [][]string {
	all := [][]string{nil}
	for _, c := range choices {
		var next [][]string
		for _, head := range all {
			next = append(next, head)
			for _, o := range c.Options {
				next = append(next, append(slices.Clone(head), o.Flags))
			}
		}
		all = next
	}
	return all
}

// TestSmallestWith holds the search, step by step, against every combination:
// no smaller card fits, the card found fits, and no change can be left out.
func TestSmallestWith(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	devices := everySize(t)
	helped := 0
	for range 16 {
		req := request(t, r)
		req.Device = estimator.Device{}
		req.Training.Checkpointing, req.Training.Loss = "", ""
		bound := solve.Bound([]float64{0, 0.5, 0.95}[r.IntN(3)])
		reports, errs := estimator.EstimateAll(req, devices)
		if errs[0] != nil {
			t.Fatal(errs[0])
		}
		end := len(devices)
		if i := solve.Smallest(reports, errs, bound); i >= 0 {
			end = i
		}
		choices := solve.Choices(reports[0], func(setting string) bool { return setting != "optimizer" || r.IntN(2) == 0 })
		best := -1
		for _, flags := range combinations(choices) {
			if reports, errs := estimator.EstimateAll(with(req, choices, flags), devices[:end]); errs != nil {
				if i := solve.Smallest(reports, errs, bound); i >= 0 && (best < 0 || i < best) {
					best = i
				}
			}
		}
		name := req.Model.ID + " " + req.Method.ID
		found := solve.SmallestWith(req, devices[:end], choices, bound, estimator.Floors, estimator.Verdicts)
		if found == nil || best < 0 {
			if found != nil || best >= 0 {
				t.Errorf("%s: found %+v, of all combinations the best card is number %d", name, found, best)
			}
			continue
		}
		if found.Report.Device.ID != devices[best].GPU.ID {
			t.Errorf("%s: found %s, of all combinations %s is the smallest", name, found.Report.Device.ID, devices[best].GPU.ID)
		}
		helped++
		on := func(flags []string) bool {
			one := with(req, choices, flags)
			one.Device = devices[best]
			rep, err := estimator.Estimate(one)
			return err == nil && bound.Holds(rep)
		}
		if !on(found.Changes) {
			t.Errorf("%s: %v does not fit %s", name, found.Changes, found.Report.Device.ID)
		}
		for i := range found.Changes {
			if fewer := slices.Delete(slices.Clone(found.Changes), i, i+1); on(fewer) {
				t.Errorf("%s: %v is not needed on %s beside %v", name, found.Changes[i], found.Report.Device.ID, fewer)
			}
		}
	}
	if helped < 6 {
		t.Errorf("only %d questions had a smaller card", helped)
	}
}

func TestChoicesLeaveWhatWasGiven(t *testing.T) {
	rep := estimator.Report{Method: estimator.MethodInfo{ID: "qlora"}}
	rep.Training.MicroBatch, rep.Training.GradAccum, rep.Training.Quant = 12, 2, "nf4"
	if got := solve.Choices(rep, func(string) bool { return false }); len(got) != 0 {
		t.Errorf("all is given, and yet %+v", got)
	}
	for _, given := range []string{"micro-batch", "grad-accum"} {
		for _, c := range solve.Choices(rep, func(s string) bool { return s != given }) {
			if c.Graded {
				t.Errorf("--%s is given, and yet %+v", given, c)
			}
		}
	}
	got := solve.Choices(rep, func(s string) bool { return s == "micro-batch" || s == "grad-accum" })
	want := []string{"--micro-batch 6 --grad-accum 4", "--micro-batch 3 --grad-accum 8", "--micro-batch 1 --grad-accum 24"}
	if len(got) != 1 || len(got[0].Options) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i, o := range got[0].Options {
		if o.Flags != want[i] {
			t.Errorf("option %d is %s, want %s", i, o.Flags, want[i])
		}
	}
}

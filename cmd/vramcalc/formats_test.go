package main

import (
	"strings"
	"testing"

	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
	"github.com/vramcalc/vramcalc/estimator"
)

// plainEngine answers by sums that a reader can do in the head: weights by
// the bits of the method, 1 GiB for a micro-batch of 2048 tokens, half of it
// with checkpointing; a third of its memory either way is the band.
var plainEngine = answer.Engine{
	Estimate: each(func(r estimator.Request) (estimator.Report, error) {
		t := &r.Training
		if t.Precision == "fp32" && r.Method.ID == "qlora" {
			return estimator.Report{}, &estimator.SettingError{Setting: "precision", Value: "fp32", Problem: "not here", Hint: "take bf16"}
		}
		micro, length, accum := max(1, t.MicroBatch), max(2048, t.SeqLen), max(1, t.GradAccum)
		need := r.Model.Parameters * map[string]int64{"full": 16, "lora": 2, "qlora": 1}[r.Method.ID]
		activations, speed := micro*length<<19, 1000*float64(micro)
		if t.Checkpointing == "full" {
			activations, speed = activations/2, speed*0.75
		}
		need += activations + r.Method.LoRARank<<20
		rep := estimator.Report{
			Model:  estimator.ModelInfo{ID: r.Model.ID, Name: r.Model.Name, Parameters: r.Model.Parameters},
			Method: estimator.MethodInfo{ID: r.Method.ID},
			Training: estimator.TrainingInfo{
				MicroBatch: micro, SeqLen: length, GradAccum: accum, Precision: t.Precision,
				Checkpointing: t.Checkpointing, Loss: t.Loss, Optimizer: t.Optimizer, Quant: r.Method.Quant, Trainer: "hf@5.0",
			},
			Memory: estimator.Memory{
				AllocatedBytes: need, ReservedBytes: need, DeviceBytes: need,
				Band:      estimator.MemoryBand{LowBytes: need - need/3, HighBytes: need + need/3},
				Breakdown: []estimator.Category{{Category: "weights", Bytes: need - activations}, {Category: "activations", Bytes: activations}},
			},
		}
		if r.Device.GPU.ID == "" {
			return rep, nil
		}
		capacity, source := r.Device.GPU.Capacity()
		if r.Device.CapacityBytes > 0 {
			capacity, source = r.Device.CapacityBytes, r.Device.CapacitySource
		}
		rep.Device = estimator.DeviceInfo{
			ID: r.Device.GPU.ID, Name: r.Device.GPU.Name, Count: max(1, r.Device.Count),
			CapacityBytes: capacity, CapacitySource: source, UsedBytes: r.Device.UsedBytes,
		}
		capacity -= r.Device.UsedBytes
		rep.Fit = &estimator.Fit{Fits: capacity >= need, HeadroomBytes: capacity - need, Verdict: verdict(capacity >= need)}
		rep.Fit.Probability = min(1, max(0, 0.5+1.5*float64(capacity-need)/float64(need)))
		rep.Throughput = &estimator.Throughput{
			StepSeconds: float64(micro*length*accum) / speed, TokensPerSecond: speed, TokensPerSecondTotal: speed, SamplesPerSecond: speed / float64(length),
		}
		return rep, nil
	}),
}

func plainly() environment {
	engine := plainEngine
	engine.Verdicts, engine.Floors = engine.Estimate, engine.Estimate
	return environment{local: noGPU, engine: engine, models: presetOnly}
}

// TestEveryFormatIsGolden shows every kind of answer of compare and fit in
// every format.
func TestEveryFormatIsGolden(t *testing.T) {
	goldenIn(t, plainly, render.Formats(), map[string]string{
		"plainly-compare":     "compare --model llama-7b --method lora,qlora --precision bf16,fp32 --micro-batch 1 --gpu rtx-4090",
		"plainly-compare-run": "compare --model llama-7b --method lora --precision bf16 --micro-batch 1,2 --gpu rtx-4060,h100 --samples 52002 --epochs 3",
		"plainly-fit":         "fit --model llama-7b --method full,lora --gpu rtx-4090 --max micro-batch --tokens 1000000 --price 2",
		"plainly-fit-model":   "fit --method lora --gpu rtx-4090,h100 --max model --probability 0.9",
		"plainly-fit-gpu":     "fit --model llama-7b --method lora --micro-batch 1 --seq-len 40000 --samples 100",
		"plainly-fit-pareto":  "fit --model llama-7b --method full,lora --gpu rtx-4090 --pareto --micro-batch 1,2 --optimizer adamw --loss fused",
	})
}

// goldenIn holds the answers to questions by name, in each of some formats; a
// table fits a terminal.
func goldenIn(t *testing.T, in func() environment, formats []string, questions map[string]string) {
	t.Helper()
	for name, args := range questions {
		for _, f := range formats {
			got := callWith(in(), nil, append(strings.Fields(args), "-o", f)...)
			if got.status != exitDone || got.stderr != "" {
				t.Fatalf("%q: %s", args, got.stderr)
			}
			golden(t, name+"."+f+".golden", got.stdout)
			for l := range strings.Lines(got.stdout) {
				if n := len([]rune(strings.TrimRight(l, "\n"))); f == "table" && n > 80 {
					t.Errorf("%q: %d columns: %s", args, n, l)
				}
			}
		}
	}
}

// TestFrontIsDrawn holds the drawing of a front.
func TestFrontIsDrawn(t *testing.T) {
	const args = "fit --model llama-7b --method lora --gpu rtx-4090 --pareto --micro-batch 1,2,4,8 --optimizer adamw --loss fused --quant none --svg -"
	got := callWith(plainly(), nil, strings.Fields(args)...)
	if got.status != exitDone {
		t.Fatal(got.stderr)
	}
	golden(t, "plainly-fit-pareto.svg.golden", got.stdout)
	nothing := callWith(plainly(), nil, strings.Fields("fit --model llama-65b --method full --gpu rtx-4060 --pareto --svg -")...)
	if nothing.status != exitFailed || nothing.stdout != "" || !strings.Contains(nothing.stderr, "nothing fits") {
		t.Errorf("a front of nothing: %+v", nothing)
	}
}

// TestWhereNothingFits: the answer says how far off it is, or where to ask on.
func TestWhereNothingFits(t *testing.T) {
	blind := environment{local: noGPU, engine: standIn, models: presetOnly} // knows no speed
	for _, c := range []struct {
		env        environment
		args, want string
	}{
		{plainly(), "fit --model llama-65b --method full --gpu rtx-4060 --pareto", "nothing fits GeForce RTX 4060, 8.00 GiB: the least needs"},
		{plainly(), "fit --model llama-65b --method full --gpu rtx-4060 --pareto --samples 10", "--checkpointing full"},
		{plainly(), "fit --model llama-65b --method full --gpu rtx-4060", `"vramcalc plan" says what to change`},
		{plainly(), "fit --model llama-65b --method full --gpu rtx-4060", "GeForce RTX 4060, 8.00 GiB"},
		{plainly(), "fit --model llama-65b --method full", "none of them"},
		{plainly(), "fit --method full --gpu rtx-4060 --max model --lora-rank 99999", "none of them"},
		{plainly(), "fit --model llama-7b --method lora --micro-batch 1 --seq-len 2048 --checkpointing full", "no other setting, of those not given, makes it fit a smaller card"},
		{blind, "fit --model llama-7b --method lora --gpu h100 --pareto", "the speed of this GPU is not known"},
		{blind, "compare --model llama-7b --method lora --precision fp16 --gpu h100 --samples 10", "no speed is known, so neither is what a run takes"},
	} {
		got := callWith(c.env, []string{"COLUMNS=200"}, strings.Fields(c.args)...)
		if got.status != exitDone || !strings.Contains(got.stdout, c.want) {
			t.Errorf("%s: no %q in\n%s%s", c.args, c.want, got.stdout, got.stderr)
		}
	}
}

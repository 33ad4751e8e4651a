package page

import (
	"strings"
	"testing"

	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	"github.com/vramcalc/vramcalc/estimator"
)

// TestHeatIsThePlan holds every cell of several heat maps to the plan's answer.
func TestHeatIsThePlan(t *testing.T) {
	asked := 0
	engine := answer.Estimator
	defer func() { answer.Estimator = engine }()
	answer.Estimator.Verdicts = func(r estimator.Request, d []estimator.Device) ([]estimator.Report, []error) {
		asked++
		return engine.Verdicts(r, d)
	}
	questions := []string{
		"rtx-4090 model llama-7b method qlora", "h100 model qwen2.5-7b method lora", "h200 model llama-3.1-8b method full optimizer adamw-8bit",
		"rtx-4060 model gpt2 method full checkpointing none", "t4 model qwen2.5-0.5b method lora precision fp16-mixed", "a100-80gb-sxm model gemma-2-9b method qlora loss fused",
		"rtx-3090 model mistral-7b method qlora checkpointing none trainer trl",
	}
	for _, question := range questions {
		words := strings.Fields(question)
		said := Said{}
		for i := 1; i < len(words); i += 2 {
			said.Settings = append(said.Settings, [2]string{words[i], words[i+1]})
		}
		cells, err := said.Heat(0, HeatSize, words[0])
		if err != nil {
			t.Fatal(err)
		}
		a, err := said.on(words[0])
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range cells {
			for j, c := range row {
				r := a.request
				r.Training.MicroBatch, r.Training.SeqLen = heatBatches[i], heatLengths[j]
				if c.MicroBatch != r.Training.MicroBatch || c.SeqLen != r.Training.SeqLen {
					t.Fatalf("the cell %d × %d stands at %d × %d", c.MicroBatch, c.SeqLen, r.Training.MicroBatch, r.Training.SeqLen)
				}
				reports, errs := engine.Estimate(r, a.devices)
				if errs[0] != nil {
					if c.State != "refused" || c.Reason != NewProblem(errs[0]).Problem {
						t.Errorf("%s, %d × %d: %s, but %v", question, c.MicroBatch, c.SeqLen, c.State, errs[0])
					}
					continue
				}
				if v := verdict(reports[0]); c.State != v.State || c.Tokens != v.Tokens {
					t.Errorf("%s, %d × %d: %s at %s tokens/s, the plan says %s at %s", question, c.MicroBatch, c.SeqLen, c.State, c.Tokens, v.State, v.Tokens)
				}
			}
		}
	}
	if mean := asked / len(questions); mean > 30 {
		t.Errorf("the allocator was asked about %d cells of a map", mean)
	} else {
		t.Logf("the allocator was asked about %d cells of a map", mean)
	}
}

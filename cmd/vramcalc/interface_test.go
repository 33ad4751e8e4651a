package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
)

// What scripts rely on: names may be added here, never taken away or changed
// without a new schema version.

const stableFlags = `model method gpu gpus micro-batch batch-size seq-len grad-accum precision
	weights-dtype adapter-dtype quant double-quant optimizer checkpointing attention loss trainer
	lora-rank lora-alpha lora-targets modules-to-save virtual-tokens trainable-layers bottleneck output check explain samples tokens epochs price`

func TestStableFlags(t *testing.T) {
	cmd, _, err := newRoot(&app{}).Find([]string{"plan"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(stableFlags) {
		if cmd.Flag(name) == nil {
			t.Errorf("plan has lost --%s", name)
		}
	}
}

const stableKeys = `model.id model.name model.parameters
	method.id method.trainable_parameters method.adapter_file_bytes
	training assumptions findings
	device.id device.count device.capacity_bytes device.capacity_source
	memory.allocated_bytes memory.reserved_bytes memory.device_bytes
	memory.band.low_bytes memory.band.high_bytes memory.band.basis
	memory.peak_at memory.breakdown
	throughput.step_seconds throughput.tokens_per_second throughput.tokens_per_second_total
	throughput.samples_per_second throughput.flops_per_step
	throughput.mfu throughput.hfu throughput.bound_by
	throughput.band.low_tokens_per_second throughput.band.high_tokens_per_second throughput.band.basis
	fit.fits fit.headroom_bytes fit.verdict fit.probability`

func TestStableJSON(t *testing.T) {
	env := environment{local: noGPU, engine: standIn, models: presetOnly}
	env.engine.Estimate = func(r estimator.Request, devices []estimator.Device) ([]estimator.Report, []error) {
		reports, errs := standIn.Estimate(r, devices)
		reports[0].Throughput = &estimator.Throughput{}
		return reports, errs
	}
	var doc struct {
		Schema  int `json:"schema_version"`
		Reports []map[string]any
	}
	if err := json.Unmarshal([]byte(callWith(env, nil, ask("--gpu", "h100", "-o", "json")...).stdout), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Schema != 1 || len(doc.Reports) != 1 {
		t.Fatalf("schema %d with %d reports", doc.Schema, len(doc.Reports))
	}
	for _, path := range strings.Fields(stableKeys) {
		var at any = doc.Reports[0]
		for key := range strings.SplitSeq(path, ".") {
			object, _ := at.(map[string]any)
			if at = object[key]; at == nil {
				t.Errorf("the JSON has lost reports[].%s", path)
				break
			}
		}
	}
}

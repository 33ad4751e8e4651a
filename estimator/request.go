// Package estimator predicts the memory and the speed of one training step.
//
// [Estimate] takes a [Request] and gives a [Report]. A step is written down
// once as a program of operations on symbolic tensors (package program, built
// by package modules) and read twice: as bytes (package memory) and as seconds
// (package throughput). The package reads no file, no clock and no environment.
package estimator

import (
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/hardware"
)

// Request is one question. The zero value of a setting means "not said": the
// trainer's default fills it, and the report lists it under assumptions.
type Request struct {
	Model    model.Model
	Method   Method
	Training Training
	Device   Device
}

// Method is the fine-tuning method with its settings.
type Method struct {
	ID string // "full", "freeze", "lora", "qlora", "dora", …

	LoRARank      int64
	LoRAAlpha     float64
	LoRADropout   *float64 // nil: the trainer's default
	LoRATargets   []string // module names, or "all-linear"
	RSLoRA        bool
	ModulesToSave []string

	TrainableLayers int64 // freeze: the last layers that train

	Quant       string // "none", "nf4", "fp4", "int8": storage of the frozen base
	DoubleQuant *bool
}

// Training is how the step is run.
type Training struct {
	MicroBatch    int64  // sequences per GPU per forward pass
	SeqLen        int64  // tokens per sequence, padded length
	GradAccum     int64  // micro-batches per optimizer step
	Precision     string // "fp32", "tf32", "fp16", "bf16", "fp16-mixed", "bf16-mixed"
	WeightsDType  string // "float32", "float16", "bfloat16"
	NormsDType    string // the same of the norms; "": that of the weights
	AdapterDType  string
	Optimizer     string // "adamw", "adamw-fused", "adamw-8bit", …
	Checkpointing string // "none", "full"
	Attention     string // "eager", "sdpa", "flash"
	Loss          string // "standard", "chunked", "fused"
	Kernels       string // "eager", "liger", "foak"
	Trainer       string // "hf", "trl", "trl@1.6", …
}

// Device is the hardware the step runs on. A zero GPU (no ID) asks for memory
// only: no fit, no speed.
type Device struct {
	GPU   hardware.GPU
	Count int64 // GPUs used together; 0 means 1
	// CapacityBytes overrides the preset's capacity (a local card's real
	// total); CapacitySource says where it comes from. UsedBytes is what
	// other processes already hold.
	CapacityBytes  int64
	CapacitySource string
	UsedBytes      int64
	// Findings are what there is to say about this very device; the report
	// repeats them.
	Findings []Finding
}

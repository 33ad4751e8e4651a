package estimator

// Report is the answer to one [Request]: plain data in bytes and seconds,
// unrounded. Its JSON form is the stable interface of the command line.
type Report struct {
	Model       ModelInfo    `json:"model"`
	Method      MethodInfo   `json:"method"`
	Training    TrainingInfo `json:"training"`
	Assumptions []Assumption `json:"assumptions"`
	Device      DeviceInfo   `json:"device"`
	Memory      Memory       `json:"memory"`
	Throughput  *Throughput  `json:"throughput,omitempty"` // nil without a GPU whose rates are known
	Fit         *Fit         `json:"fit,omitempty"`        // nil without a capacity
	Findings    []Finding    `json:"findings"`
}

// ModelInfo names the model.
type ModelInfo struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Parameters int64  `json:"parameters"` // distinct parameters, from the built modules
}

// MethodInfo is the method and its size.
type MethodInfo struct {
	ID                  string `json:"id"`
	TrainableParameters int64  `json:"trainable_parameters"`
	AdapterFileBytes    int64  `json:"adapter_file_bytes"` // 0 when the method saves no adapter
}

// TrainingInfo is every setting after the defaults were filled in.
type TrainingInfo struct {
	Trainer         string   `json:"trainer"`
	MicroBatch      int64    `json:"micro_batch"`
	SeqLen          int64    `json:"seq_len"`
	GradAccum       int64    `json:"grad_accum"`
	Precision       string   `json:"precision"`
	WeightsDType    string   `json:"weights_dtype"`
	NormsDType      string   `json:"norms_dtype"`
	AdapterDType    string   `json:"adapter_dtype,omitempty"`
	Quant           string   `json:"quant"`
	DoubleQuant     bool     `json:"double_quant"`
	Optimizer       string   `json:"optimizer"`
	Checkpointing   string   `json:"checkpointing"`
	Attention       string   `json:"attention"`
	Loss            string   `json:"loss"`
	Kernels         string   `json:"kernels"`
	LoRARank        int64    `json:"lora_rank,omitempty"`
	LoRAAlpha       float64  `json:"lora_alpha,omitempty"`
	LoRADropout     float64  `json:"lora_dropout,omitempty"`
	LoRATargets     []string `json:"lora_targets,omitempty"`
	RSLoRA          bool     `json:"rslora,omitempty"`
	ModulesToSave   []string `json:"modules_to_save,omitempty"`
	TrainableLayers int64    `json:"trainable_layers,omitempty"`
}

// Assumption is a setting that nobody stated and its source.
type Assumption struct {
	Setting string `json:"setting"`
	Value   string `json:"value"`
	Because string `json:"because"`
}

// DeviceInfo is the hardware of the answer.
type DeviceInfo struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	Count          int64  `json:"count"`
	CapacityBytes  int64  `json:"capacity_bytes"`
	CapacitySource string `json:"capacity_source"`
	UsedBytes      int64  `json:"used_bytes,omitempty"`
}

// Memory holds the three memory figures, never mixed.
type Memory struct {
	AllocatedBytes int64      `json:"allocated_bytes"` // torch.cuda.max_memory_allocated()
	ReservedBytes  int64      `json:"reserved_bytes"`  // torch.cuda.max_memory_reserved()
	DeviceBytes    int64      `json:"device_bytes"`    // nvidia-smi, this process
	Band           MemoryBand `json:"band"`            // of device_bytes
	PeakAt         string     `json:"peak_at"`         // phase and operation
	Breakdown      []Category `json:"breakdown"`       // of allocated at the peak; sums to it exactly
	ContextBytes   int64      `json:"context_bytes"`   // CUDA context and libraries outside the allocator
	ContextSource  string     `json:"context_source"`
	Phases         []Phase    `json:"phases"` // the timeline, coarse
	// CacheReturned says that the step only fits because the allocator returns
	// cached memory to the device when that is full; reserved_bytes and
	// device_bytes are then what this card is left with.
	CacheReturned bool `json:"cache_returned,omitempty"`
	// AtLeast says that reserved_bytes and device_bytes are the least that the
	// step can need: see [Verdicts] and [Floors].
	AtLeast bool `json:"at_least,omitempty"`
}

// MemoryBand is the error band of the device figure.
type MemoryBand struct {
	LowBytes  int64  `json:"low_bytes"`
	HighBytes int64  `json:"high_bytes"`
	Basis     string `json:"basis"`
}

// Category is one part of the allocated memory at the peak.
type Category struct {
	Category string `json:"category"`
	Bytes    int64  `json:"bytes"`
}

// Phase is a stretch of the step with the memory allocated at its highest and
// at its end, in the steady state (the second step).
type Phase struct {
	Phase     string `json:"phase"`
	PeakBytes int64  `json:"peak_bytes"`
	PeakAt    string `json:"peak_at"`
	EndBytes  int64  `json:"end_bytes"`
}

// Throughput is the speed of one optimizer step.
type Throughput struct {
	StepSeconds          float64        `json:"step_seconds"`
	TokensPerSecond      float64        `json:"tokens_per_second"` // per GPU
	SamplesPerSecond     float64        `json:"samples_per_second"`
	TokensPerSecondTotal float64        `json:"tokens_per_second_total"` // all GPUs
	FLOPsPerStep         float64        `json:"flops_per_step"`          // executed, per GPU
	MFU                  float64        `json:"mfu"`
	HFU                  float64        `json:"hfu"`
	BoundBy              string         `json:"bound_by"` // "compute", "memory", "launch", …
	Parts                []TimePart     `json:"parts"`    // sum to step_seconds
	Band                 ThroughputBand `json:"band"`
}

// TimePart is a part of the step's time.
type TimePart struct {
	Part    string  `json:"part"`
	Seconds float64 `json:"seconds"`
}

// ThroughputBand is the error band of tokens_per_second.
type ThroughputBand struct {
	LowTokensPerSecond  float64 `json:"low_tokens_per_second"`
	HighTokensPerSecond float64 `json:"high_tokens_per_second"`
	Basis               string  `json:"basis"`
}

// Fit says whether the step fits: decided on device bytes against the
// capacity less what others use.
type Fit struct {
	Fits          bool  `json:"fits"`           // the estimate itself is within the capacity
	HeadroomBytes int64 `json:"headroom_bytes"` // negative when it does not fit
	// Verdict is "fits" or "does-not-fit" where the whole error band is on one
	// side of the capacity, else "tight"; so is a step that fits only because
	// cached memory is returned.
	Verdict string `json:"verdict"`
	// Probability is the share of the residual distribution under which device
	// memory stays within the capacity.
	Probability float64 `json:"probability"`
}

// Finding is something the reader should know: severity is "info", "warning"
// or "error".
type Finding struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

// Change is a suggestion with its computed effect.
type Change struct {
	Flags             string  `json:"flags"`              // what to type
	DeviceBytesDelta  int64   `json:"device_bytes_delta"` // negative saves memory
	SpeedRatio        float64 `json:"speed_ratio"`        // tokens/s after over before; 0 when unknown
	Fits              bool    `json:"fits"`
	ResultDeviceBytes int64   `json:"result_device_bytes"`
}

// Derivation is how one number came about.
type Derivation struct {
	Quantity string `json:"quantity"`
	Formula  string `json:"formula"` // in symbols
	Values   string `json:"values"`  // the same with numbers
	Result   string `json:"result"`
	Source   string `json:"source"`
}

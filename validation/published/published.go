// Package published holds runs that others measured on real hardware, each as
// a request with the figures that were read. README.md explains the keys.
package published

import (
	"bytes"
	_ "embed" // the rows
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/presets"
	"github.com/vramcalc/vramcalc/presets/hfconfig"
)

//go:embed runs.jsonl
var runs []byte

//go:embed static.jsonl
var static []byte

// Run is one published run.
type Run struct {
	ID       string   `json:"id"`
	Family   string   `json:"family"` // the source
	Request  Request  `json:"request"`
	Measured Measured `json:"measured"`
	Loop     Loop     `json:"loop"`
	Gap      []string `json:"gap"`      // what the request can't say
	Complete bool     `json:"complete"` // every setting is known
	Source   Source   `json:"source"`
}

// Request is a run's settings in the words of the command line.
type Request struct {
	Model         string          `json:"model"`
	Config        json.RawMessage `json:"config"`     // config.json of a model without a preset
	VocabSize     int64           `json:"vocab_size"` // rows of the embedding where they differ from the preset
	Method        string          `json:"method"`
	LoRARank      int64           `json:"lora_rank"`
	LoRAAlpha     float64         `json:"lora_alpha"`
	LoRADropout   *float64        `json:"lora_dropout"`
	LoRATargets   Targets         `json:"lora_targets"`
	RSLoRA        bool            `json:"rslora"`
	ModulesToSave []string        `json:"modules_to_save"`
	Precision     string          `json:"precision"`
	WeightsDType  string          `json:"weights_dtype"`
	NormsDType    string          `json:"norms_dtype"`
	AdapterDType  string          `json:"adapter_dtype"`
	Quant         string          `json:"quant"`
	DoubleQuant   *bool           `json:"double_quant"`
	Optimizer     string          `json:"optimizer"`
	MicroBatch    int64           `json:"micro_batch"`
	SeqLen        int64           `json:"seq_len"`
	GradAccum     int64           `json:"grad_accum"`
	Checkpointing string          `json:"checkpointing"`
	Attention     string          `json:"attention"`
	Loss          string          `json:"loss"`
	Kernels       string          `json:"kernels"`
	Trainer       string          `json:"trainer"`
	GPU           string          `json:"gpu"`
}

// Measured are the figures, each under what was read; 0 where nothing was.
type Measured struct {
	AllocatedBytes    int64   `json:"allocated_bytes"`     // torch.cuda.max_memory_allocated
	AllocatedEndBytes int64   `json:"allocated_end_bytes"` // torch.cuda.memory_allocated after the last step
	ReservedBytes     int64   `json:"reserved_bytes"`      // torch.cuda.max_memory_reserved
	DeviceBytes       int64   `json:"device_bytes"`        // nvidia-smi
	UnspecifiedBytes  int64   `json:"unspecified_bytes"`   // not said how it was read
	ResolutionBytes   int64   `json:"resolution_bytes"`    // one unit of the last printed digit
	TokensPerSecond   float64 `json:"tokens_per_second"`
	StepSeconds       float64 `json:"step_seconds"` // one optimizer step
	OOM               *bool   `json:"oom"`          // true: out of memory; false: it fitted and no figure was read
}

// Loop is what the run's loop did that a request has no words for.
type Loop struct {
	Autocast                bool     `json:"autocast"`
	Trainer                 string   `json:"trainer"`                // another trainer's model code
	Kernels                 []string `json:"kernels"`                // fused kernels in place of PyTorch's operations
	InputsBytesPerToken     int64    `json:"inputs_bytes_per_token"` // on the GPU
	Retained                string   `json:"retained"`               // kept until the next forward
	Lengths                 string   `json:"lengths"`
	LengthsVary             bool     `json:"lengths_vary"`    // most batches are shorter than the request says
	NotPyTorch              bool     `json:"not_pytorch"`     // a program of its own, which no request can be
	TokensPerStep           int64    `json:"tokens_per_step"` // unpadded, mean
	TokensPerSecondCounts   string   `json:"tokens_per_second_counts"`
	AllocatedEndOfStepBytes int64    `json:"allocated_end_of_step_bytes"`
	ReservedReading         string   `json:"reserved_reading"`
	DeviceReading           string   `json:"device_reading"`
	OOMInferred             bool     `json:"oom_inferred"`
	CUDAGraphs              bool     `json:"cuda_graphs"`
	Unit                    string   `json:"unit"`
	Versions                string   `json:"versions"`
}

// Source says where a row was published.
type Source struct {
	Title  string `json:"title"`
	Repo   string `json:"repo"`
	Path   string `json:"path"`
	Commit string `json:"commit"`
	URL    string `json:"url"`
	Where  string `json:"where"`
}

// Static is a part of a run's memory, or its trainable parameters, that is
// known exactly.
type Static struct {
	ID                  string           `json:"id"`
	Request             Request          `json:"request"`
	Loop                Loop             `json:"loop"`
	After               string           `json:"after"`
	AllocatedBytes      int64            `json:"allocated_bytes"`
	Parts               map[string]int64 `json:"parts"` // bytes by category
	ToleranceBytes      int64            `json:"tolerance_bytes"`
	TrainableParameters int64            `json:"trainable_parameters"`
	ToleranceParameters int64            `json:"tolerance_parameters"`
	Source              Source           `json:"source"`
}

// Targets is a list of module names, or one word such as "all-linear".
type Targets []string

// UnmarshalJSON reads either form.
func (t *Targets) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		var word string
		err := json.Unmarshal(raw, &word)
		*t = Targets{word}
		return err
	}
	return json.Unmarshal(raw, (*[]string)(t))
}

// Runs reads the published runs.
func Runs() ([]Run, error) { return read[Run](bytes.NewReader(runs)) }

// Read reads published runs from a file, one a line.
func Read(r io.Reader) ([]Run, error) { return read[Run](r) }

// Statics reads the parts that are known exactly.
func Statics() ([]Static, error) { return read[Static](bytes.NewReader(static)) }

func read[T any](r io.Reader) ([]T, error) {
	var rows []T
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	for {
		var row T
		switch err := d.Decode(&row); err {
		case nil:
			rows = append(rows, row)
		case io.EOF:
			return rows, nil
		default:
			return nil, fmt.Errorf("row %d: %w", len(rows)+1, err)
		}
	}
}

// Estimator is the request for the estimator.
func (q Request) Estimator() (estimator.Request, error) {
	var req estimator.Request
	var err error
	if len(q.Config) > 0 {
		req.Model, err = hfconfig.Read(bytes.NewReader(q.Config), "config of the row")
	} else {
		req.Model, err = presets.Model(q.Model)
	}
	if err != nil {
		return req, err
	}
	if q.VocabSize > 0 {
		req.Model.Vocab = q.VocabSize
	}
	req.Method = estimator.Method{
		ID: q.Method, LoRARank: q.LoRARank, LoRAAlpha: q.LoRAAlpha, LoRADropout: q.LoRADropout, LoRATargets: q.LoRATargets,
		RSLoRA: q.RSLoRA, ModulesToSave: q.ModulesToSave, Quant: q.Quant, DoubleQuant: q.DoubleQuant,
	}
	req.Training = estimator.Training{
		MicroBatch: q.MicroBatch, SeqLen: q.SeqLen, GradAccum: q.GradAccum, Precision: q.Precision,
		WeightsDType: q.WeightsDType, NormsDType: q.NormsDType, AdapterDType: q.AdapterDType, Optimizer: q.Optimizer, Checkpointing: q.Checkpointing,
		Attention: q.Attention, Loss: q.Loss, Kernels: q.Kernels, Trainer: q.Trainer,
	}
	if q.GPU != "" {
		if req.Device.GPU, err = presets.GPU(q.GPU); err != nil {
			return req, err
		}
	}
	return req, nil
}

// String names the source as people cite it.
func (s Source) String() string {
	name := s.Repo
	if name == "" {
		name = s.Title
	}
	if s.Commit != "" {
		name += "@" + s.Commit[:min(8, len(s.Commit))]
	}
	return strings.TrimSpace(name + " " + s.Path)
}

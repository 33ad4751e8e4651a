// Package reference reads the references that validation/torch makes with
// real PyTorch and turns each into a request for the estimator.
package reference

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/presets"
)

// Row is one reference.
type Row struct {
	Request    Request    `json:"request"`
	Parameters Parameters `json:"parameters"`
	PeakBytes  int64      `json:"peak_bytes"`
	Steps      []Step     `json:"steps"`
}

// Parameters are the counts of the real model.
type Parameters struct {
	Total     int64 `json:"total"`
	Trainable int64 `json:"trainable"`
}

// Step is what one training step showed.
type Step struct {
	Peak struct {
		Bytes     int64            `json:"bytes"`
		Phase     string           `json:"phase"`
		Module    string           `json:"module"`
		Op        string           `json:"op"`
		Breakdown map[string]int64 `json:"breakdown"`
	} `json:"peak"`
	Live []struct {
		After string `json:"after"`
		Bytes int64  `json:"bytes"`
	} `json:"live"`
	FLOPs float64 `json:"flops"`
}

// Request is the request as the Python program writes it.
type Request struct {
	Model           string          `json:"model"`
	Layers          int64           `json:"layers"`
	Method          string          `json:"method"`
	Precision       string          `json:"precision"`
	WeightsDType    string          `json:"weights_dtype"`
	AdapterDType    string          `json:"adapter_dtype"`
	MicroBatch      int64           `json:"micro_batch"`
	SeqLen          int64           `json:"seq_len"`
	GradAccum       int64           `json:"grad_accum"`
	Optimizer       string          `json:"optimizer"`
	Checkpointing   string          `json:"checkpointing"`
	Attention       string          `json:"attention"`
	Loss            string          `json:"loss"`
	Kernels         string          `json:"kernels"`
	Trainer         string          `json:"trainer"`
	Quant           string          `json:"quant"`
	DoubleQuant     bool            `json:"double_quant"`
	KbitPrep        bool            `json:"kbit_prep"`
	LoRARank        int64           `json:"lora_rank"`
	LoRADropout     float64         `json:"lora_dropout"`
	LoRATargets     json.RawMessage `json:"lora_targets"`
	ModulesToSave   []string        `json:"modules_to_save"`
	TrainableLayers int64           `json:"trainable_layers"`
	Config          json.RawMessage `json:"config"`
}

// Read reads one JSON object a line.
func Read(r io.Reader) ([]Row, error) {
	var rows []Row
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if len(strings.TrimSpace(s.Text())) == 0 {
			continue
		}
		var row Row
		if err := json.Unmarshal(s.Bytes(), &row); err != nil {
			return nil, fmt.Errorf("row %d: %w", len(rows)+1, err)
		}
		rows = append(rows, row)
	}
	return rows, s.Err()
}

var longDTypes = map[string]string{"fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "": ""}

// slidingOf is the number of windowed layers among a model's first: one layer
// without a window closes each group of a pattern.
func slidingOf(m model.Model, layers int64) int64 {
	full := m.Layers - m.SlidingLayers
	switch {
	case m.SlidingLayers == 0:
		return 0
	case full == 0:
		return layers
	}
	return layers - layers/(m.Layers/full)
}

// Estimator is the same request for the estimator, nothing left to defaults
// that the row says.
func (q Request) Estimator() (estimator.Request, error) {
	name := q.Model
	if name == "glm-4-9b" { // the rows run transformers' own class, not the repository's code
		name = "glm-4-9b-hf"
	}
	m, err := presets.Model(name)
	if err != nil {
		return estimator.Request{}, err
	}
	if q.Layers > 0 {
		m.SlidingLayers = slidingOf(m, q.Layers)
		m.Layers = q.Layers
	}
	req := estimator.Request{Model: m, Training: estimator.Training{
		MicroBatch: q.MicroBatch, SeqLen: q.SeqLen, GradAccum: q.GradAccum, Precision: q.Precision,
		WeightsDType: longDTypes[q.WeightsDType], Optimizer: q.Optimizer, Checkpointing: q.Checkpointing,
		Attention: q.Attention, Loss: q.Loss, Kernels: q.Kernels, Trainer: q.Trainer,
	}}
	req.Method.ID = q.Method
	switch q.Method {
	case "freeze":
		req.Method.TrainableLayers = q.TrainableLayers
	case "lora", "qlora", "dora":
		req.Training.AdapterDType = longDTypes[q.AdapterDType]
		req.Method.LoRARank, req.Method.ModulesToSave = q.LoRARank, q.ModulesToSave
		if req.Method.LoRATargets, err = targets(q.LoRATargets); err != nil {
			return req, err
		}
		req.Method.LoRADropout = &q.LoRADropout
		req.Method.Quant = q.Quant
		if q.Quant == "nf4" || q.Quant == "fp4" {
			req.Method.DoubleQuant = &q.DoubleQuant
		}
	}
	if q.KbitPrep {
		req.Training.WeightsDType = "float32"
	}
	return req, nil
}

// targets reads a list or one word.
func targets(raw json.RawMessage) ([]string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list, nil
	}
	var word string
	if err := json.Unmarshal(raw, &word); err != nil {
		return nil, fmt.Errorf("lora_targets: %w", err)
	}
	return strings.Split(word, ","), nil
}

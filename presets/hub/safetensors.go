package hub

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
)

// A total is the number of parameters that a checkpoint holds.
type total struct {
	Parameters int64  `json:"parameters"` // 0: not known
	Exact      bool   `json:"exact"`      // counted tensor by tensor
	Basis      string `json:"basis"`      // where the number comes from, or why there is none
}

const (
	indexFile   = "model.safetensors.index.json"
	tensorsFile = "model.safetensors"

	maxIndexBytes  = 32 << 20  // of an index; the largest published are near 10 MiB
	maxHeaderBytes = 32 << 20  // of a safetensors header
	firstBytes     = 128 << 10 // of a safetensors file: holds most headers whole
)

// countParameters finds the total of a checkpoint: in its index if it is cut
// into several files, else in the header of its one file.
// The format: https://github.com/huggingface/safetensors#format
func countParameters(ctx context.Context, from source, config []byte) (total, error) {
	index, err := from.read(ctx, indexFile, maxIndexBytes)
	if err == nil {
		return totalOfIndex(index, config)
	}
	if !errors.Is(err, ErrNotFound) {
		return total{}, err
	}
	header, err := readHeader(ctx, from)
	if errors.Is(err, ErrNotFound) {
		return total{Basis: "the repository has no safetensors file"}, nil
	}
	if err != nil {
		return total{}, err
	}
	return totalOfHeader(header)
}

// totalOfIndex takes the number that newer indexes state, else the bytes
// divided by the size of the config's dtype.
func totalOfIndex(index, config []byte) (total, error) {
	var x struct {
		Metadata struct {
			TotalParameters int64       `json:"total_parameters"`
			TotalSize       json.Number `json:"total_size"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(index, &x); err != nil {
		return total{}, fmt.Errorf("%s: %w", indexFile, err)
	}
	if n := x.Metadata.TotalParameters; n > 0 {
		return total{Parameters: n, Exact: true, Basis: "total_parameters of " + indexFile}, nil
	}
	size, _ := x.Metadata.TotalSize.Float64()
	dtype, width := configDtype(config)
	if !(size > 0 && size < math.MaxInt64) || width == 0 || int64(size)%width != 0 {
		return total{Basis: indexFile + " does not tell the number of parameters"}, nil
	}
	return total{Parameters: int64(size) / width, Basis: fmt.Sprintf("total_size of %s, %s", indexFile, dtype)}, nil
}

// configDtype returns the dtype that a config.json states and its bytes.
func configDtype(config []byte) (string, int64) {
	var c struct {
		Dtype      string `json:"dtype"`
		TorchDtype string `json:"torch_dtype"`
	}
	_ = json.Unmarshal(config, &c) // a config of other types has no dtype
	dtype := c.Dtype
	if dtype == "" {
		dtype = c.TorchDtype
	}
	switch dtype {
	case "float32":
		return dtype, 4
	case "bfloat16", "float16":
		return dtype, 2
	}
	return dtype, 0
}

// readHeader returns the JSON in front of the tensors: eight bytes of length,
// little endian, then that many bytes.
func readHeader(ctx context.Context, from source) ([]byte, error) {
	data, err := from.head(ctx, tensorsFile, firstBytes)
	if err != nil {
		return nil, err
	}
	if len(data) < 8 {
		return nil, fmt.Errorf("%s: too short for a header", tensorsFile)
	}
	size := binary.LittleEndian.Uint64(data)
	if size > maxHeaderBytes {
		return nil, fmt.Errorf("%s: header: %w: %d bytes", tensorsFile, ErrTooLarge, size)
	}
	end := 8 + int64(size)
	if int64(len(data)) < end && int64(len(data)) == firstBytes {
		if data, err = from.head(ctx, tensorsFile, end); err != nil {
			return nil, err
		}
	}
	if int64(len(data)) < end {
		return nil, fmt.Errorf("%s: the header breaks off", tensorsFile)
	}
	return data[8:end], nil
}

// totalOfHeader adds up the elements of all tensors but saved buffers.
func totalOfHeader(header []byte) (total, error) {
	var tensors map[string]json.RawMessage
	if err := json.Unmarshal(header, &tensors); err != nil {
		return total{}, fmt.Errorf("%s: header: %w", tensorsFile, err)
	}
	sum := int64(0)
	for name, raw := range tensors {
		if name == "__metadata__" {
			continue
		}
		var t struct {
			Shape []int64 `json:"shape"`
		}
		if err := json.Unmarshal(raw, &t); err != nil {
			return total{}, fmt.Errorf("%s: header: %s: %w", tensorsFile, name, err)
		}
		n, ok := elements(t.Shape)
		if !ok || sum > math.MaxInt64-n {
			return total{}, fmt.Errorf("%s: header: %s: shape %v", tensorsFile, name, t.Shape)
		}
		if !isBuffer(name, t.Shape) {
			sum += n
		}
	}
	return total{Parameters: sum, Exact: true, Basis: "shapes in the header of " + tensorsFile}, nil
}

// elements multiplies a shape, unless it is negative or overflows.
func elements(shape []int64) (int64, bool) {
	n := int64(1)
	for _, d := range shape {
		if d < 0 || d > 0 && n > math.MaxInt64/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}

// isBuffer knows the masks and rotary tables that older checkpoints saved
// along with their weights.
func isBuffer(name string, shape []int64) bool {
	return strings.HasSuffix(name, "rotary_emb.inv_freq") || strings.HasSuffix(name, ".masked_bias") ||
		len(shape) == 4 && (strings.HasSuffix(name, ".attn.bias") || strings.HasSuffix(name, ".attention.bias"))
}

package estimator

import (
	"fmt"
	"math"

	"github.com/vramcalc/vramcalc/estimator/modules"
)

// maxElements bounds every tensor so that sums of bytes over all layers stay
// within int64: 2⁴² elements are sixteen times the logits of a million tokens
// over a vocabulary of 256k.
const maxElements = 1 << 42

// checkModel refuses sizes that no model has, before anything is multiplied.
func (r *resolved) checkModel() error {
	m := &r.req.Model
	if m.ID == "" && m.Layers == 0 {
		return fmt.Errorf("no model given: name a preset, a config.json or a Hub id with --model")
	}
	if err := modules.Supported(*m); err != nil {
		return err
	}
	for _, s := range []struct {
		name       string
		value, max int64
	}{
		{"layers", m.Layers, 1024},
		{"hidden size", m.Hidden, 1 << 18},
		{"heads", m.Heads, 1 << 14},
		{"key-value heads", m.KVHeads, 1 << 14},
		{"head dimension", m.HeadDim, 1 << 14},
		{"intermediate size", m.Intermediate, 1 << 22},
		{"vocabulary", m.Vocab, 1 << 24},
	} {
		if s.value < 1 || s.value > s.max {
			return fmt.Errorf("model %s: %s %d is not between 1 and %d", m.ID, s.name, s.value, s.max)
		}
	}
	if m.Heads%m.KVHeads != 0 {
		return fmt.Errorf("model %s: %d heads are not a multiple of %d key-value heads", m.ID, m.Heads, m.KVHeads)
	}
	for _, s := range []struct {
		name  string
		value float64
	}{
		{"embedding dropout", m.EmbedDropout}, {"attention dropout", m.AttentionDropout}, {"residual dropout", m.ResidualDropout},
	} {
		if !(s.value >= 0 && s.value < 1) {
			return fmt.Errorf("model %s: %s %v is not at least 0 and below 1", m.ID, s.name, s.value)
		}
	}
	if m.RotaryDim < 0 || m.RotaryDim > m.HeadDim || m.PositionRows < 0 || m.PositionRows > 1<<24 || m.EmbedDim < 0 || m.EmbedDim > 1<<18 ||
		m.SlidingWindow < 0 || m.SlidingLayers < 0 || m.SlidingLayers > m.Layers || m.MLPScalars < 0 || m.MLPScalars > 1<<20 || m.MaxPosition < 0 {
		return fmt.Errorf("model %s: a position or window size is out of range (rotary %d of %d, rows %d, window %d on %d layers)",
			m.ID, m.RotaryDim, m.HeadDim, m.PositionRows, m.SlidingWindow, m.SlidingLayers)
	}
	if math.IsNaN(m.LogitSoftcap) || math.IsNaN(m.AttentionSoftcap) || m.LogitSoftcap < 0 || m.AttentionSoftcap < 0 {
		return fmt.Errorf("model %s: a softcap is not a positive number", m.ID)
	}
	return nil
}

// checkMagnitude refuses a step whose tensors no machine could hold.
func (r *resolved) checkMagnitude() error {
	m, i := &r.req.Model, &r.info
	tokens := float64(i.MicroBatch) * float64(i.SeqLen)
	widest := max(m.Vocab, 2*m.Intermediate, m.Hidden, (m.Heads+2*m.KVHeads)*m.HeadDim, i.LoRARank)
	elements := tokens * float64(widest)
	if i.Attention == "eager" || m.SlidingWindow > 0 {
		elements = max(elements, tokens*float64(i.SeqLen)*float64(m.Heads))
	}
	if elements > maxElements {
		return &SettingError{
			Setting: "micro-batch", Value: fmt.Sprintf("%d with --seq-len %d", i.MicroBatch, i.SeqLen),
			Problem: fmt.Sprintf("asks for a tensor of %.2g elements", elements), Hint: "no machine holds that; lower either",
		}
	}
	return nil
}

package estimator_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/presets"
)

// TestCopiedHead: a head that trains as a copy does so under every loss, in the
// type of the base, or in the adapters' where TRL casts all that trains.
func TestCopiedHead(t *testing.T) {
	for _, model := range []string{"llama-7b", "qwen2.5-0.5b"} { // with a head of its own, with the embedding's
		m, err := presets.Model(model)
		if err != nil {
			t.Fatal(err)
		}
		shape := func(method, trainer, loss string, saved ...string) (trainable, bytes int64) {
			s, err := estimator.ReadShape(estimator.Request{
				Model: m, Method: estimator.Method{ID: method, LoRATargets: []string{"q_proj"}, ModulesToSave: saved},
				Training: estimator.Training{MicroBatch: 1, SeqLen: 64, Precision: "bf16", Trainer: trainer, Loss: loss},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range s.Program.Params {
				if strings.HasSuffix(p.Module, ".modules_to_save") {
					bytes += p.Bytes()
				}
			}
			return s.Trainable, bytes
		}
		head := m.Vocab * m.Hidden
		for _, c := range []struct {
			method, trainer, loss string
			size                  int64
		}{
			{"lora", "hf", "standard", 2},
			{"lora", "hf", "fused", 2},
			{"lora", "trl", "chunked", 2},
			{"lora", "trl@1.7", "chunked", 2},
			{"qlora", "hf", "standard", 4}, // kbit preparation made the base's head float32
			{"qlora", "trl", "chunked", 2},
		} {
			without, _ := shape(c.method, c.trainer, c.loss)
			with, bytes := shape(c.method, c.trainer, c.loss, "lm_head")
			if with-without != head || bytes != head*c.size {
				t.Errorf("%s %+v: %d more train in %d bytes, the head has %d", model, c, with-without, bytes, head)
			}
		}
	}
}

// TestAdaptedHead: an adapter on the head trains, also where the head is the
// embedding; losses that read the head's weight alone leave it out, and that
// is said.
func TestAdaptedHead(t *testing.T) {
	for _, model := range []string{"tinyllama", "qwen2.5-0.5b"} {
		m, err := presets.Model(model)
		if err != nil {
			t.Fatal(err)
		}
		for _, loss := range []string{"standard", "chunked", "fused"} {
			trained := func(targets ...string) (int64, error) {
				s, err := estimator.ReadShape(estimator.Request{
					Model: m, Method: estimator.Method{ID: "lora", LoRARank: 8, LoRATargets: targets},
					Training: estimator.Training{MicroBatch: 1, SeqLen: 64, Loss: loss},
				})
				return s.Trainable, err
			}
			without, err := trained("all-linear")
			if err != nil {
				t.Fatal(err)
			}
			with, err := trained("all-linear", "lm_head")
			var wrong *estimator.SettingError
			if refused := errors.As(err, &wrong) && wrong.Setting == "lora-targets"; refused != (loss != "standard") {
				t.Errorf("%s %s: %v", model, loss, err)
			}
			if err == nil && with-without != 8*(m.Hidden+m.Vocab) {
				t.Errorf("%s: an adapter on the head trains %d", model, with-without)
			}
		}
	}
}

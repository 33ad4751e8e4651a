package hfconfig

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/presets"
)

// architecture keeps what decides the answer and drops what a config.json
// cannot know.
func architecture(m model.Model) model.Model {
	m.ID, m.Name, m.HubID, m.Family, m.Source, m.Released, m.Confidence = "", "", "", "", "", "", ""
	m.Aliases, m.Notes, m.Facts = nil, nil, nil
	m.Parameters, m.ActiveParameters, m.ParametersExact = 0, 0, false
	return m
}

func TestConfigAgreesWithPreset(t *testing.T) {
	files, err := filepath.Glob("testdata/configs/*.json")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	covered := map[string]bool{}
	for _, file := range files {
		id := strings.TrimSuffix(filepath.Base(file), ".json")
		want, err := presets.Model(id)
		if err != nil {
			t.Error(err)
			continue
		}
		got := readFile(t, file)
		covered[got.ModelType] = true
		if got, want := architecture(got), architecture(want); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n config %+v\n preset %+v", id, got, want)
		}
	}
	for _, fam := range families {
		modelType := fam.id
		if !covered[modelType] {
			t.Errorf("no test file for model_type %q", modelType)
		}
	}
}

func readFile(t *testing.T, file string) model.Model {
	t.Helper()
	r, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	m, err := Read(r, file)
	if err != nil {
		t.Error(err)
	}
	return m
}

// TestEveryPresetFamilyIsRead: what the presets call a dense decoder can be
// read from a config.json too.
func TestEveryPresetFamilyIsRead(t *testing.T) {
	list := presets.Models()
	for _, m := range list {
		if m.Kind == "decoder" && named(m.ModelType) == nil {
			t.Errorf("%s: model_type %q cannot be read", m.ID, m.ModelType)
		}
		if m.Kind == "decoder" || named(m.ModelType) == nil {
			continue
		}
		t.Errorf("%s: kind %s, yet model_type %q is read as a dense decoder", m.ID, m.Kind, m.ModelType)
	}
}

func TestRopeParametersOfTransformers5(t *testing.T) {
	m, err := Read(strings.NewReader(`{"model_type":"gpt_neox","hidden_size":768,"intermediate_size":3072,"num_hidden_layers":12,
		"num_attention_heads":12,"vocab_size":50304,"rope_parameters":{"rope_type":"default","rope_theta":10000,"partial_rotary_factor":0.5}}`), "x")
	if err != nil || m.RotaryDim != 32 {
		t.Errorf("RotaryDim = %d, %v, want 32", m.RotaryDim, err)
	}
}

const tiny = `"hidden_size":64,"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4,"vocab_size":100`

func TestUnsupportedIsNamed(t *testing.T) {
	for config, want := range map[string]struct{ field, value, reason string }{
		`{"model_type":"mamba",` + tiny + `}`:                                               {"model_type", "mamba", "state-space"},
		`{"model_type":"mixtral","num_local_experts":8,` + tiny + `}`:                       {"num_local_experts", "8", "mixture of experts"},
		`{"model_type":"deepseek_v3",` + tiny + `}`:                                         {"model_type", "deepseek_v3", "latent attention"},
		`{"model_type":"bert",` + tiny + `}`:                                                {"model_type", "bert", "encoder"},
		`{"model_type":"t5","is_encoder_decoder":true}`:                                     {"is_encoder_decoder", "true", "encoder-decoder"},
		`{"model_type":"gemma3","vision_config":{},"text_config":{"hidden_size":1}}`:        {"vision_config", "{}", "vision-language"},
		`{"model_type":"llama","quantization_config":{"quant_method":"gptq"},` + tiny + `}`: {"quantization_config", "gptq", "quantized"},
		`{"model_type":"llamaish",` + tiny + `}`:                                            {"model_type", "llamaish", "unknown"},
		`{"model_type":"granitemoehybrid","num_local_experts":0,"layer_types":["mamba","attention"],"shared_intermediate_size":8,` + tiny + `}`: {"layer_types", "mamba", "state space"},
	} {
		_, err := Read(strings.NewReader(config), "x/config.json")
		unsupported, ok := errors.AsType[*UnsupportedError](err)
		if !ok {
			t.Errorf("%s: %v, want an UnsupportedError", config, err)
			continue
		}
		if unsupported.Field != want.field || !strings.Contains(unsupported.Value, want.value) || !strings.Contains(unsupported.Reason, want.reason) {
			t.Errorf("%s: %v", config, err)
		}
		if unsupported.Field == "model_type" && named(unsupported.Nearest) == nil {
			t.Errorf("%s: the nearest family %q is not supported", config, unsupported.Nearest)
		}
	}
}

func TestBadFieldsAreNamed(t *testing.T) {
	for config, want := range map[string]string{
		``:                       "too early",
		`{`:                      "too early",
		`<html>`:                 "not JSON",
		`[]`:                     "object",
		`{} {}`:                  "more text",
		`{}`:                     "model_type: missing",
		`{"model_type":7}`:       "model_type: got 7",
		`{"model_type":"llama"}`: "num_hidden_layers: missing",
		`{"a":1,"a":2}`:          "a: stands twice",
		`{"model_type":"llama","hidden_size":NaN,"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4,"vocab_size":100}`:   `hidden_size: got "NaN"`,
		`{"model_type":"llama","hidden_size":-64,"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4,"vocab_size":100}`:   "hidden_size: got -64",
		`{"model_type":"llama","hidden_size":64,"intermediate_size":128,"num_hidden_layers":0,"num_attention_heads":4,"vocab_size":100}`:    "num_hidden_layers: got 0",
		`{"model_type":"llama","hidden_size":64,"intermediate_size":128,"num_hidden_layers":1e99,"num_attention_heads":4,"vocab_size":100}`: "num_hidden_layers: got 1e99",
		`{"model_type":"llama","hidden_size":64.5,"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4,"vocab_size":100}`:  "hidden_size: got 64.5",
		`{"model_type":"llama","hidden_size":"64","intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4,"vocab_size":100}`:  `hidden_size: got "64"`,
		`{"model_type":"llama","num_key_value_heads":3,` + tiny + `}`:                                                                       "no multiple of num_key_value_heads 3",
		`{"model_type":"llama","hidden_act":"tanhshrink",` + tiny + `}`:                                                                     "hidden_act: got \"tanhshrink\"",
		`{"model_type":"llama","attention_dropout":1.5,` + tiny + `}`:                                                                       "attention_dropout: got 1.5",
		`{"model_type":"llama","tie_word_embeddings":"yes",` + tiny + `}`:                                                                   "tie_word_embeddings: got \"yes\"",
		`{"model_type":"llama","rope_parameters":[1],` + tiny + `}`:                                                                         "rope_parameters: got [1]",
		`{"model_type":"phi","partial_rotary_factor":0.01,` + tiny + `}`:                                                                    "rotary part",
		`{"model_type":"gemma2","layer_types":["full_attention"],` + tiny + `}`:                                                             "layer_types",
		`{"model_type":"llama","x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`:                                            "nested deeper",
	} {
		if _, err := Read(strings.NewReader(config), "x"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want it to say %q", config, err, want)
		}
	}
}

func TestAllMistakesAreReportedAtOnce(t *testing.T) {
	_, err := Read(strings.NewReader(`{"model_type":"llama","hidden_size":"a","vocab_size":-1}`), "x")
	for _, want := range []string{"hidden_size", "vocab_size", "num_hidden_layers", "intermediate_size"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func TestTooLongIsRefused(t *testing.T) {
	endless := strings.NewReader(`{"a":"` + strings.Repeat("x", MaxBytes+10))
	if _, err := Read(endless, "x"); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/configs/*.json")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"model_type":"gpt_neo","attention_types":[[["local"],99999999999]],` + tiny + `}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Read(strings.NewReader(string(data)), "fuzz")
		if err != nil {
			return
		}
		for _, n := range []int64{m.Layers, m.Hidden, m.Heads, m.KVHeads, m.HeadDim, m.Intermediate, m.Vocab, m.MaxPosition, m.NormsPerLayer} {
			if n <= 0 {
				t.Errorf("a size is %d: %+v", n, m)
			}
		}
		if m.SlidingLayers < 0 || m.SlidingLayers > m.Layers || m.NoPELayers < 0 || m.NoPELayers > m.Layers {
			t.Errorf("more layers than there are: %+v", m)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	data, err := os.ReadFile("testdata/configs/llama-3.2-1b.json")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(strings.NewReader(string(data)), "x"); err != nil {
			b.Fatal(err)
		}
	}
}

// TestRefusalsKnowThePresets: whatever a preset calls by a kind that is not
// built is refused with that reason, not as unknown.
func TestRefusalsKnowThePresets(t *testing.T) {
	list := presets.Models()
	for _, m := range list {
		if m.Kind == "decoder" {
			continue
		}
		err := unsupported(m.ModelType)
		if strings.Contains(err.Error(), "unknown") {
			t.Errorf("%s (%s): %v", m.ID, m.Kind, err)
		}
		if u, ok := errors.AsType[*UnsupportedError](err); !ok || named(u.Nearest) == nil {
			t.Errorf("%s: %v", m.ID, err)
		}
	}
}

// FuzzObject holds the parser to encoding/json: what it takes is JSON, but for
// NaN and Infinity, and it takes every object that encoding/json takes, but for
// keys that stand twice and deep nesting.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":[1,-0.5e+3,true,null]}`, `{"\u00e9\ud83d\ude00\ud800":"\n"}`, `{"a":01}`, `{"a":1,}`, "{\"a\":\"\x01\"}", `{"a":NaN}`, ` {"a" : {} } `} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := readObject(strings.NewReader(text))
		var want map[string]any
		wantErr := json.Unmarshal([]byte(text), &want)
		words := strings.Contains(text, "NaN") || strings.Contains(text, "Infinity")
		switch {
		case err == nil && wantErr != nil && !words && !strings.Contains(wantErr.Error(), "cannot unmarshal number"):
			t.Errorf("%q passes, encoding/json says %v", text, wantErr)
		case err != nil && wantErr == nil && want != nil && !strings.Contains(err.Error(), "twice") && !strings.Contains(err.Error(), "nested"):
			t.Errorf("%q: %v", text, err)
		case err == nil && wantErr == nil && len(got) != len(want):
			t.Errorf("%q: %d keys, want %d", text, len(got), len(want))
		}
	})
}

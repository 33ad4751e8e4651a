package presets

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestModelNames(t *testing.T) {
	for name, want := range map[string]string{
		"llama-7b":                 "llama-7b",
		"LLaMA 7B":                 "llama-7b",
		"meta-llama/Llama-2-7b-hf": "llama-2-7b",
		"META-LLAMA/llama-2-7b-HF": "llama-2-7b",
		"llama2_7b":                "llama-2-7b",
		"Llama-2-7b-chat-hf":       "llama-2-7b",
		"lmsys/vicuna-7b-v1.5":     "llama-2-7b",
		"mistral-7b":               "mistral-7b-v0.1",
		"qwen2.5 7b instruct":      "qwen2.5-7b",
		"gpt-2":                    "gpt2",
		"qwen-1_8b":                "qwen-1.8b",
		"phi-3.5-mini":             "phi-3-mini-128k",
		"google/gemma-3-4b-pt":     "gemma-3-4b",
		"gemma-3-4b-text":          "gemma-3-4b-text",
		"deepseek-ai/DeepSeek-R1-Distill-Qwen-7B": "qwen2.5-7b",
		"bloom": "bloom-176b",
	} {
		m, err := Model(name)
		if err != nil || m.ID != want {
			t.Errorf("Model(%q) = %q, %v, want %q", name, m.ID, err, want)
		}
	}
}

func TestGPUNames(t *testing.T) {
	for name, want := range map[string]string{
		"h100": "h100-80gb-sxm", "H100 80GB": "h100-80gb-sxm", "h200": "h200-141gb-sxm", "b200": "b200-180gb-sxm",
		"a100-80gb": "a100-80gb-sxm", "a100-40gb": "a100-40gb-sxm", "NVIDIA A100-SXM4-40GB": "a100-40gb-sxm",
		"rtx-4090": "rtx-4090", "rtx4090": "rtx-4090", "RTX 4090": "rtx-4090", "4090": "rtx-4090", "3090": "rtx-3090",
		"t4": "t4-16gb", "Tesla T4": "t4-16gb", "l4": "l4-24gb", "l40s": "l40s-48gb", "v100": "v100-16gb-sxm2",
		"a10g": "a10g-24gb", "a6000": "rtx-a6000", "mi300x": "mi300x-192gb", "m1 max": "apple-m1-max",
		"NVIDIA GeForce RTX 3080": "rtx-3080-10gb",
	} {
		g, err := GPU(name)
		if err != nil || g.ID != want {
			t.Errorf("GPU(%q) = %q, %v, want %q", name, g.ID, err, want)
		}
	}
}

func TestUnknownNameOffersTheNearest(t *testing.T) {
	for _, c := range []struct {
		find       func(string) error
		name, want string
	}{
		{findModel, "lama-7b", "llama-7b"},
		{findModel, "llama-27b", "llama-2-7b"},
		{findModel, "mistrl-7b-v0.3", "mistral-7b-v0.3"},
		{findModel, "qwen25-7b", "qwen2.5-7b"},
		{findModel, "meta-lama/Llama-2-7b-hf", "llama-2-7b"},
		{findModel, "mixtral", "mixtral-8x7b"},
		{findGPU, "h1oo", "h100-80gb-sxm"},
		{findGPU, "rtx-4080-ti-super", "rtx-4070-ti-super"},
		{findGPU, "a100-60gb", "a100-40gb-sxm"},
	} {
		var missing *NotFoundError
		if err := c.find(c.name); !errors.As(err, &missing) {
			t.Errorf("%q: %v, want a NotFoundError", c.name, err)
		} else if i := slices.Index(missing.Nearest, c.want); i < 0 || i > 1 {
			t.Errorf("%q: nearest %v, want %s first or second", c.name, missing.Nearest, c.want)
		} else if !strings.Contains(err.Error(), c.name) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: the message names not both: %v", c.name, err)
		}
	}
}

func findModel(name string) error { _, err := Model(name); return err }
func findGPU(name string) error   { _, err := GPU(name); return err }

func TestStrangeNames(t *testing.T) {
	for _, name := range []string{"", " ", "-", "/", "\x00", "世界", strings.Repeat("llama", 1<<16)} {
		for _, find := range []func(string) error{findModel, findGPU} {
			var missing *NotFoundError
			if err := find(name); !errors.As(err, &missing) {
				t.Errorf("%.20q: %v, want a NotFoundError", name, err)
			}
		}
	}
}

// ambiguous are the names that two cards share on purpose: a guess between
// their memory sizes would decide the answer.
var ambiguous = map[string][]string{
	"a100":      {"a100-40gb-sxm", "a100-80gb-sxm"},
	"rtx4060ti": {"rtx-4060-ti-8gb", "rtx-4060-ti-16gb"},
	"rtx5060ti": {"rtx-5060-ti-8gb", "rtx-5060-ti-16gb"},
}

func TestNamesAreUniqueUnlessListed(t *testing.T) {
	checkUnique(t, models)
	checkUnique(t, gpus)
	for name, want := range ambiguous {
		for _, name := range []string{name, "NVIDIA " + name} {
			var several *AmbiguousError
			if err := findGPU(name); !errors.As(err, &several) || !slices.Equal(several.Candidates, want) {
				t.Errorf("%s: %v, want candidates %v", name, err, want)
			}
		}
	}
}

func checkUnique[T any](t *testing.T, c *catalogue[T]) {
	t.Helper()
	for _, e := range c.entries() {
		for _, name := range e.names[:e.claimed] {
			key := canonical(name)
			if hits := ids(c.claiming(key)); len(hits) > 1 && !slices.Equal(hits, ambiguous[key]) {
				t.Errorf("%s %q is claimed by %v", c.kind, name, hits)
			}
		}
	}
}

func TestSearch(t *testing.T) {
	if list := SearchModels("llama 70b"); len(list) < 4 {
		t.Errorf("%d models", len(list))
	}
	if none := SearchModels("no such thing"); len(none) != 0 {
		t.Errorf("%v", none)
	}
	if cards := SearchGPUs("A100"); len(cards) != 4 {
		t.Errorf("%d cards, want the four A100", len(cards))
	}
	if got, want := len(ModelNames()), len(Models()); got != want {
		t.Errorf("%d names for %d models", got, want)
	}
}

func BenchmarkModel(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Model("meta-llama/Llama-2-7b-hf"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGPU(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := GPU("h100"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnknownModel(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Model("lama-7b"); err == nil {
			b.Fatal("no error")
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, seed := range []string{"llama-7b", "RTX 4090", "a100", "meta-llama/Llama-2-7b-hf", "/", "--", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if key := canonical(name); canonical(key) != key {
			t.Errorf("canonical(%q) = %q, of which it is %q", name, key, canonical(key))
		}
		for _, find := range []func(string) error{findModel, findGPU} {
			err := find(name)
			var missing *NotFoundError
			var several *AmbiguousError
			if err != nil && !errors.As(err, &missing) && !errors.As(err, &several) {
				t.Errorf("%q: %v", name, err)
			}
		}
	})
}

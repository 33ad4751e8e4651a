package estimator

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vramcalc/vramcalc/estimator/spelling"
)

// trainer is a profile: what a trainer does when nothing is said. The facts
// come from the trainers' source at the named versions.
type trainer struct {
	id      string
	name    string
	version string // first version that behaves so
	source  string

	microBatch    int64
	seqLen        int64 // 0: the trainer has no default
	checkpointing string
	loss          string
	optimizer     string
	loraRank      int64
	loraAlpha     float64
	loraDropout   float64
	mixedDefault  bool // turns autocast on by itself
	float32Base   bool // loads weights in float32 unless told otherwise
	kbitPrep      bool // prepare_model_for_kbit_training: the rest of a quantized base becomes float32
	adapterBF16   bool // adapters of a quantized base are cast to bfloat16
	shiftLogits   bool // the loss copies the float32 logits without the last position
	floatLogits   bool // the model returns float32 logits: the 16-bit ones are gone before the loss
	keepsLoss     bool // its own loss stays when Liger's other kernels are applied
	reentrant     bool // checkpoints are torch's reentrant ones
	repeatsKV     bool // the models' code repeats key-value heads for FlashAttention in some families
	tokenChunks   bool // its chunked loss takes 256 tokens at a time and copies the head to float32
	clip          bool // max_grad_norm 1.0
	convert       bool // accelerate copies outputs to float32 under autocast
	litgpt        bool // the models run litgpt's own code; its scripts fetch one micro-batch at a time
	shorterLater  bool // the longest sample comes first: what is left of one micro-batch beside the next is little
}

// Profiles, the newest of each trainer first.
var trainers = []trainer{
	{
		id: "hf", name: "transformers Trainer + PEFT", version: "5.0", source: "transformers 5 training_args.py, PEFT 0.18+ LoraConfig",
		microBatch: 8, checkpointing: "none", loss: "standard", optimizer: "adamw-fused",
		loraRank: 8, loraAlpha: 8, kbitPrep: true, clip: true, convert: true,
	},
	{
		id: "hf", name: "transformers Trainer + PEFT", version: "4.49", source: "transformers 4.49 to 4.57 training_args.py, loss_utils.py, modeling_utils.py",
		microBatch: 8, checkpointing: "none", loss: "standard", optimizer: "adamw", reentrant: true,
		loraRank: 8, loraAlpha: 8, kbitPrep: true, clip: true, convert: true,
	},
	{
		id: "hf", name: "transformers Trainer + PEFT", version: "4.46", source: "transformers 4.46 to 4.48 training_args.py, loss_utils.py",
		microBatch: 8, checkpointing: "none", loss: "standard", optimizer: "adamw", reentrant: true, shiftLogits: true,
		loraRank: 8, loraAlpha: 8, kbitPrep: true, clip: true, convert: true,
	},
	{
		id: "hf", name: "transformers Trainer + PEFT", version: "4.37", source: "transformers 4.37 to 4.45 training_args.py, modeling_llama.py",
		microBatch: 8, checkpointing: "none", loss: "standard", optimizer: "adamw", reentrant: true, repeatsKV: true,
		shiftLogits: true, floatLogits: true,
		loraRank: 8, loraAlpha: 8, kbitPrep: true, clip: true, convert: true,
	},
	{
		id: "trl", name: "TRL SFTTrainer", version: "1.16", source: "TRL 1.16 sft_config.py, model_config.py, kernels/chunked_logprob.py",
		microBatch: 8, seqLen: 1024, checkpointing: "full", loss: "chunked", optimizer: "adamw-fused", keepsLoss: true,
		loraRank: 16, loraAlpha: 32, loraDropout: 0.05, mixedDefault: true, float32Base: true, adapterBF16: true, clip: true, convert: true,
	},
	{
		id: "trl", name: "TRL SFTTrainer", version: "1.7", source: "TRL 1.7 to 1.15 sft_config.py, model_config.py",
		microBatch: 8, seqLen: 1024, checkpointing: "full", loss: "chunked", optimizer: "adamw-fused", tokenChunks: true,
		loraRank: 16, loraAlpha: 32, loraDropout: 0.05, mixedDefault: true, float32Base: true, adapterBF16: true, clip: true, convert: true,
	},
	{
		id: "trl", name: "TRL SFTTrainer", version: "0.27", source: "TRL 0.27 to 1.6 sft_config.py, model_config.py",
		microBatch: 8, seqLen: 1024, checkpointing: "full", loss: "standard", optimizer: "adamw-fused",
		loraRank: 16, loraAlpha: 32, loraDropout: 0.05, mixedDefault: true, float32Base: true, adapterBF16: true, clip: true, convert: true,
	},
	{
		id: "trl", name: "TRL SFTTrainer", version: "0.22", source: "TRL 0.22 to 0.26 sft_config.py",
		microBatch: 8, seqLen: 1024, checkpointing: "full", loss: "standard", optimizer: "adamw-fused",
		loraRank: 16, loraAlpha: 32, loraDropout: 0.05, mixedDefault: true, kbitPrep: true, clip: true, convert: true,
	},
	{
		id: "litgpt", name: "LitGPT", version: "0.3", source: "litgpt 0.3, 0.4 model.py, lora.py, utils.py, finetune/lora.py, finetune/full.py; lightning 2.2 fabric; bitsandbytes 0.41, 0.42",
		microBatch: 1, checkpointing: "none", loss: "chunked", optimizer: "adamw", litgpt: true,
		loraRank: 8, loraAlpha: 16, loraDropout: 0.05, mixedDefault: true, float32Base: true,
	},
	{
		id: "litgpt", name: "LitGPT", version: "0.2", source: "litgpt 0.2, the same files",
		microBatch: 4, checkpointing: "none", loss: "chunked", optimizer: "adamw", litgpt: true,
		loraRank: 8, loraAlpha: 16, loraDropout: 0.05, mixedDefault: true, float32Base: true,
	},
	{
		id: "litgpt", name: "LitGPT (lit-gpt)", version: "0.1", source: "lit-gpt October 2023 to February 2024 lit_gpt/model.py, lora.py, finetune/lora.py get_batch (longest_seq_ix)",
		microBatch: 4, checkpointing: "none", loss: "chunked", optimizer: "adamw", litgpt: true, shorterLater: true,
		loraRank: 8, loraAlpha: 16, loraDropout: 0.05, mixedDefault: true, float32Base: true,
	},
}

// Trainers are the profiles that can be named, newest of each first.
func Trainers() []string {
	var ids []string
	seen := map[string]bool{}
	for _, t := range trainers {
		if !seen[t.id] {
			ids = append(ids, t.id)
		}
		seen[t.id] = true
		ids = append(ids, t.id+"@"+t.version)
	}
	return ids
}

// label is the profile's full name in a request.
func (t trainer) label() string { return t.id + "@" + t.version }

// findTrainer reads "trl" (the newest profile) or "trl@1.6" (the profile of
// that version).
func findTrainer(s string) (trainer, error) {
	if s == "" {
		s = "hf"
	}
	id, version, pinned := strings.Cut(strings.ToLower(s), "@")
	var oldest string
	for _, t := range trainers {
		if t.id != id {
			continue
		}
		if !pinned {
			return t, nil
		}
		order, err := compareVersions(version, t.version)
		if err != nil {
			return trainer{}, &SettingError{Setting: "trainer", Value: fmt.Sprintf("%q", s), Problem: "the version is not a number like 1.6"}
		}
		if order >= 0 {
			return t, nil
		}
		oldest = t.version
	}
	if oldest != "" {
		return trainer{}, &SettingError{Setting: "trainer", Value: fmt.Sprintf("%q", s), Problem: "no profile is that old", Hint: fmt.Sprintf("the oldest is %s@%s", id, oldest)}
	}
	names := Trainers()
	return trainer{}, &SettingError{Setting: "trainer", Value: fmt.Sprintf("%q", s), Problem: "is not one of " + strings.Join(names, ", "), Hint: fmt.Sprintf("did you mean %q?", spelling.Nearest(id, names))}
}

// compareVersions orders dotted numbers.
func compareVersions(a, b string) (int, error) {
	pa, err := versionParts(a)
	if err != nil {
		return 0, err
	}
	pb, err := versionParts(b)
	if err != nil {
		return 0, err
	}
	return slices.Compare(pa, pb), nil
}

func versionParts(s string) ([]int, error) {
	var parts []int
	for p := range strings.SplitSeq(s, ".") {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 || strconv.Itoa(n) != p {
			return nil, fmt.Errorf("not a version: %q", s)
		}
		parts = append(parts, n)
	}
	return parts, nil
}

package estimator

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vramcalc/vramcalc/estimator/methods"
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/estimator/modules"
	"github.com/vramcalc/vramcalc/estimator/optimizers"
	"github.com/vramcalc/vramcalc/estimator/program"
	"github.com/vramcalc/vramcalc/estimator/spelling"
)

// resolved is a request with every default filled in and checked.
type resolved struct {
	req         Request
	trainer     trainer
	method      methods.Method
	optimizer   optimizers.Optimizer
	info        TrainingInfo
	config      modules.Config
	assumptions []Assumption
}

// defaultSeqLen is used where neither the request nor the trainer says a
// length: the length that most published fine-tuning recipes pad or pack to.
const defaultSeqLen = 2048

func resolve(req Request) (*resolved, error) {
	r := &resolved{req: req, assumptions: make([]Assumption, 0, 16)}
	steps := []func() error{
		r.checkModel, r.resolveTrainer, r.resolveMethod, r.resolveSizes, r.resolvePrecision,
		r.resolveQuant, r.resolveTypes, r.resolveKernels, r.resolveChoices, r.resolveAdapter, r.checkLitgpt, r.checkHeadAdapter, r.checkFusedAdapter, r.checkMagnitude, r.buildConfig,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *resolved) assume(setting, value, because string) {
	r.assumptions = append(r.assumptions, Assumption{setting, value, because})
}

// trainerDefault words the reason for a default of the trainer.
func (r *resolved) trainerDefault() string { return "default of " + r.trainer.label() }

func (r *resolved) resolveTrainer() (err error) {
	r.trainer, err = findTrainer(r.req.Training.Trainer)
	if err != nil {
		return err
	}
	r.info.Trainer = r.trainer.label()
	switch {
	case r.req.Training.Trainer == "":
		r.assume("trainer", r.trainer.label(), "no trainer given; "+r.trainer.name)
	case !strings.Contains(r.req.Training.Trainer, "@"):
		r.assume("trainer", r.trainer.label(), "no version given; the newest profile")
	}
	return nil
}

func (r *resolved) resolveMethod() error {
	id := r.req.Method.ID
	if id == "" {
		id = "full"
		r.assume("method", id, "no method given")
	}
	m, ok := methods.Get(id)
	if !ok {
		return oneOf("method", id, methods.IDs())
	}
	r.method = m
	return r.contradictions()
}

// contradictions refuses settings that the method does not have.
func (r *resolved) contradictions() error {
	for _, o := range owns(r.method, &r.req) {
		if o.given && !o.mine {
			return contradiction(o.setting, r.method.ID, o.why)
		}
	}
	if r.req.Method.Quant == "none" && r.method.Quantizes {
		return contradiction("quant", r.method.ID, "a base that is not quantized is --method lora")
	}
	return nil
}

func contradiction(setting, method, why string) error {
	return &SettingError{Setting: setting, Value: "with --method " + method, Problem: "the two make no sense together", Hint: why}
}

func (r *resolved) resolveSizes() error {
	t, info := &r.req.Training, &r.info
	info.MicroBatch, info.SeqLen, info.GradAccum = t.MicroBatch, t.SeqLen, t.GradAccum
	for _, s := range []struct {
		name  string
		value int64
		max   int64
	}{{"micro-batch", t.MicroBatch, 1 << 20}, {"seq-len", t.SeqLen, 1 << 24}, {"grad-accum", t.GradAccum, 1 << 24}, {"gpus", r.req.Device.Count, 1 << 20}} {
		if s.value < 0 || s.value > s.max {
			return &SettingError{Setting: s.name, Value: strconv.FormatInt(s.value, 10), Problem: fmt.Sprintf("must be between 1 and %d", s.max)}
		}
	}
	if info.MicroBatch == 0 {
		info.MicroBatch = r.trainer.microBatch
		r.assume("micro-batch", strconv.FormatInt(info.MicroBatch, 10), r.trainerDefault())
	}
	if info.GradAccum == 0 {
		info.GradAccum = 1
		r.assume("grad-accum", "1", r.trainerDefault())
	}
	if info.SeqLen == 0 {
		info.SeqLen = r.trainer.seqLen
		because := r.trainerDefault()
		if info.SeqLen == 0 {
			info.SeqLen, because = defaultSeqLen, r.trainer.label()+" has no default; a common length"
		}
		if m := r.req.Model.MaxPosition; m > 0 && m < info.SeqLen {
			info.SeqLen, because = m, "the model's longest"
		}
		r.assume("seq-len", strconv.FormatInt(info.SeqLen, 10), because)
	}
	if n := learnedPositions(r.req.Model); n > 0 && info.SeqLen > n {
		return &SettingError{Setting: "seq-len", Value: strconv.FormatInt(info.SeqLen, 10), Problem: fmt.Sprintf("%s has only %d learned positions", r.req.Model.ID, n)}
	}
	return nil
}

// learnedPositions is how many positions of the model's learned table a
// sequence can take: OPT's first two rows are none (OPTLearnedPositionalEmbedding
// of transformers' modeling_opt.py).
func learnedPositions(m model.Model) int64 {
	if m.MaxPosition > 0 {
		return min(m.PositionRows, m.MaxPosition)
	}
	return m.PositionRows
}

func (r *resolved) resolvePrecision() error {
	p := r.req.Training.Precision
	gpu := &r.req.Device.GPU
	if p == "" {
		p = "bf16"
		because := r.trainer.label() + " loads the checkpoint's 16-bit type and turns no autocast on"
		quant := r.req.Method.Quant
		pure := r.trainer.litgpt && (r.method.Quantizes || quant != "" && quant != "none") // it refuses autocast there
		if r.trainer.mixedDefault && !pure {
			p, because = "bf16-mixed", r.trainerDefault()
		}
		if gpu.ID != "" && !gpu.SupportsBF16 {
			p, because = "fp16-mixed", gpu.Name+" has no bfloat16"
			if pure {
				p = "fp16"
			}
		}
		r.assume("precision", p, because)
	}
	r.info.Precision = p
	return oneOf("precision", p, precisions)
}

func (r *resolved) resolveQuant() error {
	m := &r.req.Method
	q := m.Quant
	if q == "" {
		q = "none"
		if r.method.Quantizes {
			q = "nf4"
			r.assume("quant", q, "the data type of the QLoRA paper")
		}
	}
	if err := oneOf("quant", q, quantizations); err != nil {
		return err
	}
	r.info.Quant = q
	fourBit := q == "nf4" || q == "fp4"
	if m.DoubleQuant != nil {
		if *m.DoubleQuant && !fourBit {
			return &SettingError{Setting: "double-quant", Value: "with --quant " + q, Problem: "the two make no sense together", Hint: "only nf4 and fp4 have block scales to quantize"}
		}
		r.info.DoubleQuant = *m.DoubleQuant
	} else if fourBit {
		r.assume("double-quant", "false", "default of BitsAndBytesConfig")
	}
	return nil
}

// resolveTypes decides the types of weights and adapters.
func (r *resolved) resolveTypes() error {
	t, info := &r.req.Training, &r.info
	info.WeightsDType, info.AdapterDType = t.WeightsDType, t.AdapterDType
	quantized := info.Quant != "none"
	if info.WeightsDType == "" {
		dt, because := computeDType(info.Precision), "the precision"
		switch {
		case quantized && r.trainer.kbitPrep:
			dt, because = program.Float32, "prepare_model_for_kbit_training casts what is not quantized to float32"
		case mixed(info.Precision) && (!r.method.Adapter || r.trainer.float32Base):
			dt, because = program.Float32, "weights stay float32 under autocast"
			if r.method.Adapter {
				because = r.trainerDefault() + " (dtype)"
			}
		case mixed(info.Precision):
			because = "the frozen base keeps the checkpoint's 16-bit type"
		}
		info.WeightsDType = dt.String()
		r.assume("weights-dtype", info.WeightsDType, because)
	}
	if err := oneOf("weights-dtype", info.WeightsDType, dtypes); err != nil {
		return err
	}
	if info.NormsDType = t.NormsDType; info.NormsDType == "" {
		info.NormsDType = info.WeightsDType // of one model: nothing to assume
	}
	if err := oneOf("norms-dtype", info.NormsDType, dtypes); err != nil {
		return err
	}
	if !r.method.Adapter {
		return nil
	}
	if info.AdapterDType == "" {
		info.AdapterDType = "float32"
		because := "PEFT's autocast_adapter_dtype"
		if r.trainer.litgpt {
			info.AdapterDType, because = info.WeightsDType, "the base's type"
		}
		if quantized && r.trainer.adapterBF16 {
			info.AdapterDType, because = "bfloat16", r.trainer.label()+" casts adapters of a quantized base"
		}
		r.assume("adapter-dtype", info.AdapterDType, because)
	}
	return oneOf("adapter-dtype", info.AdapterDType, dtypes)
}

// resolveKernels decides the fused kernels, and the loss where they bring one.
func (r *resolved) resolveKernels() error {
	info, modelType := &r.info, r.req.Model.ModelType
	info.Kernels, info.Loss = r.req.Training.Kernels, r.req.Training.Loss
	if info.Kernels == "" {
		info.Kernels = "eager"
		r.assume("kernels", info.Kernels, r.trainerDefault())
	}
	if err := oneOf("kernels", info.Kernels, kernelSets); err != nil {
		return err
	}
	kind := kernelKinds[info.Kernels]
	if !kind.Patches(modelType) {
		return &SettingError{
			Setting: "kernels", Value: info.Kernels, Problem: "it replaces nothing in " + modelType + " models",
			Hint: "it knows " + strings.Join(kind.Patched(), ", ") + "; use --kernels eager",
		}
	}
	if info.Loss == "" {
		loss, because := r.defaultLoss(kind)
		info.Loss = loss
		r.assume("loss", loss, because)
	}
	return r.checkLoss(kind)
}

// defaultLoss is the loss that trainer and kernels together imply.
func (r *resolved) defaultLoss(kind modules.Kernels) (loss, because string) {
	modelType := r.req.Model.ModelType
	switch {
	case kind == modules.EagerKernels || r.trainer.keepsLoss && kind == modules.LigerKernels:
		return r.trainer.loss, r.trainerDefault()
	case kind == modules.FOAKKernels:
		return "standard", "FOAK's fast_loss; its fused_linear_loss is --loss fused"
	case kind.FusesLoss(modelType):
		return "fused", "default of Liger's kernels"
	}
	return "standard", "Liger has no fused loss for " + modelType
}

// checkLoss refuses losses that the kernels do not leave or do not have.
func (r *resolved) checkLoss(kind modules.Kernels) error {
	loss, modelType := r.info.Loss, r.req.Model.ModelType
	with := loss + " with --kernels " + r.info.Kernels
	switch {
	case kind == modules.EagerKernels || r.trainer.keepsLoss && kind == modules.LigerKernels:
		return nil
	case loss == "chunked":
		return &SettingError{Setting: "loss", Value: with, Problem: "both replace the model's loss", Hint: "use --loss fused or --loss standard"}
	case loss == "fused" && !kind.FusesLoss(modelType):
		return &SettingError{Setting: "loss", Value: with, Problem: "there is no fused loss for " + modelType, Hint: "use --loss standard"}
	}
	return nil
}

func (r *resolved) resolveChoices() error {
	t, info := &r.req.Training, &r.info
	info.Checkpointing, info.Attention, info.Optimizer = t.Checkpointing, t.Attention, t.Optimizer
	if info.Checkpointing == "" {
		info.Checkpointing = r.trainer.checkpointing
		because := r.trainerDefault()
		if info.Quant != "none" && r.trainer.kbitPrep {
			info.Checkpointing, because = "full", "prepare_model_for_kbit_training turns it on"
		}
		r.assume("checkpointing", info.Checkpointing, because)
	}
	if info.Attention == "" {
		info.Attention = "sdpa"
		because := "default of transformers"
		if r.trainer.litgpt {
			because = r.trainerDefault()
		}
		if modules.EagerOnly(r.req.Model.ModelType) {
			info.Attention, because = "eager", "the only one that transformers has for "+r.req.Model.ModelType
		}
		r.assume("attention", info.Attention, because)
	}
	if info.Optimizer == "" {
		info.Optimizer = r.trainer.optimizer
		if r.trainer.litgpt && info.Quant != "none" {
			info.Optimizer = "paged-adamw-32bit"
		}
		r.assume("optimizer", info.Optimizer, r.trainerDefault())
	}
	o, ok := optimizers.Get(info.Optimizer)
	if !ok {
		return oneOf("optimizer", info.Optimizer, optimizers.IDs())
	}
	r.optimizer = o
	for _, c := range []struct {
		setting, value string
		values         []string
	}{{"checkpointing", info.Checkpointing, checkpointings}, {"attention", info.Attention, attentions}, {"loss", info.Loss, losses}} {
		if err := oneOf(c.setting, c.value, c.values); err != nil {
			return err
		}
	}
	if info.Attention != "eager" && modules.EagerOnly(r.req.Model.ModelType) {
		return &SettingError{Setting: "attention", Value: info.Attention, Problem: fmt.Sprintf("transformers has only eager attention for %s", r.req.Model.ModelType), Hint: "use --attention eager"}
	}
	if info.Attention == "flash" && computeDType(info.Precision) == program.Float32 {
		return &SettingError{Setting: "attention", Value: "flash with --precision " + info.Precision, Problem: "FlashAttention computes in 16 bits only", Hint: "use --precision bf16 or --attention sdpa"}
	}
	return nil
}

// resolveAdapter fills in the settings of LoRA and freeze.
func (r *resolved) resolveAdapter() error {
	m, info := &r.req.Method, &r.info
	if r.method.ID == "freeze" {
		info.TrainableLayers = m.TrainableLayers
		if info.TrainableLayers == 0 {
			info.TrainableLayers = min(2, r.req.Model.Layers)
			r.assume("trainable-layers", strconv.FormatInt(info.TrainableLayers, 10), "default of LLaMA-Factory (freeze_trainable_layers)")
		}
	}
	if !r.method.Adapter {
		return nil
	}
	info.LoRARank, info.LoRAAlpha, info.RSLoRA = m.LoRARank, m.LoRAAlpha, m.RSLoRA
	info.LoRATargets = m.LoRATargets
	for _, name := range m.ModulesToSave {
		info.ModulesToSave = append(info.ModulesToSave, modules.Canonical(r.req.Model, name))
	}
	if info.LoRARank == 0 {
		info.LoRARank = r.trainer.loraRank
		r.assume("lora-rank", strconv.FormatInt(info.LoRARank, 10), r.trainerDefault())
	}
	if info.LoRARank < 0 || info.LoRARank > 1<<16 {
		return &SettingError{Setting: "lora-rank", Value: strconv.FormatInt(info.LoRARank, 10), Problem: "must be between 1 and 65536"}
	}
	if info.LoRAAlpha == 0 {
		info.LoRAAlpha = r.trainer.loraAlpha
		r.assume("lora-alpha", strconv.FormatFloat(info.LoRAAlpha, 'g', -1, 64), r.trainerDefault()+"; changes no byte")
	}
	if !(info.LoRAAlpha > 0 && info.LoRAAlpha < 1e9) {
		return &SettingError{Setting: "lora-alpha", Value: strconv.FormatFloat(info.LoRAAlpha, 'g', -1, 64), Problem: "must be a positive number"}
	}
	if m.LoRADropout != nil {
		info.LoRADropout = *m.LoRADropout
	} else {
		info.LoRADropout = r.trainer.loraDropout
		r.assume("lora-dropout", strconv.FormatFloat(info.LoRADropout, 'g', -1, 64), r.trainerDefault())
	}
	if !(info.LoRADropout >= 0 && info.LoRADropout < 1) {
		return &SettingError{Setting: "lora-dropout", Value: strconv.FormatFloat(info.LoRADropout, 'g', -1, 64), Problem: "must be at least 0 and below 1"}
	}
	if len(info.LoRATargets) == 0 {
		return r.defaultTargets()
	}
	return nil
}

// checkHeadAdapter refuses an adapter on the head under a loss that reads the
// head's weight and never calls it, where the adapter would not train (TRL 1.16
// sft_trainer.py refuses it; Liger lce_maybe_trainable_lm_head leaves it out).
func (r *resolved) checkHeadAdapter() error {
	info := &r.info
	if !r.method.Adapter || r.trainer.litgpt || info.Loss == "standard" {
		return nil
	}
	head := modules.Head(r.req.Model)
	for _, target := range info.LoRATargets {
		if modules.Named("", head, target) {
			return &SettingError{
				Setting: "lora-targets", Value: fmt.Sprintf("%q with --loss %s", target, info.Loss),
				Problem: "this loss reads the head's weight alone, so an adapter there would not train",
				Hint:    "use --loss standard, or train the head with --modules-to-save " + head,
			}
		}
	}
	return nil
}

// checkFusedAdapter refuses what FOAK's fused functions over a quantized base
// can't run, or run by a function that is not modelled.
func (r *resolved) checkFusedAdapter() error {
	info := &r.info
	if kernelKinds[info.Kernels] != modules.FOAKKernels || info.Quant == "none" {
		return nil
	}
	with := "foak with --quant " + info.Quant
	switch {
	case info.Quant == "int8":
		return &SettingError{Setting: "kernels", Value: with, Problem: "its functions read 4-bit weights", Hint: "use --quant nf4 or --kernels eager"}
	case !info.DoubleQuant:
		return &SettingError{Setting: "kernels", Value: with, Problem: "its functions read double-quantized constants", Hint: "add --double-quant"}
	case modules.AdaptsMLP(r.req.Model, info.LoRATargets):
		return &SettingError{
			Setting: "kernels", Value: with, Problem: "its function over an MLP with adapters is not modelled",
			Hint: "name attention's modules in --lora-targets, or use --kernels eager",
		}
	}
	return nil
}

func (r *resolved) defaultTargets() error {
	mt := r.req.Model.ModelType
	info := &r.info
	if r.trainer.litgpt {
		info.LoRATargets = []string{"query", "value"}
		r.assume("lora-targets", "query,value", r.trainerDefault())
		return nil
	}
	info.LoRATargets = methods.DefaultTargets(mt)
	because := "PEFT's default for " + mt
	if len(info.LoRATargets) == 0 {
		info.LoRATargets, because = []string{methods.AllLinear}, "PEFT has no default for "+mt+" and asks for one; every linear layer"
	}
	r.assume("lora-targets", strings.Join(info.LoRATargets, ","), because)
	return nil
}

// settings are the method's settings in the engine's types.
func (r *resolved) settings() methods.Settings {
	adapter, _ := program.ParseDType(r.info.AdapterDType)
	copied := adapter
	if r.info.Quant == "none" || !r.trainer.adapterBF16 {
		// A copy has the base's type: PEFT casts what tuner layers hold, and no
		// ModulesToSaveWrapper is one (peft 0.21 cast_adapter_dtype). TRL casts
		// all that trains beside a quantized base.
		copied, _ = program.ParseDType(r.info.WeightsDType)
	}
	linears, head := modules.Linears(r.req.Model), modules.Head(r.req.Model)
	if r.trainer.litgpt {
		linears, head = modules.LitgptLinears(), "head"
	}
	return methods.Settings{
		ModelType: r.req.Model.ModelType, Layers: r.req.Model.Layers,
		Rank: r.info.LoRARank, Dropout: r.info.LoRADropout, Targets: r.info.LoRATargets,
		ModulesToSave: r.info.ModulesToSave, AdapterDType: adapter, CopiedDType: copied, TrainableLayers: r.info.TrainableLayers,
		Linears: linears, Head: head,
	}
}

func (r *resolved) buildConfig() error {
	info := &r.info
	for _, m := range info.ModulesToSave {
		if have := modules.Copyable(r.req.Model); !slices.Contains(have, m) {
			return &SettingError{Setting: "modules-to-save", Value: fmt.Sprintf("%q", m), Problem: "is not one of " + strings.Join(have, ", "), Hint: fmt.Sprintf("did you mean %q?", spelling.Nearest(m, have))}
		}
	}
	tuner, err := r.method.New(r.settings())
	if err != nil {
		return err
	}
	weights, _ := program.ParseDType(info.WeightsDType)
	norms, _ := program.ParseDType(info.NormsDType)
	c := modules.Config{
		Model: r.req.Model, Batch: info.MicroBatch, Seq: info.SeqLen,
		Weights: weights, Norms: norms, Compute: computeDType(info.Precision),
		Attention: attentionKinds[info.Attention], Loss: lossKinds[info.Loss], Kernels: kernelKinds[info.Kernels],
		Checkpoint:     info.Checkpointing == "full",
		Reentrant:      r.trainer.reentrant,
		RepeatsKV:      r.trainer.repeatsKV,
		ConvertOutputs: r.trainer.convert && mixed(info.Precision),
		// gradient_checkpointing_enable calls enable_input_require_grads
		// (transformers 5 modeling_utils.py).
		InputsRequireGrad: info.Checkpointing == "full",
		ShiftLogits:       r.trainer.shiftLogits,
		FloatLogits:       r.trainer.floatLogits,
		Litgpt:            r.trainer.litgpt,
		HeadChunks:        r.trainer.litgpt && r.method.Adapter,
		Tuner:             tuner,
	}
	if mixed(info.Precision) {
		c.Autocast = c.Compute
	}
	if c.Loss == modules.ChunkedLoss && r.trainer.tokenChunks {
		c.Loss = modules.TokenChunkedLoss
	}
	source := weights
	if r.trainer.kbitPrep { // float32 came after the quantization
		source = c.Compute
	}
	switch info.Quant {
	case "nf4", "fp4":
		c.Quant = modules.Quantization{Storage: modules.FourBit, Nested: info.DoubleQuant, Source: source}
	case "int8":
		c.Quant = modules.Quantization{Storage: modules.EightBit}
	}
	r.config = c
	return nil
}

package render

import "github.com/vramcalc/vramcalc/estimator"

// categories are the parts of the breakdown that CSV always has a column for;
// a part that is not among them gets its column after these.
var categories = []string{
	"weights", "quantization_constants", "adapters", "master_weights", "gradients", "optimizer_states",
	"activations", "logits_and_loss", "workspace", "communication", "inputs",
}

// Rows are one record per report, all with the same keys.
func (p Plan) Rows() []Record {
	names := p.allCategories()
	rows := make([]Record, 0, len(p.Answers))
	for _, a := range p.Answers {
		row := settingFields(a.Report)
		row = append(row, memoryFields(a.Memory, names)...)
		row = append(row, throughputFields(a.Throughput)...)
		row = append(row, fitFields(a.Fit)...)
		rows = append(rows, append(row, runFields(a.Run)...))
	}
	return rows
}

func (p Plan) allCategories() []string {
	names := append([]string{}, categories...)
	seen := map[string]bool{}
	for _, n := range names {
		seen[n] = true
	}
	for _, a := range p.Answers {
		for _, c := range a.Memory.Breakdown {
			if !seen[c.Category] {
				seen[c.Category] = true
				names = append(names, c.Category)
			}
		}
	}
	return names
}

func settingFields(r estimator.Report) Record {
	t := r.Training
	return Record{
		{Key: "model_id", Value: r.Model.ID},
		{Key: "model_name", Value: r.Model.Name},
		{Key: "model_parameters", Value: r.Model.Parameters},
		{Key: "method_id", Value: r.Method.ID},
		{Key: "method_trainable_parameters", Value: r.Method.TrainableParameters},
		{Key: "method_adapter_file_bytes", Value: r.Method.AdapterFileBytes},
		{Key: "training_trainer", Value: t.Trainer},
		{Key: "training_micro_batch", Value: t.MicroBatch},
		{Key: "training_seq_len", Value: t.SeqLen},
		{Key: "training_grad_accum", Value: t.GradAccum},
		{Key: "training_precision", Value: t.Precision},
		{Key: "training_weights_dtype", Value: t.WeightsDType},
		{Key: "training_norms_dtype", Value: t.NormsDType},
		{Key: "training_adapter_dtype", Value: t.AdapterDType},
		{Key: "training_quant", Value: t.Quant},
		{Key: "training_double_quant", Value: t.DoubleQuant},
		{Key: "training_optimizer", Value: t.Optimizer},
		{Key: "training_checkpointing", Value: t.Checkpointing},
		{Key: "training_attention", Value: t.Attention},
		{Key: "training_kernels", Value: t.Kernels},
		{Key: "training_loss", Value: t.Loss},
		{Key: "training_lora_rank", Value: t.LoRARank},
		{Key: "training_lora_alpha", Value: t.LoRAAlpha},
		{Key: "training_lora_dropout", Value: t.LoRADropout},
		{Key: "training_lora_targets", Value: t.LoRATargets},
		{Key: "training_rslora", Value: t.RSLoRA},
		{Key: "training_modules_to_save", Value: t.ModulesToSave},
		{Key: "training_trainable_layers", Value: t.TrainableLayers},
		{Key: "device_id", Value: r.Device.ID},
		{Key: "device_name", Value: r.Device.Name},
		{Key: "device_count", Value: r.Device.Count},
		{Key: "device_capacity_bytes", Value: r.Device.CapacityBytes},
		{Key: "device_capacity_source", Value: r.Device.CapacitySource},
		{Key: "device_used_bytes", Value: r.Device.UsedBytes},
	}
}

func memoryFields(m estimator.Memory, names []string) Record {
	row := Record{
		{Key: "memory_allocated_bytes", Value: m.AllocatedBytes},
		{Key: "memory_reserved_bytes", Value: m.ReservedBytes},
		{Key: "memory_device_bytes", Value: m.DeviceBytes},
		{Key: "memory_context_bytes", Value: m.ContextBytes},
		{Key: "memory_band_low_bytes", Value: m.Band.LowBytes},
		{Key: "memory_band_high_bytes", Value: m.Band.HighBytes},
		{Key: "memory_peak_at", Value: m.PeakAt},
	}
	bytes := map[string]int64{}
	for _, c := range m.Breakdown {
		bytes[c.Category] += c.Bytes
	}
	for _, n := range names {
		row = append(row, Field{Key: "memory_breakdown_" + n + "_bytes", Value: bytes[n]})
	}
	return row
}

// throughputFields are empty cells where the speed is not known.
func throughputFields(t *estimator.Throughput) Record {
	row := Record{
		{Key: "throughput_step_seconds"},
		{Key: "throughput_tokens_per_second"},
		{Key: "throughput_tokens_per_second_total"},
		{Key: "throughput_samples_per_second"},
		{Key: "throughput_flops_per_step"},
		{Key: "throughput_mfu"},
		{Key: "throughput_hfu"},
		{Key: "throughput_bound_by"},
		{Key: "throughput_band_low_tokens_per_second"},
		{Key: "throughput_band_high_tokens_per_second"},
	}
	if t != nil {
		for i, v := range []any{
			t.StepSeconds, t.TokensPerSecond, t.TokensPerSecondTotal, t.SamplesPerSecond, t.FLOPsPerStep,
			t.MFU, t.HFU, t.BoundBy, t.Band.LowTokensPerSecond, t.Band.HighTokensPerSecond,
		} {
			row[i].Value = v
		}
	}
	return row
}

// fitFields are empty cells where the capacity is not known.
func fitFields(f *estimator.Fit) Record {
	row := Record{{Key: "fit_fits"}, {Key: "fit_headroom_bytes"}, {Key: "fit_verdict"}, {Key: "fit_probability"}}
	if f != nil {
		for i, v := range []any{f.Fits, f.HeadroomBytes, f.Verdict, f.Probability} {
			row[i].Value = v
		}
	}
	return row
}

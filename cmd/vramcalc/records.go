package main

import (
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/hardware"
)

// modelColumns are the facts that the list of models shows.
var modelColumns = []render.Shown{
	{Key: "id", Column: render.Column{Title: "model"}},
	{Key: "name", Column: render.Column{Title: "name", Wide: true}},
	{Key: "parameters", Column: render.Column{Title: "parameters", Right: true}},
	{Key: "kind", Column: render.Column{Title: "kind"}},
	{Key: "layers", Column: render.Column{Title: "layers", Right: true, Drop: 2}},
	{Key: "hidden", Column: render.Column{Title: "hidden", Right: true, Drop: 3}},
	{Key: "vocab", Column: render.Column{Title: "vocabulary", Right: true, Drop: 5}},
	{Key: "max_position", Column: render.Column{Title: "context", Right: true, Drop: 4}},
	{Key: "hub_id", Column: render.Column{Title: "Hub id", Wide: true, Drop: 6}},
}

// modelRecord is all that is known about a model.
func modelRecord(m model.Model) render.Record {
	r := render.Record{
		{Key: "id", Label: "id", Value: m.ID},
		{Key: "name", Label: "name", Value: m.Name},
		{Key: "hub_id", Label: "Hub id", Value: word(m.HubID)},
		{Key: "aliases", Label: "aliases", Value: words(m.Aliases)},
		{Key: "family", Label: "family", Value: word(m.Family)},
		{Key: "released", Label: "released", Value: word(m.Released)},
		{Key: "kind", Label: "kind", Value: word(m.Kind)},
		{Key: "model_type", Label: "transformers model_type", Value: word(m.ModelType)},
		{Key: "parameters", Label: "parameters", Value: count(m.Parameters), Text: parameters(m.Parameters)},
		{Key: "parameters_exact", Label: "counted from a checkpoint", Value: m.ParametersExact},
		{Key: "active_parameters", Label: "active parameters", Value: count(m.ActiveParameters), Text: parameters(m.ActiveParameters)},
		{Key: "layers", Label: "layers", Value: count(m.Layers)},
		{Key: "hidden", Label: "hidden size", Value: count(m.Hidden)},
		{Key: "heads", Label: "attention heads", Value: count(m.Heads)},
		{Key: "kv_heads", Label: "key-value heads", Value: count(m.KVHeads)},
		{Key: "head_dim", Label: "head dimension", Value: count(m.HeadDim)},
		{Key: "intermediate", Label: "MLP size", Value: count(m.Intermediate)},
		{Key: "vocab", Label: "vocabulary", Value: count(m.Vocab)},
		{Key: "max_position", Label: "context", Value: count(m.MaxPosition)},
		{Key: "embed_dim", Label: "embedding width", Value: count(m.EmbedDim)},
	}
	r = append(r, switchFields(m)...)
	r = append(r, numberFields(m)...)
	if len(m.Facts) > 0 {
		facts := render.Record{}
		text := ""
		for _, f := range m.Facts {
			facts = append(facts, render.Field{Key: f.Name, Value: f.Value})
			text += f.Name + " " + f.Value + "\n"
		}
		r = append(r, render.Field{Key: "facts", Label: "further facts", Value: facts, Text: text[:len(text)-1]})
	} else {
		r = append(r, render.Field{Key: "facts"})
	}
	return append(
		r,
		render.Field{Key: "notes", Label: "notes", Value: words(m.Notes), Text: paragraphs(m.Notes)},
		render.Field{Key: "confidence", Label: "confidence", Value: word(m.Confidence)},
		render.Field{Key: "source", Label: "source", Value: word(m.Source)},
	)
}

// switchFields are the words and switches of an architecture.
func switchFields(m model.Model) render.Record {
	return render.Record{
		{Key: "tied_embeddings", Label: "tied embeddings", Value: m.TiedEmbeddings},
		{Key: "norm", Label: "norm", Value: word(string(m.Norm))},
		{Key: "norm_bias", Label: "norm bias", Value: m.NormBias},
		{Key: "norms_per_layer", Label: "norms per layer", Value: count(m.NormsPerLayer)},
		{Key: "final_norm", Label: "final norm", Value: m.FinalNorm},
		{Key: "embed_norm", Label: "embedding norm", Value: m.EmbedNorm},
		{Key: "qk_norm", Label: "query and key norm", Value: word(string(m.QKNorm))},
		{Key: "post_norm", Label: "norm after the sub-layer", Value: m.PostNorm},
		{Key: "position", Label: "position", Value: word(string(m.Position))},
		{Key: "position_rows", Label: "position table", Value: count(m.PositionRows)},
		{Key: "rotary_dim", Label: "rotary dimension", Value: count(m.RotaryDim)},
		{Key: "qkv_bias", Label: "query, key, value bias", Value: m.QKVBias},
		{Key: "out_bias", Label: "attention output bias", Value: m.OutBias},
		{Key: "mlp_bias", Label: "MLP bias", Value: m.MLPBias},
		{Key: "head_bias", Label: "head bias", Value: m.HeadBias},
		{Key: "parallel_residual", Label: "parallel residual", Value: m.ParallelResidual},
		{Key: "activation", Label: "activation", Value: word(string(m.Activation))},
		{Key: "gated", Label: "gated MLP", Value: m.Gated},
	}
}

// numberFields are the numbers that only some architectures have.
func numberFields(m model.Model) render.Record {
	return render.Record{
		{Key: "mlp_scalars", Label: "MLP scalars per layer", Value: count(m.MLPScalars)},
		{Key: "sliding_window", Label: "sliding window", Value: count(m.SlidingWindow)},
		{Key: "sliding_layers", Label: "layers with it", Value: count(m.SlidingLayers)},
		{Key: "embed_dropout", Label: "embedding dropout", Value: number(m.EmbedDropout)},
		{Key: "attention_dropout", Label: "attention dropout", Value: number(m.AttentionDropout)},
		{Key: "residual_dropout", Label: "residual dropout", Value: number(m.ResidualDropout)},
		{Key: "logit_softcap", Label: "logit softcap", Value: number(m.LogitSoftcap)},
		{Key: "attention_softcap", Label: "attention softcap", Value: number(m.AttentionSoftcap)},
	}
}

// gpuColumns are the facts that the list of GPUs shows.
var gpuColumns = []render.Shown{
	{Key: "id", Column: render.Column{Title: "GPU"}},
	{Key: "name", Column: render.Column{Title: "name", Wide: true}},
	{Key: "capacity_bytes", Column: render.Column{Title: "memory", Right: true}},
	{Key: "bandwidth_bytes_per_second", Column: render.Column{Title: "bandwidth", Right: true, Drop: 2}},
	{Key: "bf16_flops_per_second", Column: render.Column{Title: "bf16", Right: true, Drop: 3}},
	{Key: "fp16_flops_per_second", Column: render.Column{Title: "fp16", Right: true, Wide: true}},
	{Key: "architecture", Column: render.Column{Title: "architecture", Drop: 1}},
	{Key: "released", Column: render.Column{Title: "year", Right: true, Drop: 4}},
	{Key: "form", Column: render.Column{Title: "form", Wide: true, Drop: 5}},
}

// gpuRecord is all that is known about a GPU.
func gpuRecord(g hardware.GPU) render.Record {
	capacity, source := g.Capacity()
	r := render.Record{
		{Key: "id", Label: "id", Value: g.ID},
		{Key: "name", Label: "name", Value: g.Name},
		{Key: "nvml_name", Label: "name in the driver", Value: word(g.NVMLName)},
		{Key: "aliases", Label: "aliases", Value: words(g.Aliases)},
		{Key: "vendor", Label: "vendor", Value: word(g.Vendor)},
		{Key: "architecture", Label: "architecture", Value: word(g.Architecture)},
		{Key: "compute_capability", Label: "compute capability", Value: word(g.ComputeCapability)},
		{Key: "released", Label: "released", Value: count(int64(g.Released))},
		{Key: "form", Label: "form", Value: word(g.Form)},
		{Key: "memory_type", Label: "memory type", Value: word(g.MemoryType)},
		{Key: "unified_memory", Label: "memory shared with the CPU", Value: g.UnifiedMemory},
		{Key: "marketing_gb", Label: "size on the box", Value: number(g.MarketingGB), Text: unit(g.MarketingGB, "GB")},
		{Key: "capacity_bytes", Label: "capacity", Value: count(capacity), Text: sizeText(capacity)},
		{Key: "capacity_source", Label: "capacity is", Value: word(source)},
		{Key: "reported_bytes", Label: "driver reports", Value: count(g.ReportedBytes), Text: sizeText(g.ReportedBytes)},
		{Key: "cuda_bytes", Label: "CUDA shows", Value: count(g.CUDABytes), Text: sizeText(g.CUDABytes)},
		{Key: "bandwidth_bytes_per_second", Label: "bandwidth", Value: number(g.BandwidthBytes), Text: scaled(g.BandwidthBytes, "B/s")},
	}
	r = append(r, rateFields(g)...)
	return append(
		r,
		render.Field{Key: "sms", Label: "multiprocessors", Value: count(int64(g.SMs))},
		render.Field{Key: "l2_bytes", Label: "L2 cache", Value: count(g.L2Bytes), Text: sizeText(g.L2Bytes)},
		render.Field{Key: "tdp_watts", Label: "power", Value: count(int64(g.TDPWatts)), Text: unit(float64(g.TDPWatts), "W")},
		render.Field{Key: "nvlink_bytes_per_second", Label: "NVLink, both directions", Value: number(g.NVLinkBytes), Text: scaled(g.NVLinkBytes, "B/s")},
		render.Field{Key: "pcie", Label: "PCIe", Value: word(g.PCIe)},
		render.Field{Key: "launch_price_usd", Label: "launch price", Value: number(g.LaunchPriceUSD), Text: unit(g.LaunchPriceUSD, "USD")},
		render.Field{Key: "notes", Label: "notes", Value: words(g.Notes), Text: paragraphs(g.Notes)},
		render.Field{Key: "confidence", Label: "confidence", Value: word(g.Confidence)},
		render.Field{Key: "source", Label: "source", Value: words(g.Source), Text: paragraphs(g.Source)},
	)
}

// rateFields are the data sheet's dense rates and what was measured.
func rateFields(g hardware.GPU) render.Record {
	rate := func(key, label string, v float64, unit string) render.Field {
		return render.Field{Key: key, Label: label, Value: number(v), Text: scaled(v, unit)}
	}
	const flops = "FLOP/s"
	return render.Record{
		rate("fp32_flops_per_second", "float32, data sheet", g.Rates.FP32, flops),
		rate("tf32_flops_per_second", "TF32, data sheet", g.Rates.TF32, flops),
		rate("fp16_flops_per_second", "float16, data sheet", g.Rates.FP16, flops),
		rate("bf16_flops_per_second", "bfloat16, data sheet", g.Rates.BF16, flops),
		rate("fp8_flops_per_second", "FP8, data sheet", g.Rates.FP8, flops),
		rate("int8_ops_per_second", "INT8, data sheet", g.Rates.INT8, "OP/s"),
		rate("fp4_flops_per_second", "FP4, data sheet", g.Rates.FP4, flops),
		rate("measured_fp16_flops_per_second", "float16, measured", g.Measured.FP16, flops),
		rate("measured_bf16_flops_per_second", "bfloat16, measured", g.Measured.BF16, flops),
		rate("measured_bandwidth_bytes_per_second", "bandwidth, measured", g.Measured.BandwidthBytes, "B/s"),
		{Key: "measured_source", Label: "measured by", Value: word(g.Measured.Source)},
		{Key: "supports_bf16", Label: "computes bfloat16", Value: g.SupportsBF16},
		{Key: "supports_fp8", Label: "computes FP8", Value: g.SupportsFP8},
		{Key: "supports_fp4", Label: "computes FP4", Value: g.SupportsFP4},
	}
}

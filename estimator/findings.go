package estimator

import "fmt"

// find lists what the reader should know beside the numbers.
func (rep *Report) find(r *resolved, calErr error) {
	add := func(severity, code, message, hint string) {
		rep.Findings = append(rep.Findings, Finding{severity, code, message, hint})
	}
	rep.Findings = append(rep.Findings, r.req.Device.Findings...)
	info := &r.info
	if calErr != nil {
		add("info", "speed-unknown", calErr.Error(), "")
	}
	if g := r.req.Device.GPU; g.ID != "" && !g.SupportsBF16 && computeDType(info.Precision).String() == "bfloat16" {
		add("warning", "bf16-emulated", g.Name+" has no bfloat16 units: it is emulated and slow", "use --precision fp16-mixed")
	}
	if info.Precision == "fp16" && !r.method.Adapter {
		add("warning", "fp16-training", "weights trained in float16 lose small updates", "use --precision fp16-mixed or bf16")
	}
	if m := r.req.Model.MaxPosition; m > 0 && info.SeqLen > m {
		add("warning", "beyond-context", fmt.Sprintf("%d tokens are more than the %d that %s was made for", info.SeqLen, m, r.req.Model.ID), "")
	}
	if r.optimizer.Paged {
		add("info", "paged-states", "the optimizer's states live in managed memory: they are not in these figures, and move to the GPU when there is room", "")
	}
	if r.method.ID == "qlora" && info.Quant == "int8" && info.Checkpointing == "full" {
		add("warning", "int8-checkpointing", "8-bit layers of bitsandbytes keep their input in spite of checkpointing", "use --quant nf4")
	}
	if r.req.Device.Count > 1 {
		add("warning", "one-gpu", "the step is that of one GPU: gradient exchange between GPUs is not modelled yet", "")
	}
	rep.findPieces(add)
}

// findPieces tells of memory that the allocator holds in pieces, where that
// matters.
func (rep *Report) findPieces(add func(severity, code, message, hint string)) {
	const hint = "PYTORCH_ALLOC_CONF=expandable_segments:True can help"
	m := &rep.Memory
	switch {
	case m.CacheReturned:
		add("warning", "cache-returned", "it fits only because PyTorch's allocator returns cached memory when the card is full; that costs time in each step, which the speed does not count", hint)
	case rep.Fit != nil && !rep.Fit.Fits && m.AllocatedBytes+m.ContextBytes <= rep.free():
		add("info", "fragmentation", "the tensors alone would fit; the rest is memory that the allocator holds in pieces", hint)
	}
}

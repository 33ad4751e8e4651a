package program

// trlTokenChunk is the number of tokens whose logits TRL 1.7 makes at a time
// (trl/trainer/sft_trainer.py, chunked_nll).
const trlTokenChunk = 256

// TokenChunkedLoss is TRL's chunked_nll of versions 1.7 to 1.15: each chunk of
// tokens is checkpointed and computed in float32, for which it copies the
// whole head to float32 (and, under autocast, back) once per chunk, in forward
// and again in backward.
func (b *Builder) TokenChunkedLoss(h HeadLoss) T {
	mark := b.Scope()
	rows := h.Batch * (h.Seq - 1)
	wt := b.Weight(h.Weight)
	b.pass("index", h.Hidden.dt, 2*rows*h.Width*h.Hidden.dt.Size())
	sel, nd := b.record(nodeIndexRows, b.result(rows*h.Width, h.Hidden.dt, "b·s·h"), h.Hidden)
	if nd != nil {
		nd.n = [4]int64{rows * h.Width}
	}
	b.chunkForward(h, wt.dt, rows)
	b.op("sum", Elementwise, Float32, 2, 0, float64(4*rows))
	loss, nd := b.record(nodeTokenChunks, b.result(1, Float32, "1"), sel, wt)
	if nd != nil {
		nd.n = [4]int64{rows, h.Width, h.Vocab, int64(wt.dt)}
		nd.dt, nd.dt2 = Float32, sel.dt
		b.save(sel)
	}
	b.Return(mark, loss)
	return loss
}

// chunkForward is the work of all chunks; their memory is one chunk's.
func (b *Builder) chunkForward(h HeadLoss, weight DType, rows int64) {
	mark := b.Scope()
	chunks := (rows + trlTokenChunk - 1) / trlTokenChunk
	n := h.Vocab * h.Width
	logits := min(rows, trlTokenChunk) * h.Vocab
	dt := b.headCopies(weight, n, chunks)
	b.matmul("mm", dt, rows, h.Vocab, h.Width, 1)
	if dt != Float32 {
		b.result(logits, dt, "chunk·V")
	}
	b.pass("log_softmax", Float32, 4*4*rows*h.Vocab)
	b.result(logits, Float32, "chunk·V")
	b.result(logits, Float32, "chunk·V")
	b.result(logits, Float32, "chunk·V")
	b.Return(mark)
}

// headCopies are the float32 copy of the head and autocast's copy of that. It
// returns the type that the product runs in.
func (b *Builder) headCopies(weight DType, n, chunks int64) DType {
	if weight != Float32 {
		b.pass("to", Float32, chunks*n*(4+weight.Size()))
		b.result(n, Float32, "V·h")
	}
	if b.autocast == Invalid {
		return Float32
	}
	b.pass("to", b.autocast, chunks*n*(4+b.autocast.Size()))
	b.result(n, b.autocast, "V·h")
	return b.autocast
}

// tokenChunksGrad plays each chunk's forward again and differentiates it.
func (b *Builder) tokenChunksGrad(nd *node) {
	mark := b.Scope()
	rows, width, vocab, weight := nd.n[0], nd.n[1], nd.n[2], DType(nd.n[3])
	chunks := (rows + trlTokenChunk - 1) / trlTokenChunk
	logits := min(rows, trlTokenChunk) * vocab
	var dw int32 = Never
	if nd.in[1] != Never {
		b.pass("zeros", weight, vocab*width*weight.Size())
		dw = b.hold(vocab*width, weight)
	}
	dx := Never
	if nd.in[0] != Never {
		b.pass("zeros", nd.dt2, rows*width*nd.dt2.Size())
		dx = b.hold(rows*width, nd.dt2)
	}
	dt := b.headCopies(weight, vocab*width, chunks)
	b.matmul("mm", dt, rows, vocab, width, 1)
	b.pass("log_softmax", Float32, 4*6*rows*vocab)
	for range 3 {
		b.result(logits, Float32, "chunk·V")
	}
	if dx != Never {
		b.matmul("mm_backward_input", dt, rows, width, vocab, 1)
	}
	if dw != Never {
		b.matmul("mm_backward_weight", dt, vocab, width, rows, 1)
		b.result(vocab*width, Float32, "V·h") // the chunk's gradient of the float32 copy
	}
	keep := []T{{st: dx}, {st: dw}}
	b.Return(mark, keep...)
	if dx != Never {
		b.give(nd.in[0], dx, nd.dt2)
	}
	if dw != Never {
		b.give(nd.in[1], dw, weight)
	}
}

package program

// HeadLoss is the head and the loss in one: the logits never exist in full.
type HeadLoss struct {
	Hidden       T
	Weight, Bias int
	Batch, Seq   int64
	Width, Vocab int64
	// Upcast: Liger's loss as FOAK carries it, which takes a copy of the hidden
	// states without the last position and chunks of logits in float32.
	Upcast bool
}

// Tiles of TRL's chunked log-probabilities (trl/trainer/utils.py
// _CHUNKED_LOGPROB_CHUNK_SIZE, trl/kernels/chunked_logprob.py TOKEN_CHUNK_SIZE).
const (
	trlVocabTile = 32768
	trlTokenTile = 4096
)

// ChunkedLoss is TRL's fused head since 1.16: tiles of logits are folded into
// row statistics, and made again in backward, where gradients accumulate in
// float32 (trl/kernels/chunked_logprob.py ChunkedLogProbFunction).
func (b *Builder) ChunkedLoss(h HeadLoss) T {
	mark := b.Scope()
	rows := h.Batch * (h.Seq - 1)
	wt := b.Weight(h.Weight)
	dt := h.Hidden.dt
	if b.autocast != Invalid {
		dt = b.autocast
	}
	b.pass("index", h.Hidden.dt, 2*rows*h.Width*h.Hidden.dt.Size())
	sel, nd := b.record(nodeIndexRows, b.result(rows*h.Width, h.Hidden.dt, "b·s·h"), h.Hidden)
	if nd != nil {
		nd.n = [4]int64{rows * h.Width}
	}
	b.pass("statistics", Float32, 7*rows*4)
	stats := b.result(7*rows, Float32, "b·s")
	b.tiles(rows, h, dt, sel.dt, wt.dt)
	b.pass("log_probs", Float32, 3*rows*4)
	logZ := b.result(2*rows, Float32, "b·s")
	b.op("sum", Elementwise, Float32, 2, 0, float64(4*rows))
	loss, nd := b.record(nodeChunkedLoss, b.result(1, Float32, "1"), sel, wt)
	if nd != nil {
		nd.n = [4]int64{rows, h.Width, h.Vocab, int64(wt.dt)}
		nd.dt = dt
		nd.dt2 = sel.dt
		b.save(sel)
		b.save(logZ)
	}
	b.Drop(stats)
	b.Return(mark, loss)
	return loss
}

// tiles are the products of all tiles of logits, and their buffer.
func (b *Builder) tiles(rows int64, h HeadLoss, dt, hidden, weight DType) {
	buffer := b.tileBuffer(rows, dt)
	if hidden != dt {
		b.pass("to", dt, 0)
		b.Drop(b.result(min(rows, trlTokenTile)*h.Width, dt, "tile·h"))
	}
	if weight != dt {
		b.pass("to", dt, 2*h.Vocab*h.Width*dt.Size())
		b.Drop(b.result(min(h.Vocab, trlVocabTile)*h.Width, dt, "tile·h"))
	}
	b.matmul("mm", dt, rows, h.Vocab, h.Width, 1)
	b.pass("fold", dt, rows*h.Vocab*dt.Size())
	b.Drop(buffer)
}

func (b *Builder) tileBuffer(rows int64, dt DType) T {
	b.op("tile_buffer", Elementwise, dt, 1, 0, 0)
	return b.result(min(rows, trlTokenTile)*trlVocabTile, dt, "tile")
}

// chunkedGrad makes the tiles again.
func (b *Builder) chunkedGrad(nd *node) {
	rows, width, vocab, wdt := nd.n[0], nd.n[1], nd.n[2], DType(nd.n[3])
	dh, dw := Never, Never
	if nd.in[0] != Never {
		b.pass("zeros", Float32, rows*width*4)
		dh = b.temp(rows*width, Float32, "b·s·h")
	}
	if nd.in[1] != Never {
		b.pass("zeros", Float32, vocab*width*4)
		dw = b.temp(vocab*width, Float32, "V·h")
	}
	buffer := b.tileBuffer(rows, nd.dt)
	casts := b.tileCasts(nd, rows, width, vocab, wdt)
	b.matmul("mm", nd.dt, rows, vocab, width, 1)
	b.pass("fold", nd.dt, 2*rows*vocab*nd.dt.Size())
	if dh != Never {
		b.matmul("addmm_input", nd.dt, rows, width, vocab, 1)
	}
	if dw != Never {
		b.matmul("addmm_weight", nd.dt, vocab, width, rows, 1)
	}
	// Locals of the function die when it returns: after the casts to the types
	// of the inputs.
	if dh != Never {
		b.finish(nd.in[0], dh, rows*width, nd.dt2)
	}
	if dw != Never {
		b.finish(nd.in[1], dw, vocab*width, wdt)
	}
	b.Drop(buffer)
	for _, c := range casts {
		if c != Never {
			b.free(c)
		}
	}
	for _, st := range b.finished {
		b.free(st)
	}
	b.finished = b.finished[:0]
}

// tileCasts are the last tile's operands in the compute type: variables of the
// function until it returns.
func (b *Builder) tileCasts(nd *node, rows, width, vocab int64, wdt DType) [2]int32 {
	casts := [2]int32{Never, Never}
	if nd.dt2 != nd.dt {
		b.pass("to", nd.dt, 2*rows*width*nd.dt.Size())
		casts[0] = b.temp(min(rows, trlTokenTile)*width, nd.dt, "tile·h")
	}
	if wdt == nd.dt {
		return casts
	}
	b.pass("to", nd.dt, 2*vocab*width*nd.dt.Size())
	if vocab > trlVocabTile { // the variable holds a tile until the next one is made
		before := b.temp(trlVocabTile*width, nd.dt, "tile·h")
		next := b.temp(min(vocab-trlVocabTile, trlVocabTile)*width, nd.dt, "tile·h")
		b.free(before)
		b.free(next)
		b.op("last_tile", Elementwise, nd.dt, 0, 0, 0)
	}
	casts[1] = b.temp(((vocab-1)%trlVocabTile+1)*width, nd.dt, "tile·h")
	return casts
}

// finish casts an accumulated gradient to its value's type and gives it away;
// the float32 one is freed when the function returns.
func (b *Builder) finish(v, st int32, n int64, dt DType) {
	if dt == Float32 {
		b.sts[st].refs = 1
		b.give(v, st, dt)
		return
	}
	b.pass("to", dt, n*(4+dt.Size()))
	c := b.hold(n, dt)
	b.finished = append(b.finished, st)
	b.give(v, c, dt)
}

// indexRowsGrad scatters the gradient of selected rows back: zeros of the
// slice, then zeros of the whole.
func (b *Builder) indexRowsGrad(nd *node) {
	v := nd.in[0]
	n := b.vals[v].n
	b.pass("index_put", nd.dt, 2*nd.n[0]*nd.dt.Size())
	slice := b.temp(nd.n[0], nd.dt, "b·s·h")
	b.pass("slice_backward", nd.dt, 2*n*nd.dt.Size())
	dx := b.hold(n, nd.dt)
	b.free(slice)
	b.give(v, dx, nd.dt)
}

// FusedLoss is Liger's fused linear cross-entropy: chunks of logits turn into
// gradients in place, so both gradients exist at the end of forward
// (liger_kernel/ops/fused_linear_cross_entropy.py).
func (b *Builder) FusedLoss(h HeadLoss) T {
	mark := b.Scope()
	tokens := h.Batch * h.Seq
	wt := b.Weight(h.Weight)
	dt := h.Hidden.dt
	if h.Upcast {
		tokens = h.Batch * (h.Seq - 1)
		h.Hidden = b.Clone(b.Slice(h.Hidden, tokens*h.Width), "b·s·h")
	}
	b.pass("zeros", dt, tokens*h.Width*dt.Size())
	gi := b.result(tokens*h.Width, dt, "b·s·h")
	var gw T
	if wt.v != Never {
		b.pass("zeros", wt.dt, wt.n*wt.dt.Size())
		gw = b.result(wt.n, wt.dt, "V·h")
	}
	b.pass("zeros", Float32, tokens*4)
	row := b.result(tokens, Float32, "b·s")
	b.ligerChunks(h, wt, tokens)
	b.op("sum", Elementwise, Float32, 2, 0, float64(4*tokens))
	loss, nd := b.record(nodeLigerLoss, b.result(1, Float32, "1"), h.Hidden, wt)
	b.Drop(row)
	if nd != nil {
		nd.n = [4]int64{int64(gi.st), int64(gw.st)}
		nd.dt, nd.dt2 = dt, wt.dt
		b.save(gi)
		if wt.v != Never {
			b.save(gw)
		}
		b.savedLate()
	}
	b.Return(mark, loss)
	return loss
}

// ligerChunks are the products over chunks of tokens. Under autocast the
// transposed weight is cast again for every chunk, and cached once for the
// product with the gradient.
func (b *Builder) ligerChunks(h HeadLoss, wt T, tokens int64) {
	chunk := ligerChunk(tokens, h.Width, h.Vocab)
	dt := h.Hidden.dt
	mark := b.Scope()
	if b.autocast != Invalid {
		dt = b.autocast
		if wt.dt != dt {
			if wt.v != Never {
				cached := b.castWeight(T{st: Never, v: Never, n: wt.n, dt: wt.dt}, true)
				b.sts[cached.st].Kind = ForwardEnd
			}
			b.pass("to", dt, (tokens/chunk)*2*wt.n*dt.Size())
			b.result(wt.n, dt, "V·h")
		}
		if h.Hidden.dt != dt {
			b.pass("to", dt, 2*tokens*h.Width*dt.Size())
			b.result(chunk*h.Width, dt, "chunk·h")
		}
	}
	if h.Upcast {
		b.upcastChunks(dt, tokens, chunk, h)
	} else {
		b.matmul("mm", dt, tokens, h.Vocab, h.Width, 1)
		b.result(chunk*h.Vocab, dt, "chunk·V")
		b.pass("liger_cross_entropy", dt, 3*tokens*h.Vocab*dt.Size())
	}
	b.matmul("mm", dt, tokens, h.Width, h.Vocab, 1)
	if wt.v != Never {
		b.matmul("addmm", dt, h.Vocab, h.Width, tokens, 1)
	}
	b.Return(mark)
}

// upcastChunks are the chunks of logits as they were before their gradient took
// their place in their own type: a float32 copy, a copy back and one that is
// scaled. A loop's variables keep the last two until the next chunk has its own
// (fms_acceleration_foak/kernels/liger/fused_linear_cross_entropy_loss.py).
func (b *Builder) upcastChunks(dt DType, tokens, chunk int64, h HeadLoss) {
	n := chunk * h.Vocab
	var last T
	if tokens > chunk {
		b.pass("mul", dt, 0)
		last = b.result(n, dt, "chunk·V")
	}
	b.matmul("mm", dt, tokens, h.Vocab, h.Width, 1)
	logits := b.result(n, dt, "chunk·V")
	all := tokens * h.Vocab
	b.pass("to", Float32, all*(4+dt.Size()))
	upcast := b.result(n, Float32, "chunk·V")
	b.Drop(logits)
	b.pass("liger_cross_entropy", Float32, 3*all*4)
	b.pass("to", dt, all*(4+dt.Size()))
	b.result(n, dt, "chunk·V")
	b.Drop(upcast)
	b.pass("mul", dt, 2*all*dt.Size())
	b.result(n, dt, "chunk·V")
	if tokens > chunk {
		b.Drop(last)
	}
}

// ligerChunk is the number of tokens whose logits exist at a time: memory of
// a chunk of logits near that of the hidden states.
func ligerChunk(tokens, width, vocab int64) int64 {
	inc := (vocab + width - 1) / width
	want := (tokens + inc - 1) / inc
	chunk := int64(1)
	for chunk < want {
		chunk *= 2
	}
	return min(chunk, tokens)
}

// ligerGrad hands on what forward made.
func (b *Builder) ligerGrad(nd *node) {
	b.op("element_mul", Elementwise, nd.dt, 2, 0, 0)
	if v := nd.in[0]; v != Never {
		b.reuse(v, int32(nd.n[0]), nd.dt)
	}
	if v := nd.in[1]; v != Never {
		b.reuse(v, int32(nd.n[1]), nd.dt2)
	}
}

package modules

import (
	"fmt"

	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/estimator/program"
)

// Build writes the model part of a training step: embedding, decoder layers,
// head and loss. The optimizer's block is the caller's.
func Build(b *program.Builder, cfg Config) error {
	if cfg.Model.Kind != "decoder" {
		return &UnsupportedError{Model: cfg.Model.ID, Field: "kind", Value: cfg.Model.Kind}
	}
	t, ok := traitsOf(&cfg.Model)
	if !ok {
		return &UnsupportedError{Model: cfg.Model.ID, Field: "model_type", Value: cfg.Model.ModelType}
	}
	c := &Context{Builder: b, Config: cfg, traits: t, patches: patched[cfg.Kernels][cfg.Model.ModelType], tokens: cfg.Batch * cfg.Seq, layer: -1, Count: 1}
	if cfg.Litgpt {
		c.litgpt()
	}
	b.Autocast(cfg.Autocast)
	c.nestedTable()
	x := c.prologue()
	x = c.layers(x)
	if cfg.Litgpt {
		c.litgptHead(x)
	} else {
		c.epilogue(x)
	}
	return nil
}

// UnsupportedError says that the engine does not build such a model yet.
type UnsupportedError struct{ Model, Field, Value string }

// Error names the field and what is supported.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("model %s: %s %q is not supported yet; dense decoders are", e.Model, e.Field, e.Value)
}

// prologue is what happens before the first layer: inputs, embeddings,
// positions, masks.
func (c *Context) prologue() program.T {
	m := &c.Model
	c.Begin("embed", 1)
	c.At("inputs")
	c.In(program.Inputs)
	ids := c.Input("input_ids", c.tokens, program.Int64, "b·s")
	labels := c.Input("labels", c.tokens, program.Int64, "b·s")
	c.Hold(ids, program.StepInput)
	c.Hold(labels, program.StepInput)
	c.In(program.Activations)
	width := m.EmbedDim
	if width == 0 {
		width = m.Hidden
	}
	c.At(c.traits.embed)
	x := c.embedding(ids, c.traits.embed, m.Vocab*width, width, "b·s·h")
	if c.traits.scaledEmbedding {
		x = c.replace(x, c.Scale(x, "b·s·h"))
	}
	if c.InputsRequireGrad && !x.RequiresGrad() {
		x = c.RequireGrad(x)
	}
	if width != m.Hidden {
		x = c.replace(x, c.Linear("project_in", x, width, m.Hidden, false, "b·s·h"))
	}
	if m.Position == model.Learned {
		x = c.learnedPositions(x)
	}
	if c.traits.embedScale {
		x = c.replace(x, c.Scale(x, "b·s·h"))
	}
	if m.EmbedNorm {
		x = c.replace(x, c.norm("embed_norm", x, m.Hidden, "b·s·h"))
	}
	if p := m.EmbedDropout; p > 0 {
		x = c.replace(x, c.Dropout(x, p, "b·s·h"))
	}
	c.positions(x.DType())
	if c.traits.maskBuffer {
		c.AddParam(program.Param{Module: "bias", N: m.PositionRows * m.PositionRows, DType: program.Bool, Count: 1, Cat: program.Weights, Buffer: true})
	}
	c.Leave(x)
	c.Backward()
	return x
}

// replace drops a tensor whose variable was reassigned.
func (c *Context) replace(old, t program.T) program.T {
	c.Drop(old)
	return t
}

func (c *Context) embedding(ids program.T, module string, n, width int64, shape string) program.T {
	if dt, ok := c.Tuner.Copied(module); ok {
		c.AddParam(program.Param{Module: module, N: n, DType: c.Weights, Count: 1, Cat: program.Weights})
		w := c.AddParam(program.Param{Module: module + ".modules_to_save", N: n, DType: dt, Count: 1, Trainable: true, Cat: program.Adapters})
		return c.Embedding(ids, w, c.tokens, width, shape)
	}
	w := c.Param(module, n)
	c.Params[w].Embedding = true
	if c.Model.TiedEmbeddings && c.Params[w].Trainable {
		c.Tie(w, c.headGradOwned()) // the head's gradient comes first
	}
	return c.Embedding(ids, w, c.tokens, width, shape)
}

// headGradOwned says whether the gradient of a tied head's weight owns its
// memory: a loss that makes it by itself, or the cast back from autocast's
// type, gives a new tensor. A linear layer gives the transposed view of one.
func (c *Context) headGradOwned() bool {
	return c.Loss != StandardLoss || c.Config.Autocast != program.Invalid && c.Config.Autocast != c.Weights
}

func (c *Context) learnedPositions(x program.T) program.T {
	m := &c.Model
	c.At("positions")
	c.In(program.Inputs)
	ids := c.Input("position_ids", c.Seq, program.Int64, "s")
	c.In(program.Activations)
	w := c.Param("positions", m.PositionRows*m.Hidden)
	c.Params[w].Embedding = true
	p := c.Embedding(ids, w, c.Seq, m.Hidden, "s·h")
	y := c.AddBroadcast(x, p, "b·s·h")
	c.Drop(x, p, ids)
	return y
}

// positions makes what all layers share: rotary tables, masks.
func (c *Context) positions(dt program.DType) {
	if c.Litgpt {
		c.litgptTables()
		return
	}
	m := &c.Model
	c.At("rotary_emb")
	if m.Position == model.RoPE {
		table := dt
		if c.traits.ropeFloat {
			table = program.Float32
		}
		c.cos = c.Input("cos", c.Seq*m.RotaryDim, table, "s·d")
		c.sin = c.Input("sin", c.Seq*m.RotaryDim, table, "s·d")
		c.Hold(c.cos, program.Shared)
		c.Hold(c.sin, program.Shared)
	}
	c.masks(dt)
}

// masks makes the attention masks that the implementation asks for.
func (c *Context) masks(dt program.DType) {
	m := &c.Model
	if m.Position == model.ALiBi && c.Attention == Eager {
		c.slopes(dt)
	}
	c.At("mask")
	switch {
	case m.Position == model.ALiBi && (c.Attention == SDPA || c.traits.denseALiBi): // the slopes make it a float mask per head
		c.mask = c.Input("alibi_mask", c.Batch*m.Heads*c.Seq*c.Seq, dt, "b·n·s·s")
		c.allMasked = true
		if c.Attention == SDPA && !program.PadsMask(c.Seq) && (c.Config.Autocast == program.Invalid || c.Config.Autocast == dt) {
			c.Hold(c.mask, program.Shared) // autograd keeps it, uncast
			return
		}
	case c.Attention == Eager && c.traits.fillMask:
		c.mask = c.Input("causal_mask", c.Batch*c.Seq*c.Seq, program.Bool, "b·s·s")
		c.Hold(c.mask, program.Shared) // autograd keeps it
		return
	case c.Attention == Eager:
		c.mask = c.Input("causal_mask", c.Batch*c.Seq*c.Seq, dt, "b·s·s")
		c.allMasked = true
		if m.SlidingLayers > 0 && m.SlidingLayers < m.Layers && !c.traits.ownWindow { // a mask for each kind of layer
			c.holdMask(c.Input("sliding_mask", c.Batch*c.Seq*c.Seq, dt, "b·s·s"))
		}
	case c.Attention == SDPA && (c.windows() || c.traits.alwaysMask):
		c.mask = c.Input("mask", c.Seq*c.Seq, program.Bool, "s·s")
		c.allMasked = c.traits.alwaysMask
	default:
		return
	}
	c.holdMask(c.mask)
}

// slopes makes ALiBi's biases by position: for every sequence, or in float32
// once for all (modeling_mpt.py build_mpt_alibi_tensor).
func (c *Context) slopes(dt program.DType) {
	c.At("alibi")
	n := c.Batch * c.Model.Heads * c.Seq
	if c.traits.fillMask {
		n, dt = c.Model.Heads*c.Model.MaxPosition, program.Float32
	}
	c.alibi = c.Input("alibi", n, dt, "b·n·s")
	c.Hold(c.alibi, program.Shared)
}

// holdMask: a mask is a variable of the model's forward, and an argument of
// checkpointed layers.
func (c *Context) holdMask(mask program.T) {
	if c.Checkpoint {
		c.Hold(mask, program.Shared)
		return
	}
	c.Hold(mask, program.ForwardEnd)
}

// layers writes the decoder layers: a block for each run of equal ones.
func (c *Context) layers(x program.T) program.T {
	c.frozen = c.frozenLayers()
	for first := int64(0); first < c.Model.Layers; {
		var n int64
		x, n = c.block(x, first, c.run(first, x.RequiresGrad()))
		first += n
	}
	return x
}

// layerKind is what can differ between the layers of a model.
type layerKind struct {
	trains, windowed, unrotated bool
	plainDown                   bool // its down projection is not quantized
}

// kind tells a layer's kind. Families mix kinds in a pattern (five windowed
// layers, one full); here equal ones stand together, among those that train and
// among those that don't, which changes neither what is kept nor what is
// computed.
func (c *Context) kind(i int64) layerKind {
	m := &c.Model
	return layerKind{
		trains:    c.Tuner.TrainsLayer(i),
		windowed:  c.windows() && !c.closes(i, m.Layers-m.SlidingLayers),
		unrotated: c.closes(i, m.NoPELayers),
		plainDown: i == m.Layers-1 && c.Quant.Storage != Unquantized && c.downLast(),
	}
}

// closes says whether a layer is one of so many that each close a group of the
// pattern, where these stand behind the others that train, or that don't.
func (c *Context) closes(i, closing int64) bool {
	among := func(first int64) int64 { // the first so many layers of the real order
		if closing == 0 {
			return 0
		}
		return min(first/max(c.Model.Layers/closing, 1), closing)
	}
	lo, hi := int64(0), c.frozen
	if i >= c.frozen {
		lo, hi = c.frozen, c.Model.Layers
	}
	return i >= hi-(among(hi)-among(lo))
}

// frozenLayers is the number of layers before the first that trains.
func (c *Context) frozenLayers() (n int64) {
	for n < c.Model.Layers && !c.Tuner.TrainsLayer(n) {
		n++
	}
	return n
}

// downLast says whether the last layer's down projection is the model's last
// parameter, because the final norm has none and the head is tied: that
// module is not quantized (transformers quantizers/base.py
// get_keys_to_not_convert).
func (c *Context) downLast() bool {
	return c.Model.TiedEmbeddings && c.traits.norm == layerNormFloat && !c.Model.MLPBias
}

// windows says whether a sliding window hides any token: transformers makes
// its mask from that length on (masking_utils.py allow_is_causal_skip).
func (c *Context) windows() bool {
	m := &c.Model
	return !c.traits.ownWindow && m.SlidingWindow > 0 && m.SlidingLayers > 0 && c.Seq >= m.SlidingWindow
}

// run is the number of layers from first on that make the same program.
func (c *Context) run(first int64, inputGrad bool) int64 {
	k := c.kind(first)
	if k.trains && !inputGrad {
		return 1 // its input needs no gradient, the next one's does
	}
	if first == 0 && c.keepsProbs() {
		return 1 // nothing is carried into it
	}
	n := int64(1)
	for first+n < c.Model.Layers && c.kind(first+n) == k {
		n++
	}
	return n
}

// block writes at most n equal layers and says how many it stands for: one that
// gives another type than it takes stands alone, since the next takes that.
func (c *Context) block(x program.T, first, n int64) (program.T, int64) {
	c.Begin("layers", n)
	c.Layer(first)
	c.layer, c.Count, c.now = first, n, c.kind(first)
	in := c.Enter(x, x.RequiresGrad())
	carried, some := c.Carried()
	y := c.decoderLayer(in)
	if y.DType() != in.DType() {
		n, c.Count = 1, 1
		c.Once()
	}
	if c.Attention == Eager {
		c.Drop(c.probs)
	}
	switch {
	case c.holdsEmbeds:
		c.PassOn()
	case some:
		c.Drop(carried)
	}
	embeds := first == 0 && n == 1 && !c.Checkpoint && !c.Litgpt
	if !embeds {
		c.Drop(in)
	}
	c.Leave(y)
	if c.Checkpoint && y.RequiresGrad() {
		c.Checkpointed(c.Reentrant)
	}
	c.Backward()
	c.carry(in, embeds)
	c.layer, c.Count = -1, 1
	return y, n
}

// carry keeps what variables of the model's forward hold when a layer returns:
// the layer's outputs until the next one returns, and inputs_embeds to the end.
func (c *Context) carry(in program.T, embeds bool) {
	probs := c.keepsProbs() && c.Carry(c.probs)
	switch {
	case embeds && probs:
		c.Hold(in, program.ForwardEnd)
	case embeds:
		c.holdsEmbeds = c.Carry(in)
	}
}

// keepsProbs says whether a layer's probabilities live until the next layer
// has run.
func (c *Context) keepsProbs() bool { return c.traits.keepsProbs && c.Attention == Eager }

// decoderLayer is one forward of a decoder layer.
func (c *Context) decoderLayer(x program.T) program.T {
	c.In(program.Activations)
	if c.traits.layer != nil {
		return c.traits.layer(c, x)
	}
	switch c.traits.layout {
	case parallelShared:
		return c.parallelLayer(x, false)
	case parallelTwo:
		return c.parallelLayer(x, true)
	case postResidual:
		return c.postResidualLayer(x)
	}
	mark := c.Scope()
	h := c.part(x, "input_layernorm", "post_attention_layernorm", c.attention)
	y := c.part(h, "pre_feedforward_layernorm", "post_feedforward_layernorm", c.mlp)
	c.Return(mark, y)
	return y
}

// part is one residual part of a layer: x + f(norm(x)) with the norm before,
// after or on both sides.
func (c *Context) part(x program.T, before, after string, f func(program.T) program.T) program.T {
	h := x
	if c.traits.layout != postNormed {
		h = c.norm(before, x, c.Model.Hidden, "b·s·h")
	}
	a := f(h)
	if h != x {
		c.Drop(h)
	}
	if c.traits.layout == postNormed || c.traits.layout == sandwich {
		a = c.replace(a, c.norm(after, a, c.Model.Hidden, "b·s·h"))
	}
	a = c.residualDropout(a)
	if c.traits.resScale {
		s := c.Scale(a, "b·s·h")
		y := c.Add(x, s, "b·s·h")
		c.Drop(a, s)
		return y
	}
	y := c.Add(x, a, "b·s·h")
	if !c.traits.keepsAttention {
		c.Drop(a)
	}
	return y
}

func (c *Context) residualDropout(a program.T) program.T {
	p := c.Model.ResidualDropout
	if p == 0 {
		return a
	}
	return c.replace(a, c.Dropout(a, p, "b·s·h"))
}

// postResidualLayer norms each sum (OPT-350m).
func (c *Context) postResidualLayer(x program.T) program.T {
	mark := c.Scope()
	for i, f := range []func(program.T) program.T{c.attention, c.mlp} {
		a := f(x)
		s := c.Add(x, a, "b·s·h")
		c.Drop(a)
		x = c.norm([]string{"self_attn_layer_norm", "final_layer_norm"}[i], s, c.Model.Hidden, "b·s·h")
		c.Drop(s)
	}
	c.Return(mark, x)
	return x
}

// parallelLayer adds attention and MLP to the residual at once.
func (c *Context) parallelLayer(x program.T, two bool) program.T {
	mark := c.Scope()
	h := c.norm("input_layernorm", x, c.Model.Hidden, "b·s·h")
	a := c.residualDropout(c.attention(h))
	if two {
		c.Drop(h)
		h = c.norm("post_attention_layernorm", x, c.Model.Hidden, "b·s·h")
	}
	f := c.residualDropout(c.mlp(h))
	s := c.Add(a, f, "b·s·h")
	y := c.Add(s, x, "b·s·h")
	c.Drop(s)
	c.Return(mark, y)
	return y
}

// norm runs one norm of the family over rows of width elements.
func (c *Context) norm(module string, x program.T, width int64, shape string) program.T {
	c.At(module)
	return c.normOf(module, c.traits.norm, x, width, shape)
}

func (c *Context) normOf(module string, style normStyle, x program.T, width int64, shape string) program.T {
	rows := x.Elements() / width
	if c.fusesNorm(module, style) {
		return c.fusedNorm(x, c.normParam(module, width), rows, width, c.patches.normInPlace, shape)
	}
	switch style {
	case rmsAfterCast:
		return c.RMSNorm(x, c.normParam(module, width), rows, width, program.RMSWeightAfterCast, shape)
	case rmsBeforeCast:
		return c.RMSNorm(x, c.normParam(module, width), rows, width, program.RMSWeightBeforeCast, shape)
	case rmsPlusOne:
		return c.RMSNorm(x, c.normParam(module, width), rows, width, program.RMSPlusOne, shape)
	case layerNormEager:
		return c.EagerLayerNorm(x, c.normParam(module, width), rows, width, shape)
	case layerNormFloat:
		f := c.Cast(x, program.Float32, shape)
		y := c.LayerNorm(f, -1, -1, rows, width, shape)
		return c.Cast(y, x.DType(), shape)
	}
	w, bias := c.normParam(module, width), -1
	if c.Model.NormBias {
		bias = c.normParam(module+".bias", width)
	}
	if style == layerNormPlusOne {
		return c.LayerNormPlusOne(x, w, bias, rows, width, shape)
	}
	return c.LayerNorm(x, w, bias, rows, width, shape)
}

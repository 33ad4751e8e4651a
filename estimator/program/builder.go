// Package program writes one training step down as a list of operations on
// symbolic tensors: which storage each operation makes, which ones autograd
// keeps for backward, when each is freed. It knows PyTorch's rules and no
// model; package modules writes models with it.
//
// A program is a sequence of blocks (embedding, a decoder layer with its
// repeat count, head and loss). A block is built once: its forward operations
// are recorded by the primitives, then [Builder.Backward] derives the
// backward operations from what requires a gradient.
package program

// Class groups operations by what limits their speed.
type Class uint8

// Classes of operations.
const (
	Elementwise Class = iota // one pass over memory
	Matmul
	Attention
	Dequantize
	Free // only moves references; no kernel
)

// Op is one operation: the kernels it launches, what it computes and moves.
type Op struct {
	Name     string // the ATen operation
	Module   string // where the model calls it
	Class    Class
	DType    DType // type it computes in
	Backward bool
	Masked   bool // attention with a mask
	EightBit bool // dequantization of 8-bit weights
	Kernels  int32

	M, N, K int64 // matmul: M×K times K×N, Batch times; dequantization: N elements
	Batch   int64
	FLOPs   float64 // executed; a multiply-add counts two
	Counted float64 // the same with the whole attention matrix, causal or not
	Bytes   float64 // read and written

	StLo, StHi int32 // storages that the operation allocates
}

// Lifetimes that do not begin or end inside the block.
const (
	Never   int32 = -1
	Outside int32 = -2
)

// Storage is one allocation, shared by all views of it.
type Storage struct {
	Bytes int64 // rounded as the allocator does
	Born  int32 // op that allocates it; Outside for what comes in from another block
	Drop  int32 // op after which the last reference is gone; Never if it leaves the block
	Saved int32 // op of backward after which autograd has let go of it; Never if not kept
	refs  int32 // while backward is derived: holders of a gradient
	view  bool  // while backward is derived: the gradient is a view, whose base holds it too
	// reused: while backward is derived, a gradient was written where the kept
	// tensor lies, and ends when the gradient does.
	reused bool
	// Held: an attribute of a graph node keeps it until the graph dies, which
	// checkpointing does not know of.
	Held  bool
	Times int32 // stands for so many equal allocations of Bytes/Times; 0 is 1
	Cat   Category
	Kind  Kind
	Shape string // symbols, for people
}

// Kind says who ends the life of a storage.
type Kind uint8

// Kinds of storage.
const (
	Plain          Kind = iota // Python references and autograd
	ParamGrad                  // the .grad of a parameter: lives until zero_grad
	ForwardEnd                 // lives until the model's forward returns: autocast's weight copies, masks
	BoundaryIn                 // made by the previous block, freed by this one
	Shared                     // made once, kept by every layer: lives until the layers' backward is done
	StepInput                  // the batch: lives until the next one is fetched
	KernelInternal             // taken and returned inside one operation
	TiedGrad                   // the gradient of a weight's first use: waits for the second's
	TiedSum                    // the sum of both: becomes the .grad of the parameter
	State                      // optimizer state: made in the first step, stays
	Carried                    // a variable of the model's forward keeps it until a later block drops it
	LoopVariable               // a variable of the training loop keeps it until the next micro-batch's takes its place
)

// T is a tensor: a view of a storage with its place in the autograd graph.
type T struct {
	st int32 // storage
	v  int32 // differentiable value, Never if it requires no gradient
	n  int64 // elements
	dt DType
}

// RequiresGrad says whether autograd follows the tensor.
func (t T) RequiresGrad() bool { return t.v != Never }

// DType is the element type.
func (t T) DType() DType { return t.dt }

// Elements is the number of elements.
func (t T) Elements() int64 { return t.n }

// Param is a parameter of the model as it lies in memory.
type Param struct {
	Module    string
	N         int64 // elements
	DType     DType
	Trainable bool
	Count     int64 // times it occurs (layers)
	Cat       Category
	// Quant, when set, replaces N×DType by the bytes of a quantized storage.
	Quant []QuantTensor
	// Shared says that the elements were counted elsewhere (a tied head).
	Shared    bool
	Embedding bool // an nn.Embedding
	// Buffer is not a parameter (rotary frequencies): memory only.
	Buffer bool
	// NoGrad: it is said to train and gets no gradient, hence no optimizer state.
	NoGrad bool
	// Original is the frozen original beneath a trainable copy
	// (modules_to_save): memory, and not one of the model's distinct parameters twice.
	Copy bool

	v         int32 // value in the current block
	hasGrad   bool
	tied      bool // a gradient of another use waits for this one
	tiedOwned bool // and owns its memory: it is no view
}

// QuantTensor is one tensor of a quantized weight.
type QuantTensor struct {
	Bytes int64
	Cat   Category
}

// EachTensor calls f with the rounded size of every tensor of one occurrence.
func (p *Param) EachTensor(f func(bytes int64, cat Category)) {
	if p.Shared {
		return
	}
	if p.Quant == nil {
		f(Round(p.N*p.DType.Size()), p.Cat)
		return
	}
	for _, q := range p.Quant {
		f(Round(q.Bytes), q.Cat)
	}
}

// Bytes is the memory of one occurrence, rounded as the allocator does.
func (p *Param) Bytes() int64 {
	var sum int64
	p.EachTensor(func(bytes int64, _ Category) { sum += bytes })
	return sum
}

// value is a differentiable tensor: where its gradient goes.
type value struct {
	n     int64
	dt    DType
	grad  int32 // pending gradient storage, Never if none came yet
	param int32 // index of the parameter, Never for activations
}

// Builder records a program. The zero value is ready; Reset keeps its memory.
type Builder struct {
	Params []Param

	ops      []Op
	sts      []Storage
	vals     []value
	nodes    []node
	saves    []int32
	given    []gift
	finished []int32 // accumulated gradients that their function still holds
	blocks   []Block
	loras    []loraNode

	module    string
	cat       Category
	autocast  DType // Invalid: off
	block     int   // index of the open block
	firstCast int32 // first cast of a result of the node under way, Never if there is none
	backward  bool  // operations belong to the backward pass
}

// Reset forgets the program and keeps the memory.
func (b *Builder) Reset() {
	*b = Builder{
		Params: b.Params[:0], ops: b.ops[:0], sts: b.sts[:0], vals: b.vals[:0],
		nodes: b.nodes[:0], saves: b.saves[:0], given: b.given[:0], finished: b.finished[:0], blocks: b.blocks[:0], loras: b.loras[:0],
	}
}

// Autocast sets the type that autocast computes in; Invalid turns it off.
func (b *Builder) Autocast(d DType) { b.autocast = d }

// At names the module that the next operations belong to.
func (b *Builder) At(module string) { b.module = module }

// In sets the category of the next allocations.
func (b *Builder) In(c Category) { b.cat = c }

// Block is a stretch of the program that runs Count times in a row: forward
// operations, then the backward operations derived from them.
type Block struct {
	Name  string
	Count int64
	First int64 // index of the first layer that it stands for, -1 outside the layers

	OpLo, FwdEnd, OpHi int32 // forward operations, then backward ones
	StLo, StHi         int32
	In, Out            int32 // storages of the tensor that enters and the one that leaves
	GradIn, GradOut    int32 // the same of the gradient
	CarryIn, CarryOut  int32 // storages that the loop over layers keeps from one block to the end of the next
	LastSave           int32 // last forward op that a recomputation has to run
	FirstUnpack        int32 // first backward op that needs a kept tensor: recomputation comes before it

	Assigns      bool // it leaves tensors in a variable of the training loop
	Checkpointed bool // forward keeps only In, backward runs forward again
	// Reentrant: backward first runs all of forward again, in an engine of its
	// own, and holds the result and the gradient that came in until it is done.
	Reentrant bool

	nodeLo, nodeHi int32
	paramLo        int
	in, out        T
	leaf           int32 // value of a leaf that is no parameter
}

// Begin opens a block that runs count times.
func (b *Builder) Begin(name string, count int64) {
	b.blocks = append(b.blocks, Block{
		Name: name, Count: count, First: -1,
		OpLo: int32(len(b.ops)), StLo: int32(len(b.sts)), nodeLo: int32(len(b.nodes)), paramLo: len(b.Params),
		In: Never, Out: Never, GradIn: Never, GradOut: Never, CarryIn: Never, CarryOut: Never, LastSave: Never, FirstUnpack: Never,
		in: T{st: Never, v: Never}, out: T{st: Never, v: Never}, leaf: Never,
	})
	b.block = len(b.blocks) - 1
}

// Once makes the open block and its parameters, said to repeat, occur once.
func (b *Builder) Once() {
	blk := &b.blocks[b.block]
	blk.Count = 1
	for i := blk.paramLo; i < len(b.Params); i++ {
		b.Params[i].Count = 1
	}
}

// Layer says which decoder layer the open block's first repeat is.
func (b *Builder) Layer(first int64) { b.blocks[b.block].First = first }

// Enter brings a tensor of the previous block in: this block owns it now.
func (b *Builder) Enter(like T, requiresGrad bool) T {
	blk := &b.blocks[b.block]
	b.sts = append(b.sts, Storage{
		Bytes: b.sts[like.st].Bytes, Born: Outside, Drop: Never, Saved: Never,
		Cat: b.sts[like.st].Cat, Kind: BoundaryIn, Shape: b.sts[like.st].Shape,
	})
	t := T{st: int32(len(b.sts)) - 1, v: Never, n: like.n, dt: like.dt}
	if requiresGrad {
		t.v = b.newValue(t.n, t.dt, Never)
	}
	blk.in, blk.In = t, t.st
	return t
}

// Leave hands the block's result to the next one.
func (b *Builder) Leave(t T) {
	b.sts[t.st].Drop = Never
	b.sts[t.st].Held = false // the next block's graph holds it
	blk := &b.blocks[b.block]
	blk.out, blk.Out = t, t.st
	blk.FwdEnd = int32(len(b.ops))
	blk.nodeHi = int32(len(b.nodes))
}

func (b *Builder) newValue(n int64, dt DType, param int32) int32 {
	b.vals = append(b.vals, value{n: n, dt: dt, grad: Never, param: param})
	return int32(len(b.vals)) - 1
}

// op appends an operation; its storages follow by alloc.
func (b *Builder) op(name string, class Class, dt DType, kernels int32, flops, bytes float64) *Op {
	n := int32(len(b.sts))
	b.ops = append(b.ops, Op{
		Name: name, Module: b.module, Class: class, DType: dt, Kernels: kernels,
		FLOPs: flops, Counted: flops, Bytes: bytes, StLo: n, StHi: n, Backward: b.backward,
	})
	return &b.ops[len(b.ops)-1]
}

// pass is an elementwise kernel that reads and writes so many bytes.
func (b *Builder) pass(name string, dt DType, bytes int64) {
	b.op(name, Elementwise, dt, 1, 0, float64(bytes))
}

// alloc gives the current operation a new storage.
func (b *Builder) alloc(n int64, dt DType, shape string) int32 {
	cur := int32(len(b.ops)) - 1
	b.sts = append(b.sts, Storage{
		Bytes: Round(n * dt.Size()), Born: cur, Drop: Never, Saved: Never, Cat: b.cat, Shape: shape,
	})
	b.ops[cur].StHi++
	return int32(len(b.sts)) - 1
}

// result is a new tensor of the current operation.
func (b *Builder) result(n int64, dt DType, shape string) T {
	return T{st: b.alloc(n, dt, shape), v: Never, n: n, dt: dt}
}

// Drop ends the last Python reference to tensors: they are freed after the
// current operation unless autograd keeps them; where the block has none yet,
// after its first.
func (b *Builder) Drop(ts ...T) {
	cur := max(int32(len(b.ops))-1, b.blocks[b.block].OpLo)
	for _, t := range ts {
		b.sts[t.st].Drop = cur
	}
}

// Scope marks a point: [Builder.Return] drops what was made since.
func (b *Builder) Scope() int32 { return int32(len(b.sts)) }

// Return drops every tensor made since the scope that is still referenced,
// as a Python function drops its locals, but for the results.
func (b *Builder) Return(scope int32, keep ...T) {
	cur := int32(len(b.ops)) - 1
next:
	for i := scope; i < int32(len(b.sts)); i++ {
		s := &b.sts[i]
		if s.Drop != Never || s.Kind != Plain {
			continue
		}
		for _, k := range keep {
			if k.st == i {
				continue next
			}
		}
		s.Drop = cur
	}
}

// saveWeight records that a node keeps a parameter: no memory, but a
// checkpoint counts it among the tensors to restore.
func (b *Builder) saveWeight() { b.save(T{st: Never}) }

// save records that a node keeps a tensor for backward.
func (b *Builder) save(t T) {
	b.saves = append(b.saves, t.st)
	b.nodes[len(b.nodes)-1].savedHi++
	last := int32(len(b.ops)) - 1
	if t.st < 0 || b.sts[t.st].Born != last {
		last-- // inputs are packed before the operation runs: recomputation stops there
	}
	blk := &b.blocks[b.block]
	blk.LastSave = max(blk.LastSave, last)
}

// savedLate says that the function of the last node keeps its inputs when it
// returns, as one written in Python does, and not before it runs.
func (b *Builder) savedLate() {
	blk := &b.blocks[b.block]
	blk.LastSave = max(blk.LastSave, int32(len(b.ops))-1)
}

// Hold gives a tensor that outlives its function its kind.
func (b *Builder) Hold(t T, k Kind) { b.sts[t.st].Kind = k }

// Program is a finished program. Its slices belong to the builder.
type Program struct {
	Ops      []Op
	Storages []Storage
	Blocks   []Block
	Params   []Param
}

// Program is what was recorded so far.
func (b *Builder) Program() Program {
	return Program{Ops: b.ops, Storages: b.sts, Blocks: b.blocks, Params: b.Params}
}

// Count is the number of distinct parameters and of those that train. A
// trainable copy of a module (modules_to_save) counts as PEFT counts it: in
// addition to the frozen original.
func (p Program) Count() (total, trainable int64) {
	for i := range p.Params {
		q := &p.Params[i]
		if q.Shared || q.Buffer {
			continue
		}
		total += q.N * q.Count
		if q.Trainable {
			trainable += q.N * q.Count
		}
	}
	return total, trainable
}

// Package optimizers writes the optimizer's part of a step: gradient
// clipping, the states that the first step allocates, and the temporaries of
// each implementation.
package optimizers

import (
	"slices"
	"strings"

	"github.com/vramcalc/vramcalc/estimator/program"
)

// Optimizer is one implementation.
type Optimizer struct {
	ID      string
	Summary string
	// state are the state tensors of a parameter.
	state func(*program.Param) tensors
	// temp: the update makes a temporary of each parameter's size, for all
	// parameters of a type at once.
	temp bool
	// passes is the number of param-sized reads and writes of an update.
	passes int64
	Paged  bool // states live in CUDA managed memory, outside PyTorch's allocator
}

var all = []Optimizer{
	// torch/optim/adam.py _multi_tensor_adam: exp_avg and exp_avg_sq follow the
	// parameter's type; exp_avg_sq.sqrt() is a new list of tensors.
	{ID: "adamw", Summary: "torch AdamW, foreach", state: same(2), temp: true, passes: 16},
	// torch/optim/adam.py _fused_adam: no temporary; the step counter is a
	// float32 scalar on the GPU.
	{ID: "adamw-fused", Summary: "torch AdamW, fused", state: fusedAdam, passes: 7},
	{ID: "adamw-8bit", Summary: "bitsandbytes AdamW with 8-bit states", state: blockwise(2), passes: 5},
	{ID: "paged-adamw-8bit", Summary: "the same in managed memory", state: paged(blockwise(2)), passes: 5, Paged: true},
	{ID: "paged-adamw-32bit", Summary: "bitsandbytes AdamW with 32-bit states in managed memory", state: paged(wide(2)), passes: 7, Paged: true},
	{ID: "sgd", Summary: "torch SGD, foreach", state: same(0), passes: 3},
	{ID: "sgd-momentum", Summary: "torch SGD with momentum, foreach", state: same(1), passes: 6},
	{ID: "lion", Summary: "bitsandbytes Lion with 32-bit states", state: wide(1), passes: 5},
}

// Get finds an optimizer by name.
func Get(id string) (Optimizer, bool) {
	i := slices.IndexFunc(all, func(o Optimizer) bool { return o.ID == strings.ToLower(id) })
	if i < 0 {
		return Optimizer{}, false
	}
	return all[i], true
}

// IDs are the names of all optimizers.
func IDs() []string {
	ids := make([]string, len(all))
	for i, o := range all {
		ids[i] = o.ID
	}
	return ids
}

// tensors is a list of state tensors of one parameter: sizes in bytes, not
// rounded, used up to n.
type tensors struct {
	bytes [5]int64
	n     int
}

func (t *tensors) add(n, bytes int64) {
	for range n {
		t.bytes[t.n] = bytes
		t.n++
	}
}

// same are n states of the parameter's own type and size.
func same(n int64) func(*program.Param) tensors {
	return func(p *program.Param) (t tensors) {
		t.add(n, p.N*p.DType.Size())
		return t
	}
}

// fusedAdam adds the step counter on the GPU.
func fusedAdam(p *program.Param) tensors {
	t := same(2)(p)
	t.add(1, 4)
	return t
}

// wide are n float32 states.
func wide(n int64) func(*program.Param) tensors {
	return func(p *program.Param) (t tensors) {
		t.add(n, 4*p.N)
		return t
	}
}

// blockwise are n 8-bit states with a float32 scale per 256 elements; a
// parameter below 4,096 elements and the embeddings keep float32 states
// (bitsandbytes/optim/optimizer.py init_state, min_8bit_size; transformers
// Trainer registers a 32-bit override for nn.Embedding).
func blockwise(n int64) func(*program.Param) tensors {
	return func(p *program.Param) (t tensors) {
		if p.N < 4096 || p.Embedding {
			t.add(n, 4*p.N)
			return t
		}
		t.add(n, p.N)
		t.add(n, 4*((p.N+255)/256))
		return t
	}
}

// paged keeps the scales and the small parameters' states in PyTorch's memory:
// states of 100,000 elements and more live in CUDA managed memory
// (bitsandbytes/optim/optimizer.py get_state_buffer).
func paged(state func(*program.Param) tensors) func(*program.Param) tensors {
	return func(p *program.Param) (t tensors) {
		all := state(p)
		for _, bytes := range all.bytes[:all.n] {
			if managed := p.N >= 1e5 && bytes >= p.N; !managed {
				t.add(1, bytes)
			}
		}
		return t
	}
}

// Build writes the optimizer's block over the parameters of b that train.
func Build(b *program.Builder, o Optimizer, clip bool) {
	b.Begin("optimizer", 1)
	b.At(o.ID)
	count, bytes := trainable(b.Params)
	b.In(program.Workspace)
	if clip && count > 0 {
		b.ClipGradNorm(count, bytes)
	}
	o.states(b)
	o.update(b)
	b.End()
}

func trains(p *program.Param) bool { return p.Trainable && !p.Shared && !p.NoGrad }

// trainable counts the tensors that train and their bytes.
func trainable(params []program.Param) (tensors, bytes int64) {
	for i := range params {
		if p := &params[i]; trains(p) {
			tensors += p.Count
			bytes += p.Count * program.Round(p.N*p.DType.Size())
		}
	}
	return tensors, bytes
}

// states allocates the states of every parameter.
func (o Optimizer) states(b *program.Builder) {
	b.In(program.OptimizerStates)
	b.InitState()
	for i := range b.Params {
		p := &b.Params[i]
		if !trains(p) {
			continue
		}
		t := o.state(p)
		for _, bytes := range t.bytes[:t.n] {
			b.OptimizerState(program.Round(bytes), p.Count)
		}
	}
}

// update changes the parameters, one group per type as torch's
// multi-tensor implementation groups them.
func (o Optimizer) update(b *program.Builder) {
	b.In(program.Workspace)
	for _, dt := range []program.DType{program.Float32, program.BFloat16, program.Float16} {
		var bytes, count int64
		for i := range b.Params {
			if p := &b.Params[i]; trains(p) && p.DType == dt {
				bytes += p.Count * p.N * dt.Size()
				count += p.Count
			}
		}
		if count == 0 {
			continue
		}
		b.Update("optimizer_step", dt, o.passes*bytes, count)
		if !o.temp {
			continue
		}
		for i := range b.Params {
			if p := &b.Params[i]; trains(p) && p.DType == dt {
				b.UpdateTemp(program.Round(p.N*dt.Size()), p.Count)
			}
		}
	}
}

// StateBytes is the memory of the optimizer's states.
func (o Optimizer) StateBytes(params []program.Param) int64 {
	var sum int64
	for i := range params {
		if p := &params[i]; trains(p) {
			t := o.state(p)
			for _, bytes := range t.bytes[:t.n] {
				sum += program.Round(bytes) * p.Count
			}
		}
	}
	return sum
}

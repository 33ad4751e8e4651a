package estimator

import (
	"fmt"
	"sync"

	"github.com/vramcalc/vramcalc/estimator/memory"
	"github.com/vramcalc/vramcalc/estimator/modules"
	"github.com/vramcalc/vramcalc/estimator/optimizers"
	"github.com/vramcalc/vramcalc/estimator/program"
	"github.com/vramcalc/vramcalc/estimator/throughput"
	"github.com/vramcalc/vramcalc/hardware"
)

// engine is the working memory of one estimate, kept between estimates.
type engine struct {
	builder   program.Builder
	replayer  memory.Replayer
	allocator memory.Allocator
}

var engines = sync.Pool{New: func() any { return new(engine) }}

// defaultWorkspace is PyTorch's cuBLAS workspace on every card but Hopper
// (aten/src/ATen/cuda/CublasHandlePool.cpp), for requests without a GPU.
const defaultWorkspace = 4096*1024*2 + 16*1024*8

// build writes the program of a resolved request.
func (e *engine) build(r *resolved) (program.Program, memory.Plan, error) {
	e.builder.Reset()
	if err := modules.Build(&e.builder, r.config); err != nil {
		return program.Program{}, memory.Plan{}, err
	}
	optimizers.Build(&e.builder, r.optimizer, r.trainer.clip)
	p := e.builder.Program()
	return p, memory.Plan{
		Steps: 2, GradAccum: r.info.GradAccum, Optimizer: len(p.Blocks) - 1, KernelTemporaries: true,
		Workspaces: []int64{defaultWorkspace, defaultWorkspace},
	}, nil
}

// Estimate answers one request: the memory of the step, its speed and whether
// it fits. It is safe for concurrent use. The error says which setting is
// impossible, contradictory or not known.
func Estimate(req Request) (Report, error) {
	r, err := resolve(req)
	if err != nil {
		return Report{}, err
	}
	e := engines.Get().(*engine)
	defer engines.Put(e)
	p, plan, err := e.build(r)
	if err != nil {
		return Report{}, err
	}
	rep := Report{Training: r.info, Assumptions: r.assumptions, Findings: []Finding{}}
	rep.describe(r, p)
	cal, calErr := r.calibrate()
	if cal != nil {
		plan.Workspaces[0], plan.Workspaces[1] = cal.CublasWorkspaceBytes(), cal.CublasWorkspaceBytes()
	}
	rep.Memory = e.memory(p, plan, cal)
	rep.Memory.Band = memoryBand(rep.Memory.DeviceBytes, BandClass(&rep))
	rep.speed(r, p, plan, cal)
	rep.decide()
	rep.find(r, calErr)
	return rep, nil
}

// describe fills in what is known before anything is replayed.
func (rep *Report) describe(r *resolved, p program.Program) {
	_, trainable := p.Count()
	rep.Model = ModelInfo{ID: r.req.Model.ID, Name: r.req.Model.Name, Parameters: baseParameters(p)}
	rep.Method = MethodInfo{ID: r.method.ID, TrainableParameters: trainable}
	if r.method.Adapter {
		rep.Method.AdapterFileBytes = adapterBytes(p)
	}
	d := &r.req.Device
	rep.Device = DeviceInfo{ID: d.GPU.ID, Name: d.GPU.Name, Count: max(d.Count, 1), UsedBytes: d.UsedBytes}
	if d.GPU.ID != "" {
		rep.Device.CapacityBytes, rep.Device.CapacitySource = d.GPU.Capacity()
	}
	if d.CapacityBytes > 0 {
		rep.Device.CapacityBytes, rep.Device.CapacitySource = d.CapacityBytes, d.CapacitySource
	}
}

// baseParameters is the number of distinct parameters of the model itself.
func baseParameters(p program.Program) (sum int64) {
	for i := range p.Params {
		if q := &p.Params[i]; !q.Shared && !q.Buffer && q.Cat == program.Weights {
			sum += q.N * q.Count
		}
	}
	return sum
}

// adapterBytes is the size of what the method saves: its trainable tensors in
// their own type.
func adapterBytes(p program.Program) (sum int64) {
	for i := range p.Params {
		if q := &p.Params[i]; q.Cat == program.Adapters {
			sum += q.N * q.DType.Size() * q.Count
		}
	}
	return sum
}

// calibrate finds the achieved rates of the card: nil without a card, or when
// something that the rates need is not known.
func (r *resolved) calibrate() (*hardware.Calibration, error) {
	if r.req.Device.GPU.ID == "" {
		return nil, nil
	}
	cal, err := hardware.Calibrate(r.req.Device.GPU)
	if err != nil {
		return nil, err
	}
	return &cal, nil
}

// memory reads the program as bytes.
func (e *engine) memory(p program.Program, plan memory.Plan, cal *hardware.Calibration) Memory {
	rd := e.replayer.Read(p, plan)
	cats := e.replayer.Explain(p, plan, rd.At)
	e.allocator.Reset()
	e.replayer.Reserve(p, plan, &e.allocator)

	m := Memory{AllocatedBytes: rd.Peak, ReservedBytes: e.allocator.PeakReserved, PeakAt: place(p, rd.At)}
	for c, bytes := range cats {
		if bytes != 0 {
			m.Breakdown = append(m.Breakdown, Category{program.Category(c).String(), bytes})
		}
	}
	m.ContextBytes, m.ContextSource = hardware.DefaultContext()
	if cal != nil {
		m.ContextBytes, m.ContextSource = cal.Context()
	}
	m.DeviceBytes = m.ReservedBytes + m.ContextBytes
	for _, mark := range rd.Phases() {
		m.Phases = append(m.Phases, Phase{mark.Phase.String(), mark.Peak, place(p, mark.At), mark.End})
	}
	return m
}

// place words a moment of the replay: phase, layer and operation.
func place(p program.Program, at memory.Point) string {
	s := at.Phase.String()
	if at.Recompute {
		s += " (recomputation)"
	}
	if at.Op == program.Never || at.Block < 0 {
		return s
	}
	o := &p.Ops[at.Op]
	b := &p.Blocks[at.Block]
	if b.First >= 0 {
		return fmt.Sprintf("%s, layer %d, %s: %s", s, b.First+at.Repeat, o.Module, o.Name)
	}
	return fmt.Sprintf("%s, %s: %s", s, o.Module, o.Name)
}

// speed reads the program as seconds.
func (rep *Report) speed(r *resolved, p program.Program, plan memory.Plan, cal *hardware.Calibration) {
	if cal == nil {
		return
	}
	tp := throughput.Plan{GradAccum: r.info.GradAccum, Optimizer: plan.Optimizer, TF32: r.info.Precision == "tf32"}
	rd := throughput.Read(p, tp, cal)
	samples := float64(r.info.MicroBatch * r.info.GradAccum)
	tokens := samples * float64(r.info.SeqLen)
	t := &Throughput{
		StepSeconds: rd.Seconds, TokensPerSecond: tokens / rd.Seconds, SamplesPerSecond: samples / rd.Seconds,
		TokensPerSecondTotal: tokens / rd.Seconds * float64(rep.Device.Count), FLOPsPerStep: rd.FLOPs,
	}
	if peak := peakRate(r.req.Device.GPU, r.info.Precision); peak > 0 {
		t.MFU, t.HFU = rd.Model/rd.Seconds/peak, rd.Hardware/rd.Seconds/peak
	}
	t.BoundBy = boundBy(rd)
	for part, s := range rd.Parts {
		if s > 0 {
			t.Parts = append(t.Parts, TimePart{throughput.Part(part).String(), s})
		}
	}
	t.Band = throughputBand(t.TokensPerSecond, BandClass(rep))
	rep.Throughput = t
}

// peakRate is the data-sheet rate that MFU and HFU are held against: the dense
// rate of the precision that the matrix products run in.
func peakRate(g hardware.GPU, precision string) float64 {
	switch computeDType(precision) {
	case program.Float16:
		return g.Rates.FP16
	case program.BFloat16:
		return g.Rates.BF16
	}
	if precision == "tf32" && g.Rates.TF32 > 0 {
		return g.Rates.TF32
	}
	return g.Rates.FP32
}

// launchBound is the share of waiting above which a step counts as bound by
// the CPU's launches.
const launchBound = 0.2

// boundBy names what the step spends its time on.
func boundBy(r throughput.Reading) string {
	if r.Parts[throughput.LaunchGaps] > launchBound*r.Seconds {
		return "launch"
	}
	compute := r.Parts[throughput.MatrixProducts] + r.Parts[throughput.AttentionKernels]
	if compute >= (r.Seconds-r.Parts[throughput.LaunchGaps])/2 {
		return "compute"
	}
	return "memory"
}

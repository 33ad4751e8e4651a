package estimator

import (
	"reflect"
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
	step      step
	depth     depth
}

// step is the program that an engine holds: devices that ask for the same
// settings share it.
type step struct {
	info    TrainingInfo // the settings it was built from
	program program.Program
	plan    memory.Plan
	print   memory.Fingerprint // of its replay; zero where none was asked for yet
	tensors []tensorsWith
}

var engines = sync.Pool{New: func() any { return new(engine) }}

// defaultWorkspace is PyTorch's cuBLAS workspace on every card but Hopper
// (aten/src/ATen/cuda/CublasHandlePool.cpp), for requests without a GPU.
const defaultWorkspace = 4096*1024*2 + 16*1024*8

// build writes the program of a resolved request.
func (e *engine) build(r *resolved) (program.Program, memory.Plan, error) {
	e.step = step{}
	e.builder.Reset()
	if err := modules.Build(&e.builder, r.config); err != nil {
		return program.Program{}, memory.Plan{}, err
	}
	optimizers.Build(&e.builder, r.optimizer, r.trainer.clip)
	p := e.builder.Program()
	return p, memory.Plan{
		Steps: 2, GradAccum: r.info.GradAccum, Optimizer: len(p.Blocks) - 1, KernelTemporaries: true,
		Workspaces: []int64{defaultWorkspace, defaultWorkspace},
		OneBatch:   r.trainer.litgpt, Lingers: r.trainer.litgpt && !r.trainer.shorterLater,
	}, nil
}

// onCard is a plan with the libraries' workspaces of a card.
func onCard(plan memory.Plan, cal *hardware.Calibration) memory.Plan {
	if cal != nil {
		plan.Workspaces = []int64{cal.CublasWorkspaceBytes(), cal.CublasWorkspaceBytes()}
	}
	return plan
}

// hold makes the engine hold the program of a request whose model and method
// are those of the program that it holds already, if any.
func (e *engine) hold(r *resolved) error {
	if len(e.step.program.Blocks) > 0 && reflect.DeepEqual(e.step.info, r.info) {
		return nil
	}
	p, plan, err := e.build(r)
	if err != nil {
		return err
	}
	e.step = step{info: r.info, program: p, plan: plan}
	return nil
}

// Estimate answers one request: the memory of the step, its speed and whether
// it fits. It is safe for concurrent use. The error says which setting is
// impossible, contradictory or not known.
func Estimate(req Request) (Report, error) {
	reports, errs := EstimateAll(req, []Device{req.Device})
	return reports[0], errs[0]
}

// EstimateAll answers a request on each of several devices in place of its
// own. Each answer is that of [Estimate]; what devices share is computed once.
func EstimateAll(req Request, devices []Device) ([]Report, []error) {
	return estimateAll(req, devices, replayed)
}

// Verdicts is [EstimateAll] for those who look for what fits: where the tensors
// alone are more than the device has, beyond the error band, the allocator is
// not replayed. Such a report says the least that the step can need
// ([Memory.AtLeast]), and its verdict is that of EstimateAll.
func Verdicts(req Request, devices []Device) ([]Report, []error) {
	return estimateAll(req, devices, decided)
}

// Floors is [EstimateAll] without the allocator's replay: every report says the
// least that the step can need ([Memory.AtLeast]) and how fast it is, not what
// the memory consists of, and has a verdict only where that is too much for the
// device.
func Floors(req Request, devices []Device) ([]Report, []error) {
	return estimateAll(req, devices, tensors)
}

func estimateAll(req Request, devices []Device, d depth) ([]Report, []error) {
	e := engines.Get().(*engine)
	defer engines.Put(e)
	e.step, e.depth = step{}, d
	reports, errs := make([]Report, len(devices)), make([]error, len(devices))
	for i, device := range devices {
		req.Device = device
		reports[i], errs[i] = e.estimate(req)
	}
	return reports, errs
}

func (e *engine) estimate(req Request) (Report, error) {
	r, err := resolve(req)
	if err != nil {
		return Report{}, err
	}
	if err := e.hold(r); err != nil {
		return Report{}, err
	}
	cal, calErr := r.calibrate()
	p, plan := e.step.program, onCard(e.step.plan, cal)
	rep := Report{Assumptions: r.assumptions, Findings: []Finding{}}
	rep.describe(r, p)
	rep.readMemory(e, p, plan, cal)
	rep.speed(r, p, plan, cal)
	rep.decide()
	rep.find(r, calErr)
	return rep, nil
}

// stepOf builds the step of a request and hands it to use, with the workspaces
// of its card; cal is nil where no GPU's speed is known.
func stepOf(req Request, use func(*engine, *resolved, program.Program, memory.Plan, *hardware.Calibration)) error {
	r, err := resolve(req)
	if err != nil {
		return err
	}
	e := engines.Get().(*engine)
	defer engines.Put(e)
	e.step, e.depth = step{}, replayed
	if err := e.hold(r); err != nil {
		return err
	}
	cal, _ := r.calibrate()
	use(e, r, e.step.program, onCard(e.step.plan, cal), cal)
	return nil
}

// describe fills in what is known before anything is replayed.
func (rep *Report) describe(r *resolved, p program.Program) {
	_, trainable := p.Count()
	rep.Training = r.info
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
	if peak := r.peakRate(); peak > 0 {
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
// rate of the type that the matrix products run in, which without autocast is
// that of the weights where it is the faster one.
func (r *resolved) peakRate() float64 {
	g, precision := &r.req.Device.GPU, r.info.Precision
	dt := computeDType(precision)
	if weights, ok := program.ParseDType(r.info.WeightsDType); ok && !mixed(precision) && dt == program.Float32 {
		dt = weights
	}
	switch dt {
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

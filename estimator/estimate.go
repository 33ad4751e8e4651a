package estimator

import (
	"errors"
	"sync"

	"github.com/vramcalc/vramcalc/estimator/memory"
	"github.com/vramcalc/vramcalc/estimator/modules"
	"github.com/vramcalc/vramcalc/estimator/optimizers"
	"github.com/vramcalc/vramcalc/estimator/program"
)

// engine is the working memory of one estimate, kept between estimates.
type engine struct {
	builder  program.Builder
	replayer memory.Replayer
}

var engines = sync.Pool{New: func() any { return new(engine) }}

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
	}, nil
}

// Estimate answers one request.
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
	rd := e.replayer.Read(p, plan)
	var rep Report
	rep.Training = r.info
	rep.Assumptions = r.assumptions
	rep.Memory.AllocatedBytes = rd.Peak
	return rep, nil
}

// Changes are single settings that would save memory, each computed by
// [Estimate], widest effect first.
func Changes(Request, Report) ([]Change, error) { return nil, errors.New("not built yet") }

// Explain derives the numbers of a report in symbols.
func Explain(Request) ([]Derivation, error) { return nil, errors.New("not built yet") }

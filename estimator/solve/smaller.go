package solve

import (
	"math"
	"slices"
	"strconv"
	"sync"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/methods"
	"github.com/vramcalc/vramcalc/estimator/sweep"
)

// Choice is a setting that nobody gave, with what else it could be.
type Choice struct {
	Options []Option
	// Graded options are worth trying even where a later one saves more: the
	// last may be more than is needed.
	Graded bool
}

// Option is a value of a setting: the flags that say it.
type Option struct {
	Flags string
	Apply func(*estimator.Request)
}

// Smaller is a step on a smaller card, and the settings that make it fit.
type Smaller struct {
	Changes []string         `json:"changes"` // flags, to be added to the question
	Report  estimator.Report `json:"report"`
}

// Choices are the free settings that may save memory and leave the run as it
// is: the method, the length and the sequences of an optimizer step stay. Rep
// is the answer to the request as it was asked.
func Choices(rep estimator.Report, free func(setting string) bool) (all []Choice) {
	t := &rep.Training
	word := func(setting, now string, at func(*estimator.Request) *string, values ...string) {
		var c Choice
		for _, v := range values {
			if v != now {
				c.Options = append(c.Options, Option{"--" + setting + " " + v, func(r *estimator.Request) { *at(r) = v }})
			}
		}
		if free(setting) && len(c.Options) > 0 {
			all = append(all, c)
		}
	}
	word("checkpointing", t.Checkpointing, func(r *estimator.Request) *string { return &r.Training.Checkpointing }, estimator.Checkpointings()...)
	word("loss", t.Loss, func(r *estimator.Request) *string { return &r.Training.Loss }, estimator.Losses()...)
	word("optimizer", t.Optimizer, func(r *estimator.Request) *string { return &r.Training.Optimizer }, "adamw-8bit", "paged-adamw-8bit")
	if m, ok := methods.Get(rep.Method.ID); ok && m.Adapter {
		word("quant", t.Quant, func(r *estimator.Request) *string { return &r.Method.Quant }, "int8", "nf4")
		if m.Quantizes && !t.DoubleQuant && free("double-quant") {
			yes := true
			all = append(all, Choice{Options: []Option{{"--double-quant", func(r *estimator.Request) { r.Method.DoubleQuant = &yes }}}})
		}
	}
	if free("micro-batch") && free("grad-accum") && t.MicroBatch > 1 {
		all = append(all, microBatches(t.MicroBatch, t.GradAccum))
	}
	return all
}

// microBatches part the sequences of an optimizer step into more, smaller
// micro-batches.
func microBatches(micro, accum int64) Choice {
	c := Choice{Graded: true}
	for n := micro / 2; n >= 1; n /= 2 {
		if micro%n != 0 {
			continue
		}
		more := accum * (micro / n)
		c.Options = append(c.Options, Option{
			"--micro-batch " + strconv.FormatInt(n, 10) + " --grad-accum " + strconv.FormatInt(more, 10),
			func(r *estimator.Request) { r.Training.MicroBatch, r.Training.GradAccum = n, more },
		})
	}
	return c
}

// picked says which option of each choice is taken; 0 leaves it as it was asked.
type picked []int

func (p picked) changes(choices []Choice) (flags []string) {
	for k, i := range p {
		if i > 0 {
			flags = append(flags, choices[k].Options[i-1].Flags)
		}
	}
	return flags
}

func (p picked) request(r estimator.Request, choices []Choice) estimator.Request {
	for k, i := range p {
		if i > 0 {
			choices[k].Options[i-1].Apply(&r)
		}
	}
	return r
}

func (p picked) with(k, i int) picked {
	q := slices.Clone(p)
	q[k] = i
	return q
}

// SmallestWith finds the smallest of the devices that some options make the
// request fit, with no option more than it needs. It goes down to the least
// memory by single changes, and then takes back what can be taken back, the
// slowest first; every answer was estimated, and for what does not fit verdicts
// will do. Floors lead most of the way down. It is nil where the least fits
// none of the devices.
func SmallestWith(r estimator.Request, devices []estimator.Device, choices []Choice, bound Bound, floors, verdicts sweep.Estimate) *Smaller {
	if len(devices) == 0 || len(choices) == 0 {
		return nil
	}
	s := search{r, choices, floors}
	least := s.least(make(picked, len(choices)))
	s.ask = verdicts
	least = s.least(least)
	reports, errs := verdicts(least.request(r, choices), devices)
	i := Smallest(reports, errs, bound)
	if i < 0 {
		return nil
	}
	return s.needed(least, reports[i], devices[i], bound)
}

type search struct {
	request estimator.Request
	choices []Choice
	ask     sweep.Estimate
}

// estimates are the answers to several picks on a device, in their order.
func (s *search) estimates(picks []picked, on estimator.Device) ([]estimator.Report, []error) {
	reports, errs := make([]estimator.Report, len(picks)), make([]error, len(picks))
	var wait sync.WaitGroup
	for i, p := range picks {
		wait.Go(func() {
			answers, refusals := s.ask(p.request(s.request, s.choices), []estimator.Device{on})
			reports[i], errs[i] = answers[0], refusals[0]
		})
	}
	wait.Wait()
	return reports, errs
}

// bytes are the device memory of several picks; what is refused is too large.
func (s *search) bytes(picks []picked) []int64 {
	reports, errs := s.estimates(picks, estimator.Device{})
	bytes := make([]int64, len(picks))
	for i := range bytes {
		if bytes[i] = reports[i].Memory.DeviceBytes; errs[i] != nil {
			bytes[i] = math.MaxInt64
		}
	}
	return bytes
}

// least goes down to the least memory from some picks. In each round it tries
// every single change and takes the best of each choice that helps alone, all
// together; or the best one where together they are no better.
func (s *search) least(now picked) picked {
	held := s.bytes([]picked{now})[0]
	for {
		var next []picked
		var of []int // the choice that each changes
		for k, c := range s.choices {
			for i := range len(c.Options) + 1 {
				if i != now[k] && (!c.Graded || i == len(c.Options)) {
					next, of = append(next, now.with(k, i)), append(of, k)
				}
			}
		}
		bytes := s.bytes(next)
		together, best := slices.Clone(now), -1
		inChoice := make([]int64, len(s.choices))
		for i, k := range of {
			if bytes[i] < held && (inChoice[k] == 0 || bytes[i] < inChoice[k]) {
				inChoice[k], together[k] = bytes[i], next[i][k]
			}
			if bytes[i] < held && (best < 0 || bytes[i] < bytes[best]) {
				best = i
			}
		}
		if best < 0 {
			return now
		}
		if all := s.bytes([]picked{together})[0]; all <= bytes[best] {
			now, held = together, all
		} else {
			now, held = next[best], bytes[best]
		}
	}
}

// needed takes back changes as long as the rest still fits the device: each
// time the one whose absence is fastest. Graded options go one back at a time.
func (s *search) needed(from picked, rep estimator.Report, on estimator.Device, bound Bound) *Smaller {
	for {
		var next []picked
		for k, i := range from {
			if i > 0 {
				next = append(next, from.with(k, 0))
			}
			if s.choices[k].Graded && i > 1 {
				next = append(next, from.with(k, i-1))
			}
		}
		best := -1
		reports, errs := s.estimates(next, on)
		for i := range next {
			if errs[i] == nil && bound.Holds(reports[i]) && (best < 0 || speed(reports[i]) > speed(reports[best])) {
				best = i
			}
		}
		if best < 0 {
			return &Smaller{from.changes(s.choices), rep}
		}
		from, rep = next[best], reports[best]
	}
}

// speed is in tokens/s; unknown is the least.
func speed(r estimator.Report) float64 {
	if r.Throughput == nil {
		return 0
	}
	return r.Throughput.TokensPerSecond
}

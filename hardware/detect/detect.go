package detect

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Patience is how long one way may take.
const Patience = 3 * time.Second

// way is one way to find devices. It returns ErrAbsent where there is nothing
// to ask.
type way struct {
	name string
	read func(context.Context, System) (Machine, error)
}

// ways are tried in this order; the first that finds a device answers.
// Jetson comes first: the library and the program are there, but give neither
// the board's name nor its memory.
var ways = []way{
	{"jetson", readJetson},
	{"nvml", readNVML},
	{"nvidia-smi", readSMI},
	{"amd", readAMD},
	{"macos", readMac},
}

// Detect finds the GPUs of a machine. It always answers, in Patience per way at
// the most.
func Detect(ctx context.Context, s System) Machine {
	var findings []Finding
	var tried []Attempt
	for _, w := range ways {
		m, attempt := try(ctx, s, w)
		tried = append(tried, attempt)
		findings = append(findings, m.Findings...)
		if len(m.Devices) > 0 {
			m.Way, m.Tried, m.Findings = w.name, tried, findings
			m.shareMemory(s)
			m.rateLinks()
			m.restrict(s.LookupEnv)
			return m
		}
	}
	return Machine{Tried: tried, Findings: findings}
}

// try takes one way, with a limit to its time and its failures as findings.
func try(ctx context.Context, s System, w way) (Machine, Attempt) {
	start := s.Now()
	m, err := answer(ctx, s, w)
	a := Attempt{Way: w.name, Outcome: plural(len(m.Devices), "device", "devices"), Seconds: s.Now().Sub(start).Seconds()}
	switch {
	case errors.Is(err, ErrAbsent):
		a.Outcome = err.Error()
	case err != nil:
		a.Outcome = err.Error()
		m.Devices = nil
		m.warn(w.name+"-failed", w.name+": "+err.Error(), hintFor(err))
	}
	return m, a
}

// answer waits for a way no longer than Patience: a library call that hangs
// cannot be stopped, only left behind.
func answer(ctx context.Context, s System, w way) (Machine, error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	type result struct {
		m   Machine
		err error
	}
	done := make(chan result, 1)
	go func() {
		m, err := w.read(ctx, s)
		done <- result{m, err}
	}()
	select {
	case r := <-done:
		return r.m, r.err
	case <-ctx.Done():
		select { // a program that was killed in time says more
		case r := <-done:
			return r.m, r.err
		case <-time.After(200 * time.Millisecond):
			return Machine{}, ErrSlow
		}
	}
}

// hintFor is what to do about a failure.
func hintFor(err error) string {
	if errors.Is(err, ErrSlow) {
		return "the driver may hang: does nvidia-smi answer, and what does the kernel log say?"
	}
	return `"vramcalc doctor" shows what was tried`
}

func readNVML(_ context.Context, s System) (Machine, error) {
	if s.NVML == nil {
		return Machine{}, fmt.Errorf("%w: built without cgo", ErrAbsent)
	}
	return s.NVML()
}

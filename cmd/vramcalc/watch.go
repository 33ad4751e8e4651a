package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	"github.com/vramcalc/vramcalc/hardware/detect"
)

// readingPause is the time between two readings of a process's memory.
const readingPause = 500 * time.Millisecond

// watcher reads what a running process holds.
type watcher struct {
	pid     int64 // 0: whichever process holds most
	seconds int64 // 0: until it ends
	pause   time.Duration
}

// observe reads until the process ends, the time is over or the user
// interrupts, and returns what was seen.
func (a *app) observe(ctx context.Context, w watcher) (*answer.Observation, error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	if w.seconds > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(w.seconds)*time.Second)
		defer cancel()
	}
	machine := a.env.local(context.WithoutCancel(ctx))
	p, err := w.process(machine)
	if err != nil {
		return nil, err
	}
	if w.seconds == 0 {
		fmt.Fprintf(a.stderr, "%s: note: watching process %d until it ends; Ctrl-C stops earlier\n", programName, p.PID)
	}
	o := &answer.Observation{PID: p.PID, Name: p.Name}
	start := time.Now()
	for {
		o.Samples++
		o.Seconds = time.Since(start).Seconds()
		o.LastBytes, o.PeakBytes = p.Bytes, max(o.PeakBytes, p.Bytes)
		select {
		case <-ctx.Done():
			return o, nil
		case <-time.After(w.pause):
		}
		machine = a.env.local(context.WithoutCancel(ctx))
		if len(machine.Devices) == 0 {
			fmt.Fprintf(a.stderr, "%s: note: the GPUs do not answer any more; what was read until then is shown\n", programName)
			return o, nil
		}
		var alive bool
		if p, alive = held(machine, p.PID); !alive {
			return o, nil
		}
	}
}

// process is the one to watch.
func (w watcher) process(m detect.Machine) (detect.Process, error) {
	all := holders(m)
	if len(m.Devices) == 0 {
		return detect.Process{}, &failure{errors.New("--watch and --observe: no GPU found on this machine"), `"vramcalc doctor" shows what was tried`}
	}
	if len(all) == 0 && w.pid == 0 {
		return detect.Process{}, &failure{errors.New("--observe: no process holds GPU memory"), "start the training first"}
	}
	p, found := held(m, int(w.pid))
	if w.pid == 0 {
		p, found = slices.MaxFunc(all, func(a, b detect.Process) int { return cmp.Compare(a.Bytes, b.Bytes) }), true
	}
	switch {
	case !found && len(all) > 0:
		return p, &failure{fmt.Errorf("--watch %d: the process holds no GPU memory", w.pid), "these do: " + listed(all)}
	case !found:
		return p, &failure{fmt.Errorf("--watch %d: the process holds no GPU memory", w.pid), "no process does, or the driver does not say: in a container it sees only its own"}
	case p.Bytes == 0:
		return p, &failure{fmt.Errorf("the driver does not say how much memory process %d holds", p.PID), "it does not under Windows and WSL; nvidia-smi shows the whole card's"}
	}
	return p, nil
}

// held is what a process holds.
func held(m detect.Machine, pid int) (detect.Process, bool) {
	all := holders(m)
	i := slices.IndexFunc(all, func(p detect.Process) bool { return p.PID == pid })
	if i < 0 {
		return detect.Process{}, false
	}
	return all[i], true
}

// holders are the processes, each with the most that it holds of one device:
// the prediction is one device's too.
func holders(m detect.Machine) (all []detect.Process) {
	for _, d := range m.Devices {
		for _, p := range d.Processes {
			i := slices.IndexFunc(all, func(o detect.Process) bool { return o.PID == p.PID })
			if i < 0 {
				all = append(all, p)
			} else {
				all[i].Bytes = max(all[i].Bytes, p.Bytes)
			}
		}
	}
	return all
}

func listed(all []detect.Process) (words string) {
	for i, p := range all {
		if i > 0 {
			words += ", "
		}
		words += fmt.Sprintf("%d %s", p.PID, p.Name)
	}
	return words
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
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
		var alive bool
		if p, alive = held(a.env.local(context.WithoutCancel(ctx)), p.PID); !alive {
			return o, nil
		}
	}
}

// process is the one to watch.
func (w watcher) process(m detect.Machine) (detect.Process, error) {
	if w.pid > 0 {
		if p, ok := held(m, int(w.pid)); ok {
			return p, nil
		}
	}
	all := holders(m)
	switch {
	case len(m.Devices) == 0:
		return detect.Process{}, &failure{errors.New("--watch and --observe: no GPU found on this machine"), `"vramcalc doctor" shows what was tried`}
	case w.pid > 0 && len(all) > 0:
		return detect.Process{}, &failure{fmt.Errorf("--watch %d: the process holds no GPU memory", w.pid), "these do: " + listed(all)}
	case w.pid > 0:
		return detect.Process{}, &failure{fmt.Errorf("--watch %d: the process holds no GPU memory", w.pid), "no process does, or the driver does not say: in a container it sees only its own"}
	case len(all) == 0:
		return detect.Process{}, &failure{errors.New("--observe: no process holds GPU memory"), "start the training first"}
	}
	most := all[0]
	for _, p := range all {
		if p.Bytes > most.Bytes {
			most = p
		}
	}
	return most, nil
}

// held is what a process holds of all devices together.
func held(m detect.Machine, pid int) (sum detect.Process, found bool) {
	for _, p := range holders(m) {
		if p.PID == pid {
			return p, true
		}
	}
	return sum, false
}

// holders are the processes with what each holds of all devices together.
func holders(m detect.Machine) (all []detect.Process) {
	place := map[int]int{}
	for _, d := range m.Devices {
		for _, p := range d.Processes {
			if i, ok := place[p.PID]; ok {
				all[i].Bytes += p.Bytes
				continue
			}
			place[p.PID] = len(all)
			all = append(all, p)
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

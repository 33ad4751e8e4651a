package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/localgpu"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/hardware/detect"
)

// devices are the devices asked for. Without a name they are those of this
// machine, or else the common sizes, and then common is true.
func (a *app) devices(ctx context.Context, names []string, count int64) (found []estimator.Device, common bool, err error) {
	if len(names) == 0 {
		m := a.env.local(ctx)
		if len(m.Devices) > 0 {
			found, err = locals(m, count)
			return found, false, err
		}
		for _, f := range m.Findings {
			fmt.Fprintf(a.stderr, "%s: note: %s\n", programName, f.Message)
		}
		names, common = question.CommonCards, true
	}
	found, err = question.Devices(names, count, func(name string) ([]estimator.Device, error) {
		if name != question.Local {
			return question.PresetDevice(name)
		}
		m := a.env.local(ctx)
		if len(m.Devices) == 0 {
			return nil, noLocal(m)
		}
		return locals(m, count)
	})
	return found, common, err
}

// locals are the distinct GPUs of this machine, count of them used together.
func locals(m detect.Machine, count int64) ([]estimator.Device, error) {
	if n := int64(len(m.Devices)); count > n {
		return nil, &usageError{
			problem: fmt.Sprintf("--gpus %d with --gpu local: this machine has %d", count, n),
			hint:    "name the card to plan for more of it than are here, such as --gpu rtx-4090 --gpus 4",
		}
	}
	return localgpu.Devices(m, count), nil
}

// noLocal says that this machine has no GPU, and what was found instead.
func noLocal(m detect.Machine) error {
	problem := "--gpu local: no GPU found on this machine"
	var reasons []string
	for _, f := range m.Findings {
		reasons = append(reasons, f.Message)
	}
	if len(reasons) > 0 {
		problem += " (" + strings.Join(reasons, "; ") + ")"
	}
	return &failure{errors.New(problem), `name a card, such as --gpu rtx-4090; "vramcalc doctor" shows what was tried`}
}

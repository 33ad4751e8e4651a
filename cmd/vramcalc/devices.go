package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/localgpu"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/spelling"
	"github.com/vramcalc/vramcalc/hardware/detect"
	"github.com/vramcalc/vramcalc/presets"
)

// devices are the devices asked for. Without a name they are those of this
// machine, or else the common sizes, and then common is true.
func (a *app) devices(ctx context.Context, names []string, count int64) (found []estimator.Device, common bool, err error) {
	found, err = a.namedOrLocal(ctx, names, count)
	if common = len(found) == 0 && err == nil; common {
		found, err = question.Devices(question.CommonCards, count, question.PresetDevice)
	}
	return found, common, err
}

// namedOrLocal are the devices that were named, or those of this machine.
// There are none where the common cards were asked for, and where nobody named
// one and this machine has none.
func (a *app) namedOrLocal(ctx context.Context, names []string, count int64) ([]estimator.Device, error) {
	if slices.Contains(names, question.Common) {
		if len(names) > 1 {
			return nil, &usageError{"--gpu common stands alone: it is one card per common size", "leave out either common or the other names"}
		}
		return nil, nil
	}
	if len(names) == 0 {
		m := a.env.local(ctx)
		if len(m.Devices) > 0 {
			return locals(m, count)
		}
		for _, f := range m.Findings {
			fmt.Fprintf(a.stderr, "%s: note: %s\n", programName, f.Message)
		}
		return nil, nil
	}
	return question.Devices(names, count, func(name string) ([]estimator.Device, error) {
		switch name {
		case question.None:
			return nil, &usageError{"--gpu none makes no sense here: this question is about cards", "it belongs to compare, and stands alone there"}
		case question.Local:
			m := a.env.local(ctx)
			if len(m.Devices) == 0 {
				return nil, noLocal(m)
			}
			return locals(m, count)
		}
		found, err := question.PresetDevice(name)
		if missing := (*presets.NotFoundError)(nil); errors.As(err, &missing) {
			near := *missing
			near.Nearest = append(spelling.Near(name, []string{question.Local, question.Common}), near.Nearest...)
			return nil, &near
		}
		return found, err
	})
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

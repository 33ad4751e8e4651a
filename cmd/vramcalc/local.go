package main

import (
	"context"

	"github.com/vramcalc/vramcalc/hardware/detect"
	"github.com/vramcalc/vramcalc/hardware/detect/nvml"
)

// localMachine finds the GPUs of this machine.
type localMachine func(context.Context) detect.Machine

// thisMachine asks the drivers.
func thisMachine(ctx context.Context) detect.Machine {
	return detect.Detect(ctx, detect.ThisSystem(nvml.Read))
}

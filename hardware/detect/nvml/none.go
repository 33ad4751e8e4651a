//go:build !linux || !cgo

package nvml

import "github.com/vramcalc/vramcalc/hardware/detect"

// Read is nil: this build has no NVML.
var Read func() (detect.Machine, error)

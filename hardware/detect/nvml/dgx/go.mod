// The mock servers of the later DGX machines come with go-nvml releases that
// warn while they build, so they are held apart from the program.
module github.com/vramcalc/vramcalc/hardware/detect/nvml/dgx

go 1.26

require (
	github.com/NVIDIA/go-nvml v0.13.4-1
	github.com/vramcalc/vramcalc v0.0.0
)

require github.com/google/uuid v1.6.0 // indirect

replace github.com/vramcalc/vramcalc => ../../../..

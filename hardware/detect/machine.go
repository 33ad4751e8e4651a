// Package detect finds the GPUs of the machine that the program runs on: what
// is there, what is free, and who holds the rest.
//
// A [Machine] is asked for once, in ways that are tried in order (Jetson, NVML,
// nvidia-smi, AMD's sysfs, macOS); the first that finds a device
// answers. Nothing here panics, hangs or fails: what could not be read is a
// [Finding], and a figure that nobody gave is zero or nil, never a guess. All
// that it touches of the system goes through a [System].
package detect

// Machine is what was found.
type Machine struct {
	Way      string // which way found the devices: "nvml", "nvidia-smi", …; empty: none did
	Driver   string // version, empty when not known
	CUDA     string // newest version that the driver supports: "12.4"
	Devices  []Device
	Links    []Link // one for each two devices that are known to be joined
	Tried    []Attempt
	Findings []Finding
}

// Device is a GPU, or an instance of one that is divided by MIG. Memory is in
// bytes; zero means not known.
type Device struct {
	Index  int    // as the driver counts; for an instance, that of its GPU
	Name   string // as the driver says it
	UUID   string
	Bus    string // PCI address
	Parent string // of a MIG instance: the UUID of its GPU
	Vendor string // "NVIDIA", "AMD", "Apple"

	TotalBytes    int64
	FreeBytes     int64
	UsedBytes     int64 // by processes and the driver
	ReservedBytes int64 // of the total, by the driver and the firmware
	FreeKnown     bool  // FreeBytes was read; it may be 0
	Source        string
	Unified       bool // memory is shared with the CPU

	ComputeCapability string // "8.0"; of AMD "gfx942"
	SMs               int    // streaming multiprocessors; of AMD compute units
	ClockMHz          int    // highest of the multiprocessors
	MemoryClockMHz    int
	PowerLimitWatts   float64
	ECC               *bool
	Display           *bool // a screen is drawn with it
	PCIeGeneration    int   // highest of card and slot
	PCIeWidth         int   // lanes
	MIG               bool  // divided into instances, which are devices of their own

	Processes []Process
}

// Process holds memory of a device.
type Process struct {
	PID   int
	Name  string
	Bytes int64 // 0: the driver does not say
}

// Link joins two devices by the fastest way between them.
type Link struct {
	A, B  int    // indices of devices, A < B
	Kind  string // NVLink, PCIeSwitch, …
	Lanes int    // of NVLink and XGMI: how many links lead from A to B
	// BytesPerSecond is the sum of both directions, as the data sheet has it;
	// 0: not known.
	BytesPerSecond float64
}

// Attempt is one way that was tried.
type Attempt struct {
	Way     string
	Outcome string // what came of it, in words
	Seconds float64
}

// Finding is something that the reader should know.
type Finding struct {
	Severity string // "info", "warning" or "error"
	Code     string
	Message  string
	Hint     string
}

// warn adds a warning.
func (m *Machine) warn(code, message, hint string) {
	m.Findings = append(m.Findings, Finding{"warning", code, message, hint})
}

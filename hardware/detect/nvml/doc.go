// Package nvml reads NVIDIA's management library for package detect. It is the
// only one that knows go-nvml, which needs cgo and Linux; elsewhere [Read] is
// nil, and detection takes another way.
package nvml

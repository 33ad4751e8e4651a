package main

import (
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/localgpu"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/hardware/detect"
	"github.com/vramcalc/vramcalc/hardware/detect/nvml"
	"github.com/vramcalc/vramcalc/presets"
)

func newDoctor(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Show what was detected and how, for yourself or a bug report",
		Long: "doctor shows which GPUs were found by which way, versions, and what is missing.\n" +
			"It asks nobody but this machine, and shows no secrets.",
		Example: "  vramcalc doctor\n  vramcalc doctor -o json > report.json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m := a.env.local(cmd.Context())
			return a.write(render.Doctor{
				Program:  append(versionRecord(), render.Field{Key: "nvml", Label: "built with NVML", Value: nvml.Read != nil}),
				Settings: a.settings(), Machine: a.machine(m), Advice: advice(m, a.env.getenv),
			})
		},
	}
}

// localGPUs writes the GPUs of this machine.
func (a *app) localGPUs(cmd *cobra.Command) error {
	return a.write(a.machine(a.env.local(cmd.Context())))
}

// commonModels are well-known models, smallest first, that show what fits.
var commonModels = []string{
	"qwen2.5-0.5b", "llama-3.2-1b", "qwen2.5-1.5b", "llama-3.2-3b", "llama-3.1-8b", "qwen2.5-14b", "qwen2.5-32b", "llama-3.1-70b",
}

// machine adds presets and the largest plans to what was detected.
func (a *app) machine(m detect.Machine) render.Machine {
	out := render.Machine{Machine: m}
	for _, d := range m.Devices {
		device := localgpu.Device(d)
		gpu := render.LocalGPU{}
		if _, err := presets.GPU(device.GPU.ID); err == nil {
			gpu.Preset = device.GPU.ID
		}
		for _, method := range []string{"full", "lora", "qlora"} {
			gpu.Plans = append(gpu.Plans, render.LargestPlan{Method: method, Model: a.largestModel(method, device)})
		}
		out.GPUs = append(out.GPUs, gpu)
	}
	return out
}

// largestModel is the largest common model that a method trains on a device as it
// is now; empty where none does.
func (a *app) largestModel(method string, d estimator.Device) string {
	for i := len(commonModels) - 1; i >= 0; i-- {
		m, err := presets.Model(commonModels[i])
		if err != nil {
			continue
		}
		r := estimator.Request{
			Model: m, Method: estimator.Method{ID: method}, Device: d,
			Training: estimator.Training{MicroBatch: 1, SeqLen: 2048, Checkpointing: "full"},
		}
		reports, errs := a.env.engine.Estimate(r, []estimator.Device{d})
		if errs[0] == nil && reports[0].Fit != nil && reports[0].Fit.Fits {
			return commonModels[i]
		}
	}
	return ""
}

// settings are the variables that change what vramcalc does; of secrets only
// that they are there.
func (a *app) settings() render.Record {
	var r render.Record
	for _, name := range []string{
		"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "NVIDIA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES",
		"HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_HOME", "HF_TOKEN", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM",
	} {
		value := a.env.getenv(name)
		if value != "" && strings.HasSuffix(name, "TOKEN") {
			value = "set"
		}
		f := render.Field{Key: strings.ToLower(name), Label: name}
		if value != "" {
			f.Value = value
		}
		r = append(r, f)
	}
	return r
}

// advice is what is missing, and how to get it.
func advice(m detect.Machine, getenv func(string) string) (list []string) {
	if len(m.Devices) > 0 && m.Way != "nvidia-smi" {
		return nil
	}
	if nvml.Read == nil && runtime.GOOS == "linux" {
		list = append(list, "this build has no NVML, which gives memory to the byte: build with CGO_ENABLED=1 and a C compiler (go install ./cmd/vramcalc)")
	}
	if len(m.Devices) > 0 {
		return list
	}
	switch v := getenv("NVIDIA_VISIBLE_DEVICES"); v {
	case "void", "none":
		list = append(list, "this container was started without GPUs: NVIDIA_VISIBLE_DEVICES="+v)
	}
	return append(list,
		"no GPU was found: an NVIDIA card needs its driver (nvidia-smi must work), an AMD card the amdgpu kernel driver",
		"in a container the GPU has to be passed in, as docker run --gpus all does",
		"without a GPU name one: vramcalc plan --gpu rtx-4090 …")
}

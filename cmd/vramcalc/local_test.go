package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	"github.com/vramcalc/vramcalc/hardware/detect"
)

// noGPU is a machine without any.
func noGPU(context.Context) detect.Machine { return detect.Machine{} }

// having is a machine with these GPUs.
func having(devices ...detect.Device) localMachine {
	return func(context.Context) detect.Machine {
		return detect.Machine{Way: "nvml", Driver: "550.54.15", CUDA: "12.4", Devices: devices}
	}
}

func card4090(free int64) detect.Device {
	return detect.Device{
		Name: "NVIDIA GeForce RTX 4090", UUID: "GPU-1", Vendor: "NVIDIA", TotalBytes: 24564 << 20, ReservedBytes: 360 << 20,
		FreeBytes: free, FreeKnown: true, UsedBytes: 24204<<20 - free, Source: "NVML", ComputeCapability: "8.9",
		Processes: []detect.Process{{PID: 42, Name: "python", Bytes: 3 << 30}, {PID: 7, Name: "Xorg"}},
	}
}

func TestPlanForTheLocalGPU(t *testing.T) {
	const free = 20 << 30
	env := environment{local: having(card4090(free)), engine: answer.Estimator, models: presetOnly}
	for _, args := range [][]string{ask("-o", "json"), ask("-o", "json", "--gpu", "local")} {
		got := reports(t, callWith(env, nil, args...))
		if len(got) != 1 || got[0].Device.ID != "rtx-4090" || got[0].Device.CapacityBytes-got[0].Device.UsedBytes != free {
			t.Fatalf("%q: got %+v", args, got)
		}
		if r := got[0]; r.Fit.HeadroomBytes != free-r.Memory.DeviceBytes {
			t.Errorf("headroom %d of %d free with %d needed", r.Fit.HeadroomBytes, int64(free), r.Memory.DeviceBytes)
		}
	}
}

func TestNoLocalGPU(t *testing.T) {
	env := environment{local: noGPU, engine: standIn, models: presetOnly}
	if got := callWith(env, nil, ask("--gpu", "local")...); got.status != exitFailed || !strings.Contains(got.stderr, "no GPU found") {
		t.Errorf("no GPU: %+v", got)
	}
	env.local = func(context.Context) detect.Machine {
		return detect.Machine{Findings: []detect.Finding{{Severity: "warning", Message: "the NVIDIA driver does not answer"}}}
	}
	if got := callWith(env, nil, ask("--gpu", "local")...); got.status != exitFailed || !strings.Contains(got.stderr, "does not answer") {
		t.Errorf("driver error: %+v", got)
	}
	if got := callWith(env, nil, ask()...); got.status != exitDone || !strings.Contains(got.stderr, "note: the NVIDIA driver does not answer") {
		t.Errorf("no name and a driver error: %+v", got.stderr)
	}
}

func TestMoreGPUsThanThereAre(t *testing.T) {
	env := environment{local: having(card4090(0)), engine: standIn, models: presetOnly}
	if got := callWith(env, nil, ask("--gpu", "local", "--gpus", "2")...); got.status != exitUsage || !strings.Contains(got.stderr, "this machine has 1") {
		t.Errorf("%+v", got)
	}
}

func TestLocalListing(t *testing.T) {
	env := environment{local: having(card4090(20 << 30)), engine: answer.Estimator, models: presetOnly}
	table := callWith(env, nil, "gpus", "--local").stdout
	for _, want := range []string{"1 GPU, found by nvml, driver 550.54.15, CUDA 12.4", "rtx-4090", "23.99", "20.00", "42", "python", "qlora"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
	var doc struct {
		Machine struct {
			Devices []struct {
				Total int64 `json:"total_bytes"`
				Free  int64 `json:"free_bytes"`
			}
		}
	}
	if err := json.Unmarshal([]byte(callWith(env, nil, "gpus", "--local", "-o", "json").stdout), &doc); err != nil {
		t.Fatal(err)
	}
	if d := doc.Machine.Devices; len(d) != 1 || d[0].Total != 24564<<20 || d[0].Free != 20<<30 {
		t.Errorf("%+v", doc)
	}
	if got := callWith(env, nil, "gpus", "--local", "h100"); got.status != exitUsage {
		t.Errorf("a pattern with --local: %+v", got)
	}
	env.local = noGPU
	if got := callWith(env, nil, "gpus", "--local"); got.status != exitDone || !strings.Contains(got.stdout, "No GPU found") {
		t.Errorf("no GPU: %+v", got)
	}
}

func TestDoctor(t *testing.T) {
	env := environment{local: func(ctx context.Context) detect.Machine {
		m := having(card4090(1))(ctx)
		m.Tried = []detect.Attempt{{Way: "nvml", Outcome: "1 devices", Seconds: 0.02}}
		return m
	}, engine: answer.Estimator, models: presetOnly}
	for _, format := range []string{"table", "wide", "json", "yaml", "csv", "markdown", "html"} {
		got := callWith(env, []string{"HF_TOKEN=hf_secret", "CUDA_VISIBLE_DEVICES=0"}, "doctor", "-o", format)
		if got.status != exitDone || strings.Contains(got.stdout, "hf_secret") || !strings.Contains(got.stdout, "nvml") {
			t.Errorf("-o %s: %+v", format, got)
		}
	}
	env.local = noGPU
	if got := callWith(env, nil, "doctor").stdout; !strings.Contains(got, "no GPU was found") {
		t.Errorf("no advice in\n%s", got)
	}
}

// TestWatch: the most that the process held of one GPU is shown beside the
// prediction, which is one GPU's.
func TestWatch(t *testing.T) {
	held := []int64{3 << 30, 9 << 30, 5 << 30}
	reading := 0
	a := &app{stderr: &strings.Builder{}, env: environment{local: func(context.Context) detect.Machine {
		m := detect.Machine{Devices: []detect.Device{{}, {}}}
		if reading < len(held) { // on two GPUs
			m.Devices[0].Processes = []detect.Process{{PID: 42, Name: "python", Bytes: held[reading]}, {PID: 7, Bytes: 1}}
			m.Devices[1].Processes = []detect.Process{{PID: 42, Name: "python", Bytes: 1 << 30}}
		}
		reading++
		return m
	}}}
	o, err := a.observe(t.Context(), watcher{pid: 42, pause: time.Millisecond})
	if err != nil || o.PeakBytes != 9<<30 || o.LastBytes != 5<<30 || o.Samples != 3 || o.Name != "python" {
		t.Errorf("%+v, %v", o, err)
	}
}

// TestWatchAndTheDriverFails: what was read is shown, with a note.
func TestWatchAndTheDriverFails(t *testing.T) {
	var notes strings.Builder
	readings := 0
	a := &app{stderr: &notes, env: environment{local: func(ctx context.Context) detect.Machine {
		if readings++; readings > 2 {
			return detect.Machine{}
		}
		return having(card4090(0))(ctx)
	}}}
	o, err := a.observe(t.Context(), watcher{pid: 42, seconds: 60, pause: time.Millisecond})
	if err != nil || o.Samples != 2 || o.PeakBytes != 3<<30 || !strings.Contains(notes.String(), "do not answer any more") {
		t.Errorf("%+v, %v, %q", o, err, notes.String())
	}
}

func TestWatchNobody(t *testing.T) {
	env := environment{local: having(card4090(0)), engine: standIn, models: presetOnly}
	got := callWith(env, nil, ask("--gpu", "local", "--watch", "43")...)
	if got.status != exitFailed || !strings.Contains(got.stderr, "42 python") {
		t.Errorf("%+v", got)
	}
	if got := callWith(env, nil, ask("--watch", "7")...); got.status != exitFailed || !strings.Contains(got.stderr, "does not say how much memory process 7 holds") {
		t.Errorf("memory that is not known: %+v", got)
	}
	env.local = noGPU
	if got := callWith(env, nil, ask("--gpu", "h100", "--observe", "1")...); got.status != exitFailed || !strings.Contains(got.stderr, "no GPU found") {
		t.Errorf("%+v", got)
	}
}

func TestObserveTakesTheLargest(t *testing.T) {
	env := environment{local: having(card4090(0)), engine: standIn, models: presetOnly}
	got := callWith(env, nil, ask("--gpu", "h100", "--observe", "1")...)
	if got.status != exitDone || !strings.Contains(got.stdout, "Beside process 42 python") {
		t.Errorf("%+v", got)
	}
}

// TestCompareAndFitTakeTheLocalGPU where none is named, with what is free on
// it; --gpu none and common ask for something else; documents never look.
func TestCompareAndFitTakeTheLocalGPU(t *testing.T) {
	const free = 20 << 30
	env := environment{local: having(card4090(free)), engine: plainly().engine, models: presetOnly}
	for args, want := range map[string]string{
		"compare --model llama-7b --method lora --precision bf16 --micro-batch 1":                          "GeForce RTX 4090, 20.00 GiB",
		"compare --model llama-7b --method lora --precision bf16 --micro-batch 1 --samples 10":             "GeForce RTX 4090, 20.00 GiB",
		"fit --model llama-7b --method lora --max micro-batch":                                             "GeForce RTX 4090, 20.00 GiB",
		"fit --model llama-7b --method lora --pareto":                                                      "GeForce RTX 4090, 20.00 GiB",
		"fit --method lora --max model":                                                                    "GeForce RTX 4090, 20.00 GiB",
		"fit --model llama-7b --method lora --gpu common":                                                  "The smallest of the common cards",
		"compare --model llama-7b --method lora --precision bf16 --micro-batch 1 --gpu common":             "b200-180gb-sxm",
		"compare --model llama-7b --method lora --precision bf16 --micro-batch 1 --gpu none":               "Device memory in GiB\n",
		"compare --model llama-7b --method lora --precision bf16 --micro-batch 1 --gpu rtx-4060":           "GeForce RTX 4060, 8.00 GiB",
		"compare --model llama-7b --method lora --precision bf16 --micro-batch 1,2 --gpu local,rtx-4060":   "rtx-4090",
		"compare --model llama-7b --method lora --precision bf16 --micro-batch 1 --gpu local --value cost": "",
	} {
		got := callWith(env, []string{"COLUMNS=120"}, strings.Fields(args)...)
		if want == "" {
			if got.status != exitUsage {
				t.Errorf("%s: %+v", args, got)
			}
			continue
		}
		if got.status != exitDone || !strings.Contains(got.stdout, want) {
			t.Errorf("%s: no %q in\n%s%s", args, want, got.stdout, got.stderr)
		}
	}
	env.local = func(context.Context) detect.Machine {
		return detect.Machine{Findings: []detect.Finding{{Severity: "warning", Message: "the NVIDIA driver does not answer"}}}
	}
	for _, args := range []string{"compare --model llama-7b --method lora", "fit --model llama-7b --method lora"} {
		got := callWith(env, nil, strings.Fields(args)...)
		if got.status != exitDone || !strings.Contains(got.stderr, "note: the NVIDIA driver does not answer") {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

// TestDocumentsNeverLookAtTheMachine: a block is the same wherever it is made.
func TestDocumentsNeverLookAtTheMachine(t *testing.T) {
	looked := false
	env := environment{engine: plainly().engine, models: presetOnly, local: func(context.Context) detect.Machine {
		looked = true
		return detect.Machine{Devices: []detect.Device{card4090(20 << 30)}}
	}}
	a := &app{env: env}
	for _, command := range []string{"compare --model llama-7b --method lora", "fit --model llama-7b --method lora", "plan --model llama-7b --method lora"} {
		if text, err := a.block("a.md", command); err != nil || looked || strings.Contains(text, "20.00 GiB") {
			t.Errorf("%s: looked: %v, %v", command, looked, err)
		}
	}
}

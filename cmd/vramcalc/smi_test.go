package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	"github.com/vramcalc/vramcalc/hardware/detect"
)

// This test binary stands in for nvidia-smi: under that name it does what
// standInVariable says, and nothing else.
const standInVariable = "VRAMCALC_TEST_NVIDIA_SMI"

func TestMain(m *testing.M) {
	if strings.HasPrefix(filepath.Base(os.Args[0]), "nvidia-smi") {
		os.Exit(actAsSMI(os.Getenv(standInVariable), os.Args[1]))
	}
	os.Exit(m.Run())
}

func actAsSMI(how, question string) int {
	query := strings.HasPrefix(question, "--query-gpu")
	switch {
	case how == "hangs", how == "hangs after the devices" && !query:
		time.Sleep(time.Hour)
	case how == "fails":
		fmt.Fprintln(os.Stderr, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.")
		return 9
	case how == "crashes":
		panic("out of memory")
	case how == "prints garbage":
		os.Stdout.Write(bytes.Repeat([]byte("\x00\xff,\n\"\x1b["), 1<<12))
	case how == "never stops":
		for {
			if _, err := os.Stdout.Write(bytes.Repeat([]byte("0, "), 1<<14)); err != nil {
				return 1
			}
		}
	case how == "prints nothing":
	case query:
		fmt.Println("0, NVIDIA GeForce RTX 4090, GPU-1, 00000000:01:00.0, 550.54.15, 24564, 20480, 3630, 454, 8.9, 3105, 10501, 450.00, Disabled, Enabled, 4, 16, [N/A]")
	case question == "--version":
		fmt.Print("DRIVER version      : 550.54.15\nCUDA Version        : 12.4\n")
	case strings.HasPrefix(question, "--query-compute-apps"):
		fmt.Println("GPU-1, 4242, 3072, python train.py, resumed")
	}
	return 0
}

// withSMI is this machine with the stand-in as its only program, and how it
// behaves.
func withSMI(t *testing.T, how string) environment {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	name := "nvidia-smi"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if err := os.Link(self, filepath.Join(dir, name)); err != nil {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			t.Skipf("no link to this binary: %v", err)
		}
	}
	t.Setenv("PATH", dir)
	t.Setenv(standInVariable, how)
	t.Setenv("CUDA_VISIBLE_DEVICES", "0")
	system := detect.ThisSystem(nil)
	nothing := func(string) ([]byte, error) { return nil, os.ErrNotExist }
	system.ReadFile, system.Glob = nothing, func(string) ([]string, error) { return nil, nil }
	local := func(ctx context.Context) detect.Machine { return detect.Detect(ctx, system) }
	return environment{local: local, engine: answer.Estimator, models: presetOnly}
}

// TestSMI is the whole way from a program's output to the answer.
func TestSMI(t *testing.T) {
	env := withSMI(t, "answers")
	golden(t, "gpus-local.golden", callWith(env, nil, "gpus", "--local").stdout)
	golden(t, "gpus-local.json", callWith(env, nil, "gpus", "--local", "-o", "json").stdout)
	got := reports(t, callWith(env, nil, ask("--gpu", "local", "-o", "json")...))
	if len(got) != 1 || got[0].Device.CapacityBytes-got[0].Device.UsedBytes != 20480<<20 {
		t.Errorf("%+v", got)
	}
	watched := callWith(env, nil, ask("--gpu", "local", "--watch", "4242", "--observe", "1")...)
	if watched.status != exitDone || !strings.Contains(watched.stdout, "Beside process 4242 python train.py, resumed") || !strings.Contains(watched.stdout, "3.00 GiB") {
		t.Errorf("%+v", watched)
	}
	for _, format := range []string{"wide", "yaml", "csv", "markdown", "html"} {
		if got := callWith(env, nil, "gpus", "--local", "-o", format); got.status != exitDone || !strings.Contains(got.stdout, "RTX 4090") || got.stderr != "" {
			t.Errorf("-o %s: %+v", format, got)
		}
	}
}

// TestBrokenSMI: whatever the program does, there is an answer that says what
// went wrong, in time.
func TestBrokenSMI(t *testing.T) {
	for how, want := range map[string]string{
		"hangs": "no answer in time", "fails": "the NVIDIA driver does not answer", "crashes": "out of memory",
		"prints garbage": "a line that is no device", "never stops": "it prints more than 4 MiB", "prints nothing": "",
	} {
		env := withSMI(t, how)
		start := time.Now()
		doctor := callWith(env, nil, "doctor")
		if took := time.Since(start); doctor.status != exitDone || !strings.Contains(joinLines(doctor.stdout), want) || took > 2*detect.Patience {
			t.Errorf("%s: doctor took %v: %+v", how, took, doctor)
		}
		if how == "hangs" {
			continue // once is enough to wait for
		}
		if got := callWith(env, nil, ask("--gpu", "local")...); got.status != exitFailed || !strings.Contains(got.stderr, want) || got.stdout != "" {
			t.Errorf("%s: plan --gpu local: %+v", how, got)
		}
	}
	got := callWith(withSMI(t, "hangs after the devices"), nil, "gpus", "--local")
	if got.status != exitDone || !strings.Contains(got.stdout, "rtx-4090") || !strings.Contains(joinLines(got.stdout), "does not list processes: no answer in time") {
		t.Errorf("%+v", got)
	}
}

// joinLines undoes the wrapping of a table.
func joinLines(s string) string { return strings.Join(strings.Fields(s), " ") }

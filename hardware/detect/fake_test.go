package detect

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// fake is a machine made of files, programs and variables.
type fake struct {
	os       string
	env      map[string]string
	files    map[string]string
	programs map[string]func(ctx context.Context, args string) (string, error)
	nvml     func() (Machine, error)
}

func (f fake) system() System {
	s := System{
		OS: f.os, LookupEnv: func(k string) (string, bool) { v, ok := f.env[k]; return v, ok }, NVML: f.nvml, Now: time.Now,
		ReadFile: func(p string) ([]byte, error) {
			if text, ok := f.files[p]; ok {
				return []byte(text), nil
			}
			return nil, os.ErrNotExist
		},
		Glob: func(pattern string) (found []string, err error) {
			for p := range f.files {
				for ; p != "/"; p = filepath.Dir(p) {
					if ok, _ := filepath.Match(pattern, p); ok && !slices.Contains(found, p) {
						found = append(found, p)
					}
				}
			}
			slices.Sort(found)
			return found, nil
		},
		Find: func(names ...string) (string, bool) {
			for _, n := range names {
				if _, ok := f.programs[n]; ok {
					return n, true
				}
			}
			return "", false
		},
	}
	s.Run = func(ctx context.Context, program string, args ...string) ([]byte, error) {
		p, ok := f.programs[program]
		if !ok {
			return nil, os.ErrNotExist
		}
		out, err := p(ctx, strings.Join(args, " "))
		return []byte(out), err
	}
	if s.OS == "" {
		s.OS = "linux"
	}
	return s
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// smi is an nvidia-smi that answers from files.
func smi(t *testing.T, query, apps string, more map[string]string) map[string]func(context.Context, string) (string, error) {
	return map[string]func(context.Context, string) (string, error){
		"nvidia-smi": func(_ context.Context, args string) (string, error) {
			switch {
			case strings.HasPrefix(args, "--query-gpu"):
				return read(t, query), nil
			case strings.HasPrefix(args, "--query-compute-apps"):
				return read(t, apps), nil
			case args == "--version":
				return read(t, "smi_version.txt"), nil
			}
			if file, ok := more[args]; ok {
				return read(t, file), nil
			}
			return "", errors.New("exit status 1")
		},
	}
}

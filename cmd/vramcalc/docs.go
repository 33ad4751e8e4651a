package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/docblocks"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/hardware/detect"
	"github.com/vramcalc/vramcalc/presets"
)

// docsCommands are what a block may run: they only read.
var docsCommands = []string{"plan", "compare", "fit", "trace", "models", "gpus", "methods", "trainers", "validate"}

func newDocs(a *app) *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "docs [--check] FILE...",
		Short: "Refresh the tables that vramcalc made in documents",
		Long: "docs runs the vramcalc command of every block between a line\n" +
			"<!-- vramcalc:begin COMMAND --> and a line <!-- vramcalc:end --> and puts what it\n" +
			"writes between them (// and .. instead of <!-- in AsciiDoc and reST).",
		Example: "  vramcalc docs README.md\n  vramcalc docs --check README.md docs/*.md",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &usageError{"docs needs the documents to refresh", "for example vramcalc docs README.md"}
			}
			return nil
		},
		DisableFlagsInUseLine: true,
		RunE:                  func(_ *cobra.Command, args []string) error { return a.docs(args, check) },
	}
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; fail when a block is not what its command writes now")
	return cmd
}

func (a *app) docs(files []string, check bool) error {
	var stale []string
	for _, name := range files {
		old, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		fresh, err := docblocks.Refresh(name, old, func(command string) (string, error) { return a.block(name, command) })
		switch {
		case err != nil:
			return err
		case bytes.Equal(old, fresh):
		case check:
			stale = append(stale, name)
		default:
			if err := docblocks.Replace(name, fresh); err != nil {
				return err
			}
		}
	}
	if len(stale) > 0 {
		return &failure{errors.New("stale: " + strings.Join(stale, ", ")), "vramcalc docs " + strings.Join(stale, " ") + " refreshes them"}
	}
	return nil
}

// block runs one command in this process, without network and detection.
func (a *app) block(file, command string) (string, error) {
	args := strings.Fields(command)
	if !slices.Contains(docsCommands, args[0]) {
		return "", fmt.Errorf("not a command for documents: want one of %s", strings.Join(docsCommands, ", "))
	}
	format := render.Markdown
	switch strings.ToLower(filepath.Ext(file)) {
	case ".html", ".htm":
		format = render.HTML
	case ".adoc", ".asciidoc", ".rst":
		format = render.Table
	}
	env := a.env
	env.terminal = false
	env.getenv = func(string) string { return "" }
	env.local = func(context.Context) detect.Machine { return detect.Machine{} }
	env.models = func(_ context.Context, name string, _ func(string) string) (model.Model, error) {
		return presets.Model(name)
	}
	var out, errs bytes.Buffer
	// What the command says itself comes later and wins.
	args = slices.Concat(args[:1], []string{"-o", string(format)}, args[1:])
	if status := run(args, strings.NewReader(""), &out, &errs, env); status != exitDone {
		return "", errors.New(strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

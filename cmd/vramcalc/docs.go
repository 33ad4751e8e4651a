package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/docblocks"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/files"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/hardware/detect"
	"github.com/vramcalc/vramcalc/presets"
)

// docsCommands are what a block may run: they only read.
var docsCommands = []string{"plan", "compare", "fit", "trace", "models", "gpus", "methods", "trainers", "validate"}

// outsideFlags reach files, the machine or the future; a document may not.
var outsideFlags = []string{"svg", "chrome", "data", "watch", "observe", "local", "file", "save"}

// docsFlags are the flags of docs.
type docsFlags struct{ check, diff, force bool }

func newDocs(a *app) *cobra.Command {
	f := &docsFlags{}
	cmd := &cobra.Command{
		Use:   "docs [--check|--diff] FILE...",
		Short: "Refresh the tables that vramcalc made in documents",
		Long: "docs runs the vramcalc command of every block between a line\n" +
			"<!-- vramcalc:begin COMMAND --> and a line <!-- vramcalc:end --> and puts what it\n" +
			"writes between them (// and .. instead of <!-- in AsciiDoc and reST).",
		Example: "  vramcalc docs README.md\n  vramcalc docs --check README.md docs/*.md",
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case f.check && f.diff:
				return &usageError{"--check and --diff are two questions", "ask them one after the other"}
			case len(args) == 0:
				return &usageError{"docs needs the documents to refresh", "for example vramcalc docs README.md"}
			}
			return nil
		},
		DisableFlagsInUseLine: true,
		RunE:                  func(_ *cobra.Command, args []string) error { return a.docs(args, *f) },
	}
	cmd.Flags().BoolVar(&f.check, "check", false, "write nothing; fail when a block is not what its command writes now")
	cmd.Flags().BoolVar(&f.diff, "diff", false, "write nothing; show what would change")
	cmd.Flags().BoolVar(&f.force, "force", false, "replace blocks that were edited by hand too")
	return cmd
}

// document is a file before and after.
type document struct {
	name       string
	old, fresh []byte
}

// docs refreshes all documents before it writes the first.
func (a *app) docs(names []string, f docsFlags) error {
	var stale []document
	bar := a.progress("documents", len(names))
	for _, name := range names {
		d, err := a.refreshed(name, f.force)
		if err != nil {
			bar.end()
			return err
		}
		bar.step()
		if !bytes.Equal(d.old, d.fresh) {
			stale = append(stale, d)
		}
	}
	bar.end()
	for _, d := range stale {
		switch {
		case f.diff:
			fmt.Fprint(a.stdout, difference(d))
		case !f.check:
			if err := files.Write(d.name, d.fresh); err != nil {
				return err
			}
		}
	}
	if f.check && len(stale) > 0 {
		var list []string
		for _, d := range stale {
			list = append(list, d.name)
		}
		return &failure{errors.New("stale: " + strings.Join(list, ", ")), "vramcalc docs " + strings.Join(list, " ") + " refreshes them"}
	}
	return nil
}

func (a *app) refreshed(name string, force bool) (document, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return document{}, err
	case info.Size() > docblocks.MaxBytes: // before it is read
		return document{}, &docblocks.Error{File: name, Line: 1, Problem: fmt.Sprintf("%d bytes: larger than the %d that are read", info.Size(), docblocks.MaxBytes)}
	}
	old, err := readDocument(name)
	if err != nil {
		return document{}, err
	}
	fresh, err := docblocks.Refresh(name, old, force, func(command string) (string, error) { return a.block(name, command) })
	return document{name, old, fresh}, err
}

// readDocument reads no more than is taken: a device has no end.
func readDocument(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, docblocks.MaxBytes+1))
}

// difference is the lines that go and the lines that come, by stretch.
func difference(d document) string {
	old, fresh := strings.SplitAfter(string(d.old), "\n"), strings.SplitAfter(string(d.fresh), "\n")
	for len(old) > 0 && len(fresh) > 0 && old[len(old)-1] == fresh[len(fresh)-1] {
		old, fresh = old[:len(old)-1], fresh[:len(fresh)-1] // most of a long document stands behind its last block
	}
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", d.name, d.name)
	for len(old)+len(fresh) > 0 {
		same := 0
		for same < min(len(old), len(fresh)) && old[same] == fresh[same] {
			same++
		}
		old, fresh = old[same:], fresh[same:]
		gone, come := nextSame(old, fresh)
		for _, l := range old[:gone] {
			b.WriteString("-" + strings.TrimSuffix(l, "\n") + "\n")
		}
		for _, l := range fresh[:come] {
			b.WriteString("+" + strings.TrimSuffix(l, "\n") + "\n")
		}
		old, fresh = old[gone:], fresh[come:]
	}
	return b.String()
}

// nextSame is how many lines go and come before the two are the same again.
func nextSame(old, fresh []string) (gone, come int) {
	for gone = range old {
		if come = slices.Index(fresh, old[gone]); come >= 0 {
			return gone, come
		}
	}
	return len(old), len(fresh)
}

// block runs one command in this process, without network and detection.
func (a *app) block(file, command string) (string, error) {
	args, err := commandWords(command)
	if err != nil {
		return "", err
	}
	if !slices.Contains(docsCommands, args[0]) {
		return "", fmt.Errorf("not a command for documents: want one of %s", strings.Join(docsCommands, ", "))
	}
	format := render.Markdown
	switch docblocks.KindOf(file) {
	case docblocks.HTML:
		format = render.HTML
	case docblocks.AsciiDoc, docblocks.ReST:
		format = render.Table
	}
	env := a.env
	env.terminal, env.document = false, true
	env.getenv = func(string) string { return "" }
	env.local = func(context.Context) detect.Machine { return detect.Machine{} }
	env.models = func(_ context.Context, name string, _ func(string) string) (model.Model, error) {
		return presets.Model(name)
	}
	var out, errs bytes.Buffer
	// What the command says itself comes later and wins.
	args = slices.Concat(args[:1], []string{"-o", string(format)}, args[1:])
	switch status := run(args, strings.NewReader(""), &out, &errs, env); status {
	case exitDone, exitTooBig:
		return framed(docblocks.KindOf(file), formatOf(args), out.String()), nil
	}
	return "", errors.New(strings.TrimSpace(errs.String()))
}

// refuseOutside ends a command of a document that reaches beyond it.
func refuseOutside(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if slices.Contains(outsideFlags, f.Name) {
			err = &usageError{"--" + f.Name + " is not for documents", "leave it out"}
		}
	})
	return err
}

// commandWords parts a command at blanks; quotes keep words together.
func commandWords(command string) ([]string, error) {
	var words []string
	for rest := strings.TrimSpace(command); rest != ""; rest = strings.TrimSpace(rest) {
		end := " "
		if rest[0] == '"' || rest[0] == '\'' {
			end, rest = rest[:1], rest[1:]
		}
		word, after, closed := strings.Cut(rest, end)
		if end != " " && !closed {
			return nil, errors.New("a quote without its end")
		}
		words, rest = append(words, word), after
	}
	return words, nil
}

// formatOf is the output format that the words of a command end up with.
func formatOf(args []string) (format string) {
	for i, a := range args {
		if value, ok := strings.CutPrefix(a, "--output="); ok {
			format = value
		} else if (a == "-o" || a == "--output") && i+1 < len(args) {
			format = args[i+1]
		} else if value, ok := strings.CutPrefix(a, "-o"); ok && value != "" {
			format = strings.TrimPrefix(value, "=")
		}
	}
	return format
}

// framed is output as a piece of a document: what is no markup of its own
// stands as it is.
func framed(kind docblocks.Kind, format, text string) string {
	switch {
	case kind == docblocks.HTML && format == string(render.HTML):
		_, text, _ = strings.Cut(text, "<body>\n")
		text, _, _ = strings.Cut(text, "</body>")
		return text
	case kind == docblocks.HTML:
		return "<pre>\n" + htmlEscaper.Replace(text) + "</pre>\n"
	case kind == docblocks.AsciiDoc:
		return "----\n" + text + "----\n"
	case kind == docblocks.ReST:
		return "::\n\n    " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n    ") + "\n"
	case format == string(render.Markdown):
		return text
	}
	return "```text\n" + text + "```\n"
}

var htmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

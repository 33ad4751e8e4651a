package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/vramcalc/vramcalc/cmd/internal/answer"
)

// root is the repository, seen from this package.
const root = "../.."

// shipped is the program as users have it, away from the network.
func shipped() environment {
	return environment{
		local:  noGPU,
		engine: answer.Estimator,
		models: presetOnly,
	}
}

// TestDocsAreFresh holds what vramcalc wrote into the project's documents
// against what it writes now.
func TestDocsAreFresh(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"docs", "--check"}
	if *update {
		args = []string{"docs", "--force"}
	}
	args = append(append(args, names...), filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md"))
	if got := callWith(shipped(), nil, args...); got.status != exitDone {
		t.Errorf("%s (make golden refreshes them)", got.stderr)
	}
}

// TestCommandReference makes docs/commands.md of what --help says.
func TestCommandReference(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Commands\n\nMade of what `--help` says; `make golden` refreshes it.\n")
	var each func(*cobra.Command)
	each = func(cmd *cobra.Command) {
		if cmd.HasParent() {
			help := callWith(shipped(), nil, append(strings.Fields(cmd.CommandPath())[1:], "--help")...).stdout
			b.WriteString("\n## " + cmd.CommandPath() + "\n\n```text\n" + help + "```\n")
		}
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				each(c)
			}
		}
	}
	each(newRoot(&app{env: shipped()}))
	goldenFile(t, filepath.Join(root, "docs", "commands.md"), b.String())
}

// docs writes a document and runs docs on it.
func docs(t *testing.T, name, text string, flags ...string) (result, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	got := callWith(shipped(), nil, append(append([]string{"docs"}, flags...), file)...)
	after, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("permissions became %v, %v", info.Mode(), err)
	}
	return got, string(after)
}

const (
	blockBegin = "<!-- vramcalc:begin methods -->\n"
	blockEnd   = "<!-- vramcalc:end -->\n"
)

func TestDocsInEveryKindOfDocument(t *testing.T) {
	for name, c := range map[string]struct{ begin, end, want string }{
		"a.md":   {blockBegin, blockEnd, "| qlora"},
		"b.md":   {"<!-- vramcalc:begin methods -o table -->\n", blockEnd, "```text\n"},
		"a.html": {blockBegin, blockEnd, "<td>qlora"},
		"b.html": {"<!-- vramcalc:begin methods -o csv -->\n", blockEnd, "<pre>\n"},
		"a.adoc": {"// vramcalc:begin methods\n", "// vramcalc:end\n", "----\n"},
		"a.rst":  {".. vramcalc:begin methods\n", ".. vramcalc:end\n", "::\n\n      method"},
	} {
		got, text := docs(t, name, "before\n"+c.begin+c.end+"after")
		if got.status != exitDone || !strings.Contains(text, c.want) || !strings.HasPrefix(text, "before\n") || !strings.HasSuffix(text, "after") ||
			strings.Contains(text, "<!doctype") {
			t.Errorf("%s: %+v\n%s", name, got, text)
		}
		if again, same := docs(t, name, text, "--check"); again.status != exitDone || same != text {
			t.Errorf("%s is not idempotent: %+v", name, again)
		}
	}
}

func TestDocsCheckAndDiffWriteNothing(t *testing.T) {
	const stale = blockBegin + "old\n" + blockEnd
	if got, text := docs(t, "a.md", stale, "--check"); got.status != exitFailed || text != stale || !strings.Contains(got.stderr, "stale: ") {
		t.Errorf("--check: %+v", got)
	}
	got, text := docs(t, "a.md", stale, "--diff")
	if got.status != exitDone || text != stale || !strings.Contains(got.stdout, "\n-old\n") || !strings.Contains(got.stdout, "\n+| ") {
		t.Errorf("--diff: %+v", got)
	}
}

// TestDifference: what goes and what comes, and no line that stays.
func TestDifference(t *testing.T) {
	for _, c := range []struct{ old, fresh, want string }{
		{"a\nb\nc\n", "a\nx\nc\n", "-b\n+x\n"},
		{"a\n\nc\n\ne", "a\nb\n\ne", "-\n-c\n+b\n"},
		{"a\n", "a\nb\n", "+b\n"},
		{"a\nx\nb\ny\nc", "a\nb\nc", "-x\n-y\n"},
		{"x\nx\n", "x\n", "-x\n"},
	} {
		got := difference(document{"f", []byte(c.old), []byte(c.fresh)})
		if got != "--- f\n+++ f\n"+c.want {
			t.Errorf("%q to %q: %q, want %q", c.old, c.fresh, got, c.want)
		}
	}
}

func TestDocsRefuse(t *testing.T) {
	for command, want := range map[string]string{
		"web":           "not a command for documents",
		"docs x":        "not a command for documents",
		"completion sh": "not a command for documents",
		"plan --model llama-7b --method lora --watch 1":   "--watch is not for documents",
		"trace --model gpt2 --method lora --svg x.svg":    "--svg is not for documents",
		"plan --model nobody/knows-this --method lora":    "unknown model",
		"plan --model /etc/passwd --method lora":          "unknown model",
		"plan --model llama-7b --method lora --gpu local": "no GPU found",
		"gpus --local":     "--local is not for documents",
		"plan --model 'll": "a quote without its end",
	} {
		text := "<!-- vramcalc:begin " + command + " -->\n" + blockEnd
		got, after := docs(t, "a.md", text)
		if got.status != exitFailed || !strings.Contains(got.stderr, want) || !strings.Contains(got.stderr, "a.md:1: ") || after != text {
			t.Errorf("%s: %+v", command, got)
		}
	}
}

// TestDocsWithoutEnd: what has no end is not read into all the memory.
func TestDocsWithoutEnd(t *testing.T) {
	if _, err := os.Stat("/dev/zero"); err != nil {
		t.Skip("no /dev/zero here")
	}
	link := filepath.Join(t.TempDir(), "a.md")
	if err := os.Symlink("/dev/zero", link); err != nil {
		t.Skip("no links here")
	}
	if got := callWith(shipped(), nil, "docs", link); got.status != exitFailed || !strings.Contains(got.stderr, "a.md:1: ") {
		t.Errorf("%+v", got)
	}
}

// TestDocsWriteAllOrNone: an error in the second document leaves the first.
func TestDocsWriteAllOrNone(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "a.md"), filepath.Join(dir, "b.md")
	for name, text := range map[string]string{first: blockBegin + blockEnd, second: blockBegin} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := callWith(shipped(), nil, "docs", first, second); got.status != exitFailed {
		t.Errorf("%+v", got)
	}
	if text, _ := os.ReadFile(first); string(text) != blockBegin+blockEnd {
		t.Errorf("the first was written: %s", text)
	}
}

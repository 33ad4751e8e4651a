package main

import (
	"strings"
	"testing"
)

// TestCompletionNamesTheCommands: each shell's script asks this program, which
// answers with every command.
func TestCompletionNamesTheCommands(t *testing.T) {
	for shell, marker := range map[string]string{
		"bash": "complete -o default", "zsh": "#compdef " + programName,
		"fish": "complete -c " + programName, "powershell": "Register-ArgumentCompleter",
	} {
		got := call(t, false, nil, "completion", shell)
		for _, want := range []string{marker, "__complete"} {
			if got.status != exitDone || !strings.Contains(got.stdout, want) {
				t.Errorf("completion %s has no %q: status %d, %s", shell, want, got.status, got.stderr)
			}
		}
	}
	answer := call(t, false, nil, "__complete", "").stdout
	for _, c := range newRoot(&app{}).Commands() {
		if c.IsAvailableCommand() && !strings.Contains("\n"+answer, "\n"+c.Name()+"\t") {
			t.Errorf("%s is not among the completions:\n%s", c.Name(), answer)
		}
	}
}

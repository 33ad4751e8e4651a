package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
	"github.com/vramcalc/vramcalc/validation/residuals"
)

// dataFolder is where the measured rows lie in the repository: they are not
// part of the program.
const dataFolder = "validation"

func newValidate(a *app) *cobra.Command {
	var data string
	worst := int64(10)
	cmd := &cobra.Command{
		Use:   "validate [flags]",
		Short: "Hold the estimates against measured steps",
		Long: "validate estimates every measured step of the repository and shows how far off\n" +
			"it is: references that PyTorch itself gives, runs that others published, and\n" +
			"runs on a GPU of your own. -o wide, markdown and html show every grouping.",
		Example: "  vramcalc validate\n" +
			"  vramcalc validate --worst 30 -o markdown\n" +
			"  vramcalc validate --data ../vramcalc/validation -o json",
		Args:                  noArguments,
		DisableFlagsInUseLine: true,
		RunE:                  func(*cobra.Command, []string) error { return a.validate(data, int(worst)) },
	}
	cmd.Flags().SortFlags = false
	to := flagAdder{cmd, "Measured steps"}
	to.add(question.Word{Word: &data}, "data", "`folder` of measured steps (default: "+dataFolder+" here or above)", nil)
	to.add(question.Count{N: &worst}, "worst", "show the `n` rows furthest off, with what is known to be different", nil)
	return cmd
}

func (a *app) validate(folder string, worst int) error {
	if folder == "" {
		found, err := findData()
		if err != nil {
			return err
		}
		folder = found
	}
	rows, err := residuals.Read(os.DirFS(folder))
	if err != nil {
		return &failure{fmt.Errorf("--data %s: %w", folder, err), "name the folder " + dataFolder + " of a clone of the repository"}
	}
	bar := a.progress("measured steps", rows.Len())
	judged := residuals.JudgeEach(rows, bar.step)
	bar.end()
	return a.write(render.Accuracy{Summary: residuals.Summarize(judged, worst)})
}

// findData looks for the folder of measured steps, here and then above.
func findData() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		folder := filepath.Join(dir, dataFolder)
		if _, err := os.Stat(filepath.Join(folder, "torch", "references")); err == nil {
			return folder, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", &failure{errors.New("no folder " + dataFolder + " with measured steps here or above"), "run it in a clone of the repository, or name the folder with --data"}
		}
		dir = up
	}
}

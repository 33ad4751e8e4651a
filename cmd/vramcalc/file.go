package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/files"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/requestfile"
	"github.com/vramcalc/vramcalc/estimator/spelling"
)

// takesFile gives a command the flag --file: settings in YAML, which flags on
// the command line override.
func takesFile(cmd *cobra.Command) {
	name := cmd.Flags().StringP("file", "f", "", "read settings from this `file`: YAML, a flag's name is a key (-: standard input)")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if *name == "" {
			return nil
		}
		return applyFile(cmd, *name)
	}
}

// applyFile sets the flags that a file names and the command line does not.
func applyFile(cmd *cobra.Command, name string) error {
	list, err := readFile(cmd.InOrStdin(), name)
	if err != nil {
		return err
	}
	said := map[string]bool{}
	cmd.Flags().Visit(func(f *pflag.Flag) { said[f.Name] = true })
	said["micro-batch"] = said["micro-batch"] || said["batch-size"] // two names of one setting
	said["batch-size"] = said["micro-batch"]
	for _, e := range list {
		at := fmt.Sprintf("%s:%d: ", name, e.Line)
		flag := cmd.Flags().Lookup(e.Key)
		if flag == nil || !isSetting(flag) {
			return &usageError{at + fmt.Sprintf("unknown key %q", e.Key), question.DidYouMean(spelling.Near(e.Key, settingNames(cmd)), fmt.Sprintf("the keys are the flags of %q", cmd.CommandPath()+" --help"))}
		}
		if said[e.Key] {
			continue
		}
		if err := cmd.Flags().Set(e.Key, e.Value); err != nil {
			problem, hint, _ := describe(flagError(cmd, err))
			return &usageError{at + problem, hint}
		}
	}
	return nil
}

func readFile(stdin io.Reader, name string) ([]requestfile.Entry, error) {
	if name == "-" {
		return wrapped(requestfile.Read("standard input", stdin))
	}
	r, err := os.Open(name)
	if err != nil {
		return nil, &failure{fmt.Errorf("--file: %w", err), "plan --save writes such a file"}
	}
	defer r.Close()
	return wrapped(requestfile.Read(name, r))
}

// wrapped makes a file that says nonsense a question that makes none.
func wrapped(list []requestfile.Entry, err error) ([]requestfile.Entry, error) {
	if err != nil {
		return nil, &usageError{err.Error(), "plan --save writes such a file"}
	}
	return list, nil
}

// isSetting says whether a flag is part of what is asked.
func isSetting(f *pflag.Flag) bool {
	return len(f.Annotations[groupKey]) > 0 && !slices.Contains(outsideFlags, f.Name)
}

func settingNames(cmd *cobra.Command) (names []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if isSetting(f) {
			names = append(names, f.Name)
		}
	})
	return names
}

// save writes the settings that were said as a request file.
func (a *app) save(cmd *cobra.Command, name string) error {
	var list []requestfile.Entry
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if isSetting(f) {
			list = append(list, requestfile.Entry{Key: f.Name, Value: f.Value.String()})
		}
	})
	if len(list) == 0 {
		return &usageError{"--save: no setting was given", "for example --model llama-7b --method qlora --save"}
	}
	text, err := requestfile.Write("vramcalc "+cmd.Name()+" -f FILE reads this; flags override it.", list)
	switch {
	case err != nil:
		return errors.Join(errors.New("--save"), err)
	case name == "-":
		_, err = a.stdout.Write(text)
		return err
	}
	return files.Write(name, text)
}

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/vramcalc/vramcalc/estimator/methods"
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/estimator/sweep"
)

// settingLists are the values that settings take, by flag.
type settingLists map[string][]string

// listValue is a list of one setting's values, comma-separated or by
// repeating the flag. Each must be one that the flag would take alone.
type listValue struct {
	lists settingLists
	name  string
	one   pflag.Value
}

func (v listValue) Set(s string) error {
	var values []string
	if err := (wordsValue{&values}).Set(s); err != nil {
		return err
	}
	for _, w := range values {
		if err := v.one.Set(w); err != nil {
			return err
		}
		if slices.Contains(v.lists[v.name], w) {
			return &usageError{fmt.Sprintf("%s is given twice", w), "give each value once"}
		}
		v.lists[v.name] = append(v.lists[v.name], w)
	}
	return nil
}

func (v listValue) Type() string { return "list" }

func (v listValue) String() string { return strings.Join(v.lists[v.name], ",") }

// word adds a flag of one word, or of a list of words.
func (f *requestFlags) word(to flagAdder, w *string, name, usage string, complete func() []string) {
	one := wordValue{w, nil}
	if f.lists == nil || !takesList(name) {
		to.add(one, name, usage, complete)
		return
	}
	if values := closed(name, complete); values != nil {
		one.values = values
	}
	to.add(listValue{f.lists, name, one}, name, usage, complete)
}

// count adds a flag of one whole number, or of a list of them.
func (f *requestFlags) count(to flagAdder, n *int64, name, usage string) {
	if f.lists == nil || !takesList(name) {
		to.add(countValue{n}, name, usage, nil)
		return
	}
	to.add(listValue{f.lists, name, countValue{n}}, name, usage, nil)
}

// takesList says whether a setting may have several values.
func takesList(name string) bool {
	return name == "model" || name == "batch-size" || slices.Contains(sweep.Settings(), name)
}

// closed are the values of a setting that takes no others, so that a slip is
// an error and not a table of refusals.
func closed(name string, values func() []string) []string {
	if name == "model" || name == "trainer" { // files and versions are names too
		return nil
	}
	return values()
}

// settle completes the lists: what was not said takes the given values, and
// --batch-size is another name of --micro-batch. A setting of one value goes
// into the request, and those of several are returned as axes.
func (f *requestFlags) settle(ctx context.Context, a *app, otherwise settingLists) ([]sweep.Axis, error) {
	batch, micro := f.lists["batch-size"], f.lists["micro-batch"]
	if len(batch) > 0 && len(micro) > 0 && !slices.Equal(batch, micro) {
		return nil, &usageError{
			fmt.Sprintf("--micro-batch %s and --batch-size %s contradict each other", strings.Join(micro, ","), strings.Join(batch, ",")),
			"they are two names of one setting: give one of them",
		}
	}
	if len(batch) > 0 {
		f.lists["micro-batch"] = batch
	}
	f.batchSize = 0
	var axes []sweep.Axis
	if len(f.lists["model"]) > 1 {
		models, err := f.models(ctx, a)
		if err != nil {
			return nil, err
		}
		axes = append(axes, sweep.Models(models...))
	}
	for _, setting := range sweep.Settings() {
		values := f.lists[setting]
		if len(values) == 0 {
			values = otherwise[setting]
		}
		if len(values) == 0 {
			continue
		}
		axis, err := sweep.NewAxis(setting, values...)
		if err != nil {
			return nil, &usageError{"--" + err.Error(), ""}
		}
		axis.Apply(&f.request, 0)
		if len(values) > 1 {
			axes = append(axes, axis)
		}
	}
	return axes, nil
}

// models finds every model that was named.
func (f *requestFlags) models(ctx context.Context, a *app) ([]model.Model, error) {
	var found []model.Model
	seen := map[string]string{}
	for _, name := range f.lists["model"] {
		m, err := a.env.models(ctx, name, a.env.getenv)
		if err != nil {
			return nil, err
		}
		if other, ok := seen[m.ID]; ok {
			return nil, &usageError{fmt.Sprintf("--model %s and %s are the same model, %s", other, name, m.ID), "name it once"}
		}
		seen[m.ID] = name
		found = append(found, m)
	}
	return found, nil
}

// adapterMethods says whether any of the methods saves an adapter.
func adapterMethods(ids []string) bool {
	return slices.ContainsFunc(ids, func(id string) bool {
		m, _ := methods.Get(id)
		return m.Adapter
	})
}

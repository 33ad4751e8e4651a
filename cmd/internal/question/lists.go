package question

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/estimator/sweep"
)

// Lists are the values of the settings that take several, by setting.
type Lists map[string][]string

// listed is a list of one setting's values, comma-separated or by repeating
// the flag; each is one that the setting takes alone.
type listed struct {
	lists Lists
	name  string
	one   Value
}

func (v listed) Set(s string) error {
	var values []string
	if err := (Words{&values}).Set(s); err != nil {
		return err
	}
	for _, w := range values {
		if err := v.one.Set(w); err != nil {
			return err
		}
		if slices.Contains(v.lists[v.name], w) {
			return &UsageError{w + " is given twice", "give each value once"}
		}
		v.lists[v.name] = append(v.lists[v.name], w)
	}
	return nil
}

func (v listed) Type() string { return "list" }

func (v listed) String() string { return strings.Join(v.lists[v.name], ",") }

// Settings are those of q, with lists where several values can be compared.
func (l Lists) Settings(q *Question) []Setting {
	all := q.Settings()
	for i, s := range all {
		// Models and trainers have other names than those listed: files and
		// versions. Elsewhere a slip is an error, not a column of refusals.
		if w, ok := s.Value.(Word); ok && s.Name != "model" && s.Name != "trainer" {
			s.Value = Word{w.Word, s.Values()}
		}
		if s.Name == "model" || s.Name == "batch-size" || slices.Contains(sweep.Settings(), s.Name) {
			s.Value = listed{l, s.Name, s.Value}
		}
		all[i].Value = s.Value
	}
	return all
}

// Axes are the settings with several values; one value goes into the question
// itself. What was not said takes its values from otherwise.
func (l Lists) Axes(q *Question, otherwise Lists, find func(name string) (model.Model, error)) ([]sweep.Axis, error) {
	batch, micro := l["batch-size"], l["micro-batch"]
	if len(batch) > 0 && len(micro) > 0 && !slices.Equal(batch, micro) {
		return nil, &UsageError{
			fmt.Sprintf("--micro-batch %s and --batch-size %s contradict each other", strings.Join(micro, ","), strings.Join(batch, ",")),
			"they are two names of one setting: give one of them",
		}
	}
	if len(batch) > 0 {
		l["micro-batch"] = batch
	}
	q.BatchSize = 0
	var axes []sweep.Axis
	if len(l["model"]) > 1 {
		models, err := l.models(find)
		if err != nil {
			return nil, err
		}
		axes = append(axes, sweep.Models(models...))
	}
	for _, setting := range sweep.Settings() {
		values := l[setting]
		if len(values) == 0 {
			values = otherwise[setting]
		}
		if len(values) == 0 {
			continue
		}
		axis, err := sweep.NewAxis(setting, values...)
		if err != nil {
			return nil, err
		}
		axis.Apply(&q.Request, 0)
		if len(values) > 1 {
			axes = append(axes, axis)
		}
	}
	return axes, nil
}

// models finds every model that was named.
func (l Lists) models(find func(name string) (model.Model, error)) ([]model.Model, error) {
	var found []model.Model
	names := map[string]string{}
	for _, name := range l["model"] {
		m, err := find(name)
		if err != nil {
			return nil, err
		}
		if other, ok := names[m.ID]; ok {
			return nil, &UsageError{fmt.Sprintf("--model %s and %s are one model, %s", other, name, m.ID), "name it once"}
		}
		names[m.ID] = name
		found = append(found, m)
	}
	return found, nil
}

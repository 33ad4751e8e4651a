// Package page answers what the web page asks: the plan's JSON, byte for byte
// that of the command line, and the same numbers ready to be drawn, each with
// its words and its place in percent, so that the page computes nothing.
package page

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/presets"
	"github.com/vramcalc/vramcalc/presets/hfconfig"
)

// Said is what the page's user said: settings by name, in order, and the text
// of a config.json where one was dropped or fetched.
type Said struct {
	Settings [][2]string
	Config   string // the text of config.json; empty: the model is a preset
	Hub      bool   // Config was fetched from the Hub: the model's name is a repository
}

// longestValue is the longest value of a setting that is looked at.
const longestValue = 1 << 12

// read sets a question.
func (s Said) read() (*question.Question, error) {
	q := &question.Question{}
	settings := map[string]question.Value{}
	for _, one := range q.Settings() {
		settings[one.Name] = one.Value
	}
	seen := map[string]bool{}
	for _, said := range s.Settings {
		name, value := said[0], said[1]
		set, ok := settings[name]
		switch {
		case !ok:
			return nil, &question.UsageError{Problem: fmt.Sprintf("unknown setting %s", quoted(name)), Hint: "leave it out; the page's controls are all there is"}
		case seen[name]:
			return nil, &question.UsageError{Problem: fmt.Sprintf("--%s is said twice", name), Hint: "say it once"}
		case len(value) > longestValue:
			return nil, &question.UsageError{Problem: fmt.Sprintf("--%s is longer than %d letters", name, longestValue), Hint: "shorten it"}
		}
		seen[name] = true
		if err := set.Set(value); err != nil {
			problem, hint, _ := question.Describe(err)
			return nil, &question.UsageError{Problem: fmt.Sprintf("--%s %s: %s", name, quoted(value), problem), Hint: hint}
		}
	}
	return q, nil
}

// quoted is the beginning of a word in quotes.
func quoted(s string) string {
	const most = 60
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}

// asked is a question made ready for the engine.
type asked struct {
	request estimator.Request
	devices []estimator.Device
	common  bool // nobody named a GPU
}

func (s Said) ask() (asked, error) {
	q, err := s.read()
	if err != nil {
		return asked{}, err
	}
	r, err := q.Build(s.model)
	if err != nil {
		return asked{}, err
	}
	a := asked{request: r, common: len(q.GPUs) == 0}
	names := q.GPUs
	if a.common {
		names = question.CommonCards
	}
	a.devices, err = question.Devices(names, q.Request.Device.Count, device)
	return a, err
}

// device refuses the one name that needs a machine.
func device(name string) ([]estimator.Device, error) {
	if name == question.Local {
		return nil, &question.UsageError{Problem: "--gpu local: a web page cannot look for GPUs", Hint: "name the card, such as rtx-4090, or use the command line"}
	}
	return question.PresetDevice(name)
}

// model is a preset, or what the config.json describes.
func (s Said) model(name string) (model.Model, error) {
	if s.Config == "" {
		m, err := presets.Model(name)
		if err != nil && (strings.Contains(name, "/") || strings.HasSuffix(name, ".json")) {
			problem, hint, _ := question.Describe(err) // a link that says so came without its config.json
			err = &question.UsageError{Problem: problem, Hint: hint + "; or open, drop or fetch its config.json, which no link has with it"}
		}
		return m, err
	}
	m, err := hfconfig.Read(strings.NewReader(s.Config), name)
	if err == nil && s.Hub {
		m.HubID, m.Source = name, "config.json of https://huggingface.co/"+name
	}
	return m, err
}

// Plan is the JSON of "vramcalc plan -o json" for the same settings.
func (s Said) Plan(explain bool) (string, error) {
	a, err := s.ask()
	if err != nil {
		return "", err
	}
	plan, err := answer.Estimator.Plan(a.request, a.devices, a.common, explain)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = answer.WriteJSON(&b, plan.Data())
	return b.String(), err
}

// Explain derives the numbers of the answer in focus.
func (s Said) Explain() ([]estimator.Derivation, error) {
	a, err := s.ask()
	if err != nil {
		return nil, err
	}
	plan, err := answer.Estimator.Plan(a.request, a.devices, a.common, true)
	if err != nil {
		return nil, err
	}
	return plan.Answers[plan.Focus].Derivations, nil
}

// Problem is an error for the page.
type Problem struct {
	Problem string `json:"problem"`
	Hint    string `json:"hint"`
}

// NewProblem parts an error.
func NewProblem(err error) Problem {
	problem, hint, _ := question.Describe(err)
	return Problem{problem, hint}
}

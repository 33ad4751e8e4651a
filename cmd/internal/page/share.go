package page

import (
	"strings"

	"github.com/vramcalc/vramcalc/estimator"
)

// Command is the command line that asks the same.
func (s Said) Command() (string, error) {
	if _, err := s.read(); err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("vramcalc plan")
	for _, one := range s.Settings {
		b.WriteString(" --" + one[0])
		if one[0] == "double-quant" || one[0] == "rslora" {
			b.WriteString("=" + one[1])
			continue
		}
		b.WriteString(" " + shellWord(one[1]))
	}
	return b.String(), nil
}

// shellWord quotes a word for a POSIX shell where it needs it.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_./@:,+-", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Markdown is the answer as a table for a document.
func (s Said) Markdown() (string, error) {
	v, err := s.View()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	line := func(cells ...string) {
		for i, c := range cells {
			cells[i] = strings.ReplaceAll(strings.ReplaceAll(c, "|", `\|`), "\n", " ")
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	b.WriteString(strings.Join(v.Question, " · ") + "\n\n")
	line(v.Verdict.GPU, "")
	line("---", "---:")
	line("verdict", verdictWord(v.Verdict.State))
	line("needs", v.Verdict.Needs)
	line("has", v.Verdict.Capacity)
	line("90 % band", v.Bar.LowText+" to "+v.Bar.HighText)
	if v.Verdict.Tokens != "" {
		line("tokens/s", v.Verdict.Tokens)
	}
	for _, p := range v.Bar.Parts {
		line(strings.ReplaceAll(p.Key, "_", " "), p.Text)
	}
	return b.String(), nil
}

func verdictWord(state string) string {
	switch state {
	case estimator.Fits:
		return "fits"
	case "tight":
		return "fits tightly"
	case "too-tight":
		return "too tight"
	case "too-big":
		return "does not fit"
	}
	return "not known"
}

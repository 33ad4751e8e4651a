package page

import (
	"slices"
	"strings"
	"testing"
)

// TestChangesAreTheirAnswers presses each suggestion: what it promises is the
// answer that comes then.
func TestChangesAreTheirAnswers(t *testing.T) {
	pressed := 0
	for _, question := range []string{
		"model pythia-2.8b method full gpu arc-a770-16gb", "model llama-7b method lora gpu rtx-4090", "model qwen2.5-7b method dora gpu h100 lora-dropout 0.1 rslora true",
		"model qwen2-7b method freeze gpu rtx-2080-ti trainable-layers 1", "model llama-7b method qlora gpu t4 quant int8", "model gpt2 method full gpu rtx-4060 precision fp32 weights-dtype float32",
	} {
		words := strings.Fields(question)
		said := Said{}
		for i := 0; i < len(words); i += 2 {
			said.Settings = append(said.Settings, [2]string{words[i], words[i+1]})
		}
		v, err := said.View()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range v.Changes {
			after, err := said.with(c.Settings).View()
			switch pressed++; {
			case err != nil:
				t.Errorf("%s, then %s: %v", question, c.Flags, err)
			case after.Verdict.Needs != c.Needs || c.Fits != (after.Verdict.State == "fits" || after.Verdict.State == "tight"):
				t.Errorf("%s, then %s: promised is %s, fits %t; the answer is %s, %s", question, c.Flags, c.Needs, c.Fits, after.Verdict.Needs, after.Verdict.State)
			}
		}
	}
	if pressed < 20 {
		t.Errorf("only %d suggestions", pressed)
	}
}

// with says some settings anew, as the page's buttons do; an empty one is taken back.
func (s Said) with(settings [][2]string) Said {
	for _, one := range settings {
		s.Settings = slices.DeleteFunc(slices.Clone(s.Settings), func(other [2]string) bool { return other[0] == one[0] })
		if one[1] != "" {
			s.Settings = append(s.Settings, one)
		}
	}
	return s
}

// TestMethodsAreTheirAnswers presses each method: its row is the answer that
// comes then, and the row of the method that was asked is the answer already.
func TestMethodsAreTheirAnswers(t *testing.T) {
	for _, settings := range [][][2]string{
		{{"model", "llama-7b"}, {"method", "qlora"}, {"gpu", "h100"}, {"quant", "int8"}, {"lora-rank", "32"}},
		{{"model", "qwen2.5-0.5b"}, {"method", "freeze"}, {"gpu", "h100"}, {"trainable-layers", "4"}, {"optimizer", "sgd"}},
		{{"model", "llama-7b"}, {"gpu", "rtx-4090"}, {"method", "dora"}, {"lora-targets", "all-linear"}, {"adapter-dtype", "float32"}, {"weights-dtype", "float16"}},
	} {
		said := Said{Settings: settings}
		v, err := said.View()
		if err != nil {
			t.Fatal(err)
		}
		rows, err := said.Methods(v.Verdict.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			after, err := said.with(r.Settings).View()
			switch {
			case err != nil:
				if r.State != "refused" || r.Reason != NewProblem(err).Problem {
					t.Errorf("%v, then %s: %v, the row says %s %s", settings, r.ID, err, r.State, r.Reason)
				}
			case after.Verdict.Needs != r.Needs || after.Verdict.State != r.State:
				t.Errorf("%v, then %s: the row says %s, %s, the answer is %s, %s", settings, r.ID, r.Needs, r.State, after.Verdict.Needs, after.Verdict.State)
			}
			if strings.Contains(strings.Join(v.Question, " "), r.ID+" r=") && r.Needs != v.Verdict.Needs {
				t.Errorf("%v: the row of %s says %s, the answer above %s", settings, r.ID, r.Needs, v.Verdict.Needs)
			}
		}
	}
}

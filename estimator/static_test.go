package estimator_test

import (
	"strings"
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/program"
	"github.com/vramcalc/vramcalc/validation/published"
)

// staticParts are the bytes that a program holds between two steps.
func staticParts(p program.Program) map[string]int64 {
	parts := map[string]int64{}
	for i := range p.Params {
		q := &p.Params[i]
		if q.Buffer && q.Cat == program.Weights {
			continue // rotary tables and masks are no weights
		}
		q.EachTensor(func(bytes int64, cat program.Category) { parts[cat.String()] += bytes * q.Count })
	}
	for i := range p.Storages {
		if s := &p.Storages[i]; s.Kind == program.State {
			parts[s.Cat.String()] += s.Bytes
		}
	}
	return parts
}

// different are rows whose run did something that the settings do not say.
func different(id, part string) string {
	switch {
	case part == "optimizer_states" && strings.Contains(id, "-full-foak"):
		return "the Triton RMSNorm of the run gave the norms no gradient, so they have no states"
	case part != "adapters" && strings.Contains(id, "baseline-peft-bnb"):
		return "the run cast only the norms to float32, not embedding and head"
	}
	return ""
}

// TestPublishedStaticBytes holds weights, quantization constants, adapters and
// optimizer states against runs whose figures are known to the byte.
func TestPublishedStaticBytes(t *testing.T) {
	rows, err := published.Statics()
	if err != nil {
		t.Fatal(err)
	}
	exact := 0
	for _, row := range rows {
		if row.ToleranceBytes != 0 || row.Parts == nil {
			continue
		}
		req, err := row.Request.Estimator()
		if err != nil {
			t.Fatalf("%s: %v", row.ID, err)
		}
		s, err := estimator.ReadShape(req)
		if err != nil {
			t.Fatalf("%s: %v", row.ID, err)
		}
		ours := staticParts(s.Program)
		same := true
		for _, part := range []string{"weights", "quantization_constants", "adapters", "optimizer_states"} {
			if why := different(row.ID, part); why != "" && ours[part] != row.Parts[part] {
				same = false
				t.Logf("%s: %s: %s", row.ID, part, why)
				continue
			}
			if ours[part] != row.Parts[part] {
				same = false
				t.Errorf("%s: %s are %d bytes, the run had %d (difference %d)", row.ID, part, ours[part], row.Parts[part], ours[part]-row.Parts[part])
			}
		}
		if same {
			exact++
		}
	}
	if exact < 20 {
		t.Errorf("only %d runs agree to the byte", exact)
	}
	t.Logf("%d runs agree to the byte", exact)
}

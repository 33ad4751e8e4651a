package page

import (
	"errors"
	"slices"
	"testing"

	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/presets"
)

// TestGPUsThatRefuse: cards that refuse the settings stand in the table too, last
// in every order.
func TestGPUsThatRefuse(t *testing.T) {
	engine := answer.Estimator
	defer func() { answer.Estimator = engine }()
	answer.Estimator.Estimate = func(r estimator.Request, devices []estimator.Device) ([]estimator.Report, []error) {
		reports, errs := engine.Estimate(r, devices)
		for i, d := range devices {
			if !d.GPU.SupportsBF16 {
				reports[i], errs[i] = estimator.Report{}, errors.New("no bfloat16")
			}
		}
		return reports, errs
	}
	rows, err := Said{Settings: [][2]string{{"model", "llama-7b"}, {"method", "lora"}}}.GPUs()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(presets.GPUs()) {
		t.Errorf("%d rows for %d GPUs", len(rows), len(presets.GPUs()))
	}
	refused := 0
	for _, r := range rows {
		if r.State == "refused" {
			refused++
		}
	}
	if refused == 0 {
		t.Fatal("no GPU refuses")
	}
	for _, r := range rows {
		last := slices.Min(r.Order[:]) >= len(rows)-refused
		if refuses := r.State == "refused"; refuses != (r.Reason != "") || refuses && !last {
			t.Errorf("%s: %s, %q, at %v of %d", r.ID, r.State, r.Reason, r.Order, len(rows))
		}
	}
}

package published

import (
	"fmt"
	"os"
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
)

// TestRows reads every row and checks that it is usable.
func TestRows(t *testing.T) {
	rows, err := Runs()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 150 {
		t.Errorf("%d runs, want at least 150", len(rows))
	}
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r.ID] {
			t.Errorf("%s: twice", r.ID)
		}
		seen[r.ID] = true
		if r.Complete && r.Loop.LengthsVary {
			t.Errorf("%s: its lengths vary, so they are not known, and it is called complete", r.ID)
		}
		if r.Loop.NotPyTorch && len(r.Gap) == 0 {
			t.Errorf("%s: not PyTorch, and no gap says so", r.ID)
		}
		if r.Source.Repo == "" && r.Source.Title == "" {
			t.Errorf("%s: no source", r.ID)
		}
		if r.Measured == (Measured{}) {
			t.Errorf("%s: nothing measured", r.ID)
		}
		m := r.Measured
		for name, v := range map[string]int64{"allocated": m.AllocatedBytes, "reserved": m.ReservedBytes, "device": m.DeviceBytes, "unspecified": m.UnspecifiedBytes} {
			if v != 0 && (v < 1<<30 || v > 96<<30) {
				t.Errorf("%s: %s %d bytes", r.ID, name, v)
			}
		}
		if m.DeviceBytes > 0 && m.DeviceBytes < m.AllocatedBytes {
			t.Errorf("%s: device %d below allocated %d", r.ID, m.DeviceBytes, m.AllocatedBytes)
		}
		if _, err := r.Request.Estimator(); err != nil {
			t.Errorf("%s: %v", r.ID, err)
		}
	}
}

// TestStaticParts holds the parts of the rows against their own total: the
// parts come from the shapes, the total from the run.
func TestStaticParts(t *testing.T) {
	rows, err := Statics()
	if err != nil {
		t.Fatal(err)
	}
	exact := 0
	for _, r := range rows {
		if _, err := r.Request.Estimator(); err != nil {
			t.Errorf("%s: %v", r.ID, err)
		}
		if r.AllocatedBytes == 0 {
			continue
		}
		var sum int64
		for _, b := range r.Parts {
			sum += b
		}
		if d := max(sum-r.AllocatedBytes, r.AllocatedBytes-sum); d > r.ToleranceBytes {
			t.Errorf("%s: parts %d, measured %d, off by %d", r.ID, sum, r.AllocatedBytes, d)
		}
		if r.ToleranceBytes == 0 {
			exact++
		}
	}
	if exact < 20 {
		t.Errorf("%d runs known to the byte, want at least 20", exact)
	}
}

// TestCompare prints every run against the estimate; it judges nothing.
// PUBLISHED=1 go test -run Compare -v
func TestCompare(t *testing.T) {
	if os.Getenv("PUBLISHED") == "" {
		t.Skip("PUBLISHED is not set")
	}
	rows, err := Runs()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		req, err := r.Request.Estimator()
		if err != nil {
			t.Fatal(err)
		}
		rep, err := estimator.Estimate(req)
		if err != nil {
			t.Logf("%-60s %v", r.ID, err)
			continue
		}
		line := ""
		for _, f := range []struct {
			name      string
			got, want float64
		}{
			{"allocated", float64(rep.Memory.AllocatedBytes), float64(r.Measured.AllocatedBytes)},
			{"reserved", float64(rep.Memory.ReservedBytes), float64(r.Measured.ReservedBytes)},
			{"device", float64(rep.Memory.DeviceBytes), float64(r.Measured.DeviceBytes)},
		} {
			if f.want > 0 && f.got > 0 {
				line += " " + f.name + " " + percent(f.got/f.want-1)
			}
		}
		if rep.Throughput != nil && r.Measured.TokensPerSecond > 0 {
			line += " speed " + percent(rep.Throughput.TokensPerSecond/r.Measured.TokensPerSecond-1)
		}
		t.Logf("%-60s%s gap %q", r.ID, line, r.Gap)
	}
}

func percent(x float64) string { return fmt.Sprintf("%+.2f%%", 100*x) }

package reference

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/memory"
	"github.com/vramcalc/vramcalc/estimator/program"
)

// TestDev compares single rows while developing: ROWS="a.json b.json".
func TestDev(t *testing.T) {
	for _, f := range os.Args {
		if len(f) < 5 || f[len(f)-5:] != ".json" {
			continue
		}
		raw, _ := os.ReadFile(f)
		var row Row
		if err := json.Unmarshal(raw, &row); err != nil {
			fmt.Println(f, err)
			continue
		}
		req, err := row.Request.Estimator()
		if err != nil {
			t.Fatal(err)
		}
		s, err := estimator.ReadShape(req)
		if err != nil {
			fmt.Println(f, err)
			continue
		}
		last := row.Steps[len(row.Steps)-1]
		var live []int64
		for _, l := range last.Live {
			live = append(live, l.Bytes)
		}
		at := s.Reading.At
		name := ""
		if at.Op >= 0 {
			name = s.Program.Ops[at.Op].Module + "/" + s.Program.Ops[at.Op].Name
		}
		if d := s.FLOPs/last.FLOPs - 1; d > 1e-6 || d < -1e-6 {
			fmt.Printf("FLOPS %s %g %g %+.4f%%\n", f, s.FLOPs, last.FLOPs, 100*d)
		}
		fmt.Printf("%s: ref %d ours %d  %+.3f%%  ref@%s %s %s  ours@%v %s rec=%v\n   params %v/%v trainable %v/%v\n   live ref %v\n   ours", f, row.PeakBytes, s.Reading.Peak,
			100*(float64(s.Reading.Peak)/float64(row.PeakBytes)-1), last.Peak.Phase, last.Peak.Module, last.Peak.Op, at.Phase, name, at.Recompute,
			s.Parameters, row.Parameters.Total, s.Trainable, row.Parameters.Trainable, live)
		for _, m := range s.Reading.Phases() {
			fmt.Print(" ", m.Phase, ":", m.Peak, "/", m.End)
		}
		fmt.Println()
		out, _ := os.Create(f + ".go.tsv")
		var l, peak int64
		s.Events(func(ev memory.Event) {
			l += ev.Bytes
			peak = max(peak, l)
			op, mod, blk := "", "", ""
			if ev.Op != program.Never {
				op, mod = s.Program.Ops[ev.Op].Name, s.Program.Ops[ev.Op].Module
			}
			step := ev.Step + 1
			if ev.Phase == memory.Load {
				step = 0
			}
			if ev.Block >= 0 {
				blk = s.Program.Blocks[ev.Block].Name
			}
			fmt.Fprintf(out, "%d\t%v\t%s/%d.%s\t%v\t%s\t%+d\t#%d\t%d\n", step, ev.Phase, blk, ev.Repeat, mod, ev.Recompute, op, ev.Bytes, ev.Handle, l)
		})
		out.Close()
		if peak != s.Reading.Peak {
			fmt.Println("   WALK PEAK DIFFERS", peak)
		}
	}
}

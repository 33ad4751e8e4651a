package estimator

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/vramcalc/vramcalc/estimator/memory"
	"github.com/vramcalc/vramcalc/estimator/program"
	"github.com/vramcalc/vramcalc/presets"
)

func TestDebugTrace(t *testing.T) {
	raw := os.Getenv("REQ")
	if raw == "" {
		t.Skip()
	}
	var q map[string]any
	json.Unmarshal([]byte(raw), &q)
	m, err := presets.Model(q["model"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if l, ok := q["layers"].(float64); ok {
		m.Layers = int64(l)
	}
	str := func(k string) string { s, _ := q[k].(string); return s }
	num := func(k string) int64 { s, _ := q[k].(float64); return int64(s) }
	req := Request{Model: m, Method: Method{ID: str("method"), LoRARank: num("lora_rank"), Quant: str("quant")}, Training: Training{
		MicroBatch: num("micro_batch"), SeqLen: num("seq_len"), Precision: str("precision"), Optimizer: str("optimizer"),
		Checkpointing: str("checkpointing"), Attention: str("attention"), Loss: str("loss"), GradAccum: num("grad_accum"),
	}}
	r, err := resolve(req)
	if err != nil {
		t.Fatal(err)
	}
	e := new(engine)
	p, plan, err := e.build(r)
	if err != nil {
		t.Fatal(err)
	}
	plan.KernelTemporaries = false
	rd := e.replayer.Read(p, plan)
	fmt.Println("static", rd.Static, "peak", rd.Peak, rd.At)
	for _, m := range rd.Marks {
		fmt.Println(m)
	}
	var live, peak int64
	f, _ := os.Create("/tmp/go.tsv")
	defer f.Close()
	e.replayer.Walk(p, plan, func(ev memory.Event) {
		live += ev.Bytes
		peak = max(peak, live)
		op, mod := "", ""
		if ev.Op != program.Never {
			op, mod = p.Ops[ev.Op].Name, p.Ops[ev.Op].Module
		}
		step := ev.Step + 1
		if ev.Phase == memory.Load {
			step = 0
		}
		blk := ""
		if ev.Block >= 0 {
			blk = p.Blocks[ev.Block].Name
		}
		fmt.Fprintf(f, "%d\t%v\t%s/%d.%s\t%v\t%s\t%+d\t#%d\t%d\n", step, ev.Phase, blk, ev.Repeat, mod, ev.Recompute, op, ev.Bytes, ev.Handle, live)
	})
	fmt.Println("walk peak", peak)
}

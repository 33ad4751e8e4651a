package render

import (
	"encoding/json"
	"io"

	"github.com/vramcalc/vramcalc/estimator"
)

// chromeEvent is an event of the Trace Event Format that Perfetto and
// chrome://tracing read; times are in microseconds.
type chromeEvent struct {
	Name  string         `json:"name"`
	Phase string         `json:"ph"`
	Start float64        `json:"ts"`
	Time  *float64       `json:"dur,omitempty"` // of operations, also where it is 0
	PID   int            `json:"pid"`
	TID   int            `json:"tid"`
	Args  map[string]any `json:"args,omitempty"`
}

// WriteChrome writes the last micro-batch and the optimizer as a Chrome trace: a
// track of operations, and a counter of memory by category over the whole step.
func WriteChrome(w io.Writer, t estimator.Trace, moments []estimator.Moment) error {
	events := []chromeEvent{
		{Name: "process_name", Phase: "M", PID: 1, Args: map[string]any{"name": t.Report.Model.ID + " " + t.Report.Method.ID}},
		{Name: "thread_name", Phase: "M", PID: 1, TID: 1, Args: map[string]any{"name": "GPU"}},
	}
	clock := beforeOperations(t, moments)
	for i := 0; i < len(t.Operations); {
		n := unitEnd(t.Operations, i)
		for layer := range t.Operations[i].Layers {
			if t.Operations[i].Phase != "forward" {
				layer = t.Operations[i].Layers - 1 - layer
			}
			for _, o := range t.Operations[i:n] {
				made, kept := madeBytes(o)
				time := o.Seconds * 1e6
				events = append(events, chromeEvent{
					Name: o.Module + " " + o.Name, Phase: "X", Start: clock * 1e6, Time: &time, PID: 1, TID: 1,
					Args: map[string]any{
						"phase": o.Phase, "layer": o.Layer + layer, "dtype": o.DType, "makes": shapes(o), "makes_bytes": made, "kept_bytes": kept,
						"flops": o.FLOPs, "moved_bytes": o.MovedBytes, "kernels": o.Kernels,
					},
				})
				clock += o.Seconds
			}
		}
		i = n
	}
	for _, m := range moments {
		args := map[string]any{}
		for _, c := range m.Breakdown {
			args[c.Category] = c.Bytes
		}
		events = append(events, chromeEvent{Name: "allocated bytes", Phase: "C", Start: m.Seconds * 1e6, PID: 1, Args: args})
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(map[string]any{"traceEvents": events, "displayTimeUnit": "ms"})
}

// beforeOperations are the seconds of the micro-batches that are not listed, so
// that operations stand where the counter has them.
func beforeOperations(t estimator.Trace, moments []estimator.Moment) (seconds float64) {
	if len(moments) == 0 {
		return 0
	}
	for _, o := range t.Operations {
		seconds += o.Seconds * float64(o.Layers)
	}
	return max(0, moments[len(moments)-1].Seconds-seconds)
}

// unitEnd is where the operations end that run together, layer by layer: a
// block's forward, or its backward with what is computed again.
func unitEnd(list []estimator.Operation, from int) int {
	n := from
	for n < len(list) && list[n].Block == list[from].Block && list[n].Layer == list[from].Layer &&
		(list[n].Phase == "forward") == (list[from].Phase == "forward") {
		n++
	}
	return n
}

package estimator

import (
	"github.com/vramcalc/vramcalc/estimator/memory"
	"github.com/vramcalc/vramcalc/estimator/program"
	"github.com/vramcalc/vramcalc/hardware"
)

// ForgetReplays makes the next estimates replay the allocator anew.
var ForgetReplays = replays.forget

// FingerprintAndEvents are the fingerprint of a request's replay, and all that
// the allocator is asked for in it.
func FingerprintAndEvents(req Request) (print memory.Fingerprint, events []int64, err error) {
	err = stepOf(req, func(e *engine, _ *resolved, p program.Program, plan memory.Plan, _ *hardware.Calibration) {
		print = e.replayer.Fingerprint(p, plan)
		e.replayer.Walk(p, plan, func(ev memory.Event) { events = append(events, int64(ev.Handle), ev.Bytes) })
	})
	return print, events, err
}

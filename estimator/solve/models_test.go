package solve_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/estimator/solve"
	"github.com/vramcalc/vramcalc/presets"
)

// TestModelEdge estimates anew, for random questions, the model found and all
// larger ones: it fits, and of those none does.
func TestModelEdge(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 15 {
		var some []model.Model
		for _, m := range presets.Models() {
			if r.IntN(8) == 0 {
				some = append(some, m)
			}
		}
		req := request(t, r)
		req.Training.MicroBatch = 1
		bound := solve.Bound([]float64{0, 0.01, 0.5, 0.95}[r.IntN(4)])
		edges, errs := solve.LargestModels(req, []estimator.Device{req.Device}, some, bound, estimator.Verdicts, estimator.EstimateAll)
		if errs[0] != nil {
			t.Fatal(errs[0])
		}
		e, limit := edges[0], int64(-1)
		if e.Report != nil {
			limit = e.Report.Model.Parameters
		}
		judged, refused, next := 0, 0, int64(0)
		for _, m := range some {
			req.Model = m
			rep, err := estimator.Estimate(req)
			switch {
			case e.Report != nil && m.ID == e.Report.Model.ID:
				if err != nil || !bound.Holds(rep) {
					t.Errorf("%s does not fit: %v", m.ID, err)
				}
			case m.Parameters < limit || m.Parameters == limit && err == nil && bound.Holds(rep):
			case err != nil:
				refused++
			case bound.Holds(rep):
				t.Errorf("%s is larger than %d and fits %s too", m.ID, limit, rep.Device.ID)
			default:
				judged++
				if next == 0 || m.Parameters < next {
					next = m.Parameters
				}
			}
		}
		if e.NextReport != nil {
			req.Model, _ = presets.Model(e.NextReport.Model.ID)
			if rep, err := estimator.Estimate(req); err != nil || rep.Memory.DeviceBytes != e.NextReport.Memory.DeviceBytes {
				t.Errorf("the next, %s, needs %d, %v; the edge says %d", req.Model.ID, rep.Memory.DeviceBytes, err, e.NextReport.Memory.DeviceBytes)
			}
		}
		// Models of the very same size may stand on either side.
		if e.Larger > judged || e.NotJudged > refused || (e.NextReport == nil) != (e.Larger == 0) || e.NextReport != nil && e.NextReport.Model.Parameters > next && next > limit {
			t.Errorf("%d judged of %d, %d refused of %d, next of %d", e.Larger, judged, e.NotJudged, refused, next)
		}
	}
}

// TestModelEdgeRefused: a request that no model has an answer to is refused for
// what is wrong with it, not for the kind of the largest model.
func TestModelEdgeRefused(t *testing.T) {
	req := request(t, rand.New(rand.NewPCG(1, 1)))
	req.Training.Trainer = "nobody"
	_, errs := solve.LargestModels(req, []estimator.Device{req.Device}, presets.Models(), 0, estimator.Verdicts, estimator.EstimateAll)
	var setting *estimator.SettingError
	if !errors.As(errs[0], &setting) || setting.Setting != "trainer" {
		t.Errorf("got %v", errs[0])
	}
}

func TestLargestModelsOnSeveralDevices(t *testing.T) {
	req := request(t, rand.New(rand.NewPCG(1, 1)))
	req.Method.ID, req.Training.MicroBatch = "qlora", 1
	var devices []estimator.Device
	for _, id := range []string{"rtx-4060", "h100"} {
		g, err := presets.GPU(id)
		if err != nil {
			t.Fatal(err)
		}
		devices = append(devices, estimator.Device{GPU: g})
	}
	models := presets.Models()[:60]
	both, errs := solve.LargestModels(req, devices, models, 0, estimator.Verdicts, estimator.EstimateAll)
	for i, d := range devices {
		alone, err := solve.LargestModels(req, []estimator.Device{d}, models, 0, estimator.Verdicts, estimator.EstimateAll)
		if errs[i] != nil || err[0] != nil || both[i].Report == nil || alone[0].Report.Model.ID != both[i].Report.Model.ID || alone[0].Larger != both[i].Larger {
			t.Errorf("%s: %+v beside the other, %+v alone", d.GPU.ID, both[i], alone[0])
		}
	}
	req.Training.SeqLen = -1
	if _, errs := solve.LargestModels(req, devices, models, 0, estimator.Verdicts, estimator.EstimateAll); slices.Contains(errs, nil) {
		t.Errorf("nonsense has an answer: %v", errs)
	}
}

package estimator_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/memory"
	"github.com/vramcalc/vramcalc/estimator/model"
	"github.com/vramcalc/vramcalc/estimator/modules"
	"github.com/vramcalc/vramcalc/hardware"
)

// requestOfAnyTrainer is a random request, a third of them litgpt's.
func requestOfAnyTrainer(r *rand.Rand, models, litgpt []model.Model) estimator.Request {
	if r.IntN(3) > 0 {
		req := randomRequest(r, models)
		req.Training.SeqLen += r.Int64N(2) * r.Int64N(100)
		return req
	}
	req := randomRequest(r, litgpt)
	req.Method = estimator.Method{ID: pick(r, "full", "lora", "qlora")}
	t := &req.Training
	t.Trainer, t.Checkpointing, t.Kernels, t.Loss = pick(r, "litgpt", "litgpt@0.2", "litgpt@0.1"), "", "", ""
	t.Precision = pick(r, "bf16", "fp16")
	if req.Method.ID != "full" {
		req.Method.LoRATargets = pick(r, nil, []string{"query"}, []string{"key", "mlp"}, []string{"all-linear", "head"})
	}
	return req
}

// litgptOf are those of the models that litgpt has code for.
func litgptOf(models []model.Model) []model.Model {
	return slices.DeleteFunc(slices.Clone(models), func(m model.Model) bool { return !modules.LitgptHas(&m) })
}

// neighbours are requests that differ from one in little.
func neighbours(r estimator.Request) []estimator.Request {
	all := []estimator.Request{r}
	for _, change := range []func(*estimator.Request){
		func(q *estimator.Request) { q.Training.Precision = "fp16" },
		func(q *estimator.Request) {
			q.Training.MicroBatch, q.Training.SeqLen = 2*q.Training.MicroBatch, q.Training.SeqLen/2
		},
		func(q *estimator.Request) { q.Training.GradAccum++ },
		func(q *estimator.Request) { q.Training.Trainer = "litgpt@0.1" },
		func(q *estimator.Request) { q.Training.Attention = "eager" },
		func(q *estimator.Request) { q.Model.Layers++ },
		func(q *estimator.Request) { q.Model.Intermediate += 64 },
	} {
		q := r
		change(&q)
		all = append(all, q)
	}
	return all
}

// TestFingerprintIsTheReplay: random requests and their neighbours share a
// fingerprint only where the allocator is asked for the same.
func TestFingerprintIsTheReplay(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	models := dense(t)
	litgpt := litgptOf(models)
	known := map[memory.Fingerprint][]int64{}
	asked, shared := 0, 0
	for range 250 {
		req := requestOfAnyTrainer(r, models, litgpt)
		req.Training.Precision = "bf16"
		for _, req := range neighbours(req) {
			f, events, err := estimator.FingerprintAndEvents(req)
			if err != nil {
				continue
			}
			asked++
			before, ok := known[f]
			if ok {
				shared++
			}
			if ok && !slices.Equal(before, events) {
				t.Errorf("%s %+v %+v has the fingerprint of another replay", req.Model.ID, req.Method, req.Training)
			}
			known[f] = events
		}
	}
	if asked < 1000 || shared < 100 {
		t.Errorf("%d replays, %d of them shared", asked, shared)
	}
}

// TestRememberedAtRandom: after many others, on cards with and without room to
// spare, a step is answered as by a program that remembers nothing, and a verdict is
// that of the answer in full.
func TestRememberedAtRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	models := dense(t)
	litgpt := litgptOf(models)
	cards := []hardware.GPU{gpu(t, "a100-80gb-sxm"), gpu(t, "rtx-4090"), gpu(t, "h100-80gb-sxm")}
	type question struct {
		request estimator.Request
		devices []estimator.Device
		reports []estimator.Report
	}
	var asked []question
	for range 150 {
		q := question{request: requestOfAnyTrainer(r, models, litgpt)}
		q.request.Device.GPU = cards[0]
		rep, err := estimator.Estimate(q.request)
		if err != nil {
			continue
		}
		m := &rep.Memory
		for _, capacity := range []int64{0, m.AllocatedBytes + m.ContextBytes, m.DeviceBytes - 1, m.DeviceBytes, m.DeviceBytes / 2, m.AllocatedBytes*21/20 + m.ContextBytes} {
			q.devices = append(q.devices, estimator.Device{GPU: pick(r, cards...), CapacityBytes: capacity})
		}
		q.reports, _ = estimator.EstimateAll(q.request, q.devices)
		asked = append(asked, q)
	}
	returned, least := 0, 0
	for _, q := range asked {
		verdicts, _ := estimator.Verdicts(q.request, q.devices)
		floors, _ := estimator.Floors(q.request, q.devices)
		for i, full := range q.reports {
			q.request.Device = q.devices[i]
			estimator.ForgetReplays()
			if fresh, err := estimator.Estimate(q.request); err != nil || !reflect.DeepEqual(fresh, full) {
				t.Fatalf("%s %+v: remembered %+v, anew %+v, %v", q.request.Model.ID, q.request.Training, full.Memory, fresh.Memory, err)
			}
			checkReport(t, q.request, full)
			if full.Memory.CacheReturned {
				returned++
			}
			v, f := verdicts[i], floors[i]
			if v.Memory.AtLeast {
				least++
			}
			if !v.Memory.AtLeast && !reflect.DeepEqual(v, full) || v.Fit.Verdict != full.Fit.Verdict || v.Fit.Fits != full.Fit.Fits {
				t.Errorf("%s %+v: verdict %+v, in full %+v", q.request.Model.ID, q.request.Training, v.Fit, full.Fit)
			}
			if !f.Memory.AtLeast || f.Memory.DeviceBytes > full.Memory.DeviceBytes || f.Fit != nil && f.Fit.Verdict != full.Fit.Verdict {
				t.Errorf("%s %+v: floor %+v %+v, in full %+v", q.request.Model.ID, q.request.Training, f.Memory, f.Fit, full.Memory)
			}
		}
	}
	if returned < 50 || least < 50 {
		t.Errorf("%d steps, %d with returned cache, %d decided by their tensors", len(asked), returned, least)
	}
}

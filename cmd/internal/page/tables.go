package page

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	q "github.com/vramcalc/vramcalc/cmd/internal/quantity"
	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/contour"
	"github.com/vramcalc/vramcalc/estimator/methods"
	"github.com/vramcalc/vramcalc/hardware"
	"github.com/vramcalc/vramcalc/presets"
)

// The sides of the heat map.
var (
	heatBatches = []int64{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64}
	heatLengths = []int64{256, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384}
)

// HeatSize is the number of rows and of columns of the heat map.
const HeatSize = 12

// Cell is one micro-batch at one length.
type Cell struct {
	MicroBatch int64  `json:"micro_batch"`
	SeqLen     int64  `json:"seq_len"`
	State      string `json:"state"` // as in Verdict; "refused": the settings do not go together
	Tokens     string `json:"tokens"`
	Tensors    string `json:"tensors"` // memory of the tensors alone
	Reason     string `json:"reason,omitempty"`
}

// states are those of a verdict, the more memory it takes the later.
var states = []string{"fits", "tight", "too-tight", "too-big"}

// Heat are the rows from one on up to another of the heat map on the GPU
// named: each is one micro-batch at every length. Memory and speed are of every cell; the
// allocator is only asked about those along the edges of what fits.
func (s Said) Heat(from, to int, gpu string) ([][]Cell, error) {
	a, err := s.on(gpu)
	if err != nil {
		return nil, err
	}
	rows := make([][]Cell, to-from)
	request := func(row, column int) estimator.Request {
		r := a.request
		r.Training.MicroBatch, r.Training.SeqLen = heatBatches[from+row], heatLengths[column]
		return r
	}
	found := contour.Levels(len(rows), HeatSize, len(states)-1, func(row, column int) (float64, bool) {
		r := request(row, column)
		reports, errs := answer.Estimator.Floors(r, a.devices)
		c, load := newCell(r, reports[0], errs[0])
		rows[row] = append(rows[row], c)
		return load, c.State != ""
	}, func(row, column int) int {
		reports, _ := answer.Estimator.Verdicts(request(row, column), a.devices)
		return max(slices.Index(states, state(reports[0])), 0)
	})
	for i, levels := range found {
		for j, level := range levels {
			if c := &rows[i][j]; c.State == "" {
				c.State = states[level]
			}
		}
	}
	return rows, nil
}

// newCell is a cell as its tensors alone show it, with the share of the device that
// they take. It has no state yet where that hangs on the allocator.
func newCell(r estimator.Request, floor estimator.Report, err error) (c Cell, load float64) {
	c = Cell{MicroBatch: r.Training.MicroBatch, SeqLen: r.Training.SeqLen}
	if err != nil {
		c.State, c.Reason = "refused", NewProblem(err).Problem
		return c, 0
	}
	v := verdict(floor)
	c.Tokens, c.Tensors = v.Tokens, q.GiB(floor.Memory.AllocatedBytes)
	if free := floor.Device.CapacityBytes - floor.Device.UsedBytes; floor.Fit == nil && free > 0 {
		return c, float64(floor.Memory.DeviceBytes) / float64(free)
	}
	c.State = v.State
	return c, math.Inf(1)
}

// on is the question on one GPU.
func (s Said) on(gpu string) (asked, error) {
	a, err := s.ask()
	if err != nil {
		return a, err
	}
	count := a.request.Device.Count
	a.devices, err = question.Devices([]string{gpu}, count, device)
	return a, err
}

// Row is a method or a GPU beside others; empty words are not known.
type Row struct {
	ID       string  `json:"id"`
	Name     string  `json:"name"`
	State    string  `json:"state"`
	Capacity string  `json:"capacity"`
	Needs    string  `json:"needs"`
	Spare    string  `json:"spare"`
	Tokens   string  `json:"tokens"`
	Price    string  `json:"price"`   // USD per hour, the lowest seen
	PerToken string  `json:"million"` // USD per million tokens at that price
	Bar      float64 `json:"bar"`     // percent of the widest
	Mark     float64 `json:"mark"`    // the capacity, of the same
	Trained  string  `json:"trained"`
	Reason   string  `json:"reason,omitempty"`
	// Settings are what a method's button sets.
	Settings [][2]string `json:"settings,omitempty"`
	// Order are the ranks from 0 by fit, speed and price.
	Order [3]int `json:"order"`
}

// Methods answers the question with each method, on the GPU named. Settings
// that another method has not are left out.
func (s Said) Methods(gpu string) ([]Row, error) {
	rows := []Row{}
	var widest int64
	reports := []estimator.Report{}
	for _, id := range methods.IDs() {
		other := s
		other.Settings = withMethod(s.Settings, id)
		a, err := other.on(gpu)
		if err != nil {
			return nil, err
		}
		settings := only(id, estimator.WithoutForeign(&a.request))
		rs, errs := answer.Estimator.Estimate(a.request, a.devices)
		if errs[0] != nil {
			rows = append(rows, Row{ID: id, State: "refused", Reason: NewProblem(errs[0]).Problem, Settings: settings})
			reports = append(reports, estimator.Report{})
			continue
		}
		one := row(rs[0], id, id)
		one.Settings = settings
		rows, reports = append(rows, one), append(reports, rs[0])
		widest = max(widest, rs[0].Memory.DeviceBytes, rs[0].Device.CapacityBytes)
	}
	for i, r := range reports {
		rows[i].Bar = percentOf(float64(r.Memory.DeviceBytes), float64(widest))
		rows[i].Mark = percentOf(float64(r.Device.CapacityBytes), float64(widest))
	}
	return rows, nil
}

// withMethod says another method, last.
func withMethod(said [][2]string, method string) [][2]string {
	kept := slices.DeleteFunc(slices.Clone(said), func(one [2]string) bool { return one[0] == "method" })
	return append(kept, [2]string{"method", method})
}

// only says a method and takes back the settings that it does not have.
func only(method string, foreign []string) [][2]string {
	list := [][2]string{{"method", method}}
	for _, name := range foreign {
		list = append(list, [2]string{name, ""})
	}
	return list
}

func row(r estimator.Report, id, name string) Row {
	v := verdict(r)
	one := Row{ID: id, Name: name, State: v.State, Capacity: v.Capacity, Needs: v.Needs, Tokens: v.Tokens, Trained: q.Count(r.Method.TrainableParameters)}
	if r.Fit != nil {
		one.Spare = q.GiB(r.Fit.HeadroomBytes)
		if !r.Fit.Fits {
			one.Tokens = "" // a step that fails has no speed
		}
	}
	return one
}

// GPUs answers the question on every GPU that is known; one that refuses it
// says why.
func (s Said) GPUs() ([]Row, error) {
	a, err := s.ask()
	if err != nil {
		return nil, err
	}
	gpus := presets.GPUs()
	devices := make([]estimator.Device, len(gpus))
	for i, g := range gpus {
		devices[i] = estimator.Device{GPU: g, Count: a.request.Device.Count}
	}
	reports, errs := answer.Estimator.Estimate(a.request, devices)
	rows, costs := make([]Row, len(gpus)), make([]float64, len(gpus))
	for i, g := range gpus {
		rows[i] = row(reports[i], g.ID, g.Name)
		if errs[i] != nil {
			rows[i] = Row{ID: g.ID, Name: g.Name, State: "refused", Reason: NewProblem(errs[i]).Problem}
		}
		if price, known := lowest(g); known {
			rows[i].Price = q.Fixed(price, 2)
			if t := reports[i].Throughput; t != nil && rows[i].Tokens != "" {
				costs[i] = price * 1e6 / (t.TokensPerSecond * 3600)
				rows[i].PerToken = q.Significant(costs[i])
			}
		}
	}
	rank(rows, reports, costs)
	return rows, nil
}

// lowest is the lowest price per hour that was seen.
func lowest(g hardware.GPU) (price float64, known bool) {
	for _, p := range g.PriceUSDPerHour {
		if !known || p.USDPerHour < price {
			price, known = p.USDPerHour, true
		}
	}
	return price, known
}

// rank orders the rows three ways: what fits stands before what fits tightly or not, then
// the smallest card, the fastest, or the cheapest token.
func rank(rows []Row, reports []estimator.Report, costs []float64) {
	order := make([]int, len(rows))
	for i := range order {
		order[i] = i
	}
	fits := func(i int) int {
		switch rows[i].State {
		case "fits":
			return 0
		case "tight":
			return 1
		case "refused":
			return 3
		}
		return 2
	}
	for which, key := range []func(i int) float64{
		func(i int) float64 { return float64(reports[i].Device.CapacityBytes) },
		func(i int) float64 {
			if t := reports[i].Throughput; t != nil {
				return -t.TokensPerSecondTotal
			}
			return 0
		},
		func(i int) float64 {
			if costs[i] == 0 {
				return 1e300 // not known stands last
			}
			return costs[i]
		},
	} {
		slices.SortStableFunc(order, func(i, j int) int {
			return cmp.Or(cmp.Compare(fits(i), fits(j)), cmp.Compare(key(i), key(j)))
		})
		for place, i := range order {
			rows[i].Order[which] = place
		}
	}
}

// Catalogue is what can be chosen.
type Catalogue struct {
	Models   []Named  `json:"models"`
	GPUs     []Named  `json:"gpus"`
	Sizes    []Size   `json:"sizes"`
	Settings []Choice `json:"settings"`
}

// Choice is a setting and the values that it may take; none: anything.
type Choice struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// Named is one thing that can be chosen.
type Named struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Extra string `json:"extra"`
	Find  string `json:"find"` // lower-case words that it is found by
}

// Size is a common memory size and the GPU that stands for it.
type Size struct {
	Size string `json:"size"`
	GPU  string `json:"gpu"`
}

// NewCatalogue lists what can be chosen.
func NewCatalogue() Catalogue {
	c := Catalogue{}
	for _, m := range presets.Models() {
		extra := ""
		if m.Parameters > 0 {
			extra = q.Count(m.Parameters)
		}
		if m.Kind != "decoder" {
			extra += " · " + m.Kind
		}
		c.Models = append(c.Models, Named{m.ID, m.Name, extra, strings.ToLower(strings.Join(append([]string{m.ID, m.Name, m.HubID}, m.Aliases...), " "))})
	}
	for _, g := range presets.GPUs() {
		c.GPUs = append(c.GPUs, Named{g.ID, g.Name, size(g.MarketingGB), strings.ToLower(strings.Join(append([]string{g.ID, g.Name, g.NVMLName, size(g.MarketingGB)}, g.Aliases...), " "))})
	}
	for _, id := range question.CommonCards {
		if g, err := presets.GPU(id); err == nil {
			c.Sizes = append(c.Sizes, Size{size(g.MarketingGB), id})
		}
	}
	for _, s := range new(question.Question).Settings() {
		choice := Choice{s.Name, []string{}}
		if s.Values != nil && s.Name != "model" && s.Name != "gpu" {
			choice.Values = s.Values()
		}
		c.Settings = append(c.Settings, choice)
	}
	return c
}

// size is a card's size as it is sold.
func size(gb float64) string { return strconv.FormatFloat(gb, 'f', -1, 64) + " GB" }

// Package methods holds the fine-tuning methods. Each is one file that
// registers itself: what trains, and what is added to a linear layer. Nothing
// else in the estimator knows a method's name.
package methods

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vramcalc/vramcalc/estimator/modules"
	"github.com/vramcalc/vramcalc/estimator/program"
)

// Settings are the resolved settings of a method.
type Settings struct {
	ModelType       string
	Layers          int64
	Rank            int64
	Dropout         float64
	Targets         []string
	ModulesToSave   []string
	AdapterDType    program.DType
	CopiedDType     program.DType // of the trainable copies of ModulesToSave
	TrainableLayers int64
	// Linears are the paths of the model's linear modules below its layers, and
	// its head, for checking targets and for "all-linear".
	Linears []string
	Head    string // which "all-linear" leaves out
}

// Method is one fine-tuning method.
type Method struct {
	ID        string
	Summary   string
	Adapter   bool // keeps the base frozen and saves an adapter
	Quantizes bool // stores the frozen base quantized unless told otherwise
	New       func(Settings) (modules.Tuner, error)
}

var registry = map[string]Method{}

func register(m Method) { registry[m.ID] = m }

// Get finds a method by name.
func Get(id string) (Method, bool) {
	m, ok := registry[strings.ToLower(id)]
	return m, ok
}

// IDs are the names of all methods, sorted.
func IDs() []string {
	ids := make([]string, 0, len(registry))
	for id := range registry {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// frozen is a tuner under which nothing of the base trains; methods embed it.
type frozen struct{}

func (frozen) Trains(string, int64) bool           { return false }
func (frozen) TrainsLayer(int64) bool              { return false }
func (frozen) Copied(string) (program.DType, bool) { return program.Invalid, false }
func (frozen) Adapter(_, _ string) modules.Adapter { return nil }

// TargetError says that a target names no module of the model.
type TargetError struct {
	Setting, Target string
	Have            []string
}

// Error lists the modules that exist.
func (e *TargetError) Error() string {
	return fmt.Sprintf("%s: the model has no module %q; it has %s", e.Setting, e.Target, strings.Join(e.Have, ", "))
}

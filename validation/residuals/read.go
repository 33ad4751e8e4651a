package residuals

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/vramcalc/vramcalc/validation/published"
	"github.com/vramcalc/vramcalc/validation/reference"
)

// The files of the folder validation.
const (
	referenceFiles = "torch/references/*.jsonl"
	publishedFile  = "published/runs.jsonl"
	excludedFile   = "published/excluded.jsonl"
	ownFile        = "torch/measured.jsonl" // may be missing: not everybody has a GPU
)

// Data are the rows as they lie in the folder validation.
type Data struct {
	References []Reference
	Published  []published.Run
	Own        []OwnRun
	Excluded   int
}

// Reference is a row of PyTorch's own with its place.
type Reference struct {
	ID string // file and line
	reference.Row
}

// OwnRun is a row of validation/torch/gpu_runs.py.
type OwnRun struct {
	ID      string
	Request reference.Request `json:"request"`
	Failed  bool              `json:"failed"`
	Card    struct {
		Name string `json:"name"`
	} `json:"card"`
	PeakBytes     int64   `json:"peak_bytes"`
	ReservedBytes int64   `json:"reserved_bytes"`
	ProcessBytes  int64   `json:"process_bytes"`
	StepSeconds   float64 `json:"step_seconds"`
}

// Read reads the folder validation.
func Read(folder fs.FS) (Data, error) {
	var d Data
	files, err := fs.Glob(folder, referenceFiles)
	if err != nil {
		return d, err
	}
	if len(files) == 0 {
		return d, fmt.Errorf("no %s", referenceFiles)
	}
	slices.Sort(files)
	for _, name := range files {
		if err := d.readReferences(folder, name); err != nil {
			return d, err
		}
	}
	if d.Published, err = readRuns(folder); err != nil {
		return d, err
	}
	if d.Own, err = lines[OwnRun](folder, ownFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	for i := range d.Own {
		d.Own[i].ID = fmt.Sprintf("%s:%d", path.Base(ownFile), i+1)
	}
	excluded, err := lines[struct{}](folder, excludedFile)
	d.Excluded = len(excluded)
	return d, err
}

func (d *Data) readReferences(folder fs.FS, name string) error {
	f, err := folder.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	rows, err := reference.Read(f)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for i, row := range rows {
		d.References = append(d.References, Reference{fmt.Sprintf("%s:%d", path.Base(name), i+1), row})
	}
	return nil
}

func readRuns(folder fs.FS) ([]published.Run, error) {
	f, err := folder.Open(publishedFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := published.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", publishedFile, err)
	}
	return rows, nil
}

// lines reads one JSON object a line.
func lines[T any](folder fs.FS, name string) ([]T, error) {
	f, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var rows []T
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var row T
		if err := json.Unmarshal(s.Bytes(), &row); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, len(rows)+1, err)
		}
		rows = append(rows, row)
	}
	return rows, s.Err()
}

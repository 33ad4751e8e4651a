package presets

import (
	"fmt"
	"strings"
)

// NotFoundError says that no preset has the name, and which names come near.
type NotFoundError struct {
	Kind    string   // "model" or "GPU"
	Name    string   // as asked for
	Nearest []string // ids, nearest first; may be empty
}

func (e *NotFoundError) Error() string {
	msg := fmt.Sprintf("unknown %s %q", e.Kind, e.Name)
	if len(e.Nearest) > 0 {
		msg += "; the nearest: " + strings.Join(e.Nearest, ", ")
	}
	return msg
}

// AmbiguousError says that a name stands for several presets.
type AmbiguousError struct {
	Kind       string // "model" or "GPU"
	Name       string // as asked for
	Candidates []string
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%s %q may be any of %s; name one", e.Kind, e.Name, strings.Join(e.Candidates, ", "))
}

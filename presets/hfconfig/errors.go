package hfconfig

import "fmt"

// FieldError says what is wrong with one field of a config.json.
type FieldError struct {
	Field string // "hidden_size", "rope_parameters.partial_rotary_factor"
	Got   string // the value as found, shortened; empty when it is missing
	Want  string
}

func (e *FieldError) Error() string {
	if e.Got == "" {
		return fmt.Sprintf("%s: missing, want %s", e.Field, e.Want)
	}
	return fmt.Sprintf("%s: got %s, want %s", e.Field, e.Got, e.Want)
}

// UnsupportedError says that a file describes a model which the engine does
// not build, by the field that says so.
type UnsupportedError struct {
	Field   string // "model_type", "quantization_config", …
	Value   string // as found
	Reason  string // what that means
	Nearest string // the nearest supported model_type; may be empty
}

func (e *UnsupportedError) Error() string {
	msg := fmt.Sprintf("%s: %s: %s", e.Field, e.Value, e.Reason)
	if e.Nearest != "" {
		msg += fmt.Sprintf("; the nearest supported model_type is %q", e.Nearest)
	}
	return msg
}

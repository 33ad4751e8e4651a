package answer

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
)

type inner struct {
	Word  string  `json:"word"`
	Small float64 `json:"small"`
}

type outer struct {
	inner
	Plain   int64
	Left    string    `json:"left,omitempty"`
	List    []inner   `json:"list"`
	None    []string  `json:"none"`
	Pointer *inner    `json:"pointer,omitempty"`
	Numbers []float64 `json:"numbers,omitempty"`
	Pair    [2]string `json:"pair"`
	On      bool      `json:"on"`
	Any     any       `json:"any"`
}

// TestWriteJSONIsEncodingJSON holds the writer to encoding/json, letter by
// letter, over random words and numbers.
func TestWriteJSONIsEncodingJSON(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		b := make([]byte, r.IntN(8))
		for i := range b {
			b[i] = byte(r.IntN(256))
		}
		return string(b) + []string{"", "<&>", "\u2028", "é世\U0001F600", "\x00\x1f\x7f", "\"\\/"}[r.IntN(6)]
	}
	number := func() float64 {
		for {
			if x := math.Float64frombits(r.Uint64()); !math.IsNaN(x) && !math.IsInf(x, 0) {
				return x
			}
		}
	}
	for range 5000 {
		o := outer{inner: inner{word(), number()}, Plain: int64(r.Uint64()), Left: word(), Numbers: []float64{number(), float64(r.IntN(100)) / 8}, Pair: [2]string{word(), word()}, Any: word()}
		if r.IntN(2) == 0 {
			o.List, o.Pointer, o.On = []inner{{word(), 1e-7}, {}}, &inner{word(), 1e21}, true
		}
		var got, want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(o); err != nil {
			t.Fatal(err)
		}
		if err := WriteJSON(&got, o); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Fatalf("got %s\nwant %s", got.String(), want.String())
		}
	}
}

func TestWhatHasNoJSONIsAnErrorAndWritesNothing(t *testing.T) {
	for _, bad := range []any{math.NaN(), math.Inf(1), make(chan int), []any{1.5, func() {}}} {
		var b bytes.Buffer
		if err := WriteJSON(&b, bad); err == nil || b.Len() > 0 {
			t.Errorf("%T: error %v, %d bytes written", bad, err, b.Len())
		}
	}
}

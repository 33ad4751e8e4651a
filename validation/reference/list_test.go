package reference

import "testing"

func TestList(t *testing.T) {
	for _, c := range compareAll(t) {
		fl := c.shape.FLOPs/c.row.Steps[len(c.row.Steps)-1].FLOPs - 1
		if abs(c.err) > 0.0005 || abs(fl) > 1e-4 {
			t.Logf("%s:%d flops %+.2f%% %s", c.file, c.line, 100*fl, describe(c))
		}
	}
}

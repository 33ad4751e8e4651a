package render

import (
	"fmt"
	"strconv"
	"strings"
)

// observation shows what a running process holds beside what was predicted.
func observation(a Answer) Section {
	o := a.Observed
	if o == nil {
		return Section{}
	}
	g := Grid{NoHead: true, Columns: []Column{{Title: "figure"}, {Title: "value", Right: true}, {Title: "what it is", Wrap: true}}}
	add := func(name string, bytes int64, note string) {
		g.Rows = append(g.Rows, []Span{plain(name), plain(GiB(bytes)), text(Faint, note)})
	}
	add("predicted", a.Memory.DeviceBytes, "device memory of the step, on one GPU")
	add("measured", o.PeakBytes, fmt.Sprintf("the most of %s in %s", plural(o.Samples, "reading", "readings"), Duration(o.Seconds)))
	add("now", o.LastBytes, "the last reading")
	off := "prediction over measurement: " + signed(percent1(float64(a.Memory.DeviceBytes)/float64(o.PeakBytes)-1))
	name := strings.TrimSpace("process " + strconv.Itoa(o.PID) + " " + o.Name)
	return Section{Title: "Beside " + name, Lines: []Line{line(plain(off))}, Grids: []Grid{g}}
}

// Command vramcalc-wasm is the estimator for the web page: one function,
// vramcalc(operation, settings, config, hub, argument), that gives JSON. See
// package page for the operations.
package main

import (
	"fmt"
	"strconv"
	"strings"
	"syscall/js"

	"github.com/vramcalc/vramcalc/cmd/internal/answer"
	"github.com/vramcalc/vramcalc/cmd/internal/page"
)

func main() {
	js.Global().Set("vramcalc", js.FuncOf(func(_ js.Value, args []js.Value) any { return call(args) }))
	js.Global().Get("vramcalcReady").Invoke()
	select {} // the functions above are called from JavaScript
}

// reply is what the page gets.
type reply struct {
	OK    any           `json:"ok,omitempty"`
	Error *page.Problem `json:"error,omitempty"`
}

// call answers with JSON: {"ok": …}, or {"error": {"problem", "hint"}}.
func call(args []js.Value) (out string) {
	defer func() {
		if p := recover(); p != nil {
			out = encode(reply{Error: &page.Problem{Problem: fmt.Sprint("vramcalc itself failed: ", p), Hint: "please report it with the link to this page"}})
		}
	}()
	said := page.Said{Config: args[2].String(), Hub: args[3].Bool()}
	for i := 0; i+1 < args[1].Length(); i += 2 {
		said.Settings = append(said.Settings, [2]string{args[1].Index(i).String(), args[1].Index(i + 1).String()})
	}
	result, err := run(args[0].String(), said, args[4].String())
	if err != nil {
		problem := page.NewProblem(err)
		return encode(reply{Error: &problem})
	}
	return encode(reply{OK: result})
}

// run carries one operation out.
func run(operation string, said page.Said, argument string) (any, error) {
	switch operation {
	case "plan":
		return said.Plan(argument == "explain")
	case "view":
		return said.View()
	case "explain":
		return said.Explain()
	case "heat":
		return heat(said, strings.Fields(argument))
	case "timeline":
		return said.Timeline(argument)
	case "methods":
		return said.Methods(argument)
	case "gpus":
		return said.GPUs()
	case "command":
		return said.Command()
	case "markdown":
		return said.Markdown()
	}
	return nil, fmt.Errorf("unknown operation %q", operation)
}

// heat answers "FROM TO GPU": some rows of the heat map.
func heat(said page.Said, words []string) (any, error) {
	if len(words) != 3 {
		return nil, fmt.Errorf("%d words say no rows of the heat map", len(words))
	}
	from, err := strconv.Atoi(words[0])
	to, err2 := strconv.Atoi(words[1])
	if err != nil || err2 != nil || from < 0 || from > to || to > page.HeatSize {
		return nil, fmt.Errorf("no rows %s to %s in the heat map", words[0], words[1])
	}
	return said.Heat(from, to, words[2])
}

func encode(v reply) string {
	var b strings.Builder
	if err := answer.WriteJSON(&b, v); err != nil {
		return `{"error": {"problem": "the answer has no JSON form", "hint": ""}}`
	}
	return b.String()
}

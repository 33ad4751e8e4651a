//go:build !js

// On the machine that builds the page this program writes what can be chosen,
// as JSON: the page shows it while the program for the browser still loads.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/vramcalc/vramcalc/cmd/internal/page"
)

func main() {
	if err := json.NewEncoder(os.Stdout).Encode(page.NewCatalogue()); err != nil {
		fmt.Fprintln(os.Stderr, "vramcalc-wasm:", err)
		os.Exit(1)
	}
}

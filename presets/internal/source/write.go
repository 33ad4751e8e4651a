package source

import (
	"fmt"
	"go/format"
	"reflect"
	"strconv"
	"strings"
)

// Go is the source of a file of package presets that holds a list as a
// variable, for the builds that the constraint names. Fields that are zero are
// left out, and those that are only shown to people as well where it is brief.
func Go(variable, file, constraint string, brief bool, list any) ([]byte, error) {
	v := reflect.ValueOf(list)
	element := v.Type().Elem()
	var b strings.Builder
	fmt.Fprintf(&b, "// Code generated from %s by \"make golden\"; DO NOT EDIT.\n\n//go:build %s\n\npackage presets\n\n", file, constraint)
	fmt.Fprintf(&b, "import %q\n\nvar %s = []%s{\n", element.PkgPath(), variable, element)
	for i := range v.Len() {
		writeStruct(&b, v.Index(i), brief)
		b.WriteString(",\n")
	}
	b.WriteString("}\n")
	return format.Source([]byte(b.String()))
}

// writeStruct writes the fields between braces; the type is that of the list.
func writeStruct(b *strings.Builder, v reflect.Value, brief bool) {
	b.WriteString("{")
	for i := range v.NumField() {
		f, t := v.Field(i), v.Type().Field(i)
		if brief && shown(v.Type().Name()+"."+t.Name) {
			continue
		}
		if !f.IsZero() {
			b.WriteString(t.Name + ": ")
			writeValue(b, f, brief)
			b.WriteString(", ")
		}
	}
	b.WriteString("}")
}

// shown says whether a field is only shown to people by the command line, so
// that a web page need not load it: remarks, and the sources of a card's facts.
// A model's source stands in derivations.
func shown(field string) bool {
	switch field {
	case "Model.Notes", "Model.Confidence", "Model.Facts", "Model.Released", "Model.ActiveParameters", "Model.ParametersExact", "Model.Family",
		"GPU.Notes", "GPU.Confidence", "GPU.Source", "GPU.LaunchPriceBasis", "GPU.Released", "GPU.Form", "GPU.MemoryType", "GPU.LaunchPriceUSD", "GPU.PCIe", "Measured.Source", "Price.Source":
		return true
	}
	return false
}

func writeValue(b *strings.Builder, v reflect.Value, brief bool) {
	switch v.Kind() {
	case reflect.String:
		b.WriteString(strconv.Quote(v.String()))
	case reflect.Bool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int64:
		b.WriteString(strconv.FormatInt(v.Int(), 10))
	case reflect.Float64:
		b.WriteString(strconv.FormatFloat(v.Float(), 'g', -1, 64))
	case reflect.Struct:
		b.WriteString(v.Type().String())
		writeStruct(b, v, brief)
	case reflect.Slice:
		b.WriteString(v.Type().String() + "{")
		for i := range v.Len() {
			if e := v.Index(i); e.Kind() == reflect.Struct {
				writeStruct(b, e, brief)
			} else {
				writeValue(b, e, brief)
			}
			b.WriteString(", ")
		}
		b.WriteString("}")
	default:
		panic("no presets hold a " + v.Type().String())
	}
}

package source

import (
	"fmt"
	"go/format"
	"reflect"
	"strconv"
	"strings"
)

// Go is the source of a file of package presets that holds a list as a
// variable. Fields that are zero are left out.
func Go(variable, file string, list any) ([]byte, error) {
	v := reflect.ValueOf(list)
	element := v.Type().Elem()
	var b strings.Builder
	fmt.Fprintf(&b, "// Code generated from %s by \"make golden\"; DO NOT EDIT.\n\npackage presets\n\n", file)
	fmt.Fprintf(&b, "import %q\n\nvar %s = []%s{\n", element.PkgPath(), variable, element)
	for i := range v.Len() {
		writeStruct(&b, v.Index(i))
		b.WriteString(",\n")
	}
	b.WriteString("}\n")
	return format.Source([]byte(b.String()))
}

// writeStruct writes the fields between braces; the type is that of the list.
func writeStruct(b *strings.Builder, v reflect.Value) {
	b.WriteString("{")
	for i := range v.NumField() {
		if f := v.Field(i); !f.IsZero() {
			b.WriteString(v.Type().Field(i).Name + ": ")
			writeValue(b, f)
			b.WriteString(", ")
		}
	}
	b.WriteString("}")
}

func writeValue(b *strings.Builder, v reflect.Value) {
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
		writeStruct(b, v)
	case reflect.Slice:
		b.WriteString(v.Type().String() + "{")
		for i := range v.Len() {
			if e := v.Index(i); e.Kind() == reflect.Struct {
				writeStruct(b, e)
			} else {
				writeValue(b, e)
			}
			b.WriteString(", ")
		}
		b.WriteString("}")
	default:
		panic("no presets hold a " + v.Type().String())
	}
}

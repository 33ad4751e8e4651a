//go:build !web

package site

// archive is empty: "make build" puts the page in.
var archive []byte

//go:build web

package site

import _ "embed" // site.zip

//go:embed site.zip
var archive []byte

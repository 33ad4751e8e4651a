package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
)

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version of vramcalc and of its JSON",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			return a.write(render.Sheet{Key: "version", Title: programName, Record: versionRecord()})
		},
	}
}

// versionRecord is what the build left in the program.
func versionRecord() render.Record {
	version, commit, dirty := "unknown", any(nil), any(nil)
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				commit = s.Value
			case "vcs.modified":
				dirty = s.Value == "true"
			}
		}
	}
	return render.Record{
		{Key: "version", Label: "version", Value: version},
		{Key: "commit", Label: "commit", Value: commit},
		{Key: "modified", Label: "modified", Value: dirty},
		{Key: "json_schema", Label: "JSON schema", Value: render.SchemaVersion},
		{Key: "go", Label: "built with", Value: runtime.Version()},
		{Key: "platform", Label: "platform", Value: runtime.GOOS + "/" + runtime.GOARCH},
	}
}

package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision/printable"
)

func newVersion(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of raiz",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if g.json {
				return g.put(map[string]string{"version": version()})
			}
			printable.Fprintf(g.std.out, "raiz %s\n", version())
			return nil
		},
	}
}

// released is put in by the linker (.ci/build): a tag, or the commit. Nothing
// else sets it.
var released string

// version is what was put in, or else what the toolchain has recorded, and
// which toolchain that is: with the version it decides every byte.
func version() string {
	info, ok := debug.ReadBuildInfo()
	switch {
	case released == "" && !ok:
		return "unknown"
	case !ok:
		return released
	case released != "":
		return released + " " + info.GoVersion
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			v = s.Value[:12]
		}
	}
	return v + " " + info.GoVersion
}

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/site"
)

func newValidate(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "validate PATH...",
		Short: "Check site files; needs no secret and no network",
		Example: `  raiz validate sites/
  raiz validate gru1.hcl --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return g.validate(args) },
	}
}

// validate says all that is wrong with all paths; as JSON in one document,
// also when nothing is.
func (g *globals) validate(paths []string) error {
	var all site.Diagnostics
	var invalid []string
	for _, path := range paths {
		sites, diags := g.read(path, nil)
		all = append(all, diags...)
		if !g.json {
			if err := g.say(diags); err != nil {
				return exit(exitError, err)
			}
		}
		switch {
		case diags.HasErrors():
			invalid = append(invalid, path)
		case !g.json:
			fmt.Fprintf(g.std.out, "%s: %s valid\n", path, plural(len(sites), "site"))
		}
	}
	if g.json {
		if err := report.DiagnosticsJSON(g.std.out, all); err != nil {
			return exit(exitError, err)
		}
	}
	switch len(invalid) {
	case 0:
		return nil
	case 1:
		return exit(exitUsage, fmt.Errorf("%s is not valid", invalid[0]))
	}
	return exit(exitUsage, fmt.Errorf("%s are not valid", strings.Join(invalid, ", ")))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

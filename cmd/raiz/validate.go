package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision/printable"
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

// validSites is a path that is valid, in JSON.
type validSites struct {
	Path  string   `json:"path"`
	Sites []string `json:"sites"`
}

// validate says all that is wrong with all paths.
func (g *globals) validate(paths []string) error {
	valid := []validSites{}
	var invalid []string
	for _, path := range paths {
		sites, diags := g.read(path, nil)
		if err := g.say(diags); err != nil {
			return exit(exitError, err)
		}
		if diags.HasErrors() {
			invalid = append(invalid, path)
			continue
		}
		v := validSites{Path: path, Sites: []string{}}
		for _, s := range sites {
			v.Sites = append(v.Sites, s.Name)
		}
		valid = append(valid, v)
		printable.Fprintf(g.people(), "%s: %s valid\n", path, plural(len(sites), "site"))
	}
	_ = g.put(map[string][]validSites{"valid": valid})
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

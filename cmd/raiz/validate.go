package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newValidate(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "validate PATH...",
		Short: "Check site files; needs no secret and no network",
		Example: `  raiz validate sites/
  raiz validate gru1.hcl --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, path := range args {
				sites, err := g.load(path)
				if err != nil {
					return err
				}
				if !g.json {
					fmt.Fprintf(g.std.out, "%s: %s valid\n", path, plural(len(sites), "site"))
				}
			}
			return nil
		},
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

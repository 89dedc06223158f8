package main

import (
	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/docs"
)

func newSchema(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of what --json prints",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := g.std.out.Write(docs.Schema())
			return err
		},
	}
}

package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
)

func newRollback(g *globals) *cobra.Command {
	var t target
	var a guards
	cmd := &cobra.Command{
		Use:   "rollback PATH [GENERATION]",
		Short: "Go back to an earlier generation of the server",
		Long: `rollback makes an earlier confirmed generation the new one, with the same guards
as an apply: it reverts by itself unless DNS answers over a new connection.
Without a number it goes to the last confirmed generation before the current.
The site file still declares what it did: the next plan shows the difference.`,
		Example: `  raiz history gru1.hcl
  raiz rollback gru1.hcl 7`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			generation := 0
			if len(args) > 1 {
				n, err := strconv.ParseUint(args[1], 10, 31)
				if err != nil || n == 0 {
					return exit(exitUsage, fmt.Errorf("%q is no number of a generation; raiz history shows those there are", args[1]))
				}
				generation = int(n)
			}
			s, o, _, err := t.aim(g, args[0])
			if err != nil {
				return err
			}
			if err := a.set(&o); err != nil {
				return err
			}
			if !a.yes {
				if err := g.ask(toApply(s.Name)); err != nil {
					return err
				}
			}
			run := provision.New(s, o)
			defer run.Close(cmd.Context())
			return g.carryOut(run, func() (apply.Journal, error) { return run.Rollback(cmd.Context(), generation) })
		},
	}
	t.flags(cmd)
	a.flags(cmd)
	return cmd
}

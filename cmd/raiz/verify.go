package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/report"
)

func newVerify(g *globals) *cobra.Command {
	var t target
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "verify PATH",
		Short: "Check that the copy is as declared, answers and is announced",
		Long: `verify looks at the BMC, the server, its BGP and its DNS and compares them with
the site file. Every check says from where it looked; one that could not look
is never green. It exits 3 when a check failed and 4 when one could not look.`,
		Example: `  raiz verify gru1.hcl
  raiz verify gru1.hcl --wait 3m --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, o, v, err := t.aim(g, args[0])
			if err != nil {
				return err
			}
			results := provision.VerifyWithin(cmd.Context(), s, o, v, wait)
			if err := g.show(report.Report{Site: s, Verify: results}); err != nil {
				return exit(exitError, err)
			}
			return exit(verifyCode(results), nil)
		},
	}
	t.flags(cmd)
	cmd.Flags().DurationVar(&wait, "wait", 0, "look again until everything passes, at most this long")
	return cmd
}

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

func newVerify(g *globals) *cobra.Command {
	var t target
	var wait time.Duration
	var p paper
	cmd := &cobra.Command{
		Use:   "verify PATH",
		Short: "Check that the copy is as declared, answers and is announced",
		Long: `verify looks at the BMC, the server, its BGP and its DNS and compares them with
the site file. Every check says from where it looked; one that could not look
is never green. It exits 3 when a check failed and 4 when one could not look.

--report keeps it as a document, as raiz report does.`,
		Example: `  raiz verify gru1.hcl
  raiz verify gru1.hcl --wait 3m --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if p.file == "" && (p.since != "" || cmd.Flags().Changed("lang")) {
				return exit(exitUsage, fmt.Errorf("--since and --lang are for the document: name it with --report"))
			}
			if err := p.check("--report"); err != nil {
				return err
			}
			s, o, v, err := t.aim(g, args[0])
			if err != nil {
				return err
			}
			if err := p.read(s); err != nil {
				return err
			}
			return g.verified(p, t.look(cmd.Context(), s, o, v, wait))
		},
	}
	t.flags(cmd)
	t.bmcFlag(cmd)
	p.flags(cmd, "report", "write what was found into this file too: .html, .md or .xml")
	cmd.Flags().DurationVar(&wait, "wait", 0, "look again until everything passes, at most this long")
	return cmd
}

// look verifies a site.
func (t *target) look(ctx context.Context, s *site.Site, o provision.Options, v provision.Vantages, wait time.Duration) report.Report {
	r := report.Report{Site: s, Verify: provision.VerifyWithin(ctx, s, o, v, wait)}
	r.Looked = &report.Looked{At: time.Now(), By: whoever(), Raiz: version(), Wants: wants(s, o)}
	if t.bmcOnly {
		r.Notices = []verdict.Message{provision.BMCAlone()}
	}
	return r
}

// verified shows what was found, and writes the document of it.
func (g *globals) verified(p paper, r report.Report) error {
	r.Past = p.past
	if err := g.show(r); err != nil {
		return exit(exitError, err)
	}
	if err := p.write(r); err != nil {
		return err
	}
	return exit(verifyCode(r.Verify), nil)
}

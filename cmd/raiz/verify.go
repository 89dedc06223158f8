package main

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/verdict"
)

func newVerify(g *globals) *cobra.Command {
	var t target
	var wait time.Duration
	var keep string
	cmd := &cobra.Command{
		Use:   "verify PATH",
		Short: "Check that the copy is as declared, answers and is announced",
		Long: `verify looks at the BMC, the server, its BGP and its DNS and compares them with
the site file. Every check says from where it looked; one that could not look
is never green. It exits 3 when a check failed and 4 when one could not look.

--report keeps it as a document: FILE.html as a page for the host, FILE.md for a
ticket or a comment, FILE.xml as JUnit for a CI.`,
		Example: `  raiz verify gru1.hcl
  raiz verify gru1.hcl --wait 3m --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if keep != "" && formOf(keep) == nil {
				return exit(exitUsage, fmt.Errorf("--report %s: name a file that ends in .html, .md or .xml", keep))
			}
			s, o, v, err := t.aim(g, args[0])
			if err != nil {
				return err
			}
			results := provision.VerifyWithin(cmd.Context(), s, o, v, wait)
			r := report.Report{Site: s, Verify: results}
			if t.bmcOnly {
				r.Notices = []verdict.Message{provision.BMCAlone()}
			}
			if err := g.show(r); err != nil {
				return exit(exitError, err)
			}
			if err := keepReport(keep, r); err != nil {
				return err
			}
			return exit(verifyCode(results), nil)
		},
	}
	t.flags(cmd)
	t.bmcFlag(cmd)
	cmd.Flags().StringVar(&keep, "report", "", "write what was found into this file too: .html, .md or .xml")
	cmd.Flags().DurationVar(&wait, "wait", 0, "look again until everything passes, at most this long")
	return cmd
}

// formOf is how a report is written into a file of this name; nil where
// nobody knows.
func formOf(name string) func(io.Writer, report.Report, messages.Table) error {
	switch filepath.Ext(name) {
	case ".html":
		return report.HTML
	case ".md":
		return report.Markdown
	case ".xml":
		return report.JUnit
	}
	return nil
}

// keepReport writes the file that somebody has asked for, if anybody has.
func keepReport(name string, r report.Report) error {
	if name == "" {
		return nil
	}
	var b bytes.Buffer
	if err := formOf(name)(&b, r, messages.English()); err != nil {
		return exit(exitError, err)
	}
	return replaceFile(name, b.Bytes(), 0o644)
}

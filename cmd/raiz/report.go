package main

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

func newReport(g *globals) *cobra.Command {
	var t target
	var wait time.Duration
	var p paper
	var from string
	cmd := &cobra.Command{
		Use:   "report PATH",
		Short: "Write the document that is handed over: what verify finds, for people",
		Long: `report looks, as verify does, and writes a document of what it has found: FILE.html
is a page for the host, which is printed and signed; FILE.md is for a ticket or
a comment; FILE.xml is JUnit for a CI. With --from it looks at nothing and contacts
nobody, and makes the document of what raiz verify --json has written. With
--since it tells what has changed since another of these.

It exits as verify does: 3 when a check failed and 4 when one could not look.`,
		Example: `  raiz report gru1.hcl --out gru1.html --lang pt
  raiz report gru1.hcl --from today.json --since handover.json --out gru1.html`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if p.file == "" {
				return exit(exitUsage, fmt.Errorf("--out is missing: name the file to write, which ends in .html, .md or .xml"))
			}
			if err := p.check("--out"); err != nil {
				return err
			}
			if from != "" {
				return g.reportFrom(&t, p, args[0], from)
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
	p.flags(cmd, "out", "write the document into this file: .html, .md or .xml")
	cmd.Flags().StringVar(&from, "from", "", "make it of this file, which raiz verify --json has written, and look at nothing")
	cmd.Flags().DurationVar(&wait, "wait", 0, "look again until everything passes, at most this long")
	cmd.MarkFlagsMutuallyExclusive("from", "wait")
	cmd.MarkFlagsMutuallyExclusive("from", "via")
	cmd.MarkFlagsMutuallyExclusive("from", "bmc-only")
	return cmd
}

// reportFrom makes a document of results that somebody has kept. A site that has
// changed since would be drawn otherwise than it was looked at.
func (g *globals) reportFrom(t *target, p paper, path, from string) error {
	s, o, err := t.offline(g, path)
	if err != nil {
		return err
	}
	text, err := secret.ReadNamed(from)
	if err != nil {
		return exit(exitUsage, fmt.Errorf("--from %s: %w", from, err))
	}
	kept, err := report.ReadKept(text, vocabulary())
	switch {
	case err != nil:
		return exit(exitUsage, fmt.Errorf("--from %s: %w", from, err))
	case kept.Site != s.Name:
		return exit(exitUsage, fmt.Errorf("--from %s is of the site %q, and %s has %q", from, kept.Site, path, s.Name))
	case kept.Looked != nil && kept.Looked.Wants != wants(s, o):
		return exit(exitUsage, fmt.Errorf("--from %s is of other site files, packs or another raiz than those at hand: verify again, or take those that it was made with (%s)", from, kept.Looked.Raiz))
	}
	if err := p.read(s); err != nil {
		return err
	}
	return g.verified(p, report.Report{Site: s, Verify: kept.Results, Looked: kept.Looked, Notices: kept.Notices})
}

// offline is a site for which nothing is looked up, or its rehearsal.
func (t *target) offline(g *globals, path string) (*site.Site, provision.Options, error) {
	if t.rehearsal != "" {
		s, o, _, err := t.aim(g, path)
		return s, o, err
	}
	s, err := g.one(path, t.siteName)
	if err != nil {
		return nil, provision.Options{}, err
	}
	o, err := g.options(path)
	return s, o, err
}

// wants is the digest of what a site wants, as a saved plan has it; "" where the
// site cannot be rendered, which other checks say.
func wants(s *site.Site, o provision.Options) string {
	set, err := render.Desired(s, o.Packs, render.With{Secrets: render.Withheld, Program: o.Helpers.Sum()})
	if err != nil {
		return ""
	}
	return plan.Wants(set)
}

// vocabulary is all that raiz may have said.
func vocabulary() verdict.Vocabulary {
	return verdict.NewVocabulary(slices.Concat(verdict.Codes(), state.Codes(), apply.Codes(), verify.Codes(), report.Codes(), provision.Codes()))
}

// paper is a document of a verification: its file, in which language, and with
// what it is compared.
type paper struct {
	file, language, since string
	past                  *report.Past // once it is read
}

func (p *paper) flags(cmd *cobra.Command, file, usage string) {
	f := cmd.Flags()
	f.StringVar(&p.file, file, "", usage)
	f.StringVar(&p.language, "lang", "en", "language of the document: "+strings.Join(messages.Languages(), ", "))
	f.StringVar(&p.since, "since", "", "tell what has changed since this file, which raiz verify --json has written")
}

// check refuses what nobody can write, before anybody looks.
func (p *paper) check(flag string) error {
	if p.file == "" {
		return nil
	}
	if formOf(p.file) == nil {
		return exit(exitUsage, fmt.Errorf("%s %s: name a file that ends in .html, .md or .xml", flag, p.file))
	}
	if _, err := messages.In(p.language); err != nil {
		return exit(exitUsage, fmt.Errorf("--lang: %w", err))
	}
	return nil
}

// read reads what the document is compared with, if anything.
func (p *paper) read(s *site.Site) error {
	if p.since == "" {
		return nil
	}
	text, err := secret.ReadNamed(p.since)
	if err != nil {
		return exit(exitUsage, fmt.Errorf("--since %s: %w", p.since, err))
	}
	past, name, err := report.ReadPast(text, vocabulary())
	switch {
	case err != nil:
		return exit(exitUsage, fmt.Errorf("--since %s: %w", p.since, err))
	case name != s.Name:
		return exit(exitUsage, fmt.Errorf("--since %s is of the site %q, and this is %q", p.since, name, s.Name))
	}
	p.past = &past
	return nil
}

// write writes the file that somebody has asked for, if anybody has.
func (p *paper) write(r report.Report) error {
	if p.file == "" {
		return nil
	}
	words, err := messages.In(p.language)
	if err != nil {
		return exit(exitUsage, err)
	}
	var b bytes.Buffer
	if err := formOf(p.file)(&b, r, words); err != nil {
		return exit(exitError, err)
	}
	return replaceFile(p.file, b.Bytes(), 0o644)
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

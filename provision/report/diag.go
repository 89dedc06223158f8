package report

import (
	"io"
	"strings"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// Diagnostics writes the problems of site files, each with its place, the
// line it is on, and what to do.
func Diagnostics(w io.Writer, ds site.Diagnostics, o TextOptions) error {
	p := newPrinter(w, o)
	for _, d := range ds {
		mark := p.red(p.words.Say(verdict.New("report.error")))
		if d.Severity == site.Warning {
			mark = p.yellow(p.words.Say(verdict.New("report.warning")))
		}
		if d.Rule != "" {
			p.line("%s %s %s", mark, d.Summary, p.dim("["+d.Rule+"]"))
		} else {
			p.line("%s %s", mark, d.Summary)
		}
		if d.Pos.Line > 0 {
			p.line("  --> %s:%s:%s", d.Pos.File, d.Pos.Line, d.Pos.Column)
		} else if d.Pos.File != "" {
			p.line("  --> %s", d.Pos.File)
		}
		if d.Source != "" {
			p.line("   | %s", d.Source)
			if d.Pos.Column > 0 && d.Pos.Column <= len(d.Source)+1 {
				p.line("   | %s%s", strings.Repeat(" ", d.Pos.Column-1), p.red("^"))
			}
		}
		if d.Detail != "" {
			for line := range strings.SplitSeq(strings.TrimRight(d.Detail, "\n"), "\n") {
				p.line("%s", strings.TrimRight("  "+line, " "))
			}
		}
	}
	return p.err
}

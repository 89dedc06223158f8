package report

import (
	"io"
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// Text writes the report for a person.
func Text(w io.Writer, r Report, o TextOptions) error {
	p := newPrinter(w, o)
	p.notes(r.Notices)
	if r.Plan != nil {
		p.plan(*r.Plan)
	}
	if r.Apply != nil {
		p.journal(*r.Apply, r.ApplyErr)
	}
	p.declare(r.Declare)
	if r.Verify != nil {
		p.verify(r.Verify)
		p.notes(overrides(r.Site))
	}
	if r.Cost != nil && o.Full {
		p.line("%s", p.dim(p.words.Say(r.Cost.message())))
	}
	return p.err
}

func (p *printer) notes(ms []verdict.Message) {
	for _, m := range ms {
		p.line("%s %s", p.yellow(p.words.Say(verdict.New("report.note"))), p.words.Say(m))
	}
}

// declare writes lines of a site file as they are to be written.
func (p *printer) declare(d Declaration) {
	for _, m := range d.Before {
		p.line("%s", p.words.Say(m))
	}
	if len(d.Lines) > 0 {
		p.line("")
	}
	for _, l := range d.Lines {
		p.line("    %s", l)
	}
	if len(d.Lines) > 0 && len(d.After) > 0 {
		p.line("")
	}
	for _, m := range d.After {
		p.line("%s", p.words.Say(m))
	}
}

// overrides are what a site does otherwise than its operator or this program
// would, with its reasons.
func overrides(s *site.Site) []verdict.Message {
	if s == nil {
		return nil
	}
	var out []verdict.Message
	for _, r := range s.Operator.Rules {
		if reason, ok := s.Operator.Overrides[r.ID]; ok {
			out = append(out, verdict.New("report.overridden", verdict.Word("rule", r.ID), verdict.Word("operator", s.Operator.Name), verdict.Seen("reason", reason)))
		}
	}
	for _, z := range s.DNS.Zones {
		if z.Unverified != "" {
			out = append(out, verdict.New("report.unverified", verdict.Zone("zone", z.Name), verdict.Seen("reason", z.Unverified)))
		}
		if z.Unauthenticated != "" {
			out = append(out, verdict.New("report.unauthenticated", verdict.Zone("zone", z.Name), verdict.Seen("reason", z.Unauthenticated)))
		}
	}
	return out
}

func (p *printer) journal(j apply.Journal, err error) {
	for _, e := range j.Entries {
		mark := p.red(p.words.Say(e.Outcome.Message()))
		switch e.Outcome {
		case apply.Done:
			mark.Style = printable.Green
		case apply.Waits, apply.Queued, apply.Unsupported, apply.NotTried:
			mark.Style = printable.Yellow
		}
		p.line("  %s %s%s", mark, p.words.Say(e.Step), p.dim(took(e.Took)))
		if e.Err != nil && e.Outcome != apply.Done && (err == nil || e.Err.Error() != err.Error()) {
			p.line("      %s", printable.Line(e.Err.Error()))
		}
	}
	p.ended(j, err)
	if waits := j.Settings(apply.Waits); len(waits) > 0 {
		p.line("%s", p.yellow(p.words.Say(verdict.New("report.waits", verdict.Words("settings", waits)))))
	}
	if queued := j.Settings(apply.Queued); len(queued) > 0 {
		p.line("%s", p.yellow(p.words.Say(verdict.New("report.queued", verdict.Words("settings", queued)))))
	}
	for _, m := range j.Missing {
		p.line("%s %s", p.yellow(p.words.Say(verdict.New("report.missing"))), p.words.Say(verdict.New("report.withdrawn", verdict.Inner("zone", m))))
	}
}

func (p *printer) ended(j apply.Journal, err error) {
	switch {
	case err == nil && j.Generation != "":
		p.line("%s %s", p.green(p.words.Say(verdict.New("report.applied"))), p.words.Say(verdict.New("report.confirmed", verdict.Word("generation", j.Generation))))
	case err == nil:
		p.line("%s", p.green(p.words.Say(verdict.New("report.settings-applied"))))
	case j.Outcome == apply.Reverted:
		p.line("%s %s", p.red(p.words.Say(verdict.New("report.reverted"))), printable.Line(err.Error()))
		p.line("  %s", p.words.Say(verdict.New("report.as-before")))
	case j.Outcome == apply.Unknown:
		p.line("%s %s", p.red(p.words.Say(verdict.New("report.unknown"))), printable.Line(err.Error()))
	default:
		p.line("%s %s", p.red(p.words.Say(verdict.New("report.not-applied"))), printable.Line(err.Error()))
	}
}

func took(d time.Duration) string {
	if d < 100*time.Millisecond {
		return ""
	}
	return " (" + d.Round(100*time.Millisecond).String() + ")"
}

func (p *printer) verify(results []verify.Result) {
	for _, r := range results {
		if r.Status == verify.Pass && !p.o.Full {
			continue
		}
		p.result(r)
	}
	p.line("%s %s", p.bold(p.words.Say(verdict.New("report.checks"))), tally(results, p.words))
}

// detail is more of what was seen, and what to do.
func detail(r verify.Result) []verdict.Message { return slices.Concat(r.Evidence, r.Advice) }

func (p *printer) result(r verify.Result) {
	mark := p.red(p.words.Say(r.Status.Message()))
	switch r.Status {
	case verify.Pass:
		mark.Style = printable.Green
	case verify.Warn, verify.Skipped, verify.OtherInstance:
		mark.Style = printable.Yellow
	}
	p.line("%s %s %s", mark, p.words.Say(r.Title), p.dim("["+p.words.Say(r.Vantage.Message())+", "+r.ID+"]"))
	switch {
	case r.Because != "":
		p.line("      %s", p.words.Say(verdict.New("report.because", verdict.Word("check", r.Because))))
	case r.Status == verify.Pass:
		p.line("      %s", p.dim(p.words.All(r.Got)))
	default:
		if !r.Want.IsZero() && r.Status == verify.Fail {
			p.line("      %s", p.words.Say(verdict.New("report.want", verdict.Inner("what", r.Want))))
		}
		p.line("      %s", p.words.Say(verdict.New("report.got", verdict.Messages("what", r.Got))))
		if more := detail(r); len(more) > 0 {
			p.line("      %s", p.words.All(more))
		}
	}
}

package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// Text writes the report for a person.
func Text(w io.Writer, r Report, o TextOptions) error {
	p := &printer{w: w, o: o, words: o.Words}
	if p.words == nil {
		p.words = messages.English()
	}
	for _, n := range r.Notices {
		p.line("%s %s", p.yellow("note:"), safe(n))
	}
	if r.Plan != nil {
		p.plan(*r.Plan)
	}
	if r.Apply != nil {
		p.journal(*r.Apply, r.ApplyErr)
	}
	for _, l := range r.Declare {
		p.line("%s", safe(l))
	}
	if r.Verify != nil {
		p.verify(r.Verify)
		p.overrides(r.Site)
	}
	if r.Cost != nil && o.Full {
		c := *r.Cost
		p.line("%s", p.dim(fmt.Sprintf("cost: %s, %s, %s; BMC: %s, %s, %s",
			count(c.SSHConnections, "SSH connection"), count(c.SSHExecs, "exec"), count(c.Uploads, "upload"),
			count(c.BMCGets, "GET"), count(c.BMCWrites, "write"), count(c.BMCHandshakes, "TLS handshake"))))
	}
	return p.err
}

func (p *printer) overrides(s *site.Site) {
	if s == nil {
		return
	}
	for _, r := range s.Operator.Rules {
		if reason, ok := s.Operator.Overrides[r.ID]; ok {
			p.line("%s rule %s of %s is overridden: %s", p.yellow("note:"), r.ID, s.Operator.Name, safe(reason))
		}
	}
	for _, z := range s.DNS.Zones {
		if z.Unverified != "" {
			p.line("%s zone %s is served without a look at its signatures: %s", p.yellow("note:"), z.Name, safe(z.Unverified))
		}
		if z.Unauthenticated != "" {
			p.line("%s zone %s is transferred without TSIG: %s", p.yellow("note:"), z.Name, safe(z.Unauthenticated))
		}
	}
}

func (p *printer) journal(j apply.Journal, err error) {
	for _, e := range j.Entries {
		mark := p.green("done")
		switch e.Outcome {
		case apply.Done:
		case apply.Unsupported, apply.NotTried:
			mark = p.yellow(string(e.Outcome))
		default:
			mark = p.red(string(e.Outcome))
		}
		p.line("  %s %s%s", mark, safe(e.Step), p.dim(took(e.Took)))
		if e.Err != nil && e.Outcome != apply.Done && (err == nil || e.Err.Error() != err.Error()) {
			p.line("      %s", safe(e.Err.Error()))
		}
	}
	switch {
	case err == nil && j.Generation != "":
		p.line("%s generation %s is confirmed", p.green("applied:"), j.Generation)
	case err == nil:
		p.line("%s", p.green("applied"))
	case j.Outcome == apply.Reverted:
		p.line("%s %s", p.red("reverted:"), safe(err.Error()))
		p.line("  The server has what it had before.")
	case j.Outcome == apply.Unknown:
		p.line("%s %s", p.red("unknown:"), safe(err.Error()))
	default:
		p.line("%s %s", p.red("not applied:"), safe(err.Error()))
	}
	for _, m := range j.Missing {
		p.line("%s %s; the blocks stay withdrawn until it is there, and are announced then by themselves", p.yellow("missing:"), p.words.Say(m))
	}
}

func took(d time.Duration) string {
	if d < 100*time.Millisecond {
		return ""
	}
	return " (" + d.Round(100*time.Millisecond).String() + ")"
}

func (p *printer) verify(results []verify.Result) {
	tally := map[verify.Status]int{}
	for _, r := range results {
		tally[r.Status]++
		if r.Status == verify.Pass && !p.o.Full {
			continue
		}
		p.result(r)
	}
	var parts []string
	for _, s := range []verify.Status{verify.Pass, verify.Warn, verify.Fail, verify.Unknown, verify.OtherInstance, verify.Skipped} {
		if tally[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", tally[s], s))
		}
	}
	p.line("%s %s", p.bold("checks:"), strings.Join(parts, ", "))
}

// detail is more of what was seen, and what to do.
func detail(r verify.Result) []verdict.Message { return slices.Concat(r.Evidence, r.Advice) }

func (p *printer) result(r verify.Result) {
	mark := string(r.Status)
	switch r.Status {
	case verify.Pass:
		mark = p.green(mark)
	case verify.Warn, verify.Skipped, verify.OtherInstance:
		mark = p.yellow(mark)
	default:
		mark = p.red(mark)
	}
	p.line("%s %s %s", mark, p.words.Say(r.Title), p.dim("["+string(r.Vantage)+", "+r.ID+"]"))
	switch {
	case r.Because != "":
		p.line("      because %s did not pass", r.Because)
	case r.Status == verify.Pass:
		p.line("      %s", p.dim(p.words.All(r.Got)))
	default:
		if !r.Want.IsZero() && r.Status == verify.Fail {
			p.line("      want %s", p.words.Say(r.Want))
		}
		p.line("      got  %s", p.words.All(r.Got))
		if more := detail(r); len(more) > 0 {
			p.line("      %s", p.words.All(more))
		}
	}
}

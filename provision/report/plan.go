package report

import (
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
)

func (p *printer) plan(pl plan.Plan) {
	p.unknown(pl.Unknown)
	for _, f := range pl.Unsupported {
		p.line("%s %s: %s", p.yellow("!"), f.Key, printable.Line(f.Err.Error()))
	}
	for _, f := range pl.Waiting {
		p.line("%s %s: %s", p.yellow("*"), f.Key, p.words.Say(waiting(f)))
	}
	for _, f := range pl.Queued {
		p.line("%s %s: %s", p.yellow("*"), f.Key, p.words.Say(verdict.New("plan.queued", verdict.Seen("why", f.Queued))))
	}
	for _, c := range pl.Changes {
		p.change(c)
	}
	for _, m := range pl.Found {
		p.line("%s %s", p.red("!"), p.words.Say(m))
	}
	heading := p.words.Say(verdict.New("plan.heading", verdict.Word("site", pl.Site)))
	site := p.words.Say(verdict.New("plan.site", verdict.Word("site", pl.Site)))
	switch {
	case len(pl.Unknown) > 0:
		p.line("%s %s", p.red(heading), p.words.Say(verdict.New("plan.blocked", verdict.Inner("things", things(len(pl.Unknown))))))
	case pl.Empty() && len(pl.Found) > 0:
		p.line("%s %s", p.yellow(site), p.words.Say(verdict.New("plan.beside")))
	case pl.Empty() && len(pl.Waiting)+len(pl.Queued) > 0:
		p.line("%s %s", p.yellow(site), p.words.Say(verdict.New("plan.waits")))
	case pl.Empty() && pl.Part == plan.ServerAlone:
		p.line("%s %s", p.yellow(site), p.words.Say(verdict.New("plan.server-as-declared")))
	case pl.Empty() && pl.Part == plan.BMCAlone && len(pl.Unsupported) == 0:
		p.line("%s %s", p.green(site), p.words.Say(verdict.New("plan.bmc-as-declared")))
	case pl.Empty() && len(pl.Unsupported) > 0:
		p.line("%s %s", p.yellow(site), p.words.Say(verdict.New("plan.rest-as-declared")))
	case pl.Empty():
		p.line("%s %s", p.green(site), p.words.Say(verdict.New("plan.as-declared")))
	default:
		p.line("%s %s", p.bold(heading), p.words.Say(verdict.New("plan.changes", verdict.Inner("changes", changes(len(pl.Changes))), verdict.Word("digest", fmt.Sprintf("%.12s", pl.Digest())))))
	}
}

// waiting is a setting that is written and not in effect yet.
func waiting(f state.Fact) verdict.Message {
	pending, _ := f.Pending.(state.Attr)
	now, _ := f.Value.(state.Attr)
	return verdict.New("plan.waiting", verdict.AllSeen("pending", pending.Values), verdict.AllSeen("now", now.Values))
}

func valuesOf(v state.Value) verdict.Message {
	a, _ := v.(state.Attr)
	return verdict.New("change.values", verdict.AllSeen("values", a.Values))
}

// unknown names each reason once: what cannot be reached has dozens of things
// that could not be looked at.
func (p *printer) unknown(facts []state.Fact) {
	same := map[string]int{}
	for _, f := range facts {
		same[f.Err.Error()]++
	}
	said := map[string]bool{}
	for _, f := range facts {
		why := f.Err.Error()
		switch {
		case same[why] == 1 || p.o.Full:
			p.line("%s %s: %s", p.red("?"), f.Key, printable.Line(why))
		case !said[why]:
			said[why] = true
			p.line("%s %s, %s: %s", p.red("?"), f.Key, p.words.Say(more(same[why]-1)), printable.Line(why))
		}
	}
}

func (p *printer) change(c plan.Change) {
	mark := map[plan.Action]printable.Span{plan.Create: p.green("+"), plan.Update: p.yellow("~"), plan.Delete: p.red("-")}[c.Action]
	p.line("%s %s%s", mark, c.Key, p.summary(c))
	if does := c.Effect.Message(); !does.IsZero() {
		p.line("    %s", p.yellow(p.words.Say(does)))
	}
	if c.AtReboot {
		p.line("    %s", p.yellow(p.words.Say(verdict.New("change.at-reboot"))))
	}
	if c.Pending != nil {
		p.line("    %s", p.yellow(p.words.Say(verdict.New("change.pending", verdict.Inner("values", valuesOf(c.Pending))))))
	}
	if c.Foreign {
		p.line("    %s", p.yellow(p.words.Say(verdict.New("change.foreign"))))
	}
	switch c.Key.Kind {
	case state.Path:
		p.fileDiff(c)
	case state.Running:
		p.differences(c)
	}
}

// differences shows where what runs is not what its file says.
func (p *printer) differences(c plan.Change) {
	before, _ := c.Before.(state.Attr)
	for _, line := range before.Values {
		p.line("    %s", p.red(printable.Line(line)))
	}
}

// summary is what a change does, on its own line.
func (p *printer) summary(c plan.Change) string {
	if c.Key.Kind == state.Running {
		return ": " + p.words.Say(verdict.New("change.not-in-effect")) + p.effectWords(c.Effect)
	}
	switch after := c.After.(type) {
	case state.Attr:
		if before, ok := c.Before.(state.Attr); ok {
			return ": " + p.attr(before) + " -> " + p.attr(after)
		}
		return ": " + p.attr(after)
	case state.Service:
		return ": " + p.serviceWords(c.Before, after)
	case state.File:
		return p.fileWords(c, after)
	}
	return ""
}

func (p *printer) attr(a state.Attr) string {
	if len(a.Values) == 0 {
		return p.words.Say(verdict.New("change.none"))
	}
	return strings.Join(a.Values, ", ")
}

func (p *printer) serviceWords(before state.Value, after state.Service) string {
	was, _ := before.(state.Service)
	var words []string
	if after.Enabled && !was.Enabled {
		words = append(words, p.words.Say(verdict.New("change.enable")))
	}
	if after.Active && !was.Active {
		words = append(words, p.words.Say(verdict.New("change.start")))
	}
	return strings.Join(words, ", ")
}

// effectWords say what makes a change take effect.
func (p *printer) effectWords(e state.Effect) string {
	switch e.How {
	case state.Reload:
		return ", " + p.words.Say(verdict.New("change.then-reload", verdict.Unit("unit", e.Unit)))
	case state.Restart:
		return ", " + p.words.Say(verdict.New("change.then-restart", verdict.Unit("unit", e.Unit)))
	case state.Command:
		return ", " + p.words.Say(verdict.New("change.then-run", verdict.Seen("command", strings.Join(e.Command, " "))))
	}
	return ""
}

func (p *printer) fileWords(c plan.Change, after state.File) string {
	effect := p.effectWords(c.Effect)
	if after.Secret {
		return ": " + p.words.Say(verdict.New("change.secret")) + effect
	}
	before, ok := c.Before.(state.File)
	if ok && (before.Mode != after.Mode || before.Owner != after.Owner || before.Group != after.Group) {
		return fmt.Sprintf(": %s -> %s%s", ownership(before), ownership(after), effect)
	}
	if stood, isLink := c.Before.(state.Attr); isLink {
		return fmt.Sprintf(": %s -> %s%s", p.attr(stood), ownership(after), effect)
	}
	if !ok {
		return fmt.Sprintf(": %s, %s%s", ownership(after), p.words.Say(lines(strings.Count(string(after.Data), "\n"))), effect)
	}
	return effect
}

func ownership(f state.File) string {
	return fmt.Sprintf("%04o %s:%s", uint32(f.Mode), f.Owner, f.Group)
}

// fileDiff shows what changes inside a file; of a secret one, nothing.
func (p *printer) fileDiff(c plan.Change) {
	before, wasFile := c.Before.(state.File)
	after, isFile := c.After.(state.File)
	if !isFile || c.Before != nil && !wasFile || after.Secret || before.Secret || before.Sum == after.Sum {
		return
	}
	if c.Action == plan.Create && !p.o.Full {
		return
	}
	if c.Action == plan.Update && before.Data == nil {
		p.line("    %s", p.dim(p.words.Say(verdict.New("change.too-large"))))
		return
	}
	diff := udiff.Unified("before", "after", string(before.Data), string(after.Data))
	for i, l := range strings.Split(strings.TrimSuffix(diff, "\n"), "\n") {
		if i < 2 {
			continue // the names are on the line above
		}
		shown := printable.Span{Text: l}
		switch {
		case strings.HasPrefix(l, "+"):
			shown = p.green(l)
		case strings.HasPrefix(l, "-"):
			shown = p.red(l)
		case strings.HasPrefix(l, "@"):
			shown = p.dim(l)
		}
		p.line("    %s", shown)
	}
}

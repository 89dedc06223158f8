package report

import (
	"fmt"
	"strings"

	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// fact is something that a reader may want to know of the copy, or of how it was
// looked at.
type fact struct {
	Name   string
	Values []string
	Code   bool // it is to be compared letter by letter
}

// place is where a copy is, in the words of its site.
func place(s *site.Site) string {
	var parts []string
	for _, part := range []string{s.Host.Name, s.Host.Location.City, s.Host.Location.Country} {
		if part != "" {
			parts = append(parts, printable.Line(part))
		}
	}
	return strings.Join(parts, ", ")
}

// autonomous is an AS number as people write it, "" for none.
func autonomous(n site.ASN) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("AS%d", n)
}

// facts leave out what nobody has said, but for how it was looked at: that is
// said not to be known.
func (s speaker) facts(r Report) []fact {
	var out []fact
	add := func(name verdict.Message, values ...string) {
		f := fact{Name: s.say(name)}
		for _, v := range values {
			if v != "" {
				f.Values = append(f.Values, printable.Line(v))
			}
		}
		if len(f.Values) > 0 {
			out = append(out, f)
		}
	}
	if x := r.Site; x != nil {
		add(verdict.New("page.fact.operator"), fallback(x.Operator.Title, x.Operator.Name))
		add(verdict.New("page.fact.host"), hostLine(x.Host))
		add(verdict.New("page.fact.facility"), x.Host.Location.Facility)
		for _, c := range x.Host.Contacts {
			add(verdict.New("page.fact.contact", verdict.Word("role", c.Role)), c.Email, c.Phone)
		}
		add(verdict.New("page.fact.identity"), x.DNS.Identity)
	}
	out = append(out, s.seen(r.Verify)...)
	return append(out, s.looked(r.Looked)...)
}

func fallback(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func hostLine(h site.Host) string {
	var parts []string
	for _, part := range []string{autonomous(h.ASN), h.Name, h.ASSet} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}

// seen are what the BMC and the server have told of themselves.
func (s speaker) seen(results []verify.Result) []fact {
	var out []fact
	text := func(m verdict.Message, name string) string { a, _ := m.Arg(name); return a.String() }
	for _, r := range results {
		for _, m := range append(append([]verdict.Message{}, r.Got...), r.Evidence...) {
			switch m.Code {
			case "bmc.login.in":
				out = append(out, fact{s.say(verdict.New("page.fact.bmc")), []string{text(m, "vendor") + " " + text(m, "model") + ", " + text(m, "serial")}, false},
					fact{s.say(verdict.New("page.fact.firmware")), []string{text(m, "firmware")}, true})
			case "ssh.login.in":
				out = append(out, fact{s.say(verdict.New("page.fact.login")), []string{text(m, "where")}, true})
			case "os.look.system":
				out = append(out, fact{s.say(verdict.New("page.fact.system")), []string{s.say(m)}, false})
			case "os.look.generation":
				out = append(out, fact{s.say(verdict.New("page.fact.generation")), []string{text(m, "generation")}, false})
			}
		}
		if packages := s.packages(r); len(packages) > 0 {
			out = append(out, fact{s.say(verdict.New("page.fact.packages")), packages, true})
		}
	}
	return out
}

func (s speaker) packages(r verify.Result) []string {
	var out []string
	for _, m := range r.Evidence {
		if m.Code == "os.look.package" {
			out = append(out, s.say(m))
		}
	}
	return out
}

// when is the same in one line.
func when(l *Looked) string {
	if l == nil {
		return ""
	}
	return printable.Line(verdict.Time("at", l.At).String() + " · " + l.By + " · " + "raiz " + l.Raiz)
}

func (s speaker) looked(l *Looked) []fact {
	unknown := s.say(verdict.New("page.not-known"))
	at, by, raiz, wants := unknown, unknown, unknown, unknown
	if l != nil {
		at = verdict.Time("at", l.At).String()
		by, raiz, wants = printable.Line(l.By), printable.Line(l.Raiz), printable.Line(l.Wants)
	}
	return []fact{
		{s.say(verdict.New("page.fact.at")), []string{at}, false}, {s.say(verdict.New("page.fact.by")), []string{by}, false},
		{s.say(verdict.New("page.fact.raiz")), []string{raiz}, true}, {s.say(verdict.New("page.fact.wants")), []string{wants}, true},
	}
}

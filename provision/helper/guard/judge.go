//go:build linux

package guard

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/server"
)

// grade is how much an answer that is not right says of the name server.
type grade int

// The grades, the worst last.
const (
	right   grade = iota
	crowded       // what a crowd of strangers can bring about as well
	slow          // TCP is silent beside UDP that answers: half as bad, as it passes more often
	wrong         // the name server is dead, gone or wrong
)

// finding is what one question came to.
type finding struct {
	subject
	grade grade
	why   string
	soa   *dns.SOA
	sigs  []*dns.RRSIG
}

func (f finding) String() string { return f.subject.String() + ": " + f.why }

// judge holds an answer against what serves a zone: authority (RFC 1035 section
// 4.1.1), no error, the SOA record of the zone, and the identity of this copy.
// It returns the cookie that came along.
func judge(s subject, a server.DNSAnswer, identity string) (f finding, cookie string) {
	f = finding{subject: s, grade: wrong}
	if a.Problem != "" {
		f.why = silence(a)
		if s.Network == "tcp" && (a.Problem == server.ProblemSilent || a.Problem == server.ProblemClosed) {
			f.grade = slow
		}
		return f, ""
	}
	m := new(dns.Msg)
	if err := m.Unpack(a.Message); err != nil {
		f.why = "an answer that cannot be read"
		return f, ""
	}
	name, cookie := edns(m)
	switch q := m.Question; {
	case !m.Response || len(q) != 1 || !strings.EqualFold(q[0].Name, dns.Fqdn(s.Zone.Name)) ||
		q[0].Qtype != dns.TypeSOA || q[0].Qclass != dns.ClassINET:
		f.why = "an answer to another question"
	case m.Rcode != dns.RcodeSuccess:
		f.why = rcode(m.Rcode)
	case m.Truncated:
		f.why = "truncated"
	case !m.Authoritative:
		f.why = "not authoritative"
	case identity != "" && name != "" && name != identity:
		f.why = fmt.Sprintf("answered by %.64q and not by %q", name, identity)
	default:
		f.records(m)
	}
	return f, cookie
}

func (f *finding) records(m *dns.Msg) {
	f.why = "no SOA record of the zone"
	for _, rr := range m.Answer {
		if !strings.EqualFold(rr.Header().Name, dns.Fqdn(f.Zone.Name)) {
			continue
		}
		switch rr := rr.(type) {
		case *dns.SOA:
			f.soa, f.grade, f.why = rr, right, ""
		case *dns.RRSIG:
			if rr.TypeCovered == dns.TypeSOA {
				f.sigs = append(f.sigs, rr)
			}
		}
	}
}

// edns returns the NSID as text, and the cookie.
func edns(m *dns.Msg) (name, cookie string) {
	e := m.IsEdns0()
	if e == nil {
		return "", ""
	}
	for _, o := range e.Option {
		switch o := o.(type) {
		case *dns.EDNS0_NSID:
			if text, err := hex.DecodeString(o.Nsid); err == nil {
				name = string(text)
			}
		case *dns.EDNS0_COOKIE:
			cookie = o.Cookie
		}
	}
	return name, cookie
}

// rcode is the name of one (RFC 6895 section 2.3).
func rcode(n int) string {
	if name, known := dns.RcodeToString[n]; known {
		return name
	}
	return fmt.Sprintf("RCODE %d", n)
}

const silent = "no answer"

// silence says why nothing came back.
func silence(a server.DNSAnswer) string {
	switch a.Problem {
	case server.ProblemSilent:
		return silent
	case server.ProblemElsewhere:
		return "the address is not on this server"
	case server.ProblemRefused:
		return "nobody listens there"
	case server.ProblemUnreachable:
		return "no way leads there"
	case server.ProblemClosed:
		return "closed without an answer"
	}
	return fmt.Sprintf("%.120q", a.Text)
}

// expired reports whether every signature of a zone's SOA record has, and when
// the last one does. Times are those of RFC 4034 section 3.1.5: they wrap.
func expired(sigs []*dns.RRSIG, now time.Time) (gone bool, end time.Time) {
	for _, s := range sigs {
		until := now.Add(time.Duration(int32(s.Expiration-uint32(now.Unix()))) * time.Second)
		if until.After(end) {
			end = until
		}
	}
	return len(sigs) > 0 && end.Before(now), end
}

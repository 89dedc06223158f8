package verify_test

import (
	"errors"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/verify"
)

// content is what a good copy answers about what it serves and what it does not.
func content(networks ...string) map[verify.Question]verify.Answer {
	out := map[verify.Question]verify.Answer{}
	for _, network := range networks {
		for _, a := range serviceAddresses() {
			put := func(ask verify.Ask, zone, name string, kind, class uint16) {
				q := new(dns.Msg)
				q.Question = []dns.Question{{Name: name, Qtype: kind, Qclass: class}}
				out[verify.Question{Address: a, Ask: ask, Zone: zone, Network: network}] = verify.Answer{Msg: answerQuery(q), At: answered, Size: 100}
			}
			for _, z := range zones() {
				put(verify.AskNS, z, z+".", dns.TypeNS, dns.ClassINET)
				put(verify.AskNothing, z, "abcdefghij."+z+".", dns.TypeA, dns.ClassINET)
			}
			put(verify.AskIXFR, zone, zone+".", dns.TypeIXFR, dns.ClassINET)
			put(verify.AskAXFR, zone, zone+".", dns.TypeAXFR, dns.ClassINET)
			put(verify.AskVersion, "", "version.bind.", dns.TypeTXT, dns.ClassCHAOS)
			put(verify.AskVersionServer, "", "version.server.", dns.TypeTXT, dns.ClassCHAOS)
			for _, other := range []string{"root-servers.net", "arpa", "example.com"} {
				put(verify.AskOther, other, other+".", dns.TypeSOA, dns.ClassINET)
			}
		}
	}
	return out
}

// contentCases are bent in one thing each; bends_test.go has more of them.
func contentCases() []judged {
	refused := func(a *verify.Answer) { a.Msg.Rcode, a.Msg.Answer = dns.RcodeRefused, nil }
	lost := func(a *verify.Answer) { *a = verify.Answer{Err: errors.New("no answer in 4 s")} }
	return []judged{
		{"NS is refused", contentAt(verify.AskNS, zone, "udp", refused)},
		{"NS is lost", contentAt(verify.AskNS, zone, "tcp", lost)},
		{"NS is without authority", contentAt(verify.AskNS, zone, "udp", func(a *verify.Answer) { a.Msg.Authoritative = false })},
		{"NS is not there", contentAt(verify.AskNS, zone, "udp", func(a *verify.Answer) { a.Msg.Answer = nil })},
		{"NS is without EDNS", contentAt(verify.AskNS, zone, "tcp", func(a *verify.Answer) { a.Msg.Extra = nil })},
		{"NS is larger than was asked for", contentAt(verify.AskNS, zone, "udp", func(a *verify.Answer) { a.Size = 1221 })},
		{"NS is truncated over TCP", contentAt(verify.AskNS, zone, "tcp", func(a *verify.Answer) { a.Msg.Truncated = true })},
		{"NS does not fit UDP", contentAt(verify.AskNS, zone, "udp", func(a *verify.Answer) { a.Msg.Truncated, a.Msg.Answer = true, nil })},
		{"another copy answers for NS", contentAt(verify.AskNS, zone, "udp", func(a *verify.Answer) { a.Msg = reply(verify.AskSOA, "eze1.as112.example.net") })},
		{"a name below a zone is there", contentAt(verify.AskNothing, zone, "udp", answeredBy("abcdefghij.10.in-addr.arpa. A 192.0.2.1"))},
		{"no SOA says that a name is not there", contentAt(verify.AskNothing, zone, "udp", func(a *verify.Answer) { a.Msg.Ns = nil })},
		{"nobody asked for content", func(e *verify.Evidence) { e.Server.Content = nil }},
		{"outside, the answers are otherwise", func(e *verify.Evidence) {
			for _, q := range []verify.Question{
				{Address: addr("192.175.48.1"), Ask: verify.AskNS, Zone: zone, Network: "udp"}, {Address: addr("192.175.48.1"), Ask: verify.AskVersion, Network: "udp"},
			} {
				a := e.Outside.Answers[q]
				asked := a.Msg.Question
				tellsVersion(&a)
				a.Msg.Question = asked
				e.Outside.Answers[q] = a
			}
		}},
		{"outside, another copy answers once", func(e *verify.Evidence) {
			q := verify.Question{Address: addr("192.175.48.1"), Ask: verify.AskNS, Zone: zone, Network: "udp"}
			e.Outside.Answers[q] = verify.Answer{Msg: reply(verify.AskSOA, "eze1.as112.example.net"), At: answered}
			e.Outside.Answers[verify.Question{Address: addr("192.175.48.1"), Ask: verify.AskNS, Zone: zone, Network: "tcp"}].Msg.Authoritative = false
		}},
		{"here and outside NS is without authority", func(e *verify.Evidence) {
			q := verify.Question{Address: addr("192.175.48.1"), Ask: verify.AskNS, Zone: zone, Network: "udp"}
			e.Server.Content[q].Msg.Authoritative, e.Outside.Answers[q].Msg.Authoritative = false, false
		}},
		{"here and outside the version is told", func(e *verify.Evidence) {
			q := verify.Question{Address: addr("192.175.48.1"), Ask: verify.AskVersion, Network: "udp"}
			for _, answers := range []map[verify.Question]verify.Answer{e.Server.Content, e.Outside.Answers} {
				a := answers[q]
				tellsVersion(&a)
				answers[q] = a
			}
		}},
		{"outside, only NS is without authority", func(e *verify.Evidence) {
			e.Outside.Answers[verify.Question{Address: addr("192.175.48.1"), Ask: verify.AskNS, Zone: zone, Network: "tcp"}].Msg.Authoritative = false
		}},
	}
}

// offerCases give something away.
func offerCases() []judged {
	return []judged{
		{"nothing is answered to what is to be refused", func(e *verify.Evidence) {
			for q := range e.Server.Content {
				if q.Address == addr("192.175.48.1") && q.Ask != verify.AskNS && q.Ask != verify.AskNothing {
					e.Server.Content[q] = verify.Answer{Err: errors.New("no answer in 4 s")}
				}
			}
		}},
		{"another copy tells its version", contentAt(verify.AskVersion, "", "udp", func(a *verify.Answer) { a.Msg = reply(verify.AskHostname, "eze1.as112.example.net") })},
		{"the version is told", contentAt(verify.AskVersion, "", "udp", tellsVersion)},
		{"the version is told by its other name", contentAt(verify.AskVersionServer, "", "udp", tellsVersion)},
		{"a zone can be transferred", contentAt(verify.AskAXFR, zone, "tcp", answeredBy("10.in-addr.arpa. SOA a.example. b.example. 1 2 3 4 5"))},
		{"changes can be transferred over UDP", contentAt(verify.AskIXFR, zone, "udp", answeredBy("10.in-addr.arpa. SOA a.example. b.example. 1 2 3 4 5"))},
		{"a zone is served that is not declared", contentAt(verify.AskOther, "root-servers.net", "udp", func(a *verify.Answer) { a.Msg.Rcode, a.Msg.Authoritative = dns.RcodeSuccess, true })},
		{"a zone that is not declared is referred", contentAt(verify.AskOther, "example.com", "udp", func(a *verify.Answer) { a.Msg.Rcode = dns.RcodeSuccess })},
	}
}

// contentAt changes an answer about content at one address.
func contentAt(ask verify.Ask, about, network string, change func(*verify.Answer)) func(*verify.Evidence) {
	return func(e *verify.Evidence) {
		q := verify.Question{Address: addr("192.175.48.1"), Ask: ask, Zone: about, Network: network}
		a, ok := e.Server.Content[q]
		if !ok {
			panic("no such question")
		}
		change(&a)
		e.Server.Content[q] = a
	}
}

// answeredBy has a record in the answer.
func answeredBy(text string) func(*verify.Answer) {
	return func(a *verify.Answer) {
		a.Msg.Answer, a.Msg.Rcode = append(a.Msg.Answer, record(text)), dns.RcodeSuccess
	}
}

// tellsVersion is an answer of this copy with the version of its name server.
func tellsVersion(a *verify.Answer) {
	a.Msg = reply(verify.AskHostname, identity)
	a.Msg.Answer[0].(*dns.TXT).Txt = []string{"4.6.1"}
}

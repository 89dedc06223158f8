package verify_test

import (
	"errors"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/verify"
)

// bend is one thing that is otherwise in one answer of a root that is healthy,
// and what that is called.
type bend struct {
	name    string
	ask     verify.Ask
	network string
	change  func(*zoneServer, *verify.Answer)
	want    string // the rules that are broken
}

// Changes that many bends share.

func inMessage(change func(*dns.Msg)) func(*zoneServer, *verify.Answer) {
	return func(_ *zoneServer, a *verify.Answer) { change(a.Msg) }
}

func rcodeOf(code int) func(*zoneServer, *verify.Answer) {
	return inMessage(func(m *dns.Msg) { m.Rcode, m.Answer, m.Ns = code, nil, nil })
}

func noAA() func(*zoneServer, *verify.Answer) {
	return inMessage(func(m *dns.Msg) { m.Authoritative = false })
}

func record(text string) dns.RR {
	rr, err := dns.NewRR(text)
	if err != nil {
		panic(err)
	}
	return rr
}

// more puts a record into a section: "answer", "authority" or "additional".
func more(section, text string) func(*zoneServer, *verify.Answer) {
	return inMessage(func(m *dns.Msg) {
		s := sectionOf(m, section)
		*s = append([]dns.RR{record(text)}, *s...)
	})
}

func sectionOf(m *dns.Msg, name string) *[]dns.RR {
	return map[string]*[]dns.RR{"answer": &m.Answer, "authority": &m.Ns, "additional": &m.Extra}[name]
}

// without takes records of a type out of a section, with or without the
// signatures over them.
func without(section string, kind uint16, owner string, sealed bool) func(*zoneServer, *verify.Answer) {
	return inMessage(func(m *dns.Msg) {
		s := sectionOf(m, section)
		*s = slices.DeleteFunc(*s, func(rr dns.RR) bool {
			sig, is := rr.(*dns.RRSIG)
			return (owner == "" || rr.Header().Name == owner) && (!sealed && rr.Header().Rrtype == kind || is && sig.TypeCovered == kind)
		})
	})
}

func unsealed(section string, kind uint16) func(*zoneServer, *verify.Answer) {
	return without(section, kind, "", true)
}

// resealed has a set signed anew by a key of the zone.
func resealed(section string, kind uint16, by func(*zoneServer) key, from, until time.Duration) func(*zoneServer, *verify.Answer) {
	return func(z *zoneServer, a *verify.Answer) {
		s := sectionOf(a.Msg, section)
		for i, rr := range *s {
			if sig, is := rr.(*dns.RRSIG); is && sig.TypeCovered == kind {
				set := slices.DeleteFunc(slices.Clone(*s), func(rr dns.RR) bool { return rr.Header().Rrtype != kind || rr.Header().Name != sig.Hdr.Name })
				(*s)[i] = by(z).seal(z.t, set, from, until)
			}
		}
	}
}

func zsk(z *zoneServer) key { return z.zsk }
func ksk(z *zoneServer) key { return z.ksk }

// stranger is a key that the zone does not have.
func stranger(z *zoneServer) key { return newKey(z.t, z.zone, dns.ZONE) }

func lost(_ *zoneServer, a *verify.Answer) { *a = verify.Answer{Err: errors.New("no answer in 4 s")} }

func larger(n int) func(*zoneServer, *verify.Answer) {
	return func(_ *zoneServer, a *verify.Answer) { a.Size = n }
}

// dsOf is another DS, which nobody has signed.
func dsOf(section string) func(*zoneServer, *verify.Answer) {
	return inMessage(func(m *dns.Msg) {
		for _, rr := range *sectionOf(m, section) {
			if ds, is := rr.(*dns.DS); is {
				ds.KeyTag++
			}
		}
	})
}

// spoilt puts so many signatures before the right ones of an answer that are
// tried, because they name the right key, and are wrong.
func spoilt(n int) func(*zoneServer, *verify.Answer) {
	return inMessage(func(m *dns.Msg) {
		for _, section := range []*[]dns.RR{&m.Answer, &m.Ns} {
			var wrong []dns.RR
			for _, rr := range *section {
				if sig, is := rr.(*dns.RRSIG); is {
					other := dns.Copy(sig).(*dns.RRSIG)
					other.OrigTtl++
					wrong = append(wrong, slices.Repeat([]dns.RR{other}, n)...)
				}
			}
			*section = append(wrong, *section...)
		}
	})
}

// denied has an NSEC with these types, well signed, in the place of a DS.
func denied(types string) func(*zoneServer, *verify.Answer) {
	return func(z *zoneServer, a *verify.Answer) {
		without("authority", dns.TypeDS, "", false)(z, a)
		n := record("net. NSEC org. " + types)
		a.Msg.Ns = append(a.Msg.Ns, n, z.zsk.seal(z.t, []dns.RR{n}, signFrom, signUntil))
	}
}

// noNSID leaves EDNS without the name of this copy.
func noNSID(m *dns.Msg) { m.IsEdns0().Option = nil }

func answerBends() []bend {
	const day = 24 * time.Hour
	return []bend{
		{"SOA fails", verify.AskApex, "udp", rcodeOf(dns.RcodeServerFailure), "rcode ./SOA"},
		{"NS is lost", verify.AskNS, "udp", lost, "silent ./NS"},
		{"DNSKEY is lost", verify.AskKeys, "tcp", lost, "silent ./DNSKEY"},
		{"SOA without authority", verify.AskApex, "tcp", noAA(), "authority ./SOA"},
		{"NS without authority", verify.AskNS, "udp", noAA(), "authority ./NS"},
		{"DNSKEY without authority", verify.AskKeys, "udp", noAA(), "authority ./DNSKEY"},
		{"DS without authority", verify.AskDS, "tcp", noAA(), "authority net./DS"},
		{"no SOA", verify.AskApex, "udp", without("answer", dns.TypeSOA, "", false), "answer.missing ./SOA"},
		{"no NS", verify.AskNS, "tcp", without("answer", dns.TypeNS, "", false), "answer.missing ./NS"},
		{"no DNSKEY", verify.AskKeys, "udp", without("answer", dns.TypeDNSKEY, "", false), "answer.missing ./DNSKEY"},
		{"no DS of arpa", verify.AskArpaDS, "udp", without("answer", dns.TypeDS, "", false), "answer.missing arpa./DS"},
		{"SOA of somebody else", verify.AskApex, "udp", inMessage(func(m *dns.Msg) { m.Answer[0].Header().Name = "example." }), "answer.missing ./SOA"},
		{"SOA of another class", verify.AskApex, "tcp", inMessage(func(m *dns.Msg) { m.Answer[0].Header().Class = dns.ClassCHAOS }), "answer.missing ./SOA"},
		{"eight signatures that are wrong before the right one", verify.AskDS, "udp", spoilt(8), "bogus net./DS"},
		{"seven signatures that are wrong before the right one", verify.AskDS, "udp", spoilt(7), ""},
		{"more than SOA", verify.AskApex, "udp", more("answer", ". TXT x"), "answer.more ./SOA"},
		{"more than DS", verify.AskDS, "udp", more("answer", "net. TXT x"), "answer.more net./DS"},
		{"SOA with others' NS", verify.AskApex, "udp", more("authority", "net. NS a.nic.net."), "authority.more ./SOA"},
		{"SOA with NS that is not signed", verify.AskApex, "udp", unsealed("authority", dns.TypeNS), "unsigned ./SOA"},
		{"SOA that is not signed", verify.AskApex, "tcp", unsealed("answer", dns.TypeSOA), "unsigned ./SOA"},
		{"DNSKEY that is not signed", verify.AskKeys, "tcp", unsealed("answer", dns.TypeDNSKEY), "unsigned ./DNSKEY"},
		{"SOA that is another", verify.AskApex, "udp", inMessage(func(m *dns.Msg) { m.Answer[0].(*dns.SOA).Serial++ }), "bogus ./SOA"},
		{"one of the NS is another", verify.AskNS, "udp", inMessage(func(m *dns.Msg) { m.Answer[3].(*dns.NS).Ns = "a.example." }), "bogus ./NS; additional.more ./NS"},
		{"one of the NS is not there", verify.AskNS, "tcp", inMessage(func(m *dns.Msg) { m.Answer = m.Answer[1:] }), "bogus ./NS; additional.more ./NS"},
		{"SOA signed by a stranger", verify.AskApex, "udp", resealed("answer", dns.TypeSOA, stranger, signFrom, signUntil), "bogus ./SOA"},
		{"SOA was signed", verify.AskApex, "udp", resealed("answer", dns.TypeSOA, zsk, -9*day, -time.Second), "expired ./SOA"},
		{"SOA will be signed", verify.AskApex, "udp", resealed("answer", dns.TypeSOA, zsk, time.Second, 9*day), "expired ./SOA"},
		{"NS beside the SOA was signed", verify.AskApex, "udp", resealed("authority", dns.TypeNS, zsk, -9*day, -day), "expired ./SOA"},
		{"DNSKEY was signed", verify.AskKeys, "udp", resealed("answer", dns.TypeDNSKEY, ksk, -9*day, -day), "expired ./DNSKEY"},
		{"DNSKEY signed by what is no anchor", verify.AskKeys, "udp", resealed("answer", dns.TypeDNSKEY, zsk, signFrom, signUntil), "anchor ./DNSKEY"},
		{"DS is another", verify.AskArpaDS, "tcp", dsOf("answer"), "bogus arpa./DS"},
		{"NS with authority records", verify.AskNS, "udp", more("authority", ". NS a.root-servers.net."), "authority.more ./NS"},
		{"NS with more than glue", verify.AskNS, "udp", more("additional", "a.root-servers.net. TXT x"), "additional.more ./NS"},
		{"NS with glue of others", verify.AskNS, "udp", more("additional", "a.example. A 192.0.2.1"), "additional.more ./NS"},
		{"DNSKEY with authority records", verify.AskKeys, "tcp", more("authority", ". NS a.root-servers.net."), "authority.more ./DNSKEY"},
		{"DNSKEY with glue", verify.AskKeys, "udp", more("additional", "a.root-servers.net. A 198.51.100.97"), "additional.more ./DNSKEY"},
		{"DS with authority records", verify.AskDS, "udp", more("authority", "net. NS a.nic.net."), "authority.more net./DS"},
		{"DS with glue", verify.AskArpaDS, "udp", more("additional", "a.nic.arpa. A 203.0.113.1"), "additional.more arpa./DS"},
	}
}

func referralBends() []bend {
	return []bend{
		{"referral fails", verify.AskReferral, "udp", rcodeOf(dns.RcodeRefused), "rcode net./NS"},
		{"referral with authority", verify.AskReferral, "udp", inMessage(func(m *dns.Msg) { m.Authoritative = true }), "no-authority net./NS"},
		{"referral with an answer", verify.AskReferral, "udp", more("answer", "net. NS a.nic.net."), "answer.more net./NS"},
		{"referral to nobody", verify.AskReferral, "tcp", without("authority", dns.TypeNS, "", false), "authority.missing net./NS"},
		{"referral without glue", verify.AskReferral, "udp", without("additional", dns.TypeA, "a.nic.net.", false), ""}, // the other has its own
		{"referral without any glue", verify.AskReferral, "udp", inMessage(func(m *dns.Msg) { m.Extra = m.Extra[len(m.Extra)-1:] }), "glue net./NS"},
		{"referral with others' glue alone", verify.AskReferral, "udp", inMessage(func(m *dns.Msg) {
			m.Extra = []dns.RR{record("a.example. A 192.0.2.1"), m.Extra[len(m.Extra)-1]}
		}), "glue net./NS"},
		{"referral with the NS of another", verify.AskReferral, "udp", more("authority", "org. NS a.nic.org."), "authority.more net./NS"},
		{"referral with something else", verify.AskReferral, "udp", more("authority", "net. TXT x"), "authority.more net./NS"},
		{"referral with a DS that is not signed", verify.AskReferral, "udp", unsealed("authority", dns.TypeDS), "unsigned net./NS"},
		{"referral with another DS", verify.AskReferral, "tcp", dsOf("authority"), "bogus net./NS"},
		{"referral without DS", verify.AskReferral, "udp", without("authority", dns.TypeDS, "", false), "nsec.ds net./NS"},
		{"referral with a proof that there is a DS", verify.AskReferral, "udp", func(z *zoneServer, a *verify.Answer) {
			without("authority", dns.TypeDS, "", false)(z, a)
			a.Msg.Ns = append(a.Msg.Ns, z.with("net.", dns.TypeNSEC)...)
		}, "nsec.ds net./NS"},
		{"referral with a proof of the domain itself", verify.AskReferral, "udp", denied("NS SOA RRSIG NSEC"), "nsec.ds net./NS"},
		{"referral with a proof that there is no domain", verify.AskReferral, "udp", denied("RRSIG NSEC"), "nsec.ds net./NS"},
		{"referral to what is not signed", verify.AskReferral, "udp", denied("NS RRSIG NSEC"), ""},
		{"referral to fewer", verify.AskReferral, "udp", inMessage(func(m *dns.Msg) { m.Ns = m.Ns[1:] }), "cut net./NS"},
	}
}

func denialBends() []bend {
	const what = " ./NXDOMAIN"
	return []bend{
		{"a name is there", verify.AskNothing, "udp", rcodeOf(dns.RcodeSuccess), "rcode" + what},
		{"without authority", verify.AskNothing, "udp", noAA(), "authority" + what},
		{"with an answer", verify.AskNothing, "udp", more("answer", "www.mmmmmmmmmm. CNAME net."), "answer.more" + what},
		{"without SOA", verify.AskNothing, "tcp", without("authority", dns.TypeSOA, "", false), "authority.missing" + what},
		{"SOA is not signed", verify.AskNothing, "udp", unsealed("authority", dns.TypeSOA), "unsigned" + what},
		{"SOA is another", verify.AskNothing, "udp", inMessage(func(m *dns.Msg) { m.Ns[0].(*dns.SOA).Minttl++ }), "bogus" + what},
		{"NSEC is not signed", verify.AskNothing, "udp", without("authority", dns.TypeNSEC, "arpa.", true), "unsigned" + what},
		{"NSEC is another", verify.AskNothing, "udp", inMessage(func(m *dns.Msg) {
			for _, rr := range m.Ns {
				if n, is := rr.(*dns.NSEC); is && n.Hdr.Name == "arpa." {
					n.NextDomain = "nat." // it covers the name all the same
				}
			}
		}), "bogus" + what},
		{"the name is not covered", verify.AskNothing, "udp", without("authority", dns.TypeNSEC, "arpa.", false), "nsec.name" + what},
		{"a wildcard is not covered", verify.AskNothing, "tcp", without("authority", dns.TypeNSEC, ".", false), "nsec.wildcard" + what},
		{"NS as well", verify.AskNothing, "udp", more("authority", ". NS a.root-servers.net."), "authority.more" + what},
		{"more NSEC than it takes", verify.AskNothing, "udp", func(z *zoneServer, a *verify.Answer) {
			a.Msg.Ns = slices.Concat(a.Msg.Ns, z.with("net.", dns.TypeNSEC), z.with("org.", dns.TypeNSEC))
		}, "authority.more" + what},
		{"with glue", verify.AskNothing, "udp", more("additional", "a.root-servers.net. A 198.51.100.97"), "additional.more" + what},
	}
}

func transportBends() []bend {
	cutShort := inMessage(func(m *dns.Msg) { m.Truncated, m.Answer, m.Ns = true, nil, nil })
	return []bend{
		{"without EDNS", verify.AskNS, "tcp", inMessage(func(m *dns.Msg) { m.Extra = nil }), "edns ./NS"},
		{"without NSID", verify.AskDS, "udp", inMessage(noNSID), "edns net./DS"},
		{"truncated over TCP", verify.AskNS, "tcp", cutShort, "truncated ./NS"},
		{"truncated over UDP, and whole over TCP", verify.AskNS, "udp", cutShort, ""},
		{"as large as was asked for", verify.AskNS, "udp", larger(1220), ""},
		{"larger than was asked for", verify.AskNS, "udp", larger(1221), "size ./NS"},
		{"large over TCP", verify.AskNS, "tcp", larger(1221), ""},
		{"as large as goes without EDNS", verify.AskPlain, "udp", larger(512), ""},
		{"larger than goes without EDNS", verify.AskPlain, "udp", larger(513), "size ./DNSKEY+noedns"},
		{"larger than a small answer", verify.AskSmall, "udp", larger(513), "size ./DNSKEY+bufsize=512"},
		{"truncated without EDNS", verify.AskPlain, "udp", cutShort, ""},
		{"cut without EDNS", verify.AskPlain, "udp", inMessage(func(m *dns.Msg) { m.Answer = m.Answer[1:] }), "cut ./DNSKEY+noedns"},
		{"nothing without EDNS", verify.AskPlain, "udp", inMessage(func(m *dns.Msg) { m.Answer = nil }), "answer.missing ./DNSKEY+noedns"},
		{"a small answer fails", verify.AskSmall, "udp", rcodeOf(dns.RcodeFormatError), "rcode ./DNSKEY+bufsize=512"},
		{"a small answer without authority", verify.AskSmall, "udp", noAA(), "authority ./DNSKEY+bufsize=512"},
	}
}

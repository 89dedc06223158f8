package verify_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
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

// broken are the rules that a result says are broken, with what was asked.
func broken(r verify.Result) string {
	var out []string
	for _, m := range r.Got {
		code, args, _ := strings.Cut(verdict.Text([]verdict.Message{m}), " question=")
		if question, _, ok := strings.Cut(strings.TrimPrefix(args, `"`)+" ", " "); ok && args != "" {
			out = append(out, strings.TrimPrefix(code, "dns.rule.")+" "+strings.TrimSuffix(question, `"`))
		}
	}
	return strings.Join(out, "; ")
}

// contentResults are those of the content.
func contentResults(s *site.Site, e verify.Evidence) []verify.Result {
	return slices.DeleteFunc(verify.Hollow(s, e), func(r verify.Result) bool {
		return !strings.HasPrefix(r.ID, "dns.content.") && !strings.HasPrefix(r.ID, "dns.offers.") && !strings.HasPrefix(r.ID, "dns.signatures.") && !strings.HasPrefix(r.ID, "dns.serial.")
	})
}

// TestEachRule bends one thing in one answer of a healthy root. The check of
// that address and transport says which rule is broken, and nothing else does.
func TestEachRule(t *testing.T) {
	z := newZone(t, ".").sign()
	s := z.site(t)
	said := map[string]bool{}
	for _, b := range slices.Concat(answerBends(), referralBends(), denialBends(), transportBends()) {
		t.Run(b.name+" over "+b.network, func(t *testing.T) {
			e := z.evidence(s)
			q := verify.Question{Address: addr("192.175.48.1"), Ask: b.ask, Zone: ".", Network: b.network}
			a, ok := e.Server.Content[q]
			if !ok {
				t.Fatal("nobody asks that")
			}
			b.change(z, &a)
			e.Server.Content[q] = a
			for _, r := range contentResults(s, e) {
				if strings.HasPrefix(r.ID, "dns.signatures.") {
					continue // which rests on these
				}
				want := ""
				if r.ID == "dns.content.192.175.48.1."+b.network {
					want = b.want
				}
				got := broken(r)
				if got != want || (r.Status == verify.Pass) != (want == "") || want != "" && r.Status != verify.Fail {
					t.Errorf("%s is %s with %q, want %q: %s", r.ID, r.Status, got, want, inWords(r))
				}
				fits(t, r)
				for _, m := range r.Got {
					said[string(m.Code)] = true
				}
			}
		})
	}
	// Each rule has been made to say no. One needs two answers that are bent.
	for _, d := range verify.Codes() {
		if code := string(d.Code); strings.HasPrefix(code, "dns.rule.") && code != "dns.rule.fallback" && !said[code] {
			t.Errorf("no bend breaks %s", code)
		}
	}
}

// What is right in more than one way is right.
func TestHealthyRoots(t *testing.T) {
	const day = 24 * time.Hour
	each := func(ask verify.Ask, change func(*zoneServer, *verify.Answer)) func(*zoneServer, *site.Site, *verify.Evidence) {
		return func(z *zoneServer, _ *site.Site, e *verify.Evidence) {
			for q, a := range e.Server.Content {
				if q.Ask == ask {
					change(z, &a)
					e.Server.Content[q] = a
				}
			}
		}
	}
	for _, tt := range []struct {
		name   string
		made   func(*zoneServer)
		change func(*zoneServer, *site.Site, *verify.Evidence)
	}{
		{"as it is", nil, nil},
		{"a domain without DS", func(z *zoneServer) { delete(z.sets, "net./DS") }, func(z *zoneServer, _ *site.Site, e *verify.Evidence) {
			for q := range e.Server.Content { // which is not asked for where there is none
				if q.Ask == verify.AskDS {
					e.Server.Content[q] = e.Server.Content[verify.Question{Address: q.Address, Ask: verify.AskArpaDS, Zone: q.Zone, Network: q.Network}]
				}
			}
		}},
		{"SOA without NS", nil, each(verify.AskApex, inMessage(func(m *dns.Msg) { m.Ns, m.Extra = nil, m.Extra[len(m.Extra)-1:] }))},
		{"keys that do not fit UDP", func(z *zoneServer) {
			for range 14 {
				z.sets["./DNSKEY"] = append(z.sets["./DNSKEY"], newKey(z.t, ".", dns.ZONE).record)
			}
		}, nil},
		{"a second signature that has ended", nil, each(verify.AskApex, func(z *zoneServer, a *verify.Answer) {
			a.Msg.Answer = append([]dns.RR{z.zsk.seal(z.t, a.Msg.Answer[:1], -9*day, -day)}, a.Msg.Answer...)
		})},
		{"a second signature by nobody", nil, each(verify.AskApex, func(z *zoneServer, a *verify.Answer) {
			a.Msg.Answer = append([]dns.RR{stranger(z).seal(z.t, a.Msg.Answer[:1], signFrom, signUntil)}, a.Msg.Answer...)
		})},
		{"names in upper case", nil, each(verify.AskDS, inMessage(func(m *dns.Msg) {
			for _, rr := range m.Answer {
				rr.Header().Name = "NET."
			}
		}))},
		{"an anchor of a key that is to come", nil, func(_ *zoneServer, s *site.Site, _ *verify.Evidence) {
			s.DNS.TrustAnchors = append([]site.TrustAnchor{{Zone: ".", KeyTag: 7, Algorithm: 13, DigestType: 2, Digest: "00"}}, s.DNS.TrustAnchors...)
		}},
		{"no anchor", nil, func(_ *zoneServer, s *site.Site, _ *verify.Evidence) { s.DNS.TrustAnchors = nil }},
		{"anchors of other zones alone", nil, func(_ *zoneServer, s *site.Site, _ *verify.Evidence) { s.DNS.TrustAnchors[0].Zone = "example" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			z := newZone(t, ".")
			if tt.made != nil {
				tt.made(z)
			}
			z.sign()
			s := z.site(t)
			e := z.evidence(s)
			if tt.change != nil {
				tt.change(z, s, &e)
			}
			for _, r := range contentResults(s, e) {
				if r.Status != verify.Pass {
					t.Errorf("%s is %s: %s", r.ID, r.Status, inWords(r))
				}
			}
		})
	}
}

// A zone that is not signed by what the site trusts is right by its own keys
// alone, and that is not enough.
func TestAnchors(t *testing.T) {
	z := newZone(t, ".").sign()
	other := newZone(t, ".").sign()
	revoked := newZone(t, ".")
	revoked.ksk.record.Flags |= dns.REVOKE
	revoked.sign()
	for _, tt := range []struct {
		name   string
		serves *zoneServer
		anchor site.TrustAnchor
		want   string
	}{
		{"its own", z, z.anchor(), ""},
		{"of another zone of that name", z, other.anchor(), "anchor ./DNSKEY"},
		{"of a key that is revoked", revoked, revoked.anchor(), "anchor ./DNSKEY"},
		{"of another algorithm", z, func() site.TrustAnchor { a := z.anchor(); a.Algorithm = dns.RSASHA256; return a }(), "anchor ./DNSKEY"},
		{"with another digest", z, func() site.TrustAnchor { a := z.anchor(); a.Digest = other.anchor().Digest; return a }(), "anchor ./DNSKEY"},
	} {
		s := tt.serves.site(t)
		s.DNS.TrustAnchors = []site.TrustAnchor{tt.anchor}
		for _, r := range contentResults(s, tt.serves.evidence(s)) {
			if got := broken(r); strings.HasPrefix(r.ID, "dns.content.") && got != tt.want {
				t.Errorf("%s: %s is %s with %q, want %q", tt.name, r.ID, r.Status, got, tt.want)
			}
		}
	}
}

// Keys and signatures without end are not all tried.
func TestVerificationsAreBounded(t *testing.T) {
	crowd := newZone(t, ".")
	for range 20 {
		crowd.sets["./DNSKEY"] = append([]dns.RR{newKey(t, ".", dns.ZONE).record}, crowd.sets["./DNSKEY"]...)
	}
	for name, z := range map[string]*zoneServer{"many keys": crowd.sign(), "many signatures": newZone(t, ".").sign()} {
		s := z.site(t)
		e := z.evidence(s)
		for _, a := range e.Server.Content {
			if name == "many signatures" {
				spoilt(7)(z, &a)
			}
		}
		for _, r := range contentResults(s, e) {
			if strings.HasPrefix(r.ID, "dns.content.") && r.Status != verify.Fail {
				t.Errorf("%s: %s is %s: all was tried", name, r.ID, r.Status)
			}
		}
	}
}

// An answer that does not fit UDP has to be had over TCP.
func TestFallback(t *testing.T) {
	z := newZone(t, ".").sign()
	s := z.site(t)
	for what, change := range map[string]func(*zoneServer, *verify.Answer){
		"lost": lost, "truncated": inMessage(func(m *dns.Msg) { m.Truncated, m.Answer, m.Ns = true, nil, nil }),
	} {
		e := z.evidence(s)
		for network, change := range map[string]func(*zoneServer, *verify.Answer){"udp": inMessage(func(m *dns.Msg) { m.Truncated, m.Answer = true, nil }), "tcp": change} {
			q := verify.Question{Address: addr("2620:4f:8000::1"), Ask: verify.AskNS, Zone: ".", Network: network}
			a := e.Server.Content[q]
			change(z, &a)
			e.Server.Content[q] = a
		}
		for _, r := range contentResults(s, e) {
			if r.ID == "dns.content.2620:4f:8000::1.udp" && broken(r) != "fallback ./NS" {
				t.Errorf("%s over TCP: %s", what, broken(r))
			}
		}
	}
}

// Of a signed zone that is not the root only what is general is wanted.
func TestOtherSignedZone(t *testing.T) {
	z := newZone(t, "example.").sign()
	s := z.site(t)
	for _, tt := range []struct {
		name   string
		ask    verify.Ask
		change func(*zoneServer, *verify.Answer)
		want   string
	}{
		{"as it is", verify.AskApex, inMessage(func(*dns.Msg) {}), ""},
		{"NS with authority records", verify.AskNS, more("authority", "example. TXT x"), ""},
		{"SOA is another", verify.AskApex, inMessage(func(m *dns.Msg) { m.Answer[0].(*dns.SOA).Serial++ }), "bogus example./SOA"},
		{"NXDOMAIN without NSEC", verify.AskNothing, without("authority", dns.TypeNSEC, "", false), "nsec.name example./NXDOMAIN; nsec.wildcard example./NXDOMAIN"},
		{"a wildcard", verify.AskNothing, rcodeOf(dns.RcodeSuccess), ""},
		{"NXDOMAIN fails", verify.AskNothing, rcodeOf(dns.RcodeServerFailure), "rcode example./NXDOMAIN"},
		{"hashed names", verify.AskNothing, func(z *zoneServer, a *verify.Answer) {
			without("authority", dns.TypeNSEC, "", false)(z, a)
			n := record("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA RRSIG")
			a.Msg.Ns = append(a.Msg.Ns, n, z.zsk.seal(z.t, []dns.RR{n}, signFrom, signUntil))
		}, ""},
		{"the NSEC of a wildcard in another's place", verify.AskNothing, func(z *zoneServer, a *verify.Answer) {
			n := record("*.example. NSEC zz.example. A RRSIG NSEC")
			sig := z.zsk.seal(z.t, []dns.RR{n}, signFrom, signUntil)
			n.Header().Name, sig.Hdr.Name = "b.example.", "b.example."
			a.Msg.Ns = append(a.Msg.Ns, n, sig)
		}, "bogus example./NXDOMAIN"},
		{"hashed names that are not signed", verify.AskNothing, func(z *zoneServer, a *verify.Answer) {
			without("authority", dns.TypeNSEC, "", false)(z, a)
			a.Msg.Ns = append(a.Msg.Ns, record("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA RRSIG"))
		}, "unsigned example./NXDOMAIN"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := z.evidence(s)
			q := verify.Question{Address: addr("192.175.48.1"), Ask: tt.ask, Zone: "example", Network: "tcp"}
			a := e.Server.Content[q]
			tt.change(z, &a)
			e.Server.Content[q] = a
			for _, r := range contentResults(s, e) {
				want := ""
				if r.ID == "dns.content.192.175.48.1.tcp" {
					want = tt.want
				}
				if got := broken(r); got != want {
					t.Errorf("%s is %s with %q, want %q", r.ID, r.Status, got, want)
				}
			}
		})
	}
}

func Example_order() {
	for _, pair := range [][2]string{{".", "a."}, {"a.", "B."}, {"z.a.", "b."}, {`\001.`, "*."}, {"a.", "A."}, {`\200.`, "z."}} {
		fmt.Println(pair[0], pair[1], verify.Order(pair[0], pair[1]))
	}
	// Output:
	// . a. -1
	// a. B. -1
	// z.a. b. -1
	// \001. *. -1
	// a. A. 0
	// \200. z. 1
}

// What an NSEC record says is not there.
func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		owner, next, types, name string
		want                     bool
	}{
		{".", "arpa.", "NS SOA", "*.", true},
		{".", "arpa.", "NS SOA", "ar.", true},
		{".", "arpa.", "NS SOA", "arpa.", false},
		{".", "arpa.", "NS SOA", "b.", false},
		{"arpa.", "net.", "NS", "www.mm.", true},
		{"arpa.", "net.", "NS", "www.arpa.", false}, // it is delegated
		{"arpa.", "net.", "DNAME", "www.arpa.", false},
		{"arpa.", "net.", "A", "www.arpa.", true},
		{"arpa.", "net.", "NS", "arpa.", false},
		{"arpa.", "net.", "A", "arpa.", false},
		{"org.", ".", "NS", "zz.", true}, // the last leads back
		{"org.", ".", "NS", "aa.", false},
		{".", ".", "NS SOA", "aa.", true}, // the only one
		{"a.", "b.mm.", "A", "mm.", false},
	} {
		n := record(tt.owner + " NSEC " + tt.next + " " + tt.types).(*dns.NSEC)
		if have := verify.Covers(n, tt.name, "."); have != tt.want {
			t.Errorf("%s to %s covers %s: %t", tt.owner, tt.next, tt.name, have)
		}
	}
}

// Signatures that end soon are told before they do, once for the zone.
func TestMargins(t *testing.T) {
	const day = 24 * time.Hour
	z := newZone(t, ".").sign()
	s := z.site(t)
	for _, tt := range []struct {
		name   string
		ask    verify.Ask
		by     func(*zoneServer) key
		left   time.Duration
		status verify.Status
		words  string
	}{
		{"three days of the SOA", verify.AskApex, zsk, 3 * day, verify.Pass, "until 2026-11-26T12:00:00Z"},
		{"less", verify.AskApex, zsk, 3*day - time.Second, verify.Warn, "SOA: until 2026-11-26T11:59:59Z"},
		{"less of the keys", verify.AskKeys, ksk, 2 * day, verify.Warn, "DNSKEY: until 2026-11-25T12:00:00Z"},
	} {
		e := z.evidence(s)
		q := verify.Question{Address: addr("192.175.48.6"), Ask: tt.ask, Zone: ".", Network: "tcp"}
		a := e.Server.Content[q]
		resealed("answer", a.Msg.Question[0].Qtype, tt.by, signFrom, tt.left)(z, &a)
		e.Server.Content[q] = a
		for _, r := range contentResults(s, e) {
			want := verify.Pass
			if r.ID == "dns.signatures.." {
				if want = tt.status; !strings.Contains(inWords(r), tt.words) {
					t.Errorf("%s: %s", tt.name, inWords(r))
				}
			}
			if r.Status != want {
				t.Errorf("%s: %s is %s: %s", tt.name, r.ID, r.Status, inWords(r))
			}
			fits(t, r)
		}
	}
}

// The served serial is held against the newest that a primary tells.
func TestSerials(t *testing.T) {
	z := newZone(t, ".").sign()
	s := z.site(t)
	primary := func(e *verify.Evidence, i int) *verify.Answer {
		a := e.Server.Told[verify.PrimaryQuestions(s)[i]]
		return &a
	}
	serial := func(i int, n uint32) func(*verify.Evidence) {
		return func(e *verify.Evidence) { primary(e, i).Msg.Answer[0].(*dns.SOA).Serial = n }
	}
	silent := func(e *verify.Evidence) {
		for q := range e.Server.Told {
			e.Server.Told[q] = verify.Answer{Err: errors.New("no answer in 4 s")}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*verify.Evidence)
		status verify.Status
		words  string
	}{
		{"the same", func(*verify.Evidence) {}, verify.Pass, "serial 2026112300; primaries that told theirs: 2"},
		{"one is behind", serial(0, 2026112200), verify.Pass, "serial 2026112300"},
		{"one is ahead", serial(1, 2026112301), verify.Warn, "serial 2026112300, and 2001:db8:53::53 has 2026112301"},
		{"ahead over the turn", serial(1, 5), verify.Pass, "serial 2026112300"}, // 5 is 2,026,112,295 before it
		{"none tells", silent, verify.Skipped, "192.0.2.53, 2001:db8:53::53"},
		{"nobody asked", func(e *verify.Evidence) { e.Server.Told = nil }, verify.Skipped, "192.0.2.53"},
		{"one that has no authority", func(e *verify.Evidence) {
			serial(1, 2026112301)(e)
			primary(e, 1).Msg.Authoritative = false
		}, verify.Pass, "primaries that told theirs: 1"},
	} {
		e := z.evidence(s)
		tt.change(&e)
		for _, r := range contentResults(s, e) {
			if r.ID == "dns.serial.." && (r.Status != tt.status || !strings.Contains(inWords(r), tt.words)) {
				t.Errorf("%s: %s, %s", tt.name, r.Status, inWords(r))
			}
			fits(t, r)
		}
	}
}

// A zone that has no room any more is left out, and that is told.
func TestManyZones(t *testing.T) {
	s := *example(t)
	s.DNS.Zones = nil
	for i := range 500 {
		s.DNS.Zones = append(s.DNS.Zones, site.Zone{Name: fmt.Sprintf("z%d.example", i), Source: "as112"})
	}
	asked := len(verify.ContentQuestions(&s, "udp")) + len(verify.ContentQuestions(&s, "tcp"))
	if asked < 1900 || asked > 2200 {
		t.Errorf("%d questions", asked)
	}
	e := healthy()
	for _, network := range []string{"udp", "tcp"} {
		for _, q := range verify.ContentQuestions(&s, network) {
			m := answerQuery(verify.Message(&s, q))
			e.Server.Content[q] = verify.Answer{Msg: m, At: answered, Size: 100}
		}
	}
	for _, r := range contentResults(&s, e) {
		if strings.HasPrefix(r.ID, "dns.content.") && (r.Status != verify.Pass || !strings.Contains(inWords(r), "the site has 500 zones: the first 85 were looked at")) {
			t.Errorf("%s is %s: %s", r.ID, r.Status, inWords(r))
		}
	}
}

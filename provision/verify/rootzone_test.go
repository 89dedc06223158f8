package verify_test

import (
	"crypto"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verify"
)

// key is one that signs.
type key struct {
	record *dns.DNSKEY
	signer crypto.Signer
}

func newKey(t testing.TB, zone string, flags uint16) key {
	t.Helper()
	k := &dns.DNSKEY{Hdr: header(zone, dns.TypeDNSKEY), Flags: flags, Protocol: 3, Algorithm: dns.ECDSAP256SHA256}
	private, err := k.Generate(256)
	if err != nil {
		t.Fatal(err)
	}
	return key{k, private.(crypto.Signer)}
}

func header(name string, kind uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: 86400}
}

// seal signs a set, valid from and until so long after the answers.
func (k key) seal(t testing.TB, set []dns.RR, from, until time.Duration) *dns.RRSIG {
	t.Helper()
	sig := &dns.RRSIG{
		Hdr: header(set[0].Header().Name, dns.TypeRRSIG), Algorithm: dns.ECDSAP256SHA256, SignerName: k.record.Hdr.Name, KeyTag: k.record.KeyTag(),
		Inception: uint32(answered.Add(from).Unix()), Expiration: uint32(answered.Add(until).Unix()),
	}
	if err := sig.Sign(k.signer, set); err != nil {
		t.Fatal(err)
	}
	return sig
}

// zoneServer serves a small signed zone in the shape of the root, as a name
// server does that RSSAC047v2 finds nothing wrong with: by the table of that
// document, and not as our rules read it.
type zoneServer struct {
	t        testing.TB
	zone     string
	ksk, zsk key
	sets     map[string][]dns.RR // by name and type
	seals    map[string][]dns.RR
	names    []string // in canonical order
}

// signFrom and signUntil are as in the real root zone.
const signFrom, signUntil = -time.Hour, 13 * 24 * time.Hour

func (z *zoneServer) key(name string, kind uint16) string {
	return name + "/" + dns.Type(kind).String()
}

func (z *zoneServer) put(text string, args ...any) {
	z.t.Helper()
	rr, err := dns.NewRR(fmt.Sprintf(text, args...))
	if err != nil {
		z.t.Fatal(err)
	}
	k := z.key(rr.Header().Name, rr.Header().Rrtype)
	z.sets[k] = append(z.sets[k], rr)
}

func newZone(t testing.TB, zone string) *zoneServer {
	z := &zoneServer{t: t, zone: zone, ksk: newKey(t, zone, dns.ZONE|dns.SEP), zsk: newKey(t, zone, dns.ZONE), sets: map[string][]dns.RR{}, seals: map[string][]dns.RR{}}
	z.put("%s 86400 SOA a.root-servers.net. nstld.verisign-grs.com. 2026112300 1800 900 604800 86400", zone)
	for c := 'a'; c <= 'm'; c++ {
		z.put("%s 518400 NS %c.root-servers.net.", zone, c)
		z.put("%c.root-servers.net. 518400 A 198.51.100.%d", c, c)
		z.put("%c.root-servers.net. 518400 AAAA 2001:db8::%d", c, c)
	}
	z.sets[z.key(zone, dns.TypeDNSKEY)] = []dns.RR{z.ksk.record, z.zsk.record}
	if zone != "." {
		return z
	}
	for _, tld := range []string{"arpa.", "net.", "org."} {
		z.put("%s 172800 NS a.nic.%s", tld, tld)
		z.put("%s 172800 NS b.nic.%s", tld, tld)
		z.put("a.nic.%s 172800 A 203.0.113.1", tld)
		z.put("b.nic.%s 172800 AAAA 2001:db8:1::1", tld)
		z.put("%s 86400 DS 1 13 2 %064x", tld, 7)
	}
	return z
}

// sign makes the chain of NSEC records and all signatures.
func (z *zoneServer) sign() *zoneServer {
	z.names = []string{z.zone}
	if z.zone == "." {
		z.names = []string{".", "arpa.", "net.", "org."} // as they sort
	}
	for i, name := range z.names {
		types := []uint16{dns.TypeNS}
		if name == z.zone {
			types = append(types, dns.TypeSOA)
		} else if len(z.sets[z.key(name, dns.TypeDS)]) > 0 {
			types = append(types, dns.TypeDS)
		}
		types = append(types, dns.TypeRRSIG, dns.TypeNSEC)
		z.sets[z.key(name, dns.TypeNSEC)] = []dns.RR{&dns.NSEC{Hdr: header(name, dns.TypeNSEC), NextDomain: z.names[(i+1)%len(z.names)], TypeBitMap: types}}
	}
	for k, set := range z.sets {
		name, kind := set[0].Header().Name, set[0].Header().Rrtype
		switch own := slices.Contains(z.names, name); {
		case kind == dns.TypeDNSKEY:
			z.seals[k] = []dns.RR{z.ksk.seal(z.t, set, signFrom, signUntil)}
		case own && (name == z.zone || kind != dns.TypeNS):
			z.seals[k] = []dns.RR{z.zsk.seal(z.t, set, signFrom, signUntil)}
		}
	}
	return z
}

// with are a set and its signatures.
func (z *zoneServer) with(name string, kind uint16) []dns.RR {
	k := z.key(name, kind)
	return slices.Concat(z.sets[k], z.seals[k])
}

// glue are the addresses of the name servers of a name.
func (z *zoneServer) glue(name string) []dns.RR {
	var out []dns.RR
	for _, rr := range z.sets[z.key(name, dns.TypeNS)] {
		host := rr.(*dns.NS).Ns
		out = append(append(out, z.sets[z.key(host, dns.TypeA)]...), z.sets[z.key(host, dns.TypeAAAA)]...)
	}
	return out
}

// answer is what comes back over a transport, and how many bytes.
func (z *zoneServer) answer(q *dns.Msg, network string) (*dns.Msg, int) {
	m := new(dns.Msg)
	m.SetReply(q)
	asked := q.Question[0]
	m.Authoritative = true
	switch kind := asked.Qtype; {
	case asked.Qclass == dns.ClassCHAOS, kind == dns.TypeAXFR, kind == dns.TypeIXFR:
		m.Rcode, m.Authoritative = dns.RcodeRefused, false
	case kind == dns.TypeDS:
		m.Answer = z.with(asked.Name, kind)
	case asked.Name == z.zone:
		m.Answer = z.with(asked.Name, kind)
		switch kind {
		case dns.TypeSOA:
			m.Ns, m.Extra = z.with(z.zone, dns.TypeNS), z.glue(z.zone)
		case dns.TypeNS:
			m.Extra = z.glue(z.zone)
		}
	default:
		z.elsewhere(m, asked.Name)
	}
	size := 65535
	if network == "udp" {
		size = 512
	}
	if e := q.IsEdns0(); e != nil {
		m.SetEdns0(1232, e.Do())
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_NSID{Code: dns.EDNS0NSID, Nsid: hex.EncodeToString([]byte(identity))}}
		if network == "udp" {
			size = int(e.UDPSize())
		}
	}
	if q.IsEdns0() == nil || !q.IsEdns0().Do() {
		unsigned := func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeRRSIG }
		m.Answer, m.Ns = slices.DeleteFunc(m.Answer, unsigned), slices.DeleteFunc(m.Ns, unsigned)
	}
	return z.fit(m, size)
}

// elsewhere answers for what is below the zone's own name.
func (z *zoneServer) elsewhere(m *dns.Msg, name string) {
	labels := dns.SplitDomainName(name)
	tld := labels[len(labels)-1] + "."
	if z.zone == "." && slices.Contains(z.names, tld) {
		m.Authoritative = false
		m.Ns = slices.Concat(z.sets[z.key(tld, dns.TypeNS)], z.with(tld, dns.TypeDS))
		if len(z.sets[z.key(tld, dns.TypeDS)]) == 0 {
			m.Ns = append(m.Ns, z.with(tld, dns.TypeNSEC)...)
		}
		m.Extra = z.glue(tld)
		return
	}
	m.Rcode = dns.RcodeNameError
	m.Ns = slices.Concat(z.with(z.zone, dns.TypeSOA), z.with(z.zone, dns.TypeNSEC))
	if z.zone == "." {
		before := z.names[0]
		for _, n := range z.names {
			if n < tld { // one label each, in lower case
				before = n
			}
		}
		if before != z.zone {
			m.Ns = append(m.Ns, z.with(before, dns.TypeNSEC)...)
		}
	}
}

// fit leaves out glue that there is no room for, and says so of anything else.
func (z *zoneServer) fit(m *dns.Msg, size int) (*dns.Msg, int) {
	m.Compress = true
	for m.Len() > size && len(m.Extra) > 0 && m.Extra[0].Header().Rrtype != dns.TypeOPT {
		last := len(m.Extra) - 1
		if m.Extra[last].Header().Rrtype == dns.TypeOPT {
			last--
		}
		m.Extra = slices.Delete(m.Extra, last, last+1)
	}
	if m.Len() > size {
		m.Truncated, m.Answer, m.Ns = true, nil, nil
	}
	wire, err := m.Pack()
	if err != nil {
		z.t.Fatal(err)
	}
	read := new(dns.Msg)
	if err := read.Unpack(wire); err != nil {
		z.t.Fatal(err)
	}
	return read, len(wire)
}

// anchor is what a site declares of the zone's keys.
func (z *zoneServer) anchor() site.TrustAnchor {
	ds := z.ksk.record.ToDS(dns.SHA256)
	return site.TrustAnchor{Zone: zoneName(z.zone), KeyTag: ds.KeyTag, Algorithm: ds.Algorithm, DigestType: ds.DigestType, Digest: strings.ToUpper(ds.Digest)}
}

func zoneName(zone string) string {
	if zone == "." {
		return zone
	}
	return strings.TrimSuffix(zone, ".")
}

// siteOf is one that serves the zone and nothing else.
func (z *zoneServer) site(t testing.TB) *site.Site {
	s := *example(t)
	s.DNS.Zones = []site.Zone{{Name: zoneName(z.zone), Primaries: []netip.Addr{addr("192.0.2.53"), addr("2001:db8:53::53")}}}
	s.DNS.TrustAnchors = []site.TrustAnchor{z.anchor()}
	return &s
}

// nobody is a name that is not there.
const nobody = "www.mmmmmmmmmm."

// evidence is a healthy copy with what this server answers.
func (z *zoneServer) evidence(s *site.Site) verify.Evidence {
	e := healthy()
	e.Server.Content, e.Server.Told = map[verify.Question]verify.Answer{}, map[verify.Question]verify.Answer{}
	ask := func(q verify.Question) verify.Answer {
		sent := verify.Message(s, q)
		if q.Ask == verify.AskNothing {
			sent.Question[0].Name = strings.TrimRight(nobody+z.zone, ".") + "." // the random one may be anywhere
		}
		m, size := z.answer(sent, q.Network)
		return verify.Answer{Msg: m, Size: size, At: answered}
	}
	for _, network := range []string{"udp", "tcp"} {
		for _, q := range verify.ContentQuestions(s, network) {
			e.Server.Content[q] = ask(q)
		}
		for _, a := range s.ServiceAddresses() {
			q := verify.Question{Address: a, Ask: verify.AskSOA, Zone: zoneName(z.zone), Network: network}
			map[string]map[verify.Question]verify.Answer{"udp": e.Server.UDP, "tcp": e.TCP}[network][q] = ask(q)
		}
	}
	for _, q := range verify.PrimaryQuestions(s) {
		e.Server.Told[q] = ask(q)
	}
	return e
}

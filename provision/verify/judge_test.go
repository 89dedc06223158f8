package verify_test

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const identity = "gru1.as112.example.net"

// example is testdata/as112.hcl, after what is replaced in it.
func example(t *testing.T, replace ...string) *site.Site {
	t.Helper()
	text, err := os.ReadFile("testdata/as112.hcl")
	if err != nil {
		t.Fatal(err)
	}
	in := string(text)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(in, replace[i]) {
			t.Fatalf("the example has no %q", replace[i])
		}
		in = strings.Replace(in, replace[i], replace[i+1], 1)
	}
	sites, diags := site.Load(fstest.MapFS{"in.hcl": {Data: []byte(in)}}, "in.hcl", site.Options{Operators: os.DirFS("../../templates/operators")})
	if diags.HasErrors() || len(sites) != 1 {
		t.Fatalf("%d sites, %v", len(sites), diags)
	}
	return sites[0]
}

func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }
func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func serviceAddresses() []netip.Addr {
	var out []netip.Addr
	for _, p := range []string{"192.175.48.", "2620:4f:8000::"} {
		for _, n := range []string{"1", "6", "42"} {
			out = append(out, addr(p+n))
		}
	}
	return out
}

// units are what the packs of the example name.
func units() verify.Units {
	return verify.Units{
		"system": {"ssh.service"}, "network": {"systemd-networkd.service"}, "firewall": {"nftables.service"},
		"time": {"chrony.service"}, "dns": {"nsd.service"}, "bgp": {"bird.service", "raiz-announce.service"},
	}
}

// healthy is what is seen of a copy as it should be. It is written by hand,
// not made from the site.
func healthy() verify.Evidence {
	e := verify.Evidence{
		Units: units(),
		BMC: verify.BMCEvidence{
			Identity: bmc.Identity{Vendor: "Example", Model: "X1", Firmware: "1.2", Serial: "S1", Health: "OK"},
			Facts: settings("account", "raiz", "ipmi", "off", "ipv4.dhcp", "off",
				"ipv4.address", "192.0.2.10/28", "ipv4.gateway", "192.0.2.1", "ipv6.address", "2001:db8:0:1::10/64", "ipv6.gateway", "2001:db8:0:1::1",
				"dns", "192.0.2.1", "ntp", "192.0.2.1", "hostname", "gru1-bmc", "power-restore", "always-on"),
		},
		Login: "192.0.2.20:22",
		Server: verify.ServerEvidence{
			Interfaces: []server.Interface{
				{Name: "lo"},
				{Name: "eno1", Addresses: []server.Address{{Prefix: prefix("192.0.2.20/28"), Usable: true}, {Prefix: prefix("2001:db8:0:2::20/64"), Usable: true}}},
				{Name: "eno2", MAC: "02:00:00:00:00:02", Addresses: []server.Address{{Prefix: prefix("198.51.100.1/31"), Usable: true}, {Prefix: prefix("2001:db8:0:3::1/64"), Usable: true}}},
			},
			Units:   map[string]server.UnitAnswer{},
			Replies: map[netip.Addr]string{},
			Sessions: []verify.Session{
				{Name: "n_edge1_v4", Neighbor: addr("198.51.100.0"), PeerAS: 64500, State: "Established", Exports: []verify.Route{{Prefix: prefix("192.175.48.0/24")}}},
				{Name: "n_edge1_v6", Neighbor: addr("2001:db8:0:3::2"), PeerAS: 64500, State: "Established", Exports: []verify.Route{{Prefix: prefix("2620:4f:8000::/48")}}},
			},
			Synced: true, Stratum: 3, Offset: 12 * time.Millisecond,
			UDP: answers("udp"),
		},
		TCP: answers("tcp"),
		Router: verify.RouterEvidence{Asked: true, Routes: []verify.Route{
			{Prefix: prefix("192.175.48.0/24"), ASPath: []site.ASN{112}}, {Prefix: prefix("2620:4f:8000::/48"), ASPath: []site.ASN{112}},
		}},
		Outside: verify.OutsideEvidence{Asked: true, Answers: answers("udp", "tcp")},
	}
	for _, u := range []string{"bird", "nsd", "raiz-announce", "nftables", "chrony", "ssh", "systemd-networkd"} {
		e.Server.Units[u+".service"] = server.UnitAnswer{Load: "loaded", Active: "active", Sub: "running", UnitFile: "enabled"}
	}
	for _, a := range serviceAddresses() {
		e.Server.Interfaces[0].Addresses = append(e.Server.Interfaces[0].Addresses, server.Address{Prefix: netip.PrefixFrom(a, a.BitLen()), Usable: true})
		e.Server.Replies[a] = "1.1.1.1 from " + a.String() + " via 198.51.100.0 dev eno2 table 112 uid 0"
	}
	return e
}

func settings(pairs ...string) map[string]state.Fact {
	out := map[string]state.Fact{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = state.Fact{Key: state.Key{Kind: state.Setting, Name: pairs[i]}, Value: state.Text(pairs[i+1])}
	}
	return out
}

// zones are those of the example, and first the one whose answers the cases
// change.
const zone = "10.in-addr.arpa"

func zones() []string {
	out := []string{zone, "168.192.in-addr.arpa", "254.169.in-addr.arpa", "hostname.as112.net"}
	for n := range 16 {
		out = append(out, fmt.Sprintf("%d.172.in-addr.arpa", 16+n))
	}
	return out
}

// asking is a question; that of a zone is about the first.
func asking(address, network string, ask verify.Ask) verify.Question {
	q := verify.Question{Address: addr(address), Ask: ask, Network: network}
	if ask == verify.AskSOA {
		q.Zone = zone
	}
	return q
}

func answers(networks ...string) map[verify.Question]verify.Answer {
	out := map[verify.Question]verify.Answer{}
	for _, network := range networks {
		for _, a := range serviceAddresses() {
			for _, zone := range zones() {
				m := reply(verify.AskSOA, identity)
				m.Answer[0].Header().Name = zone + "."
				out[verify.Question{Address: a, Ask: verify.AskSOA, Zone: zone, Network: network}] = verify.Answer{Msg: m, At: answered}
			}
			for _, ask := range []verify.Ask{verify.AskHostname, verify.AskServer, verify.AskElsewhere} {
				out[verify.Question{Address: a, Ask: ask, Network: network}] = verify.Answer{Msg: reply(ask, identity), At: answered}
			}
		}
	}
	return out
}

// answered is when all answers came.
var answered = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// signature is one over a SOA, valid from and until so long after the answer.
func signature(zone string, from, until time.Duration) *dns.RRSIG {
	return &dns.RRSIG{Hdr: dns.RR_Header{Name: zone, Rrtype: dns.TypeRRSIG, Class: dns.ClassINET}, TypeCovered: dns.TypeSOA,
		Inception: uint32(answered.Add(from).Unix()), Expiration: uint32(answered.Add(until).Unix())}
}

// reply is what a good name server answers.
func reply(ask verify.Ask, id string) *dns.Msg {
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Response: true, Authoritative: true}}
	m.SetEdns0(1232, false)
	m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_NSID{Code: dns.EDNS0NSID, Nsid: hex.EncodeToString([]byte(id))})
	switch ask {
	case verify.AskSOA:
		m.Answer = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: "10.in-addr.arpa.", Rrtype: dns.TypeSOA, Class: dns.ClassINET}, Ns: "a.example.", Mbox: "b.example."}}
	case verify.AskElsewhere:
		m.Rcode, m.Authoritative = dns.RcodeRefused, false
	default:
		m.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: "hostname.bind.", Rrtype: dns.TypeTXT, Class: dns.ClassCHAOS}, Txt: []string{id}}}
	}
	return m
}

func TestHealthy(t *testing.T) {
	results := verify.Judge(example(t), healthy())
	for _, r := range results {
		if r.Status != verify.Pass {
			t.Errorf("%s: %s, %s", r.ID, r.Status, inWords(r))
		}
		if r.Title.IsZero() || r.Vantage == "" || r.Want.IsZero() || len(r.Got) == 0 {
			t.Errorf("%s does not say all: %+v", r.ID, r)
		}
	}
	if len(results) != 75 {
		t.Errorf("%d checks", len(results))
	}
	if n := len(verify.Failed(results)) + len(verify.Undecided(results)); n != 0 {
		t.Errorf("%d failed or undecided", n)
	}
}

// family is the ID of a check without the address that tells it apart.
func family(id string) string {
	for _, a := range append(serviceAddresses(), addr("198.51.100.0"), addr("2001:db8:0:3::2")) {
		for _, word := range []string{netip.PrefixFrom(a, a.BitLen()).String(), a.String()} {
			if head, tail, ok := strings.Cut(id+".", "."+word+"."); ok {
				return strings.TrimSuffix(head+".*."+tail, ".")
			}
		}
	}
	return id
}

// inWords is what a result has found, in English.
func inWords(r verify.Result) string {
	words := messages.English()
	return fmt.Sprintf("%s (%s)", words.All(r.Got), words.All(slices.Concat(r.Evidence, r.Advice)))
}

// inCodes is the same as data.
func inCodes(r verify.Result) string {
	return fmt.Sprintf("%s (%s)", verdict.Text(r.Got), verdict.Text(slices.Concat(r.Evidence, r.Advice)))
}

// changed is what differs from a healthy copy. Checks that are told apart by
// an address alone, and say the same, are counted together.
func changed(before, after []verify.Result, say func(verify.Result) string) string {
	was := map[string]verify.Result{}
	for _, r := range before {
		was[r.ID] = r
	}
	var lines []string
	count := map[string]int{}
	for _, r := range after {
		if cmp.Equal(was[r.ID], r) {
			continue
		}
		line := fmt.Sprintf("%s %s: %s", family(r.ID), r.Status, say(r))
		if r.Because != "" {
			line = fmt.Sprintf("%s because %s", family(r.ID), r.Because)
		}
		if count[line]++; count[line] == 1 {
			lines = append(lines, line)
		}
	}
	for i, l := range lines {
		if n := count[l]; n > 1 {
			lines[i] = fmt.Sprintf("%d x %s", n, l)
		}
	}
	return strings.Join(lines, "\n")
}

// on changes an answer to one question at one address.
func on(e *verify.Evidence, network, address string, ask verify.Ask, change func(*verify.Answer)) {
	answers := e.TCP
	if network == "udp" {
		answers = e.Server.UDP
	}
	q := asking(address, network, ask)
	a := answers[q]
	change(&a)
	answers[q] = a
}

// judged is a way in which a copy is not as it should be. What the checks say
// of it is in testdata/judge.golden.
type judged struct {
	name   string
	change func(*verify.Evidence)
}

func setting(name string, f state.Fact) func(*verify.Evidence) {
	return func(e *verify.Evidence) {
		f.Key = state.Key{Kind: state.Setting, Name: name}
		e.BMC.Facts[name] = f
	}
}

func bmcCases() []judged {
	down := func(err error) func(*verify.Evidence) {
		return func(e *verify.Evidence) { e.BMC = verify.BMCEvidence{Err: err} }
	}
	cases := []judged{
		{"BMC has another certificate", down(fmt.Errorf("open: %w", bmc.ErrCertificate))},
		{"BMC refuses the login", down(fmt.Errorf("open: %w", bmc.ErrAuth))},
		{"BMC wants a new password", down(fmt.Errorf("open: %w", bmc.ErrPasswordChange))},
		{"BMC does not answer", down(errors.New("connection refused"))},
		{"nobody looked at the BMC", func(e *verify.Evidence) { e.BMC = verify.BMCEvidence{} }},
		{"hardware has a warning", func(e *verify.Evidence) { e.BMC.Identity.Health = "Warning" }},
		{"hardware is broken", func(e *verify.Evidence) { e.BMC.Identity.Health = "Critical" }},
		{"hardware is not told", func(e *verify.Evidence) { e.BMC.Identity.Health = "" }},
		{"setting that cannot be had", setting("power-restore", state.Fact{Err: fmt.Errorf("no: %w", state.ErrUnsupported)})},
		{"setting that could not be read", setting("ntp", state.Fact{Err: errors.New("timeout")})},
		{"setting that is absent", setting("ntp", state.Fact{})},
		{"setting with one more", setting("dns", state.Fact{Value: state.Attr{Values: []string{"192.0.2.1", "192.0.2.2"}}})},
		{"setting that nobody reported on", func(e *verify.Evidence) { delete(e.BMC.Facts, "hostname") }},
	}
	for _, name := range slices.Sorted(maps.Keys(healthy().BMC.Facts)) {
		cases = append(cases, judged{"BMC has another " + name, setting(name, state.Fact{Value: state.Text("other")})})
	}
	return cases
}

func systemCases() []judged {
	login := func(err error) func(*verify.Evidence) {
		return func(e *verify.Evidence) {
			*e = verify.Evidence{Units: e.Units, BMC: e.BMC, SSHErr: err, Router: e.Router, Outside: e.Outside}
		}
	}
	unit := func(name string, u server.UnitAnswer) func(*verify.Evidence) {
		return func(e *verify.Evidence) { e.Server.Units[name] = u }
	}
	address := func(iface, i int, change func(*server.Address)) func(*verify.Evidence) {
		return func(e *verify.Evidence) { change(&e.Server.Interfaces[iface].Addresses[i]) }
	}
	other := func(a *server.Address) { a.Prefix = prefix("203.0.113.9/24") }
	stopped := server.UnitAnswer{Load: "loaded", Active: "inactive", Sub: "dead", UnitFile: "enabled"}
	reply := func(from, line string) func(*verify.Evidence) {
		return func(e *verify.Evidence) { e.Server.Replies[addr(from)] = line }
	}
	return []judged{
		{"server has another host key", login(fmt.Errorf("ssh: %w", remote.ErrHostKey))},
		{"server refuses the login", login(fmt.Errorf("ssh: %w", remote.ErrAuth))},
		{"server does not answer", login(fmt.Errorf("ssh: %w", remote.ErrUnreachable))},
		{"nobody logged in", func(e *verify.Evidence) { e.Login = "" }},
		{"the look failed", func(e *verify.Evidence) { e.Server = verify.ServerEvidence{Err: errors.New("deadline")} }},
		{"nobody looked", func(e *verify.Evidence) { e.Server = verify.ServerEvidence{} }},
		{"management address is another", address(1, 0, other)},
		{"management address of IPv6 is another", address(1, 1, other)},
		{"address of the service link is another", address(2, 0, other)},
		{"address of the service link is on trial", address(2, 1, func(a *server.Address) { a.Usable = false })},
		{"service interface is gone", func(e *verify.Evidence) { e.Server.Interfaces = e.Server.Interfaces[:2] }},
		{"addresses cannot be read", func(e *verify.Evidence) { e.Server.NetworkErr = errors.New("ip: not found") }},
		{"an anycast address is not on the loopback", address(0, 1, other)},
		{"answers leave by the management link", reply("192.175.48.1", "1.1.1.1 from 192.175.48.1 via 192.0.2.17 dev eno1 uid 0")},
		{"answers leave by one with a longer name", reply("2620:4f:8000::1", "2001:: from 2620:4f:8000::1 dev eno2.7 uid 0")},
		{"nobody looked how answers leave", func(e *verify.Evidence) { e.Server.Replies = nil }},
		{"firewall is down", unit("nftables.service", stopped)},
		{"the network is not managed", unit("systemd-networkd.service", stopped)},
		{"firewall is masked", unit("nftables.service", server.UnitAnswer{Load: "masked", Active: "inactive", Sub: "dead", UnitFile: "masked"})},
		{"a pack names no service", func(e *verify.Evidence) { delete(e.Units, "dns") }},
		{"packs cannot be read", func(e *verify.Evidence) { e.Units, e.UnitsErr = nil, errors.New("no pack bird") }},
		{"nothing leads out", reply("192.175.48.1", "RTNETLINK answers: Network is unreachable")},
		{"firewall failed", unit("nftables.service", server.UnitAnswer{Load: "loaded", Active: "failed", Sub: "failed", UnitFile: "enabled"})},
		{"SSH is not enabled", unit("ssh.service", server.UnitAnswer{Load: "loaded", Active: "active", UnitFile: "disabled"})},
		{"time is not installed", unit("chrony.service", server.UnitAnswer{Load: "not-found", Active: "inactive"})},
		{"a unit nobody told of", func(e *verify.Evidence) { delete(e.Server.Units, "nftables.service") }},
		{"units cannot be read", func(e *verify.Evidence) { e.Server.Units, e.Server.UnitsErr = nil, errors.New("no bus") }},
		{"name server is down", unit("nsd.service", stopped)},
		{"nothing announces", unit("raiz-announce.service", stopped)},
		{"BIRD is down", unit("bird.service", stopped)},
		{"clock is free", func(e *verify.Evidence) { e.Server.Synced = false }},
		{"clock is late", func(e *verify.Evidence) { e.Server.Offset = -1500 * time.Millisecond }},
		{"clock does not tell", func(e *verify.Evidence) { e.Server.ClockErr = errors.New("506 Cannot talk to daemon") }},
	}
}

func dnsCases() []judged {
	at := func(network, address string, ask verify.Ask, change func(*dns.Msg)) func(*verify.Evidence) {
		return func(e *verify.Evidence) {
			on(e, network, address, ask, func(a *verify.Answer) { change(a.Msg) })
		}
	}
	soa := func(change func(*dns.Msg)) func(*verify.Evidence) {
		return at("udp", "192.175.48.1", verify.AskSOA, change)
	}
	silent := func(network, address string, ask verify.Ask) func(*verify.Evidence) {
		return func(e *verify.Evidence) {
			on(e, network, address, ask, func(a *verify.Answer) { *a = verify.Answer{Err: errors.New("no answer in 4 s")} })
		}
	}
	return []judged{
		{"UDP is silent", silent("udp", "192.175.48.1", verify.AskSOA)},
		{"TCP is silent", silent("tcp", "2620:4f:8000::42", verify.AskSOA)},
		{"nobody asked", func(e *verify.Evidence) { e.TCP = nil }},
		{"nobody answers by UDP", func(e *verify.Evidence) {
			for q, a := range e.Server.UDP {
				if q.Address == addr("192.175.48.1") {
					a.Msg, a.Err = nil, errors.New("no answer in 4 s")
					e.Server.UDP[q] = a
				}
			}
		}},
		{"every zone but one is refused", func(e *verify.Evidence) {
			for q, a := range e.Server.UDP {
				if q.Address == addr("192.175.48.1") && q.Ask == verify.AskSOA && q.Zone != zone {
					a.Msg.Rcode, a.Msg.Answer = dns.RcodeRefused, nil
				}
			}
		}},
		{"one zone was not asked for", func(e *verify.Evidence) { delete(e.Server.UDP, asking("192.175.48.1", "udp", verify.AskSOA)) }},
		{"truncated", soa(func(m *dns.Msg) { m.Truncated = true })},
		{"zone is not loaded", soa(func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure })},
		{"not authoritative", soa(func(m *dns.Msg) { m.Authoritative = false })},
		{"no SOA", soa(func(m *dns.Msg) { m.Answer = nil })},
		{"signature has expired", soa(func(m *dns.Msg) { m.Answer = append(m.Answer, signature(zone, -2*time.Hour, -time.Hour)) })},
		{"signature is of tomorrow", soa(func(m *dns.Msg) { m.Answer = append(m.Answer, signature(zone, 24*time.Hour, 48*time.Hour)) })},
		{"no NSID", soa(func(m *dns.Msg) { m.Extra = nil })},
		{"offers recursion", soa(func(m *dns.Msg) { m.RecursionAvailable = true })},
		{"another copy answers", soa(func(m *dns.Msg) { *m = *reply(verify.AskSOA, "eze1.as112.example.net") })},
		{"hostname.bind is another", at("udp", "192.175.48.1", verify.AskHostname, func(m *dns.Msg) { *m = *reply(verify.AskHostname, "other") })},
		{"hostname.bind is refused", at("udp", "192.175.48.1", verify.AskHostname, func(m *dns.Msg) { m.Answer, m.Rcode = nil, dns.RcodeRefused })},
		{"id.server is silent", silent("tcp", "192.175.48.1", verify.AskServer)},
		{"resolves for others", at("tcp", "192.175.48.1", verify.AskElsewhere, func(m *dns.Msg) { *m = *reply(verify.AskHostname, "an answer") })},
		{"would resolve for others", at("tcp", "192.175.48.1", verify.AskElsewhere, func(m *dns.Msg) { m.RecursionAvailable = true })},
		{"a name elsewhere is not refused, but lost", silent("tcp", "192.175.48.1", verify.AskElsewhere)},
	}
}

func bgpCases() []judged {
	session := func(i int, change func(*verify.Session)) func(*verify.Evidence) {
		return func(e *verify.Evidence) { change(&e.Server.Sessions[i]) }
	}
	route := func(change func(*verify.Route)) func(*verify.Evidence) {
		return session(0, func(s *verify.Session) { change(&s.Exports[0]) })
	}
	leak := verify.Route{Prefix: prefix("0.0.0.0/0")}
	learnt := func(change func(*verify.RouterEvidence)) func(*verify.Evidence) {
		return func(e *verify.Evidence) { change(&e.Router) }
	}
	return []judged{
		{"a session that nobody declared", func(e *verify.Evidence) {
			e.Server.Sessions = append(e.Server.Sessions, verify.Session{Name: "friend", Neighbor: addr("203.0.113.9"), State: "Active"})
		}},
		{"a session is missing", func(e *verify.Evidence) { e.Server.Sessions = e.Server.Sessions[:1] }},
		{"a session is down", session(1, func(s *verify.Session) { s.State, s.Error = "Active", "Socket: Connection refused" })},
		{"a session with another AS", session(0, func(s *verify.Session) { s.PeerAS = 64501 })},
		{"BIRD does not tell its sessions", func(e *verify.Evidence) { e.Server.Sessions, e.Server.SessionsErr = nil, errors.New("no socket") }},
		{"BIRD does not tell what it exports", session(0, func(s *verify.Session) { s.Exports, s.ExportsErr = nil, errors.New("no socket") })},
		{"BIRD has no session", func(e *verify.Evidence) { e.Server.Sessions = nil }},
		{"nothing is exported", session(0, func(s *verify.Session) { s.Exports = nil })},
		{"more is exported", session(1, func(s *verify.Session) { s.Exports = append(s.Exports, verify.Route{Prefix: prefix("2001:db8::/32")}) })},
		{"a part is exported", route(func(r *verify.Route) { r.Prefix = prefix("192.175.48.0/25") })},
		{"a path is not empty", route(func(r *verify.Route) { r.ASPath = []site.ASN{64512} })},
		{"it is tagged", route(func(r *verify.Route) { r.Communities = []string{"65535:65281"} })},
		{"it is draining", route(func(r *verify.Route) { r.Communities = []string{"65535:0"} })},
		{"nobody looks at the router", learnt(func(r *verify.RouterEvidence) { *r = verify.RouterEvidence{} })},
		{"the router does not answer", learnt(func(r *verify.RouterEvidence) { *r = verify.RouterEvidence{Asked: true, Err: errors.New("refused")} })},
		{"the router has learnt nothing", learnt(func(r *verify.RouterEvidence) { r.Routes = nil })},
		{"the router has learnt more", learnt(func(r *verify.RouterEvidence) { r.Routes = append(r.Routes, leak) })},
		{"the router has learnt another origin", learnt(func(r *verify.RouterEvidence) { r.Routes[0].ASPath = []site.ASN{112, 64512} })},
		{"the router has it a second time, by another way", learnt(func(r *verify.RouterEvidence) {
			r.Routes = append(r.Routes, verify.Route{Prefix: prefix("192.175.48.0/24"), ASPath: []site.ASN{65001, 112}})
		})},
		{"nobody asks from outside", func(e *verify.Evidence) { e.Outside = verify.OutsideEvidence{} }},
		{"another copy answers outside", func(e *verify.Evidence) {
			e.Outside.Answers[asking("192.175.48.1", "udp", verify.AskSOA)] = verify.Answer{Msg: reply(verify.AskSOA, "eze1.as112.example.net"), At: answered}
		}},
		{"outside it is not authoritative", func(e *verify.Evidence) {
			e.Outside.Answers[asking("192.175.48.1", "udp", verify.AskSOA)].Msg.Authoritative = false
		}},
		{"the router filters the block, and nobody answers outside", func(e *verify.Evidence) {
			e.Router.Routes = nil
			for q := range e.Outside.Answers {
				e.Outside.Answers[q] = verify.Answer{Err: errors.New("no answer in 4 s")}
			}
		}},
		{"nobody answers outside", func(e *verify.Evidence) {
			e.Outside.Answers[asking("192.175.48.1", "tcp", verify.AskSOA)] = verify.Answer{Err: errors.New("no answer in 4 s")}
		}},
		{"nothing was seen at all", func(e *verify.Evidence) { *e = verify.Evidence{} }},
	}
}

func TestJudge(t *testing.T) {
	s := example(t)
	before := verify.Judge(s, healthy())
	said := map[string]map[verify.Status]bool{}
	var all, worded strings.Builder
	for _, c := range slices.Concat(bmcCases(), systemCases(), dnsCases(), bgpCases()) {
		e := healthy()
		c.change(&e)
		after := verify.Judge(s, e)
		fmt.Fprintf(&all, "== %s\n%s\n", c.name, changed(before, after, inCodes))
		fmt.Fprintf(&worded, "== %s\n%s\n", c.name, changed(before, after, inWords))
		for _, r := range after {
			fits(t, r)
			if said[family(r.ID)] == nil {
				said[family(r.ID)] = map[verify.Status]bool{}
			}
			said[family(r.ID)][r.Status] = true
			if (r.Because != "") != (r.Status == verify.Skipped && len(r.Got) == 0) {
				t.Errorf("%s: %s is %s because of %q", c.name, r.ID, r.Status, r.Because)
			}
		}
	}
	compareGolden(t, "testdata/judge.golden", all.String())
	compareGolden(t, "../report/messages/testdata/judge.golden", worded.String())
	// Every check has been made to say no. Two kinds cannot: one is either
	// made or unknown, the other only sums up.
	for _, r := range before {
		no := verify.Fail
		switch {
		case r.ID == "os.look":
			no = verify.Unknown
		case strings.HasPrefix(r.ID, "bgp.announced."):
			no = verify.Skipped
		}
		if !said[family(r.ID)][no] {
			t.Errorf("no case in which %s says no", r.ID)
		}
	}
}

// fits holds what a result says against the definitions, and what is said
// inside of it.
func fits(t *testing.T, r verify.Result) {
	t.Helper()
	var check func(verdict.Message)
	check = func(m verdict.Message) {
		i := slices.IndexFunc(verify.Codes(), func(d verdict.Definition) bool { return d.Code == m.Code })
		if i < 0 {
			t.Errorf("%s: %s is not defined", r.ID, m.Code)
			return
		}
		if err := verify.Codes()[i].Fits(m); err != nil {
			t.Errorf("%s: %v", r.ID, err)
		}
		for _, a := range m.Args {
			for _, inner := range a.Inner() {
				check(inner)
			}
		}
	}
	for _, m := range r.Messages() {
		check(m)
	}
}

func compareGolden(t *testing.T, path, have string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(have, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// What nobody has looked at is never good.
func TestNoEvidenceIsNoPass(t *testing.T) {
	for _, r := range verify.Judge(example(t), verify.Evidence{}) {
		if r.Status == verify.Pass || r.Status == verify.Warn {
			t.Errorf("%s is %s: %s", r.ID, r.Status, inWords(r))
		}
	}
}

// Blocks for the host alone are tagged, and nothing else is good.
func TestLocalBlocks(t *testing.T) {
	s := example(t, `propagation = "global"`, `propagation = "local"`)
	verdict := func(communities ...string) string {
		e := healthy()
		for i := range e.Server.Sessions {
			e.Server.Sessions[i].Exports[0].Communities = communities
		}
		for _, r := range verify.Judge(s, e) {
			if r.ID == "bgp.export.198.51.100.0" {
				return string(r.Status) + ": " + messages.English().All(r.Got)
			}
		}
		return "no such check"
	}
	for _, tt := range []struct {
		name        string
		communities []string
		want        string
	}{
		{"tagged", []string{"65535:65281"}, "pass: 192.175.48.0/24"},
		{"not tagged", nil, "fail: 192.175.48.0/24 has communities nothing, want 65535:65281"},
		{"tagged twice", []string{"65535:65281", "112:1:2"}, "fail: 192.175.48.0/24 has communities 65535:65281, 112:1:2, want 65535:65281"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if have := verdict(tt.communities...); have != tt.want {
				t.Errorf("got %s, want %s", have, tt.want)
			}
		})
	}
}

// A site without a BMC has no checks of one; one whose packs only their own
// folder knows is judged without their units.
func TestOtherSites(t *testing.T) {
	s := example(t)
	without := *s
	without.BMC = nil
	for _, r := range verify.Judge(&without, healthy()) {
		if strings.HasPrefix(r.ID, "bmc.") {
			t.Errorf("there is %s", r.ID)
		}
	}
	own := *s
	own.Components = maps.Clone(s.Components)
	own.Components["dns"], own.Components["bgp"] = "mydns", "mybgp"
	e := healthy()
	e.Units["dns"], e.Units["bgp"], e.Units["guard"] = []string{"mydns.service"}, []string{"mybgp.service"}, []string{"myguard.service"}
	e.Server.Units["myguard.service"] = e.Server.Units["nsd.service"]
	e.Server.Units["mydns.service"] = e.Server.Units["nsd.service"]
	e.Server.Units["mybgp.service"] = server.UnitAnswer{Load: "loaded", Active: "failed", UnitFile: "enabled"}
	got := map[string]verify.Status{}
	for _, r := range verify.Judge(&own, e) {
		if strings.HasPrefix(r.ID, "unit.") {
			got[r.ID] = r.Status
		}
	}
	want := map[string]verify.Status{"unit.mydns.service": verify.Pass, "unit.myguard.service": verify.Pass, "unit.mybgp.service": verify.Fail}
	for _, u := range []string{"nftables", "chrony", "ssh", "systemd-networkd"} {
		want["unit."+u+".service"] = verify.Pass
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func allInWords(ms []verdict.Message) string {
	var out []string
	for _, m := range ms {
		out = append(out, messages.English().Say(m))
	}
	return strings.Join(out, "\n")
}

// What the gate of an apply waits for.
func TestDNSProblems(t *testing.T) {
	s := example(t)
	if have := verify.DNSProblems(s, answers("tcp")); have != nil {
		t.Errorf("of a good copy: %s", have)
	}
	e := healthy()
	on(&e, "tcp", "192.175.48.6", verify.AskSOA, func(a *verify.Answer) { *a = verify.Answer{Err: errors.New("connection refused")} })
	on(&e, "tcp", "2620:4f:8000::1", verify.AskSOA, func(a *verify.Answer) { a.Msg = reply(verify.AskSOA, "other") })
	want := []string{"192.175.48.6: zone 10.in-addr.arpa.: no answer (connection refused; is the name server up, and does it listen there?)", "2620:4f:8000::1: NSID other (another copy answered; it says nothing of this one)"}
	if diff := cmp.Diff(want, strings.Split(allInWords(verify.DNSProblems(s, e.TCP)), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if have := verify.DNSProblems(s, nil); len(have) != 6 {
		t.Errorf("of no answers: %s", have)
	}
}

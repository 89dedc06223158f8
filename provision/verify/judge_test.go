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
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verify"
	"github.com/raiz-dns/raiz/provision/watch"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const identity = "gru1.as112.example.net"

// example is testdata/as112.hcl, after what is replaced in it.
func example(t testing.TB, replace ...string) *site.Site {
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
	sites, diags := site.Load(fstest.MapFS{"in.hcl": {Data: []byte(in)}}, "in.hcl", site.Options{
		Operators: os.DirFS("../../templates/operators"), Packs: map[string][]site.Pack{"dns": {{Name: "nsd", Default: true}}, "bgp": {{Name: "bird", Default: true}},
			"firewall": {{Name: "nftables", Default: true}}, "time": {{Name: "chrony", Default: true}}, "guard": {{Name: "ibgp", Default: true}}},
	})
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
		"time": {"chrony.service"}, "dns": {"nsd.service"}, "bgp": {"bird.service"}, "guard": {"raiz-guard.service"},
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
				"dns", "192.0.2.1", "ntp", "192.0.2.1", "hostname", "gru1-bmc", "power-restore", "always-on", "factory-account", "root: off"),
			Administrators: []string{"raiz"},
			Inventory:      inventory(), At: answered,
		},
		Login: "192.0.2.20:22", Looks: verify.Looks{"imports": {}},
		Server: verify.ServerEvidence{
			Links: []server.LinkFact{
				{Name: "lo"},
				{Name: "eno1", Addresses: []server.AddressFact{{Address: "192.0.2.20/28"}, {Address: "2001:db8:0:2::20/64"}}},
				{Name: "eno2", MAC: "02:00:00:00:00:02", Addresses: []server.AddressFact{{Address: "198.51.100.1/31"}, {Address: "2001:db8:0:3::1/64"}}},
			},
			Units:   map[string]server.UnitFact{},
			Replies: map[netip.Addr]server.Way{},
			Sessions: []verify.Session{
				{Name: "n_edge1_v4", Neighbor: addr("198.51.100.0"), PeerAS: 64500, State: "Established", Exports: []verify.Route{{Prefix: prefix("192.175.48.0/24")}}, Imports: []netip.Prefix{prefix("0.0.0.0/0")}},
				{Name: "n_edge1_v6", Neighbor: addr("2001:db8:0:3::2"), PeerAS: 64500, State: "Established", Exports: []verify.Route{{Prefix: prefix("2620:4f:8000::/48")}}, Imports: []netip.Prefix{prefix("::/0")}},
			},
			Guard: &server.Guard{Status: watch.Status{Feed: watch.FeedStatus{Up: true}, Blocks: []watch.BlockStatus{
				{Prefix: prefix("192.175.48.0/24"), State: watch.Announced}, {Prefix: prefix("2620:4f:8000::/48"), State: watch.Announced},
			}}},
			Synced: true, Stratum: 3, Offset: 12 * time.Millisecond,
			UDP: answers("udp"), Content: content("udp", "tcp"),
			Around: around(),
		},
		Ports: []string{"tcp/53", "udp/53", "tcp/179", "udp/3784", "udp/4784"},
		Table: 112, Declared: verify.Declared{Asked: true}, LoginKeys: []string{"SHA256:ours"},
		TCP: answers("tcp"),
		Router: verify.RouterEvidence{Asked: true, Routes: []verify.Route{
			{Prefix: prefix("192.175.48.0/24"), ASPath: []site.ASN{112}}, {Prefix: prefix("2620:4f:8000::/48"), ASPath: []site.ASN{112}},
		}},
		Outside: verify.OutsideEvidence{Asked: true, Answers: answers("udp", "tcp")},
	}
	maps.Copy(e.Outside.Answers, content("udp", "tcp"))
	for _, u := range []string{"bird", "nsd", "raiz-guard", "nftables", "chrony", "ssh", "systemd-networkd"} {
		e.Server.Units[u+".service"] = server.UnitFact{Load: "loaded", Active: "active", Sub: "running", File: "enabled"}
	}
	for _, a := range serviceAddresses() {
		e.Server.Links[0].Addresses = append(e.Server.Links[0].Addresses, server.AddressFact{Address: netip.PrefixFrom(a, a.BitLen()).String()})
		e.Server.Replies[a] = by("1.1.1.1/32", "198.51.100.0", "eno2", 112)
	}
	return e
}

// inventory is what a controller tells of a server that is well.
func inventory() bmc.Inventory {
	inv := bmc.Inventory{
		Firmware: "1.2", BIOS: "2.19.1", Until: answered.AddDate(1, 0, 0), MACs: []string{"02:00:00:00:00:01", "02:00:00:00:00:02"},
		Licences:   []bmc.Licence{{Text: "FD1 Production iDRAC9 15g Enterprise License"}},
		SecureBoot: bmc.SecureBoot{Now: "Enabled", Next: "on", Mode: "UserMode"}, Modules: []bmc.TrustedModule{{Interface: "TPM2_0", State: "Enabled"}},
		Log: bmc.EventLog{Name: "SEL", Read: 12}, Parts: map[bmc.PartKind]bmc.Parts{},
	}
	for i, kind := range bmc.PartKinds() {
		inv.Parts[kind] = bmc.Parts{Healthy: i + 1}
	}
	return inv
}

// around is what is on a server beside what raiz puts there, where all of it is
// declared.
func around() *verify.Around {
	a := &verify.Around{
		Around: server.Around{
			Sockets: []server.Socket{
				{Network: "tcp", At: netip.MustParseAddrPort("0.0.0.0:22"), Program: "sshd"}, {Network: "udp", At: netip.MustParseAddrPort("192.175.48.1:53"), Program: "nsd"},
				{Network: "tcp", At: netip.MustParseAddrPort("[::]:179"), Program: "bird"},
			},
			Roots: []string{"root"}, Keys: []server.Key{{User: "root", Fingerprint: "SHA256:ours"}},
			Disks: []server.Disk{{Path: "/", Bytes: 1 << 34, Free: 1 << 33, Files: 1 << 20, FreeFile: 1 << 19}},
		},
		Routes: []server.Route{
			{Table: 254, To: "0.0.0.0/0", Via: "192.0.2.17", Dev: "eno1", Protocol: 4}, {Table: 254, To: "::/0", Via: "2001:db8:0:2::1", Dev: "eno1", Protocol: 4},
			{Table: 112, To: "198.51.100.0/31", Dev: "eno2", Protocol: 4}, {Table: 112, To: "0.0.0.0/0", Via: "198.51.100.0", Dev: "eno2", Protocol: 4, Metric: 1 << 28},
			{Table: 112, To: "2001:db8:0:3::/64", Dev: "eno2", Protocol: 4}, {Table: 112, To: "::/0", Via: "2001:db8:0:3::2", Dev: "eno2", Protocol: 4},
			{Table: 112, To: "0.0.0.0/0", Protocol: 4, Type: 7}, {Table: 112, To: "::/0", Dev: "lo", Protocol: 4, Type: 7},
		},
		Rules: []server.Rule{
			{Family: 4, Priority: 1001, From: "198.51.100.1/32", Table: 112}, {Family: 6, Priority: 1001, From: "2001:db8:0:3::1/128", Table: 112},
		},
	}
	for _, x := range serviceAddresses() {
		family := 6
		if x.Is4() {
			family = 4
		}
		a.Rules = append(a.Rules, server.Rule{Family: family, Priority: 1000, From: netip.PrefixFrom(x, x.BitLen()).String(), Table: 112})
	}
	return a
}

// by is the way of an answer.
func by(to, via, dev string, table int) server.Way {
	return server.Way{Route: &server.Route{To: to, Via: via, Dev: dev, Table: table}}
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
	if len(results) != 128 {
		t.Errorf("%d checks", len(results))
	}
	if n := len(verify.Failed(results)) + len(verify.Undecided(results)); n != 0 {
		t.Errorf("%d failed or undecided", n)
	}
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

func TestJudge(t *testing.T) {
	s := example(t)
	before := verify.Judge(s, healthy())
	said := map[string]map[verify.Status]bool{}
	var all, worded strings.Builder
	for _, c := range slices.Concat(bmcCases(), inventoryCases(), systemCases(), aroundCases(), dnsCases(), contentCases(), offerCases(), bgpCases(), guardCases()) {
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
		case r.ID == "guard.alarms":
			no = verify.Warn // nothing is withdrawn by it
		case r.ID == "os.reboot":
			no = verify.Warn // it can wait
		}
		if !said[family(r.ID)][no] {
			t.Errorf("no case in which %s says no", r.ID)
		}
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
	e.Units["dns"], e.Units["bgp"] = []string{"mydns.service"}, []string{"mybgp.service"}
	e.Server.Units["mydns.service"] = e.Server.Units["nsd.service"]
	e.Server.Units["mybgp.service"] = server.UnitFact{Load: "loaded", Active: "failed", File: "enabled"}
	got := map[string]verify.Status{}
	for _, r := range verify.Judge(&own, e) {
		if strings.HasPrefix(r.ID, "unit.") {
			got[r.ID] = r.Status
		}
	}
	want := map[string]verify.Status{"unit.mydns.service": verify.Pass, "unit.mybgp.service": verify.Fail}
	for _, u := range []string{"nftables", "chrony", "raiz-guard", "ssh", "systemd-networkd"} {
		want["unit."+u+".service"] = verify.Pass
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
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

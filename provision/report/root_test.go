package report_test

import (
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// example is a site of sites/.
func example(t *testing.T, name string) *site.Site {
	t.Helper()
	packs := map[string][]site.Pack{}
	for kind, pack := range map[string]string{"dns": "nsd", "bgp": "bird", "firewall": "nftables", "time": "chrony", "guard": "ibgp", "network": "networkd", "system": "debian"} {
		packs[kind] = []site.Pack{{Name: pack, Default: true}}
	}
	sites, diags := site.Load(os.DirFS("../../sites"), name+".hcl", site.Options{Operators: os.DirFS("../../templates/operators"), Packs: packs})
	if diags.HasErrors() || len(sites) != 1 {
		t.Fatalf("%d sites, %v", len(sites), diags)
	}
	return sites[0]
}

// units are those of the packs that a site gets without a word.
func units() verify.Units {
	return verify.Units{
		"system": {"ssh.service"}, "network": {"systemd-networkd.service"}, "firewall": {"nftables.service"},
		"time": {"chrony.service"}, "dns": {"nsd.service"}, "bgp": {"bird.service"}, "guard": {"raiz-guard.service"},
	}
}

// handedOver is what verify says of a copy of a site on the day on which it is
// handed over: every check there is, with what is seen where all is right.
// Nobody looks at the router, and nobody asks from outside.
func handedOver(t *testing.T, name string) report.Report {
	t.Helper()
	s := example(t, name)
	results := verify.Judge(s, verify.Evidence{Units: units()})
	for i := range results {
		results[i] = seen(s, results[i])
	}
	return report.Report{
		Site: s, Verify: results,
		Looked: &report.Looked{At: time.Date(2026, 11, 23, 17, 42, 10, 0, time.UTC), By: "ana@laptop", Raiz: "1.2.3 go1.26.8", Wants: strings.Repeat("3785b1282c31989d", 4)},
	}
}

// seen is a check that has passed.
func seen(s *site.Site, r verify.Result) verify.Result {
	r.Status, r.Because, r.Evidence, r.Advice = verify.Pass, "", nil, nil
	r.Got = []verdict.Message{r.Want}
	say := func(m verdict.Message) { r.Got = []verdict.Message{m} }
	family := strings.HasPrefix
	switch id := r.ID; {
	case r.Vantage == verify.FromRouter || r.Vantage == verify.FromOutside:
		r.Status = verify.Skipped
		say(verdict.New("verify.not-looked-at"))
		r.Evidence = []verdict.Message{verdict.New("router.nobody")}
		if r.Vantage == verify.FromOutside {
			r.Evidence = []verdict.Message{verdict.New("outside.nobody")}
		}
	case id == "bmc.login":
		say(verdict.New("bmc.login.in", verdict.Seen("vendor", "Dell Inc."), verdict.Seen("model", "PowerEdge R650"), verdict.Seen("firmware", "7.10.50.00"), verdict.Seen("serial", "CN1234567")))
	case id == "ssh.login":
		say(verdict.New("ssh.login.in", verdict.Word("where", s.Server.Management.Addresses[0].Addr().String()+":22")))
	case id == "os.look":
		r.Evidence = []verdict.Message{verdict.New("os.look.system", verdict.Seen("os", "debian 12"), verdict.Seen("arch", "amd64")), verdict.New("os.look.generation", verdict.Count("generation", 3))}
		for _, p := range [][2]string{{"bird2", "2.0.12-7"}, {"nsd", "4.6.1-1+deb12u1"}, {"chrony", "4.3-2+deb12u1"}, {"nftables", "1.0.6-2+deb12u2"}} {
			r.Evidence = append(r.Evidence, verdict.New("os.look.package", verdict.Word("package", p[0]), verdict.Seen("version", p[1])))
		}
	case id == "os.clock":
		say(verdict.New("os.clock.good", verdict.Count("stratum", 2), verdict.Duration("offset", 1200*time.Microsecond)))
	case family(id, "dns.zone."):
		say(verdict.New("dns.zone.good", verdict.Seen("serial", "2026112300")))
	case family(id, "dns."):
		say(verdict.New("dns.good", verdict.Word("identity", s.DNS.Identity), verdict.Count("zones", len(s.DNS.Zones))))
	case id == "bgp.neighbors":
		say(verdict.New("bgp.neighbors.good", verdict.Count("sessions", 4)))
	case family(id, "bgp.session."):
		say(verdict.New("bgp.session.up", verdict.ASN("asn", s.Host.ASN)))
	case family(id, "bgp.silent."):
		say(verdict.New("bgp.silent.good"))
	case family(id, "bgp.announced."):
		say(verdict.New("bgp.announced.good", verdict.Count("sessions", 2)))
	case family(id, "os.only."):
		say(verdict.New("os.only.good", verdict.Count("count", 2)))
	}
	return r
}

// turnedRed is the same copy on a bad day: a session and the power supplies are
// down, a zone is stale, and the time daemon is silent.
func turnedRed(t *testing.T, name string) report.Report {
	t.Helper()
	r := handedOver(t, name)
	past := &report.Past{At: r.Looked.At, Checks: slices.Clone(r.Verify)}
	past.Checks = append(past.Checks[1:], verify.Result{ID: "os.old", Status: verify.Pass, Title: verdict.New("os.disks.title")})
	r.Looked.At = r.Looked.At.Add(40 * 24 * time.Hour)
	r.Past = past
	r.Notices = []verdict.Message{verdict.New("notice.drained", verdict.Seen("by", "leo@noc"), verdict.Word("at", "2027-01-02T16:58:00Z"))}
	down := "bgp.session.2001:db8:0:3::3"
	for i := range r.Verify {
		x := &r.Verify[i]
		switch {
		case x.ID == down:
			*x = verify.Result{ID: x.ID, Title: x.Title, Vantage: x.Vantage, Want: x.Want, Status: verify.Fail, Got: []verdict.Message{verdict.New("bgp.session.down", verdict.Seen("state", "Connect"))},
				Evidence: []verdict.Message{verdict.New("bgp.session.error", verdict.Seen("error", "Hold timer expired"))}, Advice: []verdict.Message{verdict.New("bgp.session.down.advice")}}
		case strings.HasSuffix(x.ID, "2001:db8:0:3::3"), x.ID == "bgp.announced.ipv6", strings.HasPrefix(x.ID, "outside.2001"), x.ID == "router.routes":
			x.Status, x.Because, x.Got, x.Evidence = verify.Skipped, down, nil, nil
		case x.ID == "bmc.health":
			x.Status, x.Got, x.Advice = verify.Warn, []verdict.Message{verdict.New("bmc.health", verdict.Seen("health", "Warning"))}, []verdict.Message{verdict.New("bmc.health.advice")}
		case x.ID == "os.clock":
			x.Status, x.Got = verify.Unknown, []verdict.Message{verdict.New("verify.could-not-look")}
			x.Evidence = []verdict.Message{verdict.New("verify.nobody-looked")}
		case strings.HasPrefix(x.ID, "dns.2001") && strings.HasSuffix(x.ID, ".tcp"):
			x.Status, x.Got, x.Advice = verify.Fail, []verdict.Message{verdict.New("dns.zone.expired", verdict.Zone("zone", "."), verdict.Time("until", r.Looked.At.Add(-time.Hour)), verdict.Time("at", r.Looked.At))},
				[]verdict.Message{verdict.New("dns.zone.expired.advice")}
		}
	}
	past.Checks[3].Status = verify.Fail
	return r
}

// crowded is a site as large as one can be, with names as long as they may be.
func crowded(t *testing.T) report.Report {
	t.Helper()
	r := handedOver(t, "root-example")
	s := *r.Site
	s.Host.Name, s.Server.Hostname = strings.Repeat("Ein sehr langer Name ", 12), strings.Repeat("x", 253)
	s.BGP.Neighbors = nil
	for i := range 6 {
		n := site.Neighbor{Name: strings.Repeat("edge", 15), ASN: 4294967295}
		for j := range 2 {
			n.Addresses = append(n.Addresses, netip.MustParseAddr("2001:db8:ffff:ffff:ffff:ffff:ffff:fff0").Next(), netip.AddrFrom4([4]byte{198, 51, byte(100 + i), byte(200 + j)}))
		}
		s.BGP.Neighbors = append(s.BGP.Neighbors, n)
	}
	a := s.Anycast[0]
	for i := range 30 {
		a.Addresses = append(a.Addresses, netip.AddrFrom4([4]byte{193, 0, 14, byte(i)}))
		a.Prefixes = append(a.Prefixes, netip.PrefixFrom(netip.AddrFrom4([4]byte{193, 0, byte(i), 0}), 24))
	}
	s.Anycast = []site.Anycast{a}
	r.Site = &s
	return r
}

// documents are those of a copy of a root server on a good day and on a bad
// one, in each form and language.
func documents(t *testing.T, put func(name string, write func(io.Writer) error)) {
	t.Helper()
	for _, language := range messages.Languages() {
		words, err := messages.In(language)
		if err != nil {
			t.Fatal(err)
		}
		for name, r := range map[string]report.Report{"root": handedOver(t, "root-example"), "red": turnedRed(t, "root-example")} {
			put(name+"."+language+".html", func(w io.Writer) error { return report.HTML(w, r, words) })
			put(name+"."+language+".md", func(w io.Writer) error { return report.Markdown(w, r, words) })
			put(name+"."+language+".xml", func(w io.Writer) error { return report.JUnit(w, r, words) })
		}
	}
	put("root.json", func(w io.Writer) error {
		return report.JSON(w, report.Envelope{Verb: "verify", Result: report.Document(handedOver(t, "root-example"))})
	})
}

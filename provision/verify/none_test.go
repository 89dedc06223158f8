package verify_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verify"
)

// A check that has nothing to be about may find a fault, and is never green.
func TestAboutNothing(t *testing.T) {
	for found, want := range map[verify.Status]verify.Status{
		verify.Pass: verify.Unknown, verify.Warn: verify.Unknown, verify.Fail: verify.Fail, verify.Unknown: verify.Unknown, verify.Skipped: verify.Skipped,
	} {
		if have := verify.AboutNothing(found); have != want {
			t.Errorf("%s: %s, want %s", found, have, want)
		}
	}
}

// none is a site, and what is seen of it, that has none of something. What
// else there is, is healthy.
type none struct {
	name    string
	strip   func(*site.Site, *verify.Evidence)
	about   string // the checks that are about it
	allowed bool   // a site may be without, and be green
}

func nones() []none {
	six := func(s *site.Site, e *verify.Evidence) {
		e.Router.Routes, e.Server.Sessions[1].Exports = e.Router.Routes[:1], nil
		s.Anycast[0].Prefixes, s.Anycast[0].Addresses = s.Anycast[0].Prefixes[:1], s.Anycast[0].Addresses[:3]
		e.Server.Around.Routes = e.Server.Around.Routes[:7] // without the last, which is of IPv6
		e.Server.Around.Rules = slices.DeleteFunc(e.Server.Around.Rules, func(r server.Rule) bool { return strings.HasPrefix(r.From, "2620:") })
	}
	all := []none{
		{"zones", func(s *site.Site, _ *verify.Evidence) { s.DNS.Zones = nil }, `^(dns|outside|bgp\.silent)\.`, false},
		{"service addresses", func(s *site.Site, _ *verify.Evidence) { s.Anycast[0].Addresses = nil }, `^(dns|outside\..*|bgp\.silent\..*|os\.reply\..*|os\.address\.lo\..*)$`, false},
		{"blocks", func(s *site.Site, e *verify.Evidence) {
			s.Anycast, e.Router.Routes = nil, nil
			e.Server.Sessions[0].Exports, e.Server.Sessions[1].Exports = nil, nil
		}, `^(router|bgp\.announced|bgp\.silent|dns|outside)`, false},
		{"blocks and addresses of IPv6", six, `^(bgp\.announced\.ipv6|bgp\.silent\.2001:.*|(dns|outside|os\.reply)\.2620:.*)$`, true},
		{"neighbors", func(s *site.Site, e *verify.Evidence) { s.BGP.Neighbors, e.Server.Sessions = nil, nil }, `^bgp\.`, false},
		{"neighbors that are announced anything", func(s *site.Site, e *verify.Evidence) {
			s.BGP.Neighbors[0].Announce = site.AnnounceNothing
			for i := range e.Server.Sessions {
				e.Server.Sessions[i].Exports = nil
			}
		}, `^bgp\.announced`, false},
		{"sessions on the server", func(_ *site.Site, e *verify.Evidence) { e.Server.Sessions = nil }, `^bgp\.`, false},
		{"addresses of an interface", func(s *site.Site, e *verify.Evidence) {
			s.Server.Management.Addresses, e.Server.Links[1].Addresses = nil, nil
		}, `^os\.(only\.management|address\.eno1)`, false},
		{"addresses on an interface", func(_ *site.Site, e *verify.Evidence) { e.Server.Links[1].Addresses = nil }, `^os\.(only\.management|address\.eno1)`, false},
		{"account of the BMC", func(s *site.Site, e *verify.Evidence) {
			s.BMC.Username = ""
			e.BMC.Facts["account"] = state.Fact{Key: state.Key{Kind: state.Setting, Name: "account"}, Value: state.Attr{}}
		}, `^bmc\.account$`, false},
		{"BMC", func(s *site.Site, _ *verify.Evidence) { s.BMC = nil }, `^bmc\.`, true},
	}
	for _, kind := range []string{"bgp", "dns", "firewall", "guard", "time"} {
		all = append(all, none{"units of " + kind, func(_ *site.Site, e *verify.Evidence) {
			delete(e.Units, kind)
		}, `^unit\.` + kind + `$`, false})
	}
	return all
}

// TestNoneOfAKind goes over all checks, each without those it rests on, of a
// site that has none of something: no check about it is green, and where a
// copy cannot be without it, that is said.
func TestNoneOfAKind(t *testing.T) {
	for _, n := range nones() {
		t.Run(n.name, func(t *testing.T) {
			about := regexp.MustCompile(n.about)
			s, e := copied(example(t)), healthy()
			had := 0
			for _, r := range verify.Hollow(s, e) {
				if about.MatchString(r.ID) {
					had++
				}
			}
			if had == 0 && !regexp.MustCompile(`^\^unit`).MatchString(n.about) {
				t.Fatal("no check is about it even where it is there")
			}
			n.strip(s, &e)
			said := false
			for _, r := range verify.Hollow(s, e) {
				green := r.Status == verify.Pass || r.Status == verify.Warn
				said = said || r.Status == verify.Fail || r.Status == verify.Unknown
				if green && about.MatchString(r.ID) {
					t.Errorf("%s is %s: %s", r.ID, r.Status, inWords(r))
				}
			}
			if said == n.allowed {
				t.Errorf("something is said to be wrong: %t", said)
			}
			if problems, _ := verify.Gate(s, nil, e.TCP); len(problems) == 0 && regexp.MustCompile(`zones|service addresses|^blocks$`).MatchString(n.name) {
				t.Error("a change of it is confirmed")
			}
			verify.Judge(s, e) // whose needs have to be there
		})
	}
}

// copied is a site that may be changed.
func copied(s *site.Site) *site.Site {
	out, b := *s, *s.BMC
	out.BMC = &b
	out.Anycast, out.BGP.Neighbors = slices.Clone(s.Anycast), slices.Clone(s.BGP.Neighbors)
	return &out
}

// What is wanted of a BMC is looked at, whatever its name.
func TestEverySettingIsLookedAt(t *testing.T) {
	s := copied(example(t))
	s.BMC.Protocols = map[string]string{"something-new": "off"}
	for _, r := range verify.Judge(s, healthy()) {
		if r.ID == "bmc.protocol.something-new" {
			return
		}
	}
	t.Error("nobody looks at bmc.protocol.something-new")
}

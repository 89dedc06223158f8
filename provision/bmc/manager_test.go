package bmc_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/simbmc"
)

// others are further managers, each with an interface of its own.
func others(n int, kind string) []simbmc.Manager {
	var out []simbmc.Manager
	for i := range n {
		out = append(out, simbmc.Manager{ID: fmt.Sprintf("other%d", i), Type: kind, Addresses: []netip.Prefix{
			netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(200 + i)}), 24),
		}})
	}
	return out
}

// TestManagers: of several managers the one that has the address which answers us is
// ours, whatever they call themselves. It is found in a bounded number of looks, and
// remembered.
func TestManagers(t *testing.T) {
	blind := simbmc.Manager{ID: "blind", Type: "BMC"}
	for name, tc := range map[string]struct {
		kind   string // of ours
		others []simbmc.Manager
		budget int
	}{
		"all BMC":              {"BMC", others(1, "BMC"), 12},
		"the type says others": {"ManagementController", others(1, "BMC"), 12},
		"one without a port":   {"ManagementController", []simbmc.Manager{blind}, 12},
		"cards":                {"BMC", append(others(3, "Service"), blind), 16},
		"as many as may be":    {"BMC", others(7, "BMC"), 34},
	} {
		for _, personality := range simbmc.Personalities() {
			t.Run(name+"/"+personality, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, simbmc.Config{Personality: personality, ManagerType: tc.kind, Others: tc.others})
				target := l.target(factory())
				target.Links = &cache{}
				for _, budget := range []int{tc.budget, 5} {
					c := l.open(target)
					equal(t, map[string][]string{bmc.Hostname: hostnameOf(personality), bmc.IPv4Address: {oldV4.String()}}, read(t, c, bmc.Hostname, bmc.IPv4Address))
					if got := c.Stats().Gets; got > budget {
						t.Errorf("a look costs %d, more than %d", got, budget)
					}
					l.close(c)
				}
				c := l.open(target)
				defer l.close(c)
				if got, err := set(t, l, c, map[string][]string{bmc.Hostname: {"gru1-bmc"}}); err != nil {
					t.Error(got, err)
				}
			})
		}
	}
}

// hostnameOf is what a controller of the lab is called at first.
func hostnameOf(personality string) []string {
	if personality == "supermicro" {
		return []string{"(absent)"}
	}
	return []string{"sim-bmc"}
}

// TestManagersThroughTunnel: where none of them has the address that was dialled, the
// likeliest is taken; and what was remembered so does not hold for who comes in by
// another one.
func TestManagersThroughTunnel(t *testing.T) {
	l := newLab(t, simbmc.Config{Others: others(1, "BMC")})
	l.keep = true
	l.route([]netip.Prefix{newV4})
	links := &cache{}
	ours, theirs := []string{}, []string{"(unsupported)"} // the other has no NTP
	for _, tc := range []struct {
		at        netip.Addr
		host, ntp []string
	}{{newV4.Addr(), []string{"other0"}, theirs}, {oldV4.Addr(), []string{"sim-bmc"}, ours}, {newV4.Addr(), []string{"other0"}, theirs}} {
		way := factory()
		way.Address = netip.AddrPortFrom(tc.at, 443)
		target := l.target(way)
		target.Links = links
		for _, want := range []map[string][]string{{bmc.NTP: tc.ntp}, {bmc.Hostname: tc.host}} {
			c := l.open(target)
			for name := range want {
				equal(t, want, read(t, c, name))
			}
			l.close(c)
		}
	}
}

package sim_test

import (
	"testing"

	"github.com/raiz-dns/raiz/provision/helper/sim"
)

// What once broke a promise on a real server, each by the case of the
// exploration that holds it. testdata/flaws puts each back.
func oldFaults() map[string][]string {
	return map[string][]string{
		"the link is given back":             {"wrong-gateway/ifupdown", "wrong-gateway/networkmanager"},
		"a stale plan changes nothing":       {"stale-plan/networkd"},
		"what came into being goes":          {"wrong-gateway/networkd", "second-wrong-gateway/networkd"},
		"no unit without its files":          {"start-fails+/etc is read-only/networkd"},
		"an isolated target reverts nothing": {"first+a target is isolated/networkd"},
		"a lost run does not begin":          {"two-slow/networkd"},
		"a check that hangs ends":            {"check-hangs/networkd"},
		"the owner's deadline":               {"shorter/networkd"},
		"an activation that is killed":       {"first+the activation is killed/networkd"},
		"one failure of systemd":             {"start-fails+a call fails/netplan-lease", "start-fails+a call fails/networkd-lease", "start-fails+a call fails/networkd"},
		"a revert that cannot begin":         {"wrong-gateway+a call fails/networkd"},
		"what is not back is not started":    {"dies+a call fails/networkd"},
		"the second waits for the first":     {"two/networkd"},
		"no copy of a secret stays":          {"first+the login is killed/networkd"},
		"what is there without a cable":      {"wrong-gateway+a cable is pulled for 10 s/networkd"},
		"a planted link":                     {"first+a daemon's user plants a link/networkd"},
		"a record that cannot be read":       {"stale-plan+a look fails/networkd"},
		"a run that cannot be read":          {"gate-says-no+a look fails/networkd"},
		"a snapshot that cannot be read":     {"second+a look fails/networkd"},
		"units that cannot be seen":          {"wrong-gateway+a look fails/networkd"},
		"a DHCP client that cannot be seen":  {"first+a look fails/ifupdown-lease"},
		"a boot that could not put back":     {"first+/etc is read-only/ifupdown"},
	}
}

// TestOldFaults runs those cases alone, quickly: TestExplore has them too.
func TestOldFaults(t *testing.T) {
	all := map[string]*sim.Case{}
	for _, x := range sim.Cases(code(nil)) {
		all[x.Name] = x
	}
	for name, cases := range oldFaults() {
		t.Run(name, func(t *testing.T) {
			for _, c := range cases {
				x := all[c]
				if x == nil {
					t.Fatalf("there is no case %q", c)
				}
				worlds := 400
				if x.Event == sim.Blind {
					worlds = 2000 // there are more looks than changes
				}
				n, err := sim.Explore(x, sim.Bounds{Keeps: three(), Worlds: worlds}, func(b sim.Broken) { t.Error(b) })
				if err != nil || n.Worlds == 0 {
					t.Errorf("%s: %d worlds, %v", c, n.Worlds, err)
				}
			}
		})
	}
}

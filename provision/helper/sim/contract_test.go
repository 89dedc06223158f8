package sim_test

import (
	"testing"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/helper/contract"
	"github.com/raiz-dns/raiz/provision/helper/sim"
)

// TestContract: the simulated server keeps what the real one keeps.
func TestContract(t *testing.T) {
	fired := 0
	m := sim.Bench(sim.Programs{Revert: func(helper.OS) error { fired++; return nil }})
	contract.Run(t, contract.Fixture{
		OS:    m.Console(),
		Files: &contract.Files{Dir: "/bench/files", Exposed: "/bench/files/theirs", Shared: "/bench/files/everybodys", Elsewhere: "/run", Owner: "bird", Group: "bird"},
		Units: &contract.Units{
			Idle: "idle.service", Broken: "broken.service", Words: "syntax error", Slow: "slow.service", Absent: "absent.service",
			Fired: func(*testing.T) int { return fired }, Isolate: func(*testing.T) { m.Isolate() },
		},
		Network: &contract.Network{Link: "eno2", Absent: "eno9", IPv4: "198.51.100.1/24", Gateway4: "198.51.100.2", IPv6: "2001:db8:7::1/64", Gateway6: "2001:db8:7::2"},
		Around:  &contract.Around{Broken: "broken.service"},
		Running: &contract.Running{
			Link: "eno1", Loads: []string{"nft", "--file", "/bench/rules"}, Shows: []string{"nft", "list", "ruleset"}, Rule: "let it through",
		},
		Machine: &contract.Machine{
			Says: []string{"echo", "no error"}, Words: "error", Fails: []string{"nsd-checkconf", "/bench/bad"}, Hangs: []string{"nsd-checkconf", "/bench/hangs"},
			Missing: []string{"no-such-program"}, Lock: "/bench/lock", Package: "nsd", Absent: "no-such-package",
			Other: func(t *testing.T, path, who string) func() {
				end, err := m.Other(path, who)
				if err != nil {
					t.Fatal(err)
				}
				return end
			},
		},
	})
}

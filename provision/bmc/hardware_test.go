package bmc_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/simbmc"
)

// counts are the numbers of a Hardware; -1 is unknown.
func counts(h bmc.Hardware) map[string]int {
	out := map[string]int{}
	for name, q := range map[string]bmc.Quantity{
		"cpus": h.CPUs, "cores": h.Cores, "memory": h.MemoryGiB, "disks": h.Disks, "supplies": h.Supplies, "nics": h.NICs,
	} {
		if out[name] = q.N; q.Err != nil {
			out[name] = -1
		}
	}
	return out
}

// TestHardware counts a server of every personality.
func TestHardware(t *testing.T) {
	for _, personality := range simbmc.Personalities() {
		t.Run(personality, func(t *testing.T) {
			l := newLab(t, simbmc.Config{Personality: personality})
			c := l.open(l.target(factory()))
			h, err := c.Hardware(t.Context())
			if err != nil || h.VolumesErr != nil {
				t.Fatal(err, h.VolumesErr)
			}
			equal(t, map[string]int{"cpus": 1, "cores": 8, "memory": 32, "disks": 2, "supplies": 2, "nics": 2}, counts(h))
			equal(t, []string{"raid1"}, h.Volumes)
			l.close(c)
		})
	}
}

// TestHardwareUnknown makes sure that what cannot be seen is unknown, never
// none and never enough.
func TestHardwareUnknown(t *testing.T) {
	l := newLab(t, simbmc.Config{})
	c := l.open(l.target(factory()))
	const sys = "/redfish/v1/Systems/system"
	l.bmc.SetFaults(simbmc.Faults{Missing: []string{sys + "/Storage", sys + "/EthernetInterfaces", "/redfish/v1/Chassis/system"}})
	h, err := c.Hardware(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, map[string]int{"cpus": 1, "cores": 8, "memory": 32, "disks": -1, "supplies": -1, "nics": -1}, counts(h))
	if h.VolumesErr == nil {
		t.Error("volumes that cannot be read are known")
	}
	l.bmc.SetFaults(simbmc.Faults{Missing: []string{sys}})
	if _, err := c.Hardware(t.Context()); err == nil {
		t.Error("a system that is not there has hardware")
	}
	l.bmc.SetFaults(simbmc.Faults{})
	l.close(c)
}

// TestHardwareOfTrees counts the servers of saved trees, as far as these go.
func TestHardwareOfTrees(t *testing.T) {
	dir := treesDir(t)
	for tree, want := range map[string]map[string]int{
		"dell-idrac9-710-r750": {"cpus": 2, "cores": 36, "memory": 128, "disks": 2, "supplies": 2, "nics": 4},
		"hpe-ilo6-dl380a-g11":  {"cpus": 2, "cores": 64, "memory": 512, "disks": 8, "supplies": 4, "nics": 2},
		"lenovo-xcc-sr670":     {"cpus": 2, "cores": 36, "memory": 512, "disks": 2, "supplies": 4, "nics": 1},
		"openbmc-stock-2.15":   {"cpus": -1, "cores": -1, "memory": -1, "disks": -1, "supplies": -1, "nics": -1},
	} {
		t.Run(tree, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(dir, tree)); err != nil {
				t.Skip(err)
			}
			l := treeLab(t, filepath.Join(dir, tree), nil, oldV4.Addr())
			c := l.open(l.target(factory()))
			h, err := c.Hardware(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			equal(t, want, counts(h))
			t.Logf("%+v", h)
			l.close(c)
		})
	}
}

package verify_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verify"
)

// TestHardware compares what the BMC counts with what there has to be: enough
// passes, less fails, what is not told is unknown, what nobody asked for is
// no check.
func TestHardware(t *testing.T) {
	n := func(i int) bmc.Quantity { return bmc.Quantity{N: i} }
	untold := bmc.Quantity{Err: errors.New("not told")}
	all := site.Hardware{CPUs: 1, Cores: 4, MemoryGiB: 8, Disks: 2, RAID: "raid1", PowerSupplies: 2, NICs: 2}
	for name, c := range map[string]struct {
		least site.Hardware
		have  bmc.Hardware
		err   error
		want  string
	}{
		"enough": {all, bmc.Hardware{CPUs: n(1), Cores: n(4), MemoryGiB: n(8), Disks: n(2), Volumes: []string{"raid1"}, Supplies: n(2), NICs: n(2)}, nil,
			"cpus=pass cores=pass memory=pass disks=pass power-supplies=pass nics=pass raid=pass"},
		"less": {all, bmc.Hardware{CPUs: n(0), Cores: n(3), MemoryGiB: n(7), Disks: n(1), Volumes: []string{"raid0"}, Supplies: n(1), NICs: n(1)}, nil,
			"cpus=fail cores=fail memory=fail disks=fail power-supplies=fail nics=fail raid=fail"},
		"untold": {all, bmc.Hardware{CPUs: untold, Cores: untold, MemoryGiB: untold, Disks: untold, VolumesErr: errors.New("not told"), Supplies: untold, NICs: untold}, nil,
			"cpus=unknown cores=unknown memory=unknown disks=unknown power-supplies=unknown nics=unknown raid=unknown"},
		"degraded":   {site.Hardware{RAID: "raid1"}, bmc.Hardware{Volumes: []string{"raid1"}, Degraded: []string{"raid1"}}, nil, "raid=fail"},
		"not looked": {site.Hardware{Cores: 1}, bmc.Hardware{Cores: n(8)}, errors.New("cut off"), "cores=unknown"},
		"not asked":  {site.Hardware{}, bmc.Hardware{}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := &site.Site{BMC: &site.BMC{Username: "raiz", Hardware: c.least}}
			var got []string
			for _, r := range verify.Judge(s, verify.Evidence{BMC: verify.BMCEvidence{Facts: map[string]state.Fact{}, Hardware: c.have, HardwareErr: c.err}}) {
				if id, ok := strings.CutPrefix(r.ID, "bmc.hardware."); ok {
					got = append(got, id+"="+string(r.Status))
				}
			}
			if d := cmp.Diff(c.want, strings.Join(got, " ")); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

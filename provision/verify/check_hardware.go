package verify

import (
	"slices"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// hardwareChecks compare the server with the least it has to have. What a
// controller does not tell is unknown: it is never enough.
func hardwareChecks(s *site.Site, e Evidence) []check {
	if s.BMC == nil {
		return nil
	}
	least, have := s.BMC.Hardware, e.BMC.Hardware
	var checks []check
	add := func(name string, title, want verdict.Message, find func() finding) {
		checks = append(checks, check{
			id: "bmc.hardware." + name, vantage: FromBMC, title: title, want: want, about: []string{name}, needs: []string{"bmc.login"},
			find: func() finding {
				if e.BMC.HardwareErr != nil {
					return unknown(why(e.BMC.HardwareErr))
				}
				return find()
			},
		})
	}
	for _, c := range []struct {
		name  string
		title verdict.Message
		least int
		have  bmc.Quantity
	}{
		{"cpus", verdict.New("bmc.hardware.cpus"), least.CPUs, have.CPUs},
		{"cores", verdict.New("bmc.hardware.cores"), least.Cores, have.Cores},
		{"memory", verdict.New("bmc.hardware.memory"), least.MemoryGiB, have.MemoryGiB},
		{"disks", verdict.New("bmc.hardware.disks"), least.Disks, have.Disks},
		{"power-supplies", verdict.New("bmc.hardware.power-supplies"), least.PowerSupplies, have.Supplies},
		{"nics", verdict.New("bmc.hardware.nics"), least.NICs, have.NICs},
	} {
		if c.least > 0 {
			add(c.name, c.title, verdict.New("bmc.hardware.want", verdict.Count("least", c.least)), func() finding { return enough(c.least, c.have) })
		}
	}
	if least.RAID != "" {
		add("raid", verdict.New("bmc.hardware.raid"), verdict.New("bmc.hardware.raid.want", verdict.Word("raid", least.RAID)),
			func() finding { return redundant(least.RAID, have) })
	}
	return checks
}

func enough(least int, have bmc.Quantity) finding {
	count := verdict.New("bmc.hardware.count", verdict.Count("count", have.N))
	switch {
	case have.Err != nil:
		return unknown(why(have.Err))
	case have.N < least:
		return fail(count, verdict.New("bmc.hardware.count.advice"))
	}
	return pass(count)
}

func redundant(want string, h bmc.Hardware) finding {
	volumes := verdict.New("bmc.hardware.volumes", verdict.AllSeen("volumes", h.Volumes))
	switch {
	case slices.Contains(h.Degraded, want):
		return fail(verdict.New("bmc.hardware.degraded", verdict.Word("raid", want)), verdict.New("bmc.hardware.degraded.advice"))
	case slices.Contains(h.Volumes, want):
		return pass(volumes)
	case h.VolumesErr != nil:
		return unknown(why(h.VolumesErr))
	}
	return fail(volumes, verdict.New("bmc.hardware.volumes.advice"))
}

func hardwareCodes() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("bmc.hardware.cpus", "the number of CPUs"),
		verdict.Define("bmc.hardware.cores", "the number of cores"),
		verdict.Define("bmc.hardware.memory", "the memory, in GiB"),
		verdict.Define("bmc.hardware.disks", "the number of disks"),
		verdict.Define("bmc.hardware.power-supplies", "the number of healthy power supplies"),
		verdict.Define("bmc.hardware.nics", "the number of Ethernet ports"),
		verdict.Define("bmc.hardware.want", "the least that the site wants", verdict.TypeCount.Named("least")),
		verdict.Define("bmc.hardware.count", "how many there are", verdict.TypeCount.Named("count")),
		verdict.Define("bmc.hardware.count.advice", "what to do about a server that is too small"),
		verdict.Define("bmc.hardware.raid", "a volume that outlives a disk"),
		verdict.Define("bmc.hardware.raid.want", "the kind of volume that the site wants", verdict.TypeWord.Named("raid")),
		verdict.Define("bmc.hardware.volumes", "the volumes that the BMC knows", verdict.TypeAllSeen.Named("volumes")),
		verdict.Define("bmc.hardware.volumes.advice", "what the BMC may not see"),
		verdict.Define("bmc.hardware.degraded", "the volume has lost a disk", verdict.TypeWord.Named("raid")),
		verdict.Define("bmc.hardware.degraded.advice", "what to do about a lost disk"),
	}
}

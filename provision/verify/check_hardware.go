package verify

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/site"
)

// hardwareCounter is a Controller that counts hardware; *bmc.Controller does.
type hardwareCounter interface {
	Hardware(context.Context) (bmc.Hardware, error)
}

func countHardware(ctx context.Context, c Controller) (bmc.Hardware, error) {
	counter, ok := c.(hardwareCounter)
	if !ok {
		return bmc.Hardware{}, errors.New("this session cannot count hardware")
	}
	return counter.Hardware(ctx)
}

// hardwareChecks compare the server with the least it has to have. What a
// controller does not tell is unknown: it is never enough.
func hardwareChecks(least site.Hardware, e BMCEvidence) []check {
	var checks []check
	add := func(name, title, want string, find func() finding) {
		checks = append(checks, check{
			id: "bmc.hardware." + name, title: title, vantage: FromBMC, want: want, needs: []string{"bmc.login"},
			find: func() finding {
				if e.HardwareErr != nil {
					return unknown(e.HardwareErr)
				}
				return find()
			},
		})
	}
	for _, c := range []struct {
		name, title string
		least       int
		have        bmc.Quantity
	}{
		{"cpus", "enough CPUs", least.CPUs, e.Hardware.CPUs},
		{"cores", "enough cores", least.Cores, e.Hardware.Cores},
		{"memory", "enough memory, in GiB", least.MemoryGiB, e.Hardware.MemoryGiB},
		{"disks", "enough disks", least.Disks, e.Hardware.Disks},
		{"power-supplies", "enough healthy power supplies", least.PowerSupplies, e.Hardware.Supplies},
		{"nics", "enough Ethernet ports", least.NICs, e.Hardware.NICs},
	} {
		if c.least > 0 {
			add(c.name, c.title, "at least "+strconv.Itoa(c.least), func() finding { return enough(c.least, c.have) })
		}
	}
	if least.RAID != "" {
		add("raid", "disks are redundant", "a healthy "+least.RAID, func() finding { return redundant(least.RAID, e.Hardware) })
	}
	return checks
}

func enough(least int, have bmc.Quantity) finding {
	switch {
	case have.Err != nil:
		return unknown(have.Err)
	case have.N < least:
		return fail(strconv.Itoa(have.N), "the server is smaller than declared; have it extended, or declare what is agreed")
	}
	return pass(strconv.Itoa(have.N))
}

func redundant(want string, h bmc.Hardware) finding {
	switch {
	case slices.Contains(h.Degraded, want):
		return fail("degraded "+want, "replace the disk before it is needed")
	case slices.Contains(h.Volumes, want):
		return pass(joined(h.Volumes))
	case h.VolumesErr != nil:
		return unknown(h.VolumesErr)
	}
	return fail(strings.TrimSpace(joined(h.Volumes)), "no such volume is known to the BMC; a software RAID does not show there")
}

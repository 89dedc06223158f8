package sim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/helper/sim"
)

// spoilt are operating systems that do not do what they are asked: what the
// transaction needs of each has to be missed.
type (
	flushless struct{ helper.OS } // flushes nothing
	linkless  struct{ helper.OS } // does not flush the links of units
	unitless  struct{ helper.OS } // does not flush the files of its own units
	armless   struct{ helper.OS } // sets no timer
	blind     struct{ helper.OS } // does not see what was edited by hand
)

func (flushless) Flush(string) error { return nil }

func (o linkless) Flush(file string) error {
	if strings.HasSuffix(file, ".wants") {
		return nil
	}
	return o.OS.Flush(file)
}

func (o unitless) Flush(file string) error {
	if strings.HasSuffix(file, ".service.raiz") {
		return nil
	}
	return o.OS.Flush(file)
}

func (armless) Arm(time.Duration) error { return nil }

func (o blind) Read(file string) ([]byte, error) {
	data, err := o.OS.Read(file)
	if strings.Contains(string(data), "by hand") {
		data = []byte("server:\n\t# Debian's\n")
	}
	return data, err
}

// TestExplorerSees: an exploration of what is broken is red.
func TestExplorerSees(t *testing.T) {
	for _, tt := range []struct {
		name, of, promise string
		spoil             func(helper.OS) helper.OS
	}{
		{"nothing is spoilt", "first/ifupdown", "", nil},
		{"nothing is flushed", "first/networkd", "all or nothing", func(os helper.OS) helper.OS { return flushless{os} }},
		{"links are not flushed", "first/ifupdown", "never locked out", func(os helper.OS) helper.OS { return linkless{os} }},
		{"units of its own are not flushed", "first/networkd", "it comes to rest", func(os helper.OS) helper.OS { return unitless{os} }},
		{"no timer is set", "dies/ifupdown", "it comes to rest", func(os helper.OS) helper.OS { return armless{os} }},
		{"edits are not seen", "first+a file is edited by hand/networkd", "no lost update", func(os helper.OS) helper.OS { return blind{os} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			broken := map[string]int{}
			for _, x := range sim.Cases(code(tt.spoil)) {
				if x.Name != tt.of {
					continue
				}
				if _, err := sim.Explore(x, sim.Bounds{Keeps: three(), Worlds: 300}, func(b sim.Broken) { broken[b.Promise]++ }); err != nil {
					broken["history"]++
				}
			}
			if tt.promise == "" && len(broken) > 0 || tt.promise != "" && broken[tt.promise] == 0 {
				t.Errorf("broken are %v, want %q", broken, tt.promise)
			}
			t.Log(broken)
		})
	}
}

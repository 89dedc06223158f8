package bmc_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/simbmc"
)

// TestMovesToSomebody leaves the address where the account that is known at the
// new one was refused.
func TestMovesToSomebody(t *testing.T) {
	l := newLab(t, simbmc.Config{Personality: "supermicro"})
	c := l.open(l.target(declared(), factory()))
	list := changes(wanted())
	for i := range list {
		if list[i].Key.Name == bmc.Account {
			list[i].Secret = factory().Password
			list[i].Value = nil // of no user at all
		}
	}
	out, err := c.Set(t.Context(), list)
	if err == nil {
		t.Fatal("all is well")
	}
	for _, o := range out {
		moves := slices.Contains([]string{bmc.IPv4Address, bmc.IPv6Address, bmc.IPv4Gateway}, o.Key.Name)
		if (o.Key.Name == bmc.Account || moves) != (o.Status == bmc.Failed) && o.Status != bmc.Unsupported && moves {
			t.Errorf("%s: %s %v", o.Key.Name, o.Status, o.Err)
		}
	}
	if now := l.bmc.Addresses(); !slices.Equal(now, []netip.Prefix{oldV4}) {
		t.Errorf("it is at %v", now)
	}
	l.close(c)
}

// TestLogsOut ends the session of a controller that is busy, or loses the
// connection, just then.
func TestLogsOut(t *testing.T) {
	for name, f := range map[string]simbmc.Faults{"busy": {Busy: 1}, "reset": {Reset: 1}} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, simbmc.Config{})
			c := l.open(l.target(declared(), factory()))
			l.bmc.SetFaults(f)
			l.close(c)
		})
	}
}

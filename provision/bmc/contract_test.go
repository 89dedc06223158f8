package bmc_test

import (
	"maps"
	"net/netip"
	"slices"
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/simbmc"
)

// cannot lists what a personality lets nobody write, and how it reads then.
func cannot(personality string) map[string][]string {
	no := []string{"(unsupported)"}
	out := map[string]map[string][]string{
		"openbmc":    {bmc.VLAN: no, bmc.SNMP: no, bmc.HTTP: no, bmc.KVMIP: no, bmc.VirtualMedia: no, bmc.SerialConsole: no},
		"idrac":      {},
		"ilo":        {bmc.VLAN: no, bmc.SerialConsole: no},
		"xcc":        {bmc.SerialConsole: no, bmc.HTTP: no, bmc.KVMIP: no, bmc.VirtualMedia: no},
		"supermicro": {bmc.SerialConsole: no},
		"ami":        {bmc.PowerPolicy: no, bmc.DNS: no, bmc.IPv6Address: no, bmc.IPv6Gateway: no, bmc.SSH: {"on"}, bmc.HTTP: no},
	}[personality]
	out[bmc.Telnet] = no
	return out
}

// waiting lists what takes effect at a reboot of the server, and how it reads
// until then.
func waiting(personality string) map[string][]string {
	order, policy := []string{"Boot0001", "Boot0002"}, []string{"last-state"}
	return map[string]map[string][]string{
		"idrac": {bmc.PowerPolicy: policy, bmc.BootOrder: order}, "supermicro": {bmc.PowerPolicy: policy},
		"xcc": {bmc.BootOrder: order}, "ami": {bmc.BootOrder: order},
	}[personality]
}

// settingsObjects is how many are looked at where everything is declared.
func settingsObjects(personality string) int { return len(waiting(personality)) }

// expected is what wanted settings read as once set.
func expected(personality string) map[string][]string {
	want := wanted()
	maps.Copy(want, cannot(personality))
	maps.Copy(want, waiting(personality))
	return want
}

// queued is what cannot be written while something else waits for a reboot.
func queued(personality string) string {
	return map[string]string{"idrac": bmc.BootOrder}[personality]
}

// jobs is the list of jobs, where what waits is looked up in one.
func jobs(personality string) int { return min(len(queued(personality)), 1) }

// ends is how a change of a setting ends.
func ends(personality, name string) bmc.Status {
	if _, no := cannot(personality)[name]; no {
		return bmc.Unsupported
	}
	if _, waits := waiting(personality)[name]; waits {
		return bmc.Pending
	}
	return bmc.Done
}

// TestContract sets every setting alone on every personality, reads it back,
// and reads it again in a new session.
func TestContract(t *testing.T) {
	for _, personality := range simbmc.Personalities() {
		for _, name := range slices.Sorted(maps.Keys(wanted())) {
			t.Run(personality+"/"+name, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, simbmc.Config{Personality: personality})
				c := l.open(l.target(declared(), factory()))
				out, err := c.Set(t.Context(), changes(map[string][]string{name: wanted()[name]}))
				status := ends(personality, name)
				if out[0].Status != status || (err == nil) != (status != bmc.Unsupported) {
					t.Fatalf("got %s %v, want %s", out[0].Status, err, status)
				}
				want := map[string][]string{name: expected(personality)[name]}
				equal(t, want, read(t, c, name))
				at := c.Endpoint()
				l.close(c)
				if name == bmc.Account {
					at.Username, at.Password, at.Origin = declared().Username, declared().Password, redfish.Declared
				}
				again := l.open(l.target(at, declared()))
				if name != bmc.Account || at.Origin == redfish.Declared {
					equal(t, want, read(t, again, name))
				}
				l.close(again)
			})
		}
	}
}

// TestBringUp is the whole way of a new controller: in with the factory's
// login, everything set in one go, the address moved under our feet, and a
// second run that finds nothing to do within its budget.
func TestBringUp(t *testing.T) {
	for _, personality := range simbmc.Personalities() {
		for name, cfg := range map[string]simbmc.Config{
			"static": {Personality: personality},
			"dhcp":   {Personality: personality, Lease: oldV4},
			"lost":   {Personality: personality, Faults: simbmc.Faults{LoseAnswer: true, DropOnMove: true}},
			"task":   {Personality: personality, Faults: simbmc.Faults{Task: "Completed", TaskPolls: 2}},
		} {
			t.Run(personality+"/"+name, func(t *testing.T) {
				t.Parallel()
				bringUp(t, personality, cfg)
			})
		}
	}
}

func bringUp(t *testing.T, personality string, cfg simbmc.Config) {
	l := newLab(t, cfg)
	links := &cache{}
	target := l.target(declared(), factory())
	target.Links = links
	c := l.open(target)
	if got := read(t, c, bmc.Account, bmc.IPv4DHCP)[bmc.Account]; !slices.Equal(got, []string{"(absent)"}) {
		t.Errorf("account reads %v before it is there", got)
	}
	out, err := c.Set(t.Context(), changes(wanted()))
	for _, o := range out {
		want := ends(personality, o.Key.Name)
		if o.Key.Name == queued(personality) {
			want = bmc.Queued
		}
		if o.Status != want && (want != bmc.Unsupported || o.Status == bmc.Done) {
			t.Errorf("%s: %s %v, want %s", o.Key, o.Status, o.Err, want)
		}
	}
	if err != nil {
		l.noSecrets(err.Error())
	}
	equal(t, declared().Address.String(), c.Endpoint().Address.String())
	equal(t, expected(personality), read(t, c, allNames()...))
	l.close(c)
	moved := l.bmc.Addresses()
	if !slices.Contains(moved, newV4) || slices.Contains(moved, oldV4) {
		t.Errorf("the controller is at %v", moved)
	}
	again(t, l, target, personality, 12) // links are known, though not to be
	target.Links = nil
	again(t, l, target, personality, 12)
	target.Links = links
	again(t, l, target, personality, 5+settingsObjects(personality)+jobs(personality))
}

// again is a run that finds nothing to do.
func again(t *testing.T, l *lab, target bmc.Target, personality string, budget int) {
	t.Helper()
	before := l.bmc.Counters()
	c := l.open(target)
	equal(t, expected(personality), read(t, c, allNames()...))
	if s := c.Stats(); s.Gets > budget || s.Writes != 0 || s.Handshakes != 1 || s.Sessions != 1 {
		t.Errorf("a look costs %+v, more than %d reads", s, budget)
	}
	if got := l.bmc.Counters().Gets - before.Gets; got != c.Stats().Gets {
		t.Errorf("the controller counts %d reads, we %d", got, c.Stats().Gets)
	}
	want := wanted()
	for name := range cannot(personality) {
		delete(want, name)
	}
	delete(want, queued(personality))
	if _, err := c.Set(t.Context(), changes(want)); err != nil {
		t.Error(err)
	}
	if s := c.Stats(); s.Writes != 0 {
		t.Errorf("setting what is set costs %d writes", s.Writes)
	}
	l.close(c)
}

// TestFactoryState reads a controller as delivered, both families set.
func TestFactoryState(t *testing.T) {
	l := newLab(t, simbmc.Config{Addresses: []netip.Prefix{oldV4, newV6}, Gateways: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8:0:1::1")}})
	c := l.open(l.target(declared(), factory()))
	no := []string{"(unsupported)"}
	equal(t, map[string][]string{
		bmc.Boot: {"order"}, bmc.BootOrder: {"Boot0001", "Boot0002"}, bmc.SSH: {"on"}, bmc.Telnet: no, bmc.SNMP: no, bmc.HTTP: no,
		bmc.KVMIP: no, bmc.VirtualMedia: no, bmc.SerialConsole: no, bmc.VLAN: no,
		bmc.Account: {"(absent)"}, bmc.DNS: {}, bmc.Hostname: {"sim-bmc"}, bmc.IPMI: {"on"},
		bmc.IPv4Address: {oldV4.String()}, bmc.IPv4DHCP: {"off"}, bmc.IPv4Gateway: {"192.0.2.1"},
		bmc.IPv6Address: {newV6.String()}, bmc.IPv6Gateway: {"2001:db8:0:1::1"}, bmc.NTP: {}, bmc.PowerPolicy: {"always-off"},
	}, read(t, c, allNames()...))
	id, err := c.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, bmc.Identity{
		Line: "openbmc", Model: "Simulated 2U", Serial: "SIM0000001", UUID: "8f0f3c52-0000-4000-8000-5eed5eed5eed",
		Firmware: "2.15.0", Redfish: "1.17.0", Health: "OK",
	}, id)
	gets := c.Stats().Gets
	if err := c.Alive(t.Context()); err != nil || c.Stats().Gets != gets+1 {
		t.Errorf("alive: %v after %d reads", err, c.Stats().Gets-gets)
	}
	l.close(c)
	l = newLab(t, simbmc.Config{})
	c = l.open(l.target(factory()))
	l.bmc.SetFaults(simbmc.Faults{Busy: 1000})
	if err := c.Alive(t.Context()); err == nil {
		t.Error("a controller that is too busy to answer counts as alive")
	}
	l.bmc.SetFaults(simbmc.Faults{})
	l.close(c)
}

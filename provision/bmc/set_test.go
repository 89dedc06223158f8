package bmc_test

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/state"
)

// set changes some settings and returns their statuses by name.
func set(t *testing.T, l *lab, c *bmc.Controller, want map[string][]string) (map[string]bmc.Status, error) {
	t.Helper()
	out, err := c.Set(t.Context(), changes(want))
	got := map[string]bmc.Status{}
	for _, o := range out {
		got[o.Key.Name] = o.Status
		if (o.Err == nil) != (o.Status == bmc.Done) {
			t.Errorf("%s is %s with %v", o.Key, o.Status, o.Err)
		}
	}
	if err != nil {
		l.noSecrets(err.Error())
	}
	return got, err
}

// TestETags climbs the ladder of If-Match on every sort of controller.
func TestETags(t *testing.T) {
	for _, mode := range []simbmc.ETagMode{
		simbmc.ETagNone, simbmc.ETagStrong, simbmc.ETagWeak, simbmc.ETagWeakStrict, simbmc.ETagRequired, simbmc.ETagBroken, simbmc.ETagRefused,
	} {
		t.Run(string(mode), func(t *testing.T) {
			l := newLab(t, simbmc.Config{Faults: simbmc.Faults{ETag: mode}})
			c := l.open(l.target(declared(), factory()))
			want := wanted()
			maps.DeleteFunc(want, func(name string, _ []string) bool { return cannot("openbmc")[name] != nil })
			if _, err := set(t, l, c, want); err != nil {
				t.Error(err)
			}
			equal(t, expected("openbmc"), read(t, c, allNames()...))
			l.close(c)
		})
	}
}

// TestAnswers takes the controller's answer for what it is worth.
func TestAnswers(t *testing.T) {
	hostname := map[string][]string{bmc.Hostname: {"gru1-bmc"}}
	for name, c := range map[string]struct {
		faults simbmc.Faults
		want   bmc.Status
		says   string
	}{
		"task done":      {simbmc.Faults{Task: "Completed", TaskPolls: 3}, bmc.Done, ""},
		"task killed":    {simbmc.Faults{Task: "Killed", Ignore: true}, bmc.Failed, "Killed"},
		"task failed":    {simbmc.Faults{Task: "Exception", Ignore: true}, bmc.Failed, "InternalError"},
		"failed but so":  {simbmc.Faults{Task: "Exception"}, bmc.Done, ""}, // what reads back counts
		"ignored":        {simbmc.Faults{Ignore: true}, bmc.Failed, "reads back sim-bmc, not gru1-bmc"},
		"read-only":      {simbmc.Faults{ReadOnly: []string{"HostName"}}, bmc.Unsupported, "PropertyNotWritable"},
		"partly":         {simbmc.Faults{ReadOnly: []string{"HostName"}, Partial: true}, bmc.Unsupported, "PropertyNotWritable (HostName)"},
		"lost answer":    {simbmc.Faults{LoseAnswer: true}, bmc.Done, ""},
		"lost, not done": {simbmc.Faults{LoseAnswer: true, Ignore: true}, bmc.Unknown, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, simbmc.Config{Faults: c.faults})
			ctl := l.open(l.target(factory()))
			got, err := set(t, l, ctl, hostname)
			if got[bmc.Hostname] != c.want || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("got %v, %v; want %s saying %q", got, err, c.want, c.says)
			}
			l.close(ctl)
		})
	}
}

// TestRefusals sorts what a controller does not take.
func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		personality string
		set         map[string][]string
		want        map[string]bmc.Status
	}{
		"wrong word": {"openbmc", map[string][]string{bmc.PowerPolicy: {"sometimes"}, bmc.IPMI: {"maybe"}}, map[string]bmc.Status{bmc.PowerPolicy: bmc.Unsupported, bmc.IPMI: bmc.Failed}},
		"bad address": {"openbmc", map[string][]string{bmc.IPv4Address: {"300.1.1.1/28"}, bmc.Hostname: {"x"}}, map[string]bmc.Status{
			bmc.IPv4Address: bmc.Failed, bmc.Hostname: bmc.Done,
		}},
		"too many servers": {"ilo", map[string][]string{bmc.NTP: {"a.example", "b.example", "c.example"}}, map[string]bmc.Status{bmc.NTP: bmc.Unsupported}},
		"order of servers": {"xcc", map[string][]string{bmc.DNS: {"2001:db8::53", "192.0.2.1"}}, map[string]bmc.Status{bmc.DNS: bmc.Unsupported}},
		"two names":        {"idrac", map[string][]string{bmc.Hostname: {"a", "b"}}, map[string]bmc.Status{bmc.Hostname: bmc.Failed}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, simbmc.Config{Personality: c.personality})
			ctl := l.open(l.target(factory()))
			got, err := set(t, l, ctl, c.set)
			equal(t, c.want, got)
			if err == nil {
				t.Error("no error")
			}
			l.close(ctl)
		})
	}
}

// TestSurplus removes what nobody declared, in positional arrays too.
func TestSurplus(t *testing.T) {
	for _, personality := range []string{"openbmc", "ilo", "supermicro"} {
		t.Run(personality, func(t *testing.T) {
			more := []netip.Prefix{oldV4, netip.MustParsePrefix("2001:db8:0:1::bad/64"), newV6, netip.MustParsePrefix("2001:db8:0:1::bad:2/64")}
			l := newLab(t, simbmc.Config{Personality: personality, Addresses: more})
			c := l.open(l.target(factory()))
			want := map[string][]string{bmc.IPv6Address: {newV6.String()}}
			if _, err := set(t, l, c, want); err != nil {
				t.Error(err)
			}
			equal(t, want, read(t, c, bmc.IPv6Address))
			none := map[string][]string{bmc.IPv6Address: {}, bmc.DNS: {}, bmc.NTP: {}}
			if _, err := set(t, l, c, none); err != nil {
				t.Error(err)
			}
			equal(t, none, read(t, c, bmc.IPv6Address, bmc.DNS, bmc.NTP))
			l.close(c)
		})
	}
}

// TestMove proves a change of address, or says that it is not proven.
func TestMove(t *testing.T) {
	address := map[string][]string{bmc.IPv4Address: {newV4.String()}, bmc.IPv4Gateway: {"192.0.2.1"}}
	for name, c := range map[string]struct {
		cfg     simbmc.Config
		prepare func(*lab)
		want    bmc.Status
		says    string
		at      netip.Prefix
	}{
		"moves":            {want: bmc.Done, at: newV4},
		"moves late":       {cfg: simbmc.Config{Delay: 150 * time.Millisecond}, want: bmc.Done, at: newV4},
		"cut off":          {cfg: simbmc.Config{Faults: simbmc.Faults{DropOnMove: true, LoseAnswer: true}}, want: bmc.Done, at: newV4},
		"old one stays":    {prepare: func(l *lab) { l.keep = true }, want: bmc.Done, at: newV4},
		"gateway lost":     {cfg: simbmc.Config{Faults: simbmc.Faults{LoseGatewayOnce: true}}, want: bmc.Done, at: newV4},
		"never there":      {prepare: func(l *lab) { l.unroutable = newV4.Addr() }, cfg: simbmc.Config{Delay: time.Hour}, want: bmc.Unknown, says: "no new address answers", at: oldV4},
		"gone":             {cfg: simbmc.Config{Faults: simbmc.Faults{DropOnMove: true}}, prepare: func(l *lab) { l.unroutable = newV4.Addr() }, want: bmc.Unknown, says: "no route"},
		"another device":   {prepare: stranger, want: bmc.Failed, says: "another device answers", at: oldV4},
		"another of ours":  {prepare: twin, want: bmc.Unknown, says: "another controller answers", at: oldV4, cfg: simbmc.Config{Delay: time.Hour}},
		"session is ended": {cfg: simbmc.Config{Faults: simbmc.Faults{SessionLife: 9}}, want: bmc.Done, at: newV4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, c.cfg)
			if c.prepare != nil {
				c.prepare(l)
			}
			target := l.target(factory())
			if c.want == bmc.Unknown {
				target.Patience.Move = 200 * time.Millisecond
			}
			ctl := l.open(target)
			l.bmc.SetFaults(c.cfg.Faults)
			got, err := set(t, l, ctl, address)
			equal(t, map[string]bmc.Status{bmc.IPv4Address: c.want, bmc.IPv4Gateway: c.want}, got)
			if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("got %v, want %q", err, c.says)
			}
			if c.at.IsValid() {
				if got := ctl.Endpoint().Address.Addr(); got != c.at.Addr() {
					t.Errorf("it carries on at %s", got)
				}
				l.bmc.SetFaults(simbmc.Faults{})
				l.close(ctl)
			} else if err := ctl.Close(t.Context()); err == nil {
				t.Error("the session of a controller that is gone was deleted")
			}
		})
	}
}

// stranger is a device with another certificate at the new address.
func stranger(l *lab) {
	other := newLab(l.t, simbmc.Config{})
	l.routes[newV4.Addr()] = other.listen
}

// twin answers at the new address under the same certificate, as another
// controller of the same operator under one CA would.
func twin(l *lab) {
	other := newLab(l.t, simbmc.Config{UUID: "00000000-0000-4000-8000-000000000bad"})
	ln := listenTLS(l.t, l.bmc.TLSConfig())
	go serveHTTP(ln, other.bmc.Handler())
	l.routes[newV4.Addr()] = ln.Addr().String()
}

func TestMoveCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l := newLab(t, simbmc.Config{})
	l.moved = cancel // in the middle of the move; the session is deleted at the new address
	c := l.open(l.target(factory()))
	out, err := c.Set(ctx, changes(map[string][]string{bmc.IPv4Address: {newV4.String()}}))
	if out[0].Status == bmc.Unknown && !errors.Is(err, context.Canceled) || out[0].Status == bmc.Failed {
		t.Errorf("got %v, %v", out, err)
	}
	l.close(c)
}

func TestDHCPOn(t *testing.T) {
	for _, personality := range []string{"openbmc", "idrac", "supermicro"} {
		t.Run(personality, func(t *testing.T) {
			l := newLab(t, simbmc.Config{Personality: personality, Lease: oldV4})
			c := l.open(l.target(factory()))
			equal(t, map[string][]string{bmc.IPv4DHCP: {"on"}, bmc.IPv4Address: {}}, read(t, c, bmc.IPv4DHCP, bmc.IPv4Address))
			l.close(c)
		})
	}
}

// TestAccount creates, repairs and proves an account.
func TestAccount(t *testing.T) {
	account := map[string][]string{bmc.Account: {"raiz"}}
	for name, users := range map[string]map[string]string{
		"new":            {"root": factoryPassword},
		"other password": {"root": factoryPassword, "raiz": "Stale-Password-9"},
	} {
		for _, personality := range simbmc.Personalities() {
			t.Run(name+"/"+personality, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, simbmc.Config{Personality: personality, Users: users, Addresses: []netip.Prefix{newV4}})
				same := factory()
				same.Address = declared().Address
				c := l.open(l.target(declared(), same))
				equal(t, map[string][]string{bmc.Account: {"(absent)"}}, read(t, c, bmc.Account))
				if _, err := set(t, l, c, account); err != nil {
					t.Error(err)
				}
				equal(t, account, read(t, c, bmc.Account))
				l.close(c)
				c = l.open(l.target(declared()))
				equal(t, account, read(t, c, bmc.Account))
				l.close(c)
			})
		}
	}
	t.Run("own password", func(t *testing.T) {
		l := newLab(t, simbmc.Config{})
		c := l.open(l.target(factory()))
		ch := bmc.Change{Key: keys(bmc.Account)[0].Key, Value: state.Text("root"), Secret: secret.New("", declaredPassword)}
		if _, err := c.Set(t.Context(), []bmc.Change{ch}); err != nil {
			t.Error(err)
		}
		equal(t, map[string][]string{bmc.Hostname: {"sim-bmc"}}, read(t, c, bmc.Hostname))
		l.close(c)
	})
	t.Run("no password", func(t *testing.T) {
		l := newLab(t, simbmc.Config{})
		c := l.open(l.target(factory()))
		out, _ := c.Set(t.Context(), []bmc.Change{{Key: keys(bmc.Account)[0].Key, Value: state.Text("raiz")}})
		if out[0].Status != bmc.Failed {
			t.Errorf("got %v", out)
		}
		l.close(c)
	})
}

// TestStaysReachable refuses what would cut the controller off.
func TestStaysReachable(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  simbmc.Config
		want map[string][]string
	}{
		"dhcp off alone":    {simbmc.Config{Lease: oldV4}, map[string][]string{bmc.IPv4DHCP: {"off"}}},
		"address malformed": {simbmc.Config{Lease: oldV4}, map[string][]string{bmc.IPv4DHCP: {"off"}, bmc.IPv4Address: {"x"}}},
		"address read-only": {simbmc.Config{Lease: oldV4, Faults: simbmc.Faults{ReadOnly: []string{"IPv4StaticAddresses"}}}, map[string][]string{bmc.IPv4DHCP: {"off"}, bmc.IPv4Address: {newV4.String()}}},
		"undone on ilo": {
			simbmc.Config{Personality: "ilo", Lease: oldV4, Faults: simbmc.Faults{ReadOnly: []string{"IPv4StaticAddresses"}}},
			map[string][]string{bmc.IPv4DHCP: {"off"}, bmc.IPv4Address: {newV4.String()}, bmc.Hostname: {"gru1-bmc"}},
		},
		"no address at all":  {simbmc.Config{}, map[string][]string{bmc.IPv4Address: {}}},
		"only an unseen one": {simbmc.Config{Addresses: []netip.Prefix{oldV4, newV6}}, map[string][]string{bmc.IPv4Address: {}}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, c.cfg)
			ctl := l.open(l.target(factory()))
			before := l.bmc.Addresses()
			if got, err := set(t, l, ctl, c.want); err == nil || slices.Contains([]bmc.Status{got[bmc.IPv4Address], got[bmc.IPv4DHCP]}, bmc.Done) {
				t.Errorf("got %v, %v", got, err)
			}
			if after := l.bmc.Addresses(); !slices.Equal(before, after) {
				t.Errorf("it went from %v to %v", before, after)
			}
			l.close(ctl)
		})
	}
}

// TestOrder makes sure that the network comes last and the account first.
func TestOrder(t *testing.T) {
	l := newLab(t, simbmc.Config{})
	c := l.open(l.target(declared(), factory()))
	want := wanted()
	maps.DeleteFunc(want, func(name string, _ []string) bool { return cannot("openbmc")[name] != nil })
	if _, err := set(t, l, c, want); err != nil {
		t.Error(err)
	}
	var writes []string
	for _, r := range l.bmc.Log() {
		if r.Method == "PATCH" || r.Method == "POST" && !strings.HasSuffix(r.Path, "/Sessions") {
			writes = append(writes, strings.Join(append([]string{r.Path[strings.LastIndex(r.Path, "/")+1:]}, r.Keys...), " "))
		}
	}
	equal(t, []string{
		"Accounts Enabled Password RoleId UserName", "eth0 HostName", "eth0 StaticNameServers", "NetworkProtocol NTP", "NetworkProtocol IPMI", "NetworkProtocol SSH",
		"system PowerRestorePolicy", "system Boot", "eth0 IPv4StaticAddresses IPv6StaticAddresses IPv6StaticDefaultGateways",
	}, slices.Compact(writes))
	l.close(c)
}

// TestRotation changes a password that the site has written ahead: the new
// one and the one before are tried once each, whichever is right, and the new
// one is set and proven.
func TestRotation(t *testing.T) {
	const before = "Planted-Previous-2"
	previous := declared()
	previous.Origin, previous.Password = redfish.Previous, secret.New(`env("PREVIOUS")`, before)
	for name, c := range map[string]struct {
		users   map[string]string
		refused int // logins
		writes  bool
		fails   bool
	}{
		"still the old one":      {map[string]string{"raiz": before}, 1, true, false},
		"already the new one":    {map[string]string{"raiz": declaredPassword}, 0, false, false},
		"neither":                {map[string]string{"raiz": "Somebody-Elses-3"}, 2, false, true},
		"neither, but factory's": {map[string]string{"raiz": "Somebody-Elses-3", "root": factoryPassword}, 2, true, false},
	} {
		for _, personality := range simbmc.Personalities() {
			t.Run(name+"/"+personality, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, simbmc.Config{Personality: personality, Users: c.users, Addresses: []netip.Prefix{newV4}})
				fromFactory := factory()
				fromFactory.Address = declared().Address
				target := l.target(fromFactory, previous, declared())
				ctl, err := bmc.Open(t.Context(), target)
				if n := l.bmc.Counters().FailedLogins; n != c.refused && !(c.fails && n == 3) {
					t.Errorf("%d logins were refused, not %d", n, c.refused)
				}
				if c.fails {
					if !errors.Is(err, redfish.ErrAuth) {
						t.Errorf("got %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				want := map[string][]string{bmc.Account: {"raiz"}}
				if got := read(t, ctl, bmc.Account); c.writes != slices.Equal(got[bmc.Account], []string{"(absent)"}) {
					t.Errorf("the account reads %v", got)
				}
				if _, err := set(t, l, ctl, want); err != nil {
					t.Error(err)
				}
				equal(t, want, read(t, ctl, bmc.Account))
				l.close(ctl)
				refused := l.bmc.Counters().FailedLogins
				l.close(l.open(l.target(declared())))
				if n := l.bmc.Counters().FailedLogins; n != refused {
					t.Error("the new password does not do")
				}
			})
		}
	}
}

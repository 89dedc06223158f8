package bmc_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/state"
)

// cache is a LinkCache that keeps what it is given.
type cache struct{ entries map[string][]byte }

func (c *cache) Key() []byte { return []byte("the key of this user") }

func (c *cache) Load(name string) []byte { return c.entries[name] }

func (c *cache) Store(name string, entry []byte) {
	if c.entries == nil {
		c.entries = map[string][]byte{}
	}
	c.entries[name] = entry
}

// rewritten returns the cache with its only entry changed, and sealed again
// with a key.
func (c *cache) rewritten(t *testing.T, key string, change func(*bmc.Entry)) *cache {
	t.Helper()
	for name, sealed := range c.entries {
		e, ok := bmc.OpenEntry(sealed, c.Key(), name)
		if !ok {
			t.Fatalf("%q is no entry of ours", sealed)
		}
		change(&e)
		return &cache{map[string][]byte{name: bmc.SealEntry(e, []byte(key), name)}}
	}
	t.Fatal("nothing is remembered")
	return nil
}

// bytes returns the cache with its only entry replaced.
func (c *cache) bytes(change func([]byte) []byte) *cache {
	out := &cache{map[string][]byte{}}
	for name, sealed := range c.entries {
		out.entries[name] = change(bytes.Clone(sealed))
	}
	return out
}

// look is all that a plan of a controller is made from, and its digest.
func (l *lab) look(links bmc.LinkCache, want map[string][]string) (string, redfish.Stats) {
	l.t.Helper()
	target := l.target(factory())
	target.Links = links
	c := l.open(target)
	defer l.close(c)
	facts := c.Read(l.t.Context(), items(want))
	set, err := state.NewSet("gru1", items(want))
	if err != nil {
		l.t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range facts {
		fmt.Fprintf(&b, "%s = %v, %v\n", f.Key, f.Value, f.Err)
	}
	p := plan.Diff(set, state.NewFacts(facts))
	fmt.Fprintf(&b, "%d changes, %d unknown, %d unsupported, digest %s\n", len(p.Changes), len(p.Unknown), len(p.Unsupported), p.Digest())
	return b.String(), c.Stats()
}

// TestLinksChangeNothing: whatever the cache holds, after an apply in which
// the controller refused something, the next plan is the one that is made
// without it.
func TestLinksChangeNothing(t *testing.T) {
	for _, personality := range simbmc.Personalities() {
		t.Run(personality, func(t *testing.T) {
			l := newLab(t, simbmc.Config{Personality: personality, Faults: simbmc.Faults{ReadOnly: []string{"HostName", "NTPServers"}}})
			want := wanted()
			for _, name := range []string{bmc.Account, bmc.IPv4Address, bmc.IPv6Address, bmc.IPv6Gateway, bmc.IPv4Gateway, bmc.VLAN} {
				delete(want, name)
			}
			with := &cache{}
			target := l.target(factory())
			target.Links = with
			c := l.open(target)
			// iDRAC and iLO have other names for both, and take them.
			if out, err := c.Set(t.Context(), changes(want)); err == nil && personality != "idrac" && personality != "ilo" {
				t.Fatalf("nothing was refused: %+v", out)
			}
			l.close(c)
			bare, _ := l.look(nil, want)
			for name, links := range starts(t, with) {
				if got, _ := l.look(links, want); got != bare {
					t.Errorf("%s: (-without +with):\n%s\n%s", name, bare, got)
				}
				got, cost := l.look(links, want)
				if got != bare || cost.Gets > 5+settingsObjects(personality)+2*jobs(personality) { // of what is to be written somebody else's job may keep it back
					t.Errorf("%s: the cache was not mended: %d reads\n%s", name, cost.Gets, got)
				}
			}
		})
	}
}

// starts are caches as a run may find them.
func starts(t *testing.T, with *cache) map[string]bmc.LinkCache {
	t.Helper()
	ours := string(with.Key())
	out := map[string]bmc.LinkCache{
		"with":                   with,
		"lost":                   &cache{},
		"damaged: cut":           with.bytes(func(b []byte) []byte { return b[:len(b)/2] }),
		"damaged: empty":         with.bytes(func([]byte) []byte { return []byte{} }),
		"damaged: one bit":       with.bytes(func(b []byte) []byte { b[len(b)/2] ^= 1; return b }),
		"damaged: huge":          with.bytes(func(b []byte) []byte { return append(b, make([]byte, bmc.MaxLinks)...) }),
		"stale: another root":    with.rewritten(t, ours, func(e *bmc.Entry) { e.Root = "of yesterday"; e.Line = "idrac" }),
		"stale: another version": with.rewritten(t, ours, func(e *bmc.Entry) { e.Version = 0; e.Line = "idrac" }),
		"hostile: another line":  with.rewritten(t, "theirs", func(e *bmc.Entry) { e.Line = "idrac" }),
		"hostile: no key":        with.rewritten(t, "", func(e *bmc.Entry) { e.Line = "ilo" }),
		"hostile: as it was": with.bytes(func([]byte) []byte {
			return []byte(`{"refused hostname":"0|2026-11-24|because","line":"idrac","root":""}`)
		}),
	}
	for _, resource := range []string{"ethernet", "protocol", "system", "bios"} {
		link := func(to string) func(*bmc.Entry) {
			return func(e *bmc.Entry) {
				if _, known := e.Links[resource]; known {
					e.Links[resource] = to
				}
			}
		}
		out["stale: no "+resource] = with.rewritten(t, ours, link("/redfish/v1/Gone/1"))
		out["stale: not "+resource] = with.rewritten(t, ours, link("/redfish/v1/AccountService"))
		out["hostile: "+resource] = with.rewritten(t, "theirs", link("@192.0.2.66/redfish/v1/Systems/1"))
	}
	return out
}

// TestLinksOfAnother: an entry holds for the controller it was made of only,
// also where two show the same certificate.
func TestLinksOfAnother(t *testing.T) {
	l := newLab(t, simbmc.Config{Personality: "openbmc"})
	with := &cache{}
	want := map[string][]string{bmc.Hostname: {"gru1-bmc"}}
	l.look(with, want)
	for name, sealed := range with.entries {
		if _, ok := bmc.OpenEntry(sealed, with.Key(), name); !ok {
			t.Errorf("not ours: %s", sealed)
		}
		if _, ok := bmc.OpenEntry(sealed, with.Key(), strings.Repeat("0", len(name))); ok {
			t.Error("an entry is believed of another controller")
		}
		if len(sealed) > 1<<10 {
			t.Errorf("%d bytes: %s", len(sealed), sealed)
		}
	}
	if len(with.entries) != 1 {
		t.Errorf("entries %v", slices.Sorted(maps.Keys(with.entries)))
	}
}

// A setting that is refused is planned again, with or without a cache: the
// site says what is to be left alone.
func TestRefusalIsNotRemembered(t *testing.T) {
	l := newLab(t, simbmc.Config{Faults: simbmc.Faults{ReadOnly: []string{"HostName"}}})
	target := l.target(factory())
	target.Links = &cache{}
	want := map[string][]string{bmc.Hostname: {"gru1-bmc"}}
	for range 2 {
		c := l.open(target)
		for _, f := range c.Read(t.Context(), items(want)) {
			if f.Err != nil {
				t.Error(f.Err)
			}
		}
		out, err := c.Set(t.Context(), changes(want))
		if err == nil || out[0].Status != bmc.Unsupported || !errors.Is(out[0].Err, state.ErrUnsupported) {
			t.Errorf("set: %+v, %v", out, err)
		}
		l.close(c)
	}
}

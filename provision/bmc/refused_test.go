package bmc_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/state"
)

// TestRefusalIsRemembered: what a controller lists and refuses is tried once,
// and not promised again until something has changed.
func TestRefusalIsRemembered(t *testing.T) {
	want := map[string][]string{bmc.Hostname: {"gru1-bmc"}, bmc.IPMI: {"off"}}
	none := []string{}
	for name, c := range map[string]struct {
		change func(*lab, *cache, *bmc.Controller)
		want   map[string][]string
		again  []string // what the next plan would try
	}{
		"nothing":                       {again: none},
		"a lost cache":                  {change: func(_ *lab, links *cache, _ *bmc.Controller) { clear(links.links) }, again: []string{bmc.Hostname}},
		"another value":                 {want: map[string][]string{bmc.Hostname: {"gru2-bmc"}, bmc.IPMI: {"off"}}, again: []string{bmc.Hostname}},
		"somebody has set it otherwise": {want: map[string][]string{bmc.Hostname: {"sim-bmc"}, bmc.IPMI: {"off"}}, again: none},
		"asked to forget": {change: func(_ *lab, _ *cache, c *bmc.Controller) {
			c.Read(t.Context(), items(want))
			equal(t, []string{bmc.Hostname}, c.Forget())
		}, again: []string{bmc.Hostname}},
		"an update of the controller": {change: func(l *lab, links *cache, c *bmc.Controller) {
			links.links[l.bmc.Fingerprint()]["firmware"] = "2.14.0"
			if _, err := c.Identity(t.Context()); err != nil { // as verify asks
				t.Error(err)
			}
		}, again: []string{bmc.Hostname}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, simbmc.Config{Faults: simbmc.Faults{ReadOnly: []string{"HostName"}}})
			target, links := l.target(factory()), &cache{}
			target.Links = links
			ctl := l.open(target)
			out, err := ctl.Set(t.Context(), changes(want))
			if err == nil || out[0].Status != bmc.Unsupported || out[1].Status != bmc.Done {
				t.Fatalf("set: %+v, %v", out, err)
			}
			l.close(ctl)
			ctl = l.open(target)
			if c.change != nil {
				c.change(l, links, ctl)
			}
			if c.want == nil {
				c.want = want
			}
			l.close(ctl)
			ctl = l.open(target)
			again := []string{}
			for _, f := range ctl.Read(t.Context(), items(c.want)) {
				have, _ := f.Value.(state.Attr)
				switch {
				case have.Equal(state.Attr{Values: c.want[f.Key.Name]}) && f.Err == nil:
				case errors.Is(f.Err, state.ErrUnsupported):
					if !strings.Contains(f.Err.Error(), "tried on 20") || !strings.Contains(f.Err.Error(), "PropertyNotWritable") || strings.Count(f.Err.Error(), "unsupported") != 1 {
						t.Errorf("says %v", f.Err)
					}
				case f.Err != nil:
					t.Error(f.Err)
				default:
					again = append(again, f.Key.Name)
				}
			}
			equal(t, c.again, again)
			// Once it is taken, nobody speaks of it any more.
			l.bmc.SetFaults(simbmc.Faults{})
			if _, err := ctl.Set(t.Context(), changes(c.want)); err != nil {
				t.Error(err)
			}
			equal(t, c.want, read(t, ctl, bmc.Hostname, bmc.IPMI))
			if names := ctl.Forget(); len(names) != 0 {
				t.Errorf("%v is remembered as refused", names)
			}
			l.close(ctl)
		})
	}
}

// A write of several settings of the network that is refused says nothing of
// each: without the one that was meant the others are tried again.
func TestSharedRefusalIsNotRemembered(t *testing.T) {
	l := newLab(t, simbmc.Config{Faults: simbmc.Faults{ReadOnly: []string{"IPv6StaticAddresses"}}})
	target := l.target(factory())
	target.Links = &cache{}
	c := l.open(target)
	all := map[string][]string{bmc.IPv4Gateway: {"192.0.2.2"}, bmc.IPv4Address: {oldV4.String()}, bmc.IPv6Address: {newV6.String()}}
	out, err := c.Set(t.Context(), changes(all))
	if err == nil {
		t.Fatalf("set: %+v", out)
	}
	l.close(c)
	c = l.open(target)
	without := map[string][]string{bmc.IPv4Gateway: {"192.0.2.2"}}
	for _, f := range c.Read(t.Context(), items(without)) {
		if f.Unsupported() {
			t.Errorf("%s: %v", f.Key, f.Err)
		}
	}
	if out, err := c.Set(t.Context(), changes(without)); err != nil {
		t.Errorf("set alone: %+v, %v", out, err)
	}
	l.close(c)
}

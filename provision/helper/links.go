package helper

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/server"
)

// protoRA marks a route that a router has advertised (RFC 4861); the kernel
// keeps it, and it goes by itself.
const protoRA = 9

// settleLinks waits until every link has what it is to have, then takes away
// what it is not to have: systemd 252 leaves what it did not make, and the old
// default route would go on winning.
func (h *Helper) settleLinks(m server.Manifest) error {
	if len(m.Links) == 0 {
		return nil
	}
	end := h.os.Uptime() + networkLimit
	for {
		n, err := h.os.Network()
		if err != nil {
			return err
		}
		missing := missingOn(n, m)
		if len(missing) == 0 {
			if err := h.takeAway(n, m); err != nil {
				return err
			}
			if missing, err = h.unlike(m); err != nil {
				return err
			}
			if len(missing) == 0 {
				return nil
			}
		}
		if h.os.Uptime() >= end {
			return errors.New(strings.Join(missing, "; "))
		}
		h.os.Sleep(pause)
	}
}

// unlike says what of the links is not as declared: who manages them, their
// addresses, and the default routes through them.
func (h *Helper) unlike(m server.Manifest) ([]string, error) {
	n, err := h.os.Network()
	if err != nil {
		return nil, err
	}
	out := missingOn(n, m)
	for _, want := range m.Links {
		l, ok := findLink(n, want.Match)
		if !ok {
			continue // said by missingOn
		}
		for _, a := range foreign(l, want) {
			out = append(out, fmt.Sprintf("%s has %s, which is not declared", l.Name, a))
		}
		if l.Name == loopback {
			continue
		}
		o, err := h.ownerOf(l)
		if err != nil {
			return nil, err
		}
		if o.Manager != server.Networkd {
			out = append(out, fmt.Sprintf("%s is managed by %s, not by systemd-networkd", l.Name, o.Manager))
		}
	}
	for _, r := range foreignDefaults(n, m) {
		out = append(out, fmt.Sprintf("a default route leads to %s through %s, which is not declared", r.Via, r.Dev))
	}
	return out, nil
}

// missingOn says what the links of a manifest have not.
func missingOn(n server.Network, m server.Manifest) []string {
	var out []string
	for _, want := range m.Links {
		l, ok := findLink(n, want.Match)
		if !ok {
			out = append(out, "there is no link "+want.Match.Name+want.Match.MAC)
			continue
		}
		if want.MTU != 0 && l.MTU != want.MTU {
			out = append(out, fmt.Sprintf("%s has an MTU of %d, not %d", l.Name, l.MTU, want.MTU))
		}
		for _, a := range want.Addresses {
			i := slices.IndexFunc(l.Addresses, func(f server.AddressFact) bool { return f.Address == a })
			switch {
			case i < 0:
				out = append(out, l.Name+" has no address "+a)
			case l.Addresses[i].Unusable:
				out = append(out, l.Name+" cannot use "+a+": somebody else has it, or that is still looked for")
			case l.Addresses[i].Seconds > 0:
				out = append(out, l.Name+" has "+a+" by a lease that ends")
			}
		}
		for _, g := range want.Gateways {
			if !slices.ContainsFunc(n.Routes, func(r server.Route) bool { return server.IsDefault(r) && r.Dev == l.Name && r.Via == g }) {
				out = append(out, "no default route leads to "+g+" through "+l.Name)
			}
		}
	}
	return out
}

// foreign are the addresses of a link that are not declared.
func foreign(l server.LinkFact, want server.Link) []string {
	var out []string
	for _, a := range l.Addresses {
		p, err := netip.ParsePrefix(a.Address)
		if err == nil && l.Name == loopback && p.Addr().IsLoopback() {
			continue
		}
		if !slices.Contains(want.Addresses, a.Address) {
			out = append(out, a.Address)
		}
	}
	return out
}

// foreignDefaults are the default routes through managed links that are not
// declared. Two of one metric are both there, and the older one wins.
func foreignDefaults(n server.Network, m server.Manifest) []server.Route {
	var out []server.Route
	for _, r := range n.Routes {
		if !server.IsDefault(r) {
			continue
		}
		for _, want := range m.Links {
			l, ok := findLink(n, want.Match)
			if !ok || l.Name != r.Dev {
				continue
			}
			if !slices.Contains(want.Gateways, r.Via) || doubled(n, r) {
				out = append(out, r)
			}
		}
	}
	return out
}

// doubled reports whether a default route stands beside networkd's own of the
// same gateway: that of the manager before, which goes.
func doubled(n server.Network, r server.Route) bool {
	const protoStatic = 4 // networkd's
	return r.Protocol != protoStatic && slices.ContainsFunc(n.Routes, func(o server.Route) bool {
		return server.IsDefault(o) && o.To == r.To && o.Via == r.Via && o.Dev == r.Dev && o.Protocol == protoStatic
	})
}

// takeAway removes what managed links are not to have.
func (h *Helper) takeAway(n server.Network, m server.Manifest) error {
	for _, r := range foreignDefaults(n, m) {
		if err := h.os.DelRoute(r); err != nil {
			return fmt.Errorf("remove the default route by %s: %w", r.Via, err)
		}
	}
	for _, want := range m.Links {
		l, _ := findLink(n, want.Match) // one that is not there has no addresses
		for _, a := range foreign(l, want) {
			if err := h.os.DelAddress(l.Name, a); err != nil {
				return fmt.Errorf("remove %s from %s: %w", a, l.Name, err)
			}
		}
	}
	return nil
}

// dropDefaults removes the default routes of NetworkManager, which have a metric
// of their own, once networkd has set its own: in IPv6, and where networkd was
// there before, they do not go with the addresses.
func (h *Helper) dropDefaults(b before) error {
	links := of(b.Owners, server.NetworkManager)
	if len(links) == 0 {
		return nil
	}
	if err := h.waitConfigured(links); err != nil {
		return err
	}
	for _, r := range b.Network.Routes {
		if !server.IsDefault(r) || r.Metric == 0 || !slices.Contains(links, r.Dev) {
			continue
		}
		if err := h.os.DelRoute(r); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove NetworkManager's default route by %s: %w", r.Via, err)
		}
	}
	return nil
}

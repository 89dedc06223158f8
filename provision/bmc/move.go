package bmc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// network is the settings that may move a controller, changed as one group.
type network struct {
	values
	witness *witness
}

// set changes the network settings as one group, and proves them. The answer to
// such a write may be lost with the address it was sent to, so that it counts for
// nothing unless it is a refusal. nobody is why nothing may be changed, or nil.
func (n network) set(ctx context.Context, changes []Change, nobody error) []Outcome {
	want, bad := map[string]state.Attr{}, map[string]error{}
	for _, ch := range changes {
		if a, ok := ch.Value.(state.Attr); ok {
			want[ch.Key.Name] = a
		} else {
			bad[ch.Key.Name] = fmt.Errorf("%w: a %T is no value of a bmc setting", errValue, ch.Value)
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, n.witness.patience.Network, fmt.Errorf("not within %s", n.witness.patience.Network))
	defer cancel()
	maps.Copy(bad, n.unwritable(ctx, want))
	for name := range bad {
		delete(want, name)
	}
	if err := cmp.Or(nobody, n.staysReachable(ctx, want)); err != nil {
		for name, w := range want {
			if have, _, seen := n.value(ctx, n.where.profile.settings[name]); seen != nil || !same(have, w) {
				bad[name] = cmp.Or(seen, err)
			}
		}
		clear(want)
	}
	var err error
	if len(want) > 0 {
		err = n.changeNetwork(ctx, want)
		n.refresh()
	}
	var out []Outcome
	for _, ch := range changes {
		e, no := bad[ch.Key.Name]
		if !no {
			e = n.networkError(ctx, ch.Key.Name, want, err)
		}
		out = append(out, outcome(n.session, ch, e))
	}
	return out
}

// unwritable finds the settings this controller does not have or does not let
// be written, so that they do not keep the others from being set.
func (n network) unwritable(ctx context.Context, want map[string]state.Attr) map[string]error {
	bad := map[string]error{}
	n.refresh()
	// DHCP comes first: the others are tried together with it, because what
	// can be written depends on it, unless it cannot be written itself.
	names := append([]string{ipv4DHCPName}, slices.DeleteFunc(order(), func(n string) bool { return n == ipv4DHCPName })...)
	for _, name := range names {
		w, ok := want[name]
		if !ok {
			continue
		}
		have, s, err := n.value(ctx, n.where.profile.settings[name])
		if err == nil && same(have, w) {
			continue
		}
		if err == nil {
			alone := map[string]state.Attr{name: w}
			if dhcp, ok := want[ipv4DHCPName]; ok && bad[ipv4DHCPName] == nil {
				alone[ipv4DHCPName] = dhcp
			}
			_, err = n.where.profile.network(n.where.profile, n.where.docs[s.in], alone)
		}
		if err != nil {
			bad[name] = err
		}
	}
	return bad
}

// networkError says how one setting of the group came out. After a refusal
// of the group some may be as wanted all the same.
func (n network) networkError(ctx context.Context, name string, want map[string]state.Attr, group error) error {
	if group == nil || !failed(group) && !errors.Is(group, state.ErrUnsupported) {
		return group
	}
	s := n.where.profile.settings[name]
	d, err := n.load(ctx, s.in)
	if err != nil {
		return err
	}
	have, err := s.read(d)
	switch {
	case err != nil:
		return err
	case same(have, want[name]):
		return nil
	}
	if len(want) > 1 {
		return &SharedError{group}
	}
	return group
}

// after returns what a setting is once the wanted ones are set.
func (n network) after(ctx context.Context, want map[string]state.Attr, name string) []string {
	if w, ok := want[name]; ok {
		return w.Values
	}
	have, _, err := n.value(ctx, n.where.profile.settings[name])
	if err != nil || have == nil {
		return nil
	}
	return have.Values
}

// staysReachable refuses changes that would leave the controller without any
// address, such as DHCP off while the static address cannot be set.
func (n network) staysReachable(ctx context.Context, want map[string]state.Attr) error {
	if len(want) == 0 {
		return nil
	}
	v4, v6 := n.after(ctx, want, ipv4AddressName), n.after(ctx, want, ipv6AddressName)
	dhcp := slices.Equal(n.after(ctx, want, ipv4DHCPName), []string{"on"})
	if len(v4) > 0 || dhcp || len(v6) > 0 && n.session.At.Address.Addr().Is6() {
		return nil
	}
	if _, changes := want[ipv6AddressName]; len(v6) > 0 && changes {
		return nil // the proof is a look at the new IPv6 address
	}
	return fmt.Errorf("%w: it would leave the controller without an address known to answer; nothing of the network was changed", errValue)
}

// changeNetwork writes until all reads back as wanted, twice at most: some
// OpenBMC loses the gateway with the first change (bmcweb #308).
func (n network) changeNetwork(ctx context.Context, want map[string]state.Attr) error {
	in := n.where.profile.settings[ipv4AddressName].in
	self, err := identityOf(ctx, n.resources)
	if err != nil {
		return err
	}
	for round := 1; ; round++ {
		n.refresh()
		left, err := n.differing(ctx, want)
		if err != nil || len(left) == 0 {
			n.witness.maybe = nil
			return err
		}
		if round > 2 {
			return fmt.Errorf("%w: %v still reads back otherwise", redfish.ErrRefused, left)
		}
		news, err := n.newAddresses(want, left)
		if err != nil {
			return err
		}
		if err := n.unused(ctx, news); err != nil {
			return err
		}
		n.witness.maybe = news
		err = n.writeNetwork(ctx, in, want)
		if errors.Is(err, state.ErrUnsupported) || redfish.StatusOf(err) != 0 || errors.Is(err, redfish.ErrRefused) {
			return refusal(err)
		}
		if err != nil {
			n.session.Log.Info("no answer to a change of network settings; looking at old and new address", "err", err)
		}
		n.witness.notePending(ctx, in)
		if err := n.witness.prove(ctx, proof{self: self, news: news, want: want, round: round}); err != nil {
			return &unprovenError{err}
		}
	}
}

// writeNetwork sends the group, with DHCP in a write of its own where the
// controller wants that.
func (n network) writeNetwork(ctx context.Context, in string, want map[string]state.Attr) error {
	t := n.where.profile
	build := func(d redfish.Document) (redfish.Object, error) { return t.network(t, d, want) }
	n.refresh()
	d, err := n.load(ctx, in)
	if err != nil {
		return err
	}
	body, err := build(d)
	if err != nil {
		return err
	}
	dhcp, ok := body["DHCPv4"]
	if !ok || !t.dhcpFirst || len(body) == 1 {
		_, err = n.patch(ctx, in, redfish.Public, build)
		return err
	}
	due := n.session.ResetDue
	if err := n.patchDHCP(ctx, in, dhcp); err != nil {
		return err
	}
	if _, err = n.patch(ctx, in, redfish.Public, build); err == nil || redfish.StatusOf(err) == 0 && !failed(err) {
		return err
	}
	// Left so, the next reset would take the lease away with nothing in its
	// place.
	if undo := n.patchDHCP(ctx, in, redfish.Object{"DHCPEnabled": d.At("DHCPv4", "DHCPEnabled")}); undo != nil {
		n.session.ResetDue = false
		return fmt.Errorf("%w; and DHCP, switched off before, could not be switched on again: %w: do not reset the controller", err, undo)
	}
	n.session.ResetDue = due
	return err
}

func (n network) patchDHCP(ctx context.Context, in string, dhcp any) error {
	_, err := n.patch(ctx, in, redfish.Public, func(redfish.Document) (redfish.Object, error) { return redfish.Object{"DHCPv4": dhcp}, nil })
	return err
}

// newAddresses lists where the controller has to answer after the change.
func (n network) newAddresses(want map[string]state.Attr, left []string) ([]netip.AddrPort, error) {
	var out []netip.AddrPort
	for _, name := range []string{ipv4AddressName, ipv6AddressName} {
		if !slices.Contains(left, name) {
			continue
		}
		for _, s := range want[name].Values {
			p, err := netip.ParsePrefix(s)
			if err != nil {
				return nil, fmt.Errorf("%w: %s %q: %w", errValue, name, s, err)
			}
			if a := netip.AddrPortFrom(p.Addr(), n.session.At.Address.Port()); a.Addr() != n.session.At.Address.Addr().Unmap() {
				out = append(out, a)
			}
		}
	}
	return out, nil
}

// identityBound is how long an address is given to show that it is taken.
const identityBound = 3 * time.Second

// unused makes sure that no other device answers at a new address already.
func (n network) unused(ctx context.Context, news []netip.AddrPort) error {
	ctx, cancel := context.WithTimeout(ctx, min(n.session.Timing.Connect, identityBound))
	defer cancel()
	for _, to := range news {
		if err := n.session.CheckPeer(ctx, to); errors.Is(err, redfish.ErrCertificate) {
			return fmt.Errorf("%w: another device answers at %s: %w", errValue, to, err)
		}
	}
	return nil
}

package helper

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
)

// giveBack has the manager of before manage its links again. Its files and its
// notes are back already.
func (h *Helper) giveBack(b before) error {
	var errs []error
	run := func(argv ...string) { errs = append(errs, h.run(argv)) }
	for _, l := range of(b.Owners, server.Ifupdown) {
		has, err := h.ifupdownHas(l)
		errs = append(errs, err)
		if b.Owners[l].Lease || err == nil && !has {
			// Its DHCP client was ended, or a boot that could not put files
			// back has left it alone. The new client is no process of the
			// unit that this runs in, with which it would end.
			run("ifdown", "--force", l)
			run("systemd-run", "--quiet", "--scope", "--", "ifup", l)
		}
	}
	links := of(b.Owners, server.NetworkManager)
	if len(links) == 0 {
		return errors.Join(errs...)
	}
	errs = append(errs, h.os.Do(OpRestart, nmUnit, unitLimit))
	for _, l := range links {
		run("nmcli", "device", "set", l, "managed", "yes")
		if uuid := b.Owners[l].Detail; uuid != "" {
			// Without this it makes up a profile of what it finds.
			run("nmcli", "connection", "up", uuid)
		}
	}
	return errors.Join(errs...)
}

// naturally is how long the manager of before may take to bring back what it
// manages, before what is missing is put back by hand.
const naturally = 5 * time.Second

// networkBack waits until addresses, routes, rules and managers are those of the
// snapshot, and helps where they do not come by themselves.
func (h *Helper) networkBack(b before) error {
	start := h.os.Uptime()
	for {
		n, err := h.os.Network()
		if err != nil {
			return err
		}
		bad := differences(n, b)
		if len(bad) == 0 {
			return h.ownersBack(n, b)
		}
		since := h.os.Uptime() - start
		if since >= networkLimit {
			return errors.New(strings.Join(bad, "; "))
		}
		if since >= naturally {
			h.log("putting back by hand: %s", strings.Join(bad, "; "))
			if err := h.helpBack(n, b); err != nil {
				return err
			}
		}
		h.os.Sleep(pause)
	}
}

// lasting are the addresses that are not leased: a lease is renewed, or comes
// anew.
func lasting(l server.LinkFact) []string {
	var out []string
	for _, a := range l.Addresses {
		if a.Seconds == 0 {
			out = append(out, a.Address)
		}
	}
	slices.Sort(out)
	return out
}

// otherwise are the addresses that a link has as it had them, and that are not
// the source of what they were the source of. Beside a lease of IPv4 any may
// come first: it comes when its server likes, and is not raiz's to take away.
func otherwise(l, was server.LinkFact) []string {
	leased := func(a server.AddressFact) bool { return isIPv4(a.Address) && a.Seconds > 0 }
	ordered := !slices.ContainsFunc(slices.Concat(l.Addresses, was.Addresses), leased)
	var out []string
	for _, a := range was.Addresses {
		i := slices.IndexFunc(l.Addresses, func(b server.AddressFact) bool { return b.Address == a.Address })
		if i < 0 || a.Seconds > 0 {
			continue
		}
		if is := l.Addresses[i]; is.Deprecated != a.Deprecated || ordered && is.Secondary != a.Secondary {
			out = append(out, a.Address)
		}
	}
	return out
}

// setOtherwise reports whether a link that was managed is set to what it was not.
func setOtherwise(l, was server.LinkFact, b before) bool {
	return b.Owners[was.Name] != (owner{}) && (l.MTU != was.MTU || l.Set != was.Set)
}

func setTo(l server.LinkFact) string {
	if l.Set {
		return fmt.Sprintf("up with an MTU of %d", l.MTU)
	}
	return fmt.Sprintf("down with an MTU of %d", l.MTU)
}

// sameRoute compares routes by what they do, whoever made them.
func sameRoute(a, b server.Route) bool {
	a.Protocol, b.Protocol, a.OnLink, b.OnLink, a.Source, b.Source = 0, 0, false, false, "", ""
	return a == b
}

// gone says which addresses and routes are not there any more.
func gone(n, was server.Network) []string {
	var out []string
	for _, w := range was.Links {
		l, ok := findLink(n, server.Match{Name: w.Name})
		if !ok {
			continue
		}
		have := lasting(l)
		for _, a := range lasting(w) {
			if !slices.Contains(have, a) {
				out = append(out, w.Name+" has no address "+a)
			}
		}
	}
	for _, r := range missingRoutes(was.Routes, n.Routes) {
		out = append(out, "no route"+wayOf(r))
	}
	return out
}

// differences says what of the network is not as it was. Links that came or
// went are not raiz's.
func differences(n server.Network, b before) []string {
	out := gone(n, b.Network)
	for _, was := range b.Network.Links {
		l, ok := findLink(n, server.Match{Name: was.Name})
		if !ok {
			continue
		}
		if setOtherwise(l, was, b) {
			out = append(out, fmt.Sprintf("%s is %s", was.Name, setTo(l)))
		}
		if others := otherwise(l, was); len(others) > 0 {
			out = append(out, fmt.Sprintf("%s has %s in another place", was.Name, strings.Join(others, ", ")))
		}
		have, had := lasting(l), lasting(was)
		leased := len(had) < len(was.Addresses)
		for _, a := range have {
			if !slices.Contains(had, a) {
				out = append(out, was.Name+" still has "+a)
			}
		}
		if leased && len(l.Addresses) == len(have) {
			out = append(out, was.Name+" has no lease")
		}
	}
	for _, r := range missingRoutes(n.Routes, b.Network.Routes) {
		out = append(out, "a route"+wayOf(r)+" is still there")
	}
	if !sameRules(n.Rules, b.Network.Rules) {
		out = append(out, "rules of routing differ")
	}
	return out
}

// wayOf says where a route leads, and by what. One that is dropped, or goes
// several ways, leads by nothing that is known here.
func wayOf(r server.Route) string {
	text := " to " + r.To
	if r.Via != "" {
		text += " by " + r.Via
	}
	if r.Dev != "" {
		text += " on " + r.Dev
	}
	return text
}

// missingRoutes are those of the first that the second has not. What routers
// advertise comes and goes by itself.
func missingRoutes(first, second []server.Route) []server.Route {
	left := slices.Clone(second)
	unmatched := func(routes []server.Route, same func(a, b server.Route) bool) (out []server.Route) {
		for _, r := range routes {
			i := slices.IndexFunc(left, func(o server.Route) bool { return same(o, r) })
			if i < 0 {
				out = append(out, r)
				continue
			}
			left = slices.Delete(left, i, i+1)
		}
		return out
	}
	// Of two that do the same, the one that was made as before is matched
	// first: networkd's own stays behind beside that of ifupdown.
	out := unmatched(first, func(a, b server.Route) bool { return a == b })
	out = unmatched(out, sameRoute)
	return slices.DeleteFunc(out, func(r server.Route) bool { return r.Protocol == protoRA })
}

func sameRules(a, b []server.Rule) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(r server.Rule) bool { return !slices.Contains(b, r) })
}

// helpBack does by hand what did not come back by itself: addresses first, for
// routes need them. Nothing of the way in waits for what cannot be had.
func (h *Helper) helpBack(n server.Network, b before) error {
	var errs []error
	for _, was := range b.Network.Links {
		l, ok := findLink(n, server.Match{Name: was.Name})
		if !ok {
			continue
		}
		if setOtherwise(l, was, b) {
			errs = append(errs, h.os.SetLink(was))
		}
		errs = append(errs, h.addressesBack(l, was))
	}
	return errors.Join(append(errs, h.routesBack(b))...)
}

// addressesBack gives a link the addresses that it had. Where one of IPv4 has
// taken the place of another, both come anew, the first one first: nothing else
// changes their order (ip-address(8)).
func (h *Helper) addressesBack(l, was server.LinkFact) error {
	have, had := lasting(l), lasting(was)
	anew := otherwise(l, was)
	if slices.ContainsFunc(anew, isIPv4) {
		anew = slices.Concat(anew, slices.DeleteFunc(slices.Clone(have), func(a string) bool { return !isIPv4(a) }))
	}
	for _, a := range have {
		if !slices.Contains(had, a) || slices.Contains(anew, a) {
			if err := h.os.DelAddress(was.Name, a); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err // else it went with the one that it was the second of
			}
		}
	}
	first := slices.Clone(was.Addresses)
	slices.SortStableFunc(first, func(a, b server.AddressFact) int { return cmp.Compare(rank(a), rank(b)) })
	for _, a := range first {
		if a.Seconds == 0 && (!slices.Contains(have, a.Address) || slices.Contains(anew, a.Address)) {
			if err := h.os.AddAddress(was.Name, server.AddressFact{Address: a.Address, NoRoute: a.NoRoute, Deprecated: a.Deprecated}); err != nil {
				return err
			}
		}
	}
	return nil
}

func isIPv4(prefix string) bool { return !strings.Contains(prefix, ":") }

func rank(a server.AddressFact) int {
	if a.Secondary {
		return 1
	}
	return 0
}

// routesBack looks anew: with an address its routes have come or gone.
func (h *Helper) routesBack(b before) error {
	n, err := h.os.Network()
	if err != nil {
		return err
	}
	for _, r := range missingRoutes(n.Routes, b.Network.Routes) {
		if err := h.os.DelRoute(r); err != nil {
			return err
		}
	}
	for _, r := range missingRoutes(b.Network.Routes, n.Routes) {
		if err := h.os.AddRoute(r); err != nil {
			return err
		}
	}
	for _, r := range n.Rules {
		if !slices.Contains(b.Network.Rules, r) {
			if err := h.os.DelRule(r); err != nil {
				return err
			}
		}
	}
	for _, r := range b.Network.Rules {
		if !slices.Contains(n.Rules, r) {
			if err := h.os.AddRule(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// ownersBack sees that each link is managed by who managed it.
func (h *Helper) ownersBack(n server.Network, b before) error {
	for name, was := range b.Owners {
		l, ok := findLink(n, server.Match{Name: name})
		if !ok {
			continue
		}
		o, err := h.ownerOf(l)
		if err != nil {
			return err
		}
		if o.Manager != was.Manager {
			return fmt.Errorf("%s is managed by %s, and was by %s", name, o.Manager, was.Manager)
		}
	}
	return nil
}

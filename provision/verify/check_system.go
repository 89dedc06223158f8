package verify

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
)

// maxOffset is how far the clock may be off; DNSSEC bears more, but a clock
// that is disciplined is never this far off.
const maxOffset = time.Second

// unitNeeds are the checks of the units of a kind.
func unitNeeds(units Units, kind string) []string {
	var out []string
	for _, u := range units[kind] {
		out = append(out, "unit."+u)
	}
	return out
}

// all are the units of every kind, once each.
func (u Units) all() []string {
	var out []string
	for _, units := range u {
		out = append(out, units...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// unitChecks look at every unit that a pack names. A kind that a copy lives
// by, and of which nobody knows a unit, is not passed over.
func unitChecks(s *site.Site, e Evidence) []check {
	var checks []check
	for _, u := range e.Units.all() {
		c := check{
			id: "unit." + u, title: u + " runs and starts at boot", vantage: FromServer, want: "active, enabled",
			needs: []string{"os.look"}, find: func() finding { return unitRuns(u, e.Server) },
		}
		// What announces stops with the name server: its state says nothing
		// more while that one is down.
		if slices.Contains(e.Units["guard"], u) {
			c.explained = unitNeeds(e.Units, "dns")
		}
		checks = append(checks, c)
	}
	for _, kind := range []string{"bgp", "dns", "firewall", "guard", "time"} {
		if len(e.Units[kind]) == 0 {
			checks = append(checks, check{
				id: "unit." + kind, title: "the service of " + kind + " runs and starts at boot", vantage: FromServer, want: "active, enabled",
				find: func() finding {
					return unknown(cmp.Or(e.UnitsErr, fmt.Errorf("the component pack %q names no service", s.Components[kind])))
				},
			})
		}
	}
	slices.SortStableFunc(checks, func(a, b check) int { return len(a.explained) - len(b.explained) })
	return checks
}

func systemChecks(s *site.Site, e Evidence) []check {
	checks := []check{{
		id: "ssh.login", title: "server answers with the pinned key", vantage: FromServer,
		want: "login as " + s.Server.SSH.User, find: func() finding { return sshLogin(e) },
	}, {
		id: "os.look", title: "server tells what it has", vantage: FromServer, want: "an answer", needs: []string{"ssh.login"},
		find: func() finding {
			if e.Server.Err != nil {
				return unknown(e.Server.Err)
			}
			if e.Server.Units == nil && e.Server.UnitsErr == nil {
				return unknown(errNotLooked)
			}
			return pass("an answer")
		},
	}}
	for _, i := range []site.Interface{s.Server.Management, s.Server.Service} {
		for _, a := range i.Addresses {
			checks = append(checks, addressCheck(i.Role, i.Device(), a, e))
		}
		checks = append(checks, check{
			id: "os.only." + i.Role, title: "no address but the declared ones on " + i.Role, vantage: FromServer,
			want: "only declared addresses", needs: []string{"os.look"},
			find: func() finding { return onlyDeclared(i, e.Server) },
		})
	}
	for _, a := range s.ServiceAddresses() {
		checks = append(checks, addressCheck("loopback", "lo", netip.PrefixFrom(a, a.BitLen()), e))
	}
	for _, a := range s.ServiceAddresses() {
		checks = append(checks, check{
			id: "os.reply." + a.String(), title: "answers from " + a.String() + " leave by the service link", vantage: FromServer,
			want: "dev " + s.Server.Service.Device(), needs: []string{addressID("lo", netip.PrefixFrom(a, a.BitLen()))},
			find: func() finding { return replyPath(s, a, e.Server) },
		})
	}
	checks = append(checks, unitChecks(s, e)...)
	checks = append(checks, check{
		id: "os.clock", title: "clock is disciplined", vantage: FromServer, want: "synchronised, within " + maxOffset.String(),
		needs: append(unitNeeds(e.Units, "time"), "os.look"), find: func() finding { return clock(e.Server) },
	})
	return checks
}

func sshLogin(e Evidence) finding {
	switch {
	case e.SSHErr == nil && e.Login == "":
		return unknown(errNotLooked)
	case e.SSHErr == nil:
		return pass("logged in at " + e.Login)
	case errors.Is(e.SSHErr, remote.ErrHostKey):
		return fail("another host key", e.SSHErr.Error())
	case errors.Is(e.SSHErr, remote.ErrAuth):
		return fail("login refused", e.SSHErr.Error())
	}
	return finding{status: Unknown, got: "no answer", detail: e.SSHErr.Error()}
}

func addressID(iface string, p netip.Prefix) string { return "os.address." + iface + "." + p.String() }

func addressCheck(role, word string, p netip.Prefix, e Evidence) check {
	return check{
		id: addressID(word, p), title: p.String() + " on " + role, vantage: FromServer, want: "usable on " + word,
		needs: []string{"os.look"}, find: func() finding { return addressThere(word, p, e.Server) },
	}
}

func addressThere(word string, p netip.Prefix, e ServerEvidence) finding {
	if e.NetworkErr != nil {
		return unknown(e.NetworkErr)
	}
	i, ok := server.FindInterface(e.Interfaces, word)
	if !ok {
		return fail("no interface "+word, "look at the cabling list and at ip link on the console")
	}
	for _, a := range i.Addresses {
		if a.Prefix != p {
			continue
		}
		if !a.Usable {
			return fail("there, but not usable", "duplicate address detection (RFC 4862) has failed or has not ended: does another machine have it?")
		}
		return pass("on " + i.Name)
	}
	return fail("not there", "raiz apply puts it back")
}

// onlyDeclared finds addresses that an installer, a hand or an earlier
// declaration has left. Link-local ones are the kernel's.
func onlyDeclared(i site.Interface, e ServerEvidence) finding {
	if e.NetworkErr != nil {
		return unknown(e.NetworkErr)
	}
	have, ok := server.FindInterface(e.Interfaces, i.Device())
	if !ok {
		return fail("no interface "+i.Device(), "look at the cabling list and at ip link on the console")
	}
	var extra []string
	for _, a := range have.Addresses {
		if !slices.Contains(i.Addresses, a.Prefix) && !a.Prefix.Addr().IsLinkLocalUnicast() {
			extra = append(extra, a.Prefix.String())
		}
	}
	if len(extra) > 0 {
		return fail(joined(extra), "nobody declared it: networkctl reconfigure "+have.Name+" there takes it away")
	}
	return pass(fmt.Sprintf("%d addresses", len(have.Addresses)))
}

func replyPath(s *site.Site, from netip.Addr, e ServerEvidence) finding {
	line, ok := e.Replies[from]
	if !ok {
		return unknown(errors.New("the server did not look it up"))
	}
	i, ok := server.FindInterface(e.Interfaces, s.Server.Service.Device())
	switch {
	case ok && strings.Contains(" "+line+" ", " dev "+i.Name+" "):
		return pass("dev " + i.Name)
	case !strings.Contains(line, " dev "):
		return fail(line, "nothing leads out: has a neighbor sent its default route, and does the site accept it?")
	}
	return fail(line, "answers that leave by another link are dropped by the host's anti-spoofing (BCP 38)")
}

func unitRuns(name string, e ServerEvidence) finding {
	if e.UnitsErr != nil {
		return unknown(e.UnitsErr)
	}
	u, ok := e.Units[name]
	switch {
	case !ok:
		return unknown(errors.New("systemd did not answer for it"))
	case u.Load == "not-found":
		return fail(u.Load, "raiz apply installs it")
	case u.Load == "masked":
		return fail(u.Load, "somebody has forbidden it to start: systemctl unmask "+name+" there, then raiz apply")
	case u.Load != "loaded":
		return fail(u.Load, "see systemctl status "+name+" there")
	case u.Active != "active":
		return fail(u.Active+" ("+u.Sub+")", "see journalctl -u "+name+" there; raiz apply starts it")
	case u.UnitFile != "enabled":
		return fail("active, "+u.UnitFile, "it would not come back after a reboot; raiz apply enables it")
	}
	return pass("active, enabled")
}

func clock(e ServerEvidence) finding {
	switch {
	case e.ClockErr != nil:
		return unknown(e.ClockErr)
	case !e.Synced:
		return fail("not synchronised", "no NTP server answers: are they reachable from the management link?")
	case e.Offset.Abs() > maxOffset:
		return fail("off by "+e.Offset.String(), "signatures may seem expired or not yet valid")
	}
	return pass(fmt.Sprintf("stratum %d, off by %s", e.Stratum, e.Offset))
}

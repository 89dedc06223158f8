package verify

import (
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

// Units that a copy lives by, by the kind of component.
func unitsOf(s *site.Site) map[string]string {
	dns := map[string]string{"nsd": "nsd.service", "knot": "knot.service", "bind": "named.service"}
	bgp := map[string]string{"bird": "bird.service", "frr": "frr.service"}
	return map[string]string{
		"dns": dns[s.Components["dns"]], "bgp": bgp[s.Components["bgp"]], "announce": "raiz-announce.service",
		"firewall": "nftables.service", "time": "chrony.service", "login": "ssh.service",
	}
}

// unitNeeds is the check of the unit of a kind; nothing where the pack is one
// that only its own folder knows.
func unitNeeds(s *site.Site, kind string) []string {
	if u := unitsOf(s)[kind]; u != "" {
		return []string{"unit." + u}
	}
	return nil
}

func unitNames(s *site.Site) []string {
	var out []string
	for _, u := range unitsOf(s) {
		if u != "" && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	slices.Sort(out)
	return out
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
	for _, u := range unitNames(s) {
		c := check{
			id: "unit." + u, title: u + " runs and starts at boot", vantage: FromServer, want: "active, enabled",
			needs: []string{"os.look"}, find: func() finding { return unitRuns(u, e.Server) },
		}
		checks = append(checks, c)
	}
	// raiz-announce stops with the name server: its state says nothing more
	// while that one is down.
	for i := range checks {
		if slices.Contains(unitNeeds(s, "announce"), checks[i].id) {
			checks[i].needs = append(checks[i].needs, unitNeeds(s, "dns")...)
		}
	}
	checks = append(checks, check{
		id: "os.clock", title: "clock is disciplined", vantage: FromServer, want: "synchronised, within " + maxOffset.String(),
		needs: unitNeeds(s, "time"), find: func() finding { return clock(e.Server) },
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
	return pass(fmt.Sprintf("%d addresses", len(i.Addresses)))
}

func replyPath(s *site.Site, from netip.Addr, e ServerEvidence) finding {
	line, ok := e.Replies[from]
	if !ok {
		return unknown(errors.New("the server did not look it up"))
	}
	i, ok := server.FindInterface(e.Interfaces, s.Server.Service.Device())
	if ok && strings.Contains(" "+line+" ", " dev "+i.Name+" ") {
		return pass("dev " + i.Name)
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
	case u.Load != "loaded":
		return fail(u.Load, "raiz apply installs it")
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

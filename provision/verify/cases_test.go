package verify_test

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// judged is a way in which a copy is not as it should be. What the checks say
// of it is in testdata/judge.golden.
type judged struct {
	name   string
	change func(*verify.Evidence)
}

func setting(name string, f state.Fact) func(*verify.Evidence) {
	return func(e *verify.Evidence) {
		f.Key = state.Key{Kind: state.Setting, Name: name}
		e.BMC.Facts[name] = f
	}
}

func bmcCases() []judged {
	down := func(err error) func(*verify.Evidence) {
		return func(e *verify.Evidence) { e.BMC = verify.BMCEvidence{Err: err} }
	}
	cases := []judged{
		{"BMC has another certificate", down(fmt.Errorf("open: %w", redfish.ErrCertificate))},
		{"BMC refuses the login", down(fmt.Errorf("open: %w", redfish.ErrAuth))},
		{"BMC wants a new password", down(fmt.Errorf("open: %w", redfish.ErrPasswordChange))},
		{"BMC does not answer", down(errors.New("connection refused"))},
		{"nobody looked at the BMC", func(e *verify.Evidence) { e.BMC = verify.BMCEvidence{} }},
		{"hardware has a warning", func(e *verify.Evidence) { e.BMC.Identity.Health = "Warning" }},
		{"hardware is broken", func(e *verify.Evidence) { e.BMC.Identity.Health = "Critical" }},
		{"hardware is not told", func(e *verify.Evidence) { e.BMC.Identity.Health = "" }},
		{"setting that cannot be had", setting("power-restore", state.Fact{Err: fmt.Errorf("no: %w", state.ErrUnsupported)})},
		{"setting that could not be read", setting("ntp", state.Fact{Err: errors.New("timeout")})},
		{"setting that is absent", setting("ntp", state.Fact{})},
		{"setting that comes after a reboot", setting("power-restore", state.Fact{Value: state.Text("last-state"), AtReboot: true, Queued: "another one waits"})},
		{"setting that waits for a reboot", setting("power-restore", state.Fact{Value: state.Text("last-state"), Pending: state.Text("always-on"), AtReboot: true})},
		{"setting that a reboot is to undo", setting("power-restore", state.Fact{Value: state.Text("always-on"), Pending: state.Text("always-off"), AtReboot: true})},
		{"setting with one more", setting("dns", state.Fact{Value: state.Attr{Values: []string{"192.0.2.1", "192.0.2.2"}}})},
		{"an administrator that nobody declared", func(e *verify.Evidence) { e.BMC.Administrators = []string{"raiz", "eve", "RAIZ"} }},
		{"a second account of the factory's name", func(e *verify.Evidence) { e.BMC.Administrators = []string{"raiz", "root", "Root", "raiz "} }},
		{"nobody listed the accounts", func(e *verify.Evidence) { e.BMC.Administrators = nil }},
		{"accounts that could not be read", func(e *verify.Evidence) { e.BMC.AdministratorsErr = errors.New("timeout") }},
		{"accounts that are not listed", func(e *verify.Evidence) {
			e.BMC.AdministratorsErr = fmt.Errorf("no: %w", state.ErrUnsupported)
		}},
		{"setting that nobody reported on", func(e *verify.Evidence) { delete(e.BMC.Facts, "hostname") }},
	}
	for _, name := range slices.Sorted(maps.Keys(healthy().BMC.Facts)) {
		cases = append(cases, judged{"BMC has another " + name, setting(name, state.Fact{Value: state.Text("other")})})
	}
	return cases
}

// aroundCases are what others may have on a server.
func aroundCases() []judged {
	around := func(change func(*verify.Around)) func(*verify.Evidence) {
		return func(e *verify.Evidence) { change(e.Server.Around) }
	}
	unseen := func(part string) judged {
		return judged{"nobody could look at " + part, around(func(a *verify.Around) { a.Errs = map[string]error{part: errors.New("permission denied")} })}
	}
	declared := func(d verify.Declared) func(*verify.Evidence) {
		return func(e *verify.Evidence) { d.Asked = true; e.Declared = d }
	}
	key := func(name string) verdict.Arg { return verdict.Seen("key", name) }
	return []judged{
		{"a route that nobody declared", around(func(a *verify.Around) {
			a.Routes = append(a.Routes, server.Route{Table: 254, To: "203.0.113.0/24", Via: "192.0.2.18", Dev: "eno1"})
		})},
		{"a declared route is gone", around(func(a *verify.Around) { a.Routes = a.Routes[1:] })},
		{"what has no way out is not refused", around(func(a *verify.Around) { a.Routes = a.Routes[:7] })},
		{"a rule that nobody declared", around(func(a *verify.Around) {
			a.Rules = append(a.Rules, server.Rule{Family: 4, Table: 100, Not: true, To: "203.0.113.0/24", In: "eno1", Out: "eno2", Mark: 1, Mask: 255})
		})},
		{"a declared rule is gone", around(func(a *verify.Around) { a.Rules = a.Rules[1:] })},
		{"something listens", around(func(a *verify.Around) {
			a.Sockets = append(a.Sockets, server.Socket{Network: "tcp", At: netip.MustParseAddrPort("0.0.0.0:4444"), Program: "nc"}, server.Socket{Network: "udp", At: netip.MustParseAddrPort("[::]:22")},
				server.Socket{Network: "tcp", At: netip.MustParseAddrPort("0.0.0.0:40000"), Program: "nc"}, server.Socket{Network: "udp", At: netip.MustParseAddrPort("198.51.100.1:40000"), Program: "bird"})
		})},
		{"ports that the packs do not have", func(e *verify.Evidence) {
			e.Ports = e.Ports[:2]
			e.Server.Around.Sockets = append(e.Server.Around.Sockets, server.Socket{Network: "tcp", At: netip.MustParseAddrPort("0.0.0.0:179"), Program: "bird"})
		}},
		{"nobody knows the ports", func(e *verify.Evidence) { e.Ports, e.UnitsErr = nil, errors.New("no such pack") }},
		{"a second root", around(func(a *verify.Around) { a.Roots = append(a.Roots, "toor") })},
		{"root twice", around(func(a *verify.Around) { a.Roots = append(a.Roots, "root") })},
		{"a foreign key", around(func(a *verify.Around) {
			a.Keys = append(a.Keys, server.Key{User: "root", Fingerprint: "SHA256:theirs", Comment: "mallory"})
		})},
		{"an authority that signs keys", around(func(a *verify.Around) {
			a.Keys = append(a.Keys, server.Key{User: "root", Fingerprint: "CA SHA256:ours"})
		})},
		{"a failed unit", around(func(a *verify.Around) { a.Failed = []string{"logrotate.service"} })},
		{"a read-only disk", around(func(a *verify.Around) { a.Disks[0].ReadOnly = true })},
		{"a full disk", around(func(a *verify.Around) { a.Disks[0].Free = 1 << 20 })},
		{"a disk without room for files", around(func(a *verify.Around) { a.Disks[0].FreeFile = 10 })},
		{"a boot is waited for", around(func(a *verify.Around) { a.Reboot, a.Packages = true, []string{"linux-image-amd64"} })},
		unseen("network"), unseen("sockets"), unseen("accounts"), unseen("keys"), unseen("failed"), unseen("disks"), unseen("reboot"),
		{"nobody asked around", func(e *verify.Evidence) { e.Server.Around = nil }},
		{"files are otherwise", declared(verify.Declared{Otherwise: []verdict.Message{verdict.New("os.declared.change", key("file /etc/hosts"))}})},
		{"something else runs", declared(verify.Declared{Otherwise: []verdict.Message{verdict.New("os.declared.amiss", key("running /etc/nftables.conf"), verdict.AllSeen("lines", []string{"runs: accept"}))}})},
		{"a file cannot be seen", declared(verify.Declared{Unknown: []verdict.Message{verdict.New("os.declared.unknown", key("file /etc/hosts"), verdict.Error("error", errors.New("permission denied")))}})},
		{"nothing can be rendered", declared(verify.Declared{Err: errors.New("no such pack")})},
		{"nobody compared", func(e *verify.Evidence) { e.Declared = verify.Declared{} }},
	}
}

func systemCases() []judged {
	login := func(err error) func(*verify.Evidence) {
		return func(e *verify.Evidence) {
			*e = verify.Evidence{Units: e.Units, BMC: e.BMC, SSHErr: err, Router: e.Router, Outside: e.Outside}
		}
	}
	unit := func(name string, u server.UnitFact) func(*verify.Evidence) {
		return func(e *verify.Evidence) { e.Server.Units[name] = u }
	}
	address := func(iface, i int, change func(*server.AddressFact)) func(*verify.Evidence) {
		return func(e *verify.Evidence) { change(&e.Server.Links[iface].Addresses[i]) }
	}
	other := func(a *server.AddressFact) { a.Address = "203.0.113.9/24" }
	stopped := server.UnitFact{Load: "loaded", Active: "inactive", Sub: "dead", File: "enabled"}
	reply := func(from string, way server.Way) func(*verify.Evidence) {
		return func(e *verify.Evidence) { e.Server.Replies[addr(from)] = way }
	}
	return []judged{
		{"server has another host key", login(fmt.Errorf("ssh: %w", remote.ErrHostKey))},
		{"server refuses the login", login(fmt.Errorf("ssh: %w", remote.ErrAuth))},
		{"server does not answer", login(fmt.Errorf("ssh: %w", remote.ErrUnreachable))},
		{"nobody logged in", func(e *verify.Evidence) { e.Login = "" }},
		{"the look failed", func(e *verify.Evidence) { e.Server = verify.ServerEvidence{Err: errors.New("deadline")} }},
		{"nobody looked", func(e *verify.Evidence) { e.Server = verify.ServerEvidence{} }},
		{"management address is another", address(1, 0, other)},
		{"management address of IPv6 is another", address(1, 1, other)},
		{"address of the service link is another", address(2, 0, other)},
		{"address of the service link is on trial", address(2, 1, func(a *server.AddressFact) { a.Unusable = true })},
		{"service interface is gone", func(e *verify.Evidence) { e.Server.Links = e.Server.Links[:2] }},
		{"addresses cannot be read", func(e *verify.Evidence) { e.Server.NetworkErr = errors.New("ip: not found") }},
		{"an anycast address is not on the loopback", address(0, 1, other)},
		{"answers leave by the management link", reply("192.175.48.1", by("1.1.1.1/32", "192.0.2.17", "eno1", 254))},
		{"answers leave by one with a longer name", reply("2620:4f:8000::1", by("2001:4860:4860::8888/128", "", "eno2.7", 112))},
		{"the server does not say how answers leave", reply("192.175.48.1", server.Way{})},
		{"nobody looked how answers leave", func(e *verify.Evidence) { e.Server.Replies = nil }},
		{"firewall is down", unit("nftables.service", stopped)},
		{"the network is not managed", unit("systemd-networkd.service", stopped)},
		{"firewall is masked", unit("nftables.service", server.UnitFact{Load: "masked", Active: "inactive", Sub: "dead", File: "masked"})},
		{"a pack names no service", func(e *verify.Evidence) { delete(e.Units, "dns") }},
		{"packs cannot be read", func(e *verify.Evidence) { e.Units, e.UnitsErr = nil, errors.New("no pack bird") }},
		{"nothing leads out", reply("192.175.48.1", server.Way{Text: "way from 192.175.48.1 to 1.1.1.1: network is unreachable"})},
		{"firewall failed", unit("nftables.service", server.UnitFact{Load: "loaded", Active: "failed", Sub: "failed", File: "enabled"})},
		{"SSH is not enabled", unit("ssh.service", server.UnitFact{Load: "loaded", Active: "active", File: "disabled"})},
		{"time is not installed", unit("chrony.service", server.UnitFact{Load: "not-found", Active: "inactive"})},
		{"a unit nobody told of", func(e *verify.Evidence) { delete(e.Server.Units, "nftables.service") }},
		{"units cannot be read", func(e *verify.Evidence) { e.Server.Units, e.Server.UnitsErr = nil, errors.New("no bus") }},
		{"name server is down", unit("nsd.service", stopped)},
		{"nothing announces", unit("raiz-guard.service", stopped)},
		{"BIRD is down", unit("bird.service", stopped)},
		{"clock is free", func(e *verify.Evidence) { e.Server.Synced = false }},
		{"clock is late", func(e *verify.Evidence) { e.Server.Offset = -1500 * time.Millisecond }},
		{"clock does not tell", func(e *verify.Evidence) { e.Server.ClockErr = errors.New("506 Cannot talk to daemon") }},
	}
}

func dnsCases() []judged {
	at := func(network, address string, ask verify.Ask, change func(*dns.Msg)) func(*verify.Evidence) {
		return func(e *verify.Evidence) {
			on(e, network, address, ask, func(a *verify.Answer) { change(a.Msg) })
		}
	}
	soa := func(change func(*dns.Msg)) func(*verify.Evidence) {
		return at("udp", "192.175.48.1", verify.AskSOA, change)
	}
	silent := func(network, address string, ask verify.Ask) func(*verify.Evidence) {
		return func(e *verify.Evidence) {
			on(e, network, address, ask, func(a *verify.Answer) { *a = verify.Answer{Err: errors.New("no answer in 4 s")} })
		}
	}
	return []judged{
		{"UDP is silent", silent("udp", "192.175.48.1", verify.AskSOA)},
		{"TCP is silent", silent("tcp", "2620:4f:8000::42", verify.AskSOA)},
		{"nobody asked", func(e *verify.Evidence) { e.TCP = nil }},
		{"nobody answers by UDP", func(e *verify.Evidence) {
			for q, a := range e.Server.UDP {
				if q.Address == addr("192.175.48.1") {
					a.Msg, a.Err = nil, errors.New("no answer in 4 s")
					e.Server.UDP[q] = a
				}
			}
		}},
		{"every zone but one is refused", func(e *verify.Evidence) {
			for q, a := range e.Server.UDP {
				if q.Address == addr("192.175.48.1") && q.Ask == verify.AskSOA && q.Zone != zone {
					a.Msg.Rcode, a.Msg.Answer = dns.RcodeRefused, nil
				}
			}
		}},
		{"one zone was not asked for", func(e *verify.Evidence) { delete(e.Server.UDP, asking("192.175.48.1", "udp", verify.AskSOA)) }},
		{"truncated", soa(func(m *dns.Msg) { m.Truncated = true })},
		{"zone is not loaded", soa(func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure })},
		{"not authoritative", soa(func(m *dns.Msg) { m.Authoritative = false })},
		{"no SOA", soa(func(m *dns.Msg) { m.Answer = nil })},
		{"signature has expired", soa(func(m *dns.Msg) { m.Answer = append(m.Answer, signature(zone, -2*time.Hour, -time.Hour)) })},
		{"signature is of tomorrow", soa(func(m *dns.Msg) { m.Answer = append(m.Answer, signature(zone, 24*time.Hour, 48*time.Hour)) })},
		{"no NSID", soa(func(m *dns.Msg) { m.Extra = nil })},
		{"offers recursion", soa(func(m *dns.Msg) { m.RecursionAvailable = true })},
		{"another copy answers", soa(func(m *dns.Msg) { *m = *reply(verify.AskSOA, "eze1.as112.example.net") })},
		{"hostname.bind is another", at("udp", "192.175.48.1", verify.AskHostname, func(m *dns.Msg) { *m = *reply(verify.AskHostname, "other") })},
		{"hostname.bind is refused", at("udp", "192.175.48.1", verify.AskHostname, func(m *dns.Msg) { m.Answer, m.Rcode = nil, dns.RcodeRefused })},
		{"id.server is silent", silent("tcp", "192.175.48.1", verify.AskServer)},
		{"resolves for others", at("tcp", "192.175.48.1", verify.AskElsewhere, func(m *dns.Msg) { *m = *reply(verify.AskHostname, "an answer") })},
		{"would resolve for others", at("tcp", "192.175.48.1", verify.AskElsewhere, func(m *dns.Msg) { m.RecursionAvailable = true })},
		{"a name elsewhere is not refused, but lost", silent("tcp", "192.175.48.1", verify.AskElsewhere)},
	}
}

func bgpCases() []judged {
	session := func(i int, change func(*verify.Session)) func(*verify.Evidence) {
		return func(e *verify.Evidence) { change(&e.Server.Sessions[i]) }
	}
	route := func(change func(*verify.Route)) func(*verify.Evidence) {
		return session(0, func(s *verify.Session) { change(&s.Exports[0]) })
	}
	leak := verify.Route{Prefix: prefix("0.0.0.0/0")}
	learnt := func(change func(*verify.RouterEvidence)) func(*verify.Evidence) {
		return func(e *verify.Evidence) { change(&e.Router) }
	}
	return []judged{
		{"a session that nobody declared", func(e *verify.Evidence) {
			e.Server.Sessions = append(e.Server.Sessions, verify.Session{Name: "friend", Neighbor: addr("203.0.113.9"), State: "Active"})
		}},
		{"a session is missing", func(e *verify.Evidence) { e.Server.Sessions = e.Server.Sessions[:1] }},
		{"a session is down", session(1, func(s *verify.Session) { s.State, s.Error = "Active", "Socket: Connection refused" })},
		{"a session was switched off", session(1, func(s *verify.Session) { s.State = "Down" })},
		{"a session with another AS", session(0, func(s *verify.Session) { s.PeerAS = 64501 })},
		{"a router sends no default route", session(0, func(s *verify.Session) { s.Imports = nil })},
		{"a router's routes are taken", session(1, func(s *verify.Session) { s.Imports = append(s.Imports, prefix("2001:db8::/32")) })},
		{"BIRD does not tell what it takes", session(0, func(s *verify.Session) { s.Imports, s.ImportsErr = nil, errors.New("no socket") })},
		{"the pack does not tell what is taken", func(e *verify.Evidence) { e.Looks = nil }},
		{"BIRD does not tell its sessions", func(e *verify.Evidence) { e.Server.Sessions, e.Server.SessionsErr = nil, errors.New("no socket") }},
		{"BIRD does not tell what it exports", session(0, func(s *verify.Session) { s.Exports, s.ExportsErr = nil, errors.New("no socket") })},
		{"BIRD has no session", func(e *verify.Evidence) { e.Server.Sessions = nil }},
		{"nothing is exported", session(0, func(s *verify.Session) { s.Exports = nil })},
		{"more is exported", session(1, func(s *verify.Session) { s.Exports = append(s.Exports, verify.Route{Prefix: prefix("2001:db8::/32")}) })},
		{"a part is exported", route(func(r *verify.Route) { r.Prefix = prefix("192.175.48.0/25") })},
		{"a path is not empty", route(func(r *verify.Route) { r.ASPath = []site.ASN{64512} })},
		{"it is tagged", route(func(r *verify.Route) { r.Communities = []string{"65535:65281"} })},
		{"it is draining", route(func(r *verify.Route) { r.Communities = []string{"65535:0"} })},
		{"nobody looks at the router", learnt(func(r *verify.RouterEvidence) { *r = verify.RouterEvidence{} })},
		{"the router does not answer", learnt(func(r *verify.RouterEvidence) { *r = verify.RouterEvidence{Asked: true, Err: errors.New("refused")} })},
		{"the router has learnt nothing", learnt(func(r *verify.RouterEvidence) { r.Routes = nil })},
		{"the router has learnt more", learnt(func(r *verify.RouterEvidence) { r.Routes = append(r.Routes, leak) })},
		{"the router has refused a block", learnt(func(r *verify.RouterEvidence) { r.Routes[0].Refused = true })},
		{"the router has refused what is not ours", learnt(func(r *verify.RouterEvidence) {
			leaked := leak
			leaked.Refused = true
			r.Routes = append(r.Routes, leaked)
		})},
		{"somebody else has learnt what is not ours", learnt(func(r *verify.RouterEvidence) {
			leaked := leak
			leaked.Neighbor = "edge9"
			r.Routes = append(r.Routes, leaked)
		})},
		{"the router sends a block's traffic elsewhere", learnt(func(r *verify.RouterEvidence) { r.Routes[0].NextHop = netip.MustParseAddr("203.0.113.9") })},
		{"the router has learnt a metric", learnt(func(r *verify.RouterEvidence) { r.Routes[0].MED = "5" })},
		{"the router has learnt an origin that is incomplete", learnt(func(r *verify.RouterEvidence) { r.Routes[0].Origin = "Incomplete" })},
		{"another neighbor has learnt a block", learnt(func(r *verify.RouterEvidence) { r.Routes[0].Neighbor = "edge9" })},
		{"the router has learnt another origin", learnt(func(r *verify.RouterEvidence) { r.Routes[0].ASPath = []site.ASN{112, 64512} })},
		{"the router has it a second time, by another way", learnt(func(r *verify.RouterEvidence) {
			r.Routes = append(r.Routes, verify.Route{Prefix: prefix("192.175.48.0/24"), ASPath: []site.ASN{65001, 112}})
		})},
		{"nobody asks from outside", func(e *verify.Evidence) { e.Outside = verify.OutsideEvidence{} }},
		{"another copy answers outside", func(e *verify.Evidence) {
			e.Outside.Answers[asking("192.175.48.1", "udp", verify.AskSOA)] = verify.Answer{Msg: reply(verify.AskSOA, "eze1.as112.example.net"), At: answered}
		}},
		{"outside it is not authoritative", func(e *verify.Evidence) {
			e.Outside.Answers[asking("192.175.48.1", "udp", verify.AskSOA)].Msg.Authoritative = false
		}},
		{"the router filters the block, and nobody answers outside", func(e *verify.Evidence) {
			e.Router.Routes = nil
			for q := range e.Outside.Answers {
				e.Outside.Answers[q] = verify.Answer{Err: errors.New("no answer in 4 s")}
			}
		}},
		{"nobody answers outside", func(e *verify.Evidence) {
			e.Outside.Answers[asking("192.175.48.1", "tcp", verify.AskSOA)] = verify.Answer{Err: errors.New("no answer in 4 s")}
		}},
		{"nothing was seen at all", func(e *verify.Evidence) { *e = verify.Evidence{} }},
	}
}

package verify

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// foreignRoutes are routes and rules that nobody has declared, and those that are
// declared and not there.
func foreignRoutes(s *site.Site, e Evidence, a *Around) []verdict.Message {
	routes, rules := declaredRoutes(s, e), declaredRules(s, e.Table)
	var out []verdict.Message
	for _, r := range a.Routes {
		if !slices.ContainsFunc(routes, func(d server.Route) bool { return sameRoute(d, r) }) {
			out = append(out, verdict.New("os.route.foreign", verdict.Seen("route", routeWords(r))))
		}
	}
	for _, d := range routes {
		if !slices.ContainsFunc(a.Routes, func(r server.Route) bool { return sameRoute(d, r) }) {
			out = append(out, verdict.New("os.route.missing", verdict.Seen("route", routeWords(d))))
		}
	}
	for _, r := range a.Rules {
		if !slices.Contains(rules, bareRule(r)) {
			out = append(out, verdict.New("os.rule.foreign", verdict.Seen("rule", ruleWords(r))))
		}
	}
	for _, d := range rules {
		if !slices.ContainsFunc(a.Rules, func(r server.Rule) bool { return bareRule(r) == d }) {
			out = append(out, verdict.New("os.rule.missing", verdict.Seen("rule", ruleWords(d))))
		}
	}
	return out
}

// unreachable is the type of a route that has what finds no better one refused
// (rtnetlink(7)).
const unreachable = 7

// sameRoute compares what a site declares of a route.
func sameRoute(d, r server.Route) bool {
	if d.Type == unreachable || r.Type == unreachable {
		return d.Type == r.Type && d.Table == r.Table && d.To == r.To // it leads to no link
	}
	return d.Table == r.Table && d.To == r.To && d.Via == r.Via && d.Dev == r.Dev
}

// routeWords are a route as ip(8) takes it.
func routeWords(r server.Route) string {
	words := []string{r.To}
	if r.Type == unreachable {
		words = []string{"unreachable", r.To}
	}
	for _, w := range [][2]string{{"via", r.Via}, {"dev", r.Dev}, {"table", fmt.Sprint(r.Table)}} {
		if w[1] != "" {
			words = append(words, w[0], w[1])
		}
	}
	return strings.Join(words, " ")
}

// declaredRoutes are the ways out by the management, and what the table of the
// service link begins with.
func declaredRoutes(s *site.Site, e Evidence) []server.Route {
	var out []server.Route
	everywhere := func(a netip.Addr) string {
		if a.Is4() {
			return "0.0.0.0/0"
		}
		return "::/0"
	}
	name := func(i site.Interface) string {
		l, _ := linkOf(e.Server, i.Device())
		return l.Name
	}
	for _, g := range s.Server.Management.Gateways {
		out = append(out, server.Route{Table: server.MainTable, To: everywhere(g), Via: g.String(), Dev: name(s.Server.Management)})
	}
	// What is answered from the service addresses leaves by no other link.
	families := map[string]bool{}
	for _, a := range s.ServiceAddresses() {
		families[everywhere(a)] = true
	}
	for _, to := range slices.Sorted(maps.Keys(families)) {
		out = append(out, server.Route{Table: e.Table, To: to, Type: unreachable})
	}
	link := name(s.Server.Service)
	for _, p := range s.Server.Service.Addresses {
		out = append(out, server.Route{Table: e.Table, To: p.Masked().String(), Dev: link})
		if g, ok := neighborIn(s, p); ok {
			out = append(out, server.Route{Table: e.Table, To: everywhere(g), Via: g.String(), Dev: link})
		}
	}
	return out
}

// neighborIn is the first neighbor within a subnet.
func neighborIn(s *site.Site, p netip.Prefix) (netip.Addr, bool) {
	for _, n := range s.BGP.Neighbors {
		for _, a := range n.Addresses {
			if p.Contains(a) {
				return a, true
			}
		}
	}
	return netip.Addr{}, false
}

// declaredRules send what the server answers out by the service link.
func declaredRules(s *site.Site, table int) []server.Rule {
	var out []server.Rule
	add := func(a netip.Addr) {
		out = append(out, server.Rule{Family: familyOf(a), From: whole(a).String(), Table: table})
	}
	for _, a := range s.ServiceAddresses() {
		add(a)
	}
	for _, p := range s.Server.Service.Addresses {
		add(p.Addr())
	}
	return out
}

func familyOf(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 6
}

// bareRule is a rule without what its place and its author decide.
func bareRule(r server.Rule) server.Rule {
	r.Priority, r.Protocol = 0, 0
	return r
}

func ruleWords(r server.Rule) string {
	words := []string{"from", r.From}
	if r.From == "" {
		words[1] = "all"
	}
	if r.Not {
		words = append([]string{"not"}, words...)
	}
	for _, w := range [][2]string{{"to", r.To}, {"iif", r.In}, {"oif", r.Out}} {
		if w[1] != "" {
			words = append(words, w[0], w[1])
		}
	}
	if r.Mark != 0 {
		words = append(words, "fwmark", fmt.Sprintf("%#x/%#x", r.Mark, r.Mask))
	}
	return strings.Join(append(words, "table", fmt.Sprint(r.Table)), " ")
}

// firstClient is where the ports begin that the kernel chooses for who asks for
// none (net.ipv4.ip_local_port_range). Of UDP a client without another side, such
// as the sending half of BFD, looks like a server; the firewall lets nobody in.
const firstClient = 32768

// foreignSockets take something that nobody has declared.
func foreignSockets(s *site.Site, e Evidence, a *Around) []verdict.Message {
	declared := append(slices.Clone(e.Ports), portName("tcp", s.Server.SSH.Port))
	for _, agent := range s.Server.Agents {
		for _, l := range agent.Listens {
			declared = append(declared, portName(l.Network, l.Port))
		}
	}
	var out []verdict.Message
	for _, x := range a.Sockets {
		if x.Network == "udp" && x.At.Port() >= firstClient {
			continue
		}
		if !slices.Contains(declared, portName(x.Network, x.At.Port())) {
			out = append(out, verdict.New("os.socket.foreign", verdict.Seen("network", x.Network), verdict.Seen("at", x.At.String()), verdict.Seen("program", x.Program)))
		}
	}
	return out
}

func portName(network string, port uint16) string { return fmt.Sprintf("%s/%d", network, port) }

func foreignAccounts(_ *site.Site, _ Evidence, a *Around) []verdict.Message {
	var out []verdict.Message
	roots := 0
	for _, name := range a.Roots {
		if name == "root" {
			roots++
		}
		if name != "root" || roots > 1 {
			out = append(out, verdict.New("os.account.foreign", verdict.Seen("name", name)))
		}
	}
	return out
}

// foreignKeys may log in and are neither declared nor the one that raiz came
// with.
func foreignKeys(s *site.Site, e Evidence, a *Around) []verdict.Message {
	declared := slices.Concat(e.LoginKeys, s.Server.SSH.Keys)
	for _, agent := range s.Server.Agents {
		declared = append(declared, agent.Keys...)
	}
	var out []verdict.Message
	for _, k := range a.Keys {
		if !slices.Contains(declared, k.Fingerprint) {
			out = append(out, verdict.New("os.key.foreign", verdict.Seen("user", k.User), verdict.Seen("key", k.Fingerprint), verdict.Seen("comment", k.Comment)))
		}
	}
	return out
}

// failedUnits leaves out those of agents: who runs them looks after them.
func failedUnits(s *site.Site, _ Evidence, a *Around) []verdict.Message {
	var out []verdict.Message
	for _, u := range a.Failed {
		if !slices.ContainsFunc(s.Server.Agents, func(x site.Agent) bool { return slices.Contains(x.Units, u) }) {
			out = append(out, verdict.New("os.unit.failed", verdict.Unit("unit", u)))
		}
	}
	return out
}

// What is left of a disk that is still enough: for a change, and for logs until
// somebody comes.
const (
	leastShare = 20 // a twentieth
	leastBytes = 64 << 20
)

// fullDisks cannot be written, or have no room soon.
func fullDisks(_ *site.Site, _ Evidence, a *Around) []verdict.Message {
	var out []verdict.Message
	for _, d := range a.Disks {
		path := verdict.Seen("path", d.Path)
		switch {
		case d.ReadOnly:
			out = append(out, verdict.New("os.disk.read-only", path))
		case d.Bytes > 0 && (d.Free < d.Bytes/leastShare || d.Free < min(leastBytes, d.Bytes/2)):
			out = append(out, verdict.New("os.disk.full", path))
		case d.Files > 0 && d.FreeFile < d.Files/leastShare:
			out = append(out, verdict.New("os.disk.files", path))
		}
	}
	return out
}

func waitsForBoot(_ *site.Site, _ Evidence, a *Around) []verdict.Message {
	if !a.Reboot {
		return nil
	}
	return []verdict.Message{verdict.New("os.reboot.waits", verdict.AllSeen("packages", a.Packages))}
}

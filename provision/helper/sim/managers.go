package sim

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/raiz-dns/raiz/provision/server"
)

const ifstate = "/run/network/ifstate"

// stanza is what /etc/network/interfaces says of a link (interfaces(5)).
type stanza struct {
	link             string
	auto, dhcp       bool
	address, gateway string
	up               [][]string // commands, in words
}

// stanzas reads the files of ifupdown.
func (m *Machine) stanzas() []stanza {
	texts := []*blob{m.disk.read("/etc/network/interfaces")}
	for _, e := range m.disk.list("/etc/network/interfaces.d") {
		if strings.HasPrefix(e.name, ".") {
			continue // wordexp(3): * does not match it
		}
		texts = append(texts, m.disk.read("/etc/network/interfaces.d/"+e.name))
	}
	var out []stanza
	at := func(link string) *stanza {
		i := slices.IndexFunc(out, func(s stanza) bool { return s.link == link })
		if i < 0 {
			out = append(out, stanza{link: link})
			i = len(out) - 1
		}
		return &out[i]
	}
	for _, text := range texts {
		if text == nil {
			continue
		}
		var s *stanza
		for line := range strings.Lines(string(text.data)) {
			f := strings.Fields(line)
			switch {
			case len(f) >= 2 && (f[0] == "auto" || f[0] == "allow-hotplug"):
				at(f[1]).auto = true
			case len(f) == 4 && f[0] == "iface":
				s = at(f[1])
				s.dhcp = f[3] == "dhcp"
			case len(f) == 2 && f[0] == "address" && s != nil:
				s.address = f[1]
			case len(f) == 2 && f[0] == "gateway" && s != nil:
				s.gateway = f[1]
			case len(f) > 1 && f[0] == "up" && s != nil:
				s.up = append(s.up, f[1:])
			}
		}
	}
	return slices.DeleteFunc(out, func(s stanza) bool { return s.link == "lo" || s.address == "" && !s.dhcp })
}

func (m *Machine) inState(link string) bool {
	b := m.disk.read(ifstate)
	return b != nil && slices.Contains(strings.Fields(string(b.data)), link+"="+link)
}

// setState has ifstate list a link, or not.
func (m *Machine) setState(link string, listed bool) {
	lines := []string{"lo=lo"}
	if b := m.disk.read(ifstate); b != nil {
		lines = strings.Fields(string(b.data))
	}
	lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, link+"=") })
	if listed {
		lines = append(lines, link+"="+link)
	}
	_ = m.disk.put(ifstate, strings.Join(lines, "\n")+"\n")
}

// ifupAll is `ifup -a`. An address or a default route that is there already
// makes it fail ("failed to bring up eno1"), and the rest is not set.
func (m *Machine) ifupAll() (err error) {
	m.setState("lo", true)
	for _, s := range m.stanzas() {
		if s.auto && !m.inState(s.link) {
			err = errors.Join(err, m.ifup(s))
		}
	}
	return err
}

var errIfup = errors.New("failed to bring up eno1")

func (m *Machine) ifup(s stanza) error {
	a := address{prefix: s.address, by: ifupdownUnit}
	if s.dhcp {
		a.prefix, a.ends, s.gateway = leased, m.now+lease, realGateway
		m.net.dhclient[s.link] = true
		_ = m.disk.put("/run/dhclient."+s.link+".pid", "4711\n")
		if l := m.net.link(s.link); l != nil && l.find(a.prefix) != nil {
			l.find(a.prefix).ends = a.ends // dhclient-script replaces
		}
	}
	if err := m.net.addAddress(s.link, a); err != nil && !s.dhcp {
		return errIfup
	}
	if s.gateway != "" {
		r := route{by: ifupdownUnit}
		r.To, r.Via, r.Dev, r.Protocol, r.OnLink = anywhere, s.gateway, s.link, byBoot, !s.dhcp
		if err := m.net.addRouteAlone(r); err != nil && !s.dhcp {
			return errIfup
		}
	}
	for _, argv := range s.up {
		if err := m.ip(argv); err != nil {
			return errIfup
		}
	}
	m.setState(s.link, true)
	_ = m.disk.put("/run/network/ifstate."+s.link, s.link+"\n")
	return nil
}

// ip is `ip addr add PREFIX dev LINK`, `ip route add default via GATEWAY dev LINK
// table TABLE` or `ip rule add from ADDRESS table TABLE`.
func (m *Machine) ip(argv []string) error {
	word := func(after string) string {
		if i := slices.Index(argv, after); i >= 0 && i+1 < len(argv) {
			return argv[i+1]
		}
		return ""
	}
	table, _ := strconv.Atoi(word("table"))
	switch argv[1] {
	case "addr":
		return m.net.addAddress(word("dev"), address{prefix: word("add"), by: ifupdownUnit})
	case "route":
		r := route{by: ifupdownUnit}
		r.Table, r.To, r.Via, r.Dev, r.Protocol = table, anywhere, word("via"), word("dev"), byBoot
		return m.net.addRoute(r)
	}
	m.net.rules = append(m.net.rules, server.Rule{Family: 4, Priority: 32765, From: word("from"), Table: table, Protocol: byBoot})
	return nil
}

// ifdownAll is `ifdown -a`: whatever ifstate lists and a stanza tells of loses
// its addresses, whoever has set them since.
func (m *Machine) ifdownAll() {
	for _, s := range m.stanzas() {
		if m.inState(s.link) {
			m.ifdown(s.link)
		}
	}
}

func (m *Machine) ifdown(link string) {
	m.net.flush(link)
	m.stopDHCP(link)
	m.setState(link, false)
	_ = m.disk.remove("/run/network/ifstate." + link)
}

func (m *Machine) stopDHCP(link string) {
	delete(m.net.dhclient, link)
	_ = m.disk.remove("/run/dhclient." + link + ".pid")
}

// profile is a connection of NetworkManager.
type profile struct{ uuid, link, address, gateway string }

func (m *Machine) profiles() []profile {
	const dir = "/etc/NetworkManager/system-connections"
	var out []profile
	for _, e := range m.disk.list(dir) {
		text := m.disk.read(dir + "/" + e.name)
		if text == nil || !strings.HasSuffix(e.name, ".nmconnection") {
			continue
		}
		p := profile{uuid: setting(text, "uuid"), link: setting(text, "interface-name")}
		p.address, p.gateway, _ = strings.Cut(setting(text, "address1"), ",")
		out = append(out, p)
	}
	return out
}

// unmanaged reports whether NetworkManager leaves a link alone: by conf.d, or
// because /etc/network/interfaces names it (Debian: [ifupdown] managed=false).
func (m *Machine) unmanaged(link string) bool {
	const dir = "/etc/NetworkManager/conf.d"
	for _, e := range m.disk.list(dir) {
		if !strings.HasSuffix(e.name, ".conf") {
			continue
		}
		if text := m.disk.read(dir + "/" + e.name); text != nil && strings.Contains(setting(text, "unmanaged-devices"), "interface-name:"+link) {
			return true
		}
	}
	return slices.ContainsFunc(m.stanzas(), func(s stanza) bool { return s.link == link })
}

const nmDevice = "/run/NetworkManager/devices/2"

// startNM takes up what it has written down of a link; what is configured and
// not written down it calls external, and does not touch.
func (m *Machine) startNM() {
	m.disk.passingDir("/run/NetworkManager")
	m.disk.passingDir("/run/NetworkManager/devices")
	if m.unmanaged("eno1") {
		_ = m.disk.put(nmDevice, "[device]\nmanaged=false\n")
		return
	}
	l := m.net.link("eno1")
	for _, p := range m.profiles() {
		b := m.disk.read(nmDevice)
		known := b != nil && setting(b, "connection-uuid") == p.uuid
		if p.link == "eno1" && (len(l.addresses) == 0 || known) {
			m.connect(p)
			return
		}
	}
	_ = m.disk.put(nmDevice, "[device]\nmanaged=true\nconnection-uuid=external\n")
}

// reloadNM reads conf.d anew.
func (m *Machine) reloadNM() {
	if m.unmanaged("eno1") {
		_ = m.disk.put(nmDevice, "[device]\nmanaged=false\n")
	}
}

// connect activates a profile: addresses without connected routes, and routes
// of its own with metric 100.
func (m *Machine) connect(p profile) {
	m.net.flush(p.link)
	l := m.net.link(p.link)
	l.addresses = append(l.addresses, address{prefix: p.address, by: nmUnit, noRoute: true})
	if prefix, err := netip.ParsePrefix(p.address); err == nil {
		r := route{by: nmUnit}
		r.To, r.Dev, r.Protocol, r.Metric, r.Source, r.Scope = prefix.Masked().String(), p.link, byKernel, 100, prefix.Addr().String(), 253
		_ = m.net.addRoute(r)
	}
	r := route{by: nmUnit}
	r.To, r.Via, r.Dev, r.Protocol, r.Metric = anywhere, p.gateway, p.link, byStatic, 100
	_ = m.net.addRoute(r)
	_ = m.disk.put(nmDevice, "[device]\nmanaged=true\nconnection-uuid="+p.uuid+"\n")
}

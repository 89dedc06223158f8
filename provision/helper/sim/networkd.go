package sim

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lease is how long an address by DHCP lives.
const lease = 600 * time.Second

// What the DHCP server of the site gives, and the router that leads out.
const (
	leased      = "192.0.2.30/28"
	realGateway = "192.0.2.17"
)

// Managers of links, by their units.
const (
	networkdUnit = "systemd-networkd.service"
	ifupdownUnit = "networking.service"
	nmUnit       = "NetworkManager.service"
)

func managerOf(unit string) string {
	switch unit {
	case networkdUnit, ifupdownUnit, nmUnit:
		return unit
	}
	return ""
}

// startManager is what a start does besides reading files.
func (m *Machine) startManager(unit string) error {
	switch unit {
	case networkdUnit:
		m.startNetworkd()
	case ifupdownUnit:
		return m.ifupAll()
	case nmUnit:
		m.startNM()
	}
	return nil
}

// stopManager: networkd and NetworkManager leave addresses and routes; stopping
// networking takes down what ifstate lists.
func (m *Machine) stopManager(unit string) {
	switch unit {
	case networkdUnit:
		m.net.networkd = nil
	case ifupdownUnit:
		m.ifdownAll()
	}
}

func (m *Machine) reloadManager(unit string) {
	switch unit {
	case networkdUnit:
		m.reloadNetworkd()
	case nmUnit:
		m.reloadNM()
	}
}

// networkFile finds the file of a link: by name over all directories, and of
// equal names the one in /etc (systemd.network(5)).
func (m *Machine) networkFile(l *link) linkFile {
	var names []string
	dirs := [...]string{"/etc/systemd/network", "/run/systemd/network"}
	for _, dir := range dirs {
		for _, e := range m.disk.list(dir) {
			if strings.HasSuffix(e.name, ".network") && !slices.Contains(names, e.name) {
				names = append(names, e.name)
			}
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, dir := range dirs {
			text := m.disk.read(dir + "/" + name)
			if text == nil {
				continue
			}
			if setting(text, "Name") == l.name || l.mac != "" && setting(text, "MACAddress") == l.mac {
				return linkFile{dir + "/" + name, text}
			}
			break
		}
	}
	return linkFile{}
}

// startNetworkd adopts equal addresses and leaves what is foreign (seen on
// 252: the old default route goes on winning), but for rules of routing, of which
// it has none (ManageForeignRoutingPolicyRules= in networkd.conf(5)).
func (m *Machine) startNetworkd() {
	m.net.rules = nil
	m.net.networkd = map[string]linkFile{}
	for i := range m.net.links {
		l := &m.net.links[i]
		m.configure(l, m.networkFile(l))
	}
}

// reloadNetworkd configures links whose file has changed anew: all that is on
// them goes, and what is declared comes.
func (m *Machine) reloadNetworkd() {
	for i := range m.net.links {
		l := &m.net.links[i]
		f := m.networkFile(l)
		if f == m.net.networkd[l.name] {
			continue
		}
		m.reconfigure(l, f)
	}
}

func (m *Machine) reconfigure(l *link, f linkFile) {
	if f.text == nil {
		m.dropOwn(l)
	} else {
		m.dropAll(l, f)
	}
	m.configure(l, f)
}

// dropOwn takes away what networkd has set.
func (m *Machine) dropOwn(l *link) {
	for _, a := range slices.Clone(l.addresses) {
		if a.by == networkdUnit {
			_ = m.net.delAddress(l.name, a.prefix)
		}
	}
	m.net.routes = slices.DeleteFunc(m.net.routes, func(r route) bool { return r.Dev == l.name && r.by == networkdUnit })
}

// dropAll takes everything away, but for an equal address without a connected
// route, which stays as it is: NetworkManager's (seen: locked out).
func (m *Machine) dropAll(l *link, f linkFile) {
	wanted := settings(f.text, "Address")
	l.addresses = slices.DeleteFunc(l.addresses, func(a address) bool {
		return !a.noRoute || !slices.Contains(wanted, a.prefix)
	})
	m.net.routes = slices.DeleteFunc(m.net.routes, func(r route) bool { return r.Dev == l.name })
}

// configure sets what a file declares.
func (m *Machine) configure(l *link, f linkFile) {
	m.net.networkd[l.name] = f
	state := "/run/systemd/netif/links/" + strconv.Itoa(l.index)
	if f.text == nil {
		_ = m.disk.put(state, "ADMIN_STATE=unmanaged\n")
		return
	}
	if !l.up && !withoutCarrier(f) {
		_ = m.disk.put(state, "ADMIN_STATE=configuring\nNETWORK_FILE="+f.path+"\n")
		return
	}
	addresses, gateways := settings(f.text, "Address"), settings(f.text, "Gateway")
	life := time.Duration(0)
	if d := setting(f.text, "DHCP"); d == "yes" || d == "ipv4" {
		addresses, gateways = append(slices.Clone(addresses), leased), append(slices.Clone(gateways), realGateway)
		life = m.now + lease
	}
	for _, a := range addresses {
		if have := l.find(a); have != nil {
			have.by = networkdUnit
			if setting(f.text, "KeepConfiguration") != "yes" {
				have.ends = life
			}
			continue
		}
		l.addresses = append(l.addresses, address{prefix: a, by: networkdUnit, ends: life})
	}
	set := "configured"
	for _, g := range gateways {
		r := route{by: networkdUnit}
		r.To, r.Via, r.Dev, r.Protocol = anywhere, g, l.name, byStatic
		if err := m.net.addRoute(r); err != nil && !m.hasRoute(l, g) {
			set = "configuring"
		}
	}
	_ = m.disk.put(state, "ADMIN_STATE="+set+"\nNETWORK_FILE="+f.path+"\n")
}

// withoutCarrier reports whether networkd leaves a link alone that loses its
// carrier, and configures one that has none (systemd.network(5)).
func withoutCarrier(f linkFile) bool { return setting(f.text, "ConfigureWithoutCarrier") == "yes" }

func (m *Machine) hasRoute(l *link, via string) bool {
	return slices.ContainsFunc(m.net.routes, func(r route) bool {
		return r.Dev == l.name && r.Via == via && r.Protocol == byStatic && r.Metric == 0
	})
}

// renews reports whether somebody prolongs the lease of a link.
func (m *Machine) renews(link string) bool {
	if m.net.dhclient[link] {
		return true
	}
	f := m.net.networkd[link]
	if m.net.networkd == nil || f.text == nil {
		return false
	}
	d := setting(f.text, "DHCP")
	return d == "yes" || d == "ipv4"
}

// generate is netplan's generator, which runs at each boot and each reload of
// systemd: it writes files of networkd, and has networkd started.
func (m *Machine) generate() {
	const made, want = "/run/systemd/network/10-netplan-eno1.network", "/run/systemd/system/multi-user.target.wants/" + networkdUnit
	var text *blob
	for _, e := range m.disk.list("/etc/netplan") {
		if strings.HasSuffix(e.name, ".yaml") {
			text = m.disk.read(path.Join("/etc/netplan", e.name))
		}
	}
	if text == nil {
		_ = m.disk.remove(made)
		_ = m.disk.remove(want)
		return
	}
	out := "[Match]\nName=eno1\n[Network]\n"
	for line := range strings.Lines(string(text.data)) {
		switch f := strings.Fields(line); {
		case len(f) == 2 && f[0] == "-" && strings.Contains(f[1], "/"):
			out += "Address=" + f[1] + "\n"
		case len(f) == 2 && f[0] == "via:":
			out += "Gateway=" + f[1] + "\n"
		case len(f) == 2 && f[0] == "dhcp4:" && f[1] == "true":
			out += "DHCP=ipv4\n"
		}
	}
	if have := m.disk.read(made); have == nil || string(have.data) != out {
		_ = m.disk.put(made, out)
	}
	m.disk.passingDir("/run/systemd/system/multi-user.target.wants")
	_ = m.disk.symlink("/usr/lib/systemd/system/"+networkdUnit, want)
}

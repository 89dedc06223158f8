package sim

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/raiz-dns/raiz/provision/helper"
)

// Start is who runs the network before the first apply.
type Start string

// The starting states. Those with a lease have their address by DHCP.
const (
	FromNetworkd       Start = "networkd"
	FromNetworkdLease  Start = "networkd-lease"
	FromIfupdown       Start = "ifupdown"
	FromIfupdownLease  Start = "ifupdown-lease"
	FromNetplan        Start = "netplan"
	FromNetplanLease   Start = "netplan-lease"
	FromNetworkManager Start = "networkmanager"
	FromCloudInit      Start = "cloud-init"
	// FromIfupdownMore has a second address, a table of its own and a rule.
	FromIfupdownMore Start = "ifupdown-more"
)

// Starts are all of them from which every scenario is explored.
func Starts() []Start {
	return []Start{FromNetworkd, FromNetworkdLease, FromIfupdown, FromIfupdownLease, FromNetplan, FromNetplanLease, FromNetworkManager, FromCloudInit}
}

// oldAddress is where the server answers before the first apply.
const oldAddress = "192.0.2.30"

const install = "[Install]\nWantedBy=multi-user.target\n"

// vendor are the units that Debian's packages bring. What a program reads is
// said in X-Config.
func vendor() map[string]string {
	return map[string]string{
		networkdUnit:   "[Service]\nX-Kind=network\n" + install,
		ifupdownUnit:   "[Service]\nX-Kind=network\nX-Reload=no\n" + install,
		nmUnit:         "[Service]\nX-Kind=network\n" + install,
		"nsd.service":  "[Service]\nX-Config=/etc/nsd/nsd.conf\n" + install,
		"knot.service": "[Service]\nX-Config=/etc/knot/knot.conf\n" + install,
		"bird.service": "[Service]\nX-Config=/etc/bird/bird.conf\n" + install,
		rulesUnit:      "[Service]\nX-Config=" + rulesFile + "\n" + install,
		"ssh.service":  "[Service]\n" + install,
		sysctlUnit:     "[Service]\nX-Reload=no\nX-Config=-" + sysctlFile + "\n" + install,
	}
}

// newServer is the disk of a server that was just installed.
func newServer(s Start) *disk {
	d := newDisk()
	for name, text := range vendor() {
		d.mustPut("/usr/lib/systemd/system/"+name, text)
	}
	for _, name := range []string{"ssh.service", "nsd.service", "bird.service", rulesUnit, sysctlUnit} {
		d.want(name)
	}
	d.mustPut("/etc/nsd/nsd.conf", "server:\n\t# Debian's\n")
	d.mustPut("/etc/bird/bird.conf", "# Debian's\n")
	d.mustPut("/etc/knot/knot.conf", "# Debian's\n")
	d.mustPut(rulesFile, clears+"Debian's\n")
	d.mustPut("/etc/hostname", "debian\n")
	for _, dir := range []string{"/etc/systemd/network", "/etc/network/interfaces.d", "/etc/NetworkManager/conf.d", "/etc/NetworkManager/system-connections", "/etc/netplan", "/var/lib/nsd", "/usr/local/lib/raiz", "/root/.ssh", "/tmp"} {
		d.mustDir(dir)
	}
	d.mustPut(planted, operatorsKey)
	d.own("/etc/bird", "bird", 0o755)
	d.own("/etc/bird/bird.conf", "bird", 0o640)
	d.mustPut("/etc/network/interfaces", "auto lo\niface lo inet loopback\n")
	d.network(s)
	d.flushAll()
	return d
}

// network writes what the manager of a starting state reads.
func (d *disk) network(s Start) {
	const (
		static = "address 192.0.2.30/28\n\tgateway 192.0.2.17\n"
		header = "# This file is generated from information provided by the datasource.\n"
	)
	switch s {
	case FromNetworkd:
		d.mustPut("/etc/systemd/network/10-eno1.network", "[Match]\nName=eno1\n[Network]\nAddress=192.0.2.30/28\nGateway=192.0.2.17\n")
		d.want(networkdUnit)
	case FromNetworkdLease:
		d.mustPut("/etc/systemd/network/10-eno1.network", "[Match]\nName=eno1\n[Network]\nDHCP=ipv4\n")
		d.want(networkdUnit)
	case FromIfupdown:
		d.mustPut("/etc/network/interfaces", "auto lo\niface lo inet loopback\n\nauto eno1\niface eno1 inet static\n\t"+static)
		d.want(ifupdownUnit)
	case FromIfupdownMore:
		const more = "\tup ip addr add 192.0.2.29/28 dev eno1\n\tup ip route add default via 192.0.2.18 dev eno1 table 100\n\tup ip rule add from 192.0.2.29 table 100\n"
		d.mustPut("/etc/network/interfaces", "auto lo\niface lo inet loopback\n\nauto eno1\niface eno1 inet static\n\t"+static+more)
		d.want(ifupdownUnit)
	case FromIfupdownLease:
		d.mustPut("/etc/network/interfaces", "auto lo\niface lo inet loopback\n\nallow-hotplug eno1\niface eno1 inet dhcp\n")
		d.want(ifupdownUnit)
	case FromCloudInit:
		d.mustPut("/etc/network/interfaces", "auto lo\niface lo inet loopback\nsource /etc/network/interfaces.d/*\n")
		d.mustPut("/etc/network/interfaces.d/50-cloud-init", header+"auto eno1\niface eno1 inet dhcp\n")
		d.want(ifupdownUnit)
	case FromNetplan:
		d.mustPut("/etc/netplan/50-cloud-init.yaml", "network:\n  ethernets:\n    eno1:\n      addresses:\n      - 192.0.2.30/28\n      routes:\n      - to: default\n        via: 192.0.2.17\n")
	case FromNetplanLease:
		d.mustPut("/etc/netplan/50-cloud-init.yaml", "network:\n  ethernets:\n    eno1:\n      dhcp4: true\n")
	case FromNetworkManager:
		d.mustPut("/etc/NetworkManager/system-connections/eno1.nmconnection", "[connection]\nid=eno1\nuuid=11111111-2222-3333-4444-555555555555\ninterface-name=eno1\n[ipv4]\nmethod=manual\naddress1=192.0.2.30/28,192.0.2.17\n")
		d.own("/etc/NetworkManager/system-connections/eno1.nmconnection", "root", 0o600)
		d.want(nmUnit)
	}
}

func (d *disk) mustPut(file, text string) {
	if err := d.put(file, text); err != nil {
		panic(fmt.Sprintf("%s: %v", file, err))
	}
}

func (d *disk) mustDir(dir string) {
	for i := 1; i <= len(dir); i++ {
		if i == len(dir) || dir[i] == '/' {
			if err := d.make(dir[:i], inode{kind: directory, attr: rootOwned, kept: true}); err != nil && err != fs.ErrExist {
				panic(fmt.Sprintf("%s: %v", dir, err))
			}
		}
	}
}

// want has a boot start a vendor's unit.
func (d *disk) want(name string) {
	const dir = "/etc/systemd/system/multi-user.target.wants"
	d.mustDir(dir)
	if err := d.symlink("/usr/lib/systemd/system/"+name, dir+"/"+name); err != nil {
		panic(err)
	}
}

// own gives what stands at a path to somebody.
func (d *disk) own(file, who string, mode fs.FileMode) {
	w, err := d.walk(file)
	if err != nil || !w.found {
		panic(file)
	}
	d.inodes[w.at].attr = &attributes{Attributes: helper.Attributes{Mode: mode, Owner: who, Group: who}}
}

// answers reports whether a server answers at an address: it is there, the cable
// is too, and the way out leads to the site's router.
func (m *Machine) answers(ip string) bool {
	if m.off || m.booting {
		return false
	}
	r, found := m.net.winner()
	if !found || r.Via != realGateway || r.Dev != "eno1" {
		return false
	}
	l := m.net.link("eno1")
	if !l.up || !m.net.reaches(l, realGateway) {
		return false
	}
	return slices.ContainsFunc(l.addresses, func(a address) bool {
		return len(a.prefix) > len(ip) && a.prefix[:len(ip)] == ip && a.prefix[len(ip)] == '/'
	})
}

//go:build linux

package rehearse

import (
	"fmt"
	"net/netip"
	"strings"
)

// bootstrapFile sorts after raiz's own network files, so that those win.
const bootstrapFile = "/etc/systemd/network/90-bootstrap.network"

func networkdFiles(e endpoint) []placed {
	return []placed{{path: bootstrapFile, mode: 0o644, text: bootstrap(e)}}
}

// bootstrap is the network file of the installer.
func bootstrap(e endpoint) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[Match]\nName=%s\n\n[Network]\nIPv6AcceptRA=no\n", e.Port)
	for _, a := range e.Addrs {
		fmt.Fprintf(&b, "Address=%s\n", a)
	}
	for _, gw := range e.Gateways {
		fmt.Fprintf(&b, "Gateway=%s\n", gw)
	}
	return b.String()
}

// interfaces is how Debian's installer begins /etc/network/interfaces.
const interfaces = `# This file describes the network interfaces available on your system
# and how to activate them. For more information, see interfaces(5).

source /etc/network/interfaces.d/*

# The loopback network interface
auto lo
iface lo inet loopback

# The primary network interface
`

// ifupdownFiles say auto where the installer says allow-hotplug: that is for
// udev to bring up, which does not run in a container.
func ifupdownFiles(e endpoint) []placed {
	text := interfaces + "auto " + e.Port + "\n"
	for _, s := range e.stanzas() {
		text += s.iface(e.Port, "\t")
	}
	return []placed{{path: "/etc/network/interfaces", mode: 0o644, text: text}}
}

func ifupdownDHCPFiles(e endpoint) []placed {
	text := interfaces + "auto " + e.Port + "\n"
	leased := false
	for _, s := range e.stanzas() {
		if s.addr.Addr().Is4() && !leased {
			text += "iface " + e.Port + " inet dhcp\n"
			leased = true
			continue
		}
		text += s.iface(e.Port, "\t")
	}
	return []placed{{path: "/etc/network/interfaces", mode: 0o644, text: text}}
}

// cloudInitHeader is NETWORK_FILE_HEADER of cloudinit/distros/debian.py. It
// is for ifupdown and netplan: files of networkd begin without it.
const cloudInitHeader = `# This file is generated from information provided by the datasource.  Changes
# to it will not persist across an instance reboot.  To disable cloud-init's
# network configuration capabilities, write a file
# /etc/cloud/cloud.cfg.d/99-disable-network-config.cfg with the following:
# network: {config: disabled}
`

// cloudInitENIFiles are those of cloudinit/net/eni.py of cloud-init 22.4, and
// the main one as the package leaves it.
func cloudInitENIFiles(e endpoint) []placed {
	text := cloudInitHeader + "auto lo\niface lo inet loopback\n\nauto " + e.Port + "\n"
	for i, s := range e.stanzas() {
		if i > 0 {
			text += "\n# control-alias " + e.Port + "\n"
		}
		text += s.iface(e.Port, "    ")
	}
	return []placed{
		{path: "/etc/network/interfaces", mode: 0o644, text: "# interfaces(5) file used by ifup(8) and ifdown(8)\n" +
			"# Include files from /etc/network/interfaces.d:\nsource /etc/network/interfaces.d/*\n"},
		{path: "/etc/network/interfaces.d/50-cloud-init", mode: 0o644, text: text},
	}
}

// cloudInitNetworkdFiles are those of cloudinit/net/networkd.py of cloud-init
// 22.4, which sorts its sections and gives the file to networkd's user.
func cloudInitNetworkdFiles(e endpoint) []placed {
	var b strings.Builder
	for _, a := range e.Addrs {
		fmt.Fprintf(&b, "[Address]\nAddress=%s\n\n", a)
	}
	fmt.Fprintf(&b, "[Match]\nName=%s\n\n[Network]\nDHCP=no\n\n", e.Port)
	for _, gw := range e.Gateways {
		fmt.Fprintf(&b, "[Route]\nGateway=%s\n\n", gw)
	}
	return []placed{{path: "/etc/systemd/network/10-cloud-init-" + e.Port + ".network", mode: 0o644, user: "systemd-network", text: b.String()}}
}

func netplanFiles(e endpoint) []placed {
	var b strings.Builder
	fmt.Fprintf(&b, "network:\n  version: 2\n  renderer: networkd\n  ethernets:\n    %s:\n      accept-ra: false\n", e.Port)
	b.WriteString("      addresses:\n")
	for _, a := range e.Addrs {
		fmt.Fprintf(&b, "        - %q\n", a)
	}
	if len(e.Gateways) > 0 {
		b.WriteString("      routes:\n")
	}
	for _, gw := range e.Gateways {
		fmt.Fprintf(&b, "        - to: default\n          via: %q\n", gw)
	}
	// netplan complains of a file that others may read.
	return []placed{{path: "/etc/netplan/01-netcfg.yaml", mode: 0o600, text: b.String()}}
}

// networkManagerFiles are a keyfile, which NetworkManager takes only where
// nobody but root may read it.
func networkManagerFiles(e endpoint) []placed {
	var b strings.Builder
	fmt.Fprintf(&b, "[connection]\nid=%s\nuuid=7261697a-0000-4000-8000-000000000001\ntype=ethernet\ninterface-name=%s\n", e.Port, e.Port)
	for _, family := range []string{"ipv4", "ipv6"} {
		fmt.Fprintf(&b, "\n[%s]\n", family)
		n := 0
		for _, s := range e.stanzas() {
			if s.addr.Addr().Is4() != (family == "ipv4") {
				continue
			}
			n++
			fmt.Fprintf(&b, "address%d=%s", n, s.addr)
			if s.gateway.IsValid() {
				fmt.Fprintf(&b, ",%s", s.gateway)
			}
			b.WriteString("\n")
		}
		switch {
		case n > 0:
			b.WriteString("method=manual\n")
		case family == "ipv4":
			b.WriteString("method=disabled\n")
		default:
			b.WriteString("method=link-local\n")
		}
	}
	return []placed{{path: "/etc/NetworkManager/system-connections/" + e.Port + ".nmconnection", mode: 0o600, text: b.String()}}
}

// stanza is an address with the gateway that is given beside it, once in each
// family.
type stanza struct {
	addr    netip.Prefix
	gateway netip.Addr
}

func (e endpoint) stanzas() []stanza {
	var all []stanza
	has := map[bool]bool{}
	for _, a := range e.Addrs {
		s := stanza{addr: a}
		for _, gw := range e.Gateways {
			if gw.Is4() == a.Addr().Is4() && !has[gw.Is4()] {
				s.gateway, has[gw.Is4()] = gw, true
			}
		}
		all = append(all, s)
	}
	return all
}

// iface is a static stanza of interfaces(5).
func (s stanza) iface(port, indent string) string {
	family := "inet"
	if s.addr.Addr().Is6() {
		family = "inet6"
	}
	text := fmt.Sprintf("iface %s %s static\n%saddress %s\n", port, family, indent, s.addr)
	if s.gateway.IsValid() {
		text += fmt.Sprintf("%sgateway %s\n", indent, s.gateway)
	}
	return text
}

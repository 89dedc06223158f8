package helper

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/raiz-dns/raiz/provision/server"
)

// owner says which program manages a link.
type owner = server.Owner

const loopback = "lo"

// Where network managers keep what they know of links. systemd and
// NetworkManager call theirs private; they have been the same since systemd 209
// and NetworkManager 1.0, and looking there starts no program.
const (
	ifstateFile  = "/run/network/ifstate"
	networkdDir  = "/run/systemd/netif/links"
	nmDir        = "/run/NetworkManager/devices"
	interfaces   = "/etc/network/interfaces"
	interfacesD  = "/etc/network/interfaces.d"
	nmConf       = "/etc/NetworkManager/conf.d/99-raiz.conf"
	cloudConfD   = "/etc/cloud/cloud.cfg.d"
	cloudOff     = cloudConfD + "/99-disable-network-config.cfg"
	netplanFiles = "/run/systemd/network/10-netplan-"
)

const (
	networkdSocket = "systemd-networkd.socket"
	ifupdownUnit   = "networking.service"
	nmUnit         = "NetworkManager.service"
)

// strangers are managers that raiz takes nothing over from.
func strangers() []string {
	return []string{"connman.service", "dhcpcd.service", "wickedd.service", "iwd.service", "netctl.service", "openvswitch-switch.service"}
}

// findLink returns the link of a match. A tagged link has the MAC of what
// carries it, which is the older of the two.
func findLink(n server.Network, m server.Match) (server.LinkFact, bool) {
	for _, l := range n.Links {
		if l.Name == m.Name || m.MAC != "" && strings.EqualFold(l.MAC, m.MAC) {
			return l, true
		}
	}
	return server.LinkFact{}, false
}

// ownerOf says who manages a link. Where two do, it is the one that has to let
// go of it.
func (h *Helper) ownerOf(l server.LinkFact) (owner, error) {
	o := owner{Link: l.Name, Manager: server.Nobody, Known: true}
	for _, a := range l.Addresses {
		o.Lease = o.Lease || a.Seconds > 0
	}
	nm, err := h.keyValues(nmDir + "/" + strconv.Itoa(l.Index))
	if err != nil {
		return o, err
	}
	if nm["managed"] == "true" || nm["managed"] == "1" {
		o.Manager, o.Detail = server.NetworkManager, nm["connection-uuid"]
		return o, nil
	}
	up, err := h.ifupdownHas(l.Name)
	if err != nil {
		return o, err
	}
	if up {
		o.Manager, o.Detail = server.Ifupdown, ifstateFile
		return o, nil
	}
	nd, err := h.keyValues(networkdDir + "/" + strconv.Itoa(l.Index))
	if err != nil {
		return o, err
	}
	if file := nd["NETWORK_FILE"]; file != "" && nd["ADMIN_STATE"] != "unmanaged" {
		o.Manager, o.Detail = server.Networkd, file
		if strings.HasPrefix(file, netplanFiles) {
			o.Manager = server.Netplan
		}
		return o, nil
	}
	return h.stranger(o)
}

// stranger names a manager that is at work and that raiz does not know.
func (h *Helper) stranger(o owner) (owner, error) {
	facts, err := h.os.Units(strangers())
	if err != nil {
		return o, err
	}
	for _, name := range strangers() {
		if running(facts[name]) {
			o.Manager, o.Known = strings.TrimSuffix(name, ".service"), false
			o.Why = fmt.Sprintf("raiz takes links over from systemd-networkd, ifupdown, netplan and NetworkManager; stop %s and configure %s by one of them", name, o.Link)
			return o, nil
		}
	}
	return o, nil
}

// keyValues reads lines of KEY=VALUE; none where there is no file.
func (h *Helper) keyValues(file string) (map[string]string, error) {
	text, err := h.os.Read(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	out := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			out[k] = v
		}
	}
	return out, nil
}

// ifupdownHas reports whether ifupdown takes a link for configured: it has a
// line LINK=LOGICAL.
func (h *Helper) ifupdownHas(link string) (bool, error) {
	state, err := h.keyValues(ifstateFile)
	_, has := state[link]
	return has, err
}

// lookAtLinks finds out who manages the links of a manifest, and what has to
// change for those who lose one.
func (h *Helper) lookAtLinks(d *difference, m server.Manifest) error {
	n, err := h.os.Network()
	if err != nil {
		return fmt.Errorf("look at the network: %w", err)
	}
	d.Owners = map[string]owner{}
	for _, want := range m.Links {
		l, ok := findLink(n, want.Match)
		if !ok || l.Name == loopback {
			continue // a tagged link is made by networkd; nobody else manages the loopback
		}
		o, err := h.ownerOf(l)
		if err != nil {
			return err
		}
		if !o.Known {
			return refused("%s is managed by %s: %s", o.Link, o.Manager, o.Why)
		}
		d.Owners[l.Name] = o
	}
	d.reconfigure = lacking(n, m, d.Owners)
	if !needed(d.Owners) {
		return nil
	}
	if err := h.takeIfupdown(d); err != nil {
		return err
	}
	d.takeNetworkManager()
	return h.takeCloud(d)
}

// lacking are the links that networkd has and that lack something: it looks at a
// link again when its file has changed, and not when somebody has taken an
// address away.
func lacking(n server.Network, m server.Manifest, owners map[string]owner) []string {
	var out []string
	for _, want := range m.Links {
		l, ok := findLink(n, want.Match)
		if o := owners[l.Name]; !ok || l.Name != loopback && o.Manager != server.Networkd {
			continue
		}
		if len(missingOn(n, server.Manifest{Links: []server.Link{want}})) > 0 {
			out = append(out, l.Name)
		}
	}
	return out
}

// needed reports whether somebody has to let go of a link. A link of netplan or
// of nobody follows the file of networkd that comes first.
func needed(owners map[string]owner) bool {
	return len(of(owners, server.Ifupdown))+len(of(owners, server.NetworkManager)) > 0
}

// of are the links of one manager, sorted.
func of(owners map[string]owner, manager string) []string {
	var out []string
	for link, o := range owners {
		if o.Manager == manager {
			out = append(out, link)
		}
	}
	slices.Sort(out)
	return out
}

// managerUnits are the units of those that gain or lose a link.
func managerUnits(owners map[string]owner) []string {
	out := []string{networkdUnit, networkdSocket}
	if len(of(owners, server.Ifupdown)) > 0 {
		out = append(out, ifupdownUnit)
	}
	if len(of(owners, server.NetworkManager)) > 0 {
		out = append(out, nmUnit)
	}
	return out
}

// passing are the notes of managers that go with a boot.
func passing(owners map[string]owner) []string {
	links := of(owners, server.Ifupdown)
	if len(links) == 0 {
		return nil
	}
	out := []string{ifstateFile}
	for _, l := range links {
		out = append(out, ifstateFile+"."+l)
	}
	return out
}

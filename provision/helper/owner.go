package helper

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
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
	if err := h.takeNetworkManager(d); err != nil {
		return err
	}
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

// take adds a file of somebody else's to what changes.
func (d *difference) take(f server.File) {
	f.Sum = sumOf(f.Data)
	d.Taken = append(d.Taken, f)
	d.Changes = append(d.Changes, change{Path: f.Path, From: len(d.Taken) - 1, Kind: taken})
}

// takeIfupdown takes the stanzas of links out of ifupdown's files: it would
// bring them up at the next boot, beside networkd.
func (h *Helper) takeIfupdown(d *difference) error {
	links := of(d.Owners, server.Ifupdown)
	if len(links) == 0 {
		return nil
	}
	files := []string{interfaces}
	names, err := h.os.List(interfacesD)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, name := range names {
		files = append(files, interfacesD+"/"+name)
	}
	for _, file := range files {
		s, err := h.stands(file)
		if err != nil {
			return err
		}
		if s.Kind != server.IsFile {
			continue
		}
		if text, changed := withoutStanzas(string(s.Data), links); changed {
			d.take(server.File{Path: file, Mode: s.bits(), Owner: s.Owner, Group: s.Group, Data: []byte(text)})
		}
	}
	return nil
}

// withoutStanzas comments the stanzas of links out (interfaces(5)).
func withoutStanzas(text string, links []string) (string, bool) {
	var b strings.Builder
	changed, out := false, false
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) > 0 && !strings.HasPrefix(words[0], "#") {
			switch word := words[0]; {
			case word == "iface":
				out = len(words) > 1 && slices.Contains(links, words[1])
			case word == "auto" || strings.HasPrefix(word, "allow-") || word == "no-auto-down" || word == "no-scripts":
				out = false
				rest := slices.DeleteFunc(slices.Clone(words[1:]), func(w string) bool { return slices.Contains(links, w) })
				if len(rest) < len(words)-1 {
					changed = true
					b.WriteString("# by raiz: " + line)
					if len(rest) > 0 {
						b.WriteString(word + " " + strings.Join(rest, " ") + "\n")
					}
					continue
				}
			case slices.Contains([]string{"mapping", "source", "source-directory", "rename", "template"}, word):
				out = false
			}
			if out {
				changed = true
				b.WriteString("# by raiz: ")
			}
		}
		b.WriteString(line)
	}
	return b.String(), changed
}

// takeNetworkManager has NetworkManager leave links alone, at the next boot too.
func (h *Helper) takeNetworkManager(d *difference) error {
	links := of(d.Owners, server.NetworkManager)
	if len(links) == 0 {
		return nil
	}
	var devices []string
	for _, l := range links {
		devices = append(devices, "interface-name:"+l)
	}
	d.take(server.File{Path: nmConf, Mode: 0o644, Owner: "root", Group: "root", Data: []byte("[keyfile]\nunmanaged-devices=" + strings.Join(devices, ";") + "\n")})
	return nil
}

// takeCloud keeps cloud-init from writing the old manager's files again.
func (h *Helper) takeCloud(d *difference) error {
	if _, err := h.os.Look(cloudConfD); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	s, err := h.stands(cloudOff)
	if err != nil || s.Kind != server.IsAbsent {
		return err
	}
	d.take(server.File{Path: cloudOff, Mode: 0o644, Owner: "root", Group: "root", Data: []byte("network: {config: disabled}\n")})
	return nil
}

// letGo has NetworkManager forget its links while they keep their addresses. It
// marks addresses so that the kernel keeps no connected route for them; they
// are made anew without that mark, or networkd would never end configuring.
func (h *Helper) letGo(b before) error {
	links := of(b.Owners, server.NetworkManager)
	if len(links) == 0 {
		return nil
	}
	if _, err := h.os.Run([]string{"nmcli", "general", "reload", "conf"}, commandLimit); err != nil {
		return fmt.Errorf("nmcli general reload: %w", err)
	}
	for _, l := range links {
		if out, err := h.os.Run([]string{"nmcli", "device", "set", l, "managed", "no"}, commandLimit); err != nil {
			return fmt.Errorf("nmcli device set %s managed no: %w: %s", l, err, lastLines(out))
		}
	}
	n, err := h.os.Network()
	if err != nil {
		return err
	}
	for _, l := range n.Links {
		if !slices.Contains(links, l.Name) {
			continue
		}
		for _, a := range l.Addresses {
			if !a.NoRoute && a.Seconds == 0 {
				continue
			}
			if err := h.os.DelAddress(l.Name, a.Address); err != nil {
				return err
			}
			if err := h.os.AddAddress(l.Name, server.AddressFact{Address: a.Address}); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeOver makes ifupdown forget its links, once networkd has them. Nobody may
// stop networking.service before: it would take the links down.
func (h *Helper) takeOver(m server.Manifest, b before) error {
	if err := h.dropDefaults(b); err != nil {
		return err
	}
	links := of(b.Owners, server.Ifupdown)
	if len(links) == 0 {
		return nil
	}
	if err := h.waitConfigured(links); err != nil {
		return err
	}
	for _, l := range links {
		pid := "/run/dhclient." + l + ".pid"
		if _, err := h.os.Look(pid); err == nil {
			// It ends and gives nothing back (dhclient(8), -x).
			if out, err := h.os.Run([]string{"dhclient", "-x", "-pf", pid, l}, commandLimit); err != nil {
				return fmt.Errorf("end dhclient of %s: %w: %s", l, err, lastLines(out))
			}
		}
		if err := h.remove(ifstateFile + "." + l); err != nil {
			return err
		}
	}
	text, err := h.os.Read(ifstateFile)
	if err != nil {
		return err
	}
	var kept strings.Builder
	for line := range strings.Lines(string(text)) {
		link, _, _ := strings.Cut(line, "=")
		if !slices.Contains(links, link) {
			kept.WriteString(line)
		}
	}
	return h.putAs(ifstateFile, []byte(kept.String()), Attributes{Mode: 0o644, Owner: "root", Group: "root"})
}

// waitConfigured waits until networkd has configured links.
func (h *Helper) waitConfigured(links []string) error {
	end := h.os.Uptime() + networkLimit
	for {
		n, err := h.os.Network()
		if err != nil {
			return err
		}
		var waits string
		for _, name := range links {
			l, _ := findLink(n, server.Match{Name: name})
			nd, err := h.keyValues(networkdDir + "/" + strconv.Itoa(l.Index))
			if err != nil {
				return err
			}
			if nd["ADMIN_STATE"] != "configured" {
				waits = fmt.Sprintf("networkd has not configured %s: it is %q", name, nd["ADMIN_STATE"])
			}
		}
		if waits == "" {
			return nil
		}
		if h.os.Uptime() >= end {
			return errors.New(waits)
		}
		h.os.Sleep(pause)
	}
}

// putAs has a file hold these bytes, whole, with these attributes.
func (h *Helper) putAs(file string, data []byte, a Attributes) error {
	fresh := path.Dir(file) + "/." + path.Base(file) + ".raiz"
	if err := h.remove(fresh); err != nil {
		return err
	}
	if err := h.os.Create(fresh, data, a); err != nil {
		return err
	}
	if err := h.os.Flush(fresh); err != nil {
		return err
	}
	if err := h.os.Rename(fresh, file); err != nil {
		return err
	}
	return h.os.Flush(path.Dir(file))
}

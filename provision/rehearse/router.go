//go:build linux

package rehearse

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/site"
)

// Router is the host's side: it owns the gateways, speaks BGP with the server,
// gives the time and knows the names of its time servers. Each neighbor of the
// site is a BIRD of its own, because one BIRD has one session at most with one
// address of the server.
type Router struct {
	*Machine
	sessions []sessionRecord
}

// Birdc runs a birdc command on every BIRD of the router, such as "show",
// "protocols".
func (r Router) Birdc(ctx context.Context, args ...string) (string, error) {
	var all strings.Builder
	asked := map[string]bool{}
	for _, s := range r.sessions {
		if asked[s.Socket] {
			continue
		}
		asked[s.Socket] = true
		out, err := r.birdc(ctx, s, args...)
		if err != nil {
			return "", err
		}
		all.WriteString(out)
	}
	return all.String(), nil
}

func (r Router) birdc(ctx context.Context, s sessionRecord, args ...string) (string, error) {
	return r.Run(ctx, append([]string{"birdc", "-s", s.Socket}, args...)...)
}

// controlSocket is where the BIRD of the i-th neighbor listens; the first one
// is where birdc looks by itself.
func controlSocket(n site.Neighbor, i int) string {
	if i == 0 {
		return "/run/bird/bird.ctl"
	}
	return "/run/bird/" + n.Name + ".ctl"
}

// birdUnit runs the BIRD of the i-th neighbor.
func birdUnit(n site.Neighbor, i int) string {
	return fmt.Sprintf(`[Unit]
Description=the router %[1]s of the host
After=network.target

[Service]
RuntimeDirectory=bird
RuntimeDirectoryPreserve=yes
ExecStart=/usr/sbin/bird -f -c /etc/bird/%[1]s.conf -s %[2]s
Restart=on-abort
`, n.Name, controlSocket(n, i))
}

// equip puts the router's configuration onto its disk.
func (t *Testbed) equip() error {
	m, s := t.Router.Machine, t.Site
	files := map[string]string{
		"/etc/hostname":           "router\n",
		"/etc/machine-id":         hex.EncodeToString(t.seed.derive("machine " + m.name)[:16]) + "\n",
		"/etc/chrony/chrony.conf": "local stratum 3\nallow all\ncmdport 0\ndriftfile /var/lib/chrony/chrony.drift\n",
	}
	units := []string{"chrony.service"}
	for i, n := range s.BGP.Neighbors {
		unit := "bird-" + n.Name + ".service"
		files["/etc/bird/"+n.Name+".conf"] = birdConfig(s, n, i)
		files["/lib/systemd/system/"+unit] = birdUnit(n, i)
		units = append(units, unit)
	}
	if dns := resolverFiles(s, t.Layout); dns != nil {
		maps.Copy(files, dns)
		units = append(units, "nsd.service")
	}
	for _, path := range sortedKeys(files) {
		if err := m.Write(path, 0o644, files[path]); err != nil {
			return err
		}
	}
	for _, unit := range units {
		if err := m.enable(unit); err != nil {
			return err
		}
	}
	return m.disable("ssh.service")
}

// birdConfig is the host's end of the sessions of one neighbor, the i-th. It
// imports only the declared blocks, as a host should, and keeps the rest to be
// looked at: what a server announces too much must be seen, not just dropped.
func birdConfig(s *site.Site, n site.Neighbor, i int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "log stderr all;\nrouter id %s;\n\nprotocol device {\n}\n", routerID(n, i))
	if n.BFD {
		b.WriteString("\nprotocol bfd {\n\tstrict bind yes;\n\tinterface \"*\" {\n\t\tinterval 300 ms;\n\t\tmultiplier 3;\n\t};\n}\n")
	}
	for _, f := range []string{"4", "6"} {
		// Each has a metric of its own, so that none removes what another put.
		fmt.Fprintf(&b, "\nprotocol kernel kernel%s {\n\tmetric %d;\n\tipv%s {\n\t\timport none;\n\t\texport where source = RTS_BGP;\n\t};\n}\n", f, 32+i, f)
		fmt.Fprintf(&b, "\nprotocol static default%s {\n\tipv%s;\n\troute %s unreachable;\n}\n", f, f, map[string]string{"4": "0.0.0.0/0", "6": "::/0"}[f])
		fmt.Fprintf(&b, "\nfilter blocks%s {\n%s\treject;\n}\n", f, accepted(s, f == "6"))
	}
	for _, a := range n.Addresses {
		b.WriteString(session(s, n, a))
	}
	return b.String()
}

// accepted is the part of a filter that lets the declared blocks in.
func accepted(s *site.Site, six bool) string {
	var blocks []string
	for _, p := range s.Blocks() {
		if p.Addr().Is6() == six {
			blocks = append(blocks, p.String())
		}
	}
	if len(blocks) == 0 {
		return ""
	}
	return "\tif net ~ [ " + strings.Join(blocks, ", ") + " ] then accept;\n"
}

// session is one BGP session, from one address of a neighbor.
func session(s *site.Site, n site.Neighbor, local netip.Addr) string {
	family := "4"
	if local.Is6() {
		family = "6"
	}
	remote, ok := peerOf(s, local)
	if !ok {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nprotocol bgp %s {\n", sessionName(n.Name, family))
	fmt.Fprintf(&b, "\tlocal %s as %d;\n\tneighbor %s as %d;\n", local, n.ASN, remote, s.BGP.ASN)
	// One listening socket a session: several neighbors live here, each with
	// passwords of its own for the same server.
	// A host that kept a dead server's routes would hide the death.
	b.WriteString("\tgraceful restart off;\n\tlong lived graceful restart off;\n\tstrict bind yes;\n\tconnect retry time 3;\n\tconnect delay time 1;\n\terror wait time 1, 4;\n")
	if !n.Password.IsZero() {
		fmt.Fprintf(&b, "\tpassword \"%s\";\n", n.Password.Reveal())
	}
	if n.TTLSecurity {
		b.WriteString("\tttl security on;\n")
	}
	if n.BFD {
		b.WriteString("\tbfd on;\n")
	}
	if n.Role == "customer" {
		b.WriteString("\tlocal role provider;\n\trequire roles on;\n")
	}
	export := "none"
	if n.Accept == site.AcceptDefault {
		export = "where source = RTS_STATIC"
	}
	fmt.Fprintf(&b, "\tipv%s {\n\t\timport keep filtered on;\n\t\timport filter blocks%s;\n\t\texport %s;\n\t\tnext hop self;\n\t};\n}\n",
		family, family, export)
	return b.String()
}

// peerOf returns the server's address at the far end of a session: of the
// same family, on the service interface where that has any.
func peerOf(s *site.Site, local netip.Addr) (netip.Addr, bool) {
	for _, p := range slices.Concat(s.Server.Service.Addresses, s.Server.Management.Addresses) {
		if p.Addr().Is6() == local.Is6() {
			return p.Addr(), true
		}
	}
	return netip.Addr{}, false
}

// sessionName is a BIRD name: letters, digits and underscores.
func sessionName(neighbor, family string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, "n_"+neighbor+"_v"+family)
}

func routerID(n site.Neighbor, i int) netip.Addr {
	for _, a := range n.Addresses {
		if a.Is4() {
			return a
		}
	}
	return netip.AddrFrom4([4]byte{100, 64, 0, byte(i + 1)})
}

// sessionsOf names the sessions of a site as the router's BIRD does.
func sessionsOf(s *site.Site) []sessionRecord {
	var all []sessionRecord
	for i, n := range s.BGP.Neighbors {
		for _, a := range n.Addresses {
			if _, ok := peerOf(s, a); !ok {
				continue
			}
			family := "4"
			if a.Is6() {
				family = "6"
			}
			all = append(all, sessionRecord{Neighbor: n.Name, Protocol: sessionName(n.Name, family), Socket: controlSocket(n, i)})
		}
	}
	return all
}

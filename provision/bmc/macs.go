package bmc

import (
	"context"
	"fmt"
	"net"
	"slices"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// macs are the addresses of the server's own ports, in lower case with colons.
// It looks in the next place only while one of wanted is not found: the system's
// Ethernet interfaces, then the adapters of its chassis. The error is why there
// may be more; a port that does not tell its address may have the wanted one.
func (r *inspector) macs(ctx context.Context, system redfish.Document, chassis []redfish.Document, wanted []string) ([]string, error) {
	m := macList{r: r, wanted: wanted}
	if uri := system.Link("EthernetInterfaces"); uri != "" {
		m.take(ctx, uri, func(d redfish.Document) { m.port(d, d.Text("MACAddress"), d.Text("PermanentMACAddress")) })
	}
	for _, c := range chassis {
		if uri := c.Link("NetworkAdapters"); uri != "" && !m.done() {
			m.take(ctx, uri, func(d redfish.Document) { m.adapter(ctx, d) })
		}
	}
	switch {
	case m.done() || m.err != nil:
	case m.mute != "":
		m.err = fmt.Errorf("look through the ports: %s does not tell its address", m.mute)
	case len(m.found) == 0:
		m.err = unsupported("the controller lists no port of the server")
	}
	slices.Sort(m.found)
	return m.found, m.err
}

// macList is what has been found so far.
type macList struct {
	r      *inspector
	wanted []string
	found  []string
	mute   string // the first port that does not tell its address
	err    error
}

// done reports whether every wanted one was found.
func (m *macList) done() bool {
	return !slices.ContainsFunc(m.wanted, func(w string) bool { return !slices.Contains(m.found, w) })
}

// add takes note of an address of Ethernet, and reports whether it is one. Some
// write "Not Available", others zeros. InfiniBand has 20 bytes.
func (m *macList) add(text string) bool {
	a, err := net.ParseMAC(text)
	if err != nil || !slices.ContainsFunc(a, func(b byte) bool { return b != 0 }) {
		return false
	}
	if s := a.String(); len(a) == 6 && !slices.Contains(m.found, s) && len(m.found) < maxMACs {
		m.found = append(m.found, s)
	}
	return true
}

// port takes note of the addresses that one has.
func (m *macList) port(d redfish.Document, addresses ...string) {
	told := false
	for _, a := range addresses {
		told = m.add(a) || told
	}
	if !told && !absent(d) && m.mute == "" {
		m.mute = redfish.Short(d.URI)
	}
}

// maxMACs bounds how many are told; GPU servers have some thirty.
const maxMACs = 256

// take goes through a collection, and keeps the first reason for not having
// seen all of it.
func (m *macList) take(ctx context.Context, uri string, do func(redfish.Document)) {
	for d, err := range m.r.members(ctx, uri) {
		if err == nil && d.Props == nil {
			err = notThere(d.URI)
		}
		if err != nil {
			m.err = firstOf(m.err, err)
			if d.Props == nil && d.URI != "" {
				continue
			}
			return
		}
		do(d)
	}
}

// adapter looks at an adapter's functions and at its ports, by the names that
// NetworkAdapter has had for them. Where its functions tell their addresses its
// ports need not.
func (m *macList) adapter(ctx context.Context, d redfish.Document) {
	before, mute := len(m.found), m.mute
	if uri := d.Link("NetworkDeviceFunctions"); uri != "" {
		m.take(ctx, uri, func(f redfish.Document) {
			if kind := f.Text("NetDevFuncType"); kind == "" || kind == "Ethernet" {
				m.port(f, f.Text("Ethernet", "MACAddress"), f.Text("Ethernet", "PermanentMACAddress"))
			}
		})
	}
	spoke := len(m.found) > before && m.mute == mute
	m.ports(ctx, d.Link("Ports"), "Ethernet", "AssociatedMACAddresses")
	m.ports(ctx, d.Link("NetworkPorts"), "AssociatedNetworkAddresses") // before v1_5_0
	if spoke {
		m.mute = mute
	}
}

func (m *macList) ports(ctx context.Context, uri string, at ...string) {
	if uri == "" || m.done() {
		return
	}
	m.take(ctx, uri, func(p redfish.Document) {
		var all []string
		for _, e := range p.List(at...) {
			s, _ := e.(string)
			all = append(all, s)
		}
		m.port(p, all...)
	})
}

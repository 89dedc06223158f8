package bmc

import (
	"context"
	"net"
	"slices"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// macs are the addresses of the server's own ports, in lower case with colons.
// It looks in the next place only while one of wanted is not found: the system's
// Ethernet interfaces, then the adapters of its chassis. The error is why there
// may be more.
func (r *inspector) macs(ctx context.Context, system redfish.Document, chassis []redfish.Document, wanted []string) ([]string, error) {
	m := macList{r: r, wanted: wanted}
	if uri := system.Link("EthernetInterfaces"); uri != "" {
		m.take(ctx, uri, func(d redfish.Document) {
			m.add(d.Text("MACAddress"))
			m.add(d.Text("PermanentMACAddress"))
		})
	}
	for _, c := range chassis {
		if uri := c.Link("NetworkAdapters"); uri != "" && !m.done() {
			m.take(ctx, uri, func(d redfish.Document) { m.adapter(ctx, d) })
		}
	}
	if len(m.found) == 0 && m.err == nil {
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
	err    error
}

// done reports whether every wanted one was found.
func (m *macList) done() bool {
	return !slices.ContainsFunc(m.wanted, func(w string) bool { return !slices.Contains(m.found, w) })
}

// add takes note of an address of Ethernet. Some write "Not Available", others
// zeros, InfiniBand has 20 bytes.
func (m *macList) add(text string) {
	a, err := net.ParseMAC(text)
	if err != nil || len(a) != 6 || !slices.ContainsFunc(a, func(b byte) bool { return b != 0 }) {
		return
	}
	if s := a.String(); !slices.Contains(m.found, s) && len(m.found) < maxMACs {
		m.found = append(m.found, s)
	}
}

// maxMACs bounds how many are told; GPU servers have some thirty.
const maxMACs = 256

// take goes through a collection, and keeps the first reason for not having
// seen all of it.
func (m *macList) take(ctx context.Context, uri string, do func(redfish.Document)) {
	for d, err := range m.r.members(ctx, uri) {
		if err == nil && d.Props == nil {
			err = unsupported("the controller lists %s but does not have it", d.URI)
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

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// adapter looks at an adapter's functions and at its ports, by the names that
// NetworkAdapter has had for them.
func (m *macList) adapter(ctx context.Context, d redfish.Document) {
	if uri := d.Link("NetworkDeviceFunctions"); uri != "" {
		m.take(ctx, uri, func(f redfish.Document) {
			m.add(f.Text("Ethernet", "MACAddress"))
			m.add(f.Text("Ethernet", "PermanentMACAddress"))
		})
	}
	m.ports(ctx, d.Link("Ports"), "Ethernet", "AssociatedMACAddresses")
	m.ports(ctx, d.Link("NetworkPorts"), "AssociatedNetworkAddresses") // before v1_5_0
}

func (m *macList) ports(ctx context.Context, uri string, at ...string) {
	if uri == "" || m.done() {
		return
	}
	m.take(ctx, uri, func(p redfish.Document) {
		for _, e := range p.List(at...) {
			s, _ := e.(string)
			m.add(s)
		}
	})
}

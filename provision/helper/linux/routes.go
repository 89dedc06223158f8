//go:build linux

package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/raiz-dns/raiz/provision/server"
)

// othersRoutes reports whether routes of a protocol are the kernel's own or a
// routing daemon's, which brings them back by itself (linux/rtnetlink.h).
func othersRoutes(protocol int) bool {
	switch protocol {
	case unix.RTPROT_KERNEL, unix.RTPROT_RA, unix.RTPROT_REDIRECT,
		unix.RTPROT_GATED, unix.RTPROT_MRT, unix.RTPROT_ZEBRA, unix.RTPROT_BIRD, unix.RTPROT_DNROUTED,
		unix.RTPROT_XORP, unix.RTPROT_NTK, unix.RTPROT_MROUTED, unix.RTPROT_KEEPALIVED, unix.RTPROT_BABEL, unix.RTPROT_OPENR,
		unix.RTPROT_BGP, unix.RTPROT_ISIS, unix.RTPROT_OSPF, unix.RTPROT_RIP, unix.RTPROT_EIGRP:
		return true
	}
	return false
}

func routes(names map[int]string) ([]server.Route, error) {
	var out []server.Route
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		all, err := whole(func() ([]netlink.Route, error) {
			return netlink.RouteListFiltered(family, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
		})
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			to, ok := prefixOf(r.Dst)
			if !ok || othersRoutes(int(r.Protocol)) {
				continue
			}
			for _, hop := range hops(r) {
				out = append(out, server.Route{
					Table: r.Table, To: to.String(), Via: hop.via, Dev: names[hop.link], Protocol: int(r.Protocol), Metric: r.Priority,
					Scope: int(r.Scope), OnLink: hop.onlink, Source: ipText(r.Src), Type: r.Type,
				})
			}
		}
	}
	return out, nil
}

type hop struct {
	via    string
	link   int
	onlink bool
}

// hops are the ways of a route. One with several is told as so many routes:
// added again one after the other, they are one with several in IPv6, and one
// and its spares in IPv4.
func hops(r netlink.Route) []hop {
	if len(r.MultiPath) == 0 {
		return []hop{{gateway(r.Gw, r.Via), r.LinkIndex, r.Flags&unix.RTNH_F_ONLINK != 0}}
	}
	var out []hop
	for _, h := range r.MultiPath {
		out = append(out, hop{gateway(h.Gw, h.Via), h.LinkIndex, h.Flags&unix.RTNH_F_ONLINK != 0})
	}
	return out
}

// gateway is the next hop, which for IPv4 may be one of IPv6 (RFC 5549).
func gateway(gw net.IP, via netlink.Destination) string {
	if v, ok := via.(*netlink.Via); ok && gw == nil {
		return ipText(v.Addr)
	}
	return ipText(gw)
}

func ipText(ip net.IP) string {
	a, ok := netip.AddrFromSlice(ip)
	if !ok {
		return ""
	}
	return a.Unmap().String()
}

// AddRoute implements helper.Kernel. The route comes behind another one to the
// same place with the same metric, which the kernel tells apart by gateway
// (NLM_F_APPEND); only the very same one is there already.
func (machine) AddRoute(r server.Route) error {
	route, err := kernelRoute(r)
	if err == nil {
		err = netlink.RouteAppend(route)
	}
	if err != nil {
		return fmt.Errorf("add route to %s: %w", r.To, err)
	}
	return nil
}

// DelRoute implements helper.Kernel.
func (machine) DelRoute(r server.Route) error {
	route, err := kernelRoute(r)
	if err == nil {
		err = netlink.RouteDel(route)
	}
	if errors.Is(err, unix.ESRCH) {
		err = fmt.Errorf("%w (%w)", fs.ErrNotExist, err)
	}
	if err != nil {
		return fmt.Errorf("delete route to %s: %w", r.To, err)
	}
	return nil
}

func kernelRoute(r server.Route) (*netlink.Route, error) {
	to, err := netip.ParsePrefix(r.To)
	if err != nil {
		return nil, err
	}
	out := &netlink.Route{
		Table: r.Table, Dst: ipNet(to), Protocol: netlink.RouteProtocol(r.Protocol), Priority: r.Metric,
		Scope: netlink.Scope(r.Scope), Type: r.Type,
	}
	if r.OnLink {
		out.Flags = unix.RTNH_F_ONLINK
	}
	if r.Dev != "" {
		l, err := linkNamed(r.Dev)
		if err != nil {
			return nil, err
		}
		out.LinkIndex = l.Attrs().Index
	}
	if r.Via != "" {
		via, err := netip.ParseAddr(r.Via)
		if err != nil {
			return nil, err
		}
		if via.Is4() == to.Addr().Is4() {
			out.Gw = via.AsSlice()
		} else {
			out.Via = &netlink.Via{AddrFamily: netlink.FAMILY_V6, Addr: via.AsSlice()}
		}
	}
	if r.Source != "" {
		source, err := netip.ParseAddr(r.Source)
		if err != nil {
			return nil, err
		}
		out.Src = source.AsSlice()
	}
	return out, nil
}

// Way implements helper.Kernel.
func (machine) Way(from, to netip.Addr) (server.Route, error) {
	fail := func(err error) (server.Route, error) {
		return server.Route{}, fmt.Errorf("way from %s to %s: %w", from, to, err)
	}
	all, err := netlink.RouteGetWithOptions(to.AsSlice(), &netlink.RouteGetOptions{SrcAddr: from.AsSlice()})
	if err != nil {
		return fail(err)
	}
	if len(all) != 1 {
		return fail(fmt.Errorf("the kernel tells %d routes", len(all)))
	}
	r := all[0]
	l, err := netlink.LinkByIndex(r.LinkIndex)
	if err != nil {
		return fail(err)
	}
	return server.Route{
		Table: r.Table, To: netip.PrefixFrom(to, to.BitLen()).String(), Via: gateway(r.Gw, r.Via), Dev: l.Attrs().Name,
		Protocol: int(r.Protocol), Source: ipText(r.Src), Type: r.Type,
	}, nil
}

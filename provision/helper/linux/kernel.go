//go:build linux

package linux

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/raiz-dns/raiz/provision/server"
)

// dumps is how often a list is asked for that changed while it was told
// (NLM_F_DUMP_INTR).
const dumps = 8

// whole asks for a list until it was told without a change in between.
func whole[T any](ask func() (T, error)) (T, error) {
	var got T
	var err error
	for range dumps {
		if got, err = ask(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return got, err
}

// Network implements helper.Kernel.
func (machine) Network() (server.Network, error) {
	var n server.Network
	links, err := whole(netlink.LinkList)
	if err != nil {
		return n, fmt.Errorf("list links: %w", err)
	}
	addresses, err := whole(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return n, fmt.Errorf("list addresses: %w", err)
	}
	names := map[int]string{}
	for _, l := range links {
		a := l.Attrs()
		names[a.Index] = a.Name
		n.Links = append(n.Links, server.LinkFact{
			Index: a.Index, Name: a.Name, MAC: a.HardwareAddr.String(), MTU: a.MTU,
			Up:        a.RawFlags&unix.IFF_UP != 0 && a.RawFlags&unix.IFF_LOWER_UP != 0,
			Set:       a.RawFlags&unix.IFF_UP != 0,
			Addresses: addressesOf(a.Index, addresses),
		})
	}
	slices.SortFunc(n.Links, func(a, b server.LinkFact) int { return cmp.Compare(a.Index, b.Index) })
	if n.Routes, err = routes(names); err != nil {
		return n, fmt.Errorf("list routes: %w", err)
	}
	if n.Rules, err = rules(); err != nil {
		return n, fmt.Errorf("list rules: %w", err)
	}
	return n, nil
}

func addressesOf(link int, all []netlink.Addr) []server.AddressFact {
	var out []server.AddressFact
	for _, a := range all {
		p, ok := prefixOf(a.IPNet)
		if a.LinkIndex != link || !ok || kernels(p) {
			continue
		}
		fact := server.AddressFact{
			Address: p.String(),
			// Optimistic addresses may be used before detection has ended
			// (RFC 4429).
			Unusable: a.Flags&unix.IFA_F_DADFAILED != 0 || a.Flags&unix.IFA_F_TENTATIVE != 0 && a.Flags&unix.IFA_F_OPTIMISTIC == 0,
			NoRoute:  a.Flags&unix.IFA_F_NOPREFIXROUTE != 0,
			// The bit says of IPv6 that an address is a temporary one.
			Secondary:  p.Addr().Is4() && a.Flags&unix.IFA_F_SECONDARY != 0,
			Deprecated: a.Flags&unix.IFA_F_DEPRECATED != 0,
		}
		if uint32(a.ValidLft) != math.MaxUint32 {
			fact.Seconds = max(a.ValidLft, 1) // 0 would say that it never ends
		}
		out = append(out, fact)
	}
	slices.SortFunc(out, func(a, b server.AddressFact) int { return cmp.Compare(a.Address, b.Address) })
	return out
}

// kernels are addresses that the kernel gives a link by itself: link-local
// ones, and those of lo (127.0.0.1/8 and ::1/128).
func kernels(p netip.Prefix) bool {
	return p.Addr().IsLinkLocalUnicast() || p.String() == "127.0.0.1/8" || p.String() == "::1/128"
}

func prefixOf(n *net.IPNet) (netip.Prefix, bool) {
	if n == nil {
		return netip.Prefix{}, false
	}
	a, ok := netip.AddrFromSlice(n.IP)
	bits, size := n.Mask.Size()
	if a.Is4In6() && size == 32 {
		a = a.Unmap()
	}
	return netip.PrefixFrom(a, bits), ok && size != 0
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// AddAddress implements helper.Kernel.
func (machine) AddAddress(link string, a server.AddressFact) error {
	l, addr, err := address(link, a.Address)
	if err != nil {
		return fmt.Errorf("add address %s to %s: %w", a.Address, link, err)
	}
	addr.ValidLft, addr.PreferedLft = a.Seconds, a.Seconds
	if a.Deprecated {
		addr.PreferedLft = 0
		if a.Seconds == 0 {
			addr.ValidLft = math.MaxUint32
		}
	}
	if a.NoRoute {
		addr.Flags |= unix.IFA_F_NOPREFIXROUTE
	}
	if err := netlink.AddrAdd(l, addr); err != nil {
		return fmt.Errorf("add address %s to %s: %w", a.Address, link, err)
	}
	return nil
}

// SetLink implements helper.Kernel.
func (machine) SetLink(f server.LinkFact) error {
	l, err := netlink.LinkByName(f.Name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		err = fmt.Errorf("%w (%w)", fs.ErrNotExist, err)
	}
	if err == nil && l.Attrs().MTU != f.MTU {
		err = netlink.LinkSetMTU(l, f.MTU)
	}
	switch {
	case err != nil:
	case f.Set:
		err = netlink.LinkSetUp(l)
	default:
		err = netlink.LinkSetDown(l)
	}
	if err != nil {
		return fmt.Errorf("set link %s: %w", f.Name, err)
	}
	return nil
}

// DelAddress implements helper.Kernel.
func (machine) DelAddress(link, text string) error {
	l, addr, err := address(link, text)
	if err == nil {
		err = netlink.AddrDel(l, addr)
	}
	if errors.Is(err, unix.EADDRNOTAVAIL) {
		err = fmt.Errorf("%w (%w)", fs.ErrNotExist, err)
	}
	if err != nil {
		return fmt.Errorf("delete address %s of %s: %w", text, link, err)
	}
	return nil
}

func address(link, text string) (netlink.Link, *netlink.Addr, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, nil, err
	}
	l, err := linkNamed(link)
	return l, &netlink.Addr{IPNet: ipNet(p)}, err
}

func linkNamed(name string) (netlink.Link, error) {
	l, err := netlink.LinkByName(name)
	if missing := (netlink.LinkNotFoundError{}); errors.As(err, &missing) {
		return nil, fmt.Errorf("link %q: %w", name, fs.ErrNotExist)
	}
	return l, err
}

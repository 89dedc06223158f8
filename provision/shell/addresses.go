package shell

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Interface is a network interface with its addresses.
type Interface struct {
	Name      string
	MAC       string
	Up        bool
	MTU       int
	Addresses []Address
}

// Address is an address of an interface. An address whose duplicate address
// detection has failed or has not ended cannot be used (RFC 4862 §5.4).
type Address struct {
	Prefix netip.Prefix
	Usable bool
}

// ParseAddresses reads what `ip -j address` prints.
func ParseAddresses(lines []string) ([]Interface, error) {
	var raw []struct {
		IfName  string   `json:"ifname"`
		Address string   `json:"address"`
		MTU     int      `json:"mtu"`
		Flags   []string `json:"flags"`
		Info    []struct {
			Local     string `json:"local"`
			PrefixLen int    `json:"prefixlen"`
			Tentative bool   `json:"tentative"`
			DADFailed bool   `json:"dadfailed"`
		} `json:"addr_info"`
	}
	if err := json.Unmarshal([]byte(strings.Join(lines, "\n")), &raw); err != nil {
		return nil, fmt.Errorf("%w: ip -j address says %.200q", ErrProbe, strings.Join(lines, " "))
	}
	var out []Interface
	for _, r := range raw {
		i := Interface{Name: r.IfName, MAC: strings.ToLower(r.Address), Up: slices.Contains(r.Flags, "LOWER_UP"), MTU: r.MTU}
		for _, a := range r.Info {
			addr, err := netip.ParseAddr(a.Local)
			if err != nil {
				continue // a peer or a family that raiz has no word for
			}
			prefix := netip.PrefixFrom(addr, a.PrefixLen)
			if !prefix.IsValid() {
				return nil, fmt.Errorf("%w: %s has %.60q/%d", ErrProbe, r.IfName, a.Local, a.PrefixLen)
			}
			i.Addresses = append(i.Addresses, Address{Prefix: prefix, Usable: !a.Tentative && !a.DADFailed})
		}
		out = append(out, i)
	}
	return out, nil
}

// Interface returns the interface with that name or MAC.
func (p Probe) Interface(nameOrMAC string) (Interface, bool) {
	return FindInterface(p.Interfaces, nameOrMAC)
}

// FindInterface returns the interface of that name or MAC.
func FindInterface(all []Interface, nameOrMAC string) (Interface, bool) {
	for _, i := range all {
		if i.Name == nameOrMAC || i.MAC == nameOrMAC {
			return i, true
		}
	}
	return Interface{}, false
}

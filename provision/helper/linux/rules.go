//go:build linux

package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/raiz-dns/raiz/provision/server"
)

func rules() ([]server.Rule, error) {
	var out []server.Rule
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		all, err := whole(func() ([]netlink.Rule, error) { return netlink.RuleList(family) })
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			if preset(r) || !expressible(r) {
				continue
			}
			rule := server.Rule{
				Family: familyNumber(family), Priority: r.Priority, Table: r.Table, Protocol: int(r.Protocol),
				Mark: r.Mark, In: r.IifName, Out: r.OifName, Not: r.Invert,
			}
			if r.Mask != nil {
				rule.Mask = *r.Mask
			}
			if p, ok := prefixOf(r.Src); ok {
				rule.From = p.String()
			}
			if p, ok := prefixOf(r.Dst); ok {
				rule.To = p.String()
			}
			out = append(out, rule)
		}
	}
	return out, nil
}

// preset are the rules that a kernel starts with: local, main and default
// (ip-rule(8)).
func preset(r netlink.Rule) bool {
	plain := r.Src == nil && r.Dst == nil && r.Mark == 0 && r.IifName == "" && r.OifName == "" && !r.Invert && expressible(r)
	switch r.Priority {
	case 0:
		return plain && r.Table == unix.RT_TABLE_LOCAL
	case 32766:
		return plain && r.Table == unix.RT_TABLE_MAIN
	case 32767:
		return plain && r.Table == unix.RT_TABLE_DEFAULT
	}
	return false
}

// expressible reports whether a rule is all that server.Rule says of it. One
// that selects by port or user, or does something else than to look into a
// table, is not told of: half a rule would be deleted or put back wrong.
func expressible(r netlink.Rule) bool {
	return r.Table != 0 && r.Goto < 0 && r.Flow <= 0 && r.Tos == 0 && r.TunID == 0 && r.SuppressIfgroup < 0 && r.SuppressPrefixlen < 0 &&
		r.Dport == nil && r.Sport == nil && r.IPProto == 0 && r.UIDRange == nil
}

// AddRule implements helper.Kernel.
func (machine) AddRule(r server.Rule) error {
	rule, err := kernelRule(r)
	if err == nil {
		err = netlink.RuleAdd(rule)
	}
	if err != nil {
		return fmt.Errorf("add rule %d: %w", r.Priority, err)
	}
	return nil
}

// DelRule implements helper.Kernel.
func (machine) DelRule(r server.Rule) error {
	rule, err := kernelRule(r)
	if err == nil {
		err = netlink.RuleDel(rule)
	}
	if errors.Is(err, unix.ENOENT) && !errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w (%w)", fs.ErrNotExist, err)
	}
	if err != nil {
		return fmt.Errorf("delete rule %d: %w", r.Priority, err)
	}
	return nil
}

func kernelRule(r server.Rule) (*netlink.Rule, error) {
	out := netlink.NewRule()
	out.Priority, out.Table, out.Protocol = r.Priority, r.Table, uint8(r.Protocol)
	out.Mark, out.IifName, out.OifName, out.Invert = r.Mark, r.In, r.Out, r.Not
	if r.Mask != 0 {
		out.Mask = &r.Mask
	}
	switch r.Family {
	case 4:
		out.Family = netlink.FAMILY_V4
	case 6:
		out.Family = netlink.FAMILY_V6
	default:
		return nil, fmt.Errorf("family %d is neither 4 nor 6", r.Family)
	}
	if r.From != "" {
		p, err := netip.ParsePrefix(r.From)
		if err != nil {
			return nil, err
		}
		out.Src = ipNet(p)
	}
	if r.To != "" {
		p, err := netip.ParsePrefix(r.To)
		if err != nil {
			return nil, err
		}
		out.Dst = ipNet(p)
	}
	return out, nil
}

func familyNumber(family int) int {
	if family == netlink.FAMILY_V6 {
		return 6
	}
	return 4
}

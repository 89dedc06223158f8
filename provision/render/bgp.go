package render

import (
	"net/netip"
	"slices"

	"github.com/raiz-dns/raiz/provision/site"
)

// bgp is the routing.
func (v *Values) bgp(s *site.Site) { v.BGP = newBGP(s) }

func newBGP(s *site.Site) BGP {
	v := BGP{ASN: s.BGP.ASN, RouterID: s.BGP.RouterID.String()}
	for _, n := range s.BGP.Neighbors {
		neighbor := BGPNeighbor{ID: site.Identifier(n.Name), Name: n.Name, HasPassword: !n.Password.IsZero()}
		v.Neighbors = append(v.Neighbors, neighbor)
		for _, a := range n.Addresses {
			v.Sessions = append(v.Sessions, newSession(s, n, neighbor, a))
			v.BFD = v.BFD || n.BFD
		}
	}
	for _, f := range []BGPFamily{{Number: 4, Any: "0.0.0.0/0"}, {Number: 6, Any: "::/0"}} {
		all, local := blocksOf(s, f.Number)
		if len(all) == 0 && !slices.ContainsFunc(v.Sessions, func(x BGPSession) bool { return x.Family == f.Number }) {
			continue
		}
		f.Blocks, f.LocalBlocks = prefixes(all), prefixes(local)
		f.Behind = behindOf(s, f.Number)
		f.AcceptsDefault = acceptsDefault(s, f.Number)
		v.Families = append(v.Families, f)
	}
	return v
}

func newSession(s *site.Site, n site.Neighbor, neighbor BGPNeighbor, address netip.Addr) BGPSession {
	out := BGPSession{
		ID: site.SessionID(n.Name, address), Neighbor: neighbor, Description: n.Name + " of " + s.Host.Name,
		Family: familyOf(address), Address: address.String(), ASN: n.ASN,
		TTLSecurity: n.TTLSecurity, HoldTime: n.HoldTime, ReceiveLimit: n.ReceiveLimit, Accept: n.Accept,
		Announce: n.Announce, BFD: n.BFD, Role: n.Role,
	}
	if n.Transit {
		out.Description = n.Name + ", transit"
	}
	for _, a := range s.Server.Service.Addresses {
		if a.Contains(address) {
			out.Local = a.Addr().String()
		}
	}
	return out
}

func familyOf(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 6
}

func blocksOf(s *site.Site, family int) (all, local []netip.Prefix) {
	for _, a := range s.Anycast {
		for _, p := range a.Prefixes {
			if familyOf(p.Addr()) != family {
				continue
			}
			all = append(all, p)
			if a.Tagged(p) {
				local = append(local, p)
			}
		}
	}
	return all, local
}

// behindOf are the blocks of a family that do not originate in the server's
// own AS, with what is put in front of their empty path: the origin first.
func behindOf(s *site.Site, family int) []Behind {
	var out []Behind
	for _, a := range s.Anycast {
		var blocks []string
		for _, p := range a.Prefixes {
			if familyOf(p.Addr()) == family {
				blocks = append(blocks, p.String())
			}
		}
		if len(a.ASPath) > 0 && len(blocks) > 0 {
			path := slices.Clone(a.ASPath)
			slices.Reverse(path)
			out = append(out, Behind{Blocks: blocks, Prepends: path})
		}
	}
	return out
}

func acceptsDefault(s *site.Site, family int) bool {
	for _, n := range s.BGP.Neighbors {
		for _, a := range n.Addresses {
			if n.Accept == site.AcceptDefault && familyOf(a) == family {
				return true
			}
		}
	}
	return false
}

func prefixes(ps []netip.Prefix) []string {
	var out []string
	for _, p := range ps {
		out = append(out, p.String())
	}
	return out
}

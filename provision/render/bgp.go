package render

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
)

type bgpView struct {
	ASN            site.ASN
	RouterID       string
	Passwords      []password
	Sessions       []session
	Families       []bgpFamily
	KernelFamilies []bgpFamily // those from which a default route is accepted
	Blocks4        []string
	Blocks6        []string
	BFD            bool // whether any session has it
}

type password struct {
	Name   string
	Text   string // only in the view of secret files
	secret secret.Value
}

// session is one BGP session: each address of a neighbor has its own.
type session struct {
	Name         string
	Neighbor     string
	Description  string
	Word         string // of nftables: ip or ip6
	HopLimit     string // of nftables: what counts the hops down
	Family       int
	Local        string
	Address      string
	ASN          site.ASN
	PasswordName string
	TTLSecurity  bool
	HoldTime     int
	ReceiveLimit int
	Accept       site.Accept
	Announce     site.Announce
	BFD          bool
	Role         string
}

// bgpFamily is a family that has blocks, sessions or both.
type bgpFamily struct {
	Number      int
	Any         string
	Blocks      string // "" means that nothing is announced
	LocalBlocks string
	Behind      []behind
}

// behind are blocks whose origin is behind the server's own AS.
type behind struct {
	Blocks   string
	Prepends []site.ASN // in the order in which they are put in front
}

func newBGP(s *site.Site) bgpView {
	v := bgpView{ASN: s.BGP.ASN, RouterID: s.BGP.RouterID.String()}
	for _, b := range s.Blocks() {
		if b.Addr().Is4() {
			v.Blocks4 = append(v.Blocks4, b.String())
		} else {
			v.Blocks6 = append(v.Blocks6, b.String())
		}
	}
	for _, n := range s.BGP.Neighbors {
		name := SymbolOf(n.Name)
		if !n.Password.IsZero() {
			v.Passwords = append(v.Passwords, password{Name: name + "_password", secret: n.Password})
		}
		for _, a := range n.Addresses {
			v.Sessions = append(v.Sessions, newSession(s, n, a))
			v.BFD = v.BFD || n.BFD
		}
	}
	for _, f := range []bgpFamily{{Number: 4, Any: "0.0.0.0/0"}, {Number: 6, Any: "::/0"}} {
		all, local := blocksOf(s, f.Number)
		if len(all) == 0 && !slices.ContainsFunc(v.Sessions, func(x session) bool { return x.Family == f.Number }) {
			continue
		}
		f.Blocks, f.LocalBlocks = joinPrefixes(all), joinPrefixes(local)
		f.Behind = behindOf(s, f.Number)
		v.Families = append(v.Families, f)
		if acceptsDefault(s, f.Number) {
			v.KernelFamilies = append(v.KernelFamilies, f)
		}
	}
	return v
}

func newSession(s *site.Site, n site.Neighbor, address netip.Addr) session {
	out := session{
		Name: SessionName(n.Name, address), Neighbor: n.Name, Description: n.Name + " of " + s.Host.Name,
		Word: "ip", HopLimit: "ip ttl", Family: familyOf(address), Address: address.String(), ASN: n.ASN,
		TTLSecurity: n.TTLSecurity, HoldTime: n.HoldTime, ReceiveLimit: n.ReceiveLimit, Accept: n.Accept,
		Announce: n.Announce, BFD: n.BFD, Role: n.Role,
	}
	if n.Transit {
		out.Description = n.Name + ", transit"
	}
	if out.Family == 6 {
		out.Word, out.HopLimit = "ip6", "ip6 hoplimit"
	}
	if !n.Password.IsZero() {
		out.PasswordName = SymbolOf(n.Name) + "_password"
	}
	for _, a := range s.Server.Service.Addresses {
		if a.Contains(address) {
			out.Local = a.Addr().String()
		}
	}
	return out
}

// SessionName is the name of a session in BIRD.
func SessionName(neighbor string, address netip.Addr) string {
	if address.Is4() {
		return SymbolOf(neighbor) + "_v4"
	}
	return SymbolOf(neighbor) + "_v6"
}

// SymbolOf makes a name a symbol of BIRD: a letter, then letters, digits and
// underscores.
func SymbolOf(name string) string {
	symbol := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, name)
	return "n_" + symbol
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
func behindOf(s *site.Site, family int) []behind {
	var out []behind
	for _, a := range s.Anycast {
		var blocks []netip.Prefix
		for _, p := range a.Prefixes {
			if familyOf(p.Addr()) == family {
				blocks = append(blocks, p)
			}
		}
		if len(a.ASPath) > 0 && len(blocks) > 0 {
			path := slices.Clone(a.ASPath)
			slices.Reverse(path)
			out = append(out, behind{Blocks: joinPrefixes(blocks), Prepends: path})
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

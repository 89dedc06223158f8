//go:build linux

package guard

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

// decoded is an UPDATE message as GoBGP reads it.
type decoded struct {
	Withdrawn, Reached []string
	NextHop            string
	Kinds              []bgp.BGPAttrType
	Origin             uint8
	Path               []string
	Preference         uint32
	Communities        []uint32
}

func texts(all []bgp.PathNLRI) (out []string) {
	for _, n := range all {
		out = append(out, n.NLRI.String())
	}
	return out
}

// read holds an UPDATE message of an internal neighbour against RFC 4271 and
// RFC 7606.
func read(m *bgp.BGPUpdate) (decoded, error) {
	families := map[bgp.Family]bgp.BGPAddPathMode{bgp.RF_IPv4_UC: 0, bgp.RF_IPv6_UC: 0}
	if ok, err := bgp.ValidateUpdateMsg(m, families, false, false, false); !ok || err != nil {
		return decoded{}, fmt.Errorf("%v: %w", m, err)
	}
	d := decoded{Withdrawn: texts(m.WithdrawnRoutes), Reached: texts(m.NLRI)}
	for _, a := range m.PathAttributes {
		d.Kinds = append(d.Kinds, a.GetType())
		switch a := a.(type) {
		case *bgp.PathAttributeOrigin:
			d.Origin = a.Value
		case *bgp.PathAttributeAsPath:
			for _, s := range a.Value {
				d.Path = append(d.Path, s.String())
			}
		case *bgp.PathAttributeNextHop:
			d.NextHop = a.Value.String()
		case *bgp.PathAttributeLocalPref:
			d.Preference = a.Value
		case *bgp.PathAttributeCommunities:
			d.Communities = a.Value
		case *bgp.PathAttributeMpReachNLRI:
			d.NextHop, d.Reached = a.Nexthop.String(), append(d.Reached, texts(a.Value)...)
		case *bgp.PathAttributeMpUnreachNLRI:
			d.Withdrawn = append(d.Withdrawn, texts(a.Value)...)
		}
	}
	return d, nil
}

func decode(t testing.TB, b []byte) decoded {
	t.Helper()
	m, err := bgp.ParseBGPBody(&bgp.BGPHeader{Len: uint16(bgp.BGP_HEADER_LENGTH + len(b)), Type: bgp.BGP_MSG_UPDATE}, b)
	if err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	d, err := read(m.Body.(*bgp.BGPUpdate))
	if err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	return d
}

// wantedUpdate is what RFC 4271, RFC 4760 and RFC 8326 ask for: an empty path,
// a next hop that nobody has, and the community for who is about to leave.
func wantedUpdate(p netip.Prefix, r route) decoded {
	text := []string{p.Masked().String()}
	switch {
	case r == withdrawn && p.Addr().Is4():
		return decoded{Withdrawn: text}
	case r == withdrawn:
		return decoded{Withdrawn: text, Kinds: []bgp.BGPAttrType{bgp.BGP_ATTR_TYPE_MP_UNREACH_NLRI}}
	}
	d := decoded{Reached: text, NextHop: "192.0.0.8", Preference: 100, Kinds: []bgp.BGPAttrType{
		bgp.BGP_ATTR_TYPE_ORIGIN, bgp.BGP_ATTR_TYPE_AS_PATH, bgp.BGP_ATTR_TYPE_NEXT_HOP, bgp.BGP_ATTR_TYPE_LOCAL_PREF,
	}}
	if p.Addr().Is6() {
		d.NextHop, d.Kinds[2] = "100::1", bgp.BGP_ATTR_TYPE_MP_REACH_NLRI
	}
	if r == draining {
		d.Communities, d.Kinds = []uint32{uint32(bgp.COMMUNITY_PLANNED_SHUT)}, append(d.Kinds, bgp.BGP_ATTR_TYPE_COMMUNITIES)
	}
	slices.Sort(d.Kinds)
	return d
}

func checkUpdate(t testing.TB, p netip.Prefix, r route) {
	t.Helper()
	got := decode(t, update(p, r))
	slices.Sort(got.Kinds)
	if diff := cmp.Diff(wantedUpdate(p, r), got); diff != "" {
		t.Errorf("%s, %d (-want +got):\n%s", p, r, diff)
	}
}

// TestUpdate reads what is sent about prefixes of every length.
func TestUpdate(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for bits := range 129 {
		var b [16]byte
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		b[0] |= 0x20 // no address of the other family in disguise
		for _, way := range []route{withdrawn, draining, announced} {
			checkUpdate(t, netip.PrefixFrom(netip.AddrFrom16(b), bits), way)
			if bits <= 32 {
				checkUpdate(t, netip.PrefixFrom(netip.AddrFrom4([4]byte(b[:4])), bits), way)
			}
		}
	}
}

func FuzzUpdate(f *testing.F) {
	f.Add([]byte{192, 0, 2, 1}, byte(24), byte(2))
	f.Add(netip.MustParseAddr("2001:db8::1").AsSlice(), byte(48), byte(1))
	f.Fuzz(func(t *testing.T, address []byte, bits, way byte) {
		a, ok := netip.AddrFromSlice(address)
		p := netip.PrefixFrom(a, int(bits))
		if !ok || a.Is4In6() || !p.IsValid() {
			return
		}
		checkUpdate(t, p, route(way%3))
	})
}

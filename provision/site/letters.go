package site

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// lettersAsOf is the date of the catalogue of root letters below.
const lettersAsOf = "2024"

// letter is what is known of one root server. The service addresses are those
// of the IANA root hints; blocks and origins come from routing tables and
// change with the operators' plans, so they warn and never fill anything in.
type letter struct {
	ipv4, ipv6 string
	blocks     []string
	origins    []ASN
}

func letters() map[string]letter {
	return map[string]letter{
		"a": {"198.41.0.4", "2001:503:ba3e::2:30", []string{"198.41.0.0/24", "2001:503:ba3e::/48"}, []ASN{396540, 19836}},
		"b": {"170.247.170.2", "2801:1b8:10::b", []string{"170.247.170.0/24", "2801:1b8:10::/48"}, []ASN{394353}},
		"c": {"192.33.4.12", "2001:500:2::c", []string{"192.33.4.0/24", "2001:500:2::/48"}, []ASN{2149}},
		"d": {"199.7.91.13", "2001:500:2d::d", []string{"199.7.91.0/24", "2001:500:2d::/48"}, []ASN{10886}},
		"e": {"192.203.230.10", "2001:500:a8::e", []string{"192.203.230.0/24", "2001:500:a8::/48"}, []ASN{21556}},
		"f": {"192.5.5.241", "2001:500:2f::f", []string{"192.5.5.0/24", "192.5.4.0/23", "2001:500:2f::/48", "2001:500:2e::/47"}, []ASN{3557}},
		"g": {"192.112.36.4", "2001:500:12::d0d", []string{"192.112.36.0/24", "2001:500:12::/48"}, []ASN{5927}},
		"h": {"198.97.190.53", "2001:500:1::53", []string{"198.97.190.0/24", "2001:500:1::/48"}, []ASN{1508}},
		"i": {"192.36.148.17", "2001:7fe::53", []string{"192.36.148.0/24", "192.36.148.0/23", "2001:7fe::/33", "2001:7fe::/32"}, []ASN{29216}},
		"j": {"192.58.128.30", "2001:503:c27::2:30", []string{"192.58.128.0/24", "2001:503:c27::/48"}, []ASN{26415}},
		"k": {"193.0.14.129", "2001:7fd::1", []string{"193.0.14.0/24", "193.0.14.0/23", "2001:7fd::/48", "2001:7fd::/32"}, []ASN{25152}},
		"l": {"199.7.83.42", "2001:500:9f::42", []string{"199.7.83.0/24", "199.7.82.0/23", "2001:500:9f::/48", "2001:500:9e::/47", "2001:500:3::/48"}, []ASN{20144}},
		"m": {"202.12.27.33", "2001:dc3::35", []string{"202.12.27.0/24", "2001:dc3::/32"}, []ASN{7500}},
	}
}

// rootLetter compares a service with the root server it says it is.
func (c *converter) rootLetter(a Anycast, s service, at hcl.Range) {
	l := letters()[a.Letter]
	for _, want := range []netip.Addr{netip.MustParseAddr(l.ipv4), netip.MustParseAddr(l.ipv6)} {
		if len(s.addresses) > 0 && !slices.Contains(values(s.addresses), want) {
			c.fail(at, problem{"letter-service", "not the address of this root server", fmt.Sprintf(
				"%s.root-servers.net answers at %s, which is not among the addresses.", a.Letter, want)})
		}
	}
	for _, p := range s.prefixes {
		if !slices.Contains(l.blocks, p.val.String()) {
			c.warn(p.at, problem{"letter-blocks", "unknown block of this root server", fmt.Sprintf(
				"As of %s, %s was not known to be announced by %s.root-servers.net. Ask the operator.", lettersAsOf, p.val, a.Letter)})
		}
	}
	if a.Origin != 0 && !slices.Contains(l.origins, a.Origin) {
		c.warn(at, problem{"letter-origin", "unknown origin of this root server", fmt.Sprintf(
			"As of %s, AS%d was not known as the origin of %s.root-servers.net. Ask the operator.", lettersAsOf, a.Origin, a.Letter)})
	}
}

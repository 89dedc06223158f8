package site

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// requirement is what a rule of an operator profile means.
type requirement struct {
	summary string
	value   func(string) bool // whether a profile's value makes sense; nil when the rule has none
	check   func(s *Site, value string) []breach
}

// breach is one way in which a site breaks a rule.
type breach struct {
	spot   string // name of a marked place
	detail string
}

// requirements returns all rules that a profile may name, by ID.
func requirements(ranges []special) map[string]requirement {
	return map[string]requirement{
		"addr-global":     {"address not public", nil, addrGlobal(ranges)},
		"af-symmetry":     {"one address family missing", nil, afSymmetry},
		"as-set":          {"no AS-SET", nil, asSetGiven},
		"bandwidth":       {"too little bandwidth", isBandwidth, enoughBandwidth},
		"bgp-password":    {"BGP session without a password", nil, bgpPassword},
		"blocks-known":    {"block not of this operator", isPrefixList, blocksKnown},
		"bmc":             {"no BMC", nil, bmcGiven},
		"bmc-ipv4":        {"BMC without IPv4", nil, bmcFamily(netip.IPv4Unspecified())},
		"bmc-ipv6":        {"BMC without IPv6", nil, bmcFamily(netip.IPv6Unspecified())},
		"contacts":        {"contact missing", isWordList, contactsGiven},
		"host-asn":        {"host without an AS of its own", nil, hostASN},
		"link-ipv4":       {"BGP link without IPv4", nil, interfaceFamily("service", netip.IPv4Unspecified())},
		"link-ipv6":       {"BGP link without IPv6", nil, interfaceFamily("service", netip.IPv6Unspecified())},
		"management-ipv4": {"management without IPv4", nil, interfaceFamily("management", netip.IPv4Unspecified())},
		"management-ipv6": {"management without IPv6", nil, interfaceFamily("management", netip.IPv6Unspecified())},
		"origin-known":    {"origin not of this operator", isNumberList, originKnown},
		"propagation":     {"another propagation", isPropagation, propagationIs},
		"rack-units":      {"too few rack units", isNumberList, enoughRackUnits},
		"region":          {"host outside of the region", isWordList, inRegion},
		"reserve":         {"reserve missing", isLengthList, reserveGiven},
		"ssh-networks":    {"SSH open to everybody", nil, sshNetworks},
		"ttl-security":    {"BGP session without TTL security", nil, ttlSecurity},
		"service-public":  {"BGP link not public", nil, servicePublic(ranges)},
	}
}

func list(value string) []string { return strings.Split(value, ",") }

func isWordList(v string) bool {
	return !slices.ContainsFunc(list(v), func(s string) bool { return !word(s) })
}

func isNumberList(v string) bool {
	return !slices.ContainsFunc(list(v), func(s string) bool { _, err := strconv.ParseUint(s, 10, 32); return err != nil })
}

func isPrefixList(v string) bool {
	return !slices.ContainsFunc(list(v), func(s string) bool { _, err := netip.ParsePrefix(s); return err != nil })
}

func isLengthList(v string) bool {
	return !slices.ContainsFunc(list(v), func(s string) bool { return !strings.HasPrefix(s, "/") || !isNumberList(s[1:]) })
}

func isBandwidth(v string) bool { _, ok := parseBandwidth(v); return ok }

func isPropagation(v string) bool { return v == string(Global) || v == string(Local) }

func addrGlobal(ranges []special) func(*Site, string) []breach {
	return func(s *Site, _ string) []breach {
		var out []breach
		if s.BMC != nil {
			out = append(out, unreachable(s, ranges, "the BMC", s.BMC.Addresses)...)
		}
		out = append(out, unreachable(s, ranges, "the management interface", s.Server.Management.Addresses)...)
		return append(out, unreachable(s, ranges, "the reserve", s.Host.Reserve)...)
	}
}

func servicePublic(ranges []special) func(*Site, string) []breach {
	return func(s *Site, _ string) []breach {
		return unreachable(s, ranges, "the BGP link", s.Server.Service.Addresses)
	}
}

// unreachable returns a breach for each address that cannot be reached from
// outside. Documentation addresses stand for public ones in a lab.
func unreachable(s *Site, ranges []special, what string, prefixes []netip.Prefix) []breach {
	var out []breach
	for _, p := range prefixes {
		r := classify(netip.PrefixFrom(p.Addr(), p.Addr().BitLen()), ranges).reach
		if r == public || (r == documentation && s.Lab) {
			continue
		}
		out = append(out, breach{addrSpot(p.Addr()), fmt.Sprintf("%s of %s is not reachable from outside.", p.Addr(), what)})
	}
	return out
}

func afSymmetry(s *Site, _ string) []breach {
	var blocks, sessions []netip.Addr
	for _, p := range s.Blocks() {
		blocks = append(blocks, p.Addr())
	}
	for _, n := range s.BGP.Neighbors {
		sessions = append(sessions, n.Addresses...)
	}
	var out []breach
	for _, f := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		has := func(a netip.Addr) bool { return a.Is4() == f.Is4() }
		if !slices.ContainsFunc(blocks, has) {
			out = append(out, breach{"site", fmt.Sprintf("No %s block is announced.", family(f))})
		}
		if !slices.ContainsFunc(sessions, has) {
			out = append(out, breach{"bgp", fmt.Sprintf("No neighbor has an %s address.", family(f))})
		}
	}
	return out
}

func asSetGiven(s *Site, _ string) []breach {
	if s.Host.ASSet != "" {
		return nil
	}
	return []breach{{"host", `The host's upstreams filter by its AS-SET, which has to get the origin as a member: as_set = "AS-EXAMPLE".`}}
}

func enoughBandwidth(s *Site, value string) []breach {
	want, _ := parseBandwidth(value)
	switch {
	case s.Host.Bandwidth == 0:
		return []breach{{"host", fmt.Sprintf("Write how much the host gives: bandwidth = %q.", value)}}
	case s.Host.Bandwidth < want:
		return []breach{{"host.bandwidth", fmt.Sprintf("At least %s are needed.", value)}}
	}
	return nil
}

func bgpPassword(s *Site, _ string) []breach {
	var out []breach
	for _, n := range s.BGP.Neighbors {
		if n.Password.IsZero() {
			out = append(out, breach{"bgp.neighbor." + n.Name, `Add: password = env("BGP_PASSWORD").`})
		}
	}
	return out
}

// ttlSecurity is for neighbors on the link alone (RFC 5082 section 3), which all
// are: a session over several hops cannot be declared.
func ttlSecurity(s *Site, _ string) []breach {
	var out []breach
	for _, n := range s.BGP.Neighbors {
		if !n.TTLSecurity {
			out = append(out, breach{"bgp.neighbor." + n.Name, "Whoever is further away than the link can send to the session. Add here and at the host's router: ttl_security = true."})
		}
	}
	return out
}

func sshNetworks(s *Site, _ string) []breach {
	if len(s.Server.SSH.From) > 0 {
		return nil
	}
	return []breach{{"server.ssh", `Write the networks that the operator, its CI and its engineers come from: from = ["203.0.113.64/26"].`}}
}

func blocksKnown(s *Site, value string) []breach {
	var out []breach
	for _, p := range s.Blocks() {
		if !slices.Contains(list(value), p.String()) {
			out = append(out, breach{blockSpot(p), fmt.Sprintf("%s is none of %s.", p, strings.Join(list(value), ", "))})
		}
	}
	return out
}

func originKnown(s *Site, value string) []breach {
	var out []breach
	for _, a := range s.Anycast {
		if !slices.Contains(list(value), strconv.FormatUint(uint64(a.Origin), 10)) {
			out = append(out, breach{"anycast." + a.Name, fmt.Sprintf("The origin AS%d of %s is none of %s.", a.Origin, a.Name, strings.Join(list(value), ", "))})
		}
	}
	return out
}

func propagationIs(s *Site, value string) []breach {
	var out []breach
	for _, a := range s.Anycast {
		if string(a.Propagation) != value {
			out = append(out, breach{"anycast." + a.Name, fmt.Sprintf("propagation of %s has to be %q.", a.Name, value)})
		}
	}
	return out
}

func bmcGiven(s *Site, _ string) []breach {
	if s.BMC != nil {
		return nil
	}
	return []breach{{"site", "The server needs a management controller: bmc { ... }."}}
}

func bmcFamily(like netip.Addr) func(*Site, string) []breach {
	return func(s *Site, _ string) []breach {
		if s.BMC == nil || hasFamily(s.BMC.Addresses, like) {
			return nil
		}
		return []breach{{"bmc", fmt.Sprintf("The BMC has no %s address.", family(like))}}
	}
}

func interfaceFamily(role string, like netip.Addr) func(*Site, string) []breach {
	return func(s *Site, _ string) []breach {
		in := s.Server.Management
		if role == "service" {
			in = s.Server.Service
		}
		if hasFamily(in.Addresses, like) {
			return nil
		}
		return []breach{{"server." + role, fmt.Sprintf("The %s interface has no %s address.", role, family(like))}}
	}
}

func hasFamily(in []netip.Prefix, like netip.Addr) bool {
	return slices.ContainsFunc(in, func(p netip.Prefix) bool { return p.Addr().Is4() == like.Is4() })
}

func contactsGiven(s *Site, value string) []breach {
	var out []breach
	for _, role := range list(value) {
		i := slices.IndexFunc(s.Host.Contacts, func(c Contact) bool { return c.Role == role })
		if i < 0 || s.Host.Contacts[i].Email == "" || s.Host.Contacts[i].Phone == "" {
			out = append(out, breach{"host", fmt.Sprintf("A contact %q with email and phone is needed.", role)})
		}
	}
	return out
}

func hostASN(s *Site, _ string) []breach {
	if s.Host.ASN != s.BGP.ASN {
		return nil
	}
	return []breach{{"host.asn", fmt.Sprintf("AS%d is the server's own; the host needs one for itself.", s.Host.ASN)}}
}

func enoughRackUnits(s *Site, value string) []breach {
	want, _ := strconv.Atoi(value)
	switch have := s.Host.Location.RackUnits; {
	case have == 0:
		return []breach{{"host", fmt.Sprintf("Write how much room the host gives: location { rack_units = %s }.", value)}}
	case have < want:
		return []breach{{"host.location.rack_units", fmt.Sprintf("At least %s rack units are needed.", value)}}
	}
	return nil
}

func inRegion(s *Site, value string) []breach {
	switch country := s.Host.Location.Country; {
	case country == "":
		return []breach{{"host", `Write where the host is: location { country = "BR" }.`}}
	case !slices.Contains(list(value), country):
		return []breach{{"host.location.country", fmt.Sprintf("%s is not in the region.", country)}}
	}
	return nil
}

func reserveGiven(s *Site, value string) []breach {
	var out []breach
	for _, want := range list(value) {
		length, _ := strconv.Atoi(want[1:])
		enough := slices.ContainsFunc(s.Host.Reserve, func(p netip.Prefix) bool {
			return p.Addr().Is4() == (length <= 32) && p.Bits() <= length
		})
		if !enough {
			out = append(out, breach{"host", fmt.Sprintf("The reserve has to have a %s.", want)})
		}
	}
	return out
}

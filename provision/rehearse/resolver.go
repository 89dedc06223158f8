//go:build linux

package rehearse

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/site"
)

// resolverFiles make the router a name server at the resolver addresses of
// the site. It knows the names of time servers, which are the router itself,
// and refuses the rest at once, so that nothing waits for an answer. Without
// resolver addresses there are no files.
func resolverFiles(s *site.Site, l *layout) map[string]string {
	addrs := resolverAddrs(s)
	if len(addrs) == 0 {
		return nil
	}
	var conf strings.Builder
	conf.WriteString("server:\n\tpidfile: \"/run/nsd/nsd.pid\"\n\tusername: nsd\n")
	slices.SortFunc(addrs, netip.Addr.Compare)
	for _, a := range slices.Compact(addrs) {
		fmt.Fprintf(&conf, "\tip-address: %s\n", a)
	}
	conf.WriteString(timeZones(s))
	return map[string]string{"/etc/nsd/nsd.conf": conf.String(), "/etc/nsd/time.zone": timeZone(l)}
}

// resolverAddrs returns the resolver addresses of server and BMC.
func resolverAddrs(s *site.Site) []netip.Addr {
	if s.BMC == nil {
		return slices.Clone(s.Server.DNS)
	}
	return slices.Concat(s.Server.DNS, s.BMC.DNS)
}

// timeZones is the part of an NSD configuration that knows the names of time
// servers.
func timeZones(s *site.Site) string {
	names := slices.Clone(s.Server.NTP)
	if s.BMC != nil {
		names = append(names, s.BMC.NTP...)
	}
	var conf strings.Builder
	slices.Sort(names)
	for _, n := range slices.Compact(names) {
		if _, err := netip.ParseAddr(strings.Trim(n, "[]")); err != nil {
			fmt.Fprintf(&conf, "\nzone:\n\tname: %q\n\tzonefile: \"/etc/nsd/time.zone\"\n", strings.TrimSuffix(n, "."))
		}
	}
	return conf.String()
}

// timeZone is the zone of every time server's name: the router's first
// address of each family.
func timeZone(l *layout) string {
	var b strings.Builder
	b.WriteString("@ 60 IN SOA router.invalid. hostmaster.invalid. 1 60 60 60 60\n@ 60 IN NS router.invalid.\n")
	types := []string{"A", "AAAA"}
	for _, p := range l.Ports {
		for _, a := range p.Addrs {
			kind := "A"
			if a.Addr().Is6() {
				kind = "AAAA"
			}
			if i := slices.Index(types, kind); i >= 0 {
				fmt.Fprintf(&b, "@ 60 IN %s %s\n", kind, a.Addr())
				types = slices.Delete(types, i, i+1)
			}
		}
	}
	return b.String()
}

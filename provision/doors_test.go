//go:build linux

package provision_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/site"
)

// TestDoors tries every port of every kind of address in both families, from the
// router, which may also lie about where it sends from, and from the operator's
// networks: what answers, or is let through to where nobody is, is a door.
func TestDoors(t *testing.T) {
	needMachines(t)
	t.Parallel()
	if _, err := exec.LookPath("nmap"); err != nil {
		t.Fatal(err)
	}
	s := *soon(loadSite(t, "../sites/as112-gru1.hcl"))
	s.Server.Agents = []site.Agent{{Name: "metrics", Listens: []site.Listen{{Network: "tcp", Port: 9100}}, From: s.Server.SSH.From}}
	b := newBedOf(t, &s, rehearse.Options{})
	b.mustApply(b.Site)
	b.verifyUntil(b.Site, allInOrder())

	dns := []string{"tcp/53 open", "udp/53 open"}
	// Nobody collects metrics here, so that the kernel answers for it.
	management := []string{"tcp/22 open", "tcp/9100 closed"}
	link4, link6 := b.Site.Server.Service.Addresses[0].Addr().String(), b.Site.Server.Service.Addresses[1].Addr().String()
	want := map[string][]string{
		// BGP takes nothing without the neighbor's password (RFC 2385), so that
		// its port is silent as well; that there are sessions was seen before.
		"router 192.175.48.1": dns, "router 2620:4f:8000::1": dns, "router " + link4: nil, "router " + link6: nil,
		"controller 192.175.48.1": dns, "controller 2620:4f:8000::1": dns, "controller " + link4: nil, "controller " + link6: nil,
		"controller 192.0.2.20": management, "controller 2001:db8:0:2::20": management,
	}
	router, controller := b.Netns(rehearse.RoleRouter), b.Netns(rehearse.RoleController)
	local := b.linkLocal()
	want["router "+local] = nil
	if diff := cmp.Diff(want, b.scan(router, controller, want)); diff != "" {
		t.Errorf("doors (-want +got):\n%s", diff)
	}

	// What such a look is worth: holes that others have made are seen.
	b.on(b.Server, "nft", `insert rule inet raiz input tcp dport { 4000, 65535 } accept; insert rule inet raiz input udp dport 5000 accept`)
	holes := map[string][]string{}
	for _, k := range []string{"router " + local, "controller 192.0.2.20"} {
		holes[k] = append(slices.Clone(want[k]), "tcp/4000 closed", "tcp/65535 closed", "udp/5000 closed")
		slices.Sort(holes[k])
	}
	if diff := cmp.Diff(holes, b.scan(router, controller, holes)); diff != "" {
		t.Errorf("with holes (-want +got):\n%s", diff)
	}
	b.on(b.Server, "systemctl", "reload", "nftables.service")

	b.through(router, link4, link6)
	for _, to := range []string{"192.0.2.20:22", "[2001:db8:0:2::20]:22", "192.0.2.20:9100"} {
		if b.connects(router, to) {
			t.Errorf("over the service link the operator's own address comes in at %s", to)
		}
	}
	b.on(b.Server, "nft", `insert rule inet raiz input tcp dport 22 accept`)
	for _, to := range []string{"192.0.2.20:22", "[2001:db8:0:2::20]:22"} {
		if !b.connects(router, to) {
			t.Errorf("nothing comes to %s this way, so that nothing was shown", to)
		}
	}
}

// connects tries for as long as a SYN is sent three times.
func (b *bed) connects(from rehearse.Netns, to string) bool {
	ctx, cancel := context.WithTimeout(b.t.Context(), 8*time.Second)
	defer cancel()
	c, err := from.DialContext(ctx, "tcp", to)
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}

// linkLocal is the server's own address on the service link, as the router names it.
func (b *bed) linkLocal() string {
	b.t.Helper()
	out := strings.Fields(b.on(b.Server, "ip", "-oneline", "-6", "address", "show", "dev", "eno2", "scope", "link"))
	dev, _ := b.wayTo(b.Netns(rehearse.RoleRouter), b.Site.Server.Service.Addresses[0].Addr().String())
	for _, w := range out {
		if p, err := netip.ParsePrefix(w); err == nil {
			return p.Addr().String() + "%" + dev
		}
	}
	b.t.Fatalf("no link-local address in %q", out)
	return ""
}

// through sends what is for the management addresses over the service link, from
// an address of the operator's.
func (b *bed) through(router rehearse.Netns, link4, link6 string) {
	b.t.Helper()
	script := fmt.Sprintf(`ip address add 203.0.113.100/32 dev lo; ip address add 2001:db8:100::100/128 dev lo
		ip route add 192.0.2.20/32 via %s src 203.0.113.100; ip -6 route add 2001:db8:0:2::20/128 via %s src 2001:db8:100::100`, link4, link6)
	if out, err := router.Command(b.t.Context(), "sh", "-euc", script).CombinedOutput(); err != nil {
		b.t.Fatalf("%v: %s", err, out)
	}
}

// scan tries all ports of the addresses that the keys have, "WHENCE ADDRESS".
func (b *bed) scan(router, controller rehearse.Netns, which map[string][]string) map[string][]string {
	b.t.Helper()
	got := map[string][]string{}
	for key := range which {
		whence, address, _ := strings.Cut(key, " ")
		from := controller
		if whence == "router" {
			from = router
		}
		got[key] = b.doors(from, address)
	}
	return got
}

// wayTo is the link and the source of what is sent to an address.
func (b *bed) wayTo(from rehearse.Netns, address string) (dev, source string) {
	b.t.Helper()
	bare, zone, zoned := strings.Cut(address, "%")
	argv := []string{"ip", "-json", "route", "get", bare}
	if zoned {
		argv = append(argv, "dev", zone)
	}
	out, err := from.Command(b.t.Context(), argv...).Output()
	b.must(err)
	var routes []struct{ Dev, Prefsrc string }
	b.must(json.Unmarshal(out, &routes))
	if len(routes) != 1 || routes[0].Dev == "" || routes[0].Prefsrc == "" {
		b.t.Fatalf("the way to %s is %s", address, out)
	}
	return routes[0].Dev, routes[0].Prefsrc
}

// doors are the ports of an address that are not silent.
func (b *bed) doors(from rehearse.Netns, address string) []string {
	b.t.Helper()
	dev, source := b.wayTo(from, address)
	argv := []string{
		"nmap", "-n", "-Pn", "-sS", "-sU", "-p", "T:1-65535,U:1-65535", "--min-rate", "100000", "--max-retries", "1", "-oX", "-",
		"-e", dev, "-S", source, // it would take the link's first address
	}
	if strings.Contains(address, ":") {
		argv = append(argv, "-6")
	}
	out, err := from.Command(b.t.Context(), append(argv, address)...).Output()
	if err != nil {
		b.t.Fatalf("nmap of %s: %v: %s", address, err, out)
	}
	var scan struct {
		Host []struct {
			Extra []struct {
				State string `xml:"state,attr"`
				Count int    `xml:"count,attr"`
			} `xml:"ports>extraports"`
			Ports []struct {
				Protocol string `xml:"protocol,attr"`
				Number   int    `xml:"portid,attr"`
				State    struct {
					Is string `xml:"state,attr"`
				} `xml:"state"`
			} `xml:"ports>port"`
		} `xml:"host"`
	}
	b.must(xml.Unmarshal(out, &scan))
	if len(scan.Host) != 1 {
		b.t.Fatalf("nmap looked at %d hosts for %s: %s", len(scan.Host), address, out)
	}
	var doors []string
	silent := 0
	for _, x := range scan.Host[0].Extra {
		if silent += x.Count; x.State != "filtered" && x.State != "open|filtered" {
			doors = append(doors, fmt.Sprintf("%d ports %s", x.Count, x.State))
		}
	}
	for _, p := range scan.Host[0].Ports {
		if p.State.Is == "filtered" || p.State.Is == "open|filtered" {
			silent++
			continue
		}
		doors = append(doors, fmt.Sprintf("%s/%d %s", p.Protocol, p.Number, p.State.Is))
	}
	if silent+len(doors) != 2*65535 {
		b.t.Errorf("nmap tried %d ports of %s", silent+len(doors), address)
	}
	slices.Sort(doors)
	return doors
}

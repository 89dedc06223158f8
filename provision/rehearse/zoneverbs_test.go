//go:build linux

package rehearse_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/rehearse"
)

// serial returns what an address answers, asked from the controller.
func (b primaryBed) serial(server string) (uint32, error) {
	ctx, cancel := context.WithTimeout(b.t.Context(), 2*time.Second)
	defer cancel()
	conn, err := b.Netns(rehearse.RoleController).DialContext(ctx, "udp", net.JoinHostPort(server, "53"))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	answer, _, err := new(dns.Client).ExchangeWithConnContext(ctx, new(dns.Msg).SetQuestion(".", dns.TypeSOA), &dns.Conn{Conn: conn})
	if err != nil {
		return 0, err
	}
	if len(answer.Answer) == 0 {
		return 0, fmt.Errorf("%s answered %s", server, dns.RcodeToString[answer.Rcode])
	}
	return answer.Answer[0].(*dns.SOA).Serial, nil
}

func (b primaryBed) mustBump() rehearse.Served {
	b.t.Helper()
	served, err := b.Primary.Bump(b.t.Context(), ".")
	if err != nil {
		b.t.Fatal(err)
	}
	return served
}

func (b primaryBed) checkBump() {
	before, err := b.serial("2001:db8:0:2::9")
	if err != nil {
		b.t.Fatal(err)
	}
	served := b.mustBump()
	if got, err := b.serial("2001:db8:0:2::9"); err != nil || got != served.Serial || got != before+1 {
		b.t.Errorf("serial %d after a bump of %d to %d: %v", got, before, served.Serial, err)
	}
	if got, err := b.Primary.Serial(b.t.Context(), "."); err != nil || got != served.Serial {
		b.t.Errorf("Serial = %d, %v, want %d", got, err, served.Serial)
	}
	diff, err := b.transfer("203.0.113.9", ".", before, b.key("transfer"))
	if err != nil {
		b.t.Fatal(err)
	}
	// RFC 1995 §4: the new SOA, the old one and what goes, the new one and
	// what comes, the new one. Of a bump these are DS, ZONEMD and three RRSIGs.
	if len(diff) != 14 || count(diff, dns.TypeSOA) != 4 || count(diff, dns.TypeDS) != 2 {
		b.t.Errorf("IXFR after a bump: %d records: %v", len(diff), diff[:min(len(diff), 20)])
	}
	if out, err := b.validate(b.root(), b.Primary.AnchorFile()); err != nil {
		b.t.Errorf("after a bump: %s", out)
	}
}

// checkFlaws has every flaw found by somebody else, and healed by a bump.
// Only a large zone has glue; the rest is as true of a small one, and faster.
func (b primaryBed) checkFlaws() {
	for _, tt := range []struct {
		flaw rehearse.Flaw
		zone string
		want string
	}{
		{rehearse.FlawRecord, longest, "Bogus DNSSEC signature"},
		{rehearse.FlawZONEMD, longest, "Could not validate zone digest"},
		{rehearse.FlawTruncated, longest, "error"},
		// Where the cut falls decides which of two things is said of NSEC.
		{rehearse.FlawTruncated, ".", "NSEC"},
		{rehearse.FlawGlue, ".", "Could not validate zone digest"},
	} {
		served, err := b.Primary.Corrupt(b.t.Context(), tt.zone, tt.flaw)
		if err != nil {
			b.t.Fatal(err)
		}
		all := b.whole(tt.zone)
		if got := all[0].(*dns.SOA).Serial; got != served.Serial {
			b.t.Errorf("%s: serial %d, want %d", tt.flaw, got, served.Serial)
		}
		out, err := b.validate(all, b.Primary.AnchorFile())
		if err == nil || !strings.Contains(out, tt.want) {
			b.t.Errorf("%s of %s: ldns says %q, want %q", tt.flaw, tt.zone, out, tt.want)
		}
		if tt.flaw == rehearse.FlawGlue && strings.Contains(out, "Bogus") {
			b.t.Errorf("%s: signatures tell it too: %s", tt.flaw, out)
		}
	}
	for _, zone := range []string{longest, "."} {
		if _, err := b.Primary.Bump(b.t.Context(), zone); err != nil {
			b.t.Fatal(err)
		}
		if out, err := b.validate(b.whole(zone), b.Primary.AnchorFile()); err != nil {
			b.t.Errorf("a bump after flaws: %s", out)
		}
	}
	if _, err := b.Primary.Corrupt(b.t.Context(), longest, rehearse.FlawGlue); err == nil {
		b.t.Error("glue was damaged in a zone that has none")
	}
	if _, err := b.Primary.Corrupt(b.t.Context(), ".", "else"); err == nil {
		b.t.Error("a flaw that there is not was accepted")
	}
}

func (b primaryBed) checkUnsign() {
	served, err := b.Primary.Unsign(b.t.Context(), ".")
	if err != nil {
		b.t.Fatal(err)
	}
	all := b.root()
	if got := all[0].(*dns.SOA).Serial; got != served.Serial {
		b.t.Errorf("serial %d, want %d", got, served.Serial)
	}
	for _, kind := range []uint16{dns.TypeRRSIG, dns.TypeZONEMD, dns.TypeDNSKEY, dns.TypeNSEC} {
		if n := count(all, kind); n > 0 {
			b.t.Errorf("an unsigned zone has %d %s", n, dns.TypeToString[kind])
		}
	}
	if n := count(all, dns.TypeDS); n < 1300 {
		b.t.Errorf("an unsigned zone has %d DS: it lost more than its signatures", n)
	}
	if out := b.delv("arpa.", "DS"); strings.Contains(out, "; fully validated") {
		b.t.Errorf("delv validates an unsigned zone: %s", out)
	}
	b.mustBump()
	b.checkDelv()
}

// checkMisuse asks for what cannot be done.
func (b primaryBed) checkMisuse() {
	ctx := b.t.Context()
	before, err := b.serial("203.0.113.9")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, zone := range []string{"", "..", "/", "../../etc/passwd", "$INCLUDE /etc/passwd", "10.in-addr.arpa", strings.Repeat("a", 255), "\x1b[31m\n", "-h", "net"} {
		for verb, run := range map[string]func() (rehearse.Served, error){
			"bump":    func() (rehearse.Served, error) { return b.Primary.Bump(ctx, zone) },
			"unsign":  func() (rehearse.Served, error) { return b.Primary.Unsign(ctx, zone) },
			"corrupt": func() (rehearse.Served, error) { return b.Primary.Corrupt(ctx, zone, rehearse.FlawRecord) },
			"expire":  func() (rehearse.Served, error) { return b.Primary.Expire(ctx, zone, rehearse.ExpirySOA) },
		} {
			if _, err := run(); err == nil || !strings.Contains(err.Error(), "hands out") || strings.ContainsAny(err.Error(), "\x1b\n") {
				b.t.Errorf("%s of zone %q: %v", verb, zone, err)
			}
		}
	}
	if _, err := b.Primary.Unsign(ctx, "root-servers.net"); err == nil {
		b.t.Error("a zone without signatures was unsigned")
	}
	if _, err := b.Primary.Expire(ctx, "Root-Servers.NET.", rehearse.ExpirySignatures); err == nil {
		b.t.Error("signatures expired of a zone that has none")
	}
	if err := b.Primary.Stop(ctx, netip.MustParseAddr("198.51.100.0")); err == nil {
		b.t.Error("an address of the router's was stopped as the primary's")
	}
	if after, err := b.serial("203.0.113.9"); err != nil || after != before {
		b.t.Errorf("what was refused made serial %d of %d: %v", after, before, err)
	}
}

// checkStop silences one address, then all.
func (b primaryBed) checkStop() {
	ctx := b.t.Context()
	one := netip.MustParseAddr("203.0.113.9")
	if err := b.Primary.Stop(ctx, one); err != nil {
		b.t.Fatal(err)
	}
	if got, err := b.serial("203.0.113.9"); err == nil {
		b.t.Errorf("a stopped address answers with serial %d", got)
	}
	if _, err := b.serial("2001:db8:0:2::9"); err != nil {
		b.t.Errorf("the address beside a stopped one: %v", err)
	}
	if err := b.Primary.Start(ctx, one); err != nil {
		b.t.Fatal(err)
	}
	want, err := b.serial("203.0.113.9")
	if err != nil {
		b.t.Errorf("an address that was started again: %v", err)
	}
	for range 2 { // the second time there is nothing to stop
		if err := b.Primary.Stop(ctx); err != nil {
			b.t.Fatal(err)
		}
	}
	for _, server := range []string{"203.0.113.9", "2001:db8:0:2::9", "192.0.2.1"} {
		if got, err := b.serial(server); err == nil {
			b.t.Errorf("a stopped primary answers at %s with serial %d", server, got)
		}
	}
	if _, err := b.Primary.Bump(ctx, "."); err == nil || !strings.Contains(err.Error(), "start") {
		b.t.Errorf("bump of a stopped primary: %v", err)
	}
	for range 2 {
		if err := b.Primary.Start(ctx); err != nil {
			b.t.Fatal(err)
		}
	}
	for _, server := range []string{"203.0.113.9", "2001:db8:0:2::9", "192.0.2.1"} {
		if got, err := b.serial(server); err != nil || got != want {
			b.t.Errorf("%s after a start: %d, %v, want %d", server, got, err, want)
		}
	}
}

// checkReplug pulls the management cable and puts it back: the primary that
// seems to be on that wire has to be there again.
func (b primaryBed) checkReplug() {
	ctx := b.t.Context()
	mustRun(b.t, b.Server, "ip", "addr", "replace", "2001:db8:0:2::20/64", "dev", "eno1", "nodad")
	reach := func() error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		conn, err := b.Netns(rehearse.RoleServer).DialContext(ctx, "tcp", "[2001:db8:0:2::9]:53")
		if err == nil {
			conn.Close()
		}
		return err
	}
	if err := reach(); err != nil {
		b.t.Fatal(err)
	}
	if err := b.Unplug(ctx, rehearse.LinkManagement); err != nil {
		b.t.Fatal(err)
	}
	if reach() == nil {
		b.t.Error("the primary is reached without a cable")
	}
	if err := b.Plug(ctx, rehearse.LinkManagement); err != nil {
		b.t.Fatal(err)
	}
	eventually(b.t, "the primary on the wire", func() (bool, string) { err := reach(); return err == nil, fmt.Sprint(err) })
}

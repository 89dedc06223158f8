//go:build linux

package provision_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/site"
)

// TestRootCopy is the life of a root zone on a copy: it arrives, changes, is
// tampered with, is lost and comes back. Whatever happens to it is done at the
// primary or on the disk, and looked at behind the router.
func TestRootCopy(t *testing.T) {
	t.Parallel()
	b := newBed(t, "../sites/root-example.hcl")
	b.healthy()
	b.steps([]step{
		{"an outside validator follows the chain", (*bed).validates},
		{"a new serial arrives by NOTIFY", (*bed).bumps},
		{"a NOTIFY from elsewhere is not heard", (*bed).notHeard},
		{"a zone that is not right is refused", (*bed).refuses},
		{"a bad file on disk is not served", (*bed).badFile},
		{"a bad file is not read again", (*bed).badFileRead},
		{"a lost Packet Too Big loses no answer", (*bed).smallPath},
		{"a dead server is noticed at once", (*bed).dies},
		{"no link tells the server how to route", (*bed).redirects},
		{"an expired zone is withdrawn and comes back", (*bed).expires},
	})
}

// healthy brings the copy up: applied, verified, and nothing left to plan.
func (b *bed) healthy() {
	b.t.Helper()
	b.mustApply(b.Site)
	b.verifyUntil(b.Site, allInOrder())
	if again, _ := b.plan(b.Site); !again.Plan.Empty() {
		b.t.Fatalf("the second plan is not empty: %+v", again.Plan.Changes)
	}
}

// until waits for a condition, which says what is still wrong.
func (b *bed) until(limit time.Duration, what string, wrong func() error) time.Duration {
	b.t.Helper()
	start := time.Now()
	for {
		err := wrong()
		if err == nil {
			return time.Since(start)
		}
		if time.Since(start) > limit {
			b.t.Fatalf("%s: not in %s: %v", what, limit, err)
		}
		time.Sleep(50 * time.Millisecond) // between two looks at a condition
	}
}

// query asks a service address from behind the router.
func (b *bed) query(network, address, name string, kind uint16) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(b.t.Context(), 3*time.Second)
	defer cancel()
	conn, err := b.Netns(rehearse.RoleController).DialContext(ctx, network, net.JoinHostPort(address, "53"))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
	m := new(dns.Msg).SetQuestion(name, kind)
	m.RecursionDesired = false
	m.SetEdns0(1232, true)
	c := dns.Conn{Conn: conn, UDPSize: 1232}
	if err := c.WriteMsg(m); err != nil {
		return nil, err
	}
	return c.ReadMsg()
}

// serial is what the copy serves of the root.
func (b *bed) serial() (uint32, error) {
	m, err := b.query("udp", "193.0.14.129", ".", dns.TypeSOA)
	switch {
	case err != nil:
		return 0, err
	case m.Rcode != dns.RcodeSuccess || len(m.Answer) == 0:
		return 0, errors.New(dns.RcodeToString[m.Rcode])
	}
	return m.Answer[0].(*dns.SOA).Serial, nil
}

func (b *bed) serves(serial uint32) func() error {
	return func() error {
		if have, err := b.serial(); err != nil || have != serial {
			return fmt.Errorf("serial %d, error %v; want %d", have, err, serial)
		}
		return nil
	}
}

// announced wants every block at every router, or none at any.
func (b *bed) announced(want bool) func() error {
	return func() error {
		routes, err := b.Router.Routes(b.t.Context())
		if err != nil {
			return err
		}
		all := len(b.Site.Blocks()) * 2 // two routers
		if want && len(routes) != all || !want && len(routes) != 0 {
			return fmt.Errorf("%d of %d routes", len(routes), all)
		}
		return nil
	}
}

// still wants every block to be announced as before. BFD takes a machine that
// stood still for a moment for a lost one, and has it back in a few seconds.
func (b *bed) still() {
	b.t.Helper()
	b.until(5*time.Second, "the announcement", b.announced(true))
}

func (b *bed) journal(unit string) string {
	return b.on(b.Server, "journalctl", "-u", unit, "-o", "cat", "--no-pager")
}

// validates has delv follow the chain from the made trust anchor, and sees it
// refuse when it is given another.
func (b *bed) validates() {
	for _, address := range []string{"193.0.14.129", "2001:7fd::1"} {
		for _, flag := range []string{"+notcp", "+tcp"} {
			out, err := b.delv(b.Site.DNS.TrustAnchors, address, flag, ".", "SOA")
			if err != nil || !strings.Contains(out, "; fully validated") {
				b.t.Errorf("%s %s: %v\n%s", address, flag, err, out)
			}
		}
	}
	iana := loadSite(b.t, "../sites/root-example.hcl").DNS.TrustAnchors
	if slices.Equal(iana, b.Site.DNS.TrustAnchors) {
		b.t.Fatal("the rehearsal has the trust anchors of IANA")
	}
	if out, _ := b.delv(iana, "193.0.14.129", "+notcp", ".", "SOA"); strings.Contains(out, "; fully validated") {
		b.t.Errorf("the made zone is valid under the keys of IANA:\n%s", out)
	}
}

func (b *bed) delv(anchors []site.TrustAnchor, address string, more ...string) (string, error) {
	var text strings.Builder
	text.WriteString("trust-anchors {\n")
	for _, a := range anchors {
		fmt.Fprintf(&text, "\t%q static-ds %d %d %d \"%s\";\n", a.Zone, a.KeyTag, a.Algorithm, a.DigestType, a.Digest)
	}
	text.WriteString("};\n")
	file := filepath.Join(b.t.TempDir(), "anchors")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		b.t.Fatal(err)
	}
	delv, err := exec.LookPath("delv")
	if err != nil {
		b.t.Fatal("needs delv: apt-get install bind9-dnsutils")
	}
	argv := append([]string{delv, "@" + address, "-a", file}, more...)
	out, err := b.Netns(rehearse.RoleController).Command(b.t.Context(), argv...).CombinedOutput()
	return string(out), err
}

// bumps: within seconds, and because of a NOTIFY: the refresh time of the zone
// is half an hour. The limit is for a machine that does much else.
func (b *bed) bumps() {
	before, err := b.serial()
	b.must(err)
	served, err := b.Primary.Bump(b.t.Context(), ".")
	b.must(err)
	if served.Serial == before {
		b.t.Fatal("the primary serves no new serial, so nothing was shown")
	}
	took := b.until(30*time.Second, "the new serial", b.serves(served.Serial))
	if log := b.journal(b.named.unit); !strings.Contains(log, fmt.Sprintf("serial %d", served.Serial)) || !b.named.heard.MatchString(log) {
		b.t.Errorf("the name server tells of no NOTIFY:\n%s", log)
	}
	b.t.Logf("served %s after the primary had it", took.Round(time.Millisecond))
}

// notHeard: neither the management addresses nor the service addresses take a
// NOTIFY from somebody who is no primary, and nobody gets an answer where only
// the primaries are let in.
func (b *bed) notHeard() {
	for _, to := range []string{"192.0.2.20", "2001:db8:0:2::20"} {
		if m, err := b.query("udp", to, ".", dns.TypeSOA); err == nil {
			b.t.Errorf("%s answers a stranger: %s", to, dns.RcodeToString[m.Rcode])
		}
	}
	conn, err := b.Netns(rehearse.RoleController).DialContext(b.t.Context(), "udp", "193.0.14.129:53")
	b.must(err)
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
	c := dns.Conn{Conn: conn}
	b.must(c.WriteMsg(new(dns.Msg).SetNotify(".")))
	if m, err := c.ReadMsg(); err == nil && m.Rcode == dns.RcodeSuccess {
		b.t.Error("a NOTIFY of a stranger to a service address is taken")
	}
}

// refuses: nothing of what is wrong is ever served, and the copy goes on.
func (b *bed) refuses() {
	good, err := b.serial()
	b.must(err)
	tries := map[string]func() (rehearse.Served, error){
		"unsigned": func() (rehearse.Served, error) { return b.Primary.Unsign(b.t.Context(), ".") },
	}
	for _, flaw := range rehearse.Flaws() {
		tries[string(flaw)] = func() (rehearse.Served, error) { return b.Primary.Corrupt(b.t.Context(), ".", flaw) }
	}
	for name, try := range tries {
		refused := b.refusals()
		served, err := try()
		b.must(err)
		b.until(30*time.Second, name+": the refusal", func() error {
			if b.refusals() == refused {
				return errors.New("the name server tells of none")
			}
			return b.serves(good)()
		})
		if have, err := b.serial(); err != nil || have == served.Serial {
			b.t.Errorf("%s: serves %d, %v", name, have, err)
		}
		b.still()
	}
	served, err := b.Primary.Bump(b.t.Context(), ".")
	b.must(err)
	b.until(10*time.Second, "the next good serial", b.serves(served.Serial))
}

// badFile: with the primaries dead nothing but the file could be served, and
// it is not.
func (b *bed) badFile() {
	b.must(b.Primary.Stop(b.t.Context()))
	b.written()
	// The copy serves a file that is right without any primary.
	good, err := b.serial()
	b.must(err)
	b.on(b.Server, "systemctl", "restart", b.named.unit)
	b.until(20*time.Second, "the zone of the file", b.serves(good))
	b.until(30*time.Second, "the announcement", b.announced(true))

	refused := b.refusals()
	b.on(b.Server, "sh", "-c", `cd `+b.named.folder+` && cp root.zone before &&
		sed -i -E '0,/[ \t]DS[ \t]/s/([ \t]DS[ \t]+)[0-9]+/\11/' root.zone && ! cmp -s root.zone before && rm before && systemctl restart `+b.named.unit)
	if have, err := b.serial(); err == nil {
		b.t.Errorf("serves %d of a file that was tampered with", have)
	}
	b.until(20*time.Second, "the withdrawal", b.announced(false))
	if b.refusals() == refused {
		b.t.Errorf("the name server tells of no refusal:\n%s", b.journal(b.named.unit))
	}
	b.must(b.Primary.Start(b.t.Context()))
	served, err := b.Primary.Bump(b.t.Context(), ".")
	b.must(err)
	b.until(time.Minute, "the zone", b.serves(served.Serial))
	b.until(30*time.Second, "the announcement", b.announced(true))
}

// expires: SERVFAIL at the SOA's expire, withdrawn by the server itself, and
// back with the primaries.
func (b *bed) expires() {
	b.until(settle, "the announcement", b.announced(true))
	served, err := b.Primary.Expire(b.t.Context(), ".", rehearse.ExpirySOA)
	b.must(err)
	b.must(b.serves(served.Serial)())
	b.still()
	b.until(time.Minute, "the expiry", func() error {
		if have, err := b.serial(); err == nil {
			return fmt.Errorf("still serves %d", have)
		}
		return nil
	})
	b.until(20*time.Second, "the withdrawal", b.announced(false))
	b.must(b.Primary.Start(b.t.Context()))
	served, err = b.Primary.Bump(b.t.Context(), ".")
	b.must(err)
	b.until(time.Minute, "the zone", b.serves(served.Serial))
	b.until(30*time.Second, "the announcement", b.announced(true))
	b.verifyUntil(b.Site, allInOrder())
}

// smallPath: behind the router everything above 1280 bytes vanishes, and so
// does the Packet Too Big, as where it reaches another copy of the address.
// Answers over TCP arrive all the same, and at once.
func (b *bed) smallPath() {
	const rules = `add table inet hole; add chain inet hole forward { type filter hook forward priority 0; };` +
		`add rule inet hole forward meta length > 1280 counter drop`
	b.on(b.Router.Machine, "nft", rules)
	defer b.on(b.Router.Machine, "nft", "delete table inet hole")
	for _, address := range []string{"193.0.14.129", "2001:7fd::1"} {
		ctx, cancel := context.WithTimeout(b.t.Context(), 3*time.Second)
		defer cancel()
		conn, err := b.Netns(rehearse.RoleController).DialContext(ctx, "tcp", net.JoinHostPort(address, "53"))
		b.must(err)
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
		c, bytes := dns.Conn{Conn: conn}, 0
		const questions = 40
		for range questions {
			m := new(dns.Msg).SetQuestion(".", dns.TypeDNSKEY)
			m.SetEdns0(1232, true)
			b.must(c.WriteMsg(m))
		}
		for i := range questions {
			m, err := c.ReadMsg()
			if err != nil {
				b.t.Fatalf("%s: %d of %d answers over a path of 1280 bytes: %v", address, i, questions, err)
			}
			bytes += m.Len()
		}
		if bytes < 10*1280 {
			b.t.Fatalf("%s: %d bytes fit few segments, so nothing was shown", address, bytes)
		}
	}
}

// dies: a server that is silent, and whose link stays up, draws queries until
// the hold time is over; with BFD (edge1) less than a second or two.
func (b *bed) dies() {
	pid := strings.TrimSpace(b.on(b.Server, "systemctl", "show", "-P", "MainPID", "bird.service"))
	b.on(b.Server, "kill", "-STOP", pid)
	defer b.on(b.Server, "kill", "-CONT", pid)
	took := b.until(5*time.Second, "the end of the routes of edge1", func() error {
		routes, err := b.Router.Routes(b.t.Context())
		if err != nil {
			return err
		}
		left := 0
		for _, r := range routes {
			if r.Neighbor == "edge1" {
				left++
			}
		}
		if left > 0 || len(routes) == 0 {
			return fmt.Errorf("%d routes of edge1, %d in all", left, len(routes))
		}
		return nil
	})
	b.t.Logf("edge1 has no route %s after BIRD has fallen silent", took.Round(time.Millisecond))
	b.on(b.Server, "kill", "-CONT", pid)
	b.until(settle, "the announcement", b.announced(true))
}

// redirects: IPv6 reads the value of each interface, and IPv4 the laxer of
// all and the interface's own.
func (b *bed) redirects() {
	seen := 0
	for _, key := range []string{"accept_redirects", "accept_source_route", "accept_ra"} {
		out := b.on(b.Server, "sh", "-c", "grep -H . /proc/sys/net/ipv[46]/conf/*/"+key)
		for line := range strings.Lines(out) {
			seen++
			if !strings.HasSuffix(strings.TrimSpace(line), ":0") {
				b.t.Errorf("%s", line)
			}
		}
		if !strings.Contains(out, "/ipv6/conf/eno1/") || key != "accept_ra" && !strings.Contains(out, "/ipv4/conf/eno2/") {
			b.t.Errorf("%s of eno1 and eno2 was not looked at:\n%s", key, out)
		}
	}
	if seen < 15 {
		b.t.Errorf("%d values", seen)
	}
}

// TestFRootCopy: the site peers from an AS of its own, the origin stands
// behind it, some blocks stay local, and a transit session is told nothing.
func TestFRootCopy(t *testing.T) {
	t.Parallel()
	b := newBed(t, "../sites/f-root-example.hcl")
	b.mustApply(b.Site)
	b.verifyUntil(b.Site, allInOrder())
	out := b.birdc("show", "route", "all", "where", "source = RTS_BGP")
	for _, want := range []string{"BGP.as_path: 64510 3557\n", "BGP.community: (65535,65281)\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("the routers have no route with %q:\n%s", want, out)
		}
	}
	routes, err := b.Router.Routes(t.Context())
	b.must(err)
	refused, err := b.Router.Refused(t.Context())
	b.must(err)
	local := 0
	for _, r := range append(routes, refused...) {
		if r.Neighbor == "transit" {
			t.Errorf("transit is told of %s", r.Prefix)
		}
		if bits := r.Prefix.Bits(); (bits == 24 || bits == 48) != slices.Contains(r.Communities, "65535:65281") {
			t.Errorf("%s has communities %q", r.Prefix, r.Communities)
		} else if bits == 24 || bits == 48 {
			local++
		}
	}
	if local != 2 {
		t.Errorf("%d local routes of %d, want one of each family", local, len(routes))
	}
	b.on(b.Server, "sh", "-c", "ip route show table 112 | grep -q '^default' && ip -6 route show table 112 | grep -q '^default'")
}

// badFileRead: a running name server is made to read its files anew, by hand and as an
// apply does it, after a delegation, which no signature covers, was altered on
// disk.
func (b *bed) badFileRead() {
	b.written()
	good, err := b.serial()
	b.must(err)
	for _, how := range b.named.rereads {
		refused := b.refusals()
		b.on(b.Server, "sh", "-c", `cd `+b.named.folder+` && cp -p root.zone kept &&
			sed -i -E 's/([ \t]NS[ \t]+)a\.nic\./\1evil.nic./' root.zone && ! cmp -s root.zone kept && touch -d '+5 sec' root.zone && `+how)
		b.until(10*time.Second, how+": the refusal", func() error {
			if b.refusals() == refused {
				return errors.New("the name server tells of none")
			}
			return nil
		})
		m, err := b.query("tcp", "193.0.14.129", "com.", dns.TypeNS)
		b.must(err)
		if strings.Contains(m.String(), "evil.") || len(m.Ns)+len(m.Answer) == 0 {
			b.t.Errorf("%s: serves what was altered on disk:\n%s", how, m)
		}
		b.on(b.Server, "sh", "-c", "cd "+b.named.folder+" && rm -f root.zone.refused && mv kept root.zone && chown "+b.named.owner+" root.zone")
	}
	b.must(b.serves(good)())
	b.still()
}

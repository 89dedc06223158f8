//go:build linux

package rehearse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"

	"github.com/raiz-dns/raiz/provision/site"
)

// Primary is the name server that the site's zones are transferred from: an
// NSD of the base tree, alone in a namespace under every address that they
// name as a primary.
type Primary struct{ testbed *Testbed }

// loadLimit is how long it may take to load a zone. A second is usual.
const loadLimit = 60 * time.Second

// machine is where its files lie; nothing boots there.
func (p Primary) machine() *Machine { return p.testbed.machine(RolePrimary) }

func (p Primary) netns() Netns { return p.testbed.Netns(RolePrimary) }

func (p Primary) zones() []zoneRecord { return p.testbed.Record.Zones }

// path is a file of the primary's as seen from here.
func (p Primary) path(inside string) string { return filepath.Join(p.machine().root, inside) }

// Command returns a command that runs with the primary's files and network.
func (p Primary) Command(ctx context.Context, argv ...string) *exec.Cmd {
	return p.netns().Command(ctx, append([]string{"chroot", p.machine().root}, argv...)...)
}

// run runs a command there to its end, in the cgroup of the rehearsal.
func (p Primary) run(ctx context.Context, argv ...string) (string, error) {
	group := p.machine().group + "/tools"
	return outputIn(p.Command(ctx, argv...), group.start)
}

// daemon is the cgroup of its NSD alone.
func (p Primary) daemon() cgroup { return p.machine().group + "/nsd" }

// build makes its keys, zones and files, and starts it. It returns when every
// zone is there to be transferred.
func (p Primary) build(ctx context.Context, disk string, progress func(string)) error {
	if len(p.zones()) == 0 {
		return nil
	}
	m := p.machine()
	if err := m.layer(ctx, p.testbed.Base, disk, DiskLayered); err != nil {
		return err
	}
	if err := m.Write("/etc/nsd/nsd.conf", 0o600, primaryConfig(p.testbed.Site, p.testbed.Layout)); err != nil {
		return err
	}
	if err := m.Write("/etc/nsd/time.zone", 0o644, timeZone(p.testbed.Layout)); err != nil {
		return err
	}
	// NSD writes there what changed between two editions.
	if _, err := p.run(ctx, "install", "-d", "-o", "nsd", "-g", "nsd", "/run/nsd", "/var/lib/nsd"); err != nil {
		return err
	}
	progress("sign the zones of the primary")
	all, signing := errgroup.WithContext(ctx)
	for i := range p.zones() {
		all.Go(func() error { return p.buildZone(signing, i) })
	}
	if err := all.Wait(); err != nil {
		return err
	}
	if err := p.writeAnchors(); err != nil {
		return err
	}
	return p.start(ctx)
}

func (p Primary) buildZone(ctx context.Context, zone int) error {
	e, err := firstEdition(p.testbed.Created)
	if err != nil {
		return err
	}
	if err := p.makeKeys(ctx, zone); err != nil {
		return err
	}
	text, err := p.signed(ctx, zone, e)
	if err != nil {
		return err
	}
	return p.publish(zone, text, e)
}

// primaryConfig is the configuration of its NSD. It names every address by
// itself, so that an answer leaves from where the question went to.
func primaryConfig(s *site.Site, l *layout) string {
	var b strings.Builder
	b.WriteString("server:\n\tserver-count: 1\n\tusername: nsd\n\tpidfile: \"\"\n\tdatabase: \"\"\n\tzonesdir: \"/var/lib/nsd\"\n" +
		"\txfrdfile: \"/var/lib/nsd/xfrd.state\"\n\tzonelistfile: \"/var/lib/nsd/zone.list\"\n\thide-version: yes\n\tverbosity: 2\n" +
		// An address may be stopped while it starts.
		"\tip-freebind: yes\n" +
		// Nothing here is about how a primary bears a flood.
		"\trrl-ratelimit: 0\n")
	all := primaries(s)
	for _, a := range all {
		fmt.Fprintf(&b, "\tip-address: %s\n", a)
	}
	b.WriteString("remote-control:\n\tcontrol-enable: yes\n\tcontrol-interface: \"/run/nsd/nsd.ctl\"\n")
	for _, k := range s.DNS.Keys {
		fmt.Fprintf(&b, "key:\n\tname: %q\n\talgorithm: %s\n\tsecret: %q\n", k.Name, k.Algorithm, reveal(k.Secret))
	}
	i := 0
	for _, z := range s.DNS.Zones {
		if z.Transferred() {
			b.WriteString(primaryZone(s, z, zoneFile(i)))
			i++
		}
	}
	if slices.ContainsFunc(resolverAddrs(s), func(a netip.Addr) bool { return slices.Contains(l.Shared, a) }) {
		b.WriteString(timeZones(s)) // it stands in the resolver's way there
	}
	return b.String()
}

// primaryZone is the configuration of one zone. A NOTIFY has to come from a
// declared primary: the first of the family that is there.
func primaryZone(s *site.Site, z site.Zone, file string) string {
	key := z.Key
	if key == "" {
		key = "NOKEY"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "zone:\n\tname: %q\n\tzonefile: %q\n\tstore-ixfr: yes\n\tcreate-ixfr: yes\n", z.Name, file)
	fmt.Fprintf(&b, "\tprovide-xfr: 0.0.0.0/0 %s\n\tprovide-xfr: ::/0 %s\n", key, key)
	for _, a := range z.Primaries {
		fmt.Fprintf(&b, "\toutgoing-interface: %s\n", a)
	}
	for _, to := range s.Server.Management.Addresses {
		if slices.ContainsFunc(z.Primaries, func(a netip.Addr) bool { return a.Is4() == to.Addr().Is4() }) {
			fmt.Fprintf(&b, "\tnotify: %s %s\n", to.Addr(), key)
		}
	}
	return b.String()
}

// start sets NSD going and returns when it answers for every zone.
func (p Primary) start(ctx context.Context) error {
	if !p.daemon().populated() {
		if err := p.spawn(); err != nil {
			return fmt.Errorf("start the primary: %w", err)
		}
	}
	for i := range p.zones() {
		e, err := p.edition(i)
		if err != nil {
			return err
		}
		if err := p.awaitSerial(ctx, i, e.Serial); err != nil {
			return err
		}
	}
	return nil
}

// spawn leaves NSD alone once it runs: it may outlive us.
func (p Primary) spawn() error {
	if err := p.daemon().remove(); err != nil {
		return err
	}
	said, err := os.OpenFile(p.machine().console, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer said.Close()
	cmd := p.Command(context.Background(), "nsd", "-d", "-c", "/etc/nsd/nsd.conf")
	cmd.Stdout, cmd.Stderr = said, said
	if err := p.daemon().start(cmd); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // only so that no zombie stays while we live
	return nil
}

// awaitSerial returns when the primary answers with a serial at an address of
// the zone's.
func (p Primary) awaitSerial(ctx context.Context, zone int, serial uint32) error {
	ctx, cancel := context.WithTimeoutCause(ctx, loadLimit, errors.New("it took too long"))
	defer cancel()
	last := "nothing"
	err := await(ctx, fmt.Sprintf("serial %d at the primary", serial), func() (bool, error) {
		if !p.daemon().populated() {
			return false, errors.New("it ended")
		}
		got, err := p.serial(ctx, zone)
		if err != nil && ctx.Err() == nil {
			last = err.Error()
		} else if err == nil {
			last = fmt.Sprint("serial ", got)
		}
		return err == nil && got == serial, nil
	})
	if err == nil {
		return nil
	}
	said, _ := p.machine().Console()
	return fmt.Errorf("load zone %s: %w; it answered last: %s\nits NSD said last:\n%s",
		p.zones()[zone].Name, err, last, lastLines(strings.TrimSpace(said), 8))
}

// serial asks for a zone's SOA at its addresses, until one answers.
func (p Primary) serial(ctx context.Context, zone int) (uint32, error) {
	var errs []error
	for _, a := range p.zones()[zone].Primaries {
		serial, err := soaSerial(ctx, p.netns(), a, p.zones()[zone].Name)
		if err == nil {
			return serial, nil
		}
		errs = append(errs, err)
	}
	return 0, errors.Join(errs...)
}

// soaSerial asks a name server for the serial of a zone.
func soaSerial(ctx context.Context, from Netns, server, zone string) (uint32, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := from.DialContext(ctx, "udp", net.JoinHostPort(server, "53"))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	query := new(dns.Msg).SetQuestion(dns.Fqdn(zone), dns.TypeSOA)
	answer, _, err := new(dns.Client).ExchangeWithConnContext(ctx, query, &dns.Conn{Conn: conn})
	if err != nil {
		return 0, fmt.Errorf("ask %s for the SOA of %s: %w", server, zone, err)
	}
	for _, rr := range answer.Answer {
		if soa, ok := rr.(*dns.SOA); ok && answer.Authoritative {
			return soa.Serial, nil
		}
	}
	return 0, fmt.Errorf("ask %s for the SOA of %s: it answers %s without one", server, zone, dns.RcodeToString[answer.Rcode])
}

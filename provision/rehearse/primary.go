//go:build linux

package rehearse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"

	"github.com/raiz-dns/raiz/provision/observation"
	"github.com/raiz-dns/raiz/templates"
)

// Primary is the name server that the site's zones are transferred from,
// alone in a namespace under every address that they name as a primary.
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

// named runs a command of its pack there, with fields in the place of
// "{field}".
func (p Primary) named(ctx context.Context, name string, fields map[string]string) (string, error) {
	return p.run(ctx, observation.Fill(p.testbed.Lab.Commands[name], fields)...)
}

// daemon is the cgroup of its name server alone.
func (p Primary) daemon() cgroup { return p.machine().group + "/daemon" }

// build makes its keys, zones and files, and starts it. It returns when every
// zone is there to be transferred.
func (p Primary) build(ctx context.Context, pack templates.Component, disk string, progress func(string)) error {
	if len(p.zones()) == 0 {
		return nil
	}
	m := p.machine()
	if err := m.layer(ctx, p.testbed.LabBase, disk, DiskLayered); err != nil {
		return err
	}
	if err := m.outfit(ctx, pack, valuesOf(p.testbed.Site, p.testbed.Layout)); err != nil {
		return err
	}
	if _, err := p.named(ctx, "prepare", nil); err != nil {
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

// start sets the name server going and returns when it answers for every zone.
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

// spawn leaves the name server alone once it runs: it may outlive us.
func (p Primary) spawn() error {
	if err := p.daemon().remove(); err != nil {
		return err
	}
	said, err := os.OpenFile(p.machine().console, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer said.Close()
	cmd := p.Command(context.Background(), p.testbed.Lab.Commands["serve"]...)
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
	return fmt.Errorf("load zone %s: %w; it answered last: %s\nit said last:\n%s",
		p.zones()[zone].Name, err, last, lastLines(strings.TrimSpace(said), 8))
}

// awaitProcesses returns when no more processes of the name server are left than
// there were.
func (p Primary) awaitProcesses(ctx context.Context, were int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, loadLimit, errors.New("its old processes go on"))
	defer cancel()
	return await(ctx, "the end of the old processes of the primary", func() (bool, error) {
		return len(p.daemon().processes()) <= were, nil
	})
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

//go:build linux

package rehearse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/site"
)

// bmcSpec is a simulated BMC as delivered, in a form that a process of its
// own can be started with. Its passwords are made ones.
type bmcSpec struct {
	Personality string
	Users       map[string]string
	Hostname    string
	MACs        []string // of the server's ports, as far as the site declares them
	Ports       []uint16
	Dev         string
	Addresses   []netip.Prefix
	Gateways    []netip.Addr
	// Reachable are gateways it may find at other addresses than these.
	Reachable []netip.Addr
}

// bmcSpecOf says how the BMC of a site is delivered. The site is one with
// made secrets.
func bmcSpecOf(s *site.Site, l *layout, personality string) bmcSpec {
	spec := bmcSpec{
		Personality: personality, Users: map[string]string{}, Ports: []uint16{443}, Dev: l.BMC.Port,
		Addresses: l.BMC.Addrs, Gateways: l.BMC.Gateways, Reachable: slices.Concat(s.BMC.Gateways, l.BMC.Gateways),
	}
	user, password := s.BMC.Username, s.BMC.Password
	if f := s.BMC.Factory; f != nil {
		user, password = f.Username, f.Password
	}
	spec.Users[user] = reveal(password)
	for _, i := range []site.Interface{s.Server.Management, s.Server.Service} {
		if i.Match.MAC != "" {
			spec.MACs = append(spec.MACs, i.Match.MAC)
		}
	}
	if p := s.BMC.Port; p != 0 && p != 443 {
		spec.Ports = append(spec.Ports, p)
	}
	return spec
}

func reveal(v secret.Value) string {
	if v.IsZero() {
		return ""
	}
	return v.Reveal()
}

// startBMC brings the BMC up in this process, or in one of its own that
// outlives it, and returns the fingerprint of its certificate.
func (t *Testbed) startBMC(ctx context.Context, spec bmcSpec, o Options) (string, error) {
	if len(o.BMCCommand) == 0 {
		b, err := t.newBMC(spec, t.keeper)
		if err != nil {
			return "", err
		}
		listeners, err := t.listenBMC(spec)
		if err != nil {
			return "", errors.Join(err, b.Close())
		}
		t.BMC = b
		for _, l := range listeners {
			go func() { _ = b.Serve(l) }() // ends with Close, in Down
		}
		return b.Fingerprint(), nil
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return "", fmt.Errorf("keep BMC: %w", err)
	}
	if err := writeFile(filepath.Join(t.dir(), "bmc.json"), 0o600, string(text)); err != nil {
		return "", err
	}
	return t.spawnBMC(ctx, append(slices.Clone(o.BMCCommand), t.ID))
}

// spawnBMC starts a process that is to call ServeBMC, and waits until its BMC
// answers.
func (t *Testbed) spawnBMC(ctx context.Context, argv []string) (string, error) {
	group := t.group() + "/bmc"
	if err := t.spawn(group, argv); err != nil {
		return "", err
	}
	var print string
	err := await(ctx, "the simulated BMC", func() (bool, error) {
		text, err := os.ReadFile(filepath.Join(t.dir(), "bmc.fingerprint"))
		if errors.Is(err, fs.ErrNotExist) && !group.populated() {
			said, _ := os.ReadFile(filepath.Join(t.dir(), "bmc.log"))
			return false, fmt.Errorf("it ended: %s", lastLines(strings.TrimSpace(string(said)), 5))
		}
		print = string(text)
		return err == nil, nil
	})
	return print, err
}

// spawn starts it in the cgroup of the rehearsal so that Down ends it.
func (t *Testbed) spawn(group cgroup, argv []string) error {
	said, err := os.OpenFile(filepath.Join(t.dir(), "bmc.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start BMC: %w", err)
	}
	defer said.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = said, said
	if err := group.start(cmd); err != nil {
		return fmt.Errorf("start BMC: %w", err)
	}
	go func() { _ = cmd.Wait() }() // only so that no zombie stays while we live
	return nil
}

// ServeBMC is the simulated BMC of a rehearsal that is kept. It runs in a
// process of its own and returns when its context ends. Where the site has no
// BMC it looks after the power of the server alone.
func ServeBMC(ctx context.Context, id string) error {
	t, err := Find(id)
	if err != nil {
		return err
	}
	k := t.keepServer()
	defer k.close()
	text, err := os.ReadFile(filepath.Join(t.dir(), "bmc.json"))
	if errors.Is(err, fs.ErrNotExist) {
		<-ctx.Done()
		return nil
	}
	if err != nil {
		return fmt.Errorf("read BMC of rehearsal %s: %w", id, err)
	}
	var spec bmcSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return fmt.Errorf("read BMC of rehearsal %s: %w", id, err)
	}
	b, err := t.newBMC(spec, k)
	if err != nil {
		return err
	}
	defer b.Close()
	listeners, err := t.listenBMC(spec)
	if err != nil {
		return err
	}
	var all errgroup.Group
	for _, l := range listeners {
		all.Go(func() error { return b.Serve(l) })
	}
	stop := context.AfterFunc(ctx, func() { _ = b.Close() })
	defer stop()
	// Written under another name first: whoever waits for it reads all of it.
	path := filepath.Join(t.dir(), "bmc.fingerprint")
	if err := writeFile(path+".new", 0o600, b.Fingerprint()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("say that the BMC is up: %w", err)
	}
	return all.Wait()
}

func (t *Testbed) newBMC(spec bmcSpec, k *keeper) (*simbmc.BMC, error) {
	n := t.Netns(RoleBMC)
	return simbmc.New(simbmc.Config{
		Powered: k.powered, Reset: k.reset,
		Personality: spec.Personality, Users: spec.Users, Hostname: spec.Hostname, MACs: spec.MACs,
		Addresses: spec.Addresses, Gateways: spec.Gateways,
		Move: func(ctx context.Context, old, now []netip.Prefix) {
			// Nobody is there to be told; a BMC that could not move does not
			// answer, and that is what a rehearsal then finds.
			_ = n.move(ctx, spec, old, now)
		},
	})
}

// listenBMC listens on all addresses the BMC has or will have.
func (t *Testbed) listenBMC(spec bmcSpec) ([]net.Listener, error) {
	var all []net.Listener
	for _, port := range spec.Ports {
		l, err := t.Netns(RoleBMC).Listen("tcp", net.JoinHostPort("::", strconv.Itoa(int(port))))
		if err != nil {
			for _, l := range all {
				_ = l.Close()
			}
			return nil, fmt.Errorf("listen for the simulated BMC: %w", err)
		}
		all = append(all, l)
	}
	return all, nil
}

// move changes the addresses of the BMC, and with them its default routes.
func (n Netns) move(ctx context.Context, spec bmcSpec, old, now []netip.Prefix) error {
	var err error
	for _, a := range old {
		if !slices.Contains(now, a) {
			err = errors.Join(err, n.ip(ctx, "addr", "del", a.String(), "dev", spec.Dev))
		}
	}
	e := endpoint{Port: spec.Dev, Addrs: now}
	for _, gw := range spec.Reachable {
		if slices.ContainsFunc(now, func(a netip.Prefix) bool { return a.Masked().Contains(gw) }) {
			e.Gateways = append(e.Gateways, gw)
		}
	}
	return errors.Join(err, n.address(ctx, e))
}

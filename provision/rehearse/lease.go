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
)

// leaseTime is for how long a server has an address that came by DHCP.
const leaseTime = 10 * time.Minute

// leaseAnswerLimit bounds the wait for a DHCP server that listens.
const leaseAnswerLimit = 10 * time.Second

// leaseGroup has the DHCP server of the host.
func (t *Testbed) leaseGroup() cgroup { return t.group() + "/dhcp" }

// serveLease gives the server its IPv4 address by DHCP, where it starts from
// that, from beside the router, on the wire that it is on. The program is the
// one of the server's own tree, linked statically, so that this machine needs
// none.
func (t *Testbed) serveLease(ctx context.Context) error {
	s, err := setupOf(t.Start)
	if err != nil || !s.leased {
		return err
	}
	config, err := t.leaseConfig()
	if err != nil {
		return err
	}
	path := filepath.Join(t.dir(), "dhcp.conf")
	if err := writeFile(path, 0o600, config); err != nil {
		return err
	}
	said, err := os.OpenFile(filepath.Join(t.dir(), "dhcp.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("serve DHCP: %w", err)
	}
	defer said.Close()
	// Nobody else is on the wire who could have the address, and udhcpd would
	// wait for two seconds whether somebody answers its ARP.
	cmd := exec.Command("nsenter", "--net="+t.Netns(RoleRouter).Path(), "--",
		filepath.Join(t.Base, "bin/busybox"), "udhcpd", "-f", "-a", "10", path)
	cmd.Stdout, cmd.Stderr = said, said
	if err := t.leaseGroup().start(cmd); err != nil {
		return fmt.Errorf("serve DHCP: %w", err)
	}
	go func() { _ = cmd.Wait() }() // only so that no zombie stays while we live
	return t.awaitLeases(ctx, cmd.Process.Pid)
}

// awaitLeases returns when it listens on the port of RFC 2131 §4.1.
func (t *Testbed) awaitLeases(ctx context.Context, pid int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, leaseAnswerLimit, errors.New("it took too long"))
	defer cancel()
	return await(ctx, "the DHCP server", func() (bool, error) {
		if !t.leaseGroup().populated() {
			said, _ := os.ReadFile(filepath.Join(t.dir(), "dhcp.log"))
			return false, fmt.Errorf("it ended: %s", lastLines(strings.TrimSpace(string(said)), 5))
		}
		sockets, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/udp", pid))
		return err == nil && strings.Contains(string(sockets), ":0043 "), nil
	})
}

// endLease takes the DHCP server away with the cable it serves.
func (t *Testbed) endLease(ctx context.Context) error {
	return errors.Join(t.leaseGroup().kill(ctx), t.leaseGroup().remove())
}

// leaseConfig is the configuration of busybox's udhcpd. It never writes its
// leases down (auto_time): a server that was switched off may come back with
// another MAC, for which the only address must be free.
func (t *Testbed) leaseConfig() (string, error) {
	e := t.Layout.Server
	is4 := func(a netip.Addr) bool { return a.Is4() }
	i := slices.IndexFunc(e.Addrs, func(p netip.Prefix) bool { return p.Addr().Is4() })
	if i < 0 {
		return "", fmt.Errorf("start from %s: the site gives the server no IPv4 address to come by DHCP", t.Start)
	}
	addr := e.Addrs[i]
	wire := slices.IndexFunc(t.Layout.Ports, func(p port) bool {
		return slices.ContainsFunc(p.Members, func(m member) bool { return m.End == mgmtEnd })
	})
	var b strings.Builder
	fmt.Fprintf(&b, "interface %s\nstart %s\nend %s\nmax_leases 1\nauto_time 0\n", t.Layout.Ports[wire].Name, addr.Addr(), addr.Addr())
	fmt.Fprintf(&b, "lease_file %s\npidfile %s\n", filepath.Join(t.dir(), "dhcp.leases"), filepath.Join(t.dir(), "dhcp.pid"))
	fmt.Fprintf(&b, "option lease %d\noption subnet %s\n", int(leaseTime.Seconds()), net.IP(net.CIDRMask(addr.Bits(), 32)))
	if gw := slices.IndexFunc(e.Gateways, is4); gw >= 0 {
		fmt.Fprintf(&b, "option router %s\n", e.Gateways[gw])
	}
	return b.String(), nil
}

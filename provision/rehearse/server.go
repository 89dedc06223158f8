//go:build linux

package rehearse

import (
	"context"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
)

// install leaves on the server what an installer and remote hands would: a
// name, a login, one address on the management interface.
func (t *Testbed) install(ctx context.Context) error {
	m, s := t.Server, t.Site
	login, err := t.seed.key(identityPurpose)
	if err != nil {
		return err
	}
	host, err := t.seed.key(hostKeyPurpose)
	if err != nil {
		return err
	}
	home := "/root"
	if user := s.Server.SSH.User; user != "root" && user != "" {
		home = "/home/" + user
		if _, err := run(ctx, "chroot", m.root, "useradd", "--create-home", "--shell", "/bin/bash", "--groups", "sudo", user); err != nil {
			return err
		}
		if err := m.Write("/etc/sudoers.d/installer", 0o440, user+" ALL=(ALL) NOPASSWD: ALL\n"); err != nil {
			return err
		}
	}
	files := []struct {
		path string
		mode fs.FileMode
		text string
	}{
		{"/etc/hostname", 0o644, "debian\n"},
		{"/etc/hosts", 0o644, "127.0.0.1 localhost\n127.0.1.1 debian\n::1 localhost\n"},
		{"/etc/machine-id", 0o444, hex.EncodeToString(t.seed.derive("machine " + m.name)[:16]) + "\n"},
		{"/etc/resolv.conf", 0o644, resolvers(s.Server.DNS)},
		{"/etc/ssh/ssh_host_ed25519_key", 0o600, host.private},
		{"/etc/ssh/ssh_host_ed25519_key.pub", 0o644, host.public + "\n"},
		{home + "/.ssh/authorized_keys", 0o600, login.public + "\n"},
	}
	if p := s.Server.SSH.Port; p != 0 && p != 22 {
		if err := m.Write("/etc/ssh/sshd_config.d/20-port.conf", 0o644, fmt.Sprintf("Port %d\n", p)); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := m.Write(f.path, f.mode, f.text); err != nil {
			return err
		}
	}
	if home != "/root" {
		if _, err := run(ctx, "chroot", m.root, "chown", "-R", s.Server.SSH.User+":", home+"/.ssh"); err != nil {
			return err
		}
	}
	if _, err := run(ctx, "chroot", m.root, "chmod", "700", home+"/.ssh"); err != nil {
		return err
	}
	return t.begin(ctx)
}

func resolvers(addrs []netip.Addr) string {
	var b strings.Builder
	for _, a := range addrs {
		fmt.Fprintf(&b, "nameserver %s\n", a)
	}
	return b.String()
}

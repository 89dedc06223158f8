//go:build linux

package provision_test

import (
	"crypto/ed25519"
	"io/fs"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

// wrong is a change that must not last, whoever asked for it.
type wrong struct {
	name   string
	change func(*site.Site)
	lay    func(*bed)        // what else stands in the way
	packs  map[string]string // files of the system pack that are replaced
	reason string            // named in the error
}

func wrongs() []wrong {
	// What is compared of it is as it has to be.
	const sshd = `# refuses everybody
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PubkeyAuthentication yes
X11Forwarding no
PermitTunnel no
GatewayPorts no
AllowTcpForwarding local
AllowAgentForwarding no
AllowStreamLocalForwarding no
AuthorizedKeysFile none
`
	return []wrong{{
		name:   "gateway",
		change: func(s *site.Site) { s.Server.Management.Gateways = addrs("192.0.2.18", "2001:db8:0:2::1") },
		reason: "declared address 192.0.2.20: unreachable over SSH: 192.0.2.20:22",
	}, {
		name: "gateways of both families",
		change: func(s *site.Site) {
			s.Server.Management.Gateways = addrs("192.0.2.18", "2001:db8:0:2::99")
		},
		reason: "no new connection to the declared address",
	}, {
		name: "address",
		change: func(s *site.Site) {
			s.Server.Management.Addresses = []netip.Prefix{netip.MustParsePrefix("192.0.3.20/28")}
			s.Server.Management.Gateways = addrs("192.0.3.17")
		},
		reason: "no new connection to the declared address",
	}, {
		name: "address of one family that is somebody else's",
		lay:  func(b *bed) { b.stranger("2001:db8:0:2::66/64") },
		change: func(s *site.Site) {
			s.Server.Management.Addresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.20/28"), netip.MustParsePrefix("2001:db8:0:2::66/64")}
		},
		reason: "declared address 2001:db8:0:2::66: ssh [2001:db8:0:2::66]:22: wrong host key",
	}, {
		name:   "firewall that drops SSH",
		change: func(s *site.Site) { s.Server.SSH.From = []netip.Prefix{netip.MustParsePrefix("198.51.101.0/24")} },
		reason: "no new connection to the declared address",
	}, {
		name:   "sshd that refuses the key",
		packs:  map[string]string{"sshd.conf.tmpl": sshd},
		reason: "login refused",
	}}
}

func addrs(all ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range all {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

// TestWrongChangesRevert applies what would lock everybody out, on purpose,
// and sees the server come back by itself.
func TestWrongChangesRevert(t *testing.T) {
	t.Parallel()
	b := newBed(t, "../sites/as112-gru1.hcl")
	b.mustApply(b.Site)
	for _, w := range wrongs() {
		t.Run(w.name, func(t *testing.T) {
			b.t = t
			s := *b.Site
			if w.change != nil {
				w.change(&s)
			}
			if w.lay != nil {
				w.lay(b)
			}
			o := b.o
			o.RevertAfter = 20 * time.Second
			o.Via = netip.MustParseAddrPort("192.0.2.20:22")
			if w.packs != nil {
				o.Packs = templates.Over(templates.FS(), systemPack(t, w.packs))
			}
			run := provision.New(&s, o)
			planned, err := run.Plan(t.Context())
			b.must(err)
			start := time.Now()
			j, err := run.Apply(t.Context(), planned, "")
			_ = run.Close(t.Context())
			if j.Outcome != apply.Reverted || err == nil {
				t.Fatalf("outcome %q, %v; want it reverted", j.Outcome, err)
			}
			if !strings.Contains(err.Error(), w.reason) {
				t.Errorf("the reason %q is not in: %v", w.reason, err)
			}
			t.Logf("back after %s: %v", time.Since(start).Round(time.Second), err)
			again, _ := b.plan(b.Site)
			if !again.Plan.Empty() {
				t.Errorf("after the revert the server is not what it was: %+v %+v", again.Plan.Changes, again.Plan.Unknown)
			}
			if last := again.Seen.Server.Last; last == nil || last.State != server.Reverted {
				t.Errorf("the next plan does not say that the server has reverted: %+v", last)
			}
		})
	}
}

// stranger is another SSH server on the management link, at an address of its
// own, for as long as the test takes.
func (b *bed) stranger(address string) {
	b.t.Helper()
	p := netip.MustParsePrefix(address)
	script := `dev=$(ip -o address show | awk '$4 ~ /^192\.0\.2\.17\// { print $2; exit }') && ip address add ` + address + ` dev "$dev" nodad`
	if out, err := b.Netns(rehearse.RoleRouter).Command(b.t.Context(), "sh", "-c", script).CombinedOutput(); err != nil {
		b.t.Fatalf("stranger: %v: %s", err, out)
	}
	_, key, err := ed25519.GenerateKey(nil)
	b.must(err)
	signer, err := ssh.NewSignerFromKey(key)
	b.must(err)
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(signer)
	l, err := b.Netns(rehearse.RoleRouter).Listen("tcp", netip.AddrPortFrom(p.Addr(), 22).String())
	b.must(err)
	b.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _, _, _ = ssh.NewServerConn(c, config)
				_ = c.Close()
			}()
		}
	}()
}

// systemPack is the built-in system pack with some of its files replaced.
func systemPack(t *testing.T, replaced map[string]string) fstest.MapFS {
	t.Helper()
	return packWith(t, "system/debian", replaced)
}

// packWith is a built-in pack with some of its files replaced.
func packWith(t *testing.T, pack string, replaced map[string]string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	names, err := fs.Glob(templates.FS(), pack+"/*")
	if err != nil || len(names) == 0 {
		t.Fatalf("pack %s: %d files, %v", pack, len(names), err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(templates.FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = &fstest.MapFile{Data: data}
	}
	for name, text := range replaced {
		out[pack+"/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

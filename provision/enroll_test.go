package provision_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/crypto/ssh"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

// passwords are what the site of these tests looks up.
type passwords map[string]string

func (p passwords) Env(name string) (string, error) {
	if v, ok := p[name]; ok {
		return v, nil
	}
	return "", os.ErrNotExist
}
func (p passwords) File(string) (string, error)   { return "", os.ErrNotExist }
func (p passwords) Exec([]string) (string, error) { return "", os.ErrNotExist }

// unpinned is the text of the example, without the pins.
func unpinned(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../sites/as112-gru1.hcl")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, line := range strings.SplitAfter(string(text), "\n") {
		word := strings.TrimSpace(line)
		if !strings.HasPrefix(word, "certificate ") && !strings.HasPrefix(word, "host_key ") {
			out = append(out, line)
		}
	}
	return []byte(strings.Join(out, ""))
}

func loaded(t *testing.T, text []byte, found secret.Lookup) *site.Site {
	t.Helper()
	operators, err := fs.Sub(templates.FS(), "operators")
	if err != nil {
		t.Fatal(err)
	}
	sites, diags := site.Load(fstest.MapFS{"in.hcl": {Data: text}}, "in.hcl", site.Options{
		Lookup: func(string) secret.Lookup { return found }, Operators: operators, Packs: sitePacks(t),
	})
	if len(sites) != 1 {
		t.Fatalf("%v", diags)
	}
	return sites[0]
}

// TestEnroll meets a BMC and a server as they are delivered, believes
// neither, pins both in the site file, and logs in for the first time.
func TestEnroll(t *testing.T) {
	found := passwords{}
	text := unpinned(t)
	for _, name := range envNames(string(text)) {
		found[name] = "Planted-" + name + "-1"
	}
	s := loaded(t, text, found)
	factoryUser := s.BMC.Factory.Username
	b, err := simbmc.New(simbmc.Config{
		Personality: "xcc", Users: map[string]string{factoryUser: s.BMC.Factory.Password.Reveal()}, MustChange: []string{factoryUser},
		Addresses: []netip.Prefix{netip.PrefixFrom(s.BMC.Factory.Address, 24)}, Delay: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	controller := listen(t)
	go func() { _ = b.Serve(controller) }()
	key, server := sshServer(t)
	o := provision.Options{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		to := netip.MustParseAddrPort(address)
		switch {
		case to.Addr() == s.BMC.Factory.Address:
			return new(net.Dialer).DialContext(ctx, network, controller.Addr().String())
		case to.Addr() == s.Server.SSH.Bootstrap:
			return new(net.Dialer).DialContext(ctx, network, server)
		}
		return nil, net.ErrClosed
	}}
	run := provision.New(s, o)
	defer run.Close(t.Context())
	certificate, err := run.ScanCertificate(t.Context())
	if err != nil || certificate.Fingerprint != b.Fingerprint() {
		t.Fatalf("got %+v, %v", certificate, err)
	}
	hostKey, err := run.ScanHostKey(t.Context())
	if err != nil || hostKey.Key != key {
		t.Fatalf("got %+v, %v; want %s", hostKey, err, key)
	}
	if log := b.Log(); len(log) != 0 {
		t.Errorf("the BMC was sent %v before anybody has agreed", log)
	}
	pinned, diags := site.Enroll(text, s.Name, site.Pins{Certificate: certificate.Fingerprint, HostKey: hostKey.Key}, site.KeepPinned)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	s = loaded(t, pinned, found)
	if s.BMC.Fingerprint != certificate.Fingerprint || s.Server.SSH.Host.Key != key || s.MissingSecrets().HasErrors() {
		t.Errorf("the file does not hold the pins: %v\n%s", s.MissingSecrets(), pinned)
	}
	for i, changed := range []bool{true, false} {
		w, err := provision.FirstLogin(t.Context(), s, o, s.BMC.Fingerprint)
		if err != nil || w.Changed != changed || w.Identity.Line != "xcc" {
			t.Errorf("login %d: got %+v, %v", i+1, w, err)
		}
	}
	if n := b.Counters(); n.Open != 0 || n.FailedLogins > 1 {
		t.Errorf("%+v", n)
	}
}

// TestFirstLoginNoPassword says which passwords are not there.
func TestFirstLoginNoPassword(t *testing.T) {
	s := loaded(t, unpinned(t), passwords{})
	_, err := provision.FirstLogin(t.Context(), s, provision.Options{}, "sha256:"+strings.Repeat("00", 32))
	if err == nil || !strings.Contains(err.Error(), `env("`) {
		t.Errorf("got %v", err)
	}
}

func envNames(text string) []string {
	var out []string
	for _, part := range strings.Split(text, `env("`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		out = append(out, name)
	}
	return out
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

// sshServer shows a host key to whoever comes.
func sshServer(t *testing.T) (key, address string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(signer)
	ln := listen(t)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _, _, _ = ssh.NewServerConn(c, config)
				_ = c.Close()
			}()
		}
	}()
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), ln.Addr().String()
}

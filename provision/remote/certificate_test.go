//go:build unix

package remote_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/raiz-dns/raiz/provision/remote"
)

// keygen runs ssh-keygen, which makes keys and certificates that know nothing of
// the library.
func keygen(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(need(t, "ssh-keygen"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ssh-keygen %q: %v: %s", args, err, out)
	}
	return string(out)
}

// pairAt makes a key and returns its public line.
func pairAt(t *testing.T, file string) string {
	t.Helper()
	keygen(t, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file)
	return read(t, file+".pub")
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// signed has an authority sign a key; the certificate lies beside it.
func signed(t *testing.T, authority, file string, args ...string) {
	t.Helper()
	keygen(t, append(append([]string{"-q", "-s", authority, "-I", "test"}, args...), file+".pub")...)
}

// TestHostCertificate goes by who has signed a host's key, for which name and
// for how long.
func TestHostCertificate(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	authority, other, host := pairAt(t, at("ca")), pairAt(t, at("other")), pairAt(t, at("host"))
	stranger := pairAt(t, at("stranger"))
	forHost := []string{"-h", "-n", "gru1,192.0.2.20"}
	tests := []struct {
		name   string
		signed []string // by ssh-keygen; nil for a host without a certificate
		pin    remote.Pin
		says   string // "" where it is let in
	}{
		{"its name", forHost, remote.Pin{Authority: authority, Names: []string{"gru1"}}, ""},
		{"its address", forHost, remote.Pin{Authority: authority, Names: []string{"gru1.example.net", "192.0.2.20"}}, ""},
		{"another name", forHost, remote.Pin{Authority: authority, Names: []string{"gru2", "192.0.2.21"}}, "is for gru1, 192.0.2.20, and not for gru2 or 192.0.2.21"},
		{"no name", forHost, remote.Pin{Authority: authority}, "which has no name"},
		{"another authority", forHost, remote.Pin{Authority: other, Names: []string{"gru1"}}, "is of another authority"},
		{"its time is over", append(forHost, "-V", "20200101:20200102"), remote.Pin{Authority: authority, Names: []string{"gru1"}}, "held until 2020-01-0"},
		{"its time has not come", append(forHost, "-V", "20400101:20400102"), remote.Pin{Authority: authority, Names: []string{"192.0.2.20", "2001:db8::1"}}, "holds from 20"},
		{"its key is revoked", forHost, remote.Pin{Authority: authority, Names: []string{"gru1"}, Revoked: []string{host}}, "is revoked"},
		{"its authority is revoked", forHost, remote.Pin{Authority: authority, Names: []string{"gru1"}, Revoked: []string{authority}}, "is revoked"},
		{"its time is over, and its key is pinned", append(forHost, "-V", "20200101:20200102"), remote.Pin{Authority: authority, Names: []string{"gru1"}, Key: host}, ""},
		{"another name, and its key was pinned before", forHost, remote.Pin{Authority: authority, Names: []string{"gru2"}, Key: stranger, Previous: host}, ""},
		{"its time is over, and its pinned key is revoked", append(forHost, "-V", "20200101:20200102"), remote.Pin{Authority: authority, Names: []string{"gru1"}, Key: host, Revoked: []string{host}}, "revoked"},
		{"it names no host", []string{"-h"}, remote.Pin{Authority: authority, Names: []string{"gru1"}}, "names no host"},
		{"it has none", nil, remote.Pin{Authority: authority, Names: []string{"gru1"}}, "the server has ssh-ed25519"},
		{"it has none, and its key is pinned", nil, remote.Pin{Authority: authority, Names: []string{"gru1"}, Key: host}, ""},
		{"its key is pinned", forHost, remote.Pin{Key: host}, ""},
		{"its key was pinned before", nil, remote.Pin{Key: stranger, Previous: host}, ""},
		{"its key is the new one", nil, remote.Pin{Key: host, Previous: stranger}, ""},
		{"its key is neither", nil, remote.Pin{Key: stranger, Previous: other}, "want SHA256:"},
		{"its pinned key is revoked", nil, remote.Pin{Key: host, Revoked: []string{host}}, "it is revoked"},
		{"nothing is pinned", nil, remote.Pin{}, "no pinned host key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			more := "HostKey " + at("host") + "\n"
			if tt.signed != nil {
				signed(t, at("ca"), at("host"), tt.signed...)
				more += "HostCertificate " + at("host-cert.pub") + "\n"
			}
			s := newSSHDWith(t, more)
			target := s.target()
			target.Login.Pin = tt.pin
			conn, err := remote.Dial(t.Context(), target)
			if err == nil {
				_ = conn.Close()
			}
			verified := remote.VerifyHostKey(t.Context(), target)
			for what, err := range map[string]error{"a login": err, "a look": verified} {
				switch {
				case tt.says == "" && err != nil:
					t.Errorf("%s: %v", what, err)
				case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
					t.Errorf("%s: %v, and not %q", what, err, tt.says)
				case tt.says != "" && tt.pin.Key+tt.pin.Authority != "" && !errors.Is(err, remote.ErrHostKey):
					t.Errorf("%s: %v is no wrong host key", what, err)
				}
			}
		})
	}
}

// TestForeignCertificate is for what OpenSSH does not serve: a certificate of a
// user, in the place of a host's.
func TestForeignCertificate(t *testing.T) {
	p, s := prepare(t)
	authority, host := signer(t, newKey(t, ssh.KeyAlgoED25519)), signer(t, newKey(t, ssh.KeyAlgoED25519))
	cert := &ssh.Certificate{Key: host.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{"gru1"}, ValidBefore: ssh.CertTimeInfinity}
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	both, err := ssh.NewCertSigner(cert, host)
	if err != nil {
		t.Fatal(err)
	}
	p.config.AddHostKey(both)
	s.addr, _ = listen(t, func(c net.Conn) { p.serve(t.Context(), c) })
	target := s.target()
	target.Login.Pin = remote.Pin{Authority: line(authority.PublicKey()), Names: []string{"gru1"}}
	if _, err := remote.Dial(t.Context(), target); !errors.Is(err, remote.ErrHostKey) || !strings.Contains(err.Error(), "is not one for hosts") {
		t.Errorf("%v", err)
	}
}

// TestUserCertificate logs in where no key is known, but who signs keys.
func TestUserCertificate(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	authority := pairAt(t, at("ca"))
	pairAt(t, at("id"))
	pairAt(t, at("other"))
	s := newSSHDWith(t, "TrustedUserCAKeys "+at("ca.pub")+"\nAuthorizedKeysFile none\n")
	forMe := []string{"-n", s.user}
	key, err := ssh.ParseRawPrivateKey([]byte(read(t, at("id")) + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key.(*ed25519.PrivateKey), "", []byte("planted-passphrase"))
	if err != nil {
		t.Fatal(err)
	}
	locked := writePEM(t, block)
	held, _ := newAgent(t, key)

	try := func(t *testing.T, login remote.Login, is error, says string) {
		t.Helper()
		target := s.target()
		login.User, login.Pin = s.user, target.Login.Pin
		target.Login = login
		conn, err := remote.Dial(t.Context(), target)
		if err == nil {
			defer conn.Close()
			print := "CA " + fingerprint(t, authority)
			if !slices.Contains(conn.Keys(), print) {
				t.Errorf("it came with %q, and not with %s", conn.Keys(), print)
			}
		}
		switch {
		case is == nil && says == "" && err != nil:
			t.Error(err)
		case is != nil && !errors.Is(err, is):
			t.Errorf("%v is not %v", err, is)
		case says != "" && (err == nil || !strings.Contains(err.Error(), says)):
			t.Errorf("%v does not say %q", err, says)
		}
	}
	try(t, remote.Login{IdentityFile: at("id")}, remote.ErrAuth, "")
	signed(t, at("ca"), at("id"), forMe...)
	try(t, remote.Login{IdentityFile: at("id")}, nil, "")

	cert, _, _, _, err := ssh.ParseAuthorizedKey([]byte(read(t, at("id-cert.pub"))))
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: key, Certificate: cert.(*ssh.Certificate)}); err != nil {
		t.Fatal(err)
	}
	try(t, remote.Login{AgentSocket: serveAgent(t, ring)}, nil, "")
	copyFile(t, at("id-cert.pub"), locked+"-cert.pub")
	try(t, remote.Login{IdentityFile: locked, AgentSocket: held}, nil, "")
	try(t, remote.Login{IdentityFile: locked}, nil, "has a passphrase")

	copyFile(t, at("id-cert.pub"), at("other-cert.pub"))
	try(t, remote.Login{IdentityFile: at("other")}, nil, "is of another key")
	signed(t, at("ca"), at("id"), append(forMe, "-V", "20200101:20200102")...)
	try(t, remote.Login{IdentityFile: at("id")}, nil, "held until 2020-01-0")
	signed(t, at("ca"), at("id"), append(forMe, "-V", "20400101:20400102")...)
	try(t, remote.Login{IdentityFile: at("id")}, nil, "holds from 20")
	signed(t, at("ca"), at("id"), "-h", "-n", "gru1")
	try(t, remote.Login{IdentityFile: at("id")}, nil, "is one for hosts")
	signed(t, at("other"), at("id"), forMe...)
	try(t, remote.Login{IdentityFile: at("id")}, remote.ErrAuth, "")
	copyFile(t, at("id.pub"), at("id-cert.pub"))
	try(t, remote.Login{IdentityFile: at("id")}, nil, "not a certificate")
	if err := os.WriteFile(at("id-cert.pub"), []byte{0xff, 0}, 0o600); err != nil {
		t.Fatal(err)
	}
	try(t, remote.Login{IdentityFile: at("id")}, nil, "not a certificate")
}

func fingerprint(t *testing.T, line string) string {
	t.Helper()
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	return ssh.FingerprintSHA256(key)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if err := os.WriteFile(to, []byte(read(t, from)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// device is an agent with one FIDO2 device, as PROTOCOL.u2f of OpenSSH has its
// signatures.
type device struct {
	agent.Agent
	key     ed25519.PrivateKey
	touched bool // somebody touches it when it is asked
}

const application = "ssh:"

func (d device) blob() []byte {
	return ssh.Marshal(struct {
		Type        string
		Public      []byte
		Application string
	}{ssh.KeyAlgoSKED25519, d.key.Public().(ed25519.PublicKey), application})
}

func (d device) List() ([]*agent.Key, error) {
	return []*agent.Key{{Format: ssh.KeyAlgoSKED25519, Blob: d.blob()}}, nil
}

func (d device) Sign(key ssh.PublicKey, data []byte) (*ssh.Signature, error) {
	if !bytes.Equal(key.Marshal(), d.blob()) {
		return nil, errors.New("no such key")
	}
	var flags byte
	if d.touched {
		flags = 1
	}
	rest := []byte{flags, 0, 0, 0, 7}
	app, message := sha256.Sum256([]byte(application)), sha256.Sum256(data)
	return &ssh.Signature{Format: ssh.KeyAlgoSKED25519, Blob: ed25519.Sign(d.key, slices.Concat(app[:], rest, message[:])), Rest: rest}, nil
}

// file stands for the key where an identity is a file (PROTOCOL.key).
func (d device) file(t *testing.T) string {
	t.Helper()
	private := ssh.Marshal(struct {
		Check1, Check2           uint32
		Type                     string
		Public                   []byte
		Application              string
		Flags                    byte
		Handle, Reserved, Remark string
	}{1, 1, ssh.KeyAlgoSKED25519, d.key.Public().(ed25519.PublicKey), application, 1, "handle", "", ""})
	for i := byte(1); len(private)%8 != 0; i++ {
		private = append(private, i)
	}
	body := append([]byte("openssh-key-v1\x00"), ssh.Marshal(struct {
		Cipher, KDF, Options string
		Keys                 uint32
		Public, Private      []byte
	}{"none", "none", "", 1, d.blob(), private})...)
	return writePEM(t, &pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: body})
}

func serveAgent(t *testing.T, a agent.Agent) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") // a socket's name may not be long
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(); _ = os.RemoveAll(dir) })
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			go func() { _ = agent.ServeAgent(a, c) }()
		}
	}()
	return l.Addr().String()
}

// TestDevice logs in with a key in a FIDO2 device, which the agent speaks to.
func TestDevice(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d := device{agent.NewKeyring(), key, true}
	public, err := ssh.ParsePublicKey(d.blob())
	if err != nil {
		t.Fatal(err)
	}
	file := d.file(t)
	if got := keygen(t, "-y", "-f", file); !strings.HasPrefix(got, line(public)) {
		t.Fatalf("ssh-keygen reads the file as %s", got)
	}
	authorized := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(authorized, []byte(line(public)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSSHDWith(t, "AuthorizedKeysFile "+authorized+"\n")
	target := s.target()
	try := func(identity, socket string) error {
		target.Login.IdentityFile, target.Login.AgentSocket = identity, socket
		conn, err := remote.Dial(t.Context(), target)
		if err == nil {
			_ = conn.Close()
		}
		return err
	}
	socket := serveAgent(t, d)
	for name, identity := range map[string]string{"the agent alone": "", "its file": file} {
		if err := try(identity, socket); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := try(file, ""); err == nil || !strings.Contains(err.Error(), "is a key in a FIDO2 device: add it to an agent") {
		t.Errorf("without an agent: %v", err)
	}
	d.touched = false
	if err := try("", serveAgent(t, d)); !errors.Is(err, remote.ErrAuth) {
		t.Errorf("nobody has touched it: %v", err)
	}
}

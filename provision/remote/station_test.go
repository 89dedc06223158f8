//go:build unix

package remote_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/raiz-dns/raiz/provision/remote"
)

// station is a server to log in to, on the loopback.
type station struct {
	addr     netip.AddrPort
	user     string
	identity string            // file of the key that is let in
	hostKeys map[string]string // by type, as they are pinned
	accepted *atomic.Int64     // TCP connections so far
}

func (s station) login() remote.Login {
	return remote.Login{User: s.user, Pin: remote.Pin{Key: s.hostKeys[ssh.KeyAlgoED25519]}, IdentityFile: s.identity}
}

func (s station) target() remote.Target {
	return remote.Target{Addresses: []netip.AddrPort{s.addr}, Login: s.login()}
}

// stations are the servers that the contract holds for: one made of the
// library that raiz itself uses, and OpenSSH.
func stations() map[string]func(*testing.T) station {
	return map[string]func(*testing.T) station{"in-process": newInProcess, "sshd": newSSHD}
}

func onEach(t *testing.T, test func(*testing.T, station)) {
	for name, start := range stations() {
		t.Run(name, func(t *testing.T) { test(t, start(t)) })
	}
}

func dial(t *testing.T, target remote.Target) *remote.Conn {
	t.Helper()
	conn, err := remote.Dial(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func newKey(t *testing.T, keyType string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch keyType {
	case ssh.KeyAlgoED25519:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case ssh.KeyAlgoRSA:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case ssh.KeyAlgoECDSA256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// stationsRSA is the RSA key that each station has: to find its primes takes
// longer than a test does, and stations are told apart by their other key.
var stationsRSA = sync.OnceValues(func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// hostKey is a key that a station answers with.
func hostKey(t *testing.T, keyType string) crypto.Signer {
	t.Helper()
	if keyType != ssh.KeyAlgoRSA {
		return newKey(t, keyType)
	}
	key, err := stationsRSA()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func signer(t *testing.T, key crypto.Signer) ssh.Signer {
	t.Helper()
	s, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// line is a public key as it stands in files.
func line(key ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// writeKey writes a private key, with a passphrase unless that is empty.
func writeKey(t *testing.T, key crypto.Signer, passphrase string) string {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return writePEM(t, block)
}

func writePEM(t *testing.T, block *pem.Block) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// listen hands every connection to serve, until the test ends.
func listen(t *testing.T, serve func(net.Conn)) (netip.AddrPort, *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := new(atomic.Int64)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			all.Go(func() { serve(conn) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return l.Addr().(*net.TCPAddr).AddrPort(), accepted
}

// inProcess is an SSH server made of the library. It has a sudo of its own,
// which only says that it was called.
type inProcess struct {
	config *ssh.ServerConfig
	env    []string
	alive  *atomic.Int64 // keepalives so far
}

func newInProcess(t *testing.T) station {
	t.Helper()
	p, s := prepare(t)
	ctx, cancel := context.WithCancel(context.Background())
	s.addr, s.accepted = listen(t, func(c net.Conn) { p.serve(ctx, c) })
	t.Cleanup(cancel) // before the listener waits for its connections
	return s
}

// prepare makes a server that is not listening yet.
func prepare(t *testing.T) (inProcess, station) {
	t.Helper()
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "sudo"), []byte("#!/bin/sh\necho sudo \"$*\"\nshift 2\nexec \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	key := newKey(t, ssh.KeyAlgoED25519)
	allowed := line(signer(t, key).PublicKey())
	config := &ssh.ServerConfig{MaxAuthTries: 6, PublicKeyCallback: func(_ ssh.ConnMetadata, offered ssh.PublicKey) (*ssh.Permissions, error) {
		if line(offered) != allowed {
			return nil, errors.New("not allowed")
		}
		return nil, nil
	}}
	s := station{user: "root", identity: writeKey(t, key, ""), hostKeys: map[string]string{}}
	for _, keyType := range []string{ssh.KeyAlgoED25519, ssh.KeyAlgoRSA} {
		host := signer(t, hostKey(t, keyType))
		config.AddHostKey(host)
		s.hostKeys[keyType] = line(host.PublicKey())
	}
	return inProcess{config: config, env: append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH")), alive: new(atomic.Int64)}, s
}

func (p inProcess) serve(ctx context.Context, raw net.Conn) {
	defer raw.Close()
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })()
	conn, chans, reqs, err := ssh.NewServerConn(raw, p.config)
	if err != nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	all.Go(func() {
		for r := range reqs {
			p.alive.Add(1)
			_ = r.Reply(false, nil) // as OpenSSH does
		}
	})
	all.Go(func() { _ = conn.Wait(); cancel() })
	for c := range chans {
		all.Go(func() {
			switch c.ChannelType() {
			case "session":
				p.session(ctx, c)
			case "direct-tcpip":
				forward(ctx, c)
			default:
				_ = c.Reject(ssh.UnknownChannelType, "")
			}
		})
	}
}

func (p inProcess) session(ctx context.Context, c ssh.NewChannel) {
	ch, reqs, err := c.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	for r := range reqs {
		var payload struct{ Text string }
		_ = ssh.Unmarshal(r.Payload, &payload)
		_ = r.Reply(r.Type == "exec" || r.Type == "subsystem", nil)
		switch r.Type {
		case "exec":
			p.exec(ctx, ch, payload.Text)
			return
		case "subsystem":
			if server, err := sftp.NewServer(ch); err == nil {
				defer context.AfterFunc(ctx, func() { _ = ch.Close() })()
				_ = server.Serve()
			}
			return
		}
	}
}

func (p inProcess) exec(ctx context.Context, ch ssh.Channel, command string) {
	cmd := exec.CommandContext(ctx, "sh", "-c", "exec "+command)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, ch, ch.Stderr()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	in, err := cmd.StdinPipe()
	if err != nil {
		return
	}
	go func() { _, _ = io.Copy(in, ch); _ = in.Close() }()
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() < 0 {
		_, _ = ch.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Signal string
			Core   bool
			Error  string
			Lang   string
		}{"KILL", false, "", ""}))
		return
	}
	code := struct{ Code uint32 }{uint32(cmd.ProcessState.ExitCode())}
	_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(code))
}

func forward(ctx context.Context, c ssh.NewChannel) {
	var to struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	_ = ssh.Unmarshal(c.ExtraData(), &to)
	out, err := net.Dial("tcp", net.JoinHostPort(to.Host, fmt.Sprint(to.Port)))
	if err != nil {
		_ = c.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	defer out.Close()
	ch, reqs, err := c.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	defer context.AfterFunc(ctx, func() { _ = out.Close() })()
	go ssh.DiscardRequests(reqs)
	go func() { _, _ = io.Copy(out, ch); _ = out.Close() }()
	_, _ = io.Copy(ch, out)
}

// newSSHD gives every connection an OpenSSH server of its own (sshd -i), so
// that no port has to be found and nothing has to be waited for.
func newSSHD(t *testing.T) station { return newSSHDWith(t, "") }

// newSSHDWith has lines before its configuration: of a keyword the first one counts.
func newSSHDWith(t *testing.T, more string) station {
	t.Helper()
	sshd := need(t, "sshd")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if me.Uid == "0" {
		// Debian makes it when the service starts.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir, key := t.TempDir(), newKey(t, ssh.KeyAlgoED25519)
	s := station{user: me.Username, identity: writeKey(t, key, ""), hostKeys: map[string]string{}}
	config := more + "AuthorizedKeysFile " + filepath.Join(dir, "authorized_keys") + "\nStrictModes no\nUsePAM no\nPidFile none\n" +
		"PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n" +
		"Subsystem sftp internal-sftp\nLogLevel ERROR\nPrintLastLog no\n"
	for _, keyType := range []string{ssh.KeyAlgoED25519, ssh.KeyAlgoRSA} {
		host := hostKey(t, keyType)
		s.hostKeys[keyType] = line(signer(t, host).PublicKey())
		config += "HostKey " + writeKey(t, host, "") + "\n"
	}
	for name, text := range map[string]string{"authorized_keys": line(signer(t, key).PublicKey()) + "\n", "sshd_config": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.addr, s.accepted = listen(t, func(c net.Conn) {
		f, err := c.(*net.TCPConn).File()
		_ = c.Close()
		if err != nil {
			return
		}
		defer f.Close()
		cmd := exec.CommandContext(ctx, sshd, "-i", "-f", filepath.Join(dir, "sshd_config"))
		cmd.Stdin, cmd.Stdout = f, f
		_ = cmd.Run() // its verdict is what the client sees
	})
	t.Cleanup(cancel)
	return s
}

// need skips a test that lacks a program. In CI nothing may be skipped but in
// the short form, which runs with nothing but Go and git.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" && !testing.Short() {
		t.Fatalf("%s is not installed", program)
	}
	t.Skipf("%s is not installed", program)
	return ""
}

// relay is a path to a station that can be cut.
type relay struct {
	addr netip.AddrPort
	mu   sync.Mutex
	ends []net.Conn
	// limit is how many bytes it carries towards the station before it cuts
	// itself; 0 is no limit.
	limit int64
}

func newRelay(t *testing.T, to netip.AddrPort, limit int64) *relay {
	t.Helper()
	r := &relay{limit: limit}
	r.addr, _ = listen(t, func(near net.Conn) {
		far, err := net.Dial("tcp", to.String())
		if err != nil {
			_ = near.Close()
			return
		}
		r.mu.Lock()
		r.ends = append(r.ends, near, far)
		r.mu.Unlock()
		var both sync.WaitGroup
		both.Go(func() { _, _ = io.Copy(near, far); _ = near.Close() })
		if r.limit > 0 {
			_, _ = io.CopyN(far, near, r.limit)
			r.cut()
		} else {
			_, _ = io.Copy(far, near)
		}
		_ = far.Close()
		both.Wait()
	})
	t.Cleanup(r.cut)
	return r
}

func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.ends {
		_ = c.Close()
	}
}

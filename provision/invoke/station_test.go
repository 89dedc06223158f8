//go:build linux

package invoke_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/raiz-dns/raiz/provision/invoke"
	"github.com/raiz-dns/raiz/provision/remote"
)

// station is OpenSSH with two logins, root and one that has sudo, on this
// machine but for the places that raiz writes to: those, and who there is, are
// the test's own, in a mount namespace.
type station struct {
	dir, identity, hostKey string
	addr                   netip.AddrPort
}

// Users of a station.
const (
	admin   = "raiz-test-admin"   // has sudo
	visits  = "raiz-test-visits"  // has none
	noShell = "raiz-test-noshell" // has none, and a shell that lets nobody in
)

// enter is what each connection is begun with.
const enter = `set -e
d=$1
mount --make-rprivate / 2>/dev/null || : # in a chroot it is no mount point
mount --bind "$d/passwd" /etc/passwd
mount --bind "$d/shadow" /etc/shadow
mount --bind "$d/sudoers" /etc/sudoers
mount --bind "$d/lib" /usr/local/lib
mount --bind "$d/var" /var/lib
mount --bind "$d/tmp" /tmp
[ ! -e "$d/enter" ] || . "$d/enter"
exec "$2" -i -f "$d/sshd_config"`

func newStation(t *testing.T) *station {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can have places of its own")
	}
	sshd := need(t, "sshd")
	need(t, "sudo")
	dir, err := os.MkdirTemp("/var/tmp", "raiz-invoke") // /tmp is another one there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &station{dir: dir}
	s.prepare(t)
	// Debian makes it when the service starts.
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().(*net.TCPAddr).AddrPort()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { s.serve(ctx, c.(*net.TCPConn), sshd) })
		}
	})
	t.Cleanup(func() { cancel(); _ = l.Close(); all.Wait() })
	return s
}

func (s *station) serve(ctx context.Context, c *net.TCPConn, sshd string) {
	f, err := c.File()
	_ = c.Close()
	if err != nil {
		return
	}
	defer f.Close()
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--propagation", "unchanged", "--", "sh", "-c", enter, "sh", s.dir, sshd)
	cmd.Stdin, cmd.Stdout = f, f
	_ = cmd.Run() // its verdict is what the client sees
}

func (s *station) prepare(t *testing.T) {
	t.Helper()
	if err := os.Chmod(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"lib", "var", "tmp"} {
		if err := os.Mkdir(filepath.Join(s.dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(s.dir, "tmp"), 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	var private, public string
	s.identity, public = s.key(t, "identity")
	private, s.hostKey = s.key(t, "host_key")
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	s.write(t, "passwd", 0o644, read("/etc/passwd")+admin+":x:64001:65534::/:/bin/sh\n"+visits+":x:64002:65534::/:/bin/sh\n"+noShell+":x:64003:65534::/:/usr/sbin/nologin\n")
	s.write(t, "shadow", 0o640, read("/etc/shadow")+admin+":*:19000::::::\n"+visits+":*:19000::::::\n"+noShell+":*:19000::::::\n")
	s.write(t, "sudoers", 0o440, "root ALL=(ALL) ALL\n"+admin+" ALL=(ALL) NOPASSWD: ALL\n")
	s.write(t, "authorized_keys", 0o644, public+"\n")
	s.write(t, "sshd_config", 0o600, "AuthorizedKeysFile "+s.dir+"/authorized_keys\nHostKey "+private+"\nStrictModes no\nUsePAM no\nPidFile none\n"+
		"PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"+
		"Subsystem sftp internal-sftp\nLogLevel ERROR\nPrintLastLog no\n")
}

func (s *station) write(t *testing.T, name string, mode os.FileMode, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func (s *station) key(t *testing.T, name string) (path, public string) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, name, 0o600, string(pem.EncodeToMemory(block)))
	line, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(s.dir, name), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(line)))
}

// conn logs in.
func (s *station) conn(t *testing.T, user string) *remote.Conn {
	t.Helper()
	conn, err := remote.Dial(t.Context(), remote.Target{
		Addresses: []netip.AddrPort{s.addr}, Login: remote.Login{User: user, Pin: remote.Pin{Key: s.hostKey}, IdentityFile: s.identity},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// path is where something of the station's is on this machine.
func (s *station) path(remote string) string {
	return strings.Replace(remote, "/usr/local/lib", s.dir+"/lib", 1)
}

// uploads are the files that lie in its /tmp.
func (s *station) uploads(t *testing.T) []string {
	t.Helper()
	left, err := filepath.Glob(s.dir + "/tmp/raiz-*")
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// helpers are two helpers that differ, for this machine.
func helpers(t *testing.T) (one, other invoke.Image) {
	t.Helper()
	both, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return both[0], both[1]
}

var built = sync.OnceValues(func() (both [2]invoke.Image, err error) {
	dir, err := os.MkdirTemp("", "raiz-invoke")
	if err != nil {
		return both, err
	}
	defer os.RemoveAll(dir)
	for i, buildid := range []string{"", "another"} {
		out := filepath.Join(dir, "raiz-helper")
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w -buildid="+buildid, "-o", out, "../../cmd/raiz-helper")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if said, err := cmd.CombinedOutput(); err != nil {
			return both, fmt.Errorf("%w: %s", err, said)
		}
		program, err := os.ReadFile(out)
		if err != nil {
			return both, err
		}
		if both[i], err = pack(program); err != nil {
			return both, err
		}
	}
	return both, nil
})

func pack(program []byte) (invoke.Image, error) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(program)
	if err = errors.Join(err, z.Close()); err != nil {
		return invoke.Image{}, err
	}
	return invoke.NewImage(packed.Bytes(), program), nil
}

func images(i invoke.Image) invoke.Images { return invoke.Images{runtime.GOARCH: i} }

// long skips a test of many connections to OpenSSH in the short form.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("logs in many times")
	}
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

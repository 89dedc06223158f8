//go:build unix

package remote_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/raiz-dns/raiz/provision/remote"
)

func TestDialAndRun(t *testing.T) {
	onEach(t, func(t *testing.T, s station) {
		conn := dial(t, s.target())
		if conn.Addr() != s.addr {
			t.Errorf("answered at %s, want %s", conn.Addr(), s.addr)
		}
		tests := []struct {
			name   string
			script remote.Script
			want   remote.Result
		}{
			{"fine", remote.Script{Text: "echo out; echo err >&2"}, remote.Result{Stdout: []byte("out\n"), Stderr: "err"}},
			{"nothing", remote.Script{}, remote.Result{}},
			{"a command that fails is no error", remote.Script{Text: "echo out\nexit 7"}, remote.Result{Stdout: []byte("out\n"), Code: 7}},
			{"as root, when root logs in", remote.Script{Text: "echo out", Root: true}, remote.Result{Stdout: []byte("out\n")}},
			{"bash", remote.Script{Text: "[[ -n $BASH_VERSION ]] && echo \"${BASH##*/}\"", Bash: true}, remote.Result{Stdout: []byte("bash\n")}},
			{"bytes as they are", remote.Script{Text: `printf '\000\377\r\n'`}, remote.Result{Stdout: []byte("\x00\xff\r\n")}},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				have, err := conn.Run(t.Context(), tt.script)
				if err != nil {
					t.Fatal(err)
				}
				if len(have.Stdout) == 0 {
					have.Stdout = nil
				}
				if diff := cmp.Diff(tt.want, have); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
		if diff := cmp.Diff(remote.Stats{Execs: len(tests)}, conn.Stats()); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
		if n := s.accepted.Load(); n != 1 {
			t.Errorf("%d connections for one Dial", n)
		}
		for i := range 2 {
			if err := conn.Close(); err != nil {
				t.Errorf("Close %d: %v", i, err)
			}
		}
		if r, err := conn.Run(t.Context(), remote.Script{Text: "true"}); err == nil || r.Code != -1 {
			t.Errorf("after Close: code %d, %v", r.Code, err)
		}
	})
}

func TestRunAsRoot(t *testing.T) {
	s := newInProcess(t)
	target := s.target()
	target.Login.User = "operator"
	conn := dial(t, target)
	for _, tt := range []struct {
		name   string
		script remote.Script
		want   string
	}{
		{"root", remote.Script{Text: "echo x", Root: true}, "sudo -n -- sh -s\nx\n"},
		{"root, bash", remote.Script{Text: "echo x", Root: true, Bash: true}, "sudo -n -- bash -s\nx\n"},
		{"as oneself", remote.Script{Text: "echo x"}, "x\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := conn.Run(t.Context(), tt.script)
			if err != nil || string(r.Stdout) != tt.want {
				t.Errorf("got %q, %v; want %q", r.Stdout, err, tt.want)
			}
		})
	}
}

func TestDialRefuses(t *testing.T) {
	onEach(t, func(t *testing.T, s station) {
		other := signer(t, newKey(t, ssh.KeyAlgoED25519)).PublicKey()
		served, _, _, _, err := ssh.ParseAuthorizedKey([]byte(s.hostKeys[ssh.KeyAlgoED25519]))
		if err != nil {
			t.Fatal(err)
		}
		stranger := writeKey(t, newKey(t, ssh.KeyAlgoED25519), "")
		locked := writeKey(t, newKey(t, ssh.KeyAlgoED25519), "passphrase")
		garbage := filepath.Join(t.TempDir(), "garbage")
		if err := os.WriteFile(garbage, []byte("planted-secret"), 0o600); err != nil {
			t.Fatal(err)
		}
		pipe := filepath.Join(t.TempDir(), "pipe")
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		tests := []struct {
			name   string
			change func(*remote.Target)
			is     error
			want   []string
		}{
			{"another host key", func(t *remote.Target) { t.Login.Pin.Key = line(other) }, remote.ErrHostKey,
				[]string{s.addr.String(), "want " + ssh.FingerprintSHA256(other), "got ssh-ed25519 " + ssh.FingerprintSHA256(served), "ssh.host_key"}},
			{"a host key of a type that the server has not", func(target *remote.Target) {
				target.Login.Pin.Key = line(signer(t, newKey(t, ssh.KeyAlgoECDSA256)).PublicKey())
			}, remote.ErrHostKey, []string{s.addr.String(), "the pinned one is ecdsa-sha2-nistp256, the server has ", "ssh-ed25519"}},
			{"no host key", func(t *remote.Target) { t.Login.Pin.Key = "" }, nil, []string{"no pinned host key: write it into host_key"}},
			{"half a host key", func(t *remote.Target) { t.Login.Pin.Key = t.Login.Pin.Key[:30] }, nil, []string{"not a public key; write it as `ssh-keyscan` prints it"}},
			{"another identity", func(t *remote.Target) { t.Login.IdentityFile = stranger }, remote.ErrAuth,
				[]string{"ssh " + s.user + "@" + s.addr.String(), "check ssh.identity"}},
			{"identity is not there", func(t *remote.Target) { t.Login.IdentityFile += ".gone" }, os.ErrNotExist, []string{"read ssh identity "}},
			{"identity is a FIFO", func(t *remote.Target) { t.Login.IdentityFile = pipe }, nil, []string{"read ssh identity " + pipe + ": not a regular file"}},
			{"identity is none", func(t *remote.Target) { t.Login.IdentityFile = garbage }, nil, []string{"ssh identity " + garbage + ": ssh: no key found"}},
			{"identity has a passphrase", func(t *remote.Target) { t.Login.IdentityFile = locked }, nil,
				[]string{"ssh identity " + locked + " has a passphrase: add it to an agent with ssh-add"}},
			{"no identity, no agent", func(t *remote.Target) { t.Login.IdentityFile = "" }, nil, []string{"no ssh key to log in with: set ssh.identity, or start an agent"}},
			{"no address", func(t *remote.Target) { t.Addresses = nil }, nil, []string{"dial server: no address to dial"}},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				target := s.target()
				tt.change(&target)
				conn, err := remote.Dial(t.Context(), target)
				if err == nil || conn != nil {
					t.Fatalf("got %v, %v", conn, err)
				}
				for _, sentinel := range []error{remote.ErrHostKey, remote.ErrAuth, remote.ErrUnreachable} {
					if errors.Is(err, sentinel) != (sentinel == tt.is) {
						t.Errorf("is %v: %t; it is: %v", sentinel, errors.Is(err, sentinel), err)
					}
				}
				if tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("is not %v: %v", tt.is, err)
				}
				for _, w := range tt.want {
					if !strings.Contains(err.Error(), w) {
						t.Errorf("says nothing of %q: %v", w, err)
					}
				}
				if strings.Contains(err.Error(), "planted-secret") {
					t.Errorf("repeats what is in the file: %v", err)
				}
			})
		}
	})
}

// closedPort is an address of the loopback where nobody listens.
func closedPort(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func TestDialNobodyListens(t *testing.T) {
	s := newInProcess(t)
	a, b := closedPort(t), closedPort(t)
	target := s.target()
	target.Addresses = []netip.AddrPort{a, b}
	_, err := remote.Dial(t.Context(), target)
	want := fmt.Sprintf("unreachable over SSH: %s (connect: connection refused), %s (connect: connection refused)", a, b)
	if !errors.Is(err, remote.ErrUnreachable) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	target.Addresses = append(target.Addresses, s.addr)
	if conn := dial(t, target); conn.Addr() != s.addr {
		t.Errorf("answered at %s", conn.Addr())
	}
}

// A server with several keys answers with one of the pinned type
// (golang/go#29286).
func TestDialPinnedRSA(t *testing.T) {
	onEach(t, func(t *testing.T, s station) {
		target := s.target()
		target.Login.Pin.Key = s.hostKeys[ssh.KeyAlgoRSA]
		if r, err := dial(t, target).Run(t.Context(), remote.Script{Text: "echo x"}); err != nil || string(r.Stdout) != "x\n" {
			t.Errorf("got %q, %v", r.Stdout, err)
		}
	})
}

func TestRunBounds(t *testing.T) {
	onEach(t, func(t *testing.T, s station) {
		conn := dial(t, s.target())
		r, err := conn.Run(t.Context(), remote.Script{Text: "head -c 9437184 /dev/zero"})
		if !errors.Is(err, remote.ErrOutput) || err.Error() != "run on server: output over the bound of 8388608 bytes" || r.Code != -1 {
			t.Errorf("9 MiB: code %d, %v", r.Code, err)
		}
		r, err = conn.Run(t.Context(), remote.Script{Text: "head -c 8388608 /dev/zero"})
		if err != nil || len(r.Stdout) != 8<<20 {
			t.Errorf("8 MiB: %d bytes, %v", len(r.Stdout), err)
		}
		r, err = conn.Run(t.Context(), remote.Script{Text: "head -c 100000 /dev/zero | tr '\\0' x >&2; echo out"})
		if err != nil || len(r.Stderr) != 64<<10 || string(r.Stdout) != "out\n" {
			t.Errorf("%d bytes of stderr, %q, %v", len(r.Stderr), r.Stdout, err)
		}
	})
}

// A command that a signal has ended has no code: nobody knows what it did.
func TestRunKilled(t *testing.T) {
	onEach(t, func(t *testing.T, s station) {
		r, err := dial(t, s.target()).Run(t.Context(), remote.Script{Text: "echo begun; kill -KILL $$"})
		if err == nil || r.Code != -1 || !strings.HasPrefix(err.Error(), "run on server: ") {
			t.Errorf("code %d, %v", r.Code, err)
		}
	})
}

// begun is a script that says when it has begun and then stays. It is ended
// with the test.
func begun(t *testing.T) (script string, wait func()) {
	t.Helper()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	// Opening for reading waits for the writer. The writer ends when nobody
	// reads any more.
	return "exec yes >" + fifo, func() {
		f, err := os.Open(fifo)
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { _ = f.Close() })
		if _, err := f.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
	}
}

func TestRunDeadline(t *testing.T) {
	onEach(t, func(t *testing.T, s station) {
		conn := dial(t, s.target())
		r, err := conn.Run(t.Context(), remote.Script{Text: "sleep 600", Deadline: 50 * time.Millisecond})
		if !errors.Is(err, context.DeadlineExceeded) || r.Code != -1 {
			t.Errorf("code %d, %v", r.Code, err)
		}
		if r, err := conn.Run(t.Context(), remote.Script{Text: "echo x"}); err != nil || string(r.Stdout) != "x\n" {
			t.Errorf("the connection is gone: %q, %v", r.Stdout, err)
		}
	})
}

func TestRunCancelled(t *testing.T) {
	onEach(t, func(t *testing.T, s station) {
		conn := dial(t, s.target())
		script, wait := begun(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("the operator has had enough")
		go func() { wait(); cancel(why) }()
		r, err := conn.Run(ctx, remote.Script{Text: script})
		if !errors.Is(err, why) || r.Code != -1 {
			t.Errorf("code %d, %v", r.Code, err)
		}
	})
}

// When the connection breaks nobody knows how the command ended: that is an
// error, and no exit code.
func TestRunCut(t *testing.T) {
	onEach(t, func(t *testing.T, s station) {
		r := newRelay(t, s.addr, 0)
		target := s.target()
		target.Addresses = []netip.AddrPort{r.addr}
		conn := dial(t, target)
		script, wait := begun(t)
		go func() { wait(); r.cut() }()
		result, err := conn.Run(t.Context(), remote.Script{Text: script})
		if err == nil || result.Code != -1 || !strings.HasPrefix(err.Error(), "run on server: ") {
			t.Errorf("code %d, %v", result.Code, err)
		}
		if _, err := conn.Run(t.Context(), remote.Script{Text: "true"}); err == nil || !strings.HasPrefix(err.Error(), "open ssh session: ") {
			t.Errorf("on the cut connection: %v", err)
		}
	})
}

func TestUpload(t *testing.T) {
	onEach(t, func(t *testing.T, s station) {
		conn := dial(t, s.target())
		path := filepath.Join(t.TempDir(), "with 'quotes'")
		data := bytes.Repeat([]byte("\x00\xff\r\nraiz"), 200_000)
		if err := conn.Upload(t.Context(), path, data); err != nil {
			t.Fatal(err)
		}
		have, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(have, data) {
			t.Errorf("%d bytes of %d, %v", len(have), len(data), err)
		}
		if st, err := os.Stat(path); err != nil || st.Mode() != 0o600 {
			t.Errorf("mode %v, %v", st.Mode(), err)
		}
		// It never writes over what is there.
		err = conn.Upload(t.Context(), path, []byte("other"))
		if err == nil || !strings.HasPrefix(err.Error(), "create "+path+" on server: ") {
			t.Errorf("over a file: %v", err)
		}
		if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, data) {
			t.Errorf("what was there is gone: %d bytes, %v", len(again), err)
		}
		link := path + ".link"
		if err := os.Symlink(path+".to", link); err != nil {
			t.Fatal(err)
		}
		if err := conn.Upload(t.Context(), link, []byte("other")); err == nil {
			t.Error("follows a link that leads nowhere")
		}
		if err := conn.Upload(t.Context(), path+"/below", nil); err == nil || !strings.HasPrefix(err.Error(), "create ") {
			t.Errorf("below a file: %v", err)
		}
		if err := conn.Upload(t.Context(), path+".empty", nil); err != nil {
			t.Errorf("nothing: %v", err)
		}
		if diff := cmp.Diff(remote.Stats{Uploads: 5}, conn.Stats()); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
	})
}

func TestUploadCancelledLeavesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, s station) {
		conn := dial(t, s.target())
		path := filepath.Join(t.TempDir(), "part")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := conn.Upload(ctx, path, make([]byte, 4<<20)); !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "upload "+path+": ") {
			t.Errorf("got %v", err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a part is left: %v", err)
		}
		if _, err := conn.Run(t.Context(), remote.Script{Text: "true"}); err != nil {
			t.Errorf("the connection is gone: %v", err)
		}
	})
}

func TestUploadCut(t *testing.T) {
	onEach(t, func(t *testing.T, s station) {
		r := newRelay(t, s.addr, 1<<20)
		target := s.target()
		target.Addresses = []netip.AddrPort{r.addr}
		path := filepath.Join(t.TempDir(), "part")
		err := dial(t, target).Upload(t.Context(), path, make([]byte, 8<<20))
		if err == nil || !strings.HasPrefix(err.Error(), "write "+path+" on server: ") {
			t.Errorf("got %v", err)
		}
	})
}

func TestForward(t *testing.T) {
	onEach(t, func(t *testing.T, s station) {
		conn := dial(t, s.target())
		echo, _ := listen(t, func(c net.Conn) { defer c.Close(); _, _ = io.Copy(c, c) })
		c, err := conn.Forward(t.Context(), echo)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte("there and back")); err != nil {
			t.Fatal(err)
		}
		have := make([]byte, 14)
		if _, err := io.ReadFull(c, have); err != nil || string(have) != "there and back" {
			t.Errorf("got %q, %v", have, err)
		}
		nobody := closedPort(t)
		if c, err := conn.Forward(t.Context(), nobody); err == nil || c != nil || !strings.HasPrefix(err.Error(), "forward to "+nobody.String()+" from the server: ") {
			t.Errorf("where nobody listens: %v, %v", c, err)
		}
		if diff := cmp.Diff(remote.Stats{Forwards: 2}, conn.Stats()); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
	})
}

func TestJump(t *testing.T) {
	onEach(t, func(t *testing.T, s station) {
		jump := newInProcess(t)
		target := s.target()
		target.Jumps = []remote.Hop{{Address: jump.addr, Login: jump.login()}}
		conn := dial(t, target)
		if r, err := conn.Run(t.Context(), remote.Script{Text: "echo x"}); err != nil || string(r.Stdout) != "x\n" {
			t.Errorf("got %q, %v", r.Stdout, err)
		}
		if jump.accepted.Load() != 1 || s.accepted.Load() != 1 {
			t.Errorf("%d connections to the jump host, %d to the server", jump.accepted.Load(), s.accepted.Load())
		}
		for i := range 2 {
			if err := conn.Close(); err != nil {
				t.Errorf("Close %d: %v", i, err)
			}
		}
	})
}

func TestJumpRefuses(t *testing.T) {
	s, jump := newInProcess(t), newInProcess(t)
	nobody := closedPort(t)
	tests := []struct {
		name   string
		change func(*remote.Target)
		is     error
		want   string
	}{
		{"jump host is not there", func(t *remote.Target) { t.Jumps[0].Address = nobody }, remote.ErrUnreachable,
			"jump host " + nobody.String() + ": unreachable over SSH: " + nobody.String()},
		{"jump host has another key", func(t *remote.Target) { t.Jumps[0].Login.Pin.Key = s.hostKeys[ssh.KeyAlgoED25519] }, remote.ErrHostKey,
			"jump host " + jump.addr.String() + ": ssh " + jump.addr.String() + ": wrong host key"},
		{"jump host refuses the login", func(t *remote.Target) { t.Jumps[0].Login.IdentityFile = s.identity }, remote.ErrAuth,
			"jump host " + jump.addr.String() + ": ssh root@" + jump.addr.String() + ": login refused"},
		{"jump host is not described", func(t *remote.Target) { t.Jumps[0].Login.Pin.Key = "" }, nil,
			"jump host " + jump.addr.String() + ": no pinned host key"},
		{"server is not there", func(t *remote.Target) { t.Addresses[0] = nobody }, remote.ErrUnreachable,
			"unreachable over SSH: " + nobody.String() + " (ssh: rejected: connect failed"},
		{"server has another key", func(t *remote.Target) { t.Login.Pin.Key = jump.hostKeys[ssh.KeyAlgoED25519] }, remote.ErrHostKey,
			"ssh " + s.addr.String() + ": wrong host key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := s.target()
			target.Jumps = []remote.Hop{{Address: jump.addr, Login: jump.login()}}
			tt.change(&target)
			_, err := remote.Dial(t.Context(), target)
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

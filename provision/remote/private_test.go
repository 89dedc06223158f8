//go:build linux

package remote_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// thief is another user of the server, who opens whatever appears in a folder
// as fast as he can and keeps what he gets.
type thief struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bytes.Buffer
	all sync.WaitGroup // all he says has been heard
}

// steal lets a thief loose on a folder. He is this very test, as nobody: it
// takes root to become him.
func steal(t *testing.T, folder string) *thief {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	self := filepath.Join(t.TempDir(), "thief")
	text, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(self, text, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	for dir := filepath.Dir(self); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	th := &thief{cmd: exec.Command(self, "-test.run=^TestThief$"), out: new(bytes.Buffer)}
	th.cmd.Env = append(os.Environ(), "RAIZ_TEST_STEAL="+folder)
	th.cmd.Dir = "/"
	th.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if th.in, err = th.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	said, err := th.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := th.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make([]byte, len("ready\n"))
	if _, err := io.ReadFull(said, ready); err != nil || string(ready) != "ready\n" {
		t.Fatalf("%q, %v", ready, err)
	}
	th.all.Go(func() { _, _ = io.Copy(th.out, said) })
	t.Cleanup(func() { _ = th.in.Close(); th.all.Wait(); _ = th.cmd.Wait() })
	return th
}

// got ends him and returns what he has.
func (th *thief) got(t *testing.T) string {
	t.Helper()
	_ = th.in.Close()
	th.all.Wait()
	if err := th.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return th.out.String()
}

// TestThief is not a test but the thief.
func TestThief(t *testing.T) {
	folder := os.Getenv("RAIZ_TEST_STEAL")
	if folder == "" {
		return // nobody is to be robbed
	}
	over := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); close(over) }()
	fmt.Println("ready")
	held := map[string]*os.File{} // what was open for an instant stays so
	for rounds := 0; ; rounds++ {
		entries, _ := os.ReadDir(folder)
		for _, e := range entries {
			if _, have := held[e.Name()]; have {
				continue
			}
			if f, err := os.Open(filepath.Join(folder, e.Name())); err == nil {
				held[e.Name()] = f
			}
		}
		select {
		case <-over:
			for name, f := range held {
				text, _ := io.ReadAll(f)
				fmt.Printf("stole %s: %d bytes\n", name, len(text))
			}
			fmt.Printf("looked %t\n", rounds > 0)
			return
		default:
		}
	}
}

// shared is a folder like /tmp, on the way to which everybody may pass.
func shared(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o1777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestUploadIsPrivate: somebody who polls during twenty uploads gets nothing.
func TestUploadIsPrivate(t *testing.T) {
	onEach(t, func(t *testing.T, s station) {
		conn, dir := dial(t, s.target()), shared(t)
		th := steal(t, dir)
		for i := range 20 {
			if err := conn.Upload(t.Context(), filepath.Join(dir, fmt.Sprintf("raiz-%02d.tar", i)), bytes.Repeat([]byte("planted"), 50_000)); err != nil {
				t.Fatal(err)
			}
		}
		if got := th.got(t); strings.Contains(got, "stole") || !strings.Contains(got, "looked true") {
			t.Errorf("he has:\n%s", got)
		}
	})
}

// TestThiefSteals: the same thief robs an upload that narrows its file a round
// trip after it was made, as raiz once did.
func TestThiefSteals(t *testing.T) {
	s := newSSHD(t)
	key, err := os.ReadFile(s.identity)
	if err != nil {
		t.Fatal(err)
	}
	id, err := ssh.ParsePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := ssh.Dial("tcp", s.addr.String(), &ssh.ClientConfig{
		User: s.user, Auth: []ssh.AuthMethod{ssh.PublicKeys(id)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	files, err := sftp.NewClient(client)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	dir := shared(t)
	th := steal(t, dir)
	for i := range 200 { // on a busy machine he seldom gets to look in time
		f, err := files.OpenFile(filepath.Join(dir, fmt.Sprintf("raiz-%03d.tar", i)), os.O_WRONLY|os.O_CREATE|os.O_EXCL)
		if err == nil {
			err = f.Chmod(0o600)
		}
		if err == nil {
			_, err = f.Write([]byte("planted"))
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
	if got := th.got(t); !strings.Contains(got, "stole") {
		t.Errorf("he has nothing, so the other test proves nothing:\n%s", got)
	}
}

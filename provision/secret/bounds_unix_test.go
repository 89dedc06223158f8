//go:build unix

package secret_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/secret"
)

// TestExecEndsWithTheRun: a program that hangs is ended when the run is, with
// what it has started.
func TestExecEndsWithTheRun(t *testing.T) {
	dir := t.TempDir()
	pid := filepath.Join(dir, "pid")
	script := "sleep 600 & echo $! >" + pid + ".new; mv " + pid + ".new " + pid + "; wait"
	done := make(chan struct{})
	g := secret.Grant{Programs: []secret.Program{{Name: "sh", Arguments: []string{"-c", script}, Dir: dir}}, Done: done}
	said := make(chan error, 1)
	go func() {
		_, err := g.Exec([]string{"sh", "-c", script})
		said <- err
	}()
	child := 0
	for child == 0 {
		text, _ := os.ReadFile(pid)
		child, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		time.Sleep(10 * time.Millisecond)
	}
	began := time.Now()
	close(done)
	if err := <-said; err == nil || err.Error() != "run sh: interrupted" {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("it was waited for, %s", took)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if err := syscall.Kill(child, 0); errors.Is(err, syscall.ESRCH) || isZombie(child) {
			return
		}
		if time.Now().After(end) {
			_ = syscall.Kill(child, syscall.SIGKILL)
			t.Fatal("what the program has started goes on")
		}
	}
}

// isZombie knows a process that has ended, and that nobody has asked about.
func isZombie(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(text), ") Z ")
}

// TestExecEndless: what does not stop to write is ended at once.
func TestExecEndless(t *testing.T) {
	script := "trap '' PIPE; while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done 2>/dev/null"
	g := secret.Grant{Programs: []secret.Program{{Name: "sh", Arguments: []string{"-c", script}, Dir: t.TempDir()}}}
	began := time.Now()
	_, err := g.Exec([]string{"sh", "-c", script})
	if took := time.Since(began); err == nil || err.Error() != "run sh: more than 65536 bytes of output" || took > 9*time.Second {
		t.Errorf("got %v after %s", err, took)
	}
}

// TestReadNamed: regular files alone, and never a wait.
func TestReadNamed(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	fifo(t, at("fifo"))
	for name, to := range map[string]string{"link": "plain", "pipe": "fifo", "device": "/dev/zero"} {
		if err := os.Symlink(to, at(name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, size := range map[string]int{"plain": 4, "large": 1<<20 + 1} {
		if err := os.WriteFile(at(name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"plain": "", "link": "", "fifo": "not a regular file", "pipe": "not a regular file", "device": "not a regular file",
		"large": "larger than 1048576 bytes", "none": "no such file or directory", ".": "not a regular file",
	} {
		said := make(chan error, 1)
		go func() {
			_, err := secret.ReadNamed(at(name))
			said <- err
		}()
		select {
		case err := <-said:
			if (err == nil) != (want == "") || err != nil && err.Error() != want {
				t.Errorf("%s: got %v", name, err)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: it hangs", name)
		}
	}
}

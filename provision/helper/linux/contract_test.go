//go:build linux

package linux_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/helper/contract"
	"github.com/raiz-dns/raiz/provision/helper/linux"
)

// TestContract holds this machine to the contract as far as that leaves no
// trace on it. TestContractInRehearsal holds a whole one to all of it.
func TestContract(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root is the helper")
	}
	contract.Run(t, contract.Fixture{OS: linux.New(), Files: files(t), Machine: programs(t), Names: names(t)})
}

// files are below a directory of the test's.
func files(t *testing.T) *contract.Files {
	t.Helper()
	f := &contract.Files{Dir: t.TempDir(), Elsewhere: "/dev/shm", Owner: "nobody", Group: "nogroup"}
	f.Exposed, f.Shared = f.Dir+"/its-own", f.Dir+"/everybodys"
	for _, dir := range []string{f.Exposed, f.Shared} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(f.Exposed, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(f.Shared, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	return f
}

// names are on the loopback.
func names(t *testing.T) *contract.Names {
	t.Helper()
	at := echo(t, "127.0.0.1", func(m []byte) []byte { return m })
	silent := here(datagrams(t, "127.0.0.1").LocalAddr())
	deaf, err := net.Listen("tcp", silent.String()) // accepts in the kernel alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = deaf.Close() })
	return &contract.Names{
		Answers: at, Silent: silent, Nobody: netip.AddrPortFrom(at.Addr(), 1), Source: at.Addr(),
		Other: netip.MustParseAddrPort("192.0.2.1:53"),
	}
}

func programs(t *testing.T) *contract.Machine {
	t.Helper()
	return &contract.Machine{
		Says: []string{"sh", "-c", "echo so it is >&2"}, Words: "so it is",
		Fails:   []string{"sh", "-c", "echo so it is; exit 3"},
		Hangs:   []string{"sh", "-c", "sleep 100 & exec sleep 100"},
		Floods:  []string{"head", "-c", "1000000", "/dev/zero"},
		Missing: []string{"no-such-program"},
		Lock:    filepath.Join(t.TempDir(), "lock"), Other: other,
		Package: "dpkg", Absent: "no-such-package",
	}
}

// other is this very test in another process, which takes a lock.
func other(t *testing.T, path, who string) func() {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestHolder$")
	cmd.Env = append(os.Environ(), "RAIZ_TEST_LOCK="+path, "RAIZ_TEST_WHO="+who)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := func() { _ = cmd.Process.Kill(); _ = in.Close(); _ = cmd.Wait() }
	t.Cleanup(end)
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	return end
}

// TestHolder is not a test but the other process. What it runs does not hold
// the lock after it.
func TestHolder(t *testing.T) {
	path := os.Getenv("RAIZ_TEST_LOCK")
	if path == "" {
		return
	}
	unlock, err := linux.New().Lock(path, os.Getenv("RAIZ_TEST_WHO"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	mark := path + ".child"
	go func() { _, _ = linux.New().Run([]string{"sh", "-c", "touch " + mark + "; exec sleep 20"}, time.Minute) }()
	for _, err := os.Stat(mark); err != nil; _, err = os.Stat(mark) {
		linux.New().Sleep(10 * time.Millisecond)
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// What is run finds the same surroundings whoever logs in, and its children end
// with it.
func TestRunSurroundings(t *testing.T) {
	t.Setenv("PATH", "/nowhere")
	t.Setenv("LANG", "de_DE.UTF-8")
	out, err := linux.New().Run([]string{"sh", "-c", "pwd; env; cat"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/\n", "LC_ALL=C\n", "PATH=/usr/local/sbin:"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	for _, not := range []string{"LANG", "nowhere"} {
		if strings.Contains(out, not) {
			t.Errorf("%s came in:\n%s", not, out)
		}
	}
}

func TestRunEndsChildren(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	// The second one leaves the process group, and holds the output.
	script := "(sleep 2; touch " + mark + ") & exec setsid sleep 3"
	began := time.Now()
	if _, err := linux.New().Run([]string{"sh", "-c", script}, 500*time.Millisecond); err == nil || time.Since(began) > 2*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	linux.New().Sleep(2500 * time.Millisecond)
	if _, err := os.Stat(mark); err == nil {
		t.Error("a child went on")
	}
}

// A directory is closed only when everything above it is.
func TestExposedAbove(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root is the helper")
	}
	dir := t.TempDir()
	below := dir + "/a/b"
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	m := linux.New()
	mine := helper.Attributes{Mode: 0o600, Owner: "root", Group: "root"}
	for _, mode := range []os.FileMode{0o775, 0o757} {
		if err := os.Chmod(dir+"/a", mode); err != nil {
			t.Fatal(err)
		}
		if err := m.Create(below+"/file", nil, mine); err == nil {
			t.Errorf("with %v above it was made", mode)
		}
		if safe, err := m.Safe(below + "/file"); err != nil || safe != dir {
			t.Errorf("safe is %q, %v", safe, err)
		}
	}
	if err := os.Chmod(dir+"/a", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := m.Create(below+"/file", nil, mine); err != nil {
		t.Error(err)
	}
}

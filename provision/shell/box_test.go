//go:build unix

package shell_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/shell"
	"github.com/raiz-dns/raiz/provision/state"
)

// interpreter is one that the script has to run under.
type interpreter struct {
	name string
	argv []string
	// applets stands for a PATH on which busybox does all that it can.
	applets bool
}

func shells() []interpreter {
	return []interpreter{
		{name: "dash", argv: []string{"dash"}},
		{name: "busybox", argv: []string{"busybox", "sh"}, applets: true},
	}
}

// eachShell runs a case under every shell, side by side.
func eachShell(t *testing.T, test func(*testing.T, *box)) {
	for _, s := range shells() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			test(t, newBox(t, s))
		})
	}
}

// need skips where a tool is missing. CI has them all, so there a skip would
// only hide that nothing was tested.
func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
}

// box is a server in a directory: a root file system, the home of raiz, and
// stand-ins for what talks to systemd, the kernel and the package manager.
type box struct {
	shell interpreter
	dir   string
	env   []string
}

func newBox(t *testing.T, s interpreter) *box {
	t.Helper()
	need(t, s.argv[0], "flock")
	return boxIn(t, t.TempDir(), s)
}

// boxIn is a box in a directory of the caller's.
func boxIn(t *testing.T, dir string, s interpreter) *box {
	t.Helper()
	b := &box{shell: s, dir: dir}
	for _, d := range []string{"root/etc/systemd/system", "stub/enabled", "stub/active", "stub/running", "stub/vendor"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	tools, err := filepath.Abs("testdata/tools")
	if err != nil {
		t.Fatal(err)
	}
	if s.applets {
		tools += ":" + applets(t, filepath.Join(dir, "applets"))
	}
	b.env = append(os.Environ(), "RAIZ_TOOLS="+tools, "RAIZ_ROOT="+b.root(""), "RAIZ_HOME="+b.home(""),
		"RAIZ_STUB="+b.stub(""), "RAIZ_STUB_SHELL="+strings.Join(s.argv, " "), "SSH_CONNECTION=192.0.2.99 4711 192.0.2.20 22")
	return b
}

// applets fills a directory with links to busybox, one for each tool that the
// script calls and busybox has.
func applets(t *testing.T, dir string) string {
	t.Helper()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	list, err := exec.Command(busybox, "--list").Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{}
	for _, a := range strings.Fields(string(list)) {
		has[a] = true
	}
	for _, a := range called() {
		if !has[a] {
			if a == "flock" {
				continue // Debian leaves this one out; util-linux has it
			}
			t.Fatalf("busybox here has no %s", a)
		}
		if err := os.Symlink(busybox, filepath.Join(dir, a)); err != nil && !errors.Is(err, fs.ErrExist) {
			t.Fatal(err)
		}
	}
	return dir
}

// called are the tools that the script needs from a server besides systemd,
// ip and dpkg.
func called() []string {
	return []string{
		"awk", "base64", "cat", "chmod", "chown", "cmp", "cp", "cut", "date", "dirname", "find", "flock", "grep", "head", "ln", "mkdir", "mv",
		"readlink", "rm", "sed", "sha256sum", "sort", "stat", "tail", "tar", "tr", "uname",
	}
}

func (b *box) root(path string) string { return filepath.Join(b.dir, "root", path) }
func (b *box) home(path string) string { return filepath.Join(b.dir, "home", path) }
func (b *box) stub(path string) string { return filepath.Join(b.dir, "stub", path) }

// answer is what a run said.
type answer struct {
	out, err string
	code     int
}

// has fails unless every piece was said.
func (a answer) has(t *testing.T, pieces ...string) {
	t.Helper()
	for _, p := range pieces {
		if !strings.Contains(a.out, p) {
			t.Errorf("answer (exit %d) lacks %q:\n%s%s", a.code, p, a.out, a.err)
		}
	}
}

// start makes a command of the shell under test, in a process group of its
// own, so that it can be killed with all that it started.
func (b *box) start(stdin string, words ...string) *exec.Cmd {
	c := exec.Command(b.shell.argv[0], append(b.shell.argv[1:len(b.shell.argv):len(b.shell.argv)], words...)...)
	c.Env = b.env
	c.Stdin = strings.NewReader(stdin)
	c.Stdout, c.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return c
}

func (b *box) sh(t *testing.T, stdin string, words ...string) answer {
	t.Helper()
	c := b.start(stdin, words...)
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return said(c)
}

func said(c *exec.Cmd) answer {
	return answer{out: c.Stdout.(*bytes.Buffer).String(), err: c.Stderr.(*bytes.Buffer).String(), code: c.ProcessState.ExitCode()}
}

func by() shell.By { return shell.By{Who: "ana@laptop sites/gru1.hcl"} }

// send runs a text the way it arrives over SSH: on stdin.
func (b *box) send(t *testing.T, text string) answer {
	t.Helper()
	return b.sh(t, text, "-s")
}

// upload packs a generation and puts it where the client would.
func (b *box) upload(t *testing.T, g shell.Generation) (shell.Bundle, string) {
	t.Helper()
	bundle, err := shell.Pack(g)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.CreateTemp(b.dir, "raiz-*.tar")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(bundle.Tar); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return bundle, f.Name()
}

func (b *box) apply(t *testing.T, g shell.Generation) answer {
	t.Helper()
	bundle, path := b.upload(t, g)
	a := b.send(t, shell.Apply(by(), bundle, path, 2e9).Text)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the bundle was left behind: %v", err)
	}
	return a
}

func (b *box) confirm(t *testing.T, n string, units ...string) answer {
	t.Helper()
	return b.send(t, shell.Confirm(by(), n, units).Text)
}

func (b *box) revert(t *testing.T, n, reason string) answer {
	t.Helper()
	return b.send(t, shell.Revert(by(), n, reason).Text)
}

// boot is the whole of it: systemd chooses what to start by the links that it
// finds, the script runs before any of that starts if there is a generation
// pending, and then they start. What the script has left for later follows.
func (b *box) boot(t *testing.T) answer {
	t.Helper()
	b.powerOn(t)
	a := answer{}
	if _, err := os.Stat(b.home("pending")); err == nil {
		a = b.sh(t, "", b.home("raiz.sh"), "boot")
	}
	b.startQueued(t)
	b.fire(t)
	return a
}

func (b *box) powerOn(t *testing.T) {
	t.Helper()
	b.remove(t, b.stub("timer")) // it does not outlive the power
	for _, dir := range []string{"active", "running", "queued"} {
		if err := os.RemoveAll(b.stub(dir)); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(b.stub(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range b.names(t, "enabled") {
		b.touch(t, "queued/"+name)
	}
}

func (b *box) startQueued(t *testing.T) {
	t.Helper()
	queued := b.names(t, "queued")
	if err := os.RemoveAll(b.stub("queued")); err != nil {
		t.Fatal(err)
	}
	for _, name := range queued {
		if name == "raiz-boot.service" {
			continue
		}
		// A unit whose file has gone does not start.
		b.send(t, "umask 077; exec testdata/tools/systemctl start "+name)
	}
}

func (b *box) names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(b.stub(dir))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// fire is what systemd does when the timer has run out, or the boot is over: a
// run that fails is tried again.
func (b *box) fire(t *testing.T) answer {
	t.Helper()
	text, err := os.ReadFile(b.stub("timer"))
	if errors.Is(err, fs.ErrNotExist) {
		return answer{out: "no timer"}
	}
	if err != nil {
		t.Fatal(err)
	}
	b.remove(t, b.stub("timer"))
	words := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	var a answer
	for range 3 {
		if a = b.sh(t, "", words[1:]...); a.code == 0 {
			break
		}
	}
	return a
}

func (b *box) status(t *testing.T) shell.Transaction {
	t.Helper()
	a := b.send(t, shell.Status(by()).Text)
	tr, err := shell.ParseStatus([]byte(a.out))
	if err != nil {
		t.Fatalf("%v:\n%s", err, a.out)
	}
	return tr
}

func (b *box) write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	p := b.root(path)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(p, mode); err != nil {
		t.Fatal(err)
	}
}

func (b *box) touch(t *testing.T, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if err := os.WriteFile(b.stub(p), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (b *box) remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

func (b *box) read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// effect is all that a change of the server can alter: each file with its
// mode, owner and bytes, and each unit with what it runs with. What raiz
// keeps for itself is left out.
func (b *box) effect(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, top := range []string{b.root(""), b.stub("enabled"), b.stub("active"), b.stub("running")} {
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), "raiz-boot.service") {
				return err
			}
			rel, err := filepath.Rel(b.dir, path)
			if err != nil {
				return err
			}
			all[rel], err = describe(path, d)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func describe(path string, d fs.DirEntry) (string, error) {
	if d.Type() == fs.ModeSymlink {
		target, err := os.Readlink(path)
		return "link " + target, err
	}
	info, err := d.Info()
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(path)
	owner := info.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%v %d:%d %q", info.Mode(), owner.Uid, owner.Gid, data), err
}

// same fails unless the effect is the one from before.
func (b *box) same(t *testing.T, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, b.effect(t)); diff != "" {
		t.Errorf("effect (-want +got):\n%s", diff)
	}
}

// me is an owner that a test without root can give too.
func me(t *testing.T) (owner, group string) {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		t.Fatal(err)
	}
	return u.Username, g.Name
}

func file(t *testing.T, mode fs.FileMode, text string, secrecy state.Secrecy) state.File {
	t.Helper()
	owner, group := me(t)
	return state.NewFile(mode, owner, group, []byte(text), secrecy)
}

// copyTo makes a second server that is in the same state.
func (b *box) copyTo(t *testing.T, dir string) *box {
	t.Helper()
	if out, err := exec.Command("cp", "-a", b.dir+"/.", dir).CombinedOutput(); err != nil {
		t.Fatalf("copy: %v: %s", err, out)
	}
	return boxIn(t, dir, b.shell)
}

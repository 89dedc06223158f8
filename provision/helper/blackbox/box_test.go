//go:build linux

// Package blackbox_test holds the far side to what a server shows of it: which
// files stand, which units run and with what, what is answered.
package blackbox_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/server"
)

// damage is what becomes of a request on the way.
type damage string

const (
	flipped damage = "a flipped bit"
	short   damage = "cut short"
	nothing damage = "nothing that it could be"
	foreign damage = "a file of another sum"
)

// reply is what was answered to a call.
type reply struct {
	number int          // of the generation
	state  server.State // how far it has come
	code   server.Code  // why that is not what was asked for
	text   string       // the reason in words
	events []server.State
}

// is fails unless a generation came that far, without an error.
func (r reply) is(t *testing.T, n int, s server.State) {
	t.Helper()
	if r.number != n || r.state != s || r.code != "" {
		t.Fatalf("answer %+v, want generation %d %s", r, n, s)
	}
}

// not fails unless that was the error, in these words.
func (r reply) not(t *testing.T, code server.Code, words ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("answer %+v, want %q", r, code)
	}
	for _, w := range words {
		if !strings.Contains(r.text, w) {
			t.Errorf("answer %q lacks %q", r.text, w)
		}
	}
}

// box is a server in a directory: a root file system, and stand-ins for what
// talks to systemd, the kernel and the package manager. What they keep is
// aside, where it needs none of the server's room.
type box struct {
	*helperSide
	dir, aside string
	boots      int
	whole      *testing.T // which may have others inside
}

// each runs a case on a server of its own, beside the others.
func each(t *testing.T, test func(*testing.T, *box)) {
	t.Parallel()
	dir, err := os.MkdirTemp("/dev/shm", "raiz-blackbox") // a disk would be waited for
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, dir) })
	test(t, boxIn(t, dir))
}

func boxIn(t *testing.T, dir string) *box {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can have a server in a directory")
	}
	b := &box{dir: dir, aside: t.TempDir(), whole: t}
	for _, d := range []string{dir, b.root("/etc/systemd/system/sysinit.target.wants"), b.root("/var/lib"), b.root("/tmp"),
		b.stub("enabled"), b.stub("active"), b.stub("running"), b.stub("vendor"), b.aside + "/run/systemd/system"} {
		if err := errors.Join(os.MkdirAll(d, 0o755), os.Chmod(d, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"/etc/passwd", "/etc/group"} {
		b.write(t, name, read(t, name), 0o644)
	}
	// raiz-helper gets a name there.
	if err := os.CopyFS(b.aside+"/tools", os.DirFS("testdata/tools")); err != nil {
		t.Fatal(err)
	}
	b.helperSide = &helperSide{b: b}
	return b
}

func (b *box) root(path string) string { return b.dir + "/root" + path }
func (b *box) stub(name string) string { return filepath.Join(b.aside, "stub", name) }

// home is where raiz keeps what it needs.
func (b *box) home(path string) string { return b.root("/var/lib/raiz/") + path }

func (b *box) write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	p := b.root(path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(text), 0o600), os.Chmod(p, mode)); err != nil {
		t.Fatal(err)
	}
}

func (b *box) touch(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.WriteFile(b.stub(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// run runs a command on this machine and returns what it printed.
func run(t *testing.T, c *exec.Cmd) string {
	t.Helper()
	out, err := c.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out)
}

// own is a file of raiz's, which no change of a server has to put back.
func own(name string) bool {
	return strings.HasPrefix(name, "raiz-") || strings.HasPrefix(name, ".raiz-")
}

// effect is all that a change of the server can alter: each file with its
// mode, owner and bytes, and each unit with what it runs with.
func (b *box) effect(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for top, tell := range map[string]func(string, fs.DirEntry) (string, error){
		b.root("/etc"): describe, b.root("/new"): describe,
		b.stub("enabled"): contents, b.stub("active"): contents, b.stub("running"): contents,
	} {
		if !there(top) {
			continue
		}
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || own(d.Name()) {
				return err
			}
			name := strings.TrimPrefix(strings.TrimPrefix(path, b.dir+"/root"), b.aside+"/stub/")
			all[name], err = tell(path, d)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func contents(path string, _ fs.DirEntry) (string, error) {
	text, err := os.ReadFile(path)
	return string(text), err
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

// clean fails where a change that is over has left something behind, or a
// secret stands anywhere but in its own file.
func (b *box) clean(t *testing.T) {
	t.Helper()
	for _, path := range []string{b.home("pending"), b.stub("timer")} {
		if there(path) {
			t.Errorf("%s is still there", path)
		}
	}
	err := filepath.WalkDir(b.root("/"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		inHome := strings.HasPrefix(path, b.home(""))
		if name := d.Name(); own(name) && !strings.HasSuffix(name, ".service") && !inHome {
			t.Errorf("%s was left behind", path)
		}
		if inHome && strings.Contains(read(t, path), "-and-secret") {
			t.Errorf("%s holds a secret", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// acted are the units that were acted on since the last call, in their order.
func (b *box) acted(t *testing.T) []string {
	t.Helper()
	var out []string
	for l := range strings.Lines(read(t, b.stub("log"))) {
		w := strings.Fields(l)
		var words []string
		for _, x := range w[1:] {
			if !strings.HasPrefix(x, "-") {
				words = append(words, x)
			}
		}
		if len(words) < 2 || own(words[1]) {
			continue
		}
		switch words[0] {
		case "start", "restart", "reload-or-restart", "enable", "disable":
			out = append(out, strings.Join(words, " "))
		}
	}
	if err := os.Truncate(b.stub("log"), 0); err != nil {
		t.Fatal(err)
	}
	return out
}

// last is what became of the newest generation.
func (b *box) last(t *testing.T) server.Status {
	t.Helper()
	all := b.history(t)
	if len(all) == 0 {
		t.Fatal("the server knows of no generation")
	}
	return all[len(all)-1]
}

// keepGeneration applies and confirms.
func (b *box) keepGeneration(t *testing.T, n int, m server.Manifest) {
	t.Helper()
	b.apply(t, m).is(t, n, server.Active)
	b.confirm(t, n).is(t, n, server.Confirmed)
}

// fire is what systemd does when the timer has run out.
func (b *box) fire(t *testing.T) {
	t.Helper()
	if !there(b.stub("timer")) {
		t.Error("there is no timer")
		return
	}
	b.revertNow(t)
}

// boot is the whole of it: systemd chooses what to start by the links that it
// finds, raiz runs before any of that starts if there is a generation pending,
// and then they start. What was left for later follows.
func (b *box) boot(t *testing.T) {
	t.Helper()
	b.powerOn(t)
	if there(b.home("pending")) {
		b.bootUnit(t)
	}
	b.startQueued(t)
	if there(b.stub("timer")) {
		b.revertNow(t)
	}
}

func (b *box) powerOn(t *testing.T) {
	t.Helper()
	b.boots++
	remove(t, b.stub("timer")) // it does not outlive the power
	for _, dir := range []string{"active", "running", "queued"} {
		remove(t, b.stub(dir))
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
	remove(t, b.stub("queued"))
	for _, name := range queued {
		if name != "raiz-boot.service" {
			b.systemctl(t, "start", name) // one whose file has gone does not start
		}
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

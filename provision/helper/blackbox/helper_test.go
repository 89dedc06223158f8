//go:build linux

package blackbox_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
)

// program names the helper to those that run it.
const program = "RAIZ_BLACKBOX_HELPER"

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "raiz-blackbox")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o755); err != nil { // somebody without rights runs it too
			panic(err)
		}
		if os.Getenv(program) == "" && os.Getuid() == 0 {
			build := exec.Command("go", "build", "-trimpath", "-o", dir+"/raiz-helper", "../../../cmd/raiz-helper")
			build.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := build.CombinedOutput(); err != nil {
				panic(string(out))
			}
			if err := os.Setenv(program, dir); err != nil {
				panic(err)
			}
		}
		return m.Run()
	}())
}

// mounts has the files of the server be those of the box, and its programs
// those of this machine with the stand-ins in front, until its stdin ends.
const mounts = `set -e
root=$1 aside=$2 program=$3
mount --make-rprivate / 2>/dev/null || : # in a chroot it is no mount point
for name in usr proc dev run stub prog bin sbin lib lib64; do
	[ -e "$root/$name" ] || [ -L "$root/$name" ] || case $name in
	usr | proc | dev | run | stub | prog) mkdir "$root/$name" ;;
	*) [ ! -e "/$name" ] || ln -s "usr/$name" "$root/$name" ;;
	esac
done
mount --rbind /usr "$root/usr"
mount --bind "$aside/tools" "$root/usr/local/sbin"
mount --rbind /proc "$root/proc"
mount --bind "$aside/boot" "$root/proc/sys/kernel/random/boot_id"
mount --rbind /dev "$root/dev"
mount --bind "$aside/run" "$root/run"
mount --bind "$aside/stub" "$root/stub"
mount --bind "$program" "$root/prog"
echo mounted
exec cat`

// helperSide is raiz-helper itself, and what starts it.
type helperSide struct {
	b       *box
	up      int // seconds that its clock is ahead of this machine's
	limit   int // generations that it is asked to keep
	changes int
	as      []string // what runs it, in place of root
	mounted int      // process in whose mount namespace it runs; 0 for none yet
}

// allowed is how long a change has to be confirmed.
const allowed = 120

// command is one that runs on the server.
func (h *helperSide) command(t *testing.T, words ...string) *exec.Cmd {
	t.Helper()
	id := fmt.Sprintf("%08d-0000-4000-8000-000000000000\n", h.b.boots)
	if err := os.WriteFile(h.b.aside+"/boot", []byte(id), 0o644); err != nil {
		t.Fatal(err)
	}
	if h.mounted == 0 {
		h.mounted = h.mount(t)
	}
	// Its network, and the time since its boot, are its own.
	c := exec.Command("nsenter", append([]string{"--target", strconv.Itoa(h.mounted), "--mount", "--root", "--wd", "--",
		"unshare", "--net", "--time", "--boottime", strconv.Itoa(h.up), "--fork", "--root", h.b.root(""), "--"}, words...)...)
	c.Env = append(os.Environ(), "SSH_CONNECTION=192.0.2.99 4711 192.0.2.20 22")
	return c
}

// mount starts what keeps the mounts of a box, which are the same for all that
// runs there.
func (h *helperSide) mount(t *testing.T) (pid int) {
	t.Helper()
	c := exec.Command("unshare", "--mount", "--propagation", "unchanged", "--", "sh", "-c", mounts, "sh", h.b.root(""), h.b.aside, os.Getenv(program))
	var said bytes.Buffer
	c.Stderr = &said
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	h.b.whole.Cleanup(func() { _ = in.Close(); _ = c.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "mounted\n" {
		t.Fatalf("the box cannot be mounted: %v: %s", err, said.String())
	}
	return c.Process.Pid
}

// call sends a request and reads all that is answered.
func (h *helperSide) call(t *testing.T, r server.Request) (server.Answer, []server.State) {
	t.Helper()
	r.Who, r.Keep = who, h.limit
	wire, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return h.send(t, wire)
}

func (h *helperSide) send(t *testing.T, wire []byte) (server.Answer, []server.State) {
	t.Helper()
	c := h.command(t, append(slices.Clone(h.as), "/prog/raiz-helper", "serve")...)
	c.Stdin = bytes.NewReader(wire)
	var said bytes.Buffer
	c.Stderr = &said
	out := run(t, c)
	events, a, err := server.ReadAnswer([]byte(out))
	if err != nil {
		t.Fatalf("%v: %s %s", err, out, said.String())
	}
	var states []server.State
	for _, e := range events {
		states = append(states, e.Event)
	}
	return a, states
}

func (h *helperSide) reply(t *testing.T, r server.Request) reply {
	t.Helper()
	a, events := h.call(t, r)
	return said(a, events)
}

func said(a server.Answer, events []server.State) reply {
	r := reply{events: events}
	if a.Status != nil {
		r.number, r.state, r.text = a.Status.Number, a.Status.State, a.Status.Reason
	}
	if a.Error != nil {
		r.code, r.text = a.Error.Code, a.Error.Error()
	}
	return r
}

func (h *helperSide) run() string {
	h.changes++
	return fmt.Sprintf("run%09d", h.changes)
}

// of is the run of a generation.
func (h *helperSide) of(t *testing.T, n int) *server.RunRequest {
	t.Helper()
	for _, s := range h.history(t) {
		if s.Number == n {
			return &server.RunRequest{Run: s.Run}
		}
	}
	return &server.RunRequest{Run: "neverheardof"}
}

// reviewed is what raiz would have seen just now.
func (h *helperSide) reviewed(t *testing.T, m server.Manifest) server.Reviewed {
	t.Helper()
	q := server.ProbeRequest{Key: make([]byte, 32)}
	for _, f := range m.Files {
		q.Files = append(q.Files, server.FileQuestion{Path: f.Path, Secret: f.Secret})
	}
	for _, p := range m.Deletes {
		q.Files = append(q.Files, server.FileQuestion{Path: p})
	}
	facts := h.probe(t, q)
	r := server.Reviewed{Current: facts.Current, Standing: map[string]string{}}
	for _, f := range q.Files {
		r.Standing[f.Path] = facts.Files[f.Path].Standing
	}
	return r
}

func (h *helperSide) apply(t *testing.T, m server.Manifest) reply {
	t.Helper()
	return h.reply(t, h.request(t, m))
}

func (h *helperSide) request(t *testing.T, m server.Manifest) server.Request {
	t.Helper()
	return server.Request{Verb: server.VerbApply, Apply: &server.ApplyRequest{Run: h.run(), Seconds: allowed, Reviewed: h.reviewed(t, m), Manifest: m}}
}

func (h *helperSide) confirm(t *testing.T, n int) reply {
	t.Helper()
	return h.reply(t, server.Request{Verb: server.VerbConfirm, Run: h.of(t, n)})
}

func (h *helperSide) revert(t *testing.T, n int, reason string) reply {
	t.Helper()
	q := h.of(t, n)
	q.Reason = reason
	return h.reply(t, server.Request{Verb: server.VerbRevert, Run: q})
}

func (h *helperSide) rollback(t *testing.T, n int) reply {
	t.Helper()
	return h.reply(t, server.Request{Verb: server.VerbRollback, Rollback: &server.RollbackRequest{
		Run: h.run(), Seconds: allowed, Number: n, Reviewed: server.Reviewed{Current: h.probe(t, server.ProbeRequest{}).Current},
	}})
}

// damaged sends a generation that is broken on the way.
func (h *helperSide) damaged(t *testing.T, m server.Manifest, how damage) reply {
	t.Helper()
	r := h.request(t, m)
	r.Who, r.Keep = who, h.limit
	if how == foreign {
		m.Files[0].Data = []byte("of somebody else, and-secret\n")
		r.Version = server.Version
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(text)
		_ = z.Close()
		return said(h.send(t, b.Bytes()))
	}
	wire, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	switch how {
	case flipped:
		wire[len(wire)/2] ^= 1
	case short:
		wire = wire[:len(wire)/3]
	case nothing:
		wire = []byte("this is no request\n")
	}
	return said(h.send(t, wire))
}

func (h *helperSide) history(t *testing.T) []server.Status {
	t.Helper()
	a, _ := h.call(t, server.Request{Verb: server.VerbHistory})
	if a.Error != nil {
		t.Fatal(a.Error)
	}
	return a.History
}

func (h *helperSide) probe(t *testing.T, q server.ProbeRequest) server.Facts {
	t.Helper()
	a, _ := h.call(t, server.Request{Verb: server.VerbProbe, Probe: &q})
	if a.Error != nil {
		t.Fatal(a.Error)
	}
	return *a.Facts
}

// bootUnit is what systemd starts before the services of a boot.
func (h *helperSide) bootUnit(t *testing.T) {
	t.Helper()
	if there(h.b.stub("enabled/raiz-boot.service")) {
		run(t, h.command(t, "/prog/raiz-helper", "boot"))
	}
}

// revertNow lets the time pass first. What could not be put back has armed the
// timer again.
func (h *helperSide) revertNow(t *testing.T) {
	t.Helper()
	h.up += allowed + 1
	for range 3 {
		remove(t, h.b.stub("timer"))
		h.systemctl(t, "start", "raiz-revert.service")
		if !there(h.b.stub("timer")) {
			return
		}
	}
}

// systemctl is a call of somebody else's on the server.
func (h *helperSide) systemctl(t *testing.T, words ...string) {
	t.Helper()
	run(t, h.command(t, append([]string{"systemctl"}, words...)...))
}

// lock has somebody else hold the lock of every change.
func (h *helperSide) lock(t *testing.T, who string) func() {
	t.Helper()
	return holdLock(t, h.b.home("lock"), func(pid int) {
		if err := os.WriteFile(h.b.home("lock"), fmt.Appendf(nil, "%d %s\n", pid, who), 0o600); err != nil {
			t.Fatal(err)
		}
	})
}

// holdLock takes a lock in another process, until the test is over at most.
func holdLock(t *testing.T, path string, sign func(pid int)) (release func()) {
	t.Helper()
	c := exec.Command("flock", path, "sh", "-c", "echo held; read -r _")
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	release = func() {
		_ = stdin.Close() // the second time it is closed already
		_ = c.Wait()
	}
	t.Cleanup(release)
	if _, err := stdout.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	sign(c.Process.Pid)
	return release
}

// kept is where a generation keeps the first file of its manifest, and copies
// where the one that stood before has its two.
func (h *helperSide) kept(n int) string { return h.b.home(fmt.Sprintf("generations/%d/files/0", n)) }

func (h *helperSide) copies(n int) (copied, second string) {
	return h.b.home(fmt.Sprintf("generations/%d/then/0", n)), h.b.root(fmt.Sprintf("/etc/.raiz-%d-0.old", n))
}

// applyUnwatched applies, and its connection dies once that is armed.
func (h *helperSide) applyUnwatched(t *testing.T, m server.Manifest) {
	t.Helper()
	q := h.request(t, m)
	q.Who = who
	wire, err := q.Encode()
	if err != nil {
		t.Fatal(err)
	}
	c := h.command(t, "/prog/raiz-helper", "serve")
	c.Stdin, c.SysProcAttr = bytes.NewReader(wire), &syscall.SysProcAttr{Setpgid: true}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), `"event":"armed"`) {
		t.Log(lines.Text())
	}
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
	_ = c.Wait()
}

// cut leaves what a confirmation leaves that a power cut has interrupted.
func (h *helperSide) cut(t *testing.T, n int) {
	t.Helper()
	path := h.b.home(fmt.Sprintf("generations/%d/record.json", n))
	text := read(t, path)
	if !strings.Contains(text, `"state":"active"`) {
		t.Fatalf("generation %d is %s", n, text)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(text, `"state":"active"`, `"state":"confirmed"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (h *helperSide) keep(n int) { h.limit = n }

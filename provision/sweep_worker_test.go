//go:build linux

package provision_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// sweepDir is where the steps of the helper leave their traces on the server,
// and where a step finds that it is to stop.
const sweepDir = "/var/lib/raiz-sweep"

// child is a raiz that may be killed.
type child struct {
	cmd   *exec.Cmd
	lines chan string // what it says; closed at its end
	stdin io.WriteCloser
}

// dirOfHelper unpacks the stepping helper for the children.
func (w *worker) dirOfHelper() string {
	w.t.Helper()
	if w.helper == "" {
		images, err := helpersOf(steppingHelper)
		w.must(err)
		z, err := gzip.NewReader(bytes.NewReader(images[runtime.GOARCH].Packed))
		w.must(err)
		text, err := io.ReadAll(z)
		w.must(err)
		w.helper = w.t.TempDir()
		w.must(os.WriteFile(filepath.Join(w.helper, "raiz-helper"), text, 0o755))
	}
	return w.helper
}

func (w *worker) child(o order) *child {
	w.t.Helper()
	o.Testbed, o.Dir, o.Pin = w.g.ID, w.dir, w.g.Site.BMC.Fingerprint
	text, err := json.Marshal(o)
	w.must(err)
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), sweepEnv+"="+string(text), sweepHelperEnv+"="+w.dirOfHelper())
	stdout, err := cmd.StdoutPipe()
	w.must(err)
	stdin, err := cmd.StdinPipe()
	w.must(err)
	cmd.Stderr = w.t.Output()
	w.must(cmd.Start())
	c := &child{cmd: cmd, lines: make(chan string, 16), stdin: stdin}
	go func() {
		defer close(c.lines)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			c.lines <- s.Text()
		}
		_ = cmd.Wait()
	}()
	return c
}

// wait returns what the child reports, or the zero tally when it was killed.
func (c *child) wait(t *testing.T) tally {
	t.Helper()
	timer := time.NewTimer(4 * time.Minute)
	defer timer.Stop()
	for {
		select {
		case line, ok := <-c.lines:
			if !ok {
				return tally{}
			}
			if text, ok := strings.CutPrefix(line, "end "); ok {
				var got tally
				if err := json.Unmarshal([]byte(text), &got); err != nil {
					t.Errorf("child says %q: %v", line, err)
				}
				return got
			}
		case <-timer.C:
			c.kill()
			t.Error("a child did not end in four minutes")
		}
	}
}

func (c *child) kill() { _ = c.cmd.Process.Kill() }

// awaitHit waits until the child stands at its place on the wire, or ends.
func (c *child) awaitHit() bool {
	for line := range c.lines {
		if line == "hit" {
			return true
		}
		if strings.HasPrefix(line, "end ") {
			return false
		}
	}
	return false
}

func (w *worker) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// onDisk is a path of the server's disk as this machine sees it.
func (w *worker) onDisk(name string) string {
	return filepath.Join(w.g.Server.Root(), sweepDir, name)
}

func (w *worker) trace(on bool) {
	w.t.Helper()
	w.must(os.RemoveAll(w.onDisk("")))
	if on {
		w.must(os.MkdirAll(w.onDisk(""), 0o755))
		w.must(os.WriteFile(w.onDisk("tracing"), nil, 0o644))
	}
}

func (w *worker) steps() []string {
	w.t.Helper()
	text, err := os.ReadFile(w.onDisk("trace"))
	w.must(err)
	return strings.Fields(string(text))
}

// stopBeforeConfirm kills a child whose change is on its way, and which is not
// let to confirm it. The server goes on, and by awaitActive is done.
func (w *worker) stopBeforeConfirm(o order) error {
	w.t.Helper()
	o.Unconfirmed = true
	c := w.child(o)
	defer c.kill()
	if !c.awaitHit() {
		return errors.New("an apply ended although it was kept from confirming")
	}
	return nil
}

func (w *worker) awaitActive() {
	w.t.Helper()
	w.await("an active generation", time.Minute, func() bool {
		var s server.Status
		text, _ := os.ReadFile(w.home("generations", w.pending(), "record.json"))
		return json.Unmarshal(text, &s) == nil && s.State == server.Active
	})
}

// await polls a condition on this machine.
func (w *worker) await(what string, limit time.Duration, done func() bool) {
	w.t.Helper()
	for end := time.Now().Add(limit); !done(); {
		if time.Now().After(end) {
			w.t.Errorf("no %s within %s", what, limit)
			return
		}
		time.Sleep(20 * time.Millisecond) // between two looks at a condition
	}
}

// errNotMet says that this run did not come by its place: the number of
// messages differs a little from run to run. What it did is judged all the
// same, and it is counted apart.
var errNotMet = errors.New("the place was not met")

// run breaks one apply and judges what became of it.
func (w *worker) run(j job) verdict {
	v := verdict{job: j}
	fail := func(kind string, err error) verdict {
		v.problems = append(v.problems, problem{kind, err.Error()})
		if err := w.rescue(); err != nil {
			v.problems = append(v.problems, problem{"not converged", err.Error()})
		}
		return v
	}
	to := other(w.at)
	got, err := w.breakIt(j, to)
	if v.missed = errors.Is(err, errNotMet); err != nil && !v.missed {
		return fail("not run", err)
	}
	if err := w.settled(); err != nil {
		return fail("lockout", err)
	}
	stands, err := w.whole()
	if err != nil {
		return fail("mixture", err)
	}
	v.ended = "before"
	if stands == to {
		v.ended = "new"
	}
	if got.Outcome == "done" && stands != to {
		return fail("lost update", errors.New("raiz said that it was applied, and the server has what it had before"))
	}
	w.undo()
	if err := w.converge(to); err != nil {
		return fail("not converged", err)
	}
	return v
}

// breakIt starts an apply, waits until it stands at the place, and deals the
// trouble.
func (w *worker) breakIt(j job, to string) (tally, error) {
	o := order{To: to, Revert: sweepRevert, StopAtWrite: j.place.write, StopAtRead: j.place.read}
	if j.place.step != "" {
		if err := w.arm(j.place.step); err != nil {
			return tally{}, err
		}
	}
	switch j.place.phase {
	case "revert":
		return tally{}, w.breakRevert(j, o)
	case "boot":
		return tally{}, w.breakBoot(j, o)
	}
	c := w.child(o)
	defer c.kill()
	if j.place.step == "" {
		if !c.awaitHit() {
			return tally{}, errNotMet
		}
	} else if !w.awaitStep(c) {
		w.disarm()
		return c.wait(w.t), errNotMet
	}
	err := w.deal(j.trouble, c)
	w.disarm()
	_, _ = io.WriteString(c.stdin, "go\n")
	if err != nil {
		return tally{}, err
	}
	if j.trouble == pulledShort {
		time.Sleep(10 * time.Second) // the trouble itself
		return c.wait(w.t), w.plug()
	}
	if j.trouble == pulled || j.trouble == diskFull {
		// The server is left to itself; what raiz says counts all the same.
		if j.trouble == pulled {
			w.await("revert of its own", sweepRevert+sweepGrace, func() bool { return w.pending() == "" })
			if err := w.plug(); err != nil {
				return tally{}, err
			}
		}
	}
	return c.wait(w.t), nil
}

// home is a path of what raiz keeps on the server, as this machine sees it.
func (w *worker) home(names ...string) string {
	return filepath.Join(append([]string{w.g.Server.Root(), state.Home}, names...)...)
}

func (w *worker) pending() string {
	n, _ := os.ReadFile(w.home("pending"))
	return strings.TrimSpace(string(n))
}

func (w *worker) arm(step string) error {
	if err := os.MkdirAll(w.onDisk(""), 0o755); err != nil {
		return err
	}
	_ = os.Remove(w.onDisk("hit"))
	return os.WriteFile(w.onDisk("at"), []byte(step+"\n"), 0o644)
}

// disarm lets a step that stands go on. A disk that was just pulled from under
// it has no such file any more.
func (w *worker) disarm() {
	_ = os.Remove(w.onDisk("at"))
	_ = os.Remove(w.onDisk("hit"))
}

func (w *worker) standing() bool {
	_, err := os.Stat(w.onDisk("hit"))
	return err == nil
}

func (w *worker) awaitStep(c *child) bool {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if w.standing() {
			return true
		}
		select {
		case line, ok := <-c.lines:
			if !ok || strings.HasPrefix(line, "end ") {
				return w.standing()
			}
		case <-time.After(20 * time.Millisecond): // between two looks
		}
	}
	return false
}

func (w *worker) deal(x trouble, c *child) error {
	switch x {
	case killed:
		c.kill()
		return nil
	case pulled, pulledShort:
		return w.g.Unplug(w.t.Context(), rehearse.LinkManagement)
	case powerCut:
		w.cutPower()
		w.disarm()
		return w.g.Server.Boot(w.t.Context())
	case rebooted:
		return w.reboot()
	case diskFull:
		return w.fill()
	}
	return fmt.Errorf("no such trouble: %s", x)
}

func (w *worker) plug() error { return w.g.Plug(w.t.Context(), rehearse.LinkManagement) }

func (w *worker) cutPower() {
	if err := w.g.CutPower(w.t.Context()); err != nil {
		w.t.Errorf("cut power: %v", err)
	}
}

func (w *worker) reboot() error {
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	was := w.g.Server.Init()
	_, _ = w.g.Server.Run(ctx, "systemctl", "reboot") // its answer goes down with it
	w.disarm()                                        // a step that stands would hold the shutdown up
	w.await("another boot", 2*time.Minute, func() bool { now := w.g.Server.Init(); return now != "" && now != was })
	w.await("its end", 2*time.Minute, func() bool {
		out, _ := w.g.Server.Run(w.t.Context(), "systemctl", "is-system-running", "--wait")
		state := strings.TrimSpace(out)
		return state == "running" || state == "degraded"
	})
	return nil
}

const filler = "/var/lib/raiz-filler"

// fill leaves no block free.
func (w *worker) fill() error {
	_, err := w.g.Server.Run(w.t.Context(), "sh", "-c",
		`free=$(df --output=avail -B1 /var/lib | tail -n 1); fallocate -l "$((free - 65536))" `+filler+`; cat /dev/zero >`+filler+`.rest 2>/dev/null; sync; exit 0`)
	return err
}

// undo takes away what a trouble left, so that the next job starts clean.
func (w *worker) undo() {
	_, _ = w.g.Server.Run(w.t.Context(), "rm", "-rf", filler, filler+".rest", sweepDir)
}

// breakRevert lets the timer revert, and deals the trouble in the middle.
func (w *worker) breakRevert(j job, o order) error {
	if err := w.stopBeforeConfirm(order{To: o.To, Revert: sweepRevert}); err != nil {
		return err
	}
	w.await("revert at its place", sweepRevert+sweepGrace, func() bool { return w.standing() || w.pending() == "" })
	if !w.standing() {
		w.disarm()
		return errNotMet
	}
	err := w.deal(j.trouble, nil)
	w.disarm()
	if err == nil && j.trouble == pulled {
		w.await("revert of its own", sweepRevert+sweepGrace, func() bool { return w.pending() == "" })
		err = w.plug()
	}
	return err
}

// breakBoot cuts the power twice: once to make the boot revert, and once in
// the middle of that.
func (w *worker) breakBoot(_ job, o order) error {
	step, err := os.ReadFile(w.onDisk("at"))
	if err != nil {
		return err
	}
	w.disarm()
	if err := w.stopBeforeConfirm(order{To: o.To, Revert: 2 * time.Minute}); err != nil {
		return err
	}
	w.awaitActive()
	w.cutPower()
	if err := w.arm(strings.TrimSpace(string(step))); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	booted := make(chan error, 1)
	go func() { booted <- w.g.Server.Boot(ctx) }()
	w.await("boot at its place", time.Minute, func() bool { return w.standing() || len(booted) > 0 })
	met := w.standing()
	cancel()
	<-booted
	w.disarm()
	if !met {
		return errNotMet
	}
	w.cutPower()
	w.disarm()
	return w.g.Server.Boot(w.t.Context())
}

// rescue brings a worker back for its next job after a promise was broken.
func (w *worker) rescue() error {
	_ = w.plug()
	w.disarm()
	if !w.g.Server.Running() {
		_ = w.g.Server.Kill(w.t.Context())
		if err := w.g.Server.Boot(w.t.Context()); err != nil {
			return err
		}
	}
	w.undo()
	_, _ = w.g.Server.Run(w.t.Context(), "sh", "-c", "systemctl start raiz-revert.service")
	return w.converge(other(w.at))
}

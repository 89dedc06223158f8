//go:build linux

package provision_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
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

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// sweepDir is where the steps of the helper leave their traces on the server,
// and where a step finds that it is to stop.
const sweepDir = "/var/lib/raiz-sweep"

const (
	sweepRevert = 6 * time.Second
	// sweepGrace is how long the server may take after its timer: some ten
	// seconds, more on a machine that has other work, and again where it has to
	// be tried a second time.
	sweepGrace = 3 * time.Minute
	sweepFirst = 20 * time.Second
	// sweepMeeting leaves two operators the time to get in each other's way.
	sweepMeeting = 30 * time.Second
)

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
	o.Start, o.Testbed, o.Dir, o.Pin = w.start.name, w.g.ID, w.dir, w.g.Site.BMC.Fingerprint
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

// awaitHit waits until the child stands at its place on the wire. One that ends
// before that has ended as the error says.
func (c *child) awaitHit() error {
	last := "it was killed"
	for line := range c.lines {
		if line == "hit" {
			return nil
		}
		if last = line; strings.HasPrefix(line, "end ") {
			break
		}
	}
	return fmt.Errorf("%w: %s", errNotMet, last)
}

func (w *worker) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// onDisk is a path of the server's disk as this machine sees it.
func (w *worker) onDisk(name string) string {
	return filepath.Join(w.g.Server.Root(), w.start.below(), sweepDir, name)
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
	if w.start.first {
		// Daemons that start for the first time take longer to become active.
		o.Revert = max(o.Revert, sweepFirst)
	}
	c := w.child(o)
	defer c.kill()
	if err := c.awaitHit(); err != nil {
		return fmt.Errorf("an apply was not kept from confirming: %w", err)
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

// meet takes down what a second operator's variant looks like, before he comes
// for the first time.
func (w *worker) meet(j job) error {
	if _, known := w.refs["C"]; known || j.trouble != another {
		return nil
	}
	at := w.at
	if err := w.converge("C"); err != nil {
		return err
	}
	w.note("C")
	return w.converge(at)
}

// errNotMet says that this run did not come by its place: the number of
// messages differs a little from run to run. What it did is judged all the
// same, and it is counted apart.
var errNotMet = errors.New("the place was not met")

// run breaks one apply and judges what became of it.
func (w *worker) run(j job) ending {
	v := ending{job: j}
	fail := func(kind string, err error) ending {
		v.problems = append(v.problems, problem{kind, err.Error()})
		if err := w.rescue(); err != nil {
			v.problems = append(v.problems, problem{"not converged", err.Error()})
		}
		return v
	}
	to := w.next()
	if err := w.meet(j); err != nil {
		return fail("not run", err)
	}
	got, theirs, err := w.breakIt(j, to)
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
	v.ended = map[string]string{to: "new", w.at: "before", "C": "another's"}[stands]
	if err := lost(stands, claim{to, got}, claim{"C", theirs}); err != nil {
		return fail("lost update", err)
	}
	w.undo()
	if err := w.converge(to); err != nil {
		return fail("not converged", err)
	}
	if err := w.fresh(); err != nil {
		return fail("not converged", err)
	}
	return v
}

// breakIt starts an apply, waits until it stands at the place, and deals the
// trouble. It returns what raiz says in the end, and what another operator's
// does.
func (w *worker) breakIt(j job, to string) (ours, theirs tally, err error) {
	o := order{To: to, Revert: sweepRevert, StopAtWrite: j.place.write, StopAtRead: j.place.read}
	if j.trouble == another {
		o.Revert = sweepMeeting
	}
	if j.place.step != "" {
		if err := w.arm(j.place.step); err != nil {
			return ours, theirs, err
		}
	}
	switch j.place.phase {
	case "revert":
		theirs, err = w.breakRevert(j, o)
		return ours, theirs, err
	case "boot":
		return ours, theirs, w.breakBoot(j, o)
	}
	c := w.child(o)
	defer c.kill()
	if j.place.step == "" {
		if err := c.awaitHit(); err != nil {
			return ours, theirs, err
		}
	} else if !w.awaitStep(c) {
		w.disarm()
		return c.wait(w.t), theirs, errNotMet
	}
	d, err := w.deal(j.trouble, c)
	w.disarm()
	_, _ = io.WriteString(c.stdin, "go\n")
	if err != nil {
		return ours, theirs, err
	}
	ended := make(chan tally, 1)
	go func() { ended <- c.wait(w.t) }()
	theirs, err = w.over(j.trouble, d, func() bool { return len(ended) > 0 })
	return <-ended, theirs, err
}

// home is a path of what raiz keeps on the server, as this machine sees it.
func (w *worker) home(names ...string) string {
	return filepath.Join(append([]string{w.g.Server.Root(), w.start.below(), state.Home}, names...)...)
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

package helper

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/watch"
)

// Times of a drain.
const (
	drainSays = 2 * time.Second  // between two words, so that nobody takes the line for dead
	drainMore = 15 * time.Second // beside the time that routers have to leave
	// holdMore is how much longer than its change a hold lasts: a revert has its
	// time.
	holdMore = 10 * time.Minute
)

// guard is what the guard tells. Without a guard it is nil.
func (h *Helper) guard() *server.Guard {
	g := &server.Guard{Wanted: h.drained()}
	text, err := h.os.Read(watch.StatusFile)
	if err != nil {
		// systemd takes the folder away when the guard ends.
		g.Down = errors.Is(err, fs.ErrNotExist)
		switch is, known := h.guarded(); {
		case !known && g.Wanted == nil:
			return nil
		case g.Down:
			g.Silent = "it does not run" + is + ", and so nothing is announced"
		default:
			g.Silent = short(err)
		}
		return g
	}
	if g.Status, err = watch.ReadStatus(text); err != nil {
		g.Silent = short(err)
	} else if age := h.os.Uptime() - time.Duration(g.Uptime*float64(time.Second)); age > watch.Stale {
		g.Silent = fmt.Sprintf("it has told nothing for %s", age.Round(time.Second))
	}
	return g
}

// guarded reports whether there is a guard on this server, running or not, and
// why it cannot.
func (h *Helper) guarded() (why string, known bool) {
	// What cannot be looked at may be there.
	if _, err := h.os.Look(watch.ConfigFile); !errors.Is(err, fs.ErrNotExist) {
		return "", true
	}
	if _, err := h.os.Look(unitsDir + "/" + watch.Unit); err == nil {
		return fmt.Sprintf(": %s is not there; raiz apply brings it back", watch.ConfigFile), true
	}
	return "", false
}

// drained is what a person wants. Where both files are there, the one that should
// last was not written to its end.
func (h *Helper) drained() *watch.Drain {
	for _, file := range []string{watch.PassingFile, watch.DrainFile} {
		text, err := h.os.Read(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		d := watch.ReadDrain(text)
		return &d
	}
	return nil
}

// drain has the blocks withdrawn until that is taken back, or takes it back, and
// waits until it is so. tell hears that it goes on.
func (h *Helper) drain(q server.DrainRequest, tell func(server.State)) (*server.Guard, error) {
	g := h.guard()
	if g == nil {
		return nil, &server.Error{Code: server.ErrRefused, Text: "raiz has no guard on this server: what it announces, if it does, is not raiz's", Next: "drain it by hand, at its routing daemon"}
	}
	want := &watch.Drain{Now: q.Now, By: h.who, At: h.os.Now().UTC().Truncate(time.Second)}
	if !q.Wanted {
		want = nil
	}
	if err := h.wants(want); err != nil {
		return nil, &server.Error{Code: server.ErrSystem, Text: fmt.Sprintf("%s: %v", watch.DrainFile, err), Next: remedy(err)}
	}
	if !q.Wanted {
		h.endLeftHold()
	}
	h.log("drain %t, now %t, by %s", q.Wanted, q.Now, h.who)
	h.await(func() bool { return is(h.guard(), q.Wanted) }, time.Duration(g.Leave)*time.Second, tell)
	return h.guard(), nil
}

// wants writes down what a person wants. On a disk that takes nothing more it is
// until the next boot: a copy that ails like that is one to be withdrawn.
func (h *Helper) wants(d *watch.Drain) error {
	files := []string{watch.DrainFile, watch.PassingFile}
	if d != nil {
		if err := h.putDrain(watch.DrainFile, d); err != nil {
			d.Passing = short(err)
			if h.putDrain(watch.PassingFile, d) != nil {
				return err
			}
			return nil
		}
		files = files[1:] // the other one has nothing to say any more
	}
	for _, file := range files {
		if _, err := h.os.Look(file); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := h.putDrain(file, nil); err != nil {
			return err
		}
	}
	return nil
}

// endLeftHold ends the hold of an apply that died: nothing is pending, and nobody
// is at work.
func (h *Helper) endLeftHold() {
	unlock, err := h.os.Lock(lockFile, "somebody who ends what a dead change holds", 0)
	if err != nil {
		return
	}
	defer unlock()
	if n, err := h.pending(); err == nil && n == 0 {
		_ = h.remove(watch.HoldFile) // it ends by itself
	}
}

// is reports whether all blocks are withdrawn, as the routing daemon was seen to
// have done, or all are announced. Of a guard that is there and says nothing
// neither is known.
func is(g *server.Guard, withdrawn bool) bool {
	switch {
	case g == nil || g.Down:
		return withdrawn
	case g.Silent != "", withdrawn && g.Lingers != "":
		return false
	}
	want := map[bool]watch.State{true: watch.Withdrawn, false: watch.Announced}[withdrawn]
	return !slices.ContainsFunc(g.Blocks, func(b watch.BlockStatus) bool { return b.State != want })
}

// await waits for a condition, drainMore longer than it takes by itself.
func (h *Helper) await(done func() bool, takes time.Duration, tell func(server.State)) {
	end, next := h.os.Uptime()+takes+drainMore, h.os.Uptime()
	for ; !done() && h.os.Uptime() < end; h.os.Sleep(pause) {
		if at := h.os.Uptime(); at >= next {
			tell(server.Draining)
			next = at + drainSays
		}
	}
}

// hold drains for a change that would otherwise be noticed: what stops for a
// moment is missed by nobody. It ends by itself, should nobody end it.
func (h *Helper) hold(r *record, seconds int, tell func(server.State)) error {
	g := h.guard()
	if g == nil || g.Down {
		return nil // nothing is announced
	}
	until := h.os.Uptime() + time.Duration(g.Leave+seconds)*time.Second + holdMore
	r.Held = true
	err := h.putDrain(watch.HoldFile, &watch.Drain{By: h.who + ", for a change", At: h.os.Now().UTC().Truncate(time.Second), Until: until.Seconds()})
	if err != nil {
		return fmt.Errorf("drain the blocks: %w", err)
	}
	fenced := func() bool { _, err := h.os.Look(fencesDir + "/" + r.Run); return err == nil }
	h.await(func() bool { return is(h.guard(), true) || fenced() }, time.Duration(g.Leave)*time.Second, tell)
	if fenced() {
		return refused("run %s was given up by raiz before it began here", r.Run)
	}
	return nil
}

// unhold ends what hold began.
func (h *Helper) unhold(r record) {
	if r.Held {
		_ = h.remove(watch.HoldFile) // it ends by itself
	}
}

// putDrain writes such a file, or takes it away.
func (h *Helper) putDrain(file string, d *watch.Drain) error {
	dir := path.Dir(file)
	if d == nil {
		if err := h.remove(file); err != nil {
			return err
		}
		return h.flushDir(dir)
	}
	switch err := h.os.MakeDir(dir, 0o755); {
	case err == nil:
		if err := h.os.Flush(path.Dir(dir)); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	text, err := d.Text()
	if err != nil {
		return err
	}
	return h.putAs(file, text, Attributes{Mode: 0o644, Owner: "root", Group: "root"})
}

func (h *Helper) flushDir(dir string) error {
	if err := h.os.Flush(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

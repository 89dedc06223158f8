package helper

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/watch"
)

// Status tells a person at a console how things stand, and what to type.
func (h *Helper) Status(out io.Writer) error {
	pending, err := h.pending()
	if err != nil {
		return err
	}
	current, err := h.current()
	if err != nil {
		return err
	}
	if current == 0 {
		printable.Fprintf(out, "no generation of raiz's was ever confirmed here\n")
	} else if r, err := h.load(current); err != nil {
		printable.Fprintf(out, "generation %d is the last that was confirmed; its record: %v\n", current, err)
	} else {
		printable.Fprintf(out, "generation %d of %s was confirmed at %s\n", current, r.Who, r.Changed.Format(time.RFC3339))
	}
	if pending == 0 {
		printable.Fprintf(out, "nothing is pending\n")
	} else if err := h.sayPending(out, pending); err != nil {
		return err
	}
	h.sayLocked(out)
	sayGuard(out, h.guard())
	return nil
}

// sayGuard tells what is announced and why not, and what to type.
func sayGuard(out io.Writer, g *server.Guard) {
	if g == nil {
		printable.Fprintf(out, "there is no guard here, and nothing that raiz would announce\n")
		return
	}
	if g.Silent != "" {
		printable.Fprintf(out, "of the guard: %s\n  to see why type: systemctl status raiz-guard; journalctl -u raiz-guard\n", g.Silent)
	}
	sayBlocks(out, g)
	if d := g.Drain; d != nil && d.Unseen != "" && g.Wanted == nil && g.Silent == "" {
		printable.Fprintf(out, "nobody drained: the guard may not look into %s; to announce again type: chmod 755 %s\n", path.Dir(watch.DrainFile), path.Dir(watch.DrainFile))
	}
	if g.Lingers != "" && g.Silent == "" {
		printable.Fprintf(out, "what is withdrawn may still be announced: %s\n", g.Lingers)
	}
	if d := g.Wanted; d != nil {
		lasts := "over reboots too"
		if d.Passing != "" {
			lasts = "which could not be kept: " + d.Passing
		}
		printable.Fprintf(out, "drained %s, %s; to announce again type: raiz-helper undrain\n", d.Who(), lasts)
	} else if g.Silent == "" {
		printable.Fprintf(out, "to withdraw and stay so type: raiz-helper drain, or at once: raiz-helper drain-now\n")
	}
	for _, a := range g.Alarms {
		printable.Fprintf(out, "alarm since %s: %s: %s\n", a.Since.UTC().Format(time.RFC3339), string(a.Code), a.Text)
	}
}

// sayBlocks has a line for all blocks that are so for the same reason.
func sayBlocks(out io.Writer, g *server.Guard) {
	if g.Silent != "" {
		return // it told so once
	}
	type how struct{ state, since, reason string }
	var all []how
	blocks := map[how][]string{}
	for _, b := range g.Blocks {
		x := how{string(b.State), b.Since.UTC().Format(time.RFC3339), b.Reason}
		if blocks[x] == nil {
			all = append(all, x)
		}
		blocks[x] = append(blocks[x], b.Prefix.String())
	}
	for _, x := range all {
		printable.Fprintf(out, "%s since %s: %s\n  because: %s\n", x.state, x.since, strings.Join(blocks[x], ", "), x.reason)
	}
}

// DrainNow drains, or takes a drain back, for a person at a console.
func (h *Helper) DrainNow(out io.Writer, who string, q server.DrainRequest) error {
	h.who = who
	g, err := h.drain(q, func(server.State) { printable.Fprintf(out, ".") })
	printable.Fprintf(out, "\n")
	if err != nil {
		return err
	}
	sayGuard(out, g)
	switch {
	case is(g, q.Wanted):
		return nil
	case q.Wanted:
		return errors.New("the blocks are not known to be withdrawn; they are to be")
	}
	return errors.New("the blocks are not announced; they may be")
}

// sayPending tells of a generation that is not confirmed.
func (h *Helper) sayPending(out io.Writer, n int) error {
	r, err := h.load(n)
	if err != nil {
		return err
	}
	printable.Fprintf(out, "generation %d of %s is %s since %s%s\n", n, r.Who, r.State, r.Changed.Format(time.RFC3339), because(r.Reason))
	switch {
	case r.State.Ended():
		printable.Fprintf(out, "  its last step is missing; to do it type: raiz-helper revert\n")
	case r.State == server.Reverting && r.Trouble != "":
		printable.Fprintf(out, "  what stood before cannot be put back: %s\n", r.Trouble)
		printable.Fprintf(out, "  tried %s%s; mend that, then type: raiz-helper revert\n", times(r.Tries), h.whenAgain(r))
		printable.Fprintf(out, "  to give up what cannot be put back type: raiz-helper release\n")
	case r.State == server.Reverting:
		printable.Fprintf(out, "  what stood before is being put back; look again in a minute\n")
	case h.over(r) && !h.armed():
		printable.Fprintf(out, "  it is not confirmed, was to revert by itself at %s, and has not: systemd has not started %s\n",
			r.Until.Format(time.RFC3339), RevertUnit)
		printable.Fprintf(out, "  to put back what stood before type: raiz-helper revert\n")
	default:
		printable.Fprintf(out, "  it is not confirmed, and reverts by itself at %s, in %s\n",
			r.Until.Format(time.RFC3339), max(r.Deadline-h.os.Uptime(), 0).Round(time.Second))
		printable.Fprintf(out, "  to put back what stood before at once type: raiz-helper revert\n")
	}
	return nil
}

// whenAgain says whether a revert is tried again by itself.
func (h *Helper) whenAgain(r record) string {
	armed, err := h.os.IsArmed()
	switch {
	case err != nil:
		return ""
	case armed:
		return fmt.Sprintf(", and again by itself within %s of the last time", pauseAfter(max(r.Tries, 1)))
	}
	return ", and not again by itself before the next boot"
}

func (h *Helper) armed() bool {
	armed, err := h.os.IsArmed()
	return armed || err != nil
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// sayLocked tells who is at work, if anybody is.
func (h *Helper) sayLocked(out io.Writer) {
	unlock, err := h.os.Lock(lockFile, "somebody who asks how things stand", 0)
	switch {
	case err == nil:
		unlock()
	case errors.Is(err, ErrLocked):
		printable.Fprintf(out, "at work here, so that others wait: %s\n  %s\n", err.Error(), atWork)
	}
}

// atWork is what to do about somebody who holds the lock.
const atWork = "each of its commands is ended after its time, a check after 30 s; or end that process with kill"

// RevertNow puts back what stood before the pending generation, for a person at
// a console.
func (h *Helper) RevertNow(who string) (string, error) {
	h.who = who
	n, err := h.pending()
	if err != nil {
		return "", err
	}
	if n == 0 {
		return "nothing is pending", nil
	}
	r, err := h.load(n)
	if err != nil {
		return "", err
	}
	status, err := h.revertRun(server.RunRequest{Run: r.Run, Reason: "by " + who})
	if status == nil {
		return "", err
	}
	return ended(*status), err
}

func ended(s server.Status) string {
	text := fmt.Sprintf("generation %d of %s is %s", s.Number, s.Who, s.State)
	if s.State == server.Reverted {
		text += because(s.Reason)
	}
	return text
}

// Release is release for a person at a console.
func (h *Helper) Release(who string) (string, error) {
	h.who = who
	s, err := h.release()
	switch {
	case s == nil && err == nil:
		return "nothing is pending", nil
	case s == nil:
		return "", err
	}
	return ended(*s), err
}

// release ends whatever holds a server up: it reverts the pending generation
// whoever it belongs to and whatever time is left. What could not be put back
// once before, and cannot now, is given up, which is written down. Without a
// status nothing was pending.
func (h *Helper) release() (*server.Status, error) {
	_ = h.os.Do(OpStop, ActivateUnit, unitLimit)
	unlock, err := h.lock(2 * lockWait)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := h.settle(); err != nil {
		return nil, err
	}
	n, err := h.pending()
	if err != nil || n == 0 {
		return nil, err
	}
	r, err := h.load(n)
	if err != nil {
		return nil, err
	}
	tries := r.Tries
	err = h.revert(&r, "released by "+h.who)
	if err == nil {
		return &r.Status, nil
	}
	if tries == 0 {
		if e, is := errors.AsType[*server.Error](err); is {
			e.Next += "; or give up what cannot be put back: release it once more"
		}
		return &r.Status, err
	}
	if err := h.to(&r, server.Reverted, "given up by "+h.who+": "+r.Trouble); err != nil {
		return &r.Status, err
	}
	return &r.Status, h.finish(r)
}

// Name is where a person at a console finds the helper that the units start:
// that its directory is named by a digest is nothing to be typed.
const Name = "/usr/local/sbin/raiz-helper"

// installName has Name lead to this very program. It is made beside and moved,
// so that there is always one; and not where anybody but root could change what
// root types.
func (h *Helper) installName() error {
	if i, err := h.os.Look(Name); err == nil && i.Kind == server.IsLink && i.Link == h.o.Program {
		return nil
	}
	switch safe, err := h.os.Safe(Name); {
	case err != nil:
		return err
	case safe != path.Dir(Name):
		return fmt.Errorf("%s is not a directory of root's alone", path.Dir(Name))
	}
	fresh := path.Dir(Name) + "/.raiz-helper.new"
	if err := h.remove(fresh); err != nil {
		return err
	}
	if err := h.os.Symlink(h.o.Program, fresh); err != nil {
		return err
	}
	if err := h.os.Rename(fresh, Name); err != nil {
		return err
	}
	return h.os.Flush(path.Dir(Name))
}

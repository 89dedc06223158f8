package helper

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
)

// begun is what a change begins with, before it has a number.
type begun struct {
	run      string
	seconds  int
	of       int // the generation that a rollback repeats
	reviewed server.Reviewed
	network  server.Network // when the request came
	// manifest returns what is wanted, given what is current.
	manifest func(was server.Manifest) (server.Manifest, error)
}

// apply stages a generation, arms its revert and has it activated by a unit of
// its own, which no broken login can end.
func (h *Helper) apply(a server.ApplyRequest, tell func(server.State)) (*server.Status, error) {
	return h.change(begun{
		run: a.Run, seconds: a.Seconds, reviewed: a.Reviewed,
		manifest: func(server.Manifest) (server.Manifest, error) { return a.Manifest, nil },
	}, tell)
}

func (h *Helper) change(b begun, tell func(server.State)) (*server.Status, error) {
	// Before anything else: who asks has just come in over it.
	var err error
	if b.network, err = h.os.Network(); err != nil {
		return nil, asRefusal(fmt.Errorf("look at the network: %w", err))
	}
	r, err := h.prepare(b, tell)
	if err != nil {
		return nil, asRefusal(err)
	}
	_ = h.os.Do(OpReset, ActivateUnit, unitLimit) // it may never have failed
	if err := h.os.Do(OpStartSoon, ActivateUnit, unitLimit); err != nil {
		return h.revertRun(server.RunRequest{Run: b.run, Reason: fmt.Sprintf("the activation cannot be started: %v", err)})
	}
	return h.watch(r, tell)
}

// prepare does all that may fail and costs nothing then. When it returns
// without an error the way back is armed; with one, nothing was changed and
// nothing of this run will be, unless it is a *server.Error that says otherwise.
func (h *Helper) prepare(b begun, tell func(server.State)) (record, error) {
	unlock, err := h.lock(lockWait)
	if err != nil {
		return record{}, err
	}
	defer unlock()
	was, err := h.mayBegin(b.run)
	if err != nil {
		return record{}, err
	}
	m, err := b.manifest(was)
	if err != nil {
		return record{}, err
	}
	if err := h.compare(b, m, was); err != nil {
		return record{}, err
	}
	all, err := h.numbers()
	if err != nil {
		return record{}, err
	}
	r := record{Status: server.Status{Number: 1, Run: b.run, Who: h.who, Plan: m.Plan, Of: b.of, State: server.Staged, Changed: h.os.Now().UTC()}}
	if len(all) > 0 {
		r.Number = all[len(all)-1] + 1
	}
	for i, f := range m.Files {
		if f.Secret {
			r.Secrets = append(r.Secrets, i)
		}
	}
	if err := h.stage(r, m); err != nil {
		return r, h.refuse(r, before{}, err)
	}
	tell(server.Staged)
	if err := h.checkFiles(r.Number, m); err != nil {
		return r, h.refuse(r, before{}, err)
	}
	d, err := h.look(m, was)
	if err != nil {
		return r, h.refuse(r, before{}, err)
	}
	if d.gap {
		if err := h.hold(&r, b.seconds, tell); err != nil {
			return r, h.refuse(r, before{}, err)
		}
	}
	then, err := h.snapshot(r.Number, d)
	if err != nil {
		return r, h.refuse(r, then, err)
	}
	// Checks take their time, and somebody may have edited a file by hand. Who
	// does from here on finds that it is not what the snapshot took down.
	if err := h.compare(b, m, was); err != nil {
		return r, h.refuse(r, then, err)
	}
	// A link whose cable was pulled meanwhile has lost what its manager gives
	// back with the cable. A revert to that would take it away again.
	if lost := gone(then.Network, b.network); len(lost) > 0 {
		return r, h.refuse(r, then, moved("the network is not what it was when the request came: %s; is its cable out?", strings.Join(lost, "; ")))
	}
	if err := h.arm(&r, m, b.seconds); err != nil {
		_ = h.os.Disarm() // what fires finds nothing pending
		return r, h.refuse(r, then, fmt.Errorf("arm the way back: %w", err))
	}
	tell(server.Armed)
	return r, nil
}

// mayBegin says whether a new change may begin, after what others have left
// behind was put in order. It returns the manifest of the current generation.
func (h *Helper) mayBegin(run string) (server.Manifest, error) {
	if err := h.settle(); err != nil {
		return server.Manifest{}, err
	}
	n, err := h.pending()
	if err != nil {
		return server.Manifest{}, err
	}
	if n != 0 {
		return server.Manifest{}, h.busy(n)
	}
	if _, known, err := h.find(run); err != nil || known {
		return server.Manifest{}, errors.Join(err, refused("run %s has been here before", run))
	}
	if err := h.isDir(fencesDir); err != nil {
		return server.Manifest{}, err // nobody could give a run up
	}
	if _, err := h.os.Look(fencesDir + "/" + run); !errors.Is(err, fs.ErrNotExist) {
		return server.Manifest{}, errors.Join(err, refused("run %s was given up by raiz before it began here", run))
	}
	if err := h.prune(); err != nil {
		return server.Manifest{}, err
	}
	return h.currentManifest()
}

func (h *Helper) currentManifest() (server.Manifest, error) {
	n, err := h.current()
	if err != nil || n == 0 {
		return server.Manifest{}, err
	}
	return h.manifest(n)
}

// busy says who is at work.
func (h *Helper) busy(n int) error {
	e := &server.Error{Code: server.ErrBusy, Text: fmt.Sprintf("generation %d is pending", n), Next: "it reverts by itself; wait, or end it with raiz release"}
	if r, err := h.load(n); err == nil {
		e.Text = fmt.Sprintf("generation %d of %s is %s until %s", n, r.Who, r.State, r.Until.Format(time.TimeOnly+" MST"))
	}
	return e
}

// arm prepares every way back, then says that one is owed. A timer that finds
// nothing pending does nothing; the other way round there could be none.
func (h *Helper) arm(r *record, m server.Manifest, seconds int) error {
	if err := h.installUnits(m); err != nil {
		return err
	}
	h.until(r, seconds)
	if err := h.to(r, server.Armed, ""); err != nil {
		return err
	}
	if err := h.os.Arm(time.Duration(seconds) * time.Second); err != nil {
		return err
	}
	return h.putNumber(pendingFile, r.Number)
}

// refuse writes down that a generation never changed anything. It returns why.
func (h *Helper) refuse(r record, b before, why error) error {
	if n, err := h.pending(); err == nil && n == r.Number {
		if err := h.remove(pendingFile); err != nil {
			return &server.Error{Code: server.ErrSystem, Text: fmt.Sprintf("%v; and it could not be taken back: %v: it reverts by itself", why, err)}
		}
		_ = h.os.Flush(dirOfHome) // it says nothing wrong if it comes back: then it reverts what never changed
	}
	h.unhold(r)
	// Before it has ended: nobody would come to take its copies away.
	r.State = server.Refused
	r.Left = h.forget(r, b) != nil
	if err := h.to(&r, server.Refused, why.Error()); err != nil {
		_ = h.erase(dirOf(r.Number)) // no room even for that word
	}
	return asRefusal(why)
}

// asRefusal keeps an error that has a code, and gives others theirs.
func asRefusal(err error) error {
	if _, coded := errors.AsType[*server.Error](err); coded {
		return err
	}
	return &server.Error{Code: server.ErrRefused, Text: err.Error(), Next: remedy(err)}
}

// remedy is what to do about what the operating system refused, where its words
// do not say so themselves.
func remedy(err error) string {
	_, rest, masked := strings.Cut(err.Error(), "Unit ") // systemctl, which is run in English
	unit, _, is := strings.Cut(rest, " is masked")
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "its disk is full: make room"
	case errors.Is(err, syscall.EROFS):
		return "its disk is read-only: dmesg there says why"
	case masked && is && !strings.Contains(unit, " "):
		return "on the server type: systemctl unmask " + unit
	}
	return ""
}

// watch says how a generation comes on, until it is active or was put back, as
// long as this login lives.
func (h *Helper) watch(r record, tell func(server.State)) (*server.Status, error) {
	said, seen := server.Armed, ""
	for ; h.os.Uptime() < r.Deadline+unitLimit; h.os.Sleep(pause) {
		// A record is replaced whole: one that looks the same says the same.
		i, err := h.os.Look(recordOf(r.Number))
		if err != nil {
			return nil, err
		}
		if i.Stamp == seen {
			continue
		}
		seen = i.Stamp
		now, err := h.load(r.Number)
		if err != nil {
			return nil, err
		}
		if now.State != said {
			said = now.State
			tell(said)
		}
		switch said {
		case server.Active, server.Confirmed:
			return &now.Status, nil
		case server.Reverted:
			return &now.Status, &server.Error{Code: server.ErrReverted, Text: now.Reason}
		}
	}
	return &r.Status, &server.Error{Code: server.ErrReverts, Text: "the server is still putting back what stood before", Next: "ask again with raiz history"}
}

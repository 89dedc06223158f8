package helper

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

const dirOfHome = state.Home

// confirm keeps the generation of a run. The units and links are looked at once
// more on this side: the connection that asks may be younger than their failure.
func (h *Helper) confirm(r server.RunRequest) (*server.Status, error) {
	unlock, err := h.lock(lockWait)
	if err != nil {
		return nil, err
	}
	defer unlock()
	rec, found, err := h.find(r.Run)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, &server.Error{Code: server.ErrLate, Text: "the server knows nothing of this run"}
	}
	switch rec.State {
	case server.Confirmed:
		return &rec.Status, h.finish(rec)
	case server.Staged, server.Armed, server.Activating:
		return &rec.Status, &server.Error{Code: server.ErrEarly, Text: fmt.Sprintf("generation %d is %s, not active", rec.Number, rec.State)}
	case server.Active:
	default:
		return &rec.Status, &server.Error{Code: server.ErrLate, Text: fmt.Sprintf("generation %d is %s%s", rec.Number, rec.State, because(rec.Reason))}
	}
	if n, err := h.pending(); err != nil || n != rec.Number || h.over(rec) {
		return &rec.Status, &server.Error{Code: server.ErrLate, Text: fmt.Sprintf("the time of generation %d is over", rec.Number)}
	}
	if err := h.fit(rec.Number); err != nil {
		return &rec.Status, err
	}
	if err := h.to(&rec, server.Confirmed, ""); err != nil {
		return &rec.Status, fmt.Errorf("write down that generation %d is confirmed: %w; is the disk full?", rec.Number, err)
	}
	rec.Current = true
	return &rec.Status, h.finish(rec)
}

// fit sees that an active generation is what it declares.
func (h *Helper) fit(n int) error {
	m, err := h.manifest(n)
	if err != nil {
		return err
	}
	unfit := func(text string) error {
		return &server.Error{Code: server.ErrUnfit, Text: text, Next: fmt.Sprintf("generation %d stays unconfirmed and reverts", n)}
	}
	var names []string
	for _, u := range m.Units {
		if u.Active {
			names = append(names, u.Name)
		}
	}
	facts, err := h.os.Units(names)
	if err != nil {
		return err
	}
	for _, name := range names {
		if a := facts[name].Active; a != "active" && a != "reloading" {
			return unfit(fmt.Sprintf("%s is %s; it says: %s", name, a, h.os.Said(name, h.os.Now().Add(-2*time.Minute))))
		}
	}
	bad, err := h.unlike(m)
	if err != nil {
		return err
	}
	more, err := h.unlikeRunning(m)
	if err != nil {
		return err
	}
	if bad = append(bad, more...); len(bad) > 0 {
		return unfit(strings.Join(bad, "; "))
	}
	return nil
}

// finish does the last steps of what has ended. Each may be done again, so
// that whoever comes after a power cut ends what was begun.
func (h *Helper) finish(r record) error {
	// Whoever wrote that down may have died before it was on the disk.
	if err := h.os.Flush(dirOf(r.Number)); err != nil {
		return err
	}
	pending, err := h.pending()
	if err != nil {
		return err
	}
	current, err := h.current()
	if err != nil {
		return err
	}
	if r.State == server.Confirmed && pending == r.Number && current != r.Number {
		if err := h.putNumber(currentFile, r.Number); err != nil {
			return fmt.Errorf("generation %d is confirmed, but not called current yet: %w", r.Number, err)
		}
	}
	// Before it is pending no more: nobody would come to take these away.
	if err := h.forgetAll(r); err != nil {
		h.log("generation %d is %s, but something is left of it: %v", r.Number, r.State, err)
		r.Left = true
		_ = h.save(r) // else it is left for good
	} else if r.Left {
		r.Left = false
		_ = h.save(r) // else it is looked for once more
	}
	if pending == r.Number {
		if err := h.remove(pendingFile); err != nil {
			return err
		}
		if err := h.os.Flush(dirOfHome); err != nil {
			return err
		}
		if err := h.os.Disarm(); err != nil {
			h.log("cannot disarm: %v; what fires finds nothing pending", err)
		}
	}
	h.unhold(r)
	return nil
}

// settle ends what others have left behind: what was decided is finished, what
// never began is refused. Only what is pending is left.
func (h *Helper) settle() error {
	pending, err := h.pending()
	if err != nil {
		return err
	}
	all, err := h.numbers()
	if err != nil {
		return err
	}
	for _, n := range all {
		r, err := h.load(n)
		switch {
		case err != nil && n == pending:
			return err
		case errors.Is(err, fs.ErrNotExist):
			if err := h.erase(dirOf(n)); err != nil { // half pruned, or cut off before it had a record
				return err
			}
			continue
		case err != nil:
			continue // it may be the current one: what cannot be read now is not what is not there
		case r.State.Ended() && (n == pending || r.Left):
			if err := h.finish(r); err != nil {
				return err
			}
			continue
		case r.State.Ended() || n == pending:
			continue
		}
		end, why := server.Refused, "it was cut off before it had changed anything"
		if slices.Contains([]server.State{server.Activating, server.Active, server.Reverting}, r.State) {
			end, why = server.Reverted, r.Reason // it could not say so
		}
		r.State = end
		r.Left = h.forgetAll(r) != nil // before it has ended: nobody would come
		if err := h.to(&r, end, why); err != nil {
			return err
		}
	}
	return nil
}

// forgetAll forgets a generation by its own snapshot. Without one, as after a
// refusal, there is nothing beside managed files; where it cannot be read that
// is not known.
func (h *Helper) forgetAll(r record) error {
	b, err := h.before(r.Number)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return h.forget(r, b)
}

// forget takes away what was needed only while a generation was pending: second
// names, and every copy of a secret. It returns once they are gone for good.
func (h *Helper) forget(r record, b before) error {
	var files []string
	for _, t := range slices.Concat(b.Files, b.Passing) {
		files = append(files, t.New, t.Old)
	}
	for _, i := range r.Secrets {
		files = append(files, bytesOf(r.Number, i))
	}
	for i, t := range b.Files {
		if t.Secret {
			files = append(files, bytesThen(r.Number, i), sumThen(r.Number, i))
		}
	}
	errs := []error{h.erase(dirOf(r.Number) + "/check")}
	if r.State == server.Refused { // nobody goes back to it, and what was copied may be written down nowhere
		errs = append(errs, h.erase(dirOf(r.Number)+"/files"), h.erase(dirOf(r.Number)+"/then"))
	}
	var dirs []string
	for _, file := range files {
		if err := h.remove(file); err != nil {
			errs = append(errs, err)
		}
		dirs = append(dirs, path.Dir(file))
	}
	dirs = append(dirs, dirOf(r.Number))
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		if err := h.os.Flush(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// prune keeps the last of those that were confirmed, and the last of those that
// were not, each by themselves: a hundred refusals must not cost the way back
// to what once worked. The current one stays however old it is.
func (h *Helper) prune() error {
	all, err := h.numbers()
	if err != nil {
		return err
	}
	current, err := h.current()
	if err != nil {
		return err
	}
	left := map[bool]int{}
	for _, n := range slices.Backward(all) {
		r, err := h.load(n)
		if err != nil || n == current || !r.State.Ended() {
			continue
		}
		good := r.State == server.Confirmed
		if left[good]++; left[good] <= h.keep {
			continue
		}
		if err := h.erase(dirOf(n)); err != nil {
			return err
		}
	}
	return nil
}

package helper

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// probe answers for all that was asked for. It makes nothing, not even the
// directory of generations.
func (h *Helper) probe(q server.ProbeRequest) (*server.Facts, error) {
	system := h.os.System()
	f := &server.Facts{
		Hostname: system.Hostname, OS: system.OS, Arch: system.Arch,
		BootID: h.os.BootID(), Clock: h.os.Now().UTC(),
		Files: map[string]server.FileFact{}, Problems: map[string]string{},
	}
	problem := func(part string, err error) {
		if err != nil {
			f.Problems[part] = err.Error()
		}
	}
	problem(server.PartTransaction, cmp.Or(h.probeTransaction(f), h.probeHome()))
	for _, file := range q.Files {
		f.Files[file.Path] = h.probeFile(file, q.Key)
	}
	var err error
	if len(q.Units)+len(f.ManagedUnits) > 0 {
		f.Units, err = h.os.Units(append(append([]string{}, q.Units...), f.ManagedUnits...))
		problem("units", err)
	}
	if len(q.Packages) > 0 {
		f.Packages, err = h.os.Packages(q.Packages)
		problem("packages", err)
	}
	f.Network, err = h.os.Network()
	problem("network", err)
	f.Guard = h.guard()
	if q.Around != nil {
		f.Around = h.around(*q.Around, problem)
	}
	if q.First != nil && f.Current == 0 && f.Problems[server.PartTransaction] == "" {
		f.Printed = h.print(q.First.Commands, time.Duration(q.First.Seconds)*time.Second)
	}
	for _, m := range q.Links {
		l, ok := findLink(f.Network, m)
		if !ok || l.Name == loopback {
			f.Owners = append(f.Owners, server.Owner{Link: l.Name, Manager: server.Nobody, Known: true})
			continue
		}
		o, err := h.ownerOf(l)
		if err != nil {
			o.Known, o.Why = false, err.Error()
		}
		f.Owners = append(f.Owners, o)
	}
	return f, nil
}

// probeTransaction answers for generations: which is current and what it
// manages, which is pending, how the last one ended.
func (h *Helper) probeTransaction(f *server.Facts) error {
	all, err := h.numbers()
	if err != nil {
		return err
	}
	pending, err := h.pending()
	if err != nil {
		return err
	}
	if f.Current, err = h.current(); err != nil {
		return err
	}
	for _, n := range slices.Backward(all) {
		r, err := h.load(n)
		if err != nil {
			continue // half pruned, or never begun
		}
		r.Status.Current = n == f.Current
		switch {
		case n == pending:
			f.Pending = &r.Status
		case r.State.Ended() && f.Last == nil:
			f.Last = &r.Status
		}
		if f.Last != nil && (pending == 0 || n <= pending) {
			break // no older one is asked for
		}
	}
	if pending != 0 && f.Pending == nil {
		return fmt.Errorf("generation %d is pending, and its record cannot be read", pending)
	}
	if f.Current == 0 {
		return nil
	}
	m, err := h.manifest(f.Current)
	if err != nil {
		return err
	}
	for _, u := range m.Units {
		f.ManagedUnits = append(f.ManagedUnits, u.Name)
	}
	for _, file := range m.Files {
		s, err := h.stands(file.Path)
		if err == nil && s.Kind == server.IsAbsent {
			continue // nobody has to remove it any more
		}
		f.Managed = append(f.Managed, file.Path)
		f.Files[file.Path] = h.probeFile(server.FileQuestion{Path: file.Path, Secret: file.Secret, Sum: file.Sum}, nil)
	}
	return nil
}

// probeHome says why no change can be taken here, where that can be seen:
// something else stands where raiz keeps what it needs. What is not there yet
// is made by the first change.
func (h *Helper) probeHome() error {
	for _, dir := range []string{state.Home, generationsDir, fencesDir} {
		if err := h.isDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	switch i, err := h.os.Look(lockFile); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case i.Kind == server.IsLink:
		return fmt.Errorf("%s is a symbolic link, where raiz needs a file of its own: move it away", lockFile)
	case i.Kind != server.IsFile:
		return fmt.Errorf("%s is a directory or a device, where raiz needs a file of its own: move it away", lockFile)
	}
	return nil
}

// isDir is nil for a directory, or an error that is fs.ErrNotExist for nothing.
func (h *Helper) isDir(path string) error {
	switch i, err := h.os.Look(path); {
	case err != nil:
		return err
	case i.Kind == server.IsLink:
		return fmt.Errorf("%s is a symbolic link, where raiz needs a directory of its own: move it away", path)
	case i.Kind == server.IsFile:
		return fmt.Errorf("%s is a file, where raiz needs a directory of its own: move it away", path)
	}
	return nil
}

// probeFile answers for one path. Without a key nothing is said of the bytes of
// a secret.
func (h *Helper) probeFile(q server.FileQuestion, key []byte) server.FileFact {
	s, err := h.stands(q.Path)
	is := secrecy(q.Secret)
	f := server.FileFact{Kind: s.Kind, Standing: s.word(is)}
	switch {
	case err != nil:
		f.Kind, f.Why = server.IsDenied, why(err)
	case s.Kind == server.IsLink:
		f.Link = s.Link
	case s.Kind == server.IsFile:
		f.Mode, f.Owner, f.Group, f.Fixed = s.bits(), s.Owner, s.Group, s.Fixed
		switch {
		case q.Secret && len(key) > 0:
			f.Sum = keyed(key, s.Data)
		case !q.Secret:
			f.Sum = s.Sum
			if q.Sum != "" && s.Sum != q.Sum && len(s.Data) <= server.MaxShown {
				f.Data = s.Data
			}
		}
		if q.Runtime != nil {
			f.Amiss, f.Unseen = h.probeRunning(q.Path, q.Runtime)
			if word := runsWord(f.Amiss, f.Unseen); word != "" {
				f.Standing += runsOther + word
			}
		}
	}
	return f
}

// why says why a path could not be looked at.
func why(err error) string {
	switch {
	case errors.Is(err, ErrLink):
		return "a symbolic link is on the way to it, which raiz does not follow"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied"
	}
	return err.Error()
}

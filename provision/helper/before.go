package helper

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
)

// before is what stood before a generation, taken before anything changes.
type before struct {
	difference
	Files   []then         `json:"files"`          // one for each change
	Dirs    []string       `json:"dirs,omitempty"` // made on the way, outermost first
	Passing []then         `json:"passing,omitempty"`
	Units   []unitThen     `json:"units"`
	Network server.Network `json:"network"`
	Running []runningThen  `json:"running,omitempty"`
	Boot    string         `json:"boot"` // in which it was taken
}

// then is what stood at one path. Its bytes are in then/INDEX, and under a
// second name beside the file while the generation is pending.
type then struct {
	Path  string      `json:"path"`
	Kind  server.Kind `json:"kind"`
	Mode  fs.FileMode `json:"mode,omitempty"`
	Owner string      `json:"owner,omitempty"`
	Group string      `json:"group,omitempty"`
	Link  string      `json:"link,omitempty"`
	Sum   string      `json:"sum,omitempty"`
	// Secret bytes are kept only as long as the generation is pending, and their
	// sum, by which they could be guessed, in a file of its own that goes with
	// them.
	Secret bool `json:"secret,omitempty"`
	// New and Old are the names beside it, in a directory that nobody else may
	// change.
	New string `json:"new"`
	Old string `json:"old"`
	// Exposed says that somebody but root may change the directory that it is
	// in, or is to be in.
	Exposed bool `json:"exposed,omitempty"`
}

// unitThen is how a unit was.
type unitThen struct {
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
	Active  bool   `json:"active"`
	Known   bool   `json:"known"` // it had a file
}

// was reports whether what stands is what stood. A secret of which the sum is
// gone stands: it was forgotten when all had been put back.
func (t then) was(s standing) bool {
	if t.Kind != s.Kind {
		return false
	}
	switch t.Kind {
	case server.IsFile:
		return (t.Sum == s.Sum || t.forgotten()) && t.Mode == s.Mode && t.Owner == s.Owner && t.Group == s.Group
	case server.IsLink:
		return t.Link == s.Link
	}
	return true
}

func (t then) secret() bool { return t.Secret && t.Kind == server.IsFile }

func (t then) forgotten() bool { return t.secret() && t.Sum == "" }

func (t then) attributes() Attributes {
	return Attributes{Mode: t.Mode, Owner: t.Owner, Group: t.Group}
}

// snapshot takes down all that the difference is about to change, and keeps
// its bytes.
func (h *Helper) snapshot(n int, d difference) (before, error) {
	b := before{difference: d, Boot: h.os.BootID()}
	if err := h.os.MakeDir(dirOf(n)+"/then", 0o700); err != nil {
		return b, err
	}
	for i, c := range d.Changes {
		t, err := h.takeDown(n, i, c)
		if err != nil {
			return b, err
		}
		b.Files = append(b.Files, t)
		dirs, err := h.missing(path.Dir(c.Path))
		if err != nil {
			return b, err
		}
		for _, dir := range dirs {
			if !slices.Contains(b.Dirs, dir) && c.Kind != remove {
				b.Dirs = append(b.Dirs, dir)
			}
		}
	}
	for i, p := range passing(d.Owners) {
		t, err := h.takeDown(n, len(d.Changes)+i, change{Path: p})
		if err != nil {
			return b, err
		}
		b.Passing = append(b.Passing, t)
	}
	if err := h.snapshotRunning(n, &b); err != nil {
		return b, err
	}
	if err := h.os.Flush(dirOf(n) + "/then"); err != nil {
		return b, err
	}
	if err := h.snapshotEffect(&b); err != nil {
		return b, err
	}
	return b, h.writeBefore(n, b)
}

// writeBefore writes a snapshot down, without what secrets could be guessed by.
func (h *Helper) writeBefore(n int, b before) error {
	b.Files = slices.Clone(b.Files)
	for i, t := range b.Files {
		if t.secret() {
			b.Files[i].Sum = ""
		}
	}
	return h.putJSON(beforeOf(n), b)
}

// before reads what stood before a generation.
func (h *Helper) before(n int) (before, error) {
	var b before
	if err := h.readJSON(beforeOf(n), &b); err != nil {
		return b, err
	}
	for i, t := range b.Files {
		if !t.secret() {
			continue
		}
		sum, err := h.os.Read(sumThen(n, i))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return b, fmt.Errorf("read the sum of what %s was: %w", t.Path, err)
		}
		b.Files[i].Sum = string(sum)
	}
	return b, nil
}

// takeDown keeps what stands at one path.
func (h *Helper) takeDown(n, i int, c change) (then, error) {
	s, err := h.stands(c.Path)
	if err != nil {
		return then{}, err
	}
	t := then{Path: c.Path, Kind: s.Kind, Mode: s.Mode, Owner: s.Owner, Group: s.Group, Link: s.Link, Sum: s.Sum, Secret: bool(c.Secret)}
	switch s.Kind {
	case server.IsOther:
		return t, refused("%s is neither a file nor a link; move it away by hand", c.Path)
	case server.IsFile:
		if s.Special {
			return t, refused("%s has a set-user-ID, set-group-ID or sticky bit; take it away by hand", c.Path)
		}
		if err := h.write(bytesThen(n, i), s.Data); err != nil {
			return t, fmt.Errorf("keep %s: %w", c.Path, err)
		}
		if !t.secret() {
			break
		}
		if err := h.write(sumThen(n, i), []byte(s.Sum)); err != nil {
			return t, fmt.Errorf("keep the sum of %s: %w", c.Path, err)
		}
	}
	safe, err := h.os.Safe(c.Path)
	if err != nil {
		return t, fmt.Errorf("%s: %w", c.Path, err)
	}
	way, err := h.missing(path.Dir(c.Path))
	if err != nil {
		return t, err
	}
	t.Exposed = safe != path.Dir(append(way, c.Path)[0])
	t.New = path.Join(safe, fmt.Sprintf(".raiz-%d-%d.new", n, i))
	t.Old = path.Join(safe, fmt.Sprintf(".raiz-%d-%d.old", n, i))
	return t, nil
}

// missing are the directories on a way that are not there, outermost first.
func (h *Helper) missing(dir string) ([]string, error) {
	var out []string
	for ; dir != "/"; dir = path.Dir(dir) {
		info, err := h.os.Look(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			out = append(out, dir)
			continue
		case err != nil:
			return nil, err
		case info.Kind != server.IsOther:
			return nil, refused("%s is no directory", dir)
		}
		break
	}
	slices.Reverse(out)
	return out, nil
}

// snapshotEffect takes down units and network.
func (h *Helper) snapshotEffect(b *before) error {
	facts, err := h.os.Units(b.units)
	if err != nil {
		return err
	}
	for _, name := range b.units {
		u := facts[name]
		b.Units = append(b.Units, unitThen{Name: name, Enabled: enabled(u), Active: running(u), Known: u.Load != "not-found" && u.Load != ""})
	}
	if b.Network, err = h.os.Network(); err != nil {
		return fmt.Errorf("look at the network: %w", err)
	}
	return nil
}

// enabled reports whether systemd starts a unit at boot.
func enabled(u server.UnitFact) bool { return u.File == "enabled" }

// running reports whether a unit does its work, or is about to.
func running(u server.UnitFact) bool {
	switch u.Active {
	case "active", "reloading", "activating":
		return true
	}
	return false
}

// waitUnits looks again until units are as they should be, and says which is
// not.
func (h *Helper) waitUnits(limit time.Duration, names []string, fits func(string, server.UnitFact) bool) (string, error) {
	end := h.os.Uptime() + limit
	for {
		facts, err := h.os.Units(names)
		if err != nil {
			return "", err
		}
		i := slices.IndexFunc(names, func(n string) bool { return !fits(n, facts[n]) })
		if i < 0 {
			return "", nil
		}
		if h.os.Uptime() >= end {
			return names[i], nil
		}
		h.os.Sleep(pause)
	}
}

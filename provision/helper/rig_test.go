package helper

import (
	"io/fs"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
)

// rig is as much of an operating system as links and their managers need. What
// is asked of it is written down.
type rig struct {
	OS
	files  map[string]string
	units  map[string]server.UnitFact
	net    server.Network
	now    time.Duration
	broken string // what is asked that fails
	did    []string
	later  func(*rig) // happens at each pause
	// What others have on the machine.
	sockets []server.Socket
	failed  []string
}

func (r *rig) does(what ...string) error {
	line := strings.Join(what, " ")
	r.did = append(r.did, line)
	if r.broken != "" && strings.HasPrefix(line, r.broken) {
		return fs.ErrInvalid
	}
	return nil
}

func (r *rig) Look(p string) (Info, error) {
	if r.broken == "look at "+p {
		return Info{}, fs.ErrPermission
	}
	return papers(r.files).look(p)
}

func (r *rig) Read(p string) ([]byte, error) {
	if r.broken == "read "+p {
		return nil, fs.ErrPermission
	}
	if text, is := r.files[p]; is {
		return []byte(text), nil
	}
	return nil, fs.ErrNotExist
}

func (r *rig) List(dir string) ([]string, error) {
	if r.broken == "list "+dir {
		return nil, fs.ErrPermission
	}
	return papers(r.files).list(dir)
}

func (r *rig) Units(names []string) (map[string]server.UnitFact, error) {
	if r.broken == "units" {
		return nil, fs.ErrInvalid
	}
	return those(r.units, names), nil
}

func (r *rig) Network() (server.Network, error) {
	if r.broken == "network" {
		return server.Network{}, fs.ErrInvalid
	}
	return r.net, nil
}

func (r *rig) Uptime() time.Duration { return r.now }

func (r *rig) Sleep(d time.Duration) {
	r.now += d
	if r.later != nil {
		r.later(r)
	}
}

func (r *rig) Run(argv []string, _ time.Duration) (string, error) { return "", r.does(argv...) }

func (r *rig) DelRoute(o server.Route) error { return r.does("del route", o.Via) }

func (r *rig) DelAddress(link, a string) error { return r.does("del", a, link) }

func (r *rig) AddAddress(link string, a server.AddressFact) error {
	return r.does("add", a.Address, link)
}

func (r *rig) Remove(p string) error {
	if _, is := r.files[p]; !is {
		return fs.ErrNotExist
	}
	if err := r.does("remove", p); err != nil {
		return err
	}
	delete(r.files, p)
	return nil
}

func (r *rig) Create(p string, text []byte, _ Attributes) error {
	r.files[p] = string(text)
	return r.does("create", p)
}

func (r *rig) Symlink(text, p string) error {
	r.files[p] = "-> " + text
	return r.does("link", p)
}

func (r *rig) MakeDir(dir string, _ fs.FileMode) error { return r.does("mkdir", dir) }

func (r *rig) Rename(from, to string) error {
	if err := r.does("rename", from); err != nil {
		return err
	}
	r.files[to] = r.files[from]
	delete(r.files, from)
	return nil
}

func (r *rig) Flush(p string) error { return r.does("flush", p) }

func (r *rig) Now() time.Time { return time.Unix(0, 0) }

func (r *rig) BootID() string { return "boot" }

func (r *rig) helper() *Helper { return New(r, Options{}) }

// runningUnits are units that run.
func runningUnits(names ...string) map[string]server.UnitFact {
	out := map[string]server.UnitFact{}
	for _, n := range names {
		out[n] = server.UnitFact{Load: "loaded", Active: "active", File: "enabled"}
	}
	return out
}

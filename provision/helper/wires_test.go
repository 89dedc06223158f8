package helper

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
)

// wires is a kernel with the links, routes and rules of a server, with a systemd
// and commands that only note what they were asked. As in Linux, of the
// addresses of one network of IPv4 the first is the primary one, and the others
// go with it.
type wires struct {
	OS
	net   server.Network
	files map[string]string
	units map[string]server.UnitFact
	armed bool
	// special is a file with a set-user-ID bit.
	special string
	now     time.Duration
	late    func(*wires) // what the manager of before brings, once
	after   time.Duration
	broken  string // what is asked that fails, from its first word on
	acted   func(line string)
	// promotes is promote_secondaries of Linux, which systemd sets.
	promotes bool
	did      []string
}

func (w *wires) does(what ...string) error {
	line := strings.TrimSpace(strings.Join(what, " "))
	w.did = append(w.did, line)
	if w.acted != nil {
		w.acted(line)
	}
	if w.broken != "" && strings.HasPrefix(line+"\n", w.broken) {
		return syscall.EIO
	}
	return nil
}

func (w *wires) Network() (server.Network, error) {
	if w.broken == "look" {
		return server.Network{}, syscall.EIO
	}
	n := server.Network{Routes: slices.Clone(w.net.Routes), Rules: slices.Clone(w.net.Rules)}
	for _, l := range w.net.Links {
		l.Addresses = slices.Clone(l.Addresses)
		for i, a := range l.Addresses {
			l.Addresses[i].Secondary = isIPv4(a.Address) && slices.ContainsFunc(l.Addresses[:i], func(o server.AddressFact) bool { return isIPv4(o.Address) })
		}
		n.Links = append(n.Links, l)
	}
	return n, nil
}

func (w *wires) link(name string) *server.LinkFact {
	return &w.net.Links[slices.IndexFunc(w.net.Links, func(l server.LinkFact) bool { return l.Name == name })]
}

func (w *wires) SetLink(f server.LinkFact) error {
	if w.broken == "set" {
		return syscall.EIO
	}
	l := w.link(f.Name)
	l.MTU, l.Set = f.MTU, f.Set
	return w.does("set", f.Name)
}

func (w *wires) AddAddress(link string, a server.AddressFact) error {
	if err := w.does("add", a.Address); err != nil {
		return err
	}
	l := w.link(link)
	l.Addresses = append(l.Addresses, a)
	return nil
}

func (w *wires) DelAddress(link, prefix string) error {
	if err := w.does("del", prefix); err != nil {
		return err
	}
	l := w.link(link)
	i := slices.IndexFunc(l.Addresses, func(a server.AddressFact) bool { return a.Address == prefix })
	if i < 0 {
		return fs.ErrNotExist
	}
	primary := isIPv4(prefix) && !slices.ContainsFunc(l.Addresses[:i], func(a server.AddressFact) bool { return isIPv4(a.Address) })
	l.Addresses = slices.Delete(l.Addresses, i, i+1)
	if primary && !w.promotes {
		l.Addresses = slices.DeleteFunc(l.Addresses, func(a server.AddressFact) bool { return isIPv4(a.Address) })
	}
	return nil
}

func (w *wires) AddRoute(r server.Route) error {
	if r.Via != "" && len(w.link(r.Dev).Addresses) == 0 {
		return syscall.ENETUNREACH
	}
	w.net.Routes = append(w.net.Routes, r)
	return w.does("add route", r.To, r.Via)
}

func (w *wires) DelRoute(r server.Route) error {
	w.net.Routes = slices.DeleteFunc(w.net.Routes, func(o server.Route) bool { return o == r })
	return w.does("del route", r.To, r.Via)
}

func (w *wires) AddRule(r server.Rule) error {
	if slices.Contains(w.net.Rules, r) {
		return fs.ErrExist
	}
	w.net.Rules = append(w.net.Rules, r)
	return w.does("add rule", r.From)
}

func (w *wires) DelRule(r server.Rule) error {
	w.net.Rules = slices.DeleteFunc(w.net.Rules, func(o server.Rule) bool { return o == r })
	return w.does("del rule", r.From)
}

func (w *wires) Read(file string) ([]byte, error) {
	if w.broken == "read "+file {
		return nil, syscall.EIO
	}
	if text, is := w.files[file]; is {
		return []byte(text), nil
	}
	if w.broken == "read" {
		return nil, syscall.EIO
	}
	return nil, fs.ErrNotExist
}

func (w *wires) Do(op Op, unit string, limit time.Duration) error {
	return w.does(string(op), unit, limit.String())
}
func (w *wires) Run(argv []string, _ time.Duration) (string, error) {
	return "", w.does(argv...)
}
func (w *wires) Log(line string)       { w.did = append(w.did, line) }
func (w *wires) Uptime() time.Duration { return w.now }
func (w *wires) Now() time.Time        { return time.Unix(0, 0) }

func (w *wires) Sleep(d time.Duration) {
	if w.now += d; w.late != nil && w.now >= w.after {
		w.late(w)
		w.late = nil
	}
}

func (w *wires) helper() *Helper { return New(w, Options{}) }

// A disk that forgets nothing, for the server of wires.

func (w *wires) Look(file string) (Info, error) {
	if w.broken == "look at "+file {
		return Info{}, syscall.EIO
	}
	i, err := papers(w.files).look(file)
	if i.Kind == server.IsFile {
		i.Special, i.Stamp = file == w.special, "stamp"
	}
	return i, err
}

func (w *wires) List(dir string) ([]string, error) {
	if w.broken == "list "+dir {
		return nil, syscall.EIO
	}
	return papers(w.files).list(dir)
}

func (w *wires) Create(file string, data []byte, _ Attributes) error {
	if err := w.does("create", file); err != nil {
		return err
	}
	w.files[file] = string(data)
	return nil
}

func (w *wires) Symlink(text, file string) error {
	return w.Create(file, []byte("-> "+text), Attributes{})
}

func (w *wires) Rename(from, to string) error {
	if err := w.does("rename", to); err != nil {
		return err
	}
	w.files[to] = w.files[from]
	delete(w.files, from)
	return nil
}

func (w *wires) Remove(file string) error {
	i, err := w.Look(file)
	switch {
	case err != nil:
		return err
	case i.Kind == server.IsOther:
		return syscall.ENOTEMPTY
	}
	if err := w.does("remove", file); err != nil {
		return err
	}
	delete(w.files, file)
	return nil
}

func (w *wires) Flush(file string) error                 { return w.does("flush", file) }
func (w *wires) MakeDir(dir string, _ fs.FileMode) error { return w.does("mkdir", dir) }
func (w *wires) Safe(file string) (string, error) {
	if w.broken == "safe "+file {
		return "", ErrExposed
	}
	return path.Dir(file), nil
}
func (w *wires) BootID() string { return "this boot" }

func (w *wires) Units(names []string) (map[string]server.UnitFact, error) {
	if w.broken == "units" {
		return nil, syscall.EIO
	}
	return those(w.units, names), nil
}

func (w *wires) Lock(string, string, time.Duration) (func(), error) {
	if err := w.does("lock"); err != nil {
		return nil, ErrLocked
	}
	return func() { w.did = append(w.did, "unlock") }, nil
}

func (w *wires) Arm(after time.Duration) error {
	w.armed = true
	return w.does("arm", after.String())
}

func (w *wires) IsArmed() (bool, error) {
	if w.broken == "is armed" {
		return false, syscall.EIO
	}
	return w.armed, nil
}

func (w *wires) Disarm() error {
	w.armed = false
	return w.does("disarm")
}

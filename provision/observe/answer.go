package observe

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// far is an answer of a server, and what it was an answer to.
type far struct {
	want  *state.Set
	seen  server.Facts
	key   []byte
	links map[string]link // by what they were asked for with
}

// link is a link of the server with all that is said of it.
type link struct {
	found    bool
	fact     server.LinkFact
	owner    server.Owner
	defaults []string // gateways of default routes through it
}

func (f far) link(m server.Match, i int) link {
	var l link
	for _, fact := range f.seen.Network.Links {
		if fact.Name == m.Name || m.MAC != "" && strings.EqualFold(fact.MAC, m.MAC) {
			l.found, l.fact = true, fact
			break
		}
	}
	if i < len(f.seen.Owners) {
		l.owner = f.seen.Owners[i]
	}
	for _, r := range f.seen.Network.Routes {
		if l.found && server.IsDefault(r) && r.Dev == l.fact.Name {
			l.defaults = append(l.defaults, r.Via)
		}
	}
	return l
}

// answer is what is there of a wanted thing, or why nobody knows. Without its
// generations a server does not know what it has of raiz's, and can take no
// change either.
func (f far) answer(it state.Item) (state.Value, error) {
	if why := f.seen.Problems[server.PartTransaction]; why != "" {
		return nil, fmt.Errorf("the server cannot take a change: %s", why)
	}
	switch it.Key.Kind {
	case state.Path:
		return f.file(it)
	case state.Unit:
		return f.unit(it.Key.Name)
	case state.Package:
		if err := f.problem("packages"); err != nil {
			return nil, err
		}
		if _, ok := f.seen.Packages[it.Key.Name]; ok {
			return state.Text("installed"), nil
		}
		return nil, nil
	case state.Live:
		return f.live(it.Key)
	case state.Running:
		return f.running(it.Key.Name)
	}
	panic("observe: no way to look at " + it.Key.String())
}

func (f far) problem(part string) error {
	if why := f.seen.Problems[part]; why != "" {
		return fmt.Errorf("the server cannot look at its %s: %s", part, why)
	}
	return nil
}

func (f far) file(it state.Item) (state.Value, error) {
	a, ok := f.seen.Files[it.Key.Name]
	switch {
	case !ok:
		return nil, errors.New("the server did not answer for it")
	case a.Kind == server.IsAbsent:
		return nil, nil
	case a.Kind == server.IsLink:
		return state.Text("link to " + a.Link), nil
	case a.Kind == server.IsDenied:
		return nil, errors.New("the server cannot look at it: " + a.Why)
	case a.Kind != server.IsFile:
		return nil, errors.New("is neither a file nor a link; move it away by hand")
	}
	want, _ := it.Value.(state.File)
	have, err := f.fileValue(a, want)
	if err == nil && a.Fixed && !want.Equal(have) {
		err = errors.New("it differs, and is immutable or append-only; on the server type: chattr -ia " + it.Key.Name)
	}
	return have, err
}

// empty is the SHA-256 of a file without bytes.
const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// fileValue is what stands, as it compares with what is wanted. Of a secret the
// server says a keyed sum, with a key that only this run has.
func (f far) fileValue(a server.FileFact, want state.File) (state.File, error) {
	out := state.File{Mode: fs.FileMode(a.Mode), Owner: a.Owner, Group: a.Group, Secret: want.Secret, Token: a.Standing}
	sum, err := hex.DecodeString(a.Sum)
	if err != nil || len(sum) != sha256.Size {
		return out, fmt.Errorf("sum %.80q is not a SHA-256", a.Sum)
	}
	if want.Secret {
		mac := hmac.New(sha256.New, f.key)
		mac.Write(want.Data)
		if hmac.Equal(mac.Sum(nil), sum) {
			out.Sum = want.Sum
		}
		return out, nil
	}
	copy(out.Sum[:], sum)
	if a.Data == nil && a.Sum == empty {
		a.Data = []byte{} // which JSON leaves out
	}
	if a.Data != nil {
		if sha256.Sum256(a.Data) != out.Sum {
			// A diff over other bytes would show what is not going to be replaced.
			return out, errors.New("it changed while it was read")
		}
		out.Data = a.Data
	}
	return out, nil
}

// running is what runs of a file that is there.
func (f far) running(path string) (state.Value, error) {
	a, ok := f.seen.Files[path]
	switch {
	case !ok:
		return nil, errors.New("the server did not answer for it")
	case a.Kind != server.IsFile:
		return nil, nil // what is said of the file says all
	case a.Unseen != "":
		return nil, errors.New("the server cannot see whether it is in effect: " + a.Unseen)
	case len(a.Amiss) > 0:
		return state.Attr{Values: a.Amiss}, nil
	}
	return state.AsDeclared(), nil
}

func (f far) unit(name string) (state.Value, error) {
	if err := f.problem("units"); err != nil {
		return nil, err
	}
	u, ok := f.seen.Units[name]
	if !ok {
		return nil, errors.New("systemd did not answer for it")
	}
	if u.Load == "not-found" {
		return nil, nil
	}
	return serviceOf(u), nil
}

func serviceOf(u server.UnitFact) state.Service {
	enabled := u.File == "enabled" || u.File == "static" || u.File == "alias"
	return state.Service{Enabled: enabled, Active: u.Active == "active" || u.Active == "reloading"}
}

// live answers for an address, a default route, or the manager of a link.
func (f far) live(k state.Key) (state.Value, error) {
	if err := f.problem("network"); err != nil {
		return nil, err
	}
	what, iface, value := k.Live()
	l := f.links[iface]
	switch {
	case !l.found:
		return nil, nil
	case what == state.LiveAddress:
		return f.address(l, value)
	case what == state.LiveDefault && slices.Contains(l.defaults, value):
		return state.Text("present"), nil
	case what == state.LiveMTU && l.fact.MTU > 0:
		return state.Text(strconv.Itoa(l.fact.MTU)), nil
	case what == state.LiveManager && !l.owner.Known:
		return nil, fmt.Errorf("%s is managed by %s: %s", iface, l.owner.Manager, l.owner.Why)
	case what == state.LiveManager:
		return state.Text(managerWords(l.owner)), nil
	}
	return nil, nil
}

// managerWords name a manager, and what of it matters to whoever reviews that
// it loses a link.
func managerWords(o server.Owner) string {
	if o.Manager != server.Networkd && o.Lease {
		return o.Manager + " (DHCP)"
	}
	return o.Manager
}

func (f far) address(l link, address string) (state.Value, error) {
	prefix, err := netip.ParsePrefix(address)
	if err != nil {
		panic("observe: " + err.Error())
	}
	for _, a := range l.fact.Addresses {
		if a.Address != prefix.String() {
			continue
		}
		if a.Seconds > 0 {
			return state.Text("leased"), nil
		}
		return state.Text("present"), nil
	}
	return nil, nil
}

// orphans are things that are wanted no more, or by nobody: files and units of
// the generation that stands now, and what is on a managed link beside what is
// declared.
func (f far) orphans() []state.Fact {
	var facts []state.Fact
	add := func(k state.Key, v state.Value) {
		if _, wanted := f.want.Get(k); !wanted {
			facts = append(facts, state.Fact{Key: k, Value: v})
		}
	}
	for _, path := range f.seen.Managed {
		add(state.Key{Kind: state.Path, Name: path}, state.File{Token: f.seen.Files[path].Standing})
	}
	for _, name := range f.seen.ManagedUnits {
		if u, ok := f.seen.Units[name]; ok && u.Load != "not-found" {
			if s := serviceOf(u); s.Active || u.File == "enabled" {
				add(state.Key{Kind: state.Unit, Name: name}, s)
			}
		}
	}
	for iface, l := range f.links {
		for _, a := range l.fact.Addresses {
			p, err := netip.ParsePrefix(a.Address)
			if err != nil || p.Addr().IsLoopback() {
				continue
			}
			add(state.AddressKey(iface, a.Address), state.Text("present"))
		}
		for _, g := range l.defaults {
			if l.fact.Name != "lo" {
				add(state.DefaultKey(iface, g), state.Text("present"))
			}
		}
	}
	return facts
}

package sim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/raiz-dns/raiz/provision/helper/promise"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// probed says what a probe tells of a world that is not so. What is so is looked
// up in the machine; past is what the server says of its generations.
func (w *world) probed(past []server.Status) error {
	q := server.ProbeRequest{
		Key: []byte("0123456789abcdef0123456789abcdef"), Packages: []string{"nsd", "no-such-package"},
		Units: []string{networkdUnit, "nsd.service", "no-such.service"},
		Links: []server.Match{{Name: "eno1"}, {Name: "lo"}, {Name: "eno9"}},
	}
	wanted := map[string]string{}
	for _, f := range w.base.manifest(w.x, w.sides[len(w.sides)-1].want).Files {
		wanted[f.Path] = f.Sum
	}
	for _, p := range paths() {
		file := server.FileQuestion{Path: p, Secret: p == birdConf}
		if !file.Secret {
			file.Sum = wanted[p]
		}
		q.Files = append(q.Files, file)
	}
	f, err := w.probe(q)
	if err != nil {
		return err
	}
	for _, file := range q.Files {
		if err := w.fileIs(f.Files[file.Path], file, q.Key); err != nil {
			return fmt.Errorf("%s: %w", file.Path, err)
		}
	}
	for _, name := range q.Units {
		if f.Units[name].Active != w.m.unit(name).active {
			return fmt.Errorf("%s is %q, told %q", name, w.m.unit(name).active, f.Units[name].Active)
		}
	}
	if len(f.Packages) != 1 || f.Packages["nsd"] == "" {
		return fmt.Errorf("packages are %v", f.Packages)
	}
	owners := make([]string, 0, len(f.Owners))
	for _, o := range f.Owners {
		owners = append(owners, o.Manager)
	}
	if want := []string{w.manager(), server.Nobody, server.Nobody}; !slices.Equal(owners, want) {
		return fmt.Errorf("links are managed by %v, told %v", want, owners)
	}
	if err := w.generationsAre(f, past); err != nil {
		return err
	}
	return w.unaskedIs(f)
}

// goesBack: a rollback that nothing disturbs is confirmed; one that was planned
// before somebody else's change is refused, and changes nothing.
func (w *world) goesBack(p Path) error {
	if w.x.Event != NoEvent || len(p.Crashes) > 0 {
		return nil
	}
	for _, s := range w.sides {
		want := promise.Confirmed
		if s.pause > 0 {
			want = promise.Nothing
		}
		if s.want.Again != 0 && s.told != want {
			return fmt.Errorf("it was told %q, not %q: %s", s.told, want, s.said)
		}
	}
	return nil
}

func (w *world) probe(q server.ProbeRequest) (*server.Facts, error) {
	a := w.asked(server.Request{Verb: server.VerbProbe, Probe: &q})
	if a.Error != nil || len(a.Facts.Problems) > 0 {
		return nil, fmt.Errorf("it could not look: %v, %v", a.Error, a.Facts)
	}
	return a.Facts, nil
}

// fileIs compares what is told of a path with what stands there.
func (w *world) fileIs(f server.FileFact, q server.FileQuestion, key []byte) error {
	var want server.FileFact
	switch n := w.inode(q.Path); {
	case n == nil:
		want.Kind = server.IsAbsent
	case n.kind == symlink:
		want.Kind, want.Link = server.IsLink, string(n.data.data)
	case n.kind == regular:
		want = server.FileFact{Kind: server.IsFile, Mode: uint32(n.attr.Mode.Perm()), Owner: n.attr.Owner, Group: n.attr.Group}
		sum := sha256.Sum256(n.data.data)
		public := hex.EncodeToString(sum[:])
		if q.Secret && strings.Contains(f.Standing, public) {
			return fmt.Errorf("told the sum of a secret")
		}
		switch {
		case q.Secret && key != nil:
			mac := hmac.New(sha256.New, key)
			mac.Write(n.data.data)
			want.Sum = hex.EncodeToString(mac.Sum(nil))
		case !q.Secret:
			want.Sum = public
			if q.Sum != "" && q.Sum != public {
				want.Data = n.data.data
			}
		}
	}
	if f.Kind != want.Kind || f.Mode != want.Mode || f.Owner != want.Owner || f.Group != want.Group || f.Link != want.Link || f.Sum != want.Sum || string(f.Data) != string(want.Data) {
		return fmt.Errorf("told %+v, and it is %+v", f, want)
	}
	return nil
}

func (w *world) inode(path string) *inode {
	at, err := w.m.disk.walk(path)
	if err != nil || !at.found {
		return nil
	}
	return &w.m.disk.inodes[at.at]
}

// manager is who has the management link: of two, who has to let go of it.
func (w *world) manager() string {
	has := w.m.net.networkd["eno1"].path
	switch {
	case w.m.disk.read(nmDevice) != nil && setting(w.m.disk.read(nmDevice), "managed") == "true":
		return server.NetworkManager
	case w.m.inState("eno1"):
		return server.Ifupdown
	case strings.HasPrefix(has, "/run/"):
		return server.Netplan
	case has != "":
		return server.Networkd
	}
	return server.Nobody
}

// generationsAre compares what is told of generations with the history.
func (w *world) generationsAre(f *server.Facts, past []server.Status) error {
	current, last, pending := 0, 0, 0
	if b := w.m.disk.read(state.Home + "/pending"); b != nil {
		pending, _ = strconv.Atoi(strings.TrimSpace(string(b.data))) // also where only the last step of it is missing
	}
	for _, p := range past {
		if p.State.Ended() && p.Number != pending {
			last = p.Number
		}
		if p.Current {
			current = p.Number
		}
	}
	number := func(s *server.Status) int {
		if s == nil {
			return 0
		}
		return s.Number
	}
	if f.Current != current || number(f.Last) != last || number(f.Pending) != pending {
		return fmt.Errorf("%d is current, %d ended last, %d is pending, and told are %d, %d, %d", current, last, pending, f.Current, number(f.Last), number(f.Pending))
	}
	m := w.managedBy(current, past)
	var managed, units []string
	for _, file := range m.Files {
		if w.inode(file.Path) != nil {
			managed = append(managed, file.Path)
		}
	}
	for _, u := range m.Units {
		units = append(units, u.Name)
		if f.Units[u.Name].Active != w.m.unit(u.Name).active {
			return fmt.Errorf("of %s of the current generation told is %+v", u.Name, f.Units[u.Name])
		}
	}
	if !slices.Equal(f.Managed, managed) || !slices.Equal(f.ManagedUnits, units) {
		return fmt.Errorf("managed are %v and %v, told are %v and %v", managed, units, f.Managed, f.ManagedUnits)
	}
	return nil
}

// managedBy is the manifest of a generation.
func (w *world) managedBy(number int, past []server.Status) (m server.Manifest) {
	i := slices.IndexFunc(past, func(p server.Status) bool { return p.Number == number })
	if i < 0 {
		return m
	}
	if g := w.runOf(past[i].Run); g > promise.Before {
		return w.base.manifest(w.x, w.want(g))
	}
	return w.base.manifest(w.x, w.x.History[len(w.x.History)-1])
}

// unaskedIs asks for nothing, without a key: told are the files that are managed,
// and of a secret nothing that it could be guessed by.
func (w *world) unaskedIs(asked *server.Facts) error {
	f, err := w.probe(server.ProbeRequest{})
	if err != nil {
		return err
	}
	if len(f.Files) != len(asked.Managed) {
		return fmt.Errorf("managed are %v, told is of %v", asked.Managed, slices.Sorted(maps.Keys(f.Files)))
	}
	for path, fact := range f.Files {
		q := server.FileQuestion{Path: path, Secret: path == birdConf}
		if !q.Secret && fact.Data != nil {
			q.Sum = "of the generation"
		}
		if err := w.fileIs(fact, q, nil); err != nil {
			return fmt.Errorf("%s of %s: %w", path, state.Home, err)
		}
	}
	return nil
}

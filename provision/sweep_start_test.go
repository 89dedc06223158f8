//go:build linux

package provision_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

// start is what a server is when the apply begins that is to be broken, and
// what changes then.
type start struct {
	name    string
	testbed rehearse.Options
	first   bool    // raiz was never there, and before is what the server was
	dns     string  // name server of variant B, where it is another one
	ownVar  bool    // /var is a mount of its own
	trouble trouble // the only one that it is broken by; "" for each that fits
	on      string  // whose rehearsals and places it has; "" for its own
	runs    int     // in make test
}

// second is the usual life of a server: one generation after the other.
const second = "second generation"

// starts are all there are. What takes longest comes first.
func starts() []start {
	disk := rehearse.Options{Disk: rehearse.DiskJournaled}
	first := func(how rehearse.Start) start {
		return start{name: "first apply from " + string(how), first: true, runs: 1, testbed: rehearse.Options{Disk: rehearse.DiskJournaled, Start: how}}
	}
	return []start{
		{name: second, testbed: disk, runs: 6},
		{name: "two operators", on: second, trouble: another, runs: 1},
		{name: "/etc read-only", on: second, trouble: readOnly, runs: 1},
		{name: "/var of its own", testbed: disk, ownVar: true, runs: 6},
		{name: "pack removed", dns: "knot", runs: 1, testbed: rehearse.Options{
			// Beside those of the pack that the rehearsal is built with.
			Disk: rehearse.DiskJournaled, Packages: []string{"ldnsutils", "nsd"},
		}},
		first(rehearse.StartNetworkd), first(rehearse.StartIfupdown), first(rehearse.StartNetplan),
	}
}

func startNamed(name string) start {
	all := starts()
	if i := slices.IndexFunc(all, func(st start) bool { return st.name == name }); i >= 0 {
		return all[i]
	}
	return start{}
}

// rehearsals are those that several starting states have in common.
type rehearsals struct {
	lead   start
	starts []start
}

func (r rehearsals) runs() int {
	n := 0
	for _, st := range r.starts {
		n += st.runs
	}
	return n
}

// beds are the rehearsals that are needed for a starting state, "" for all.
func beds(t *testing.T, name string) []rehearsals {
	t.Helper()
	var all []rehearsals
	for _, st := range starts() {
		if name != "" && st.name != name {
			continue
		}
		lead := cmp.Or(st.on, st.name)
		i := slices.IndexFunc(all, func(r rehearsals) bool { return r.lead.name == lead })
		if i < 0 {
			all, i = append(all, rehearsals{lead: startNamed(lead)}), len(all)
		}
		all[i].starts = append(all[i].starts, st)
	}
	if len(all) == 0 {
		t.Fatalf("there is no starting state %q", name)
	}
	return all
}

// bare is the variant that a server has before its first apply.
const bare = "nothing"

// variant is the one of the site, with the name server that it has from here.
func (st start) variant(s *site.Site, v string) *site.Site {
	c := variant(s, v)
	if st.dns == "" {
		return c
	}
	c.Components = maps.Clone(c.Components)
	c.Components["dns"] = "nsd"
	if v == "B" {
		c.Components["dns"] = st.dns
	}
	return c
}

// built is the site that the rehearsal is built from: its packages are those of
// the name server that the default one is not.
func (st start) built(s *site.Site) *site.Site {
	if st.dns == "" {
		return s
	}
	c := *s
	c.Components = maps.Clone(s.Components)
	c.Components["dns"] = st.dns
	return &c
}

// below is where /var is on the disk, seen from this machine.
func (st start) below() string {
	if st.ownVar {
		return "srv"
	}
	return ""
}

func exampleSite(dir string) (*site.Site, error) {
	packs, err := render.Packs(templates.FS())
	if err != nil {
		return nil, err
	}
	sites, diags := site.Load(os.DirFS(dir), "as112-gru1.hcl", site.Options{
		Operators: os.DirFS(filepath.Join(dir, "../templates/operators")), Packs: packs,
	})
	if diags.HasErrors() {
		return nil, fmt.Errorf("load the example site: %v", diags)
	}
	return soon(sites[0]), nil
}

// soon has routers leave in a second: a change is what is looked at, and none of
// its tests waits for them.
func soon(s *site.Site) *site.Site {
	c := *s
	c.PackOptions = maps.Clone(s.PackOptions)
	if c.PackOptions == nil {
		c.PackOptions = map[string]map[string]any{}
	}
	c.PackOptions["guard"] = map[string]any{"drain": int64(1)}
	return &c
}

// worker is one rehearsal that jobs are run on, one after the other.
type worker struct {
	t      *testing.T
	start  start
	g      *rehearse.Testbed
	at     string           // variant that stands
	refs   map[string]looks // what variants look like
	dir    string
	helper string // folder with the stepping helper
}

func newWorker(t *testing.T, st start) (*worker, error) {
	t.Helper()
	dir := "../sites"
	s, err := exampleSite(dir)
	if err != nil {
		return nil, err
	}
	g, err := rehearse.Up(t.Context(), st.built(s), st.testbed)
	if err != nil {
		return nil, err
	}
	w := &worker{t: t, start: st, g: g, refs: map[string]looks{}, dir: dir}
	t.Cleanup(w.down)
	if st.first {
		w.at = bare
		w.note(bare)
		if err := g.KeepDisk(t.Context()); err != nil {
			return nil, err
		}
		return w, g.Server.Boot(t.Context())
	}
	if err := w.converge("A"); err != nil {
		return nil, fmt.Errorf("first apply: %w", err)
	}
	if st.ownVar {
		return w, w.moveVar()
	}
	return w, nil
}

// down makes room for another rehearsal.
func (w *worker) down() {
	if w.g == nil {
		return
	}
	if err := w.g.Down(context.Background()); err != nil {
		w.t.Error(err)
	}
	w.g = nil
}

// moveVar gives /var a mount of its own, which systemd makes at boot. A
// container has no block device: the disk under it is the same.
func (w *worker) moveVar() error {
	if err := w.g.Server.Kill(w.t.Context()); err != nil {
		return err
	}
	// Below the mount nothing is left: what looks there too early finds nothing.
	script := `cd "$1" && cp --archive var srv/ && find var -mindepth 1 -delete && echo '/srv/var /var none bind 0 0' >>etc/fstab`
	if out, err := exec.Command("sh", "-euc", script, "sh", w.g.Server.Root()).CombinedOutput(); err != nil {
		return fmt.Errorf("move /var: %w: %s", err, out)
	}
	return w.g.Server.Boot(w.t.Context())
}

// next is the variant that the next apply goes to.
func (w *worker) next() string {
	if w.start.first {
		return "A"
	}
	return other(w.at)
}

// fresh has a server that begins with nothing do so again.
func (w *worker) fresh() error {
	if !w.start.first || w.at == bare {
		return nil
	}
	return w.again()
}

func (w *worker) again() error {
	if err := w.g.RestoreDisk(w.t.Context()); err != nil {
		return err
	}
	w.at = bare
	return w.g.Server.Boot(w.t.Context())
}

// begin leaves a worker as its first job wants it. What stands after a change
// back is what later jobs find: a pack that goes takes the files of its package
// along.
func (w *worker) begin() error {
	w.trace(false)
	if w.start.first {
		return w.fresh()
	}
	if err := w.converge("A"); err != nil {
		return err
	}
	w.note("A")
	return nil
}

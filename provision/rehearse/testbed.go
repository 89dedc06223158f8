//go:build linux

package rehearse

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

// runDir holds one directory a rehearsal, also of those that are kept.
const runDir = "/run/raiz/rehearse"

// downLimit bounds the tearing down, which no Ctrl-C may stop half way.
const downLimit = 30 * time.Second

// Role says who lives in a namespace.
type Role string

// The roles.
const (
	RoleServer     Role = "srv"
	RoleRouter     Role = "rtr"
	RoleBMC        Role = "bmc"
	RoleController Role = "ctl"
	RolePrimary    Role = "pri"
)

func roles() []Role { return []Role{RoleServer, RoleRouter, RoleBMC, RoleController, RolePrimary} }

// Options say how a testbed is built. The zero Options are fine.
type Options struct {
	// Progress is told, in one line each, about steps that take a while.
	Progress func(string)
	// Packs are the component packs: those of the site, and those of the lab.
	// Without it they are templates.FS.
	Packs fs.FS
	// Packages are Debian packages the server has beyond those of packs.
	Packages []string
	// Start is what runs the server's network before raiz comes.
	Start Start
	// Disk is what the server writes to.
	Disk Disk
	// Personality is the vendor that the simulated BMC behaves like; see
	// simbmc.Personalities.
	Personality string
	// BMCCommand, when given, keeps the rehearsal after this process: it is
	// run with the ID appended, in a process of its own, and has to call
	// ServeBMC. Otherwise the BMC lives in this process.
	BMCCommand []string
}

// Testbed is a rehearsal that stands.
type Testbed struct {
	Record
	Site          *site.Site     // with made secrets
	Substitutions []Substitution // what is made in it
	Server        *Machine
	Router        Router
	Primary       Primary
	BMC           *simbmc.BMC // nil without one, and where it runs in another process

	seed   seed
	keeper *keeper // of the server's power, where this process is it
	cgroup string  // where the unified hierarchy is
}

// Up builds the testbed for a site and boots it. It returns when the server
// has booted with its bootstrap address, the router with its sessions
// waiting, and the BMC answers. If it fails or its context ends, nothing of
// it is left. Rehearsals whose process died are taken down before.
func Up(ctx context.Context, s *site.Site, o Options) (*Testbed, error) {
	if err := Ready(); err != nil {
		return nil, err
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.Packs == nil {
		o.Packs = templates.FS()
	}
	if _, err := setupOf(o.Start); err != nil {
		return nil, err
	}
	if err := sweep(ctx, o.Progress); err != nil {
		return nil, err
	}
	t, err := newTestbed(s, o)
	if err != nil {
		return nil, err
	}
	if err := t.build(ctx, s, o); err != nil {
		return nil, errors.Join(err, t.Down(context.WithoutCancel(ctx)))
	}
	return t, nil
}

// plan decides what is built, and has the tree that machines are layered on.
func (t *Testbed) plan(ctx context.Context, s *site.Site, o Options) (l lab, err error) {
	if t.Site, t.Substitutions, err = t.substitute(s); err != nil {
		return lab{}, err
	}
	if t.Layout, err = layOut(t.Site); err != nil {
		return lab{}, err
	}
	if l, err = loadLab(o.Packs); err != nil {
		return lab{}, err
	}
	t.Lab = l.record()
	t.Router.lab = t.Lab
	server, around, err := treesOf(s, l, o)
	if err != nil {
		return lab{}, err
	}
	if err := t.keep(); err != nil {
		return lab{}, err
	}
	if t.Base, err = baseTree(ctx, server, t.group()+"/build", o.Progress); err != nil {
		return lab{}, err
	}
	if t.LabBase, err = baseTree(ctx, around, t.group()+"/build", o.Progress); err != nil {
		return lab{}, err
	}
	return l, t.keep()
}

// build does all that Down undoes.
func (t *Testbed) build(ctx context.Context, s *site.Site, o Options) error {
	lab, err := t.plan(ctx, s, o)
	if err != nil {
		return err
	}
	o.Progress("wire server, router, BMC and controller")
	if err := t.wire(ctx); err != nil {
		return err
	}
	switch {
	case !t.Kept:
		t.keeper = t.keepServer()
	case t.Site.BMC == nil:
		if err := t.spawn(t.group()+"/bmc", append(slices.Clone(o.BMCCommand), t.ID)); err != nil {
			return err
		}
	}
	if t.Site.BMC != nil {
		print, err := t.startBMC(ctx, bmcSpecOf(t.Site, t.Layout, o.Personality), o)
		if err != nil {
			return err
		}
		t.pinBMC(print)
	}
	disk, err := t.makeDisk(filepath.Dir(t.Base))
	if err != nil {
		return err
	}
	if err := t.Server.layer(ctx, t.Base, disk, o.Disk); err != nil {
		return err
	}
	if err := t.Router.layer(ctx, t.LabBase, disk, DiskLayered); err != nil {
		return err
	}
	if err := t.install(ctx); err != nil {
		return err
	}
	if err := t.equip(ctx, lab); err != nil {
		return err
	}
	o.Progress("boot server and router")
	all, bootCtx := errgroup.WithContext(ctx)
	all.Go(func() error { return t.Server.Boot(bootCtx) })
	all.Go(func() error { return t.Router.Boot(bootCtx) })
	all.Go(func() error { return t.Primary.build(bootCtx, lab.primary, disk, o.Progress) })
	if err := all.Wait(); err != nil {
		return err
	}
	return t.anchor()
}

// Netns returns the namespace of a role.
func (t *Testbed) Netns(r Role) Netns { return Netns{Name: "raiz-" + t.ID + "-" + string(r)} }

// machine returns the machine of a role; only server and router are ones.
func (t *Testbed) machine(r Role) *Machine {
	m := &Machine{
		name:    "raiz-" + t.ID + "-" + string(r),
		root:    filepath.Join(t.dir(), string(r), "root"),
		console: filepath.Join(t.dir(), string(r), "console.log"),
		group:   t.group() + cgroup("/"+string(r)),
		netns:   t.Netns(r),
	}
	if r == RoleServer {
		m.on, m.off = t.rewire, t.unwire
	}
	return m
}

// Down ends every process of the rehearsal and removes all it made. It may be
// called at any time, also twice, and goes on where something fails.
func (t *Testbed) Down(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, downLimit, errors.New("it took too long"))
	defer cancel()
	var err error
	if t.BMC != nil {
		err = t.BMC.Close()
	}
	t.keeper.close()
	err = errors.Join(err, t.group().kill(ctx), t.group().remove())
	for _, r := range roles() {
		err = errors.Join(err, t.Netns(r).remove(ctx))
	}
	err = errors.Join(err, unmountBelow(t.dir()))
	err = errors.Join(err, removeDisk(t.disk()))
	if err != nil {
		return fmt.Errorf("take down rehearsal %s: %w", t.ID, err)
	}
	return os.RemoveAll(t.dir())
}

// newTestbed makes the values of a testbed; nothing exists of it yet.
func newTestbed(s *site.Site, o Options) (*Testbed, error) {
	root, err := cgroupRoot()
	if err != nil {
		return nil, err
	}
	t := &Testbed{cgroup: root}
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the program instead
	_, _ = rand.Read(t.seed[:])
	t.Record = Record{
		ID: hex.EncodeToString(id[:]), Site: s.Name, Created: time.Now().UTC(), Kept: len(o.BMCCommand) > 0,
		Owner: os.Getpid(), OwnerStart: startOf(os.Getpid()), Seed: hex.EncodeToString(t.seed[:]),
		Sessions: sessionsOf(s), Zones: zonesOf(s), Services: s.ServiceAddresses(),
		Start: cmp.Or(o.Start, StartNetworkd),
	}
	t.Server = t.machine(RoleServer)
	t.Router = Router{Machine: t.machine(RoleRouter), sessions: t.Sessions}
	t.Primary = Primary{testbed: t}
	return t, nil
}

// sweep takes down what a process left that died.
func sweep(ctx context.Context, progress func(string)) error {
	if err := os.MkdirAll(runDir, 0o700); err != nil {
		return fmt.Errorf("make %s: %w", runDir, err)
	}
	unlock, err := lock(ctx, filepath.Join(runDir, "sweep.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	all, err := List()
	if err != nil {
		return err
	}
	for _, r := range all {
		if !r.Abandoned() {
			continue
		}
		progress("take down rehearsal " + r.ID + ", which was left behind")
		t, err := Find(r.ID)
		if err != nil {
			return err
		}
		if err := t.Down(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (t *Testbed) dir() string { return filepath.Join(runDir, t.ID) }

// disk is where the machines' layers lie, or "" as long as there are none.
func (t *Testbed) disk() string {
	disk, err := os.Readlink(filepath.Join(t.dir(), "disk"))
	if err != nil {
		return ""
	}
	return disk
}

func (t *Testbed) group() cgroup { return cgroup(filepath.Join(t.cgroup, "raiz-"+t.ID)) }

//go:build linux

package rehearse

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/site"
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

// Options say how a ground is built. The zero Options are fine.
type Options struct {
	// Progress is told, in one line each, about steps that take a while.
	Progress func(string)
	// Packages are Debian packages the server has beyond the default ones.
	Packages []string
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

// Ground is a rehearsal that stands.
type Ground struct {
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

// Up builds the ground for a site and boots it. It returns when the server
// has booted with its bootstrap address, the router with its sessions
// waiting, and the BMC answers. If it fails or its context ends, nothing of
// it is left. Rehearsals whose process died are taken down before.
func Up(ctx context.Context, s *site.Site, o Options) (*Ground, error) {
	if err := Ready(); err != nil {
		return nil, err
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if err := sweep(ctx, o.Progress); err != nil {
		return nil, err
	}
	g, err := newGround(s, o)
	if err != nil {
		return nil, err
	}
	if err := g.build(ctx, s, o); err != nil {
		return nil, errors.Join(err, g.Down(context.WithoutCancel(ctx)))
	}
	return g, nil
}

// build does all that Down undoes.
func (g *Ground) build(ctx context.Context, s *site.Site, o Options) (err error) {
	if g.Site, g.Substitutions, err = g.substitute(s); err != nil {
		return err
	}
	if g.Layout, err = layOut(g.Site); err != nil {
		return err
	}
	if err := g.keep(); err != nil {
		return err
	}
	if g.Base, err = baseTree(ctx, debian(o.Packages), g.group()+"/build", o.Progress); err != nil {
		return err
	}
	if err := g.keep(); err != nil {
		return err
	}
	o.Progress("wire server, router, BMC and controller")
	if err := g.wire(ctx); err != nil {
		return err
	}
	switch {
	case !g.Kept:
		g.keeper = g.keepServer()
	case g.Site.BMC == nil:
		if err := g.spawn(g.group()+"/bmc", append(slices.Clone(o.BMCCommand), g.ID)); err != nil {
			return err
		}
	}
	if g.Site.BMC != nil {
		print, err := g.startBMC(ctx, bmcSpecOf(g.Site, g.Layout, o.Personality), o)
		if err != nil {
			return err
		}
		g.pinBMC(print)
	}
	disk, err := g.makeDisk(filepath.Dir(g.Base))
	if err != nil {
		return err
	}
	if err := g.Server.layer(ctx, g.Base, disk, o.Disk); err != nil {
		return err
	}
	if err := g.Router.layer(ctx, g.Base, disk, DiskLayered); err != nil {
		return err
	}
	if err := g.install(ctx); err != nil {
		return err
	}
	if err := g.equip(); err != nil {
		return err
	}
	o.Progress("boot server and router")
	all, bootCtx := errgroup.WithContext(ctx)
	all.Go(func() error { return g.Server.Boot(bootCtx) })
	all.Go(func() error { return g.Router.Boot(bootCtx) })
	all.Go(func() error { return g.Primary.build(bootCtx, disk, o.Progress) })
	if err := all.Wait(); err != nil {
		return err
	}
	return g.anchor()
}

// Netns returns the namespace of a role.
func (g *Ground) Netns(r Role) Netns { return Netns{Name: "raiz-" + g.ID + "-" + string(r)} }

// machine returns the machine of a role; only server and router are ones.
func (g *Ground) machine(r Role) *Machine {
	m := &Machine{
		name:    "raiz-" + g.ID + "-" + string(r),
		root:    filepath.Join(g.dir(), string(r), "root"),
		console: filepath.Join(g.dir(), string(r), "console.log"),
		group:   g.group() + cgroup("/"+string(r)),
		netns:   g.Netns(r),
	}
	if r == RoleServer {
		m.on, m.off = g.rewire, g.unwire
	}
	return m
}

// Down ends every process of the rehearsal and removes all it made. It may be
// called at any time, also twice, and goes on where something fails.
func (g *Ground) Down(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, downLimit, errors.New("it took too long"))
	defer cancel()
	var err error
	if g.BMC != nil {
		err = g.BMC.Close()
	}
	g.keeper.close()
	err = errors.Join(err, g.group().kill(ctx), g.group().remove())
	for _, r := range roles() {
		err = errors.Join(err, g.Netns(r).remove(ctx))
	}
	err = errors.Join(err, unmountBelow(g.dir()))
	err = errors.Join(err, removeDisk(g.disk()))
	if err != nil {
		return fmt.Errorf("take down rehearsal %s: %w", g.ID, err)
	}
	return os.RemoveAll(g.dir())
}

// newGround makes the values of a ground; nothing exists of it yet.
func newGround(s *site.Site, o Options) (*Ground, error) {
	root, err := cgroupRoot()
	if err != nil {
		return nil, err
	}
	g := &Ground{cgroup: root}
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the program instead
	_, _ = rand.Read(g.seed[:])
	g.Record = Record{
		ID: hex.EncodeToString(id[:]), Site: s.Name, Created: time.Now().UTC(), Kept: len(o.BMCCommand) > 0,
		Owner: os.Getpid(), OwnerStart: startOf(os.Getpid()), Seed: hex.EncodeToString(g.seed[:]),
		Sessions: sessionsOf(s), Zones: zonesOf(s), Services: s.ServiceAddresses(),
	}
	g.Server = g.machine(RoleServer)
	g.Router = Router{Machine: g.machine(RoleRouter), sessions: g.Sessions}
	g.Primary = Primary{ground: g}
	return g, nil
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
		g, err := Find(r.ID)
		if err != nil {
			return err
		}
		if err := g.Down(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (g *Ground) dir() string { return filepath.Join(runDir, g.ID) }

// disk is where the machines' layers lie, or "" as long as there are none.
func (g *Ground) disk() string {
	disk, err := os.Readlink(filepath.Join(g.dir(), "disk"))
	if err != nil {
		return ""
	}
	return disk
}

func (g *Ground) group() cgroup { return cgroup(filepath.Join(g.cgroup, "raiz-"+g.ID)) }

package rehearse

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

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
)

func roles() []Role { return []Role{RoleServer, RoleRouter, RoleBMC, RoleController} }

// Options say how a ground is built. The zero Options are fine.
type Options struct {
	// Progress is told, in one line each, about steps that take a while.
	Progress func(string)
	// Packages are Debian packages the server has beyond the default ones.
	Packages []string
}

// Ground is a rehearsal that stands.
type Ground struct {
	ID            string
	Site          *site.Site     // with made secrets
	Substitutions []Substitution // what is made in it
	Server        *Machine
	Router        Router

	seed   seed
	cgroup string // where the unified hierarchy is
}

// Up builds the ground for a site and boots it. It returns when the server
// answers by SSH at its bootstrap address and the router speaks. If it fails
// or its context ends, nothing of it is left.
func Up(ctx context.Context, s *site.Site, o Options) (_ *Ground, err error) {
	if err := Ready(); err != nil {
		return nil, err
	}
	g, err := newGround()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.Down(context.WithoutCancel(ctx)))
		}
	}()
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	return g, g.build(ctx, s, o)
}

func (g *Ground) build(ctx context.Context, s *site.Site, o Options) (err error) {
	if err := g.record(); err != nil {
		return err
	}
	if g.Site, g.Substitutions, err = g.substitute(s); err != nil {
		return err
	}
	l, err := layOut(g.Site)
	if err != nil {
		return err
	}
	base, err := baseTree(ctx, debian(o.Packages), o.Progress)
	if err != nil {
		return err
	}
	disk, err := g.makeDisk(filepath.Dir(base))
	if err != nil {
		return err
	}
	o.Progress("wire server, router, BMC and controller")
	if err := g.wire(ctx, l); err != nil {
		return err
	}
	if g.Server, err = g.newMachine(RoleServer, base, disk); err != nil {
		return err
	}
	if err := g.install(ctx, g.Server, g.Site, l); err != nil {
		return err
	}
	if g.Router.Machine, err = g.newMachine(RoleRouter, base, disk); err != nil {
		return err
	}
	if err := g.equip(g.Router.Machine, g.Site); err != nil {
		return err
	}
	o.Progress("boot server and router")
	both, bootCtx := errgroup.WithContext(ctx)
	both.Go(func() error { return g.Server.Boot(bootCtx) })
	both.Go(func() error { return g.Router.Boot(bootCtx) })
	return both.Wait()
}

// Netns returns the namespace of a role.
func (g *Ground) Netns(r Role) Netns { return Netns{Name: "raiz-" + g.ID + "-" + string(r)} }

// Machine returns the machine of a role; only server and router are ones.
func (g *Ground) Machine(r Role) *Machine {
	return &Machine{
		name:    "raiz-" + g.ID + "-" + string(r),
		root:    filepath.Join(g.dir(), string(r), "root"),
		console: filepath.Join(g.dir(), string(r), "console.log"),
		group:   g.group() + cgroup("/"+string(r)),
		netns:   g.Netns(r),
	}
}

// Down ends every process of the rehearsal and removes all it made. It may be
// called at any time, also twice, and goes on where something fails.
func (g *Ground) Down(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, downLimit, errors.New("it took too long"))
	defer cancel()
	err := g.group().kill(ctx)
	err = errors.Join(err, g.group().remove())
	for _, r := range roles() {
		err = errors.Join(err, g.Netns(r).remove(ctx))
	}
	err = errors.Join(err, unmountBelow(g.dir()))
	disk, readErr := os.Readlink(filepath.Join(g.dir(), "disk"))
	if readErr != nil && !errors.Is(readErr, fs.ErrNotExist) {
		err = errors.Join(err, readErr)
	}
	err = errors.Join(err, removeDisk(disk))
	if err != nil {
		return fmt.Errorf("take down rehearsal %s: %w", g.ID, err)
	}
	return os.RemoveAll(g.dir())
}

func newGround() (*Ground, error) {
	root, err := cgroupRoot()
	if err != nil {
		return nil, err
	}
	g := &Ground{cgroup: root}
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the program instead
	_, _ = rand.Read(g.seed[:])
	g.ID = hex.EncodeToString(id[:])
	return g, nil
}

func (g *Ground) dir() string { return filepath.Join(runDir, g.ID) }

func (g *Ground) group() cgroup { return cgroup(filepath.Join(g.cgroup, "raiz-"+g.ID)) }

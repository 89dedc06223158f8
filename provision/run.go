package provision

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/invoke"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// DefaultRevertAfter is how long a server waits for the confirmation of a
// change before it takes it back: enough for a link of 300 ms that loses
// packets to connect anew and ask every question.
const DefaultRevertAfter = 120 * time.Second

// Options are what a run uses besides the site.
type Options struct {
	// Packs is the folder of component packs.
	Packs fs.FS
	// Dial opens connections to SSH and the BMC; nil means net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Home replaces "~" in front of ssh.identity.
	Home string
	// AgentSocket is the path of an ssh-agent; "" means none.
	AgentSocket string
	// Revoked are SSH host keys that are never right.
	Revoked []string
	// Links remembers where a BMC keeps things; nil remembers nothing.
	Links bmc.LinkCache
	// Helpers are the programs that do raiz's work on a server.
	Helpers invoke.Images
	// Tell hears notes that come up while a run goes on; nil hears none.
	Tell func(verdict.Message)
	// Who is recorded on the server with every change.
	Who string
	// Via is where the server answers now, when that is neither its declared
	// address nor the bootstrap one; the zero AddrPort is nowhere.
	Via netip.AddrPort
	// HandsOnSite says that somebody stands beside the server: then a change
	// that may cut access needs no proof of the other way in, and a BMC that
	// does not answer is left as it is.
	HandsOnSite bool
	// BMCOnly leaves the server alone, which need not have an operating system yet.
	BMCOnly bool
	// TakeOver says that the BGP sessions of a copy that raiz did not build may
	// be reset.
	TakeOver bool
	// RevertAfter is DefaultRevertAfter when zero.
	RevertAfter time.Duration
	Log         *slog.Logger
}

// Run is one run on one site. Its connections are opened when they are first
// needed; Close ends them.
type Run struct {
	site *site.Site
	o    Options
	ssh  lazy[*far]
	bmc  lazy[*bmc.Controller]
	cost costs

	before  map[verify.ZoneAt]bool // what the copy answered for before the change
	missing []verdict.Message      // zones that are not there yet, after it
}

// New returns a run that has not connected to anything yet.
func New(s *site.Site, o Options) *Run {
	if o.RevertAfter == 0 {
		o.RevertAfter = DefaultRevertAfter
	}
	r := &Run{site: s, o: o}
	r.ssh.open, r.bmc.open = r.dialServer, r.openBMC
	return r
}

// far is a connection to the server, with the helper on its other side.
type far struct {
	*remote.Conn
	helper invoke.Helper
}

// Call implements apply.Server.
func (f *far) Call(ctx context.Context, q server.Request) (server.Reply, error) {
	return f.helper.Call(ctx, q)
}

// Probe implements observe.Prober.
func (f *far) Probe(ctx context.Context, q server.ProbeRequest) (server.Facts, error) {
	return f.helper.Probe(ctx, q)
}

// lazy opens something once and keeps it, or the reason why it could not.
type lazy[T any] struct {
	once  sync.Once
	value T
	err   error
	open  func(context.Context) (T, error)
}

func (l *lazy[T]) get(ctx context.Context) (T, error) {
	l.once.Do(func() { l.value, l.err = l.open(ctx) })
	return l.value, l.err
}

// opened returns the value if it was ever opened.
func (l *lazy[T]) opened() (T, bool) {
	asked := true
	l.once.Do(func() { asked, l.err = false, errors.New("the run has ended") })
	return l.value, asked && l.err == nil
}

// poll is the pause between two looks at a server that takes its time.
const poll = 2 * time.Second

// costs counts what later connections have cost; the first ones count
// themselves.
type costs struct{ connections, execs, uploads atomic.Int64 }

func (r *Run) server(ctx context.Context) (*far, error) { return r.ssh.get(ctx) }

func (r *Run) controller(ctx context.Context) (*bmc.Controller, error) { return r.bmc.get(ctx) }

// sshPort is where a server listens that nobody has told otherwise.
const sshPort = 22

func (r *Run) dialServer(ctx context.Context) (*far, error) {
	return r.dial(ctx, r.everywhere())
}

// everywhere are the addresses where the server may answer: where it is meant
// to, where it is said to be now, and both as they are before raiz has set
// the port.
func (r *Run) everywhere() []netip.AddrPort {
	s := r.site.Server
	addrs := declared(s)
	if r.o.Via.IsValid() {
		addrs = append([]netip.AddrPort{r.o.Via}, addrs...)
	}
	if s.SSH.Bootstrap.IsValid() {
		addrs = append(addrs, netip.AddrPortFrom(s.SSH.Bootstrap, s.SSH.Port))
	}
	if s.SSH.Port != sshPort {
		for _, a := range addrs {
			if a.Port() == s.SSH.Port {
				addrs = append(addrs, netip.AddrPortFrom(a.Addr(), sshPort))
			}
		}
	}
	return addrs
}

// reconnect dials the addresses the server is meant to have and no other:
// only that shows that a change of address has worked.
func (r *Run) reconnect(ctx context.Context, by []byte) (apply.Server, error) {
	s, err := declaredBy(r.site, by)
	if err != nil {
		return nil, err
	}
	return r.extra(ctx, declared(s.Server))
}

// dialAnew dials wherever the server may answer.
func (r *Run) dialAnew(ctx context.Context) (apply.Server, error) {
	return r.extra(ctx, r.everywhere())
}

func (r *Run) extra(ctx context.Context, addrs []netip.AddrPort) (apply.Server, error) {
	c, err := r.dial(ctx, addrs)
	if err != nil {
		return nil, err
	}
	return counted{far: c, to: &r.cost}, nil
}

// lifeline shows that the BMC still answers, with a request of its own.
func (r *Run) lifeline(ctx context.Context) error {
	if r.o.HandsOnSite {
		return nil
	}
	if r.site.BMC == nil {
		return errNoBMC
	}
	c, err := r.controller(ctx)
	if err != nil {
		return err
	}
	return c.Alive(ctx)
}

// counted adds what a connection was used for to the run's costs when it is
// closed.
type counted struct {
	*far
	to *costs
}

// Close implements apply.Server.
func (c counted) Close() error {
	st := c.Stats()
	c.to.connections.Add(1)
	c.to.execs.Add(int64(st.Execs))
	c.to.uploads.Add(int64(st.Uploads))
	return c.Conn.Close()
}

func declared(s site.Server) []netip.AddrPort {
	var out []netip.AddrPort
	for _, a := range s.Management.Addresses {
		out = append(out, netip.AddrPortFrom(a.Addr(), s.SSH.Port))
	}
	return out
}

func (r *Run) dial(ctx context.Context, addrs []netip.AddrPort) (*far, error) {
	c, err := remote.Dial(ctx, r.sshTarget(addrs))
	if err != nil {
		return nil, err
	}
	return &far{c, invoke.Helper{Conn: c, Images: r.o.Helpers, Who: r.o.Who, Keep: r.site.Server.History, Noise: r.noisy}}, nil
}

// noisy tells what a login prints before the helper says anything.
func (r *Run) noisy(text []byte) {
	line, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	if r.o.Tell != nil && len(line) > 0 {
		r.o.Tell(verdict.New("notice.noise", verdict.Seen("text", string(line[:min(len(line), maxNoise)]))))
	}
}

// maxNoise is how much of it is told.
const maxNoise = 80

func (r *Run) sshTarget(addrs []netip.AddrPort) remote.Target {
	s := r.site.Server.SSH
	names := []string{r.site.Server.Hostname}
	for _, a := range declared(r.site.Server) {
		names = append(names, a.Addr().String())
	}
	t := remote.Target{
		Addresses: addrs,
		Login:     r.login(s.User, s.Identity, s.Host, names...),
		Dial:      r.o.Dial,
		Log:       r.o.Log,
	}
	for _, j := range s.Jump {
		t.Jumps = append(t.Jumps, remote.Hop{
			Address: netip.AddrPortFrom(j.Address, j.Port),
			Login:   r.login(j.User, j.Identity, j.Host, j.Name, j.Address.String()),
		})
	}
	return t
}

func (r *Run) login(user, identity string, host site.HostPin, names ...string) remote.Login {
	return remote.Login{
		User: user, IdentityFile: r.path(identity), AgentSocket: r.o.AgentSocket,
		Pin: remote.Pin{Key: host.Key, Previous: host.Previous, Authority: host.Authority, Names: names, Revoked: r.o.Revoked},
	}
}

func (r *Run) path(file string) string {
	if rest, ok := strings.CutPrefix(file, "~/"); ok {
		return filepath.Join(r.o.Home, rest)
	}
	return file
}

var errNoBMC = errors.New("the site declares no bmc")

func (r *Run) openBMC(ctx context.Context) (*bmc.Controller, error) {
	b := r.site.BMC
	if b == nil {
		return nil, errNoBMC
	}
	t := bmc.Target{Target: redfish.Target{Fingerprint: b.Fingerprint, CA: b.CA, Dial: r.o.Dial, Log: r.o.Log}, Links: r.o.Links}
	t.Endpoints = endpoints(b)
	if h := b.HTTPS; h != nil {
		t.HTTPS = bmc.KeyPair{Chain: h.Chain, Key: h.Key}
	}
	return bmc.Open(ctx, t)
}

// endpoints are the ways into a BMC: as declared, with the password before
// the declared one, and as delivered.
func endpoints(b *site.BMC) []redfish.Endpoint {
	var out []redfish.Endpoint
	add := func(at netip.Addr, user string, password secret.Value, origin string) {
		out = append(out, redfish.Endpoint{Address: netip.AddrPortFrom(at, b.Port), Username: user, Password: password, Origin: origin})
	}
	for _, a := range b.Addresses {
		add(a.Addr(), b.Username, b.Password, redfish.Declared)
		// It may be gone from its store once it is of no more use.
		if !b.Previous.IsZero() && b.Previous.Err() == nil {
			add(a.Addr(), b.Username, b.Previous, redfish.Previous)
		}
	}
	if f := b.Factory; f != nil {
		add(f.Address, f.Username, f.Password, redfish.Factory)
		// Where the controller wanted this user's password changed at the
		// first login, raiz enroll gave it the declared one.
		add(f.Address, f.Username, b.Password, redfish.Factory)
	}
	return out
}

// logoutTimeout bounds the last request to a BMC, which may have gone.
const logoutTimeout = 15 * time.Second

// Close ends the connections that were opened. It works also when ctx is done:
// a session left behind on a BMC blocks the next operator.
func (r *Run) Close(ctx context.Context) error {
	var errs []error
	if c, ok := r.bmc.opened(); ok {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutTimeout)
		defer cancel()
		errs = append(errs, c.Close(ctx))
	}
	if c, ok := r.ssh.opened(); ok {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// Cost returns what the run has asked of the site so far.
func (r *Run) Cost() report.Cost {
	c := report.Cost{SSHConnections: int(r.cost.connections.Load()), SSHExecs: int(r.cost.execs.Load()), Uploads: int(r.cost.uploads.Load())}
	if conn := r.ssh.value; conn != nil && conn.Conn != nil {
		st := conn.Stats()
		c.SSHConnections++
		c.SSHExecs += st.Execs
		c.Uploads += st.Uploads
	}
	if ctl := r.bmc.value; ctl != nil {
		st := ctl.Stats()
		c.BMCGets, c.BMCWrites, c.BMCHandshakes = st.Gets, st.Writes, st.Handshakes
	}
	return c
}

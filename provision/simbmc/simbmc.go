package simbmc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Config says which controller to be, and how it leaves the factory.
type Config struct {
	// Personality is openbmc (also when empty), ilo, idrac, xcc, supermicro
	// or ami. It is for controllers without a Tree.
	Personality string
	// Users are the administrators and their passwords.
	Users map[string]string
	// RoleOf names the role of a user who has another than an administrator's.
	RoleOf map[string]string
	// Roles are those of the account service: nil is the predefined ones, or those
	// of the Tree; none is a service without a collection of them.
	Roles []Role
	// MustChange names users who have to change their password before the
	// controller gives them anything else.
	MustChange []string
	// Disabled names users whose account is switched off.
	Disabled []string
	// NoEnabled makes accounts that cannot be switched off: their documents
	// have no Enabled (iLO 5 2.46 and 2.72; 3.11 has it). A Tree with accounts
	// tells by theirs.
	NoEnabled bool

	UUID     string // of the manager; a made one when empty
	Serial   string // of the server
	Model    string // of the server
	Firmware string // of the manager; a plausible one when empty
	Hostname string // of the manager
	// MACs are those of the ports of the server, of which there are two.
	MACs []string

	// ManagerType is its own; BMC when empty.
	ManagerType string
	// Others are further managers of the same service, listed before ours. The
	// service does not say then which of them provides it.
	Others []Manager

	Addresses []netip.Prefix // static addresses it has at first
	Gateways  []netip.Addr   // at most one of each family
	// Lease is the address a DHCP server has given; valid means DHCP is on.
	Lease netip.Prefix

	// Tree holds resources as a real controller answered them, in
	// redfish/v1/.../index.json. They take the place of the personality's own,
	// whose rules say which of their properties may be written, and how. Which
	// personality that is, their documents tell.
	// Addresses, Gateways, Lease, Hostname, UUID, Serial and MACs do not count then.
	Tree fs.FS

	// Powered tells whether the server is on, and Reset does to it, outside
	// any lock and in its own time, what a client has asked for. Without them
	// the state is what was asked for last.
	Powered func() bool
	Reset   func(ctx context.Context, kind string)

	Faults Faults
	// Delay is how long a change of address takes. Zero stands for the
	// personality's own, negative for none.
	Delay time.Duration
	// Move is called, outside any lock, when the addresses change: after the
	// delay, or after a reset where the personality needs one.
	Move func(ctx context.Context, old, new []netip.Prefix)
}

// Counters are what a BMC has seen since it was made.
type Counters struct {
	Gets         int
	Writes       int // PATCH, and POST other than a login
	Sessions     int // ever opened
	Open         int // open now: left behind, once the client has gone
	FailedLogins int
	Handshakes   int
	Resets       int // of the manager
	Restarts     int // of the server, and shutdowns it did not follow
	Moves        int
}

// Request is one line of the log. It holds no header, no query and no body:
// these carry secrets.
type Request struct {
	Method string
	Path   string
	Status int // 0 when the answer was withheld
	// Keys are the sorted names of the top-level properties of the body.
	Keys []string
}

// BMC is a simulated controller. Its methods may be called from several
// goroutines.
type BMC struct {
	cfg    Config
	who    personality
	cert   tls.Certificate
	print  string
	next   *tls.Certificate // imported, and not shown yet
	ctx    context.Context
	cancel context.CancelFunc
	wait   sync.WaitGroup

	mu       sync.Mutex
	tree     map[string]*resource
	users    map[string]*user
	sessions map[string]session // by token
	serial   int                // numbers sessions and tasks
	roles    []Role
	faults   Faults
	busy     int // answers of 503 still to give
	asked    int // requests since the faults were set
	live     []netip.Prefix
	rising   int       // looks that still find a restarting server off
	away     time.Time // until when nobody answers
	pending  bool      // a reset is needed for the network to change
	count    Counters
	log      []Request
	servers  []closer
	conns    map[net.Conn]struct{}
}

type closer interface{ Close() error }

// New returns a controller as it leaves the factory.
func New(cfg Config) (*BMC, error) {
	saved, err := cfg.fromTree()
	if err != nil {
		return nil, fmt.Errorf("make simulated bmc: %w", err)
	}
	who, ok := personalities()[cfg.Personality]
	if !ok {
		return nil, fmt.Errorf("make simulated bmc: no personality %q; there are %v", cfg.Personality, Personalities())
	}
	if cfg.Lease.IsValid() && !cfg.Lease.Addr().Is4() {
		return nil, fmt.Errorf("make simulated bmc: lease %s is not IPv4", cfg.Lease)
	}
	cfg.fill(who)
	cert, print, err := makeCertificate(cfg.Hostname)
	if err != nil {
		return nil, fmt.Errorf("make simulated bmc: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b := &BMC{
		cfg: cfg, who: who, cert: cert, print: print, ctx: ctx, cancel: cancel,
		tree: map[string]*resource{}, users: map[string]*user{}, sessions: map[string]session{}, conns: map[net.Conn]struct{}{},
	}
	b.setFaults(cfg.Faults)
	for i, name := range slices.Sorted(maps.Keys(cfg.Users)) {
		b.users[name] = &user{id: who.accountID(name, i), password: cfg.Users[name], enabled: !slices.Contains(cfg.Disabled, name), mustChange: slices.Contains(cfg.MustChange, name)}
	}
	if cfg.Tree == nil {
		b.buildCommon()
		who.build(b)
		b.buildAccounts()
		if who.certificates {
			b.buildCertificates()
		}
		b.addManagers()
		b.settle()
	} else {
		b.load(saved)
	}
	b.live = b.addresses()
	return b, nil
}

// fromTree reads the tree, if there is one, and takes the personality from it.
func (c *Config) fromTree() (savedTree, error) {
	if c.Tree == nil {
		return nil, nil
	}
	if c.Personality != "" {
		return nil, errors.New("a tree says itself which personality it has")
	}
	saved, err := readTree(c.Tree)
	c.Personality = savedTree(saved).personality()
	return saved, err
}

// Personality is the name of the one it has.
func (b *BMC) Personality() string { return b.cfg.Personality }

// Personalities returns the names that Config.Personality takes.
func Personalities() []string {
	names := slices.Sorted(maps.Keys(personalities()))
	return slices.DeleteFunc(names, func(n string) bool { return n == "" || n == ofSchemas })
}

func (c *Config) fill(who personality) {
	fallback := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	fallback(&c.UUID, "8f0f3c52-0000-4000-8000-5eed5eed5eed")
	fallback(&c.Serial, "SIM0000001")
	fallback(&c.Model, "Simulated 2U")
	fallback(&c.Firmware, who.firmware)
	fallback(&c.Hostname, "sim-bmc")
	if c.Delay == 0 {
		c.Delay = who.delay
	}
}

// Counters returns what was seen so far.
func (b *BMC) Counters() Counters {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.count
	c.Open = len(b.sessions)
	return c
}

// Log returns the requests so far, oldest first.
func (b *BMC) Log() []Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.log)
}

// Addresses returns the addresses the controller has at this moment.
func (b *BMC) Addresses() []netip.Prefix {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.live)
}

// Users are the names of those who may log in, sorted.
func (b *BMC) Users() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for name, u := range b.users {
		if u.enabled {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// RoleOf is the role of a user, or "" of nobody.
func (b *BMC) RoleOf(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if u := b.users[name]; u != nil {
		return u.role
	}
	return ""
}

// SetFaults changes how it misbehaves, from the next request on.
func (b *BMC) SetFaults(f Faults) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.setFaults(f)
}

func (b *BMC) setFaults(f Faults) { b.faults, b.busy, b.asked = f, f.Busy, 0 }

// SetPassword gives a user a password, as somebody else would. Sessions stay.
func (b *BMC) SetPassword(name, password string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if u := b.users[name]; u != nil {
		u.password = password
	}
}

// Fingerprint returns the certificate's, as a site file declares it:
// "sha256:" and 64 hex digits.
func (b *BMC) Fingerprint() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.print
}

// TLSConfig returns the server side of its TLS.
func (b *BMC) TLSConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		cert := b.cert
		return &cert, nil
	}}
}

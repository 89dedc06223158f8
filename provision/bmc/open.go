package bmc

import (
	"cmp"
	"context"
	"encoding/pem"
	"net/netip"
	"time"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/secret"
)

// Target is a controller and all that is needed to trust it.
type Target struct {
	redfish.Target
	// HTTPS is what the setting HTTPSCertificate imports. It is trusted where
	// Fingerprint is, because once imported it is what the controller shows.
	HTTPS KeyPair
	// Links remembers found links between runs; nil remembers nothing.
	Links LinkCache
	// Patience bounds the proofs; zero fields take the defaults.
	Patience Patience
}

// Patience bounds how long a change may take to be seen.
type Patience struct {
	ReadBack time.Duration // until an accepted setting has to read back; 15 s
	Move     time.Duration // until a changed address has to answer; 3 min
	Network  time.Duration // a whole change of the network with its proofs; 10 min
}

func (p Patience) withDefaults() Patience {
	return Patience{
		ReadBack: cmp.Or(p.ReadBack, 15*time.Second), Move: cmp.Or(p.Move, 3*time.Minute), Network: cmp.Or(p.Network, 10*time.Minute),
	}
}

// Controller is an open session with one management controller. It is not
// safe for several goroutines: a BMC serves one request at a time.
type Controller struct {
	session  redfish.Session
	patience Patience
	https    KeyPair
	links    LinkCache

	where    *resourceMap     // where things are; nil until looked for
	distrust bool             // the cache was wrong in this run
	maybe    []netip.AddrPort // where an unproven change may have moved it
	proven   string           // user whose login Set has proven
}

// Open logs in to a controller. It tries each endpoint's password at most
// once. Its error is ErrUnreachable, ErrCertificate, ErrAuth or
// ErrPasswordChange by errors.Is, whichever tells most, or one of use. The
// caller closes the Controller.
func Open(ctx context.Context, t Target) (*Controller, error) {
	at := t.Target
	at.AlsoTrust = t.HTTPS.leaf()
	s, err := redfish.Open(ctx, at)
	if err != nil {
		return nil, err
	}
	return &Controller{session: *s, patience: t.Patience.withDefaults(), https: t.HTTPS, links: t.Links}, nil
}

// Close deletes the session at the address that answers, and hangs up. It
// works on a cancelled context too, within Timing.Logout, and may be called
// twice.
func (c *Controller) Close(ctx context.Context) error { return c.session.Close(ctx, c.maybe) }

// Stats returns what the run has cost so far.
func (c *Controller) Stats() redfish.Stats { return c.session.Spent() }

// Endpoint returns where, and as whom, the controller is logged in to.
func (c *Controller) Endpoint() redfish.Endpoint { return c.session.At }

// Certificate returns the fingerprint of the certificate it shows.
func (c *Controller) Certificate() string { return c.session.Peer }

// resourceMap is what is known about where things are on one controller. It is
// made from the service root and the cache, and fills itself by following
// links when something is asked for.
type resourceMap struct {
	links   map[string]string // resource names to URIs
	docs    map[string]redfish.Document
	facts   facts
	profile profile
	fired   []Quirk
	cached  bool // some links come from the cache and may be stale
	dirty   bool // the cache does not know all of it yet
	// chosen says how sure the choice of the interface is.
	chosen choice
	// managerAt is the address that was dialled where it decides which of several
	// managers is ours; "" where it does not.
	managerAt string
}

// choice is why an interface was taken to be the one.
type choice struct {
	by reason
	at string // the address that was dialled where the interface does not tell it
}

type reason int

const (
	byMemory     reason = iota // as the cache says, or not yet made
	byAddress                  // it has the address that we came in at
	byBeingAlone               // no other leads outside
	byScore                    // cables and gateways speak for it, which may change
)

// KeyPair is a certificate for the controller with its key.
type KeyPair struct {
	Chain []byte // PEM, the controller's own first
	Key   secret.Value
}

// leaf is the fingerprint of the first certificate, or "" without any.
func (k KeyPair) leaf() string {
	block, _ := pem.Decode(k.Chain)
	if block == nil {
		return ""
	}
	return redfish.FingerprintOf(block.Bytes)
}

// LinkCache remembers between runs where controllers keep things. It may lose
// or hold back anything at any time, and may hand out what somebody else has
// written: that costs requests and never changes a result. Its methods may be
// called by several controllers at once.
type LinkCache interface {
	// Load returns the entry of that name, or nil.
	Load(name string) []byte
	// Store keeps an entry of at most MaxLinks bytes. A name is made of hex
	// digits and belongs to one controller.
	Store(name string, entry []byte)
	// Key is what entries are sealed with, so that only what this user has
	// written is believed; nil where there is none, and nothing is kept then.
	Key() []byte
}

// MaxLinks bounds an entry of a LinkCache in bytes. That of a real controller
// stays below 1 KiB.
const MaxLinks = 16 << 10

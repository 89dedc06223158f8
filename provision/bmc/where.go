package bmc

import "github.com/raiz-dns/raiz/provision/redfish"

// resources are those of one controller: where they are, and what was read of them.
// They know of settings what their profile is, and no meaning.
type resources struct {
	reader
	links LinkCache

	where    *resourceMap // nil until looked for
	distrust bool         // the cache was wrong in this run
}

// refresh makes the next loads read again.
func (r *resources) refresh() {
	if r.where != nil {
		clear(r.where.docs)
	}
}

// forget drops the map and no longer believes the cache.
func (r *resources) forget() { r.where, r.distrust = nil, true }

// carryOn goes on where a visitor of the same controller is.
func (r *resources) carryOn(there *resources) { r.session, r.where = there.session, there.where }

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

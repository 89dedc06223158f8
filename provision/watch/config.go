package watch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/observation"
)

// Version is that of the configuration. A guard refuses another one.
const Version = 1

// maxWait is longer than routers take to leave, and shorter than a person who
// applies a change waits.
const maxWait = 240

// maxConfig is more than two thousand zones at twenty addresses need.
const maxConfig = 4 << 20

// Config is what a guard is told.
type Config struct {
	Version int `json:"version"`
	// Program names the helper that this is for. Another one is another text, for
	// which the guard is restarted.
	Program  string `json:"program,omitempty"`
	Identity string `json:"identity"` // NSID (RFC 5001) of every answer that has one

	Zones  []Zone  `json:"zones"`
	Blocks []Block `json:"blocks"`
	Feed   Feed    `json:"feed"`
	Router Router  `json:"router"`
	// Served says how the name server is asked for its zones; nothing where its
	// pack does not.
	Served observation.Observation `json:"served"`
	// SyncFile is there once the clock was seen in sync, and Clock says how the
	// time daemon is asked whether it is.
	SyncFile string                  `json:"syncFile"`
	Clock    observation.Observation `json:"clock"`

	Options
}

// Options are what a site may set.
type Options struct {
	Rise       int    `json:"rise"`       // looks in a row that find all right, before blocks are announced
	Fall       int    `json:"fall"`       // looks in a row that find something wrong, before they are withdrawn
	OnStale    Policy `json:"onStale"`    // zones that are old or cannot be verified
	OnOverload Policy `json:"onOverload"` // more is asked than can be answered
	Drain      int    `json:"drain"`      // seconds that routers have to leave, before blocks are withdrawn
	Damping    int    `json:"damping"`    // seconds that blocks have to be right for after they were withdrawn often (RFC 4786 section 4.4.4)
}

// Policy is what is done about something that is wrong with every copy at once.
type Policy string

// The policies.
const (
	Alarm    Policy = "alarm"    // it is said
	Withdraw Policy = "withdraw" // the blocks are withdrawn
)

// Zone is what is asked for.
type Zone struct {
	Name string `json:"name"`
	// Transferred is whether it comes from primaries, and so gets old.
	Transferred bool `json:"transferred,omitempty"`
}

// Block is what is announced while its addresses answer.
type Block struct {
	Prefix    netip.Prefix `json:"prefix"`
	Addresses []netip.Addr `json:"addresses"`
}

// Feed is the session that brings the routing daemon the blocks, from an
// address and a port that nobody but root and this guard may use.
type Feed struct {
	ASN    uint32         `json:"asn"`
	Source netip.Addr     `json:"source"`
	Daemon netip.AddrPort `json:"daemon"`
}

// Router is how the routing daemon is looked at.
type Router struct {
	Unit    string    `json:"unit"`
	Exports []Exports `json:"exports"`
	// Look reads what each command of Exports prints.
	Look observation.Observation `json:"look"`
}

// Exports is a session that blocks are announced over.
type Exports struct {
	Session string   `json:"session"`
	Family  int      `json:"family"`            // 4 or 6
	Carries bool     `json:"carries,omitempty"` // whether blocks are announced over it
	Argv    []string `json:"argv"`              // prints what is exported
}

// ReadConfig reads a configuration.
func ReadConfig(text []byte) (Config, error) {
	var c Config
	if len(text) > maxConfig {
		return c, fmt.Errorf("a configuration of %d bytes", len(text))
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("the configuration: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return c, errors.New("the configuration: something follows it")
	}
	if err := c.check(); err != nil {
		return c, fmt.Errorf("the configuration: %w", err)
	}
	return c, nil
}

func (c Config) check() error {
	switch {
	case c.Version != Version:
		return fmt.Errorf("version %d, and this guard reads version %d", c.Version, Version)
	case len(c.Zones) == 0 || len(c.Blocks) == 0:
		return errors.New("no zones, or no blocks")
	case c.Feed.ASN == 0 || !c.Feed.Source.Is4() || !c.Feed.Daemon.Addr().Is4() || c.Feed.Daemon.Port() == 0:
		return errors.New("no feed over IPv4")
	}
	for _, z := range c.Zones {
		if z.Name == "" {
			return errors.New("a zone without a name")
		}
	}
	seen := map[netip.Prefix]bool{}
	for _, b := range c.Blocks {
		switch {
		case !b.Prefix.IsValid() || b.Prefix != b.Prefix.Masked() || b.Prefix.Addr().Is4In6() || seen[b.Prefix]:
			return fmt.Errorf("%s is no block, or one twice", b.Prefix)
		case len(b.Addresses) == 0 || slices.Contains(b.Addresses, netip.Addr{}):
			return fmt.Errorf("block %s has no address that is asked", b.Prefix)
		}
		seen[b.Prefix] = true
	}
	for _, e := range c.Router.Exports {
		if len(e.Argv) == 0 || e.Family != 4 && e.Family != 6 {
			return fmt.Errorf("session %q cannot be looked at", e.Session)
		}
	}
	return c.Options.Check()
}

// Check holds options to what makes sense.
func (o Options) Check() error {
	for name, n := range map[string]int{"rise": o.Rise, "fall": o.Fall} {
		if n < 1 || n > 60 {
			return fmt.Errorf("%s = %d is not between 1 and 60 looks", name, n)
		}
	}
	for name, n := range map[string]int{"drain": o.Drain, "damping": o.Damping} {
		if n < 0 || n > maxWait {
			return fmt.Errorf("%s = %d is not between 0 and %d seconds", name, n, maxWait)
		}
	}
	for name, p := range map[string]Policy{"on_stale": o.OnStale, "on_overload": o.OnOverload} {
		if p != Alarm && p != Withdraw {
			return fmt.Errorf("%s = %q is neither %q nor %q", name, p, Alarm, Withdraw)
		}
	}
	return nil
}

// DrainTime is how long routers have to leave.
func (o Options) DrainTime() time.Duration { return time.Duration(o.Drain) * time.Second }

package watch

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Where a guard keeps what it tells, which others read, and where it asks for
// the end of a routing daemon that does not obey.
const (
	Home        = "/run/raiz-guard"
	StatusFile  = Home + "/status.json"
	MetricsFile = Home + "/metrics.prom"
	StopFile    = Home + "/stop-router"
	ConfigFile  = "/etc/raiz/guard.json"
	// Unit is what systemd calls the guard.
	Unit = "raiz-guard.service"
)

// Stale is how old a status is that nobody believes any more: a guard writes one
// more often.
const Stale = 30 * time.Second

// Status is what a guard tells of itself.
type Status struct {
	Version int             `json:"version"`
	At      time.Time       `json:"at"`
	Uptime  float64         `json:"uptime"` // seconds since the boot: a clock that is set makes no status old
	Blocks  []BlockStatus   `json:"blocks"`
	Feed    FeedStatus      `json:"feed"`
	Exports []ExportsStatus `json:"exports"`
	// Lingers is why blocks that are to be withdrawn may still be exported; ""
	// once the routing daemon was seen to export none of them.
	Lingers string    `json:"lingers,omitempty"`
	Drain   *Drain    `json:"drain,omitempty"`
	Leave   int       `json:"leave"` // seconds that routers have to leave
	Alarms  []Trouble `json:"alarms,omitempty"`
	Counts  Counts    `json:"counts"`
}

// State is how a block is announced.
type State string

// The states.
const (
	Withdrawn State = "withdrawn"
	Draining  State = "draining"
	Announced State = "announced"
)

// BlockStatus is one block, and why it is as it is.
type BlockStatus struct {
	Prefix netip.Prefix `json:"prefix"`
	State  State        `json:"state"`
	Since  time.Time    `json:"since"`
	Reason string       `json:"reason"`
	// Fell is when it was withdrawn because of what was found, in seconds since
	// the boot, as far as that is remembered.
	Fell []float64 `json:"fell,omitempty"`
}

// FeedStatus is the session with the routing daemon.
type FeedStatus struct {
	Up    bool      `json:"up"`
	Since time.Time `json:"since"`
}

// ExportsStatus is what the routing daemon exports over one session.
type ExportsStatus struct {
	Session  string   `json:"session"`
	Prefixes []string `json:"prefixes"`
	Trouble  string   `json:"trouble,omitempty"` // why that could not be seen
}

// Trouble is something that a person has to look at, and by which no block is
// withdrawn.
type Trouble struct {
	Code  TroubleCode `json:"code"`
	Text  string      `json:"text"`
	Since time.Time   `json:"since"`
}

// TroubleCode is one kind of it.
type TroubleCode string

// The kinds.
const (
	TroubleStale    TroubleCode = "stale"    // a zone is not refreshed, or its signatures are about to end
	TroubleUnproven TroubleCode = "unproven" // signatures that lead to no trust anchor
	TroubleClock    TroubleCode = "clock"    // it is not in sync
	TroubleCrowd    TroubleCode = "crowd"    // more is asked than can be answered
	TroubleExports  TroubleCode = "exports"  // the routing daemon exports what it should not, or not what it should
	TroubleFeed     TroubleCode = "feed"     // there is no session with the routing daemon
)

// Counts are what has happened since the guard began.
type Counts struct {
	Looks       int `json:"looks"`
	Wrong       int `json:"wrong"` // looks that found something wrong
	Withdrawals int `json:"withdrawals"`
	Stops       int `json:"stops"` // of a routing daemon that did not obey
}

const maxStatus = 1 << 20

// ReadStatus reads a status.
func ReadStatus(text []byte) (Status, error) {
	var s Status
	if len(text) > maxStatus {
		return s, fmt.Errorf("a status of %d bytes", len(text))
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("the guard's status: %w", err)
	}
	if s.Version != Version {
		return s, fmt.Errorf("the guard's status is of version %d, and this reads version %d", s.Version, Version)
	}
	if len(s.Blocks) == 0 {
		return s, errors.New("the guard's status has no blocks")
	}
	return s, nil
}

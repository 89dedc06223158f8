package server

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// AroundQuestion asks for what is on a server beside what raiz puts there: others
// live on it, and what of it nobody has declared is drift.
type AroundQuestion struct {
	Users []string `json:"users,omitempty"` // whose authorized keys are told
	Disks []string `json:"disks,omitempty"` // paths of file systems
}

// Around is the answer. What could not be looked at is in Facts.Problems, by the
// name of its part.
type Around struct {
	Sockets []Socket `json:"sockets,omitempty"` // that take what comes, on other addresses than the loopback's
	Roots   []string `json:"roots,omitempty"`   // accounts with the user ID 0
	Keys    []Key    `json:"keys,omitempty"`
	Failed  []string `json:"failed,omitempty"` // units
	Disks   []Disk   `json:"disks,omitempty"`
	// Reboot says that a package waits for one, and Packages which.
	Reboot   bool     `json:"reboot,omitempty"`
	Packages []string `json:"packages,omitempty"`
}

// The parts of Around, in Facts.Problems.
const (
	PartSockets  = "sockets"
	PartAccounts = "accounts"
	PartKeys     = "keys"
	PartFailed   = "failed"
	PartDisks    = "disks"
	PartReboot   = "reboot"
)

// Socket takes connections, or datagrams.
type Socket struct {
	Network string         `json:"network"` // "tcp" or "udp"
	At      netip.AddrPort `json:"at"`
	Program string         `json:"program,omitempty"` // name of the process (comm in proc(5))
}

// Key is one that may log in.
type Key struct {
	User        string `json:"user"`
	Fingerprint string `json:"fingerprint"` // SHA256:…, or what the line is where it is no key
	Comment     string `json:"comment,omitempty"`
}

// Disk is a file system.
type Disk struct {
	Path     string `json:"path"`
	Bytes    uint64 `json:"bytes"`
	Free     uint64 `json:"free"`            // to a daemon
	Files    uint64 `json:"files,omitempty"` // that there can be; 0 where that has no limit
	FreeFile uint64 `json:"freeFiles,omitempty"`
	ReadOnly bool   `json:"readOnly,omitempty"`
}

// Bounds of what is told of it.
const (
	MaxSockets = 4096
	MaxKeys    = 1024
	MaxFailed  = 1024
	maxAround  = 64 // users, disks
)

func (a *AroundQuestion) check() error {
	if a == nil {
		return nil
	}
	if len(a.Users) > maxAround || len(a.Disks) > maxAround {
		return errors.New("it asks for too much around")
	}
	for _, u := range a.Users {
		if err := word(u); err != nil || strings.ContainsAny(u, "/:") {
			return fmt.Errorf("%.80q is no name of a user", u)
		}
	}
	for _, d := range a.Disks {
		if !strings.HasPrefix(d, "/") {
			return fmt.Errorf("%.80q is no path", d)
		}
		if err := text("disk", d, maxPath); err != nil {
			return err
		}
	}
	return nil
}

func (a *Around) check() error {
	if a == nil {
		return nil
	}
	if len(a.Sockets) > MaxSockets || len(a.Keys) > MaxKeys || len(a.Failed) > MaxFailed || len(a.Disks) > maxAround || len(a.Packages) > maxFiles || len(a.Roots) > maxFiles {
		return fmt.Errorf("%w: it tells more than there can be around", ErrAnswer)
	}
	for _, line := range slices.Concat(a.Roots, a.Failed, a.Packages) {
		if len(line) > maxName {
			return fmt.Errorf("%w: a name of %d bytes", ErrAnswer, len(line))
		}
	}
	for _, k := range a.Keys {
		if len(k.User) > maxName || len(k.Fingerprint) > maxName || len(k.Comment) > maxName {
			return fmt.Errorf("%w: a key that is too long", ErrAnswer)
		}
	}
	return nil
}

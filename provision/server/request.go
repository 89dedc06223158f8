package server

import "github.com/raiz-dns/raiz/provision/state"

// Version is the version of the language. A helper answers no other, and says
// which one it speaks.
const Version = 1

// Verb is what is asked for. Each is one exec, with the request on stdin.
type Verb string

// The verbs.
const (
	VerbProbe    Verb = "probe"    // facts; changes nothing
	VerbLook     Verb = "look"     // facts, and what programs and name servers say; changes nothing
	VerbApply    Verb = "apply"    // stages a generation, arms its revert, activates it
	VerbConfirm  Verb = "confirm"  // keeps the generation of a run
	VerbRevert   Verb = "revert"   // puts back what stood before it
	VerbRollback Verb = "rollback" // makes an earlier generation the new one
	VerbStatus   Verb = "status"   // what became of a run
	VerbRelease  Verb = "release"  // ends whatever is pending, whoever it belongs to
	VerbHistory  Verb = "history"  // the generations that there are
	VerbDrain    Verb = "drain"    // has the blocks withdrawn until that is taken back, or takes it back
)

// Request is one call. Exactly the part that its verb names is set.
type Request struct {
	Version int    `json:"raiz"`
	Verb    Verb   `json:"verb"`
	Who     string `json:"who"`            // user, machine and site file; recorded
	Keep    int    `json:"keep,omitempty"` // generations kept; 0 means DefaultKeep

	Probe    *ProbeRequest    `json:"probe,omitempty"`
	Look     *LookRequest     `json:"look,omitempty"`
	Apply    *ApplyRequest    `json:"apply,omitempty"`
	Rollback *RollbackRequest `json:"rollback,omitempty"`
	Run      *RunRequest      `json:"run,omitempty"` // confirm, revert, status
	Drain    *DrainRequest    `json:"drain,omitempty"`
}

// DrainRequest says whether the blocks are to stay withdrawn, whatever is right.
type DrainRequest struct {
	Wanted bool `json:"wanted"`
	Now    bool `json:"now,omitempty"` // without a time in which routers leave
}

// DefaultKeep is how many confirmed generations are kept, and how many of
// those that were tried and not kept.
const DefaultKeep = 10

// RunRequest names a run of raiz. What is answered speaks of that run and of
// no other: a revert that somebody else caused is not mistaken for it.
type RunRequest struct {
	Run    string `json:"run"`
	Reason string `json:"reason,omitempty"` // of a revert; one line
	// Overdue reverts whatever is pending, but only when its deadline has
	// passed: the deadline is the one its owner gave.
	Overdue bool `json:"overdue,omitempty"`
}

// ProbeRequest asks for exactly these things.
type ProbeRequest struct {
	Files    []FileQuestion `json:"files,omitempty"`
	Units    []string       `json:"units,omitempty"`
	Packages []string       `json:"packages,omitempty"`
	Links    []Match        `json:"links,omitempty"` // whose manager is wanted to be known
	// Key of 32 random bytes is what the bytes of a secret file are summed
	// with, so that neither request nor answer lets anybody guess them.
	Key []byte `json:"key,omitempty"`
	// Around asks for what others have on the server; nil for nothing of it.
	Around *AroundQuestion `json:"around,omitempty"`
	// First is asked besides of a server that has no generation yet.
	First *FirstLook `json:"first,omitempty"`
}

// FirstLook asks what programs print on a server that raiz has not changed yet.
// They change nothing.
type FirstLook struct {
	Commands []Command `json:"commands"`
	Seconds  int       `json:"seconds"` // that each command may take
}

// FileQuestion asks for a path. A secret one is answered by a keyed sum.
type FileQuestion struct {
	Path   string `json:"path"`
	Secret bool   `json:"secret,omitempty"`
	// Sum of the bytes that are wanted, in hex: equal bytes are not sent. It
	// is empty for a secret file.
	Sum string `json:"sum,omitempty"`
	// Runtime asks whether what stands is in effect.
	Runtime *state.Runtime `json:"runtime,omitempty"`
}

// ApplyRequest is a generation, and what was reviewed before it was sent.
type ApplyRequest struct {
	Run      string   `json:"run"`
	Seconds  int      `json:"seconds"` // until it reverts by itself
	Reviewed Reviewed `json:"reviewed"`
	Manifest Manifest `json:"manifest"`
}

// RollbackRequest makes generation Number the new one.
type RollbackRequest struct {
	Run      string   `json:"run"`
	Seconds  int      `json:"seconds"`
	Number   int      `json:"number"`
	Reviewed Reviewed `json:"reviewed"`
}

// Reviewed is what stood when the plan was made. The server compares it under
// the lock, before it changes anything.
type Reviewed struct {
	// Current is the generation that was confirmed then; 0 for none.
	Current int `json:"current"`
	// Standing maps each path of the manifest, and each that the change
	// removes, to what the probe said of it.
	Standing map[string]string `json:"standing,omitempty"`
}

package server

import "time"

// Answer is what the helper says last, in one JSON line. Lines before it are
// Events, in the order in which things happened.
type Answer struct {
	Version int    `json:"raiz"`
	Done    bool   `json:"done"`            // always true: an answer without it was cut off
	Error   *Error `json:"error,omitempty"` // why the verb was not carried out

	Facts   *Facts   `json:"facts,omitempty"`   // probe, look
	Looked  *Looked  `json:"looked,omitempty"`  // look
	Status  *Status  `json:"status,omitempty"`  // apply, rollback, confirm, revert, status, release
	History []Status `json:"history,omitempty"` // history, oldest first
	Guard   *Guard   `json:"guard,omitempty"`   // drain
}

// Event is a step that a change has reached, said while it goes on.
type Event struct {
	Event State     `json:"event"`
	At    time.Time `json:"at"`
	// Declared is what the generation of a rollback declares. It is said
	// before anything changes, for the connection may be gone afterwards.
	Declared []byte `json:"declared,omitempty"`
}

// Code says which kind of error it was.
type Code string

// The codes.
const (
	ErrMoved    Code = "moved"    // what stands is not what was reviewed; nothing was changed
	ErrBusy     Code = "busy"     // another change is pending, or holds the lock; nothing was changed
	ErrRefused  Code = "refused"  // checks or the system refuse it; nothing was changed
	ErrReverted Code = "reverted" // it was changed and put back
	ErrReverts  Code = "reverts"  // putting back has not ended yet, and is tried again
	ErrEarly    Code = "early"    // to be confirmed, but not active yet
	ErrLate     Code = "late"     // to be confirmed, but its time is over
	ErrUnfit    Code = "unfit"    // active, but not as declared: it stays unconfirmed
	ErrVersion  Code = "version"  // another version of the language
	ErrRequest  Code = "request"  // not a request
	ErrSystem   Code = "system"   // the operating system did not do what it was asked
)

// Error is why something was not done. Its texts may hold words of daemons,
// and are cleaned before they are shown.
type Error struct {
	Code Code   `json:"code"`
	Text string `json:"text"`
	Next string `json:"next,omitempty"` // what to do
}

// Error implements error.
func (e *Error) Error() string {
	if e.Next != "" {
		return e.Text + "; " + e.Next
	}
	return e.Text
}

// State is how far a generation has come.
type State string

// The states. Refused, Confirmed and Reverted are ends.
//
//	staged ── draining ── armed ── activating ── active ── confirmed
//	   │          │         │          │           │
//	refused    refused   refused   reverting ── reverting ── reverted
const (
	NoState    State = ""           // there is no such run here, and there will not be one
	Staged     State = "staged"     // its files are here, nothing has changed
	Draining   State = "draining"   // routers leave, so that nobody misses what stops for a moment; no file has changed
	Armed      State = "armed"      // the way back is prepared, nothing has changed
	Activating State = "activating" // files and units change
	Active     State = "active"     // all has changed, and waits for the confirmation
	Confirmed  State = "confirmed"  // kept
	Reverting  State = "reverting"  // what stood before comes back
	Reverted   State = "reverted"   // what stood before was seen again
	Refused    State = "refused"    // nothing was ever changed
)

// Ended reports whether nothing will happen any more.
func (s State) Ended() bool { return s == Confirmed || s == Reverted || s == Refused }

// Status is what became of a generation.
type Status struct {
	Number  int       `json:"number"`
	Run     string    `json:"run"`
	Who     string    `json:"who"`
	Plan    string    `json:"plan,omitempty"`
	Of      int       `json:"of,omitempty"` // the generation that a rollback repeats
	State   State     `json:"state"`
	Reason  string    `json:"reason,omitempty"` // of a refusal or a revert
	Changed time.Time `json:"changed"`          // when it got into this state
	// Until is when it reverts by itself, by the server's clock.
	Until   time.Time `json:"until,omitzero"`
	Tries   int       `json:"tries,omitempty"` // reverts that did not end
	Current bool      `json:"current,omitempty"`
}

// Reply is all that was heard of one call. The events are there also when the
// answer is not: the connection was lost.
type Reply struct {
	Events []Event
	Answer Answer
}

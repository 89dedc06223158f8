package simbmc

import "time"

// ETagMode is how the controller handles ETags.
type ETagMode string

// The ETag modes; each was seen on real controllers.
const (
	// ETagOwn is what the personality does by itself.
	ETagOwn ETagMode = ""
	// ETagNone hands out none and ignores If-Match.
	ETagNone ETagMode = "none"
	// ETagStrong hands out strong ones; If-Match is optional but checked.
	ETagStrong ETagMode = "strong"
	// ETagWeak hands out weak ones and takes them back.
	ETagWeak ETagMode = "weak"
	// ETagWeakStrict hands out weak ones and takes only their strong form,
	// as AMI does (ansible community.general #6434).
	ETagWeakStrict ETagMode = "weak-strict"
	// ETagRequired answers 428 without If-Match, as XCC does.
	ETagRequired ETagMode = "required"
	// ETagBroken answers 412 although the ETag is right; only "*" gets
	// through, as on newer XCC (community.general #11261).
	ETagBroken ETagMode = "broken"
	// ETagRefused answers 412 to any If-Match whatever.
	ETagRefused ETagMode = "refused"
)

// Strike is what happens once, at one request.
type Strike string

// The strikes.
const (
	StrikeLost     Strike = "lost"     // it is carried out, and the connection is cut instead of an answer
	StrikeReset    Strike = "reset"    // the connection is reset, and nothing is carried out
	StrikeBusy     Strike = "busy"     // 503
	StrikeLogout   Strike = "logout"   // every session has ended
	StrikeRestart  Strike = "restart"  // the controller has just begun to reset itself
	StrikePassword Strike = "password" // somebody else has given the user of the session another password
)

// Strikes are all of them.
func Strikes() []Strike {
	return []Strike{StrikeLost, StrikeReset, StrikeBusy, StrikeLogout, StrikeRestart, StrikePassword}
}

// Faults are ways to misbehave. The zero value behaves.
type Faults struct {
	ETag ETagMode
	// Strike happens at the request StrikeAt, counted from 1 since the faults
	// were set.
	Strike   Strike
	StrikeAt int
	// Task answers a PATCH with 202 and a task that ends in this state, such
	// as "Completed" or "Exception"; "" answers at once.
	Task string
	// TaskPolls is how often the task reads as running.
	TaskPolls int
	// Partial answers 200 to a PATCH although some of its properties were
	// refused, with the refusals inside the body.
	Partial bool
	// ReadOnly names top-level properties that are refused as not writable.
	ReadOnly []string
	// CertificateAtReset shows a new certificate after a reset of the manager.
	CertificateAtReset bool
	// SettingsFail makes the server's firmware refuse what waits for a reboot.
	SettingsFail bool
	// Hangs makes the operating system of the server ignore a shutdown.
	Hangs bool
	// RestartsOff is how many looks at a server that restarts find it off.
	RestartsOff int
	// GoesOff is how many times a server goes off in the moment before it is
	// switched off; with RestartsOff it is restarting.
	GoesOff int
	// Ignore accepts every PATCH and changes nothing.
	Ignore bool
	// SessionLimit refuses more open sessions than this; 0 is no limit.
	SessionLimit int
	// SessionLife ends a session after so many requests; 0 is for ever.
	SessionLife int
	// NoSessions answers 404 where a login opens a session, as a service without
	// sessions does; every request may bring the password.
	NoSessions bool
	// NoToken answers a login without a token.
	NoToken bool
	// Busy answers the next so many requests with 503 and Retry-After: 0.
	Busy int
	// Reset resets the connection of the next so many requests, which are not
	// carried out.
	Reset int
	// SlowTLS delays every TLS handshake.
	SlowTLS time.Duration
	// DisabledLogsIn lets an account log in that was switched off.
	DisabledLogsIn bool
	// MustChange refuses every user until the password is changed.
	MustChange bool
	// Slow delays every answer, or until the client hangs up.
	Slow time.Duration
	// DropOnMove cuts every connection when the addresses change.
	DropOnMove bool
	// LoseAnswer carries a change of network settings out and then cuts the
	// connection instead of answering.
	LoseAnswer bool
	// Redirect answers every GET below the root with a redirect to this URL.
	Redirect string
	// Body answers every GET below the root with these bytes.
	Body []byte
	// Huge answers every GET below the root with this many bytes of JSON.
	Huge int
	// Missing answers 404 for these paths.
	Missing []string
	// LoseGatewayOnce leaves the gateway empty at the first change of address, as
	// OpenBMC has done (bmcweb #308).
	LoseGatewayOnce bool
}

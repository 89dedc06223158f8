package state

import (
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/verdict"
)

// Risk says what a change may do to the service while it takes effect.
type Risk string

const (
	// NoRisk interrupts nothing.
	NoRisk Risk = ""
	// SessionReset may reset BGP sessions.
	SessionReset Risk = "session-reset"
	// ServiceGap may leave queries unanswered for a moment.
	ServiceGap Risk = "service-gap"
	// MayCutAccess may cut the management access to the server or the BMC.
	MayCutAccess Risk = "may-cut-access"
)

// EffectName names what a change does to the service, out of EffectNames. Its
// first part, up to the dot, is the risk. A plan says it in the words of its
// code.
type EffectName string

// The names.
const (
	NoEffect        EffectName = ""
	ResetsPassword  EffectName = "session-reset.password"
	ResetsChanged   EffectName = "session-reset.parameters"
	ResetsEvery     EffectName = "session-reset.every"
	RestartsUnit    EffectName = "service-gap.restart"
	RestartsRouter  EffectName = "service-gap.sessions"
	AnnouncesAnew   EffectName = "service-gap.announce-anew"
	MovesAddresses  EffectName = "service-gap.addresses"
	MayCutServer    EffectName = "may-cut-access.server"
	MovesController EffectName = "may-cut-access.bmc"
)

// Risk is the first part of the name.
func (n EffectName) Risk() Risk {
	risk, _, _ := strings.Cut(string(n), ".")
	return Risk(risk)
}

// EffectNames are the names that there are, without NoEffect.
func EffectNames() []EffectName {
	var out []EffectName
	for _, d := range Codes() {
		out = append(out, EffectName(d.Code))
	}
	return out
}

// Known reports whether there is such a name.
func (n EffectName) Known() bool { return n == NoEffect || slices.Contains(EffectNames(), n) }

// Codes are what effects are said with.
func Codes() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("session-reset.password", "BGP sessions whose password changed are reset"),
		verdict.Define("session-reset.parameters", "BGP sessions whose parameters changed are reset"),
		verdict.Define("session-reset.every", "every BGP session may be reset"),
		verdict.Define("service-gap.restart", "the blocks are withdrawn, the unit is restarted, and they are announced again", verdict.TypeUnit.Named("unit")),
		verdict.Define("service-gap.sessions", "the same, and with the unit every BGP session is reset", verdict.TypeUnit.Named("unit")),
		verdict.Define("service-gap.announce-anew", "the blocks are withdrawn and announced anew"),
		verdict.Define("service-gap.addresses", "service addresses move on the loopback"),
		verdict.Define("may-cut-access.server", "management access to the server may be cut; it reverts by itself unless confirmed over a new connection"),
		verdict.Define("may-cut-access.bmc", "the BMC moves, and is proven where it answers then"),
	}
}

// Effect says how a change of one thing takes effect.
type Effect struct {
	Component string     // the component pack it comes from, such as "networkd"
	Order     int        // place of the component: lower ones take effect first
	Unit      string     // the systemd unit concerned, such as "ssh.service"
	How       How        //
	Command   []string   // for Command: what to run, never a shell string
	Check     []string   // what checks the staged file; "{}" stands for its path
	Name      EffectName // what it does to the service
	Runtime   *Runtime   // how it is seen that a file is in effect; nil where it is not looked at
}

// Message is the effect as it is said; the zero Message where it interrupts
// nothing.
func (e Effect) Message() verdict.Message {
	switch e.Name {
	case ResetsPassword:
		return verdict.New("session-reset.password")
	case ResetsChanged:
		return verdict.New("session-reset.parameters")
	case ResetsEvery:
		return verdict.New("session-reset.every")
	case RestartsUnit:
		return verdict.New("service-gap.restart", verdict.Unit("unit", e.Unit))
	case RestartsRouter:
		return verdict.New("service-gap.sessions", verdict.Unit("unit", e.Unit))
	case AnnouncesAnew:
		return verdict.New("service-gap.announce-anew")
	case MovesAddresses:
		return verdict.New("service-gap.addresses")
	case MayCutServer:
		return verdict.New("may-cut-access.server")
	case MovesController:
		return verdict.New("may-cut-access.bmc")
	}
	return verdict.Message{}
}

package simbmc

import (
	"net/http"
	"strings"
)

const systemReset = "/Actions/ComputerSystem.Reset"

// systemActions are those of a system; its reset takes what real ones take.
func systemActions(system string) object {
	return object{"#ComputerSystem.Reset": object{
		"target":                            system + systemReset,
		"ResetType@Redfish.AllowableValues": []any{"On", "ForceOff", "GracefulShutdown", "GracefulRestart", "ForceRestart"},
	}}
}

// seePower takes the state of the server from the server itself, where there
// is one.
func (b *BMC) seePower() {
	if b.cfg.Powered == nil {
		return
	}
	for _, res := range b.tree {
		actions, _ := res.doc["Actions"].(object)
		if _, switches := actions["#ComputerSystem.Reset"]; switches && res.doc["PowerState"] != nil {
			res.doc["PowerState"] = powerState(b.cfg.Powered())
		}
	}
}

func powerState(on bool) string {
	if on {
		return "On"
	}
	return "Off"
}

// resetSystem answers a POST to the reset of a system.
func (b *BMC) resetSystem(system, kind string) reply {
	res, ok := b.tree[system]
	if !ok {
		return refuse(http.StatusNotFound, refusal("ResourceMissingAtURI", system))
	}
	if kind == "ForceOff" && b.faults.GoesOff > 0 {
		b.faults.GoesOff--
		if res.doc["PowerState"] = "Off"; b.faults.RestartsOff > 0 {
			b.rising = b.faults.RestartsOff + 1
		}
	}
	if kind == "ForceOff" && res.doc["PowerState"] == "Off" {
		return b.offAlready()
	}
	deaf := b.faults.Hangs // the operating system hears nothing
	switch on := res.doc["PowerState"] == "On"; {
	case kind == "On" && !on, kind == "ForceOff" && on, kind == "GracefulShutdown" && on && !deaf:
		b.doReset(res, kind)
	case kind == "GracefulShutdown" && on, kind == "GracefulRestart" && on && deaf:
		b.count.Restarts++
	case kind == "GracefulRestart" && on, kind == "ForceRestart":
		b.count.Restarts++
		b.doReset(res, kind)
	default:
		return refuse(http.StatusBadRequest, refusal("ActionParameterNotSupported", kind))
	}
	return reply{status: http.StatusNoContent}
}

// doReset has it done; without a server the state alone changes.
func (b *BMC) doReset(res *resource, kind string) {
	if kind == "On" || strings.HasSuffix(kind, "Restart") {
		b.startUp()
	}
	switch {
	case b.cfg.Reset != nil:
		b.wait.Go(func() { b.cfg.Reset(b.ctx, kind) })
	case kind == "On":
		res.doc["PowerState"], b.rising = "On", 0
	case kind == "ForceOff" || kind == "GracefulShutdown":
		res.doc["PowerState"] = "Off"
	case b.faults.RestartsOff > 0:
		res.doc["PowerState"], b.rising = "Off", b.faults.RestartsOff+1
	}
}

// offAlready answers one who switches a server off that is. bmcweb takes that, iLO
// says what is wrong, and has the same words for one who comes too early.
func (b *BMC) offAlready() reply {
	switch b.who.offAlready {
	case "taken":
		return reply{status: http.StatusNoContent}
	case "":
		return refuse(http.StatusBadRequest, refusal("ActionParameterNotSupported", "ForceOff"))
	}
	return refuse(http.StatusBadRequest, refusal(b.who.offAlready))
}

// rise lets a server that restarts come up, one look after the other.
func (b *BMC) rise(res *resource) {
	if b.rising == 0 || kind(res.doc) != "ComputerSystem" {
		return
	}
	if b.rising--; b.rising == 0 {
		res.doc["PowerState"] = "On"
	}
}

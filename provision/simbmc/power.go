package simbmc

import "net/http"

const systemReset = "/Actions/ComputerSystem.Reset"

// systemActions are those of a system; its reset takes what real ones take.
func systemActions(system string) object {
	return object{"#ComputerSystem.Reset": object{
		"target":                            system + systemReset,
		"ResetType@Redfish.AllowableValues": []any{"On", "ForceOff", "GracefulShutdown", "GracefulRestart", "ForceRestart"},
	}}
}

// resetSystem answers a POST to the reset of a system.
func (b *BMC) resetSystem(system, kind string) reply {
	res, ok := b.tree[system]
	if !ok {
		return refuse(http.StatusNotFound, refusal("ResourceMissingAtURI", system))
	}
	switch on := res.doc["PowerState"] == "On"; {
	case kind == "On" && !on:
		res.doc["PowerState"] = "On"
	case kind == "ForceOff" && on, kind == "GracefulShutdown" && on && !b.faults.Hangs:
		res.doc["PowerState"] = "Off"
	case kind == "GracefulShutdown" && on, kind == "GracefulRestart" && on, kind == "ForceRestart":
		b.count.Restarts++
	default:
		return refuse(http.StatusBadRequest, refusal("ActionParameterNotSupported", kind))
	}
	return reply{status: http.StatusNoContent}
}

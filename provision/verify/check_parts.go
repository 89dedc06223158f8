package verify

import (
	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// partChecks name the parts that are not well. The health of the whole says that
// something is broken, or nothing at all.
func partChecks(s *site.Site, e Evidence) []check {
	if s.BMC == nil {
		return nil
	}
	var checks []check
	for _, kind := range bmc.PartKinds() {
		parts, looked := e.BMC.Inventory.Parts[kind]
		checks = append(checks, e.BMC.inventoried("bmc.parts."+string(kind), string(kind), partsTitle(kind), verdict.New("bmc.parts.want"), func() finding {
			if !looked {
				return unknown(why(errNotLooked))
			}
			return partsWell(parts)
		}))
	}
	return checks
}

func partsTitle(kind bmc.PartKind) verdict.Message {
	switch kind {
	case bmc.Fans:
		return verdict.New("bmc.parts.fans")
	case bmc.Sensors:
		return verdict.New("bmc.parts.sensors")
	case bmc.Supplies:
		return verdict.New("bmc.parts.power-supplies")
	case bmc.Storage:
		return verdict.New("bmc.parts.storage")
	case bmc.Memory:
		return verdict.New("bmc.parts.memory")
	}
	return verdict.New("bmc.parts.processors")
}

// partsWell: what is ill is told first, however much was not seen.
func partsWell(p bmc.Parts) finding {
	advice := verdict.New("bmc.parts.advice")
	var ill, more []verdict.Message
	status := Warn
	for _, i := range p.Ill {
		ill = append(ill, verdict.New("bmc.part", verdict.Seen("name", i.Name), verdict.Seen("health", i.Health)))
		if i.Health != "Warning" {
			status = Fail
		}
	}
	if len(p.Untold) > 0 {
		more = append(more, verdict.New("bmc.parts.untold", verdict.Count("count", len(p.Untold)), verdict.AllSeen("names", p.Untold[:min(len(p.Untold), maxSaid)])))
	}
	if len(p.Off) > 0 {
		more = append(more, verdict.New("bmc.parts.off", verdict.Count("count", len(p.Off)), verdict.AllSeen("names", p.Off[:min(len(p.Off), maxSaid)])))
	}
	if p.Err != nil {
		more = append(more, why(p.Err))
	}
	well := verdict.New("bmc.parts.well", verdict.Count("count", p.Healthy))
	switch {
	case len(ill) > 0:
		return finding{status: status, got: few(ill), evidence: more, advice: []verdict.Message{advice}}
	case p.Err != nil:
		return untold(p.Err).with(more[:len(more)-1]...)
	case p.Healthy == 0 && len(p.Off) == 0:
		return warn(verdict.New("bmc.untold")).with(more...)
	case len(more) > 0:
		return warn(well).with(more...)
	}
	return pass(well)
}

func partCodes() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("bmc.parts.fans", "the fans"),
		verdict.Define("bmc.parts.sensors", "temperatures, voltages and what else is measured"),
		verdict.Define("bmc.parts.power-supplies", "the power supplies"),
		verdict.Define("bmc.parts.storage", "storage controllers, drives and volumes"),
		verdict.Define("bmc.parts.memory", "the modules of the memory"),
		verdict.Define("bmc.parts.processors", "the processors"),
		verdict.Define("bmc.parts.want", "each that is there is well"),
		verdict.Define("bmc.part", "a part that is not well, with where it is, and its health by the words of Redfish", verdict.TypeSeen.Named("name"), verdict.TypeSeen.Named("health")),
		verdict.Define("bmc.parts.well", "so many are well", verdict.TypeCount.Named("count")),
		verdict.Define("bmc.parts.untold", "of these the BMC does not tell it", verdict.TypeCount.Named("count"), verdict.TypeAllSeen.Named("names")),
		verdict.Define("bmc.parts.off", "these are there and not at work, by the words of Redfish", verdict.TypeCount.Named("count"), verdict.TypeAllSeen.Named("names")),
		verdict.Define("bmc.parts.advice", "what to do about a part that is not well"),
	}
}

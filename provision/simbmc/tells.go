package simbmc

import "strings"

// personality is the name of the one that a saved controller has, by what its
// documents say of who made it.
func (s savedTree) personality() string {
	root, manager := s[rootPath], s[s.manager()]
	says := func(names ...string) bool {
		for _, n := range names {
			for _, doc := range []object{root, manager} {
				if obj(doc["Oem"])[n] != nil || obj(obj(doc["Links"])["Oem"])[n] != nil {
					return true
				}
			}
			if strings.EqualFold(str(root["Vendor"]), n) {
				return true
			}
		}
		return false
	}
	firmware, model := str(manager["FirmwareVersion"]), str(manager["Model"])
	switch {
	case says("Hpe"), strings.HasPrefix(firmware, "iLO "), strings.HasPrefix(model, "iLO "):
		return "ilo"
	case says("Dell"), strings.Contains(str(root["Product"]), "Dell Remote Access Controller"):
		return "idrac"
	case says("Lenovo"), strings.Contains(model, "XClarity"):
		return "xcc"
	// Boards of Supermicro, AMI and NVIDIA run it too.
	case says("OpenBmc"), strings.EqualFold(model, "OpenBmc"):
		return "openbmc"
	case says("Supermicro"):
		return "supermicro"
	case says("Ami"):
		return "ami"
	}
	return ofSchemas
}

// ofSchemas is the personality of nobody known.
const ofSchemas = "schemas"

// schemas is a controller that lets be written what the schemas do
// (ManagerNetworkProtocol.v1_5_0: ProtocolEnabled of every protocol), and is like
// openbmc in all that they leave open. There are no documents of its own.
func schemas() personality {
	p := openbmc()
	p.protocols = []string{"HTTP", "KVMIP", "SNMP", "SSH", "Telnet", "VirtualMedia"}
	return p
}

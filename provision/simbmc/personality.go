package simbmc

import (
	"maps"
	"strconv"
	"time"
)

// personality is what tells one vendor's controller from another's.
type personality struct {
	firmware string
	build    func(*BMC)
	// settle carries settings the vendor keeps elsewhere over to the
	// standard resources; may be nil.
	settle  func(*BMC)
	manager string // paths
	eth     string

	etag       ETagMode
	etagInBody bool
	success    int  // of a PATCH: 200 with the resource, or 204
	partial    bool // applies what it can and answers 200
	annotate   bool // refusals stand beside their property
	expand     bool // $expand works
	// resetMessage is the MessageId that says a reset is needed for the
	// network to change; "" changes at once.
	resetMessage  string
	delay         time.Duration
	slots         int      // accounts are so many fixed slots
	namedAccounts bool     // an account's id is its user name
	changeAtLogin bool     // a forced password change refuses the login itself
	leaseWins     bool     // static addresses are idle while DHCP is on
	certificates  bool     // the certificate of HTTPS can be replaced
	ownRequests   bool     // and only by one for a request of its own, without a key
	told          []string // protocols that show and cannot be switched
	oneSwitch     bool     // HTTP.ProtocolEnabled is HTTPS's as well
	jobs          bool     // what waits for a reboot is a job
	serial        bool     // the manager's SerialConsole can be switched
	// offAlready is the MessageId that refuses ForceOff of a server that is off,
	// "" the Base registry's, "taken" none.
	offAlready string
	// protocols can be switched, besides IPMI.
	protocols []string
	// hidden names properties that may be written though they do not show.
	hidden []string
}

func (p personality) accountID(name string, n int) string {
	if p.namedAccounts {
		return name
	}
	if p.slots > 0 {
		return strconv.Itoa(n + 2) // slot 1 is reserved on iDRAC
	}
	return strconv.Itoa(n + 1)
}

func personalities() map[string]personality {
	return map[string]personality{
		"":        openbmc(),
		"openbmc": openbmc(),
		ofSchemas: schemas(),
		"ilo":     ilo(), "idrac": idrac(), "xcc": xcc(), "supermicro": supermicro(), "ami": ami(),
	}
}

// buildCommon puts what every personality has into the tree.
func (b *BMC) buildCommon() {
	b.collect(rootPath+"/Managers", "ManagerCollection", b.who.manager)
	b.add(rootPath+"/SessionService", "SessionService.v1_1_8.SessionService", object{
		"Sessions": link(sessionsPath), "ServiceEnabled": true, "SessionTimeout": 1800,
	}, nil)
	b.collect(sessionsPath, "SessionCollection")
	b.add(rootPath+"/TaskService", "TaskService.v1_2_0.TaskService", object{"Tasks": link(taskPath), "ServiceEnabled": true}, nil)
	b.collect(taskPath, "TaskCollection")
}

// root is the service root with the links that all have.
func (b *BMC) root(more object) {
	doc := object{
		"Id": "RootService", "RedfishVersion": "1.17.0",
		"Managers": link(rootPath + "/Managers"), "Systems": link(rootPath + "/Systems"), "Chassis": link(rootPath + "/Chassis"),
		"AccountService": link(rootPath + "/AccountService"), "SessionService": link(rootPath + "/SessionService"), "Tasks": link(rootPath + "/TaskService"),
		"Links": object{"Sessions": link(sessionsPath)},
	}
	for k, v := range more {
		doc[k] = v
	}
	b.add(rootPath, "ServiceRoot.v1_15_0.ServiceRoot", doc, nil)
}

// machine is the system and chassis that all have; more is what this one
// adds to the system.
func (b *BMC) machine(id, maker string, more object, r rules) *resource {
	sys, cha := rootPath+"/Systems/"+id, rootPath+"/Chassis/"+id
	b.collect(rootPath+"/Systems", "ComputerSystemCollection", sys)
	b.collect(rootPath+"/Chassis", "ChassisCollection", cha)
	doc := object{
		"Manufacturer": maker, "Model": b.cfg.Model, "SerialNumber": b.cfg.Serial, "UUID": b.cfg.UUID,
		"SystemType": "Physical", "PowerState": "On", "Status": health("OK"), "Boot": bootDoc(), "Actions": systemActions(sys),
		"Links": object{"ManagedBy": links(b.who.manager), "Chassis": links(cha)},
	}
	for k, v := range more {
		doc[k] = v
	}
	r = r.and(rules{"Boot": nested(bootRules(words(0)))})
	b.add(cha, "Chassis.v1_20_0.Chassis", object{
		"ChassisType": "RackMount", "Manufacturer": maker, "Model": b.cfg.Model, "SerialNumber": b.cfg.Serial, "Status": health("OK"),
		"Links": object{"ComputerSystems": links(sys), "ManagedBy": links(b.who.manager)},
	}, nil)
	b.hardware(sys, cha, doc)
	return b.add(sys, "ComputerSystem.v1_17_0.ComputerSystem", doc, r)
}

// bootRules are those of Boot; order is nil where a settings object has it.
func bootRules(order rule) rules {
	r := rules{
		"BootSourceOverrideEnabled": oneOf("Disabled", "Once", "Continuous"), "BootSourceOverrideTarget": text,
		"BootSourceOverrideMode": oneOf("Legacy", "UEFI"),
	}
	if order != nil {
		r["BootOrder"] = order
	}
	return r
}

// bootDoc is Boot of a system that nobody has touched.
func bootDoc() object {
	return object{
		"BootSourceOverrideEnabled": "Disabled", "BootSourceOverrideTarget": "None", "BootSourceOverrideMode": "UEFI",
		"BootSourceOverrideTarget@Redfish.AllowableValues": []any{"None", "Pxe", "Hdd", "Cd", "Usb", "BiosSetup", "UefiHttp"},
		"BootOrder": []any{"Boot0001", "Boot0002"},
	}
}

// and returns the rules with some more.
func (r rules) and(more rules) rules {
	out := maps.Clone(more)
	maps.Copy(out, r)
	return out
}

func (b *BMC) managerDoc(model, system string, more object) {
	doc := object{
		"ManagerType": "BMC", "Model": model, "FirmwareVersion": b.cfg.Firmware, "UUID": b.cfg.UUID, "Status": health("OK"),
		"EthernetInterfaces": link(b.who.manager + "/EthernetInterfaces"), "NetworkProtocol": link(b.who.manager + "/NetworkProtocol"),
		"Links": object{"ManagerForServers": links(rootPath + "/Systems/" + system), "ManagerForChassis": links(rootPath + "/Chassis/" + system)},
		"Actions": object{"#Manager.Reset": object{
			"target":                            b.who.manager + "/Actions/Manager.Reset",
			"ResetType@Redfish.AllowableValues": []any{"GracefulRestart", "ForceRestart"},
		}},
	}
	for k, v := range more {
		doc[k] = v
	}
	var r rules
	if b.who.serial {
		r = rules{"SerialConsole": nested(rules{"ServiceEnabled": boolean})}
	}
	b.add(b.who.manager, "Manager.v1_14_0.Manager", doc, r)
}

func health(h string) object { return object{"Health": h, "State": "Enabled"} }

// protocol is the network protocol resource; ntp may be nil where it lives
// elsewhere.
func (b *BMC) protocol(ntp object, r rules) {
	doc := object{
		"HostName": b.cfg.Hostname, "FQDN": b.cfg.Hostname, "Status": health("OK"),
		"HTTPS": object{"Port": 443, "ProtocolEnabled": true}, "SSH": object{"Port": 22, "ProtocolEnabled": true},
		"IPMI": object{"Port": 623, "ProtocolEnabled": true},
	}
	if ntp != nil {
		doc["NTP"] = ntp
	}
	for _, name := range b.who.protocols {
		doc[name] = object{"ProtocolEnabled": true}
		r = r.and(rules{name: nested(rules{"ProtocolEnabled": boolean})})
	}
	for _, name := range b.who.told {
		doc[name] = object{"ProtocolEnabled": true}
	}
	b.add(b.who.manager+"/NetworkProtocol", "ManagerNetworkProtocol.v1_5_0.ManagerNetworkProtocol", doc, r)
}

// power is the standard PowerRestorePolicy.
func power() rule { return oneOf("AlwaysOn", "AlwaysOff", "LastState") }

package bmc

import (
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// The services of a manager that an operator may want off, and its serial
// console.

// protocols are the settings of ManagerNetworkProtocol besides NTP, with the
// property each one is.
func protocols() map[string]string {
	return map[string]string{
		ipmiName: "IPMI", sshName: "SSH", telnetName: "Telnet", snmpName: "SNMP", httpName: "HTTP", kvmIPName: "KVMIP", virtualMediaName: "VirtualMedia",
	}
}

// protocol is the standard place of one of them.
func protocol(property string) setting {
	return setting{
		in: inProtocol,
		read: func(d redfish.Document) (*state.Attr, error) {
			if !d.Has(property, "ProtocolEnabled") {
				return nil, unsupported("the network protocol has no %s", property)
			}
			return onOff(d.At(property, "ProtocolEnabled"), property)
		},
		body: func(d redfish.Document, want state.Attr) (redfish.Object, error) {
			if !d.Has(property, "ProtocolEnabled") {
				return nil, unsupported("the network protocol has no %s", property)
			}
			on, err := wantOn(want)
			return nest(on, property, "ProtocolEnabled"), err
		},
	}
}

// serialMembers are the ways to a console that HostSerialConsole has
// (ComputerSystem v1_13_0).
func serialMembers(d redfish.Document) []string {
	var out []string
	for _, name := range []string{"IPMI", "SSH", "Telnet"} {
		if d.Has("SerialConsole", name, "ServiceEnabled") {
			out = append(out, name)
		}
	}
	return out
}

// readSerial reads "on" when there is any way to the console.
func readSerial(d redfish.Document) (*state.Attr, error) {
	members := serialMembers(d)
	if len(members) == 0 {
		return nil, unsupported("the system %s has no SerialConsole", d.ID())
	}
	for _, name := range members {
		if d.At("SerialConsole", name, "ServiceEnabled") == true {
			return attr("on"), nil
		}
	}
	return attr("off"), nil
}

func writeSerial(d redfish.Document, want state.Attr) (redfish.Object, error) {
	on, err := wantOn(want)
	if err != nil {
		return nil, err
	}
	members := redfish.Object{}
	for _, name := range serialMembers(d) {
		members[name] = redfish.Object{"ServiceEnabled": on}
	}
	if len(members) == 0 {
		return nil, unsupported("the system %s has no SerialConsole", d.ID())
	}
	return redfish.Object{"SerialConsole": members}, nil
}

// managerSerial is where the console was before ComputerSystem had it
// (Manager v1_0_0, deprecated in v1_10_0).
func managerSerial() setting {
	return setting{
		in: inManager,
		read: func(d redfish.Document) (*state.Attr, error) {
			if !d.Has("SerialConsole", "ServiceEnabled") {
				return nil, unsupported("neither the system nor the manager has a SerialConsole")
			}
			return onOff(d.At("SerialConsole", "ServiceEnabled"), "SerialConsole")
		},
		body: func(_ redfish.Document, want state.Attr) (redfish.Object, error) {
			on, err := wantOn(want)
			return nest(on, "SerialConsole", "ServiceEnabled"), err
		},
	}
}

package simbmc

import "net/http"

// ami is AMI MegaRAC as Gigabyte ships it: the interface is a bond beside a
// usb0, static addresses show only without DHCP, name servers and IPv6 are
// not for Redfish, and an If-Match must be the strong form of a weak ETag.
func ami() personality {
	return personality{
		firmware: "12.84.13", build: buildAMI, settle: settleAMI,
		manager: rootPath + "/Managers/Self", eth: rootPath + "/Managers/Self/EthernetInterfaces/bond0",
		etag: ETagWeakStrict, etagInBody: true, success: http.StatusNoContent, partial: true, annotate: true, serial: true, hidden: []string{"IPv4StaticAddresses"},
		protocols: []string{"SNMP", "KVMIP", "VirtualMedia"},
	}
}

func buildAMI(b *BMC) {
	b.root(object{"Vendor": "AMI", "Product": "AMI Redfish Server", "RedfishVersion": "1.7.0", "UUID": b.cfg.UUID, "Oem": object{"Ami": object{}}})
	b.managerDoc("410810600", "Self", object{"SerialConsole": object{"ServiceEnabled": true, "ConnectTypesSupported": []any{"IPMI"}}})
	b.machine("Self", "GIGABYTE", nil, nil)
	b.stageBoot(rootPath+"/Systems/Self", rootPath+"/Systems/Self/SD", keepsAll)
	b.protocol(object{"NTPServers": []any{"time.nist.gov", "pool.ntp.org"}, "Port": 123, "ProtocolEnabled": false}, rules{
		"NTP":  nested(rules{"NTPServers": words(0), "ProtocolEnabled": boolean}),
		"IPMI": nested(rules{"ProtocolEnabled": boolean}),
	})
	usb := b.who.manager + "/EthernetInterfaces/usb0"
	b.collect(b.who.manager+"/EthernetInterfaces", "EthernetInterfaceCollection", usb, b.who.eth)
	b.add(usb, "EthernetInterface.v1_5_0.EthernetInterface", object{
		"InterfaceEnabled": true, "LinkStatus": "LinkUp", "HostName": b.cfg.Hostname, "DHCPv4": object{"DHCPEnabled": false},
		"IPv4Addresses": []any{object{"Address": "169.254.0.17", "AddressOrigin": "Static", "Gateway": "0.0.0.0", "SubnetMask": "255.255.0.0"}},
	}, nil)
	v4, _, _ := b.factory()
	res := b.add(b.who.eth, "EthernetInterface.v1_5_0.EthernetInterface", object{
		"DHCPv4": object{"DHCPEnabled": b.cfg.Lease.IsValid()}, "HostName": b.cfg.Hostname, "FQDN": b.cfg.Hostname,
		"InterfaceEnabled": true, "LinkStatus": "LinkUp", "MACAddress": "02:00:00:00:00:01",
		"IPv4StaticAddresses": v4, "MaxIPv6StaticAddresses": 16, "VLAN": object{"VLANEnable": false, "VLANId": 0},
	}, rules{
		"DHCPv4":              nested(rules{"DHCPEnabled": boolean}),
		"VLAN":                nested(rules{"VLANEnable": boolean, "VLANId": integer}),
		"HostName":            text,
		"IPv4StaticAddresses": array{keys: []string{"Address", "SubnetMask", "Gateway"}}.rule,
	})
	res.network = true
}

func settleAMI(b *BMC) {
	eth := b.eth()
	if dhcp(eth) {
		delete(eth, "IPv4StaticAddresses")
	}
}

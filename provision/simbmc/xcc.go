package simbmc

import "net/http"

// xcc is Lenovo XClarity Controller: If-Match is demanded, arrays have fixed
// places, the power policy lives with the chassis, accounts are slots.
func xcc() personality {
	return personality{
		firmware: "TGBT20E 1.40 2021-05-17", build: buildXCC,
		manager: rootPath + "/Managers/1", eth: rootPath + "/Managers/1/EthernetInterfaces/NIC",
		etag: ETagRequired, etagInBody: true, success: http.StatusOK, slots: 12, changeAtLogin: true, certificates: true, ownRequests: true,
		protocols: []string{"SSH", "SNMP"}, told: []string{"HTTP", "KVMIP", "VirtualMedia"}, // Lenovo, update_bmc_network_service_config_patch
	}
}

func buildXCC(b *BMC) {
	b.root(object{"Vendor": "Lenovo", "UUID": b.cfg.UUID})
	b.managerDoc("Lenovo XClarity Controller", "1", object{"Oem": object{"Lenovo": object{"ServiceAdvisor": rootPath + "/Managers/1/Oem/Lenovo/ServiceAdvisor"}}})
	b.machine("1", "Lenovo", nil, nil)
	b.stageBoot(rootPath+"/Systems/1", rootPath+"/Systems/1/Pending", keepsAll)
	power := rootPath + "/Chassis/1/Power"
	b.tree[rootPath+"/Chassis/1"].doc["Power"] = link(power)
	b.add(power, "Power.v1_6_0.Power", object{"Oem": object{"Lenovo": object{"PowerRestorePolicy": "Restore", "LocalPowerControlEnabled": true}}}, rules{
		"Oem": nested(rules{"Lenovo": nested(rules{"PowerRestorePolicy": oneOf("AlwaysOn", "AlwaysOff", "Restore"), "LocalPowerControlEnabled": boolean})}),
	})
	b.protocol(object{"NTPServers": []any{"", "", "", ""}, "ProtocolEnabled": false}, rules{
		"NTP":      nested(rules{"NTPServers": words(4, ""), "ProtocolEnabled": boolean}),
		"IPMI":     nested(rules{"ProtocolEnabled": boolean}),
		"HostName": text,
	})
	host := b.who.manager + "/EthernetInterfaces/ToHost"
	b.collect(b.who.manager+"/EthernetInterfaces", "EthernetInterfaceCollection", b.who.eth, host)
	b.toHost(host)
	v4, v6, gw6 := b.factory()
	pad, padGW := object{"Address": "::", "PrefixLength": float64(64)}, object{"Address": "::", "PrefixLength": float64(0)}
	res := b.add(b.who.eth, "EthernetInterface.v1_6_0.EthernetInterface", object{
		"DHCPv4":   object{"DHCPEnabled": b.cfg.Lease.IsValid(), "UseDNSServers": true, "UseDomainName": true, "UseGateway": nil, "UseNTPServers": nil, "FallbackAddress": "None"},
		"DHCPv6":   object{"OperatingMode": "Disabled", "UseDNSServers": true, "UseDomainName": true},
		"HostName": b.cfg.Hostname, "FQDN": b.cfg.Hostname, "InterfaceEnabled": true, "LinkStatus": "LinkUp", "MACAddress": "02:00:00:00:00:01",
		"IPv4StaticAddresses": v4, "IPv6StaticAddresses": padded(v6, 1, pad), "IPv6StaticDefaultGateways": padded(gateways6(gw6), 1, padGW),
		"VLAN": object{"VLANEnable": false, "VLANId": float64(1)}, "IPv6DefaultGateway": "::", "StaticNameServers": []any{"0.0.0.0", "0.0.0.0", "0.0.0.0", "::", "::", "::"}, "MaxIPv6StaticAddresses": 1,
	}, rules{
		"DHCPv4":                    nested(rules{"DHCPEnabled": boolean, "UseDNSServers": boolean}),
		"HostName":                  text,
		"VLAN":                      nested(rules{"VLANEnable": boolean, "VLANId": integer}),
		"StaticNameServers":         sixServers,
		"IPv4StaticAddresses":       array{keys: []string{"Address", "SubnetMask", "Gateway"}, required: []string{"Address", "SubnetMask"}, slots: 1, pad: staticV4(prefix0(), unset())}.rule,
		"IPv6StaticAddresses":       array{keys: []string{"Address", "PrefixLength"}, slots: 1, pad: pad}.rule,
		"IPv6StaticDefaultGateways": array{keys: []string{"Address", "PrefixLength"}, slots: 1, pad: padGW}.rule,
	})
	res.network = true
}

package simbmc

import (
	"net/http"
	"net/netip"
)

// supermicro is Supermicro X13: strong ETags, fixed places with nulls and
// "::", the string "(null)", and the power policy in the BIOS.
func supermicro() personality {
	return personality{
		firmware: "11.01.01", build: buildSupermicro, settle: settleSupermicro,
		manager: rootPath + "/Managers/1", eth: rootPath + "/Managers/1/EthernetInterfaces/1",
		etag: ETagStrong, etagInBody: true, success: http.StatusOK,
		protocols: []string{"SSH", "SNMP", "HTTP", "KVMIP", "VirtualMedia"},
	}
}

func prefix0() netip.Prefix { return netip.MustParsePrefix("0.0.0.0/0") }

func unset() netip.Addr { return netip.Addr{} }

func buildSupermicro(b *BMC) {
	oem := object{"Supermicro": object{"NTP": link(b.who.manager + "/Oem/Supermicro/NTP")}}
	b.root(object{"RedfishVersion": "1.11.0", "UUID": b.cfg.UUID, "Oem": object{"Supermicro": object{}}})
	b.managerDoc("ASPEED", "1", object{"Oem": oem})
	b.add(b.who.manager+"/Oem/Supermicro/NTP", "NTP.v1_0_0.NTP", object{"NTPEnable": false, "PrimaryNTPServer": "localhost", "SecondaryNTPServer": "127.0.0.1"},
		rules{"NTPEnable": boolean, "PrimaryNTPServer": text, "SecondaryNTPServer": text})
	bios := rootPath + "/Systems/1/Bios"
	b.machine("1", "Supermicro", object{"Bios": link(bios)}, nil)
	b.add(bios, "Bios.v1_2_0.Bios", object{"Attributes": object{"RestoreonACPowerLoss_0035": "Last State", "PowerButtonFunction_0036": "Instant Off"}}, nil)
	b.stageBIOS(bios, bios+"/SD", keepsAll, map[string]rule{"RestoreonACPowerLoss_0035": oneOf("Power On", "Stay Off", "Last State")})
	b.protocol(object{"NTPServers": []any{"localhost", "127.0.0.1"}, "ProtocolEnabled": false}, rules{
		"NTP":      nested(rules{"NTPServers": words(0), "ProtocolEnabled": boolean}),
		"IPMI":     nested(rules{"ProtocolEnabled": boolean}),
		"HostName": text,
	})
	host := b.who.manager + "/EthernetInterfaces/ToHost"
	b.collect(b.who.manager+"/EthernetInterfaces", "EthernetInterfaceCollection", b.who.eth, host)
	b.toHost(host)
	v4, v6, gw6 := b.factory()
	pad6 := object{"Address": "::", "PrefixLength": float64(64)}
	pad4 := object{"Address": nil, "SubnetMask": nil, "Gateway": nil}
	res := b.add(b.who.eth, "EthernetInterface.v1_6_3.EthernetInterface", object{
		"DHCPv4":   object{"DHCPEnabled": b.cfg.Lease.IsValid(), "UseDNSServers": false, "UseGateway": true, "UseNTPServers": false, "FallbackAddress": "None"},
		"DHCPv6":   object{"OperatingMode": "Disabled", "UseDNSServers": false},
		"HostName": nil, "FQDN": nil, "LinkStatus": "LinkUp", "MACAddress": "02:00:00:00:00:01",
		"IPv4StaticAddresses": padded(v4, 1, pad4), "IPv6StaticAddresses": padded(v6, 5, pad6), "IPv6StaticDefaultGateways": gateways6(gw6),
		"VLAN": object{"VLANEnable": false, "VLANId": float64(1)}, "IPv6DefaultGateway": nil, "StaticNameServers": []any{}, "MaxIPv6StaticAddresses": 5,
	}, rules{
		"DHCPv4":                    nested(rules{"DHCPEnabled": boolean, "UseDNSServers": boolean, "UseNTPServers": boolean}),
		"HostName":                  text,
		"VLAN":                      nested(rules{"VLANEnable": boolean, "VLANId": integer}),
		"StaticNameServers":         words(0),
		"IPv4StaticAddresses":       array{keys: []string{"Address", "SubnetMask", "Gateway"}, slots: 1, pad: pad4}.rule,
		"IPv6StaticAddresses":       array{keys: []string{"Address", "PrefixLength"}, slots: 5, pad: pad6}.rule,
		"IPv6StaticDefaultGateways": array{keys: []string{"Address"}}.rule,
	})
	res.network = true
}

func settleSupermicro(b *BMC) {
	eth := b.eth()
	for len(list(eth["StaticNameServers"])) == 1 {
		eth["StaticNameServers"] = append(list(eth["StaticNameServers"]), "(null)")
	}
}

// toHost is the interface to the server's own operating system.
func (b *BMC) toHost(path string) {
	b.hostInterface(path)
	b.add(path, "EthernetInterface.v1_6_0.EthernetInterface", object{
		"InterfaceEnabled": true, "LinkStatus": "LinkUp",
		"IPv4Addresses":       []any{object{"Address": "169.254.3.254", "AddressOrigin": "Static", "Gateway": "0.0.0.0", "SubnetMask": "255.255.255.0"}},
		"IPv4StaticAddresses": []any{object{"Address": "169.254.3.254", "Gateway": "0.0.0.0", "SubnetMask": "255.255.255.0"}},
		"Links":               object{"HostInterface": link(b.who.manager + "/HostInterfaces/1")},
	}, nil)
}

func (b *BMC) hostInterface(eth string) {
	b.add(b.who.manager+"/HostInterfaces/1", "HostInterface.v1_3_0.HostInterface", object{
		"HostInterfaceType": "NetworkHostInterface", "ManagerEthernetInterface": link(eth),
	}, nil)
}

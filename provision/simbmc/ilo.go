package simbmc

import (
	"net/http"
	"net/netip"
	"reflect"
	"time"
)

// ilo is HPE iLO 5 and 6: weak ETags that it takes back, padded arrays, NTP
// in a resource of its own, and network settings that wait for a reset.
func ilo() personality {
	return personality{
		firmware: "iLO 6 v1.66", build: buildILO, settle: settleILO,
		manager: rootPath + "/Managers/1", eth: rootPath + "/Managers/1/EthernetInterfaces/1",
		etag: ETagWeak, etagInBody: true, success: http.StatusOK, delay: 30 * time.Second,
		resetMessage: "iLO.2.25.ResetRequired", changeAtLogin: true, offAlready: "iLO.2.25.InvalidOperationForSystemState", leaseWins: true, oneSwitch: true,
		protocols: []string{"SSH", "SNMP", "HTTP", "KVMIP", "VirtualMedia"},
	}
}

func buildILO(b *BMC) {
	b.root(object{"Vendor": "HPE", "Product": b.cfg.Model, "UUID": b.cfg.UUID, "Oem": object{"Hpe": object{"Moniker": object{"PRODGEN": "iLO 6"}}}})
	dateTime := b.who.manager + "/DateTime"
	b.managerDoc("iLO 6", "1", object{"Oem": object{"Hpe": object{"Links": object{"DateTimeService": link(dateTime)}}}})
	b.buildHPECertificate()
	b.machine("1", "HPE", object{"Oem": object{"Hpe": object{"PowerAutoOn": "Restore"}}}, rules{
		"Oem": nested(rules{"Hpe": nested(rules{"PowerAutoOn": oneOf("PowerOn", "RemainOff", "Restore")})}),
	})
	b.protocol(nil, rules{"IPMI": nested(rules{"ProtocolEnabled": boolean})})
	b.iloProtocol(b.tree[b.who.manager+"/NetworkProtocol"])
	shared, host := b.who.manager+"/EthernetInterfaces/2", b.who.manager+"/EthernetInterfaces/3"
	b.collect(b.who.manager+"/EthernetInterfaces", "EthernetInterfaceCollection", b.who.eth, shared, host)
	b.iloEthernet()
	idle := object{"InterfaceEnabled": false, "LinkStatus": nil, "IPv4StaticAddresses": []any{}, "Oem": object{"Hpe": object{"InterfaceType": "Shared"}},
		"IPv4Addresses": []any{object{"Address": "0.0.0.0", "AddressOrigin": "DHCP", "Gateway": "0.0.0.0", "SubnetMask": "255.255.255.255"}}}
	b.add(shared, "EthernetInterface.v1_12_1.EthernetInterface", idle, nil)
	b.hostInterface(host)
	b.add(host, "EthernetInterface.v1_12_1.EthernetInterface", object{
		"InterfaceEnabled": true, "LinkStatus": "LinkUp", "Oem": object{"Hpe": object{"InterfaceType": "HostInterface"}},
		"IPv4Addresses": []any{object{"Address": "16.1.15.1", "AddressOrigin": "DHCP", "SubnetMask": "255.255.255.252"}},
		"Links":         object{"HostInterface": link(b.who.manager + "/HostInterfaces/1")},
	}, nil)
	res := b.add(dateTime, "HpeiLODateTime.v2_0_1.HpeiLODateTime", object{"StaticNTPServers": []any{"", ""}, "NTPServers": []any{"", ""}}, rules{
		"StaticNTPServers": b.iloNTP,
	})
	res.network = true
}

// iloProtocol is what iLO's own documentation says of its network protocol
// (HPE, iLO 5 2.95, ManagerNetworkProtocol): one switch for HTTP and HTTPS, a
// port of HTTP that may be 0, both after a reset, and SSH, which resets iLO.
func (b *BMC) iloProtocol(res *resource) {
	port := func(_, want any) (any, message) {
		n, ok := want.(float64)
		if !ok || n < 0 || n > 65535 {
			return nil, refusal("PropertyValueIncorrect")
		}
		return n, message{}
	}
	res.doc["HTTP"] = object{"Port": float64(80), "ProtocolEnabled": true}
	res.rules["HTTP"] = nested(rules{"ProtocolEnabled": boolean, "Port": port})
	res.after = func(was object) {
		if !reflect.DeepEqual(was["HTTP"], res.doc["HTTP"]) {
			b.setPending(true)
		}
		if !reflect.DeepEqual(was["SSH"], res.doc["SSH"]) {
			b.leave()
		}
	}
}

// leave is a reset that the controller makes by itself: the answer is given, and
// then nobody is there for a while.
func (b *BMC) leave() {
	b.count.Resets++
	clear(b.sessions)
	b.away = time.Now().Add(max(b.cfg.Delay, 50*time.Millisecond))
}

func (b *BMC) iloEthernet() {
	v4, v6, gw6 := b.factory()
	pad, padGW := object{"Address": "::", "PrefixLength": nil}, object{"Address": "::"}
	lease := b.cfg.Lease.IsValid()
	uses := func(domain bool) object {
		return object{"UseDNSServers": lease, "UseDomainName": domain, "UseNTPServers": lease}
	}
	v4uses, v6uses := uses(lease), uses(lease)
	v4uses["DHCPEnabled"], v4uses["UseGateway"], v4uses["UseStaticRoutes"] = lease, lease, false
	v6uses["OperatingMode"] = "Disabled"
	switches := func(more rules) rule {
		r := rules{"UseDNSServers": boolean, "UseDomainName": boolean, "UseNTPServers": boolean}
		for k, v := range more {
			r[k] = v
		}
		return nested(r)
	}
	res := b.add(b.who.eth, "EthernetInterface.v1_12_1.EthernetInterface", object{
		"DHCPv4": v4uses, "DHCPv6": v6uses, "HostName": b.cfg.Hostname, "FQDN": nil,
		"InterfaceEnabled": true, "LinkStatus": "LinkUp", "MACAddress": "02:00:00:00:00:01", "VLAN": object{"VLANEnable": false, "VLANId": nil},
		"IPv4StaticAddresses": v4, "IPv6StaticAddresses": padded(v6, 4, pad), "IPv6DefaultGateway": "::",
		"IPv6StaticDefaultGateways": padded(gateways6(gw6), 1, padGW), "MaxIPv6StaticAddresses": 4,
		"StaticNameServers": []any{"0.0.0.0", "0.0.0.0", "0.0.0.0", "::", "::", "::"},
		"Oem":               object{"Hpe": object{"HostName": b.cfg.Hostname, "DomainName": "", "InterfaceType": "Dedicated", "NICEnabled": true}},
	}, rules{
		"DHCPv4":                    switches(rules{"DHCPEnabled": boolean, "UseGateway": boolean}),
		"DHCPv6":                    switches(rules{"OperatingMode": oneOf("Disabled", "Stateful", "Stateless", "Enabled")}),
		"StaticNameServers":         sixServers,
		"IPv4StaticAddresses":       array{keys: []string{"Address", "SubnetMask", "Gateway"}, required: []string{"Address", "SubnetMask"}}.rule,
		"IPv6StaticAddresses":       array{keys: []string{"Address", "PrefixLength"}, slots: 4, pad: pad}.rule,
		"IPv6StaticDefaultGateways": array{keys: []string{"Address"}, slots: 1, pad: padGW}.rule,
		"Oem":                       nested(rules{"Hpe": nested(rules{"HostName": text, "DomainName": text})}),
	})
	res.network = true
}

// iloNTP refuses time servers while DHCP sets them, and more than two.
func (b *BMC) iloNTP(have, want any) (any, message) {
	for _, family := range []string{"DHCPv4", "DHCPv6"} {
		if obj(b.eth()[family])["UseNTPServers"] == true {
			return nil, refusal("iLO.2.25.SNTPConfigurationManagedByDHCPAndIsReadOnly")
		}
	}
	return words(2, "")(have, want)
}

// sixServers are three places for IPv4 and three for IPv6.
func sixServers(_, want any) (any, message) {
	w := list(want)
	out := []any{"0.0.0.0", "0.0.0.0", "0.0.0.0", "::", "::", "::"}
	if len(w) > len(out) {
		return nil, refusal("ArraySizeTooLong")
	}
	for i, e := range w {
		a, err := netip.ParseAddr(str(e))
		if err != nil || a.Is4() != (i < 3) {
			return nil, refusal("PropertyValueFormatError", str(e))
		}
		out[i] = e
	}
	return out, message{}
}

func settleILO(b *BMC) {
	eth := b.eth()
	name := str(obj(obj(eth["Oem"])["Hpe"])["HostName"])
	eth["HostName"] = name
	b.at(b.who.manager + "/NetworkProtocol")["HostName"] = name
	if obj(eth["DHCPv4"])["UseDNSServers"] == true {
		eth["StaticNameServers"] = []any{"0.0.0.0", "0.0.0.0", "0.0.0.0", "::", "::", "::"}
	}
}

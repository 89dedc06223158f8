package simbmc

import (
	"net/http"
	"time"
)

// openbmc is upstream OpenBMC (bmcweb): standard properties only, positional
// arrays whose elements take no other key, strong ETags that are checked but
// not asked for, and a network daemon that reloads three seconds late.
func openbmc() personality {
	return personality{
		firmware: "2.15.0", build: buildOpenBMC, settle: settleOpenBMC,
		manager: rootPath + "/Managers/bmc", eth: rootPath + "/Managers/bmc/EthernetInterfaces/eth0",
		etag: ETagStrong, success: http.StatusNoContent, delay: 3 * time.Second,
		namedAccounts: true, offAlready: "taken", annotate: true, serial: true, certificates: true, protocols: []string{"SSH"},
	}
}

func buildOpenBMC(b *BMC) {
	b.root(object{"UUID": b.cfg.UUID, "Links": object{
		"ManagerProvidingService": link(b.who.manager), "Sessions": link(sessionsPath),
	}})
	b.managerDoc("OpenBmc", "system", nil)
	b.machine("system", "", object{"PowerRestorePolicy": "AlwaysOff"}, rules{"PowerRestorePolicy": power()})
	b.protocol(object{"NTPServers": []any{}, "ProtocolEnabled": true}, rules{
		"HostName": text,
		"NTP":      nested(rules{"NTPServers": words(0), "ProtocolEnabled": boolean}),
		"IPMI":     nested(rules{"ProtocolEnabled": boolean}),
	})
	b.collect(b.who.manager+"/EthernetInterfaces", "EthernetInterfaceCollection", b.who.eth)
	v4, v6, gw6 := b.factory()
	res := b.add(b.who.eth, "EthernetInterface.v1_9_0.EthernetInterface", object{
		"DHCPv4":                    object{"DHCPEnabled": b.cfg.Lease.IsValid(), "UseDNSServers": true, "UseDomainName": true, "UseNTPServers": true},
		"DHCPv6":                    object{"OperatingMode": "Disabled", "UseDNSServers": true, "UseDomainName": true, "UseNTPServers": true},
		"HostName":                  b.cfg.Hostname,
		"FQDN":                      b.cfg.Hostname,
		"InterfaceEnabled":          true,
		"LinkStatus":                "LinkUp",
		"MACAddress":                "02:00:00:00:00:01",
		"IPv4StaticAddresses":       v4,
		"IPv6StaticAddresses":       v6,
		"IPv6DefaultGateway":        "0:0:0:0:0:0:0:0",
		"StaticNameServers":         []any{},
		"SpeedMbps":                 1000,
		"Status":                    health("OK"),
		"MTUSize":                   1500,
		"IPv6StaticDefaultGateways": gateways6(gw6),
	}, rules{
		"DHCPv4":                    nested(rules{"DHCPEnabled": boolean, "UseDNSServers": boolean, "UseDomainName": boolean, "UseNTPServers": boolean}),
		"DHCPv6":                    nested(rules{"OperatingMode": oneOf("Enabled", "Disabled", "Stateful", "Stateless"), "UseDNSServers": boolean}),
		"HostName":                  text,
		"VLAN":                      nested(rules{"VLANEnable": boolean, "VLANId": integer}), // of those who have it: upstream has not
		"InterfaceEnabled":          boolean,
		"StaticNameServers":         words(0),
		"IPv4StaticAddresses":       array{keys: []string{"Address", "SubnetMask", "Gateway"}}.rule,
		"IPv6StaticAddresses":       array{keys: []string{"Address", "PrefixLength"}, required: []string{"Address", "PrefixLength"}, keepTail: true}.rule,
		"IPv6StaticDefaultGateways": array{keys: []string{"Address"}, keepTail: true}.rule,
	})
	res.network = true
	res.after = func(object) { b.clearGateway(res.doc) }
}

// clearGateway loses the gateway where OpenBMC does: at any PATCH while DHCP
// stays on (bmcweb handleDHCPPatch runs regardless), and once on demand.
func (b *BMC) clearGateway(eth object) {
	lose := dhcp(eth)
	if b.faults.LoseGatewayOnce {
		b.faults.LoseGatewayOnce, lose = false, true
	}
	if !lose {
		return
	}
	for _, e := range list(eth["IPv4StaticAddresses"]) {
		obj(e)["Gateway"] = "0.0.0.0"
	}
}

// settleOpenBMC keeps the two places of the host name in step: they are the
// same setting of the daemon.
func settleOpenBMC(b *BMC) {
	eth, np := b.eth(), b.at(b.who.manager+"/NetworkProtocol")
	name := str(eth["HostName"])
	if name == b.cfg.Hostname {
		name = str(np["HostName"])
	}
	b.cfg.Hostname = name
	for _, d := range []object{eth, np} {
		d["HostName"], d["FQDN"] = name, name
	}
	for _, e := range list(eth["IPv4StaticAddresses"]) {
		o := obj(e)
		if o["Gateway"] == nil {
			o["Gateway"] = "0.0.0.0"
		}
		o["AddressOrigin"] = "Static"
	}
	for _, g := range list(eth["IPv6StaticDefaultGateways"]) {
		obj(g)["PrefixLength"] = nil
	}
}

package simbmc

import (
	"net/http"
	"net/netip"
	"strconv"
)

// idrac is Dell iDRAC9: no ETags, sixteen account slots, $expand, and a flat
// table of attributes for everything about the network. What it can apply of
// a PATCH it applies, and answers 200.
func idrac() personality {
	return personality{
		firmware: "7.10.30.00", build: buildIDRAC, settle: settleIDRAC,
		manager: rootPath + "/Managers/iDRAC.Embedded.1", eth: rootPath + "/Managers/iDRAC.Embedded.1/EthernetInterfaces/NIC.1",
		etag: ETagNone, success: http.StatusOK, partial: true, expand: true, slots: 16, jobs: true,
	}
}

func (b *BMC) dellPath() string { return b.who.manager + "/Oem/Dell/DellAttributes/iDRAC.Embedded.1" }

func buildIDRAC(b *BMC) {
	b.root(object{"Vendor": "Dell", "Product": "Integrated Dell Remote Access Controller", "RedfishVersion": "1.18.0",
		"Oem":                       object{"Dell": object{"ServiceTag": b.cfg.Serial, "ManagerMACAddress": "02:00:00:00:00:01"}},
		"ProtocolFeaturesSupported": object{"ExpandQuery": object{"ExpandAll": true, "Levels": true, "Links": true, "NoLinks": true, "MaxLevels": 1}},
	})
	b.managerDoc("15G Monolithic", "System.Embedded.1", nil)
	links3 := links(b.dellPath(), b.who.manager+"/Oem/Dell/DellAttributes/System.Embedded.1")
	obj(b.tree[b.who.manager].doc["Links"])["Oem"] = object{"Dell": object{"DellAttributes": links3, "Jobs": link(b.jobsPath())}}
	b.add(b.who.manager+"/Oem/Dell/DellAttributes/System.Embedded.1", "DellAttributes.v1_0_0.DellAttributes", object{"Attributes": object{"ServerPwr.1.PSRapidOn": "Enabled"}}, nil)
	bios := rootPath + "/Systems/System.Embedded.1/Bios"
	b.machine("System.Embedded.1", "Dell Inc.", object{"Bios": link(bios)}, nil)
	b.add(bios, "Bios.v1_2_1.Bios", object{"Attributes": object{"AcPwrRcvry": "Last", "AcPwrRcvryDelay": "Immediate"}}, nil)
	system := rootPath + "/Systems/System.Embedded.1"
	b.stageBIOS(bios, bios+"/Settings", keepsWaiting, map[string]rule{"AcPwrRcvry": oneOf("On", "Off", "Last")}).withJobs().clearable(bios + "/Settings")
	b.stageBoot(system, system+"/Settings", keepsWaiting).withJobs()
	b.listJobs()
	b.protocol(object{"NTPServers": []any{}, "ProtocolEnabled": false}, nil)
	b.collect(b.who.manager+"/EthernetInterfaces", "EthernetInterfaceCollection", b.who.eth)
	b.add(b.who.eth, "EthernetInterface.v1_10_0.EthernetInterface", object{
		"HostName": b.cfg.Hostname, "FQDN": "", "InterfaceEnabled": true, "MACAddress": "02:00:00:00:00:01",
		"IPv4StaticAddresses": []any{}, "IPv6StaticAddresses": []any{}, "IPv6DefaultGateway": "::",
	}, nil)
	b.add(b.dellPath(), "DellAttributes.v1_0_0.DellAttributes", object{"Attributes": b.dellAttributes()}, nil)
	b.dellRules(b.tree[b.dellPath()])
}

// dellRules lets every attribute of a table be written, by its kind.
func (b *BMC) dellRules(res *resource) {
	attributes, r := obj(res.doc["Attributes"]), rules{}
	for name, v := range attributes {
		switch v := v.(type) {
		case float64:
			r[name] = integer
		case string:
			if r[name] = text; v == "Enabled" || v == "Disabled" {
				r[name] = oneOf("Enabled", "Disabled")
			}
		}
	}
	res.rules = rules{"@Redfish.OperationApplyTime": oneOf("Immediate"), "Attributes": each(r)}
	res.network = true
	was := clone(attributes).(object)
	res.after = func(object) {
		delete(res.doc, "@Redfish.OperationApplyTime")
		b.dellNetwork(was, obj(res.doc["Attributes"]))
		was = clone(res.doc["Attributes"]).(object)
	}
}

func integer(_, want any) (any, message) {
	v, ok := want.(float64)
	return kindOf("", ok, v)
}

// each applies what it can of an object, and reports the first refusal only
// when nothing could be.
func each(r rules) rule {
	return func(have, want any) (any, message) {
		out, refused := r.apply(obj(have), obj(want))
		if len(refused) > 0 && len(refused) == len(obj(want)) {
			return nil, refused[0]
		}
		return out, message{}
	}
}

func (b *BMC) dellAttributes() object {
	a := object{
		"IPv4.1.Enable": "Enabled", "IPv4.1.DHCPEnable": "Disabled", "IPv4.1.DNSFromDHCP": "Disabled",
		"IPv4Static.1.Address": "192.168.0.120", "IPv4Static.1.Netmask": "255.255.255.0", "IPv4Static.1.Gateway": "192.168.0.1",
		"IPv6.1.Enable": "Enabled", "IPv6.1.AutoConfig": "Enabled",
		"IPv6Static.1.Address1": "::", "IPv6Static.1.PrefixLength": float64(64), "IPv6Static.1.Gateway": "::",
		"NIC.1.DNSRacName": b.cfg.Hostname, "NIC.1.Selection": "Dedicated", "IPMILan.1.Enable": "Enabled",
		"NTPConfigGroup.1.NTPEnable": "Disabled",
		"NIC.1.VLanEnable":           "Disabled", "NIC.1.VLanID": float64(1),
		"SSH.1.Enable": "Enabled", "SNMP.1.AgentEnable": "Enabled", "VirtualConsole.1.Enable": "Enabled",
		"VirtualMedia.1.Enable": "Enabled", "WebServer.1.BlockHTTPPort": "Disabled", "IPMISOL.1.Enable": "Enabled",
	}
	for i := 1; i <= 3; i++ {
		n := strconv.Itoa(i)
		a["NTPConfigGroup.1.NTP"+n] = ""
		if i < 3 {
			a["IPv4Static.1.DNS"+n], a["IPv6Static.1.DNS"+n] = "0.0.0.0", "::"
		}
	}
	for _, p := range b.cfg.Addresses {
		if p.Addr().Is4() {
			a["IPv4Static.1.Address"], a["IPv4Static.1.Netmask"] = p.Addr().String(), maskOf(p.Bits())
			a["IPv4Static.1.Gateway"] = "0.0.0.0"
		} else {
			a["IPv6Static.1.Address1"], a["IPv6Static.1.PrefixLength"] = p.Addr().String(), float64(p.Bits())
		}
	}
	for _, g := range b.cfg.Gateways {
		if g.Is4() {
			a["IPv4Static.1.Gateway"] = g.String()
		} else {
			a["IPv6Static.1.Gateway"] = g.String()
		}
	}
	if b.cfg.Lease.IsValid() {
		a["IPv4.1.DHCPEnable"], a["IPv4.1.DNSFromDHCP"] = "Enabled", "Enabled"
	}
	for _, n := range []string{"Address", "Netmask", "Gateway"} {
		a["IPv4.1."+n] = a["IPv4Static.1."+n]
	}
	return a
}

// dellNetwork is how the two groups of IPv4 attributes follow one another:
// switching DHCP off brings the static group up, whatever was written to the
// other one; without such a switch the one in use counts.
func (b *BMC) dellNetwork(was, now object) {
	from, to := "IPv4.1.", "IPv4Static.1."
	static := now["IPv4.1.DHCPEnable"] == "Disabled"
	if static && was["IPv4.1.DHCPEnable"] != "Disabled" {
		from, to = to, from
	}
	for _, n := range []string{"Address", "Netmask", "Gateway"} {
		if static {
			now[to+n] = now[from+n]
		}
	}
}

func settleIDRAC(b *BMC) {
	eth, a := b.eth(), obj(b.at(b.dellPath())["Attributes"])
	if a == nil {
		return
	}
	eth["HostName"] = a["NIC.1.DNSRacName"]
	lease := a["IPv4.1.DHCPEnable"] == "Enabled"
	origin := "Static"
	if lease {
		origin = "DHCP"
		l := b.cfg.Lease
		if l.IsValid() {
			a["IPv4.1.Address"], a["IPv4.1.Netmask"], a["IPv4.1.Gateway"] = l.Addr().String(), maskOf(l.Bits()), l.Masked().Addr().Next().String()
		}
	}
	eth["IPv4StaticAddresses"] = []any{object{"Address": a["IPv4.1.Address"], "SubnetMask": a["IPv4.1.Netmask"], "Gateway": a["IPv4.1.Gateway"], "AddressOrigin": origin}}
	v6 := []any{object{"Address": "::", "PrefixLength": float64(64)}}
	if addr, err := netip.ParseAddr(str(a["IPv6Static.1.Address1"])); err == nil && !addr.IsUnspecified() {
		v6 = []any{object{"Address": addr.String(), "PrefixLength": a["IPv6Static.1.PrefixLength"]}}
	}
	eth["IPv6StaticAddresses"], eth["IPv6DefaultGateway"] = v6, a["IPv6Static.1.Gateway"]
}

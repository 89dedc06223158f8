package simbmc

import "net/netip"

// Manager is a further manager of the service, as of an enclosure or a card.
type Manager struct {
	ID   string
	Type string // ManagerType
	// Addresses are those of its own interface; without any it has none.
	Addresses []netip.Prefix
}

// addManagers puts the other managers into the tree, before ours. Nothing of them can
// be written.
func (b *BMC) addManagers() {
	if t := b.cfg.ManagerType; t != "" {
		b.tree[b.who.manager].doc["ManagerType"] = t
	}
	if len(b.cfg.Others) == 0 {
		return
	}
	delete(obj(b.tree[rootPath].doc["Links"]), "ManagerProvidingService")
	var all []string
	for _, m := range b.cfg.Others {
		p := rootPath + "/Managers/" + m.ID
		all = append(all, p)
		doc := object{"ManagerType": m.Type, "FirmwareVersion": "1.0", "Status": health("OK"), "NetworkProtocol": link(p + "/NetworkProtocol")}
		b.add(p+"/NetworkProtocol", "ManagerNetworkProtocol.v1_5_0.ManagerNetworkProtocol", object{"HostName": m.ID}, nil)
		if len(m.Addresses) > 0 {
			doc["EthernetInterfaces"] = link(p + "/EthernetInterfaces")
			b.addPort(p+"/EthernetInterfaces", m)
		}
		b.add(p, "Manager.v1_14_0.Manager", doc, nil)
	}
	b.collect(rootPath+"/Managers", "ManagerCollection", append(all, b.who.manager)...)
}

func (b *BMC) addPort(p string, m Manager) {
	v4 := []any{}
	for _, a := range m.Addresses {
		v4 = append(v4, object{"Address": a.Addr().String(), "SubnetMask": maskOf(a.Bits()), "AddressOrigin": "Static", "Gateway": "0.0.0.0"})
	}
	b.collect(p, "EthernetInterfaceCollection", p+"/1")
	b.add(p+"/1", "EthernetInterface.v1_9_0.EthernetInterface", object{
		"HostName": m.ID, "InterfaceEnabled": true, "LinkStatus": "LinkUp", "IPv4Addresses": v4,
	}, nil)
}

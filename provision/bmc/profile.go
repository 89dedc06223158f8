package bmc

// standard is a controller that does what the schemas say.
func standard() profile {
	t := profile{
		network: standardNetwork,
		settings: map[string]setting{
			Hostname:    {in: inEthernet, read: readHostname, body: writeHostname},
			DNS:         {in: inEthernet, read: readDNS, body: writeDNS(0), fixed: lacking("StaticNameServers")},
			NTP:         {in: inProtocol, read: readNTP, body: writeNTP},
			PowerPolicy: {in: inSystem, read: readEnum(powerStandard, "PowerRestorePolicy"), body: writeEnum(powerStandard, "PowerRestorePolicy")},
			IPv4Address: {in: inEthernet, read: readIPv4Address, fixed: lacking("IPv4StaticAddresses")},
			IPv4Gateway: {in: inEthernet, read: readIPv4Gateway, fixed: lacking("IPv4StaticAddresses")},
			IPv4DHCP:    {in: inEthernet, read: readDHCP, fixed: lacking("DHCPv4", "DHCPEnabled")},
			IPv6Address: {in: inEthernet, read: readIPv6Address, fixed: lacking("IPv6StaticAddresses")},
			IPv6Gateway: {in: inEthernet, read: readIPv6Gateway, fixed: lacking("IPv6StaticDefaultGateways")},
			VLAN:        {in: inEthernet, read: readVLAN},

			SerialConsole: {in: inSystem, read: readSerial, body: writeSerial},
			Boot:          {in: inSystem, read: readBoot, body: writeBoot},
			BootOrder:     {in: inSystem, read: readBootOrder, body: writeBootOrder, fixed: fixedBootOrder},
		},
	}
	for name, property := range protocols() {
		t.settings[name] = protocol(property)
	}
	return t
}

package bmc

// standard is a controller that does what the schemas say.
func standard() profile {
	t := profile{
		network: standardNetwork,
		settings: map[string]setting{
			hostnameName:    {in: inEthernet, read: readHostname, body: writeHostname},
			dnsName:         {in: inEthernet, read: readDNS, body: writeDNS(0), fixed: lacking("StaticNameServers")},
			ntpName:         {in: inProtocol, read: readNTP, body: writeNTP},
			powerPolicyName: {in: inSystem, read: readEnum(powerStandard, "PowerRestorePolicy"), body: writeEnum(powerStandard, "PowerRestorePolicy")},
			ipv4AddressName: {in: inEthernet, read: readIPv4Address, fixed: lacking("IPv4StaticAddresses")},
			ipv4GatewayName: {in: inEthernet, read: readIPv4Gateway, fixed: lacking("IPv4StaticAddresses")},
			ipv4DHCPName:    {in: inEthernet, read: readDHCP, fixed: lacking("DHCPv4", "DHCPEnabled")},
			ipv6AddressName: {in: inEthernet, read: readIPv6Address, fixed: lacking("IPv6StaticAddresses")},
			ipv6GatewayName: {in: inEthernet, read: readIPv6Gateway, fixed: lacking("IPv6StaticDefaultGateways")},
			vlanName:        {in: inEthernet, read: readVLAN},

			serialConsoleName: {in: inSystem, read: readSerial, body: writeSerial},
			bootName:          {in: inSystem, read: readBoot, body: writeBoot},
			bootOrderName:     {in: inSystem, read: readBootOrder, body: writeBootOrder, atReset: true},
		},
	}
	for name, property := range protocols() {
		t.settings[name] = protocol(property)
	}
	return t
}

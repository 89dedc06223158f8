package harm

import "regexp"

// Where the settings are on a controller of OpenBMC (bmcweb 2.15).
const (
	accounts = "/redfish/v1/AccountService/Accounts/"
	protocol = "/redfish/v1/Managers/bmc/NetworkProtocol"
	ethernet = "/redfish/v1/Managers/bmc/EthernetInterfaces/eth0"
	system   = "/redfish/v1/Systems/system"
)

// setting is a setting of the controller that somebody has changed.
func setting(name string) (Harm, string) {
	bodies := map[string][2]string{
		"dns":             {ethernet, `{"StaticNameServers":["192.0.2.99"]}`},
		"factory-account": {accounts + "root", `{"Enabled":true}`},
		"hostname":        {ethernet, `{"HostName":"elsewhere"}`},
		"ipmi":            {protocol, `{"IPMI":{"ProtocolEnabled":true}}`},
		"ipv6.address":    {ethernet, `{"IPv6StaticAddresses":[{"Address":"2001:db8:0:1::99","PrefixLength":64}]}`},
		"ipv6.gateway":    {ethernet, `{"IPv6StaticDefaultGateways":[{"Address":"2001:db8:0:1::9"}]}`},
		"ntp":             {protocol, `{"NTP":{"NTPServers":["192.0.2.99"]}}`},
		"power-restore":   {system, `{"PowerRestorePolicy":"AlwaysOff"}`},
	}
	b, ok := bodies[name]
	if !ok {
		return Harm{}, "whoever changes it at the controller has no way left to put it right"
	}
	return Harm{
		Name: "bmc " + name + " is changed", Class: BMC, Place: Redfish, Do: "PATCH " + b[0] + " " + b[1],
		Sees: "bmc." + regexp.QuoteMeta(name), Also: `bmc\.`,
	}, ""
}

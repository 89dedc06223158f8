package bmc

import (
	"encoding/json"

	"github.com/raiz-dns/raiz/provision/redfish"
)

import "github.com/raiz-dns/raiz/provision/state"

// Names and readers for the tests that look at single resources.

// ReadResource reads a setting of a product line out of one resource.
func ReadResource(line, name string, body []byte) (*state.Attr, error) {
	t, _ := profileFor(facts{Line: line})
	d, err := document(body)
	if err != nil {
		return nil, err
	}
	return t.settings[name].read(d)
}

// Body builds the PATCH that makes settings so, given the resource as it is.
func Body(line string, body []byte, want map[string]state.Attr) (map[string]any, error) {
	t, _ := profileFor(facts{Line: line})
	d, err := document(body)
	if err != nil {
		return nil, err
	}
	for name, w := range want {
		if s := t.settings[name]; s.body != nil {
			return s.body(d, w)
		}
	}
	return t.network(t, d, want)
}

// AllQuirks is the table.
func AllQuirks() []Quirk {
	var out []Quirk
	for _, q := range quirks() {
		out = append(out, q.Quirk)
	}
	return out
}

// Entry is what a cache holds of one controller.
type Entry = entry

// SealEntry and OpenEntry make and read it.
func SealEntry(e Entry, key []byte, name string) []byte { return sealEntry(e, key, name) }

// OpenEntry reads an entry that was sealed with the key.
func OpenEntry(sealed, key []byte, name string) (Entry, bool) { return openEntry(sealed, key, name) }

// document is a resource with that body.
func document(body []byte) (redfish.Document, error) {
	d := redfish.Document{URI: "/redfish/v1/Test"}
	return d, json.Unmarshal(body, &d.Props)
}

// The names of the settings.
const (
	Account          = accountName
	FactoryAccount   = factoryAccountName
	Boot             = bootName
	BootOrder        = bootOrderName
	DNS              = dnsName
	HTTP             = httpName
	HTTPSCertificate = httpsCertificateName
	Hostname         = hostnameName
	IPMI             = ipmiName
	IPv4Address      = ipv4AddressName
	IPv4DHCP         = ipv4DHCPName
	IPv4Gateway      = ipv4GatewayName
	IPv6Address      = ipv6AddressName
	IPv6Gateway      = ipv6GatewayName
	KVMIP            = kvmIPName
	NTP              = ntpName
	PowerPolicy      = powerPolicyName
	SNMP             = snmpName
	SSH              = sshName
	SerialConsole    = serialConsoleName
	Telnet           = telnetName
	VirtualMedia     = virtualMediaName
	VLAN             = vlanName
)

// ErrStillOn is a server that did not shut down in time.
var ErrStillOn = errStillOn

// SettingNames are the names of all settings that raiz knows.
func SettingNames() []string { return order() }

// MaxInventory is how many answers an inventory reads.
const MaxInventory = maxInventory

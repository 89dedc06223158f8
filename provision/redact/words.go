package redact

import "strings"

// words are those that paths, Ids and names of Redfish and of the vendors are
// made of. A name that is made of others is no less useful as a placeholder.
func words() map[string]bool {
	return set(`redfish metadata odata root service services session sessions system systems computer chassis manager managers
		self bmc embedded idrac drac ilo xcc hpe hpei dell delli lenovo supermicro smc ami openbmc open nvidia intel hgx oem ext of
		and the to for on in with
		ethernet network networks interface interfaces adapter adapters nic nics eth bond usb host hostusb lan vlan vlans port ports protocol
		protocols bios uefi settings setting pending sd default defaults attributes attribute registry registries json schema schemas
		account accounts role roles administrator operator readonly only read user users privilege privileges ldap directory radius
		power supply supplies psu subsystem thermal fan fans temperature temperatures voltage voltages control controls redundancy
		sensor sensors environment metrics metric telemetry report reports definition definitions trigger triggers
		storage simple volume volumes drive drives controller controllers disk raid ahci nvme
		processor processors cpu gpu memory dimm dimms cache assembly pcie pci device devices function functions slot slots
		license licenses certificate certificates location locations https http key keys csr secure boot databases database
		update firmware software inventory component components image images staging backup golden bundle
		task tasks event events subscription subscriptions destination job jobs queue log logs entries entry sel lc lifecycle audit
		virtual media cd dvd floppy removable kvm console serial graphical shell ssh snmp ipmi telnet smtp ssl tls sol ntp ntpsource
		date time datetime action actions info reset force graceful restart change password option options order next once target
		status state health summary links collection members member data set config configuration import export group groups
		security management management mode baseline remote server node module motherboard baseboard board backplane riser cpld fpga
		card cards integrated advanced dedicated shared physical zone zones rack enclosure trusted tpm me sso federation authentication
		tohost local provider providers operation operations policy policies test mail alert alerts syslog message file files
		fabric fabrics switch switches switchboard connection connections aggregation composition facility resource block blocks
		outlet outlets pdu leak detection battery batteries watchdog identify led indicator name names value values array dynamic static
		dnsserver dns address addresses gateway gateways ip ipv version versions current new default insert eject clear generate replace
		rekey renew submit install upload download start stop enable disable enabled disabled primary secondary`)
}

// speaks reports whether a text is made of these words, of few digits, and of
// one lone letter, as in v1 and e0.
func (a allowed) speaks(s string) bool {
	if bootForm.MatchString(s) {
		return true
	}
	digits, lone := 0, 0
	for _, run := range runs.FindAllString(s, -1) {
		if run[0] <= '9' {
			if digits += len(run); len(run) > 3 || digits > 4 {
				return false
			}
			continue
		}
		if len(run) == 1 {
			if lone++; lone > 1 {
				return false // as in X12Y34
			}
		} else if !a.spelt(strings.ToLower(run)) {
			return false
		}
	}
	rest := runs.ReplaceAllString(s, "")
	return strings.Trim(rest, "._- $@:()") == ""
}

// spelt reports whether letters are words without anything between: Redfish
// writes EthernetInterfaces.
func (a allowed) spelt(letters string) bool {
	if len(letters) > 64 {
		return false
	}
	ends := make([]bool, len(letters)+1)
	ends[0] = true
	for i := range letters {
		for j := i + 2; ends[i] && j <= len(letters); j++ {
			ends[j] = ends[j] || a.words[letters[i:j]]
		}
	}
	return ends[len(letters)]
}

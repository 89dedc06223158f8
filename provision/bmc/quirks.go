package bmc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// Quirk is one way in which a kind of controller departs from the schemas.
type Quirk struct {
	Name string // short and stable, for `raiz bmc doctor`
	Seen string // where, and what it looks like
}

// The product lines.
const (
	lineOpenBMC    = "openbmc"
	lineIDRAC      = "idrac"
	lineILO        = "ilo"
	lineXCC        = "xcc"
	lineSupermicro = "supermicro"
	lineAMI        = "ami"
	lineGeneric    = "generic"
)

// quirk is a row of the table: for whom, what, and what to do about it.
type quirk struct {
	Quirk
	when func(facts) bool
	do   func(*profile)
}

func isLine(line string) func(facts) bool { return func(f facts) bool { return f.Line == line } }

// profileFor starts from the schemas and applies every quirk that fits.
func profileFor(f facts) (profile, []Quirk) {
	t := standard()
	var fired []Quirk
	for _, q := range quirks() {
		if q.when(f) {
			q.do(&t)
			fired = append(fired, q.Quirk)
		}
	}
	return t, fired
}

// iloBefore reports whether a firmware is of that iLO, and older. It reads such as
// "iLO 5 v2.46".
func iloBefore(generation, major, minor int) func(facts) bool {
	return func(f facts) bool {
		var g, a, b int
		n, _ := fmt.Sscanf(f.Firmware, "iLO %d v%d.%d", &g, &a, &b)
		return f.Line == lineILO && n == 3 && g == generation && (a < major || a == major && b < minor)
	}
}

// quirks is the table. Rows apply in order; each says who saw it.
func quirks() []quirk {
	return slices.Concat(quirksHPE(), quirksDell(), quirksLenovo(), quirksSupermicro(), quirksOthers())
}

func quirksHPE() []quirk {
	ilo := isLine(lineILO)
	slots6, slot1 := redfish.Object{"Address": "::", "PrefixLength": nil}, redfish.Object{"Address": "::"}
	return []quirk{
		{Quirk{"ilo-ntp-in-datetime", "iLO 5 2.46 to iLO 6 1.66: NetworkProtocol has no NTP; StaticNTPServers of Managers/1/DateTime takes two, once DHCP no longer sets them (HPE redfish utility)"}, ilo, func(t *profile) {
			t.settings[ntpName] = setting{in: inDateTime, read: readHPENTP, body: writeHPENTP, before: hpeOwnNTP}
		}},
		{Quirk{"ilo-power-auto-on", "iLO 5 and 6: no PowerRestorePolicy, but Oem.Hpe.PowerAutoOn of Systems/1 (\"Restore\" in four trees)"}, ilo, func(t *profile) {
			t.settings[powerPolicyName] = setting{in: inSystem, read: readEnum(powerHPE, "Oem", "Hpe", "PowerAutoOn"), body: writeEnum(powerHPE, "Oem", "Hpe", "PowerAutoOn")}
		}},
		{Quirk{"ilo-hostname-in-oem", "iLO 5 and 6: Oem.Hpe.HostName stands beside HostName and is the one written; not tried on hardware"}, ilo, func(t *profile) {
			t.settings[hostnameName] = setting{in: inEthernet, read: readHostname, body: writeHPEHostname}
		}},
		{Quirk{"ilo-name-server-slots", "iLO 5 and 6: StaticNameServers has six places, IPv4 before IPv6; DHCP overrides it unless UseDNSServers is off"}, ilo, func(t *profile) {
			t.settings[dnsName] = setting{in: inEthernet, read: readDNS, body: writeHPEDNS, fixed: lacking("StaticNameServers")}
		}},
		{Quirk{"ilo-dhcp-first", "iLO 5 and 6: DHCP goes off in a write of its own, with UseGateway and UseDNSServers (HPE samples); free IPv6 places read \"::\" with PrefixLength null"}, ilo, func(t *profile) {
			t.dhcpFirst, t.dhcpOff = true, redfish.Object{"UseGateway": false, "UseDNSServers": false, "UseNTPServers": false}
			t.padV6, t.padGW6 = slots6, slot1
		}},
		{Quirk{"ilo-pending-reset", "iLO 5 and 6: network, DNS and NTP wait for Manager.Reset (HPE redfish utility); ConfigurationSettings of the resource says so even when the answer was lost"}, ilo, func(t *profile) { t.pending = hpePending }},
		{Quirk{"ilo-vlan-on-shared-port", "iLO 5 and 6: VLAN is listed for every port, and HPE documents it for the shared one alone; not tried on hardware"}, ilo, func(t *profile) {
			t.settings[vlanName] = setting{in: inEthernet, read: readVLAN, fixed: hpeFixedVLAN}
		}},
		{Quirk{"ilo-http-by-port", "iLO 5 2.95: HTTP.ProtocolEnabled closes 443, and with it Redfish, together with 80; HTTP.Port 0 closes 80 alone, after a reset (HPE, ilo5_manager_resourcedefns295; iLO 6 taken as the same)"}, ilo, func(t *profile) {
			t.settings[httpName] = setting{in: inProtocol, read: readHPEHTTP, body: writeHPEHTTP}
		}},
		{Quirk{"ilo-http-with-https", "iLO 5 before 2.72: HTTP.Port cannot be 0 (HPE, ilo5_manager_resourcedefns295)"}, iloBefore(5, 2, 72), func(t *profile) {
			t.settings[httpName] = nowhere("iLO 5 before 2.72 closes port 80 together with 443, and with it Redfish")
		}},
		{Quirk{"ilo-ssh-resets", "iLO 5 2.95: it resets by itself once SSH is switched (HPE, ilo5_manager_resourcedefns295)"}, ilo, func(t *profile) {
			s := t.settings[sshName]
			s.selfReset = true
			t.settings[sshName] = s
		}},
		{Quirk{"ilo-certificate-import", "iLO 6 1.30 and later: HpeHttpsCert.ImportCertificate takes a certificate with its key (HPE, securityService)"}, ilo, func(t *profile) { t.certificate = hpeImport }},
		{Quirk{"ilo-certificate-of-request", "iLO 5, and iLO 6 before 1.30: the certificate has to be for a request of iLO's own (HPE, securityService)"}, func(f facts) bool { return iloBefore(5, 99, 0)(f) || iloBefore(6, 1, 30)(f) }, func(t *profile) {
			t.noCertificate = "this iLO takes a certificate for a request of its own alone, and no key"
		}},
		{Quirk{"ilo-serial-in-oem", "iLO 5 2.46 to iLO 6 1.66: SerialConsole of the manager only tells; Oem.Hpe.SerialCLIStatus is the switch, with meanings of its own"}, ilo, func(t *profile) {
			t.settings[serialConsoleName] = nowhere("iLO switches its serial console in Oem.Hpe.SerialCLIStatus, which is not the standard setting")
		}},
	}
}

func quirksDell() []quirk {
	idrac := isLine(lineIDRAC)
	return []quirk{
		{Quirk{"idrac-attributes", "iDRAC9 6.00 and 7.10: NIC.1 lacks DHCPv4 and StaticNameServers; all of it lives in DellAttributes (also terraform-provider-redfish)"}, idrac, dellProfile},
		{Quirk{"idrac-power-in-bios", "iDRAC9 7.10, iDRAC10 1.20: AcPwrRcvry of the BIOS, which takes a job and a reboot to write"}, idrac, func(t *profile) {
			t.settings[powerPolicyName] = inBIOS(readEnum(powerDell, "Attributes", "AcPwrRcvry"), writeEnum(powerDell, "Attributes", "AcPwrRcvry"))
		}},
		{Quirk{"idrac-one-job", "boot order and BIOS attributes are one target of iDRAC's jobs, BIOS.Setup.1-1; with a job scheduled a further write is refused (SYS011)"}, idrac, func(t *profile) { t.oneJob = true }},
		{Quirk{"idrac-account-slots", "iDRAC9 7.10: sixteen fixed slots, filled by PATCH; the first is reserved"}, idrac, func(t *profile) { t.accountSlots, t.firstSlot = true, 1 }},
	}
}

func quirksLenovo() []quirk {
	xcc := isLine(lineXCC)
	slot1 := redfish.Object{"Address": "::"}
	return []quirk{
		{Quirk{"xcc-if-match", "XCC: a PATCH without If-Match is refused (ansible #56050, fwupd #6347); Lenovo's scripts send \"*\""}, xcc, func(t *profile) { t.star = true }},
		{Quirk{"xcc-name-server-slots", "XCC 1.40: StaticNameServers has six places, IPv4 before IPv6, free ones read 0.0.0.0 and \"::\""}, xcc, func(t *profile) {
			t.settings[dnsName] = setting{in: inEthernet, read: readDNS, body: writeDNSApart, fixed: lacking("StaticNameServers")}
		}},
		{Quirk{"xcc-ntp-slots", "XCC 1.40: four NTP places, an empty string frees one"}, xcc, func(t *profile) {
			t.settings[ntpName] = setting{in: inProtocol, read: readNTP, body: writeNTPSlots}
		}},
		{Quirk{"xcc-address-slots", "XCC 1.40: one place for an IPv6 address and its gateway, free ones read \"::\""}, xcc, func(t *profile) {
			t.padV6, t.padGW6 = redfish.Object{"Address": "::", "PrefixLength": 64}, slot1
		}},
		{Quirk{"xcc-certificate-of-request", "XCC, XCC2: ReplaceCertificate takes one certificate as PEM, for the latest request of its own, and no key (Lenovo, certmgt_replace_certificate_post, lenovo_ssl_certificate_import.py)"}, xcc, func(t *profile) {
			t.noCertificate = "XCC takes a certificate for a request of its own alone, and no key"
		}},
		{Quirk{"xcc-fixed-protocols", "XCC, XCC2: what PATCH takes of the network protocol has no HTTP, KVMIP or switch of VirtualMedia (Lenovo, update_bmc_network_service_config_patch)"}, xcc, func(t *profile) {
			for _, name := range []string{httpName, kvmIPName, virtualMediaName} {
				s := t.settings[name]
				s.fixed = always("Lenovo's list of what XCC lets be written has no " + protocols()[name])
				t.settings[name] = s
			}
		}},
		{Quirk{"xcc-power-in-chassis", "XCC: Chassis/1/Power Oem.Lenovo.PowerRestorePolicy (\"Restore\"; community.general #11270)"}, xcc, func(t *profile) {
			t.settings[powerPolicyName] = setting{in: inPower, read: readEnum(powerLenovo, "Oem", "Lenovo", "PowerRestorePolicy"), body: writeEnum(powerLenovo, "Oem", "Lenovo", "PowerRestorePolicy")}
		}},
	}
}

func quirksSupermicro() []quirk {
	smc := isLine(lineSupermicro)
	return []quirk{
		{Quirk{"supermicro-address-slots", "X13 11.01.01: one IPv4 place of nulls and five of \"::\"; name servers may read \"(null)\""}, smc, func(t *profile) {
			t.padV6 = redfish.Object{"Address": "::", "PrefixLength": 64}
		}},
		{Quirk{"supermicro-power-in-bios", "X13: RestoreonACPowerLoss_0035 of the BIOS where the system has no PowerRestorePolicy; the suffix differs from board to board"}, smc, func(t *profile) {
			s := t.settings[powerPolicyName]
			bios := inBIOS(readSupermicroPower, writeSupermicroPower)
			s.orElse = &bios
			t.settings[powerPolicyName] = s
		}},
		{Quirk{"supermicro-oem-ntp", "X10 4.00 (Redfish 1.0.1): NTP lives in Oem.Supermicro.NTP of the manager"}, func(f facts) bool { return f.Line == lineSupermicro && strings.HasPrefix(f.Redfish, "1.0.") }, func(t *profile) {
			t.settings[ntpName] = setting{in: inOemNTP, read: readSupermicroNTP, body: writeSupermicroNTP}
		}},
	}
}

func quirksOthers() []quirk {
	ami := isLine(lineAMI)
	return []quirk{
		{Quirk{"openbmc-serial-console-told", "OpenBMC 2.15: bmcweb shows SerialConsole of the system and has no way to write it"}, isLine(lineOpenBMC), func(t *profile) {
			t.settings[serialConsoleName] = setting{in: inSystem, read: readSerial, fixed: always("OpenBMC tells its serial console and does not let it be switched")}
		}},
		{Quirk{"serial-console-of-manager", "AMI 12.84, Intel 1.93: only the manager has a SerialConsole (deprecated in Manager v1_10_0)"}, func(f facts) bool { return f.Line == lineAMI || f.Line == lineGeneric }, func(t *profile) {
			s, older := t.settings[serialConsoleName], managerSerial()
			s.orElse = &older
			t.settings[serialConsoleName] = s
		}},
		{Quirk{"ami-hidden-static", "AMI 12.84: bond0 shows IPv4StaticAddresses only without DHCP"}, ami, func(t *profile) {
			t.hiddenStatic = true
			t.settings[ipv4AddressName] = setting{in: inEthernet, read: readIPv4Address}
			t.settings[ipv4GatewayName] = setting{in: inEthernet, read: readIPv4Gateway}
		}},
	}
}

// lineOf tells the product line by what only it has.
func lineOf(root, manager redfish.Document) string {
	switch {
	case root.Has("Oem", "Dell"), manager.Has("Oem", "Dell"), manager.Has("Links", "Oem", "Dell"), root.Text("Vendor") == "Dell":
		return lineIDRAC
	case root.Has("Oem", "Hpe"), manager.Has("Oem", "Hpe"):
		return lineILO
	case root.Text("Vendor") == "Lenovo", manager.Has("Oem", "Lenovo"):
		return lineXCC
	// OpenBMC before Supermicro and AMI: both ship boards with it.
	case manager.Has("Oem", "OpenBmc"), manager.Text("Model") == "OpenBmc":
		return lineOpenBMC
	case root.Has("Oem", "Supermicro"), manager.Has("Oem", "Supermicro"):
		return lineSupermicro
	case root.Has("Oem", "Ami"), root.Text("Vendor") == "AMI":
		return lineAMI
	}
	return lineGeneric
}

// facts are what quirks are keyed by.
type facts struct {
	Line     string // product line, one of the line constants
	Firmware string
	Redfish  string
}

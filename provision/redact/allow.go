package redact

import (
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

var (
	typeForm    = regexp.MustCompile(`^#[A-Za-z]{1,64}(\.v[0-9]{1,2}_[0-9]{1,2}_[0-9]{1,2})?\.[A-Za-z]{1,64}$`)
	versionForm = regexp.MustCompile(`^[A-Za-z0-9 ._()-]{1,48}$`)
	productForm = regexp.MustCompile(`^[A-Za-z0-9 .,()/-]{1,64}$`)
	bootForm    = regexp.MustCompile(`^Boot[0-9A-F]{4}$`)
)

// allowed is what may stay.
type allowed struct {
	numbers, enums, versions, products, masks, sentences map[string]bool
	values, words                                        map[string]bool
}

func set(list string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(list) {
		out[w] = true
	}
	return out
}

// allowances are the lists. Names are those of DMTF's schemas (DSP8010), and of
// what raiz reads of vendors' own parts (provision/bmc).
func allowances() allowed {
	return allowed{
		numbers: set(`PrefixLength VLANId VLANPriority Count CoreCount LogicalProcessorCount TotalCores TotalThreads
			TotalSystemMemoryGiB CapacityMiB CapacityBytes PowerCapacityWatts MTUSize SpeedMbps Port MaxIPv6StaticAddresses
			MaxConcurrentSessions SessionTimeout MinPasswordLength MaxPasswordLength AccountLockoutThreshold
			NIC.1.VLanID IPv6Static.1.PrefixLength`),
		enums: set(`State Health HealthRollup PowerState LinkStatus InterfaceType AddressOrigin AddressState RoleId AssignedPrivileges ProcessorType
			RAIDType ManagerType SystemType ChassisType PowerSupplyType MediaType OperatingMode IndicatorLED DataType
			BootSourceOverrideEnabled BootSourceOverrideTarget BootSourceOverrideMode PowerRestorePolicy PowerAutoOn
			AutoPowerOn ConfigurationSettings AcPwrRcvry MaintenanceWindowResource ApplyTime SupportedApplyTimes
			@Redfish.OperationApplyTime NotifyIPv6Address
			IPv4.1.Enable IPv4.1.DHCPEnable IPv4.1.DNSFromDHCP IPv6.1.Enable IPv6.1.AutoConfig IPv6.1.DNSFromDHCP6
			NIC.1.VLanEnable NTPConfigGroup.1.NTPEnable IPMILan.1.Enable SSH.1.Enable Telnet.1.Enable SNMP.1.AgentEnable
			VirtualConsole.1.Enable VirtualMedia.1.Enable IPMISOL.1.Enable WebServer.1.BlockHTTPPort`),
		versions:  set(`FirmwareVersion RedfishVersion BiosVersion`),
		products:  set(`Vendor Product Manufacturer Model LicenseString LicenseType`),
		masks:     set(`SubnetMask IPv4.1.Netmask IPv4Static.1.Netmask`),
		sentences: set(`Name`),
		values:    values(),
		words:     words(),
	}
}

// values are those of enumerations: of the schemas, and of vendors where raiz
// reads them.
func values() map[string]bool {
	out := set(`Enabled Disabled Absent UnavailableOffline StandbyOffline StandbySpare Starting Quiesced Deferring Updating
		OK Ok Warning Critical Unknown On Off PoweringOn PoweringOff Paused Reset Always Never
		LinkUp LinkDown NoLink Static DHCP DHCPv6 BOOTP SLAAC LinkLocal IPv4LinkLocal Preferred Deprecated Tentative Failed
		Dedicated Shared HostInterface Ethernet Administrator Operator ReadOnly NoAccess
		Login ConfigureManager ConfigureUsers ConfigureSelf ConfigureComponents
		CPU GPU FPGA DSP Accelerator RAID0 RAID1 RAID5 RAID6 RAID10 RAID50 RAID60 Mirrored
		BMC EnclosureManager ManagementController RackManager AuxiliaryController Service Physical Virtual
		RackMount StandAlone Blade Enclosure Module Card Zone Component Shelf Rack Sled StorageEnclosure
		AC DC ACorDC SSD HDD SMR Lit Blinking Stateful Stateless
		Once Continuous Pxe Hdd Cd Usb Floppy BiosSetup Utilities Diags UefiShell UefiTarget UefiHttp UefiBootNext SDCard
		RemoteDrive Recovery UEFI Legacy AlwaysOn AlwaysOff LastState Restore PowerOn RemainOff StayOff Last Current Pending
		PowerOff ForceOn ForceOff ForceRestart GracefulRestart GracefulShutdown PowerCycle Nmi PushPowerButton ResetAll
		PreserveNetwork PreserveNetworkAndUsers FullPowerCycle Suspend Resume Pause
		Immediate OnReset AtMaintenanceWindowStart InMaintenanceWindowOnReset OnStartUpdateRequest
		String Boolean Number NumberArray StringArray Object ObjectArray`)
	out["Stay Off"], out["Power On"], out["Last State"] = true, true, true // a BIOS of Supermicro
	return out
}

// number reports whether the numbers of a property stay. A PIN is one.
func (a allowed) number(name string) bool {
	return a.numbers[name] || strings.HasSuffix(name, "@odata.count") || strings.HasSuffix(name, "@Redfish.AllowableNumbers")
}

// text reports whether a text of a property stays.
func (a allowed) text(name, s string) bool {
	switch {
	case name == "@odata.type":
		return typeForm.MatchString(s)
	case a.enums[name], strings.HasSuffix(name, "@Redfish.AllowableValues"), name == "AllowableValues",
		strings.HasPrefix(name, "RestoreonACPowerLoss"):
		return a.values[s]
	case name == "BootOrder" || name == "BootOptionReference":
		return bootForm.MatchString(s)
	case a.versions[name]:
		return versionForm.MatchString(s)
	case a.products[name]:
		return productForm.MatchString(s) && !looksLikeMachine(s)
	case a.sentences[name]:
		return a.speaks(s)
	case a.masks[name]:
		return isMask(s)
	}
	return false
}

func isMask(s string) bool {
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() {
		return false
	}
	ones, bits := net.IPMask(a.AsSlice()).Size()
	return bits == 32 && ones > 0
}

// namesHardware reports whether a property says which machine this is.
func namesHardware(name string) bool {
	return endsIn(name, "serialnumber", "serial", "uuid", "guid", "macaddress", "mac", "assettag", "servicetag", "expressservicecode",
		"engineid", "wwn", "nodeid", "chassisid")
}

// namesSite reports whether a property says where it is, or who uses it.
func namesSite(name string) bool {
	return endsIn(name, "hostname", "fqdn", "dnsname", "domainname", "dnsracname", "dnsdomainname", "username", "iscsiname", "community", "communityname")
}

func endsIn(name string, ends ...string) bool {
	name = squeezed(name[strings.LastIndexAny(name, "._")+1:])
	return slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix(name, end) })
}

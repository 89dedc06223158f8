package bmc

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

func sortedKeys(o redfish.Object) []string { return slices.Sorted(maps.Keys(o)) }

// The settings, as the names of state.Key have them.
const (
	accountName     = "account"
	hostnameName    = "hostname"
	dnsName         = "dns"
	ntpName         = "ntp"
	ipmiName        = "ipmi"
	powerPolicyName = "power-restore"
	ipv4AddressName = "ipv4.address"
	ipv4GatewayName = "ipv4.gateway"
	ipv4DHCPName    = "ipv4.dhcp"
	ipv6AddressName = "ipv6.address"
	ipv6GatewayName = "ipv6.gateway"

	vlanName          = "vlan" // "none" or the tag
	sshName           = "protocol.ssh"
	telnetName        = "protocol.telnet"
	snmpName          = "protocol.snmp"
	httpName          = "protocol.http"
	kvmIPName         = "protocol.kvm-ip"
	virtualMediaName  = "protocol.virtual-media"
	serialConsoleName = "serial-console"
	bootName          = "boot"       // "order", or what is booted always
	bootOrderName     = "boot-order" // as the system names its boot options

	httpsCertificateName = "https-certificate" // its fingerprint
	factoryAccountName   = "factory-account"   // "root: on" while that one may log in
)

// The resources a setting may live in; names of links in the cache too.
const (
	inManager    = "manager"
	inEthernet   = "ethernet"
	inProtocol   = "protocol"
	inSystem     = "system"
	inBios       = "bios"
	inDateTime   = "datetime"   // HPE
	inAttributes = "attributes" // Dell
	inPower      = "power"      // Lenovo
	inOemNTP     = "oem-ntp"    // Supermicro before X11
)

// setting says where one setting lives and how it is read and written.
type setting struct {
	in string
	// read returns the value, or nil for absent.
	read func(redfish.Document) (*state.Attr, error)
	// body is the PATCH that makes it so; nil where it cannot be written, or
	// where the network group writes it. why says why it cannot.
	body func(redfish.Document, state.Attr) (redfish.Object, error)
	why  string
	// fixed says why the value that reads cannot be another one here, or "";
	// nil is never. A plan knows by it what an apply could not do.
	fixed func(redfish.Document) string
	// before is a PATCH to the interface that must come first; may be nil.
	before func(eth redfish.Document) redfish.Object
	// atReset says that it is written to the settings object of its resource,
	// where that names one, and takes effect when the server is reset.
	atReset bool
	// selfReset says that the controller resets itself once it is written.
	selfReset bool
	// orElse is where to look when this is unsupported; may be nil.
	orElse *setting
}

// certificateWay is an action that imports a certificate with its key.
type certificateWay string

const (
	replaceAction certificateWay = ""    // CertificateService.ReplaceCertificate
	hpeImport     certificateWay = "hpe" // HpeHttpsCert.ImportCertificate
)

// profile is how one controller has to be treated. Quirks change them.
type profile struct {
	settings map[string]setting
	// network builds the one PATCH for all wanted network settings.
	network func(profile, redfish.Document, map[string]state.Attr) (redfish.Object, error)
	// padV4, padV6 and padGW6 fill a freed place of an address array where a
	// fixed number of slots is never removed; nil deletes with null.
	padV4, padV6, padGW6 any
	// hiddenStatic is true where IPv4StaticAddresses shows only without DHCP.
	hiddenStatic bool
	// dhcpFirst switches DHCP off in a write of its own.
	dhcpFirst bool
	// dhcpOff is sent along when DHCP is switched off.
	dhcpOff redfish.Object
	// accountSlots is true where accounts are fixed slots that a PATCH fills.
	accountSlots bool
	firstSlot    int // the first that may be filled
	// certificate is how one of HTTPS is imported.
	certificate certificateWay
	// noCertificate is why none can be, or "".
	noCertificate string
	// pending tells whether a resource's settings wait for a reset; nil never.
	pending func(redfish.Document) bool
	// oneJob is true where one change at a time may wait for a reboot.
	oneJob bool
	// star sends If-Match "*" where no ETag was handed out.
	star bool
}

// fixedError is why a setting that reads cannot be written.
type fixedError struct{ why string }

func (e *fixedError) Error() string { return e.why + ": " + state.ErrUnsupported.Error() }

// Unwrap makes it a state.ErrUnsupported.
func (e *fixedError) Unwrap() error { return state.ErrUnsupported }

// lacking is fixed where the interface lacks the property to write.
func lacking(path ...string) func(redfish.Document) string {
	return func(d redfish.Document) string {
		if d.Has(path...) {
			return ""
		}
		return fmt.Sprintf("the interface %s has no %s", d.ID(), path[0])
	}
}

func always(why string) func(redfish.Document) string {
	return func(redfish.Document) string { return why }
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, state.ErrUnsupported)...)
}

// nowhere is a setting that a line of controllers does not have; it costs no
// look.
func nowhere(why string) setting {
	return setting{why: why, read: func(redfish.Document) (*state.Attr, error) { return nil, unsupported("%s", why) }}
}

// withoutSettings is fixed for what can be written to a settings object alone.
func withoutSettings(d redfish.Document) string {
	if d.Link("@Redfish.Settings", "SettingsObject") != "" {
		return ""
	}
	return fmt.Sprintf("the %s %s names no settings object to be written", d.Kind(), d.ID())
}

// inBIOS is a setting among the attributes of the BIOS, which are read from Bios
// and written to its settings object.
func inBIOS(read func(redfish.Document) (*state.Attr, error), body func(redfish.Document, state.Attr) (redfish.Object, error)) setting {
	return setting{in: inBios, read: read, body: body, atReset: true, fixed: withoutSettings}
}

// word is one pair of a controller's spelling and ours.
type word struct{ theirs, ours string }

// powerStandard is ComputerSystem.v1_6_0 PowerRestorePolicyTypes.
func powerStandard() []word {
	return []word{{"AlwaysOn", "always-on"}, {"AlwaysOff", "always-off"}, {"LastState", "last-state"}}
}

func attr(values ...string) *state.Attr { return &state.Attr{Values: values} }

func onOff(v any, name string) (*state.Attr, error) {
	switch v {
	case true:
		return attr("on"), nil
	case false:
		return attr("off"), nil
	case nil:
		return nil, unsupported("the controller gives no value for %s", name)
	}
	return nil, fmt.Errorf("read %s: %T is no boolean", name, v)
}

// wantOn reads a wanted "on" or "off".
func wantOn(a state.Attr) (bool, error) {
	if len(a.Values) == 1 && (a.Values[0] == "on" || a.Values[0] == "off") {
		return a.Values[0] == "on", nil
	}
	return false, fmt.Errorf("%w: %q is neither \"on\" nor \"off\"", errValue, a.Values)
}

func one(a state.Attr) (string, error) {
	if len(a.Values) != 1 {
		return "", fmt.Errorf("%w: %q is not exactly one", errValue, a.Values)
	}
	return a.Values[0], nil
}

func readEnum(words func() []word, path ...string) func(redfish.Document) (*state.Attr, error) {
	return func(d redfish.Document) (*state.Attr, error) {
		name := path[len(path)-1]
		s := d.Text(path...)
		if v := d.At(path...); s == "" && (v == nil || v == "") {
			return nil, unsupported("%s has no %s", redfish.Short(d.Kind()), name)
		}
		for _, w := range words() {
			if w.theirs == s {
				return attr(w.ours), nil
			}
		}
		return nil, fmt.Errorf("read %s: %q is no known value", name, redfish.Short(cmp.Or(s, fmt.Sprint(d.At(path...)))))
	}
}

func writeEnum(known func() []word, path ...string) func(redfish.Document, state.Attr) (redfish.Object, error) {
	return func(d redfish.Document, want state.Attr) (redfish.Object, error) {
		if !d.Has(path...) {
			return nil, unsupported("%s has no %s", d.Kind(), path[len(path)-1])
		}
		s, err := one(want)
		if err != nil {
			return nil, err
		}
		for _, w := range known() {
			if w.ours == s {
				return nest(w.theirs, path...), nil
			}
		}
		return nil, unsupported("%s knows no %q", path[len(path)-1], s)
	}
}

// nest wraps a value in objects, outermost name first.
func nest(v any, path ...string) redfish.Object {
	for i := len(path) - 1; i > 0; i-- {
		v = redfish.Object{path[i]: v}
	}
	return redfish.Object{path[0]: v}
}

// order is the safe order of the groups; the network comes last.
func order() []string {
	return []string{
		accountName, hostnameName, dnsName, ntpName, ipmiName, sshName, telnetName, snmpName, httpName, kvmIPName, virtualMediaName, serialConsoleName, httpsCertificateName,
		powerPolicyName, bootName, bootOrderName, vlanName, ipv4DHCPName, ipv4AddressName, ipv4GatewayName, ipv6AddressName, ipv6GatewayName,
		factoryAccountName,
	}
}

func isNetwork(name string) bool { return strings.HasPrefix(name, "ipv") || name == vlanName }

// errValue marks a wanted value that nothing was asked about.
var errValue = errors.New("this cannot be set")

func same(have *state.Attr, want state.Attr) bool { return have != nil && have.Equal(want) }

func show(a *state.Attr) string {
	switch {
	case a == nil:
		return "nothing"
	case len(a.Values) == 0:
		return "none"
	}
	return strings.Join(a.Values, ", ")
}

// since is a deadline from now.
func since(d time.Duration) time.Time { return time.Now().Add(d) }

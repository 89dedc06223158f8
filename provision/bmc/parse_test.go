package bmc_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/state"
)

func values(v ...string) state.Attr { return state.Attr{Values: v} }

// TestPlaceholders reads what vendors write for "none".
func TestPlaceholders(t *testing.T) {
	for _, c := range []struct{ name, setting, body, want string }{
		{"ilo slots", bmc.IPv6Address, `{"IPv6StaticAddresses":[{"Address":"::","PrefixLength":null},{"Address":"2001:DB8::1","PrefixLength":64}]}`, "2001:db8::1/64"},
		{"x13 nulls", bmc.IPv4Address, `{"IPv4StaticAddresses":[{"Address":null,"SubnetMask":null,"Gateway":null}]}`, ""},
		{"x13 null string", bmc.DNS, `{"StaticNameServers":["192.168.126.14","(null)"]}`, "192.168.126.14"},
		{"xcc empty strings", bmc.NTP, `{"NTP":{"NTPServers":["","ntp.example.net","",""],"ProtocolEnabled":true}}`, "ntp.example.net"},
		{"ami idle servers", bmc.NTP, `{"NTP":{"NTPServers":["pool.ntp.org"],"ProtocolEnabled":false}}`, ""},
		{"openbmc long zero", bmc.IPv6Gateway, `{"IPv6DefaultGateway":"0:0:0:0:0:0:0:0"}`, ""},
		{"openbmc zero gateway", bmc.IPv4Gateway, `{"IPv4StaticAddresses":[{"Address":"192.0.2.10","SubnetMask":"255.255.255.240","Gateway":"0.0.0.0"}]}`, ""},
		{"learned gateway", bmc.IPv6Gateway, `{"IPv6DefaultGateway":"fe80::1"}`, ""},
		{"link-local static", bmc.IPv6Address, `{"IPv6StaticAddresses":[{"Address":"fe80::1","PrefixLength":64}]}`, ""},
		{"idrac idle static", bmc.IPv4Address, `{"IPv4StaticAddresses":[{"Address":"192.168.0.120","SubnetMask":"255.255.255.0","AddressOrigin":"DHCP"}]}`, ""},
		{"intel lease", bmc.IPv4Address, `{"IPv4StaticAddresses":[{"Address":"192.0.2.7","SubnetMask":"255.255.255.0"}],"IPv4Addresses":[{"Address":"192.0.2.7","AddressOrigin":"DHCP"}]}`, ""},
		{"gb200 both", bmc.IPv4Address, `{"IPv4StaticAddresses":[{"Address":"192.0.2.7","SubnetMask":"255.255.254.0"}],"IPv4Addresses":[{"Address":"192.0.2.7","AddressOrigin":"DHCP"},{"Address":"192.0.2.7","AddressOrigin":"Static"}]}`, "192.0.2.7/23"},
		{"ilo6 gateway elsewhere", bmc.IPv4Gateway, `{"IPv4StaticAddresses":[{"Address":"192.0.2.7","SubnetMask":"255.255.255.0"}],"IPv4Addresses":[{"Address":"192.0.2.7","SubnetMask":"255.255.255.0","AddressOrigin":"Static","Gateway":"192.0.2.1"}]}`, "192.0.2.1"},
		{"cisco without statics", bmc.IPv4Address, `{"IPv4Addresses":[{"Address":"192.0.2.7","SubnetMask":"255.255.255.0","AddressOrigin":"Static"}]}`, "192.0.2.7/24"},
		{"mask with holes", bmc.IPv4Address, `{"IPv4StaticAddresses":[{"Address":"192.0.2.7","SubnetMask":"255.0.255.0"}]}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := bmc.ReadResource("generic", c.setting, []byte(c.body))
			if err != nil || strings.Join(got.Values, " ") != c.want {
				t.Errorf("got %v, %v; want %q", got, err, c.want)
			}
		})
	}
}

// TestBodies holds what is sent, to the byte.
func TestBodies(t *testing.T) {
	v4 := map[string]state.Attr{bmc.IPv4Address: values("192.0.2.10/28"), bmc.IPv4Gateway: values("192.0.2.1"), bmc.IPv4DHCP: values("off")}
	v6 := map[string]state.Attr{bmc.IPv6Address: values("2001:db8::10/64"), bmc.IPv6Gateway: values("2001:db8::1")}
	for _, c := range []struct {
		name, line, have string
		want             map[string]state.Attr
		body             string
	}{
		{"openbmc from dhcp", "openbmc", `{"DHCPv4":{"DHCPEnabled":true},"IPv4StaticAddresses":[]}`, v4,
			`{"DHCPv4":{"DHCPEnabled":false},"IPv4StaticAddresses":[{"Address":"192.0.2.10","Gateway":"192.0.2.1","SubnetMask":"255.255.255.240"}]}`},
		{"openbmc surplus", "openbmc", `{"DHCPv4":{"DHCPEnabled":false},"IPv4StaticAddresses":[{"Address":"192.0.2.99","SubnetMask":"255.255.255.0"},{"Address":"192.0.2.10","SubnetMask":"255.255.255.240","Gateway":"192.0.2.1"}]}`, v4,
			`{"IPv4StaticAddresses":[null,{}]}`},
		{"openbmc v6", "openbmc", `{"IPv6StaticAddresses":[{"Address":"2001:db8::99","PrefixLength":64},{"Address":"2001:db8::98","PrefixLength":64}],"IPv6StaticDefaultGateways":[]}`, v6,
			`{"IPv6StaticAddresses":[{"Address":"2001:db8::10","PrefixLength":64},null],"IPv6StaticDefaultGateways":[{"Address":"2001:db8::1"}]}`},
		{"openbmc gateway alone", "openbmc", `{"DHCPv4":{"DHCPEnabled":false},"IPv4StaticAddresses":[{"Address":"192.0.2.10","SubnetMask":"255.255.255.240","Gateway":"0.0.0.0"}]}`, v4,
			`{"IPv4StaticAddresses":[{"Address":"192.0.2.10","Gateway":"192.0.2.1","SubnetMask":"255.255.255.240"}]}`},
		{"ilo slots", "ilo", `{"IPv6StaticAddresses":[{"Address":"2001:db8::99","PrefixLength":64},{"Address":"2001:db8::98","PrefixLength":64},{"Address":"::","PrefixLength":null}],"IPv6StaticDefaultGateways":[{"Address":"::"}]}`, v6,
			`{"IPv6StaticAddresses":[{"Address":"2001:db8::10","PrefixLength":64},{"Address":"::","PrefixLength":null}],"IPv6StaticDefaultGateways":[{"Address":"2001:db8::1"}]}`},
		{"ilo dhcp off", "ilo", `{"DHCPv4":{"DHCPEnabled":true}}`, map[string]state.Attr{bmc.IPv4DHCP: values("off")},
			`{"DHCPv4":{"DHCPEnabled":false,"UseDNSServers":false,"UseGateway":false,"UseNTPServers":false}}`},
		{"ilo dns", "ilo", `{"DHCPv4":{"UseDNSServers":true},"StaticNameServers":[]}`, map[string]state.Attr{bmc.DNS: values("192.0.2.1", "2001:db8::53")},
			`{"DHCPv4":{"UseDNSServers":false},"StaticNameServers":["192.0.2.1","0.0.0.0","0.0.0.0","2001:db8::53","::","::"]}`},
		{"xcc ntp", "xcc", `{"NTP":{"NTPServers":["a","b","",""]}}`, map[string]state.Attr{bmc.NTP: values("ntp.example.net")},
			`{"NTP":{"NTPServers":["ntp.example.net","","",""],"ProtocolEnabled":true}}`},
		{"idrac from dhcp", "idrac", `{"Attributes":{"IPv4.1.DHCPEnable":"Enabled","IPv4.1.Address":"192.0.2.77","IPv4.1.Netmask":"255.255.255.0","IPv4.1.Gateway":"192.0.2.1"}}`, v4,
			`{"@Redfish.OperationApplyTime":"Immediate","Attributes":{"IPv4.1.DHCPEnable":"Disabled","IPv4Static.1.Address":"192.0.2.10","IPv4Static.1.Gateway":"192.0.2.1","IPv4Static.1.Netmask":"255.255.255.240"}}`},
		{"idrac static to static", "idrac", `{"Attributes":{"IPv4.1.DHCPEnable":"Disabled","IPv4.1.Address":"192.0.2.77","IPv4.1.Netmask":"255.255.255.0","IPv4.1.Gateway":"192.0.2.1"}}`, v4,
			`{"@Redfish.OperationApplyTime":"Immediate","Attributes":{"IPv4.1.Address":"192.0.2.10","IPv4.1.Gateway":"192.0.2.1","IPv4.1.Netmask":"255.255.255.240"}}`},
		{"idrac v6", "idrac", `{"Attributes":{"IPv6Static.1.Address1":"::","IPv6Static.1.PrefixLength":64,"IPv6Static.1.Gateway":"::"}}`, v6,
			`{"@Redfish.OperationApplyTime":"Immediate","Attributes":{"IPv6.1.AutoConfig":"Disabled","IPv6.1.Enable":"Enabled","IPv6Static.1.Address1":"2001:db8::10","IPv6Static.1.Gateway":"2001:db8::1","IPv6Static.1.PrefixLength":64}}`},
		{"supermicro nulls", "supermicro", `{"DHCPv4":{"DHCPEnabled":false},"IPv4StaticAddresses":[{"Address":null,"SubnetMask":null,"Gateway":null}]}`, v4,
			`{"IPv4StaticAddresses":[{"Address":"192.0.2.10","Gateway":"192.0.2.1","SubnetMask":"255.255.255.240"}]}`},
		{"ami hidden", "ami", `{"DHCPv4":{"DHCPEnabled":true},"IPv4Addresses":[]}`, v4,
			`{"DHCPv4":{"DHCPEnabled":false},"IPv4StaticAddresses":[{"Address":"192.0.2.10","Gateway":"192.0.2.1","SubnetMask":"255.255.255.240"}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			body, err := bmc.Body(c.line, []byte(c.have), c.want)
			text, _ := json.Marshal(body)
			if err != nil {
				t.Error(err)
			}
			equal(t, c.body, string(text))
		})
	}
}

// TestQuirkTable makes sure that every row can be cited.
func TestQuirkTable(t *testing.T) {
	seen := map[string]bool{}
	for _, q := range bmc.AllQuirks() {
		if seen[q.Name] || len(q.Seen) < 20 {
			t.Errorf("quirk %q says %q", q.Name, q.Seen)
		}
		seen[q.Name] = true
	}
}

func lines() []string {
	return []string{"openbmc", "idrac", "ilo", "xcc", "supermicro", "ami", "generic"}
}

// checkValue holds what every reader promises of what it returns.
func checkValue(t *testing.T, name string, v *state.Attr) {
	if v == nil {
		return
	}
	for _, s := range v.Values {
		switch name {
		case bmc.IPv4Address, bmc.IPv6Address:
			p, err := netip.ParsePrefix(s)
			if err != nil || p.String() != s || p.Addr().IsUnspecified() {
				t.Errorf("%s reads %q", name, s)
			}
		case bmc.IPv4Gateway, bmc.IPv6Gateway:
			a, err := netip.ParseAddr(s)
			if err != nil || a.String() != s || a.IsUnspecified() {
				t.Errorf("%s reads %q", name, s)
			}
		case bmc.IPMI, bmc.IPv4DHCP:
			if s != "on" && s != "off" {
				t.Errorf("%s reads %q", name, s)
			}
		}
	}
}

// FuzzResource reads any JSON as any resource, and builds what would be sent.
func FuzzResource(f *testing.F) {
	f.Add([]byte(`{"IPv4StaticAddresses":[{"Address":"192.0.2.10","SubnetMask":"255.255.255.240","Gateway":"192.0.2.1"}],"DHCPv4":{"DHCPEnabled":false}}`))
	f.Add([]byte(`{"IPv6StaticAddresses":[{"Address":"::","PrefixLength":1e99}],"IPv6StaticDefaultGateways":[null,5],"StaticNameServers":[[]]}`))
	f.Add([]byte(`{"NTP":{"NTPServers":["a",null],"ProtocolEnabled":"x"},"IPMI":{"ProtocolEnabled":null},"HostName":[]}`))
	f.Add([]byte(`{"Attributes":{"IPv4.1.DHCPEnable":"Disabled","IPv4.1.Address":"1.2.3.4","IPv4.1.Netmask":"255.0.0.0","RestoreonACPowerLoss":[]}}`))
	f.Add([]byte(`{"@odata.id":"/redfish/v1/x","IPv4Addresses":[{"Address":"::ffff:1.2.3.4","AddressOrigin":"Static","SubnetMask":"255.255.255.255"}]}`))
	want := map[string]state.Attr{
		bmc.IPv4Address: values("192.0.2.10/28"), bmc.IPv4Gateway: values("192.0.2.1"), bmc.IPv4DHCP: values("off"),
		bmc.IPv6Address: values("2001:db8::10/64"), bmc.IPv6Gateway: values("2001:db8::1"),
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, line := range lines() {
			for _, name := range allNames()[1:] {
				v, err := bmc.ReadResource(line, name, body)
				if v != nil && err != nil && len(v.Values) > 0 {
					t.Errorf("%s reads %v and %v", name, v, err)
				}
				checkValue(t, name, v)
				if w, ok := wanted()[name]; ok && !strings.HasPrefix(name, "ipv") {
					sendable(t, line, body, map[string]state.Attr{name: values(w...)})
				}
			}
			sendable(t, line, body, want)
		}
	})
}

func sendable(t *testing.T, line string, body []byte, want map[string]state.Attr) {
	out, err := bmc.Body(line, body, want)
	if err != nil && !errors.Is(err, state.ErrUnsupported) {
		return
	}
	text, err := json.Marshal(out)
	if err != nil || slices.Contains([]string{"Oem\":null", "AddressOrigin"}, string(text)) {
		t.Errorf("%s would send %s: %v", line, text, err)
	}
}

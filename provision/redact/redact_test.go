package redact_test

import (
	"encoding/json"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/redact"
)

func read(t *testing.T, text string) map[string]redact.Object {
	t.Helper()
	var doc redact.Object
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	return map[string]redact.Object{"/redfish/v1/Managers/1": doc}
}

func shown(t *testing.T, r *redact.Redactor, text string) redact.Object {
	t.Helper()
	out, is := r.Tree(read(t, text))["/redfish/v1/Managers/1"].(redact.Object)
	if !is {
		t.Fatal("the resource is not where it was")
	}
	return out
}

// What raiz reads, and what makes a tree one, stays.
func TestStays(t *testing.T) {
	const text = `{"@odata.id":"/redfish/v1/Managers/iDRAC.Embedded.1","@odata.type":"#Manager.v1_12_0.Manager","Id":"iDRAC.Embedded.1",
		"Name":"Manager Ethernet Interface","Members@odata.count":3,"Members":[{"@odata.id":"/redfish/v1/Systems/System.Embedded.1"}],
		"Status":{"State":"Enabled","Health":"OK"},"Attributes":{"IPv4.1.DHCPEnable":"Disabled","NIC.1.VLanID":7,"RestoreonACPowerLoss_0025":"Stay Off"},
		"DHCPEnabled":true,"Gateway":"0.0.0.0","SubnetMask":"255.255.255.0","HostName":"","Nothing":null,"PrefixLength":64,
		"FirmwareVersion":"7.00.00.171","Model":"ProLiant DL325 Gen10 Plus","BootOrder":["Boot0001","Boot000A"],"PowerState@Redfish.AllowableValues":["On","Off"],
		"Actions":{"#ComputerSystem.Reset":{"target":"/redfish/v1/Systems/1/Actions/ComputerSystem.Reset"}},"Dns":["::","(null)","N/A"]}`
	want, _ := json.Marshal(read(t, text)["/redfish/v1/Managers/1"])
	have, _ := json.Marshal(shown(t, redact.New(redact.SerialsHidden), text))
	if string(have) != string(want) {
		t.Errorf("got  %s\nwant %s", have, want)
	}
}

// What is not on the list goes, whatever it is called and wherever it stands;
// on the list it goes where it is not of the form.
func TestGoes(t *testing.T) {
	const hidden = "s3cr-Hidden"
	for name, text := range map[string]string{
		"a property":            `{"AuthenticationKey":"s3cr-Hidden"}`,
		"one of a BIOS":         `{"Attributes":{"AdminPwd":"s3cr-Hidden","SetupPwd":"s3cr-Hidden"}}`,
		"a nested one":          `{"Oem":{"Any":[{"Deep":{"PreSharedKey":["s3cr-Hidden"]}}]}}`,
		"a pair":                `{"Attributes":[{"Name":"AdminPwd","Value":"s3cr-Hidden"}]}`,
		"a pair with another":   `{"Attributes":[{"AttributeName":"SetupPwd","CurrentValue":"s3cr-Hidden","DefaultValue":["s3cr-Hidden"]}]}`,
		"an enumeration":        `{"Status":{"State":"s3cr-Hidden"}}`,
		"values that are taken": `{"PowerState@Redfish.AllowableValues":["s3cr-Hidden"]}`,
		"a type":                `{"@odata.type":"#s3cr-Hidden.v1_0_0.X"}`,
		"an Id":                 `{"Id":"s3cr-Hidden"}`,
		"a name":                `{"Name":"s3cr-Hidden"}`,
		"a path":                `{"Link":{"@odata.id":"/redfish/v1/Chassis/s3cr-Hidden/Power"}}`,
		"a query":               `{"Link":{"@odata.id":"/redfish/v1/Chassis?token=s3cr-Hidden"}}`,
		"a fragment":            `{"Link":{"@odata.id":"/redfish/v1/Chassis/1/Power#/s3cr-Hidden/0"}}`,
		"a URL":                 `{"Image":"https://u:s3cr-Hidden@192.0.2.1/x.iso"}`,
		"the name of a member":  `{"Map":{"s3cr-Hidden 7":1},"HostName":"s3cr-Hidden"}`,
		"a host in a model":     `{"Model":"box s3cr-Hidden","HostName":"S3CR-hidden"}`,
		"a user in firmware":    `{"FirmwareVersion":"1 s3crHidden","Users.2.UserName":"s3cr.Hidden"}`,
		"a known secret":        `{"Model":"Planted s3cr-Hidden","FirmwareVersion":"s3cr-Hidden","Map":{"s3cr-Hidden":true}}`,
	} {
		for _, how := range []redact.Serials{redact.SerialsHidden, redact.SerialsShown} {
			if how == redact.SerialsShown && strings.Contains("a path an Id a fragment", name) {
				continue // they may be serials
			}
			secrets := []string{""}
			if name == "a known secret" {
				secrets = append(secrets, hidden)
			}
			out, _ := json.Marshal(shown(t, redact.New(how, secrets...), text))
			if low := strings.ToLower(strings.NewReplacer("-", "", ".", "").Replace(string(out))); strings.Contains(low, "s3crhidden") {
				t.Errorf("%s, serials %s: %s", name, how, out)
			}
		}
	}
	out, _ := json.Marshal(shown(t, redact.New(redact.SerialsHidden), `{"AdminPin":48151623,"VLANId":7}`))
	if strings.Contains(string(out), "48151623") || !strings.Contains(string(out), `"VLANId":7`) {
		t.Errorf("numbers: %s", out)
	}
}

// Which machine it is stands nowhere, unless it is asked for.
func TestSerials(t *testing.T) {
	const text = `{"SerialNumber":"7Q3XB92","MACAddress":"3C:EC:EF:5A:17:90","UUID":"8b3a1c44-5d2e-4f0a-9b1c-3cecef5a1790",
		"Link":{"@odata.id":"/redfish/v1/Chassis/7Q3XB92/NIC-3CECEF5A1790"},"Adapter_3CECEF5A1790_Mode":"x","Other_08C0EB59D368_Mode":"x","Model":"Box 7q3xb92","Id":"7Q3XB92"}`
	parts := []string{"7q3xb92", "3cecef5a1790", "3c:ec:ef", "8b3a1c44", "08c0eb59d368"}
	hidden, _ := json.Marshal(shown(t, redact.New(redact.SerialsHidden), text))
	visible, _ := json.Marshal(shown(t, redact.New(redact.SerialsShown), text))
	for _, p := range parts {
		if strings.Contains(strings.ToLower(string(hidden)), p) {
			t.Errorf("%s is in %s", p, hidden)
		}
		if !strings.Contains(strings.ToLower(string(visible)), p) {
			t.Errorf("%s is not in %s", p, visible)
		}
	}
}

// A placeholder is of the kind of what it stands for, the same for the same,
// another for another, and in another capture another.
func TestPlaceholders(t *testing.T) {
	const text = `{"A":"192.0.2.77","A2":"192.0.2.77","B":"192.0.2.78","L":"169.254.3.1","V":"2001:db8:1::1","VL":"fe80::1","P":"192.0.2.77/28",
		"M":"3C:EC:EF:5A:17:90","U":"8b3a1c44-5d2e-4f0a-9b1c-3cecef5a1790","H":"ns.example.org","T":"2024-06-27T18:30:23Z","S":"anything","S2":"anything","S3":"else",
		"Link":{"@odata.id":"/redfish/v1/Chassis/X9Q77/Power"},"Id":"X9Q77"}`
	r := redact.New(redact.SerialsHidden)
	out := shown(t, r, text)
	get := func(name string) string { s, _ := out[name].(string); return s }
	for name, is := range map[string]func(string) bool{
		"A": func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is4() && a.IsGlobalUnicast() },
		"L": func(s string) bool {
			a, err := netip.ParseAddr(s)
			return err == nil && a.Is4() && a.IsLinkLocalUnicast()
		},
		"V": func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is6() && a.IsGlobalUnicast() },
		"VL": func(s string) bool {
			a, err := netip.ParseAddr(s)
			return err == nil && a.Is6() && a.IsLinkLocalUnicast()
		},
		"P": func(s string) bool { p, err := netip.ParsePrefix(s); return err == nil && p.Bits() == 28 },
		"M": func(s string) bool { m, err := net.ParseMAC(s); return err == nil && len(m) == 6 },
		"U": regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString,
		"H": func(s string) bool { return strings.HasSuffix(s, ".example.net") },
		"T": regexp.MustCompile(`^\d{4}-\d\d-\d\dT00:00:00Z$`).MatchString,
	} {
		if !is(get(name)) || strings.Contains(text, `"`+get(name)+`"`) {
			t.Errorf("%s became %q", name, get(name))
		}
	}
	if get("A") != get("A2") || get("A") == get("B") || get("S") != get("S2") || get("S") == get("S3") {
		t.Errorf("what is the same is another, or the other way round: %v", out)
	}
	if link, _ := out["Link"].(redact.Object); link["@odata.id"] != "/redfish/v1/Chassis/"+get("Id")+"/Power" {
		t.Errorf("%v does not lead to %q", link, get("Id"))
	}
	again := shown(t, redact.New(redact.SerialsHidden), text)
	for _, name := range []string{"A", "M", "U", "H", "S", "Id"} {
		if again[name] == out[name] {
			t.Errorf("%s is %q in another capture too: it can be guessed", name, out[name])
		}
	}
	if _, is := shown(t, r, `{"Number":17.5}`)["Number"].(float64); !is {
		t.Error("a number is none any more")
	}
}

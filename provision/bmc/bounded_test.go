package bmc_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/state"
)

// TestValuesAreBounded: a value is as long as one may be, whatever was sent, or it
// is an error that is; and nothing in it rules a terminal.
func TestValuesAreBounded(t *testing.T) {
	long := strings.Repeat("n\x1b[2J", 100_000)
	many := make([]any, 30_000)
	for i := range many {
		many[i] = fmt.Sprint("host", i)
	}
	for name, tt := range map[string]struct {
		line, setting string
		body          redfish.Object
		fails         bool
	}{
		"NTP":           {"generic", bmc.NTP, redfish.Object{"NTP": redfish.Object{"NTPServers": []any{long}}}, false},
		"NTP, many":     {"generic", bmc.NTP, redfish.Object{"NTP": redfish.Object{"NTPServers": many}}, false},
		"DNS":           {"generic", bmc.DNS, redfish.Object{"StaticNameServers": []any{long, long}}, false},
		"host name":     {"generic", bmc.Hostname, redfish.Object{"HostName": long}, false},
		"Dell's name":   {"idrac", bmc.Hostname, redfish.Object{"Attributes": redfish.Object{"NIC.1.DNSRacName": long}}, false},
		"power":         {"generic", bmc.PowerPolicy, redfish.Object{"PowerRestorePolicy": long}, true},
		"power, number": {"generic", bmc.PowerPolicy, redfish.Object{"PowerRestorePolicy": []any{long}}, true},
		"boot":          {"generic", bmc.Boot, redfish.Object{"Boot": redfish.Object{"BootSourceOverrideEnabled": "Continuous", "BootSourceOverrideTarget": long}}, true},
		"order":         {"generic", bmc.BootOrder, redfish.Object{"Boot": redfish.Object{"BootOrder": []any{long}}}, false},
		"order, many":   {"generic", bmc.BootOrder, redfish.Object{"Boot": redfish.Object{"BootOrder": many}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(tt.body)
			if err != nil {
				t.Fatal(err)
			}
			got, err := bmc.ReadResource(tt.line, tt.setting, text)
			if (err != nil) != tt.fails || errors.Is(err, state.ErrUnsupported) {
				t.Fatalf("%v, %v", got, err)
			}
			said := fmt.Sprint(err)
			if got != nil {
				said = strings.Join(got.Values, "")
			}
			if len(said) > 4000 || strings.ContainsRune(said, 0x1b) {
				t.Errorf("%d bytes: %.80q", len(said), said)
			}
		})
	}
}

// TestBootOrderWaits: what a settings object says of the order waits; nothing is
// nothing, and half a list is no list.
func TestBootOrderWaits(t *testing.T) {
	for name, tt := range map[string]struct {
		staged redfish.Object
		waits  string // "?" is an error
	}{
		"another order": {redfish.Object{"Boot": redfish.Object{"BootOrder": []any{"B", "A"}}}, "B A"},
		"the same":      {redfish.Object{"Boot": redfish.Object{"BootOrder": []any{"A", "B"}}}, ""},
		"null":          {redfish.Object{"Boot": redfish.Object{"BootOrder": nil}}, ""},
		"no boot":       {redfish.Object{"Boot": nil}, ""},
		"empty":         {redfish.Object{"Boot": redfish.Object{"BootOrder": []any{}}}, ""},
		"nothing":       {redfish.Object{}, ""},
		"half a list":   {redfish.Object{"Boot": redfish.Object{"BootOrder": []any{"A", ""}}}, "?"},
		"space":         {redfish.Object{"Boot": redfish.Object{"BootOrder": []any{" ", "B"}}}, "?"},
		"a null in it":  {redfish.Object{"Boot": redfish.Object{"BootOrder": []any{"A", nil}}}, "?"},
		"a text":        {redfish.Object{"Boot": redfish.Object{"BootOrder": "A"}}, "?"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{docs: wellServer()}
			s.docs[sysURI]["Boot"] = redfish.Object{"BootOrder": []any{"A", "B"}}
			s.docs[sysURI]["@Redfish.Settings"] = redfish.Object{"SettingsObject": linkTo(sysURI + "/Settings")}
			s.docs[sysURI+"/Settings"] = tt.staged
			c, err := bmc.Open(t.Context(), s.serve(t))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(t.Context())
			f := c.Read(t.Context(), items(map[string][]string{bmc.BootOrder: {"A", "B"}}))[0]
			got := ""
			if pending, ok := f.Pending.(state.Attr); ok {
				got = strings.Join(pending.Values, " ")
			}
			if f.Unknown() {
				got = "?"
			}
			if got != tt.waits {
				t.Errorf("%q waits, want %q: %v", got, tt.waits, f.Err)
			}
		})
	}
}

// TestFactoryInAnotherCase: the account of the factory is found whatever its case,
// and only the one of that name is ever ended.
func TestFactoryInAnotherCase(t *testing.T) {
	const other = "Planted-Other-22"
	for name, tt := range map[string]struct {
		users    map[string]string
		disabled []string
		reads    string
		ends     bool
	}{
		"none":          {map[string]string{"raiz": declaredPassword}, nil, "root: off", true},
		"as declared":   {map[string]string{"raiz": declaredPassword, "root": other}, nil, "root: on", true},
		"in capitals":   {map[string]string{"raiz": declaredPassword, "ROOT": other}, nil, "ROOT: on", false},
		"off":           {map[string]string{"raiz": declaredPassword, "Root": other}, []string{"Root"}, "root: off", true},
		"both, one off": {map[string]string{"raiz": declaredPassword, "root": other, "Root": other}, []string{"root"}, "root: off", true},
	} {
		for _, personality := range simbmc.Personalities() {
			t.Run(name+"/"+personality, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, simbmc.Config{Personality: personality, Users: tt.users, Disabled: tt.disabled})
				c := l.open(l.target(l.at(declared()), factory()))
				defer l.close(c)
				equal(t, []string{tt.reads}, read(t, c, bmc.FactoryAccount)[bmc.FactoryAccount])
				out, err := c.Set(t.Context(), changes(map[string][]string{bmc.FactoryAccount: {"root: off"}}))
				if o := outcomeOf(t, out, bmc.FactoryAccount); (o.Status == bmc.Done) != tt.ends {
					t.Errorf("%s: %v", o.Status, err)
				}
				all, err := c.Administrators(t.Context())
				if err != nil || len(all) < 1 || all[0] == "root" {
					t.Errorf("administrators %v, %v", all, err)
				}
				if n := len(tt.users) - len(tt.disabled) - 1; name != "as declared" && len(all) != n+1 {
					t.Errorf("administrators %v, want %d", all, n+1)
				}
			})
		}
	}
}

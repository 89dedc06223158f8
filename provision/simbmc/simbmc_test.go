package simbmc_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/raiz-dns/raiz/provision/simbmc"
)

const password = "Planted-Password-7"

type client struct {
	t   *testing.T
	bmc *simbmc.BMC
}

func newBMC(t *testing.T, cfg simbmc.Config) client {
	t.Helper()
	cfg.Users = map[string]string{"root": password}
	if cfg.Addresses == nil {
		cfg.Addresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.120/24")}
	}
	cfg.Delay = -1
	b, err := simbmc.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return client{t, b}
}

// do sends a request as root and returns status and body.
func (c client) do(method, path, body string, header ...string) (int, map[string]any) {
	c.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.SetBasicAuth("root", password)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	c.bmc.Handler().ServeHTTP(w, r)
	var out map[string]any
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			c.t.Fatal(err)
		}
	}
	return w.Code, out
}

// messages returns the message ids of a refusal.
func messages(body map[string]any) string {
	e, _ := body["error"].(map[string]any)
	var ids []string
	list, _ := e["@Message.ExtendedInfo"].([]any)
	for _, m := range list {
		id, _ := m.(map[string]any)["MessageId"].(string)
		ids = append(ids, id[strings.LastIndex(id, ".")+1:])
	}
	return strings.Join(ids, " ")
}

const openbmcEth = "/redfish/v1/Managers/bmc/EthernetInterfaces/eth0"

// TestOpenBMCRefuses is what bmcweb does not take.
func TestOpenBMCRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, path, body string
		status           int
		says             string
	}{
		{"unknown key in an element", openbmcEth, `{"IPv4StaticAddresses":[{"Address":"192.0.2.10","SubnetMask":"255.255.255.240","AddressOrigin":"Static"}]}`, 400, "PropertyUnknown"},
		{"oem in an element", openbmcEth, `{"IPv6StaticAddresses":[{"Address":"2001:db8::1","PrefixLength":64,"Oem":null}]}`, 400, "PropertyUnknown"},
		{"v6 without length", openbmcEth, `{"IPv6StaticAddresses":[{"Address":"2001:db8::1"}]}`, 400, "PropertyValueRequired"},
		{"read-only property", openbmcEth, `{"IPv6DefaultGateway":"2001:db8::1"}`, 400, "PropertyNotWritable"},
		{"unknown property", openbmcEth, `{"Colour":"red"}`, 400, "PropertyUnknown"},
		{"no address", openbmcEth, `{"IPv4StaticAddresses":[{"Address":"banana"}]}`, 400, "PropertyValueFormatError"},
		{"wrong type", openbmcEth, `{"DHCPv4":{"DHCPEnabled":"no"}}`, 400, "PropertyValueTypeError"},
		{"keep of nothing", openbmcEth, `{"IPv6StaticAddresses":[{},{}]}`, 400, "PropertyValueIncorrect"},
		{"wrong word", "/redfish/v1/Systems/system", `{"PowerRestorePolicy":"Sometimes"}`, 400, "PropertyValueNotInList"},
		{"read-only resource", "/redfish/v1/Chassis/system", `{"Name":"x"}`, 405, "OperationNotAllowed"},
		{"missing resource", "/redfish/v1/Managers/other", `{"Name":"x"}`, 404, "ResourceMissingAtURI"},
		{"malformed", openbmcEth, `{`, 400, "MalformedJSON"},
		{"empty", openbmcEth, `{}`, 400, "EmptyJSON"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newBMC(t, simbmc.Config{})
			_, before := c.do("GET", openbmcEth, "")
			status, body := c.do("PATCH", tc.path, tc.body)
			if status != tc.status || messages(body) != tc.says {
				t.Errorf("got %d %s, want %d %s", status, messages(body), tc.status, tc.says)
			}
			if _, after := c.do("GET", openbmcEth, ""); !cmp.Equal(before, after) {
				t.Errorf("it changed all the same (-before +after):\n%s", cmp.Diff(before, after))
			}
		})
	}
}

// statics returns the addresses of an array, in order.
func statics(body map[string]any, key string) string {
	var out []string
	list, _ := body[key].([]any)
	for _, e := range list {
		o, _ := e.(map[string]any)
		out = append(out, fmt.Sprint(o["Address"]))
	}
	return strings.Join(out, " ")
}

// TestPositional is how arrays of addresses are written.
func TestPositional(t *testing.T) {
	three := []netip.Prefix{netip.MustParsePrefix("2001:db8::1/64"), netip.MustParsePrefix("2001:db8::2/64"), netip.MustParsePrefix("2001:db8::3/64")}
	for _, tc := range []struct{ name, body, want string }{
		{"keep, delete, keep", `[{},null,{}]`, "2001:db8::1 2001:db8::3"},
		{"the tail stays", `[{}]`, "2001:db8::1 2001:db8::2 2001:db8::3"},
		{"replace", `[{"Address":"2001:db8::9","PrefixLength":64}]`, "2001:db8::9 2001:db8::2 2001:db8::3"},
		{"append", `[{},{},{},{"Address":"2001:db8::4","PrefixLength":64}]`, "2001:db8::1 2001:db8::2 2001:db8::3 2001:db8::4"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newBMC(t, simbmc.Config{Addresses: three})
			if status, body := c.do("PATCH", openbmcEth, `{"IPv6StaticAddresses":`+tc.body+`}`); status != 204 {
				t.Fatal(status, messages(body))
			}
			_, body := c.do("GET", openbmcEth, "")
			if got := statics(body, "IPv6StaticAddresses"); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// TestGatewayUnderDHCP loses the gateway as OpenBMC does.
func TestGatewayUnderDHCP(t *testing.T) {
	c := newBMC(t, simbmc.Config{Lease: netip.MustParsePrefix("192.0.2.99/24")})
	c.do("PATCH", openbmcEth, `{"IPv4StaticAddresses":[{"Address":"192.0.2.10","SubnetMask":"255.255.255.0","Gateway":"192.0.2.1"}]}`)
	_, body := c.do("GET", openbmcEth, "")
	gateway := body["IPv4StaticAddresses"].([]any)[0].(map[string]any)["Gateway"]
	if gateway != "0.0.0.0" {
		t.Errorf("the gateway is %v", gateway)
	}
}

func TestPreconditions(t *testing.T) {
	for _, tc := range []struct {
		mode   simbmc.ETagMode
		match  string // "own" stands for the ETag it handed out
		status int
	}{
		{simbmc.ETagStrong, "", 204}, {simbmc.ETagStrong, "own", 204}, {simbmc.ETagStrong, `"other"`, 412}, {simbmc.ETagStrong, "*", 204},
		{simbmc.ETagWeak, "own", 204}, {simbmc.ETagWeakStrict, "own", 412}, {simbmc.ETagRequired, "", 428}, {simbmc.ETagRequired, "own", 204},
		{simbmc.ETagBroken, "own", 412}, {simbmc.ETagBroken, "*", 204}, {simbmc.ETagRefused, "*", 412}, {simbmc.ETagRefused, "", 204}, {simbmc.ETagNone, `"x"`, 204},
	} {
		t.Run(string(tc.mode)+" "+tc.match, func(t *testing.T) {
			c := newBMC(t, simbmc.Config{Faults: simbmc.Faults{ETag: tc.mode}})
			match := tc.match
			if match == "own" {
				r := httptest.NewRequest("GET", openbmcEth, nil)
				r.SetBasicAuth("root", password)
				w := httptest.NewRecorder()
				c.bmc.Handler().ServeHTTP(w, r)
				match = w.Header().Get("ETag")
			}
			if status, _ := c.do("PATCH", openbmcEth, `{"HostName":"x"}`, "If-Match", match); status != tc.status {
				t.Errorf("got %d, want %d", status, tc.status)
			}
		})
	}
}

func TestSessions(t *testing.T) {
	c := newBMC(t, simbmc.Config{})
	r := httptest.NewRequest("POST", "/redfish/v1/SessionService/Sessions", strings.NewReader(`{"UserName":"root","Password":"`+password+`"}`))
	w := httptest.NewRecorder()
	c.bmc.Handler().ServeHTTP(w, r)
	token, where := w.Header().Get("X-Auth-Token"), w.Header().Get("Location")
	if w.Code != http.StatusCreated || token == "" || where == "" {
		t.Fatalf("got %d %q %q", w.Code, token, where)
	}
	ask := func(method, path, token string) int {
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("X-Auth-Token", token)
		w := httptest.NewRecorder()
		c.bmc.Handler().ServeHTTP(w, r)
		return w.Code
	}
	got := []int{ask("GET", "/redfish/v1/", ""), ask("GET", openbmcEth, ""), ask("GET", openbmcEth, "wrong"), ask("GET", openbmcEth, token), ask("DELETE", where, token), ask("GET", openbmcEth, token)}
	if d := cmp.Diff([]int{200, 401, 401, 200, 204, 401}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if n := c.bmc.Counters(); n.Open != 0 || n.Sessions != 1 {
		t.Errorf("%+v", n)
	}
	if text := fmt.Sprintf("%+v", c.bmc.Log()); strings.Contains(text, password) || strings.Contains(text, token) {
		t.Errorf("a secret is in the log: %s", text)
	}
}

// TestReset makes sure that iLO moves only after a reset.
func TestReset(t *testing.T) {
	moved := make(chan []netip.Prefix, 1)
	c := newBMC(t, simbmc.Config{Personality: "ilo", Move: func(_ context.Context, _, now []netip.Prefix) { moved <- now }})
	eth := "/redfish/v1/Managers/1/EthernetInterfaces/1"
	status, body := c.do("PATCH", eth, `{"IPv4StaticAddresses":[{"Address":"192.0.2.10","SubnetMask":"255.255.255.240"}]}`)
	if status != 200 || messages(body) != "ResetRequired" {
		t.Fatal(status, messages(body))
	}
	if status, body := c.do("PATCH", eth, `{"IPv4StaticAddresses":[{"Address":"192.0.2.11"}]}`); status != 400 || messages(body) != "PropertyValueRequired" {
		t.Error(status, messages(body))
	}
	if got := c.bmc.Addresses()[0].String(); got != "192.0.2.120/24" {
		t.Errorf("it moved to %s before the reset", got)
	}
	c.do("POST", "/redfish/v1/Managers/1/Actions/Manager.Reset", `{"ResetType":"GracefulRestart"}`)
	if got := (<-moved)[0].String(); got != "192.0.2.10/28" {
		t.Errorf("it moved to %s", got)
	}
}

// TestIDRACStatic lands on the old static address where one writes IPv4.1 in
// the step that switches DHCP off.
func TestIDRACStatic(t *testing.T) {
	attributes := "/redfish/v1/Managers/iDRAC.Embedded.1/Oem/Dell/DellAttributes/iDRAC.Embedded.1"
	for body, want := range map[string]string{
		`{"Attributes":{"IPv4.1.DHCPEnable":"Disabled","IPv4.1.Address":"192.0.2.10"}}`:                                                   "192.168.0.120",
		`{"Attributes":{"IPv4.1.DHCPEnable":"Disabled","IPv4Static.1.Address":"192.0.2.10","IPv4Static.1.Netmask":"255.255.255.240"}}`:    "192.0.2.10",
		`{"Attributes":{"IPv4.1.DHCPEnable":"Disabled","IPv4Static.1.Address":"192.0.2.10","No.1.Such":"x","IPv6.1.Enable":"Sometimes"}}`: "192.0.2.10",
	} {
		c := newBMC(t, simbmc.Config{Personality: "idrac", Lease: netip.MustParsePrefix("192.0.2.99/24"), Addresses: []netip.Prefix{}})
		if status, _ := c.do("PATCH", attributes, body); status != 200 {
			t.Errorf("%s: %d", body, status)
		}
		_, doc := c.do("GET", attributes, "")
		if got := doc["Attributes"].(map[string]any)["IPv4.1.Address"]; got != want {
			t.Errorf("%s: at %v, want %s", body, got, want)
		}
	}
}

// TestTrees walks every link of every personality: none dangles.
func TestTrees(t *testing.T) {
	for _, p := range simbmc.Personalities() {
		t.Run(p, func(t *testing.T) {
			c := newBMC(t, simbmc.Config{Personality: p})
			seen := map[string]bool{}
			var walk func(string)
			walk = func(path string) {
				if seen[path] {
					return
				}
				seen[path] = true
				status, body := c.do("GET", path, "")
				if status != 200 {
					t.Errorf("%s: %d", path, status)
				}
				for _, l := range linksIn(body) {
					walk(l)
				}
			}
			walk("/redfish/v1")
			if len(seen) < 12 {
				t.Errorf("only %d resources", len(seen))
			}
		})
	}
}

func linksIn(v any) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if s, ok := e.(string); ok && k == "@odata.id" {
				out = append(out, s)
			}
			out = append(out, linksIn(e)...)
		}
	case []any:
		for _, e := range v {
			out = append(out, linksIn(e)...)
		}
	}
	return out
}

func TestNewRefuses(t *testing.T) {
	for _, cfg := range []simbmc.Config{{Personality: "toaster"}, {Lease: netip.MustParsePrefix("2001:db8::1/64")}} {
		if _, err := simbmc.New(cfg); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
	}
}

func TestTask(t *testing.T) {
	c := newBMC(t, simbmc.Config{Faults: simbmc.Faults{Task: "Exception", TaskPolls: 1}})
	status, body := c.do("PATCH", openbmcEth, `{"HostName":"x"}`)
	if status != 202 || body["TaskState"] != "Running" {
		t.Fatal(status, body)
	}
	var states []any
	for range 3 {
		_, doc := c.do("GET", body["@odata.id"].(string), "")
		states = append(states, doc["TaskState"])
	}
	if d := cmp.Diff([]any{"Running", "Exception", "Exception"}, states); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

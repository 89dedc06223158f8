package redfish_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/redfish"
)

func same(t *testing.T, want, got []string) {
	t.Helper()
	if !slices.Equal(want, got) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestIfMatch(t *testing.T) {
	same(t, []string{`"a"`, "*", ""}, redfish.IfMatch(`"a"`, false))
	same(t, []string{`W/"a"`, `"a"`, "*", ""}, redfish.IfMatch(`W/"a"`, false))
	same(t, []string{"", "*"}, redfish.IfMatch(`""`, false))
	same(t, []string{"*", ""}, redfish.IfMatch("", true))
}

func TestLinks(t *testing.T) {
	for link, want := range map[string]string{
		"/redfish/v1/Managers/bmc#/Oem": "/redfish/v1/Managers/bmc",
		"@192.0.2.66/redfish/v1":        "",
		"//192.0.2.66/redfish/v1":       "",
		"https://192.0.2.66/":           "",
		"/redfish/v1/a b":               "",
		"/redfish/v1?$expand=*":         "",
		"":                              "",
	} {
		if got := redfish.LinkTarget(redfish.Object{"@odata.id": link}); got != want {
			t.Errorf("%q leads to %q, want %q", link, got, want)
		}
	}
}

// TestNext: a page is asked for on this controller, or not at all.
func TestNext(t *testing.T) {
	for next, want := range map[any]string{
		nil:                                  "",
		"/redfish/v1/Logs/Entries?$skip=50":  "/redfish/v1/Logs/Entries?$skip=50",
		"/redfish/v1/Logs?$skip=50#/Members": "/redfish/v1/Logs?$skip=50",
		"":                                   "no address",
		"Entries?$skip=50":                   "no address",
		"//192.0.2.66/redfish/v1":            "no address",
		"https://192.0.2.66/redfish/v1":      "no address",
		"@192.0.2.66/redfish/v1":             "no address",
		"/redfish/v1\\192.0.2.66":            "no address",
		"/redfish/v1 HTTP/1.1\r\nHost: x":    "no address",
		"/redfish/v1/é":                      "no address",
		"/" + strings.Repeat("a", 2000):      "no address",
		7.0:                                  "no address",
	} {
		d := redfish.Document{URI: "/redfish/v1/Logs", Props: redfish.Object{"Members@odata.nextLink": next}}
		got, err := d.Next()
		if err != nil && strings.Contains(err.Error(), "no address") && got == "" && len(err.Error()) < 500 {
			got = "no address"
		}
		if got != want {
			t.Errorf("%v: it goes on at %q, %v; want %q", next, got, err, want)
		}
	}
}

func TestNotes(t *testing.T) {
	got, err := redfish.Notes([]byte(`{"HostName@Message.ExtendedInfo":[{"MessageId":"Base.1.13.PropertyNotWritable","Message":"no\nway"}],
		"error":{"@Message.ExtendedInfo":[{"MessageId":"iLO.2.25.ResetRequired"},{"MessageId":"Base.1.4.Success"},5,{"MessageId":7}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got != "PropertyNotWritable (HostName): no way; ResetRequired" {
		t.Errorf("got %q", got)
	}
}

// FuzzNotes: whatever a controller answers, its words are bounded and fit to
// print.
func FuzzNotes(f *testing.F) {
	f.Add([]byte(`{"error":{"@Message.ExtendedInfo":[{"MessageId":"Base.1.4.X","Message":"a\u0007"}]}}`))
	f.Add([]byte(`{"Error":{"Error":{"A@Message.ExtendedInfo":7}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, _ := redfish.Notes(body)
		for _, r := range got {
			if r < ' ' || r == 0x7f {
				t.Errorf("%q", got)
			}
		}
	})
}

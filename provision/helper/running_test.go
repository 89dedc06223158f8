package helper

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSettingsAmiss(t *testing.T) {
	const shown = "port 22\npasswordauthentication yes\nhostkey /a\nhostkey /b\nx11forwarding\n"
	for _, tt := range []struct {
		name string
		want map[string]string
		says []string
	}{
		{"as wanted", map[string]string{"port": "22", "hostkey": "/a, /b", "x11forwarding": ""}, nil},
		{"another value", map[string]string{"passwordauthentication": "no"}, []string{"passwordauthentication is yes, not no"}},
		{"one more", map[string]string{"hostkey": "/a"}, []string{"hostkey is /a, /b, not /a"}},
		{"not there", map[string]string{"permittunnel": "no"}, []string{"permittunnel is not set, and has to be no"}},
		{"a longer name", map[string]string{"hostke": "/a"}, []string{"hostke is not set, and has to be /a"}},
	} {
		if diff := cmp.Diff(tt.says, settingsAmiss(shown, tt.want)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestUnlikeLines(t *testing.T) {
	for _, tt := range []struct {
		name, have, want string
		says             []string
	}{
		{"the same", "a\n\tb\n", "a\n\tb\n", nil},
		{"none", "", "a\nb\n", []string{"missing: a", "missing: b"}},
		{"one more", "a\nevil\nb\n", "a\nb\n", []string{"runs: evil"}},
		{"twice", "a\na\n", "a\n", []string{"runs: a"}},
		{"once", "a\n", "a\na\n", []string{"missing: a"}},
		{"another", "a\nc\n", "a\nb\n", []string{"runs: c", "missing: b"}},
		{"another order", "b\na\n", "a\nb\n", []string{"its lines run in another order"}},
	} {
		if diff := cmp.Diff(tt.says, unlikeLines(tt.have, tt.want)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if got := bounded(unlikeLines(strings.Repeat("x\x1b[2J\n", 100), "")); len(got) != 64 || got[63] != "and 37 more" || strings.Contains(got[0], "\x1b") {
		t.Errorf("of a hundred lines %d are told, the last is %q", len(got), got[len(got)-1])
	}
}

package templates

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/state"
)

func TestSysctlsOf(t *testing.T) {
	const text = `# comment
; another
net.ipv4.ip_forward = 0
-net.core.rmem_max=16777216
net.ipv6.conf.*.accept_ra =  0
net/ipv4/tcp_rmem = 4096	87380   6291456
net.ipv4.ip_forward = 1
`
	want := []state.Sysctl{
		{Name: "net/core/rmem_max", Value: "16777216", Optional: true}, {Name: "net/ipv6/conf/*/accept_ra", Value: "0"},
		{Name: "net/ipv4/tcp_rmem", Value: "4096 87380 6291456"}, {Name: "net/ipv4/ip_forward", Value: "1"},
	}
	got, err := sysctlsOf(text)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"", "# nothing\n", "net.ipv4.ip_forward\n", "net.ipv4.ip_forward =\n", "a b = 1\n"} {
		if got, err := sysctlsOf(bad); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
}

func TestRunningIsRefused(t *testing.T) {
	reload := func(r rawRunning) rawFile {
		return rawFile{Path: "/etc/a", Unit: "a.service", How: "reload", Running: &r}
	}
	shows := []string{"a", "show"}
	secret := reload(rawRunning{Syntax: "sysctl.d"})
	secret.Secret = true
	still := reload(rawRunning{Syntax: "sysctl.d"})
	still.How, still.Unit = "", ""
	for _, tt := range []struct {
		file rawFile
		says string
	}{
		{secret, "a secret"},
		{still, "nothing puts the file in effect"},
		{reload(rawRunning{}), "it says nothing"},
		{reload(rawRunning{Syntax: "ini"}), `syntax = "ini"`},
		{reload(rawRunning{Shows: shows}), "to be compared"},
		{reload(rawRunning{Settings: map[string]string{"a": "b"}}), "it says nothing"},
		{reload(rawRunning{Syntax: "sysctl.d", Settings: map[string]string{"a": "b"}}), "to be compared"},
		{reload(rawRunning{Shows: shows, Loads: []string{"a", "{}"}, Settings: map[string]string{"a": "b"}}), "one of them"},
		{reload(rawRunning{Shows: shows, Loads: []string{"a"}}), `no "{}"`},
		{reload(rawRunning{Syntax: "sysctl.d", Clears: "a"}), "clears"},
	} {
		if _, err := runningOf(tt.file); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: %v, not %q", *tt.file.Running, err, tt.says)
		}
	}
	if r, err := runningOf(reload(rawRunning{Shows: shows, Loads: []string{"a", "{}"}, Clears: "x"})); err != nil || r.Clears != "x" {
		t.Errorf("%+v, %v", r, err)
	}
}

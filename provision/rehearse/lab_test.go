//go:build linux

package rehearse

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/observation"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

func defaultLab(t *testing.T) lab {
	t.Helper()
	l, err := loadLab(templates.FS())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// filesOf are the files of a lab pack for a site, by path.
func filesOf(t *testing.T, c templates.Component, s *site.Site, l *layout) map[string]string {
	t.Helper()
	m := &Machine{name: "test", root: t.TempDir()}
	if err := m.outfit(t.Context(), c, valuesOf(s, l)); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	err := filepath.WalkDir(m.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, m.root)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func nsdConf(t *testing.T, s *site.Site, l *layout) string {
	t.Helper()
	return filesOf(t, defaultLab(t).primary, s, l)["/etc/nsd/nsd.conf"]
}

func TestReadRoutes(t *testing.T) {
	const out = `BIRD 2.0.12 ready.
Table master6:
2620:4f:8000::/48    unicast [n_edge1_v6 14:43:14.411] * (100) [AS112i]
	via 2001:db8:0:3::1 on svc
	Type: BGP univ
	BGP.origin: IGP
	BGP.as_path: 112 112
	BGP.next_hop: 2001:db8:0:3::1 fe80::1
	BGP.local_pref: 100
	BGP.community: (65535,65281) (64500,7)
	BGP.large_community: (112, 1, 2)
`
	pack := defaultLab(t)
	got, err := readRoutes(pack.router.Observations["routes"], out)
	if err != nil {
		t.Fatal(err)
	}
	want := []Route{{
		Prefix: netip.MustParsePrefix("2620:4f:8000::/48"), NextHop: netip.MustParseAddr("2001:db8:0:3::1"),
		ASPath: []site.ASN{112, 112}, Communities: []string{"65535:65281", "64500:7", "112:1:2"}, Origin: "IGP",
	}}
	if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(got)); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	for _, look := range []string{"routes", "refused"} {
		if none, err := readRoutes(pack.router.Observations[look], "BIRD 2.0.12 ready.\n"); err != nil || len(none) > 0 {
			t.Errorf("%s of a router without any = %v, %v", look, none, err)
		}
		if _, err := readRoutes(pack.router.Observations[look], ""); !errors.Is(err, observation.ErrMute) {
			t.Errorf("%s of a router that says nothing: error = %v", look, err)
		}
	}
	for good, bad := range map[string]string{"2620:4f:8000::/48": "2620:4f:8000::/129", "2001:db8:0:3::1 fe80": "2001:db8:::1 fe80"} {
		if got, err := readRoutes(pack.router.Observations["routes"], strings.Replace(out, good, bad, 1)); err == nil {
			t.Errorf("with %s in it there are routes %v", bad, got)
		}
	}
}

// TestLabRecord: another process reads the routes as the one that built them.
func TestLabRecord(t *testing.T) {
	want := defaultLab(t).record()
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got labRecord
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPrimaryConfig(t *testing.T) {
	s := plain()
	s.DNS.Keys = []site.TSIG{{Name: "k.example", Algorithm: "hmac-sha384", Secret: secret.New(made, "AAAA")}}
	s.DNS.Zones = []site.Zone{
		{Name: ".", Primaries: addrs("203.0.113.53 203.0.113.7"), Key: "k.example"},
		{Name: "10.in-addr.arpa", Source: "as112"},
		{Name: "arpa", Primaries: addrs("2001:db8::7 203.0.113.7")},
	}
	l, err := layOut(s)
	if err != nil {
		t.Fatal(err)
	}
	conf := nsdConf(t, s, l)
	for _, want := range []string{
		"\tip-address: 203.0.113.53\n\tip-address: 203.0.113.7\n\tip-address: 2001:db8::7\n",
		"key:\n\tname: \"k.example\"\n\talgorithm: hmac-sha384\n\tsecret: \"AAAA\"\n",
		"\tname: \".\"\n\tzonefile: \"/var/lib/zones/0.zone\"\n",
		"\tprovide-xfr: 0.0.0.0/0 k.example\n\tprovide-xfr: ::/0 k.example\n\toutgoing-interface: 203.0.113.53\n\toutgoing-interface: 203.0.113.7\n\tnotify: 192.0.2.20 k.example\n" +
			"zone:\n\tname: \"arpa\"\n\tzonefile: \"/var/lib/zones/1.zone\"\n", // a NOTIFY over IPv6 would come from no primary
		"\tprovide-xfr: ::/0 NOKEY\n\toutgoing-interface: 2001:db8::7\n\toutgoing-interface: 203.0.113.7\n\tnotify: 192.0.2.20 NOKEY\n\tnotify: 2001:db8:2::20 NOKEY\n",
		"\tname: \"time.example.net\"\n", // the resolver is at an address of the primary
	} {
		if !strings.Contains(conf, want) {
			t.Errorf("no %q in:\n%s", want, conf)
		}
	}
	if strings.Contains(conf, "10.in-addr.arpa") {
		t.Error("a zone that is built in is handed out")
	}
	s.DNS.Zones[0].Primaries = addrs("203.0.113.7")
	if l, err = layOut(s); err != nil || strings.Contains(nsdConf(t, s, l), "time.example.net") {
		t.Errorf("the primary knows the time servers where nobody asks it: %v", err)
	}
}

// TestSessionsNeedNoSecret: the sessions are named before there are made
// secrets, and the real ones are nobody's to look at.
func TestSessionsNeedNoSecret(t *testing.T) {
	s := plain()
	s.Server.Service.Addresses = prefixes("198.51.100.1/31")
	s.BGP.Neighbors = []site.Neighbor{{Name: "edge-1", Addresses: addrs("198.51.100.0 2001:db8:3::1"), Password: secret.Missing("env", errors.New("not set"))}}
	want := []sessionRecord{{Neighbor: "edge-1", ID: "n_edge_1_v4"}, {Neighbor: "edge-1", ID: "n_edge_1_v6"}}
	if diff := cmp.Diff(want, sessionsOf(s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

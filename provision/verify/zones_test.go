package verify_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verify"
	"github.com/raiz-dns/raiz/templates"
)

// What name servers say of the root and of root-servers.net, as NSD 4.6.1 and
// Knot DNS 3.2.6 print it.
const (
	nsdBoth = "zone:\t.\n\tstate: ok\n\tserved-serial: \"2026112400 since 2026-11-24T16:38:15\"\n\tcommit-serial: \"2026112400 since 2026-11-24T16:38:15\"\n\twait: \"1679 sec between attempts\"\nzone:\troot-servers.net\n\tstate: ok\n\tserved-serial: \"7 since 2026-11-24T16:38:15\"\n"
	nsdGone = "zone:\t.\n\tstate: expired\n\tserved-serial: none\n\tcommit-serial: none\nzone:\troot-servers.net\n\tstate: ok\n\tserved-serial: \"7 since 2026-11-24T16:38:15\"\n"
	// The second zone is not the site's any more.
	knotBoth = "[.] role: slave | serial: 2026112405 | refresh: +29m57s | expiration: +6D23h59m57s\n[root-servers.net.] role: slave | serial: 7 | refresh: +29m57s | expiration: +6D23h59m57s\n"
	knotGone = "[.] role: slave | serial: - | refresh: +5s | bootstrap\n[other.net.] role: slave | serial: 7\n"
)

func TestZoneChecks(t *testing.T) {
	packs, err := render.Packs(templates.FS())
	if err != nil {
		t.Fatal(err)
	}
	sites, diags := site.Load(os.DirFS("../../sites"), "root-example.hcl", site.Options{Packs: packs, Operators: os.DirFS("../../templates/operators")})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for _, tt := range []struct {
		name, pack, lines string
		want              map[string]string
	}{
		{"NSD", "dns/nsd", nsdBoth, map[string]string{"dns.zone..": "pass dns.zone.good serial=2026112400", "dns.zone.root-servers.net.": "pass dns.zone.good serial=7"}},
		{"NSD, one expired", "dns/nsd", nsdGone, map[string]string{"dns.zone..": "fail dns.zone.empty dns.zone.state state=expired", "dns.zone.root-servers.net.": "pass dns.zone.good serial=7"}},
		{"Knot", "dns/knot", knotBoth, map[string]string{"dns.zone..": "pass dns.zone.good serial=2026112405", "dns.zone.root-servers.net.": "pass dns.zone.good serial=7"}},
		{"Knot, one not loaded and one unknown", "dns/knot", knotGone, map[string]string{"dns.zone..": "fail dns.zone.empty", "dns.zone.root-servers.net.": "fail dns.zone.absent"}},
		{"it does not answer", "dns/knot", "error: failed to connect to socket", map[string]string{"dns.zone..": "unknown verify.could-not-look", "dns.zone.root-servers.net.": "unknown verify.could-not-look"}},
		{"a pack that does not tell", "time/chrony", nsdBoth, map[string]string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := verify.Evidence{Looks: looksOf(t, tt.pack)}
			e.Server.Printed = map[string]verify.Printed{"zones": {Lines: strings.Split(tt.lines, "\n")}}
			have := map[string]string{}
			for _, r := range verify.Hollow(sites[0], e) {
				if strings.HasPrefix(r.ID, "dns.zone.") {
					have[r.ID] = string(r.Status) + " " + r.Got[0].String()
					for _, m := range r.Evidence {
						if m.Code == "dns.zone.state" {
							have[r.ID] += " " + m.String()
						}
					}
				}
			}
			if diff := cmp.Diff(tt.want, have); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

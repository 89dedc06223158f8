package site_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/site"
)

// The site's word stands over the operator's, value by value, and its event log
// over the operator's whole; where neither says anything, a certificate is
// warned of all the same.
func TestExpectIsDecided(t *testing.T) {
	example, err := os.ReadFile("../../sites/root-example.hcl")
	if err != nil {
		t.Fatal(err)
	}
	const before = "  bmc {\n"
	if !strings.Contains(string(example), before) {
		t.Fatal("the example has no BMC")
	}
	const operators = `expect {
    firmware         = "7.10.50.00"
    licences         = ["iDRAC Enterprise", "iDRAC Datacenter", "iDRAC Enterprise"]
    secure_boot      = true
    tpm              = "2.0"
    certificate_days = 60
    event_log {
      severity = "critical"
      log      = "SEL"
      since    = "720h"
    }
  }`
	for _, tt := range []struct {
		name, profile, site string
		want                site.Expect
	}{
		{"nobody", "", "", site.Expect{CertificateDays: 30}},
		{"the operator", operators, "", site.Expect{
			Firmware: "7.10.50.00", Licences: []string{"iDRAC Enterprise", "iDRAC Datacenter"}, SecureBoot: "on", TPM: "2.0", CertificateDays: 60,
			EventLog: &site.EventLog{Severity: "critical", Log: "SEL", Age: 720 * time.Hour},
		}},
		{"the site", "", `expect {
      bios        = "1.13.2"
      secure_boot = false
      event_log {
        since = "2026-11-01T01:00:00+01:00"
      }
    }`, site.Expect{BIOS: "1.13.2", SecureBoot: "off", CertificateDays: 30, EventLog: &site.EventLog{Severity: "warning", Since: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}}},
		{"both", operators, `expect {
      firmware  = "7.20"
      licences  = []
      event_log {
      }
    }`, site.Expect{Firmware: "7.20", Licences: []string{}, SecureBoot: "on", TPM: "2.0", CertificateDays: 60, EventLog: &site.EventLog{Severity: "warning"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(string(example), before, before+"    "+tt.site+"\n", 1)
			sites, diags := site.Load(fstest.MapFS{"in.hcl": {Data: []byte(text)}}, "in.hcl", site.Options{
				Operators: fstest.MapFS{"ripe-k.hcl": {Data: []byte("profile \"ripe-k\" {\n  title = \"x\"\n  " + tt.profile + "\n}\n")}},
			})
			if diags.HasErrors() || len(sites) != 1 {
				t.Fatalf("%d sites, %v", len(sites), diags)
			}
			if diff := cmp.Diff(tt.want, sites[0].BMC.Expect); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

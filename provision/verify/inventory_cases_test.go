package verify_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verify"
)

// inventoryCases are ways in which what a controller tells of its server is not
// as it should be.
func inventoryCases() []judged {
	lacks, down := fmt.Errorf("it does not tell: %w", state.ErrUnsupported), errors.New("timeout")
	of := func(name string, change func(*bmc.Inventory)) judged {
		return judged{name, func(e *verify.Evidence) { change(&e.BMC.Inventory) }}
	}
	parts := func(name string, kind bmc.PartKind, p bmc.Parts) judged {
		return of(name, func(i *bmc.Inventory) { i.Parts[kind] = p })
	}
	log := func(name string, l bmc.EventLog) judged {
		return of(name, func(i *bmc.Inventory) {
			l.Name = "SEL"
			i.Log = l
		})
	}
	at := answered.Add(-48 * time.Hour)
	entry := func(severity, text string) bmc.LogEntry {
		return bmc.LogEntry{Severity: severity, Created: at, Text: text}
	}
	cases := []judged{
		{"nobody took the inventory", func(e *verify.Evidence) { e.BMC.At, e.BMC.Inventory = time.Time{}, bmc.Inventory{} }},
		{"an inventory of nothing", func(e *verify.Evidence) { e.BMC.Inventory = bmc.Inventory{} }},
		{"the inventory cannot be taken", func(e *verify.Evidence) { e.BMC.Inventory = bmc.Inventory{Err: down, Until: answered.AddDate(1, 0, 0)} }},
		{"nothing of the inventory is told", func(e *verify.Evidence) {
			untold := bmc.Inventory{Until: answered.AddDate(1, 0, 0), MACsErr: lacks, LicencesErr: lacks, ModulesErr: lacks, SecureBoot: bmc.SecureBoot{Err: lacks}, Log: bmc.EventLog{Err: lacks}, Parts: map[bmc.PartKind]bmc.Parts{}}
			for _, kind := range bmc.PartKinds() {
				untold.Parts[kind] = bmc.Parts{Err: lacks}
			}
			e.BMC.Inventory = untold
		}},
		{"nothing of the inventory can be read", func(e *verify.Evidence) {
			unread := bmc.Inventory{Until: answered.AddDate(1, 0, 0), MACsErr: down, LicencesErr: down, ModulesErr: down, SecureBoot: bmc.SecureBoot{Err: down}, Log: bmc.EventLog{Err: down}, Parts: map[bmc.PartKind]bmc.Parts{}}
			for _, kind := range bmc.PartKinds() {
				unread.Parts[kind] = bmc.Parts{Err: down}
			}
			e.BMC.Inventory = unread
		}},
		of("a certificate that ends soon", func(i *bmc.Inventory) { i.Until = answered.AddDate(0, 0, 29) }),
		of("a certificate that ends in a month", func(i *bmc.Inventory) { i.Until = answered.AddDate(0, 0, 30) }),
		of("a certificate that has ended", func(i *bmc.Inventory) { i.Until = answered }),
		of("old firmware", func(i *bmc.Inventory) { i.Firmware, i.BIOS = "1.1.9", "1.13.2" }),
		of("firmware that cannot be compared", func(i *bmc.Inventory) { i.Firmware, i.BIOS = "U8E112A", "2.0b" }),
		of("another licence", func(i *bmc.Inventory) {
			i.Licences = []bmc.Licence{{Text: "iDRAC9 Express"}, {Text: "OpenManage Enterprise Advanced"}}
		}),
		of("no licence", func(i *bmc.Inventory) { i.Licences = nil }),
		of("a licence that is off, and one that is over", func(i *bmc.Inventory) {
			i.Licences = []bmc.Licence{{Text: "iDRAC9 Enterprise License", Off: "Disabled"}, {Text: "iDRAC9 Datacenter Trial", Ends: at}}
		}),
		of("a licence that is over soon", func(i *bmc.Inventory) {
			i.Licences = []bmc.Licence{{Text: "iDRAC9 Datacenter Trial", Ends: answered.Add(time.Hour)}}
		}),
		of("a licence of which nobody can tell when it ends", func(i *bmc.Inventory) {
			i.Licences = []bmc.Licence{{Text: "iDRAC9 Datacenter Trial", EndsErr: errors.New("its ExpirationDate is no time")}}
		}),
		of("a licence of which nobody can tell when it ends, and a good one", func(i *bmc.Inventory) {
			i.Licences = append([]bmc.Licence{{Text: "iDRAC9 Datacenter Trial", EndsErr: errors.New("its ExpirationDate is no time")}}, i.Licences...)
		}),
		of("a licence, and more that cannot be read", func(i *bmc.Inventory) { i.LicencesErr = down }),
		of("secure boot is off", func(i *bmc.Inventory) { i.SecureBoot = bmc.SecureBoot{Now: "Disabled", Next: "off", Mode: "UserMode"} }),
		of("secure boot is on at the next boot", func(i *bmc.Inventory) { i.SecureBoot = bmc.SecureBoot{Now: "Disabled", Next: "on", Mode: "UserMode"} }),
		of("secure boot is off at the next boot", func(i *bmc.Inventory) { i.SecureBoot.Next = "off" }),
		of("secure boot that refuses nothing", func(i *bmc.Inventory) { i.SecureBoot.Mode = "AuditMode" }),
		of("secure boot alone", func(i *bmc.Inventory) { i.SecureBoot = bmc.SecureBoot{Now: "Enabled"} }),
		of("secure boot of another kind", func(i *bmc.Inventory) { i.SecureBoot.Now = "Perhaps" }),
		of("no trusted module", func(i *bmc.Inventory) { i.Modules = nil }),
		of("an old trusted module", func(i *bmc.Inventory) { i.Modules[0].Interface = "TPM1_2" }),
		of("a trusted module that is off", func(i *bmc.Inventory) { i.Modules[0].State = "Disabled" }),
		of("a trusted module that is ill", func(i *bmc.Inventory) { i.Modules[0].Health = "Critical" }),
		of("a trusted module of an untold state", func(i *bmc.Inventory) { i.Modules[0].State = "" }),
		of("an old trusted module and a new one", func(i *bmc.Inventory) {
			i.Modules = []bmc.TrustedModule{{Interface: "TPM1_2", State: "Disabled"}, {Interface: "TPM2_0", State: "Enabled", Health: "OK"}}
		}),
		of("another server", func(i *bmc.Inventory) { i.MACs = []string{"02:00:00:00:0f:01", "02:00:00:00:0f:02"} }),
		of("no port is listed", func(i *bmc.Inventory) { i.MACs = nil }),
		of("a port of which nobody knows", func(i *bmc.Inventory) { i.MACs, i.MACsErr = []string{"02:00:00:00:0f:01"}, down }),
		of("a port among what was seen", func(i *bmc.Inventory) { i.MACsErr = down }),
		parts("a critical power supply", bmc.Supplies, bmc.Parts{Healthy: 1, Ill: []bmc.Part{{Name: "PSU 2", Health: "Critical"}}}),
		parts("a warm processor", bmc.Sensors, bmc.Parts{Healthy: 8, Ill: []bmc.Part{{Name: "CPU1 Temp", Health: "Warning"}}}),
		parts("a warm processor, and half of it unseen", bmc.Sensors, bmc.Parts{Healthy: 8, Ill: []bmc.Part{{Name: "CPU1 Temp", Health: "Warning"}}, Untold: []string{"Inlet Temp"}, Err: down}),
		parts("drives of which one is not told", bmc.Storage, bmc.Parts{Healthy: 1, Untold: []string{"Drive 2"}}),
		parts("drives of which one is off", bmc.Storage, bmc.Parts{Healthy: 1, Off: []string{"Drive 2: Disabled"}}),
		parts("fans that are all off", bmc.Fans, bmc.Parts{Off: []string{"Fan 1: Disabled"}}),
		parts("supplies of which one is off and one is ill", bmc.Supplies, bmc.Parts{Off: []string{"PSU 1: Disabled"}, Ill: []bmc.Part{{Name: "PSU 2", Health: "Critical"}}}),
		parts("drives, and volumes that are listed and not there", bmc.Storage, bmc.Parts{Healthy: 2, Untold: []string{"Drive 2"}, Err: lacks}),
		parts("fans of which none is told", bmc.Fans, bmc.Parts{Untold: []string{"Fan 1", "Fan 2"}}),
		parts("no memory is there", bmc.Memory, bmc.Parts{}),
		parts("memory that was not seen whole", bmc.Memory, bmc.Parts{Healthy: 16, Err: down}),
		parts("all processors are ill", bmc.Processors, bmc.Parts{Ill: make([]bmc.Part, 30)}),
		log("an entry that is critical", bmc.EventLog{Newest: []bmc.LogEntry{entry("Critical", "Fan 1 failed."), entry("Warning", "Fan 1 is slow.")}, Count: 30, Worst: "Critical"}),
		log("an entry that warns", bmc.EventLog{Newest: []bmc.LogEntry{{Severity: "Warning", Text: "Lost the time."}}, Count: 1, Worst: "Warning", Untold: 2, Err: down}),
		log("entries of an untold severity", bmc.EventLog{Untold: 2, Read: 2}),
		log("a log in place of one that is listed and not there", bmc.EventLog{Untold: 1, Read: 2, Err: lacks}),
		log("a log that was not seen whole", bmc.EventLog{Read: 2, Err: down}),
	}
	for _, kind := range bmc.PartKinds() {
		cases = append(cases, parts("ill "+strings.ReplaceAll(string(kind), "-", " "), kind, bmc.Parts{Ill: []bmc.Part{{Name: "It", Health: "Critical"}}}))
	}
	return cases
}

// keeping is a controller that keeps what was asked of it.
type keeping struct {
	controller
	want *bmc.InventoryWanted
}

// Inventory implements verify's interface.
func (k keeping) Inventory(_ context.Context, want bmc.InventoryWanted) bmc.Inventory {
	*k.want = want
	return bmc.Inventory{}
}

// TestInventoryAsked: a controller is asked for what the checks need and for
// nothing else, and the age of entries counts from now.
func TestInventoryAsked(t *testing.T) {
	whole := example(t).BMC.Expect
	since := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		expect site.Expect
		want   bmc.InventoryWanted
	}{
		"nothing":   {site.Expect{CertificateDays: 30}, bmc.InventoryWanted{}},
		"all of it": {whole, bmc.InventoryWanted{Licences: true, SecureBoot: true, Log: &bmc.LogWanted{Severity: "Warning", Since: time.Now().Add(-720 * time.Hour)}}},
		"a log": {site.Expect{EventLog: &site.EventLog{Log: "IML", Severity: "critical", Since: since}},
			bmc.InventoryWanted{Log: &bmc.LogWanted{Name: "IML", Severity: "Critical", Since: since}}},
		"a log for ever": {site.Expect{EventLog: &site.EventLog{Severity: "warning"}}, bmc.InventoryWanted{Log: &bmc.LogWanted{Severity: "Warning"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := copied(example(t))
			s.BMC.Expect = tt.expect
			v, _ := vantages(t)
			var want bmc.InventoryWanted
			v.BMC = func(context.Context) (verify.Controller, error) { return keeping{want: &want}, nil }
			e := verify.Gather(t.Context(), s, v)
			tt.want.MACs = []string{"02:00:00:00:00:02"}
			if d := cmp.Diff(tt.want, want, cmp.Comparer(func(a, b time.Time) bool { return a.Sub(b).Abs() < time.Hour })); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if e.BMC.At.IsZero() || time.Since(e.BMC.At).Abs() > time.Hour {
				t.Errorf("it was looked at %s", e.BMC.At)
			}
		})
	}
}

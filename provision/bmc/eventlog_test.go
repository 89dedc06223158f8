package bmc_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
)

// since is when the entries of these tests begin to count.
var since = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// paged puts entries into the log, so many a page.
func paged(d docs, size int, entries ...redfish.Object) {
	uri := logURI
	for at := 0; ; at += size {
		end := min(at+size, len(entries))
		var page []any
		for _, e := range entries[at:end] {
			page = append(page, e)
		}
		d[uri] = redfish.Object{"Members": page, "Members@odata.count": float64(len(entries))}
		if end == len(entries) {
			return
		}
		next := fmt.Sprintf("%s?$skip=%d", logURI, end)
		d[uri]["Members@odata.nextLink"] = next
		uri = next
	}
}

// TestEventLog: what counts is told, the newest first, and what was not seen is
// never taken for quiet.
func TestEventLog(t *testing.T) {
	day := func(n int) string { return since.AddDate(0, 0, n).Format(time.RFC3339) }
	many := func(n int, severity string, newestFirst bool) []redfish.Object {
		var out []redfish.Object
		for i := range n {
			out = append(out, entry(fmt.Sprint(i), day(i-n/2), severity, fmt.Sprint("day ", i-n/2)))
		}
		if newestFirst {
			slices.Reverse(out)
		}
		return out
	}
	for name, tt := range map[string]struct {
		bend  func(docs)
		want  bmc.LogWanted
		tells string
		gets  int // of the log alone; 0 is not looked at
	}{
		"a critical one": {func(d docs) {
			paged(d, 50, entry("1", day(1), "Critical", "Fan 1 failed.\x1b[31m\nReplace it."), entry("2", day(2), "OK", "fine"), entry("3", day(-1), "Critical", "old"))
		}, bmc.LogWanted{}, "SEL: 1 of 3; Critical Fan 1 failed.\uFFFD[31m Replace it.", 1},
		"warnings count": {func(d docs) {
			paged(d, 50, entry("1", day(1), "Warning", "a"), entry("2", day(2), "Critical", "b"), entry("3", day(3), "Warning", "c"))
		}, bmc.LogWanted{}, "SEL: 3 of 3; Warning c; Critical b; Warning a", 1},
		"warnings do not count": {func(d docs) {
			paged(d, 50, entry("1", day(1), "Warning", "a"), entry("2", day(2), "Critical", "b"))
		}, bmc.LogWanted{Severity: "Critical"}, "SEL: 1 of 2; Critical b", 1},
		"a resolved one": {func(d docs) {
			e := entry("1", day(1), "Critical", "a")
			e["Resolved"] = true
			paged(d, 50, e)
		}, bmc.LogWanted{}, "SEL: 0 of 1", 1},
		"one that is not resolved": {func(d docs) {
			e := entry("1", day(1), "Critical", "a")
			e["Resolved"] = false
			paged(d, 50, e)
		}, bmc.LogWanted{}, "SEL: 1 of 1; Critical a", 1},
		"without a time": {func(d docs) {
			paged(d, 50, entry("1", "", "Critical", "a"), entry("2", "1970-01-01T00:00:10Z", "Critical", "b"), entry("3", "yesterday", "Critical", "c"))
		}, bmc.LogWanted{}, "SEL: 3 of 3; Critical a; Critical b; Critical c", 1},
		"without a zone": {func(d docs) {
			paged(d, 50, entry("1", "2026-10-31T23:59:59", "Critical", "old"), entry("2", "2026-11-01T00:00:01", "Critical", "new"))
		}, bmc.LogWanted{}, "SEL: 1 of 2; Critical new", 1},
		"without a severity": {func(d docs) {
			paged(d, 50, entry("1", day(1), "", "a"), entry("2", day(1), "Fatal", "b"), entry("3", day(-1), "", "old"))
		}, bmc.LogWanted{}, "SEL: 0 of 3; 2 untold", 1},
		"for ever": {func(d docs) {
			paged(d, 50, entry("1", "2001-01-01T00:00:00Z", "Critical", "ancient"))
		}, bmc.LogWanted{Since: time.Unix(0, 0)}, "SEL: 1 of 1; Critical ancient", 1},
		"pages, the oldest first": {func(d docs) { paged(d, 10, many(100, "Critical", false)...) }, bmc.LogWanted{},
			"SEL: 50 of 100; Critical day 49; Critical day 48; Critical day 47; Critical day 46; Critical day 45", 10},
		"pages, the newest first": {func(d docs) { paged(d, 10, many(100, "Critical", true)...) }, bmc.LogWanted{},
			"SEL: 50 of 100; Critical day 49; Critical day 48; Critical day 47; Critical day 46; Critical day 45", 10},
		"a ring that came round, or a lost clock": {func(d docs) {
			paged(d, 2, entry("1", day(20), "OK", "a"), entry("2", "2017-01-01T00:00:00Z", "OK", "b"), entry("3", day(21), "Critical", "c"), entry("4", day(22), "Critical", "d"))
		}, bmc.LogWanted{}, "SEL: 2 of 4; Critical d; Critical c", 2},
		"a ring with its newest first but for one": {func(d docs) {
			paged(d, 1, entry("1", day(3), "OK", "a"), entry("2", day(2), "OK", "b"), entry("3", day(-1), "OK", "c"), entry("4", day(-2), "OK", "d"), entry("5", day(4), "Warning", "new"))
		}, bmc.LogWanted{}, "SEL: 1 of 5; Warning new", 5},
		"more pages than are read, the newest first": {func(d docs) { paged(d, 2, many(100, "OK", true)...) }, bmc.LogWanted{}, "SEL: 0 of 80 ?", 40},
		"more links than are read":                   {func(d docs) { d.collect(logURI, many(300, "OK", true)...) }, bmc.LogWanted{}, "SEL: 0 of 124 ?", 125},
		"a SEL that is not there": {func(d docs) {
			delete(d, sysURI+"/LogServices/SEL")
			d[sysURI+"/Lclog"] = redfish.Object{"Members": []any{}}
		},
			bmc.LogWanted{}, "Lclog: 0 of 0 -", 0},
		"a SEL that is not there, and another with an entry": {func(d docs) {
			delete(d, sysURI+"/LogServices/SEL")
			d[sysURI+"/Lclog"] = redfish.Object{"Members": []any{entry("1", day(1), "Critical", "a")}}
		}, bmc.LogWanted{}, "Lclog: 1 of 1; Critical a -", 0},
		"another that is not there": {func(d docs) { delete(d, sysURI+"/LogServices/Lclog") }, bmc.LogWanted{}, "SEL: 0 of 1", 0},
		"logs of the system that are not there": {func(d docs) {
			d[mgrURI]["LogServices"] = linkTo(mgrURI + "/LogServices")
			d.collect(mgrURI+"/LogServices", redfish.Object{"Id": "Audit", "Entries": linkTo(logURI)})
			delete(d, sysURI+"/LogServices")
		}, bmc.LogWanted{}, "Audit: 0 of 1 -", 0},
		"all at the same time, and old": {func(d docs) {
			paged(d, 2, entry("1", day(-1), "OK", "a"), entry("2", day(-1), "OK", "b"), entry("3", day(-1), "OK", "c"), entry("4", day(1), "Critical", "new"))
		}, bmc.LogWanted{}, "SEL: 1 of 4; Critical new", 2},
		"a clock that went back": {func(d docs) {
			paged(d, 2, entry("1", day(3), "OK", "a"), entry("2", "1970-01-01T00:00:10Z", "OK", "b"), entry("3", day(2), "Critical", "c"), entry("4", day(1), "Critical", "d"))
		}, bmc.LogWanted{}, "SEL: 2 of 4; Critical c; Critical d", 2},
		"more than is shown": {func(d docs) {
			paged(d, 50, entry("1", day(1), "OK", "a"))
			d[logURI]["Members@odata.count"] = 2.0
		}, bmc.LogWanted{}, "SEL: 0 of 1 ?", 1},
		"members that are links": {func(d docs) {
			d.collect(logURI, entry("1", day(1), "Warning", "a"), entry("2", day(2), "Warning", "b"))
			delete(d, logURI+"/1")
		}, bmc.LogWanted{}, "SEL: 1 of 2; Warning b; 1 untold", 3},
		"entries that are not there": {func(d docs) { delete(d, logURI) }, bmc.LogWanted{}, "SEL: 0 of 0 -", 1},
		"a log that is off":          {func(d docs) { d[sysURI+"/LogServices/SEL"]["ServiceEnabled"] = false }, bmc.LogWanted{}, "SEL: 0 of 0 -", 0},
		"another by its name": {func(d docs) {
			d[sysURI+"/Lclog"] = redfish.Object{"Members": []any{entry("1", day(1), "Critical", "a")}}
		}, bmc.LogWanted{Name: "LCLOG"}, "Lclog: 1 of 1; Critical a", 0},
		"a name that is none": {func(docs) {}, bmc.LogWanted{Name: "IML"}, ": 0 of 0 -", 0},
		"no log":              {func(d docs) { delete(d[sysURI], "LogServices") }, bmc.LogWanted{}, ": 0 of 0 -", 0},
		"the log of the manager": {func(d docs) {
			d[mgrURI]["LogServices"] = d[sysURI]["LogServices"]
			delete(d[sysURI], "LogServices")
			paged(d, 50, entry("1", day(1), "Critical", "a"))
		}, bmc.LogWanted{}, "SEL: 1 of 1; Critical a", 1},
		"the first that the system lists": {func(d docs) {
			d.collect(sysURI+"/LogServices", redfish.Object{"Id": "IML", "Entries": linkTo(logURI)}, redfish.Object{"Id": "SL", "Entries": linkTo(sysURI + "/SL")})
			paged(d, 50, entry("1", day(1), "Critical", "a"))
		}, bmc.LogWanted{}, "IML: 1 of 1; Critical a", 1},
		"not the dump": {func(d docs) {
			d.collect(sysURI+"/LogServices", redfish.Object{"Id": "Dump", "Entries": linkTo(sysURI + "/Dump")}, redfish.Object{"Id": "EventLog", "Entries": linkTo(logURI)})
			paged(d, 50, entry("1", day(1), "Critical", "a"))
		}, bmc.LogWanted{}, "EventLog: 1 of 1; Critical a", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{docs: wellServer()}
			tt.bend(s.docs)
			want := tt.want
			if want.Severity == "" {
				want.Severity = "Warning"
			}
			if want.Since.IsZero() {
				want.Since = since
			}
			inv := s.inventory(t, bmc.InventoryWanted{Log: &want})
			equal(t, tt.tells, told(inv)["log"])
			n := 0
			for _, uri := range s.asked {
				if strings.HasPrefix(uri, logURI) {
					n++
				}
			}
			if tt.gets > 0 && n != tt.gets {
				t.Errorf("%d GETs of the log, want %d: %q", n, tt.gets, s.asked)
			}
		})
	}
}

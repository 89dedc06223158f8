package bmc_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
)

// TestInventoryExpands: members that come with their collection cost nothing,
// and a controller that says that it can and cannot is asked plainly.
func TestInventoryExpands(t *testing.T) {
	features := redfish.Object{"ExpandQuery": redfish.Object{"NoLinks": true}}
	plain := &service{docs: wellServer()}
	want := told(plain.inventory(t, everything()))
	for name, other := range map[string]func(docs) func(string) (redfish.Object, int){
		"it does": func(d docs) func(string) (redfish.Object, int) {
			return func(uri string) (redfish.Object, int) {
				path, query, _ := strings.Cut(uri, "?")
				if query != "$expand=.($levels=1)" || d[path] == nil {
					return nil, http.StatusNotFound
				}
				out := redfish.Object{"Members@odata.count": d[path]["Members@odata.count"]}
				var members []any
				for _, m := range redfish.AsList(d[path]["Members"]) {
					whole := redfish.Object{"@odata.id": m.(redfish.Object)["@odata.id"]}
					for k, v := range d[redfish.LinkTarget(m)] {
						whole[k] = v
					}
					members = append(members, whole)
				}
				out["Members"] = members
				return out, http.StatusOK
			}
		},
		"it does not": func(docs) func(string) (redfish.Object, int) {
			return func(string) (redfish.Object, int) { return nil, http.StatusNotImplemented }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{docs: wellServer()}
			s.docs["/redfish/v1"]["ProtocolFeaturesSupported"] = features
			s.other = other(s.docs)
			equal(t, want, told(s.inventory(t, everything())))
			t.Logf("%d GETs; plainly %d", s.gets.Load(), plain.gets.Load())
			if fewer := s.gets.Load() < plain.gets.Load(); fewer != (name == "it does") {
				t.Errorf("%d GETs, and plainly %d", s.gets.Load(), plain.gets.Load())
			}
		})
	}
}

// TestInventoryIsBounded: wherever links lead, it ends, and what was not seen is
// not well.
func TestInventoryIsBounded(t *testing.T) {
	endless := func(uri string) (redfish.Object, int) { // each page has a next one
		return redfish.Object{"Members": []any{linkTo(uri + "/m")}, "Members@odata.nextLink": uri + "/n"}, http.StatusOK
	}
	for name, tt := range map[string]struct {
		bend  func(docs)
		other func(string) (redfish.Object, int)
		want  map[string]string
	}{
		"a page that is itself": {func(d docs) { d[logURI]["Members@odata.nextLink"] = logURI }, nil, map[string]string{"log": "SEL: 0 of 1 ?"}},
		"a page elsewhere": {func(d docs) { d[logURI]["Members@odata.nextLink"] = "https://192.0.2.66/redfish/v1" }, nil,
			map[string]string{"log": "SEL: 0 of 1 ?"}},
		"pages without end": {func(d docs) { d[sysURI]["Memory"], d[sysURI]["Processors"] = linkTo("/endless"), linkTo("/endless") }, func(uri string) (redfish.Object, int) {
			if strings.HasSuffix(uri, "/m") {
				return redfish.Object{"Id": "m", "Status": status("Enabled", "OK")}, http.StatusOK
			}
			if strings.HasPrefix(uri, "/endless") {
				return endless(uri)
			}
			return nil, http.StatusNotFound
		}, map[string]string{"memory": "40 well ?", "processors": "40 well ?"}},
		"a collection that is its own member": {func(d docs) {
			d[sysURI+"/Memory"] = redfish.Object{"Members": []any{linkTo(sysURI + "/Memory"), linkTo(sysURI + "/Memory")}}
		}, nil,
			map[string]string{"memory": "0 well, untold Memory, Memory"}},
		"members that are nothing": {func(d docs) {
			d[sysURI+"/Memory"] = redfish.Object{"Members": []any{nil, 7.0, "x", redfish.Object{}, linkTo("https://192.0.2.66/x"), redfish.Object{"Id": 7.0}}}
		}, nil, map[string]string{"memory": "0 well, untold a member without a link, a member without a link, a member without a link, a member without a link, a member without a link, a part without a name"}},
		"no members":           {func(d docs) { d[sysURI+"/Memory"] = redfish.Object{"Members@odata.count": 4.0} }, nil, map[string]string{"memory": "0 well -"}},
		"a count that is none": {func(d docs) { d[sysURI+"/Memory"]["Members@odata.count"] = "all" }, nil, nil},
		"a count beyond all": {func(d docs) { d[sysURI+"/Memory"]["Members@odata.count"] = 1e300 }, nil,
			map[string]string{"memory": "2 well ?"}},
		"a kind that is refused": {func(d docs) { delete(d, sysURI+"/Memory") }, func(uri string) (redfish.Object, int) {
			return nil, map[bool]int{true: http.StatusForbidden, false: http.StatusNotFound}[uri == sysURI+"/Memory"]
		}, map[string]string{"memory": "0 well ?"}},
		"a member that is refused": {func(d docs) {
			d.set(sysURI+"/Memory/A1", func(o redfish.Object) { o["Status"] = status("Enabled", "Critical") })
			delete(d, sysURI+"/Memory/A2")
		}, func(uri string) (redfish.Object, int) {
			return nil, map[bool]int{true: http.StatusForbidden, false: http.StatusNotFound}[uri == sysURI+"/Memory/A2"]
		}, map[string]string{"memory": "0 well, DIMM A1: Critical ?"}},
		"names and places without end": {func(d docs) {
			d.set(sysURI+"/Processors/CPU1", func(o redfish.Object) {
				o["Name"], o["Status"] = strings.Repeat("x\x1b", 1<<18), status("Enabled", "Critical")
			})
		}, nil, map[string]string{"processors": "0 well, " + strings.Repeat("x\uFFFD", 100) + "…: Critical"}},
		"properties of other types": {func(d docs) {
			d[chaURI+"/Thermal"] = redfish.Object{"Fans": "none", "Temperatures": redfish.Object{"Status": 1.0}}
			d[sysURI]["TrustedModules"] = []any{"TPM2_0", 7.0}
			d[sysURI]["Memory"] = []any{}
			d[sysURI+"/SecureBoot"] = redfish.Object{"SecureBootEnable": "yes", "SecureBootCurrentBoot": 1.0}
		}, nil, map[string]string{"fans": "0 well -", "sensors": "1 well", "tpm": "", "memory": "0 well -", "secure boot": "-"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{docs: wellServer(), other: tt.other}
			tt.bend(s.docs)
			want := well()
			for k, v := range tt.want {
				want[k] = v
			}
			equal(t, want, told(s.inventory(t, everything())))
		})
	}
}

// TestInventoryRunsOut: a server with more than an inventory reads is known as
// far as it was read, and of the rest it says so.
func TestInventoryRunsOut(t *testing.T) {
	s := &service{docs: wellServer()}
	var modules []redfish.Object
	for i := range 1000 {
		modules = append(modules, redfish.Object{"Id": fmt.Sprint(i), "Status": status("Enabled", "OK")})
	}
	s.docs.collect(sysURI+"/Memory", modules...)
	var chassis []any
	for i := range 20_000 {
		chassis = append(chassis, linkTo(fmt.Sprint("/redfish/v1/Chassis/", i%1000)))
	}
	s.docs[mgrURI]["Links"].(redfish.Object)["ManagerForChassis"] = []any{}
	began := time.Now()
	got := told(s.inventory(t, everything()))
	if !strings.HasSuffix(got["memory"], " well ?") || got["fans"] != "1 well" || got["processors"] != "1 well" {
		t.Errorf("%v", got)
	}
	s = &service{docs: wellServer()}
	s.docs[sysURI]["Links"] = redfish.Object{"Chassis": chassis}
	got = told(s.inventory(t, everything()))
	if !strings.HasSuffix(got["memory"], "?") || !strings.HasSuffix(got["fans"], "?") {
		t.Errorf("%v", got)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestInventoryOfNobody: a controller whose system cannot be seen has no
// inventory.
func TestInventoryOfNobody(t *testing.T) {
	s := &service{docs: wellServer()}
	delete(s.docs, sysURI)
	if inv := s.inventory(t, everything()); inv.Err == nil || inv.Parts != nil || inv.Firmware != "" {
		t.Errorf("%+v", inv)
	}
}

// TestInventoryMemory: what a controller sends does not fill the memory, however
// many answers are small on the wire and large once they are decoded.
func TestInventoryMemory(t *testing.T) {
	const most = 64 << 20
	for name, one := range map[string]struct {
		element string
		times   int
	}{
		"beyond a document": {`0,`, 1_800_000},
		"just a document":   {`{"":0},`, 14_000},
		"long texts":        {`"` + strings.Repeat("a", 1<<10) + `",`, 1700},
	} {
		for at, bend := range map[string]func(docs, []any){
			"memory": func(d docs, all []any) {
				d[sysURI]["Memory"], d["/all"] = linkTo("/all"), redfish.Object{"Members": all}
			},
			"chassis": func(d docs, all []any) { d[sysURI]["Links"] = redfish.Object{"Chassis": all} },
			"drives":  func(d docs, all []any) { d[sysURI+"/Storage/RAID"]["Drives"] = all },
			"accounts": func(d docs, all []any) {
				d["/redfish/v1"]["AccountService"], d["/accounts"], d["/all"] = linkTo("/accounts"), redfish.Object{"Accounts": linkTo("/all"), "Roles": linkTo("/roles")}, redfish.Object{"Members": all}
				d["/roles"] = redfish.Object{"Members": all}
			},
		} {
			t.Run(name+"/"+at, func(t *testing.T) {
				s := &service{docs: wellServer()}
				big := json.RawMessage(`[` + strings.Repeat(one.element, one.times) + `0]`)
				var all []any
				for i := range 30 {
					all = append(all, linkTo(fmt.Sprint("/big/", i)))
				}
				bend(s.docs, all)
				var peak uint64
				s.other = func(uri string) (redfish.Object, int) {
					if !strings.HasPrefix(uri, "/big/") {
						return nil, http.StatusNotFound
					}
					runtime.GC()
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					peak = max(peak, m.HeapAlloc)
					return redfish.Object{"Id": "x", "UserName": "x", "RoleId": "made", "AssignedPrivileges": big, "X": big, "Status": status("Enabled", "OK")}, http.StatusOK
				}
				c, err := bmc.Open(t.Context(), s.serve(t))
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close(t.Context())
				if at == "accounts" {
					if _, err := c.Administrators(t.Context()); err == nil {
						t.Error("it knows all accounts")
					}
				} else if got := told(c.Inventory(t.Context(), everything())); !strings.Contains(got["memory"]+got["fans"]+got["storage"], "?") {
					t.Errorf("nothing of it is unknown: %v", got)
				}
				t.Logf("%d MiB at the most", peak>>20)
				if peak > most {
					t.Errorf("it takes %d MiB", peak>>20)
				}
			})
		}
	}
}

package bmc_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
)

// TestPages: whoever is on the last page of a collection is seen, and a
// collection that does not end is not taken for one without him.
func TestPages(t *testing.T) {
	const accounts = "/redfish/v1/AccountService/Accounts"
	account := func(i int, role string) redfish.Object {
		return redfish.Object{"Id": fmt.Sprint(i), "UserName": fmt.Sprint("user", i), "RoleId": role, "Enabled": true}
	}
	page := func(next any, members ...any) redfish.Object {
		return redfish.Object{"Members": members, "Members@odata.count": 3.0, "Members@odata.nextLink": next}
	}
	for name, tt := range map[string]struct {
		bend  func(docs)
		other func(string) (redfish.Object, int)
		want  string // the administrators, or words of the error
	}{
		"one page": {func(d docs) {
			delete(d[accounts], "Members@odata.nextLink")
			d[accounts]["Members@odata.count"] = 1.0
		}, nil, "user1"},
		"no count": {func(d docs) {
			delete(d[accounts], "Members@odata.nextLink")
			delete(d[accounts], "Members@odata.count")
		}, nil, "user1"},
		"one page of more":           {func(d docs) { delete(d[accounts], "Members@odata.nextLink") }, nil, "counts 3 Members and shows 1"},
		"pages of more":              {func(d docs) { d[accounts+"?$skip=2"]["Members@odata.count"] = 20.0 }, nil, "counts 20 Members and shows 3"},
		"an account without a link":  {func(d docs) { d[accounts+"?$skip=2"]["Members"] = []any{nil} }, nil, "a member without a link"},
		"an account that is nowhere": {func(d docs) { delete(d, accounts+"/3") }, nil, "does not have it"},
		"a name with a space":        {func(d docs) { d[accounts+"/3"]["UserName"] = "user1 " }, nil, "user1 user1 "},
		"a name in another case":     {func(d docs) { d[accounts+"/3"]["UserName"] = "USER1" }, nil, "user1 USER1"},
		"a name without end":         {func(d docs) { d[accounts+"/3"]["UserName"] = strings.Repeat("x", 1<<18) }, nil, "user1 " + strings.Repeat("x", 255) + "…"},
		"all pages":                  {func(docs) {}, nil, "user1 user3"},
		"a page that is not there":   {func(d docs) { delete(d, accounts+"?$skip=2") }, nil, "404"},
		"a page elsewhere":           {func(d docs) { d[accounts+"?$skip=1"]["Members@odata.nextLink"] = "//192.0.2.66/x" }, nil, "no address on this controller"},
		"a page that is itself":      {func(d docs) { d[accounts+"?$skip=1"]["Members@odata.nextLink"] = accounts + "?$skip=1" }, nil, "more than 40 pages"},
		"pages without end": {func(d docs) { d[accounts]["Members@odata.nextLink"] = "/endless" }, func(uri string) (redfish.Object, int) {
			if strings.HasPrefix(uri, "/endless") {
				return page(uri+"/n", linkTo(accounts+"/1")), http.StatusOK
			}
			return nil, http.StatusNotFound
		}, "more than 40 pages"},
		"members without end": {func(d docs) {
			d[accounts+"?$skip=1"]["Members"] = make([]any, 2000)
		}, nil, "more than 1000 members"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{docs: wellServer(), other: tt.other}
			s.docs["/redfish/v1"]["AccountService"] = linkTo("/redfish/v1/AccountService")
			s.docs["/redfish/v1/AccountService"] = redfish.Object{"Accounts": linkTo(accounts)}
			s.docs.collect(accounts, account(1, "Administrator"), account(2, "ReadOnly"), account(3, "Administrator"))
			s.docs[accounts] = page(accounts+"?$skip=1", linkTo(accounts+"/1"))
			s.docs[accounts+"?$skip=1"] = page(accounts+"?$skip=2", linkTo(accounts+"/2"))
			s.docs[accounts+"?$skip=2"] = page(nil, linkTo(accounts+"/3"))
			tt.bend(s.docs)
			c, err := bmc.Open(t.Context(), s.serve(t))
			if err != nil {
				t.Fatal(err)
			}
			s.gets.Store(0)
			have, err := c.Administrators(t.Context())
			got := strings.Join(have, " ")
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, tt.want) || err == nil && got != tt.want || len(got) > 500 {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if n := s.gets.Load(); n > 60 {
				t.Errorf("%d GETs", n)
			}
			if err := c.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPortsOnPages: the ports of a server are counted on all pages, and not at all
// where there are more than it shows.
func TestPortsOnPages(t *testing.T) {
	const list = sysURI + "/EthernetInterfaces"
	for name, tt := range map[string]struct {
		bend func(docs)
		want int
	}{
		"one page":  {func(docs) {}, 2},
		"two pages": {func(d docs) { d[list]["Members@odata.nextLink"] = list + "?$skip=2" }, 4},
		"a page that is not there": {func(d docs) {
			d[list]["Members@odata.nextLink"] = list + "?$skip=2"
			delete(d, list+"?$skip=2")
		}, -1},
		"more than it shows": {func(d docs) { d[list]["Members@odata.count"] = 4.0 }, -1},
		"none":               {func(d docs) { d.collect(list) }, -1},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{docs: wellServer()}
			s.docs[list+"?$skip=2"] = redfish.Object{"Members": []any{linkTo(list + "/3"), linkTo(list + "/4")}}
			tt.bend(s.docs)
			c, err := bmc.Open(t.Context(), s.serve(t))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(t.Context())
			h, err := c.Hardware(t.Context())
			if got := counts(h)["nics"]; err != nil || got != tt.want {
				t.Errorf("%d ports, %v, %v; want %d", got, h.NICs.Err, err, tt.want)
			}
		})
	}
}

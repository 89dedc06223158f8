package simbmc_test

import (
	"encoding/json"
	"path"
	"testing"
	"testing/fstest"

	"github.com/raiz-dns/raiz/provision/simbmc"
)

// tree is a controller of two resources more than its root.
func tree() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"redfish/v1/index.json":                                    file(`{"@odata.id":"/redfish/v1/","Managers":{"@odata.id":"/redfish/v1/Managers"}}`),
		"redfish/v1/Managers/index.json":                           file(`{"Members":[{"@odata.id":"/redfish/v1/Managers/m"}]}`),
		"redfish/v1/Managers/m/index.json":                         file(`{"@odata.type":"#Manager.v1_14_0.Manager","EthernetInterfaces":{"@odata.id":"/redfish/v1/Managers/m/EthernetInterfaces"}}`),
		"redfish/v1/Managers/m/EthernetInterfaces/index.json":      file(`{"Members":[{"@odata.id":"/redfish/v1/Managers/m/EthernetInterfaces/usb0"},{"@odata.id":"/redfish/v1/Managers/m/EthernetInterfaces/e"}]}`),
		"redfish/v1/Managers/m/EthernetInterfaces/usb0/index.json": file(`{"@odata.type":"#EthernetInterface.v1_9_0.EthernetInterface","HostName":"inside"}`),
		"redfish/v1/Managers/m/EthernetInterfaces/e/index.json": file(`{"@odata.type":"#EthernetInterface.v1_9_0.EthernetInterface","HostName":"outside","DHCPv4":{"DHCPEnabled":true},
			"IPv4Addresses":[{"Address":"192.0.2.77","SubnetMask":"255.255.255.0","AddressOrigin":"DHCP","Gateway":"192.0.2.1"}]}`),
		"redfish/v1/odd/index.json": file(`[1]`),
	}
}

// TestTree serves saved resources, writes what they have and nothing else.
func TestTree(t *testing.T) {
	c := newBMC(t, simbmc.Config{Tree: tree()})
	eth := "/redfish/v1/Managers/m/EthernetInterfaces/e"
	for body, want := range map[string]int{
		`{"HostName":"gru1"}`:                    204,
		`{"StaticNameServers":["192.0.2.1"]}`:    400, // it has none
		`{"FQDN":"x"}`:                           400,
		`{"DHCPv4":{"DHCPEnabled":"certainly"}}`: 400,
	} {
		if got, said := c.do("PATCH", eth, body); got != want {
			t.Errorf("%s: got %d %s, want %d", body, got, messages(said), want)
		}
	}
	if got, _ := c.do("PATCH", "/redfish/v1/Managers/m/EthernetInterfaces/usb0", `{"HostName":"x"}`); got != 405 {
		t.Errorf("the interface to the server: got %d", got)
	}
	if got, _ := c.do("GET", "/redfish/v1/odd", ""); got != 404 {
		t.Errorf("what is no object: got %d", got)
	}
	if _, doc := c.do("GET", eth, ""); doc["HostName"] != "gru1" || len(doc["IPv4Addresses"].([]any)) != 1 {
		t.Errorf("it reads %v", doc)
	}
	if got := c.bmc.Addresses(); len(got) != 1 || got[0].String() != "192.0.2.77/24" {
		t.Errorf("it is at %v", got)
	}
	if _, err := simbmc.New(simbmc.Config{Tree: fstest.MapFS{}}); err == nil {
		t.Error("no tree at all: no error")
	}
}

// TestTreeTells: a saved controller behaves as its documents say, not as its folder is
// called.
func TestTreeTells(t *testing.T) {
	for name, tc := range map[string]struct{ root, manager, want string }{
		"nobody":              {`{}`, `{}`, "schemas"},
		"bmcweb":              {`{}`, `{"Model":"OpenBmc"}`, "openbmc"},
		"bmcweb on a board":   {`{"Vendor":"Supermicro"}`, `{"Oem":{"OpenBmc":{}}}`, "openbmc"},
		"HPE, Oem":            {`{"Oem":{"Hpe":{}}}`, `{}`, "ilo"},
		"HPE, vendor":         {`{"Vendor":"HPE"}`, `{}`, "ilo"},
		"HPE, firmware":       {`{}`, `{"FirmwareVersion":"iLO 5 v2.46"}`, "ilo"},
		"HPE, not iLO":        {`{}`, `{"FirmwareVersion":"nc.1.9.0"}`, "schemas"},
		"Dell, vendor":        {`{"Vendor":"Dell"}`, `{}`, "idrac"},
		"Dell, manager":       {`{}`, `{"Oem":{"Dell":{}}}`, "idrac"},
		"Dell, product":       {`{"Product":"Integrated Dell Remote Access Controller"}`, `{}`, "idrac"},
		"Lenovo":              {`{"Vendor":"Lenovo"}`, `{}`, "xcc"},
		"Lenovo, model":       {`{}`, `{"Model":"Lenovo XClarity Controller"}`, "xcc"},
		"Supermicro, manager": {`{"Oem":{}}`, `{"Oem":{"Supermicro":{}}}`, "supermicro"},
		"Supermicro, vendor":  {`{"Vendor":"Supermicro"}`, `{}`, "supermicro"},
		"AMI":                 {`{"Vendor":"AMI"}`, `{}`, "ami"},
		"AMI, Oem":            {`{"Oem":{"Ami":{}}}`, `{}`, "ami"},
	} {
		all := tree()
		put := func(p, text, name string) {
			doc := map[string]any{}
			if err := json.Unmarshal([]byte(text), &doc); err != nil {
				t.Fatal(err)
			}
			doc[path.Base(name)] = map[string]string{"@odata.id": name}
			whole, _ := json.Marshal(doc)
			all[p] = &fstest.MapFile{Data: whole}
		}
		put("redfish/v1/index.json", tc.root, "/redfish/v1/Managers")
		put("redfish/v1/Managers/m/index.json", tc.manager, "/redfish/v1/Managers/m/EthernetInterfaces")
		if got := newBMC(t, simbmc.Config{Tree: all}).bmc.Personality(); got != tc.want {
			t.Errorf("%s: it is %s, not %s", name, got, tc.want)
		}
	}
	if _, err := simbmc.New(simbmc.Config{Tree: tree(), Personality: "ilo"}); err == nil {
		t.Error("a tree and a name: no error")
	}
}

package simbmc_test

import (
	"net/netip"
	"testing"
	"testing/fstest"

	"github.com/raiz-dns/raiz/provision/simbmc"
)

// FuzzSaved: a capture of a controller, which somebody has sent, is played or
// refused.
func FuzzSaved(f *testing.F) {
	f.Add([]byte(`{"Managers":{"@odata.id":"/redfish/v1/Managers"}}`), []byte(`{"Members":[{"@odata.id":"/redfish/v1/Managers/1"}]}`), []byte(`{"EthernetInterfaces":{"@odata.id":"/redfish/v1/Managers/1/EthernetInterfaces"}}`))
	f.Add([]byte(`{}`), []byte(`[]`), []byte(`null`))
	f.Fuzz(func(_ *testing.T, root, managers, manager []byte) {
		b, err := simbmc.New(simbmc.Config{Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24")}, Users: map[string]string{"root": "x"}, Tree: fstest.MapFS{
			"redfish/v1/index.json": {Data: root}, "redfish/v1/Managers/index.json": {Data: managers}, "redfish/v1/Managers/1/index.json": {Data: manager},
			"redfish/v1/Managers/1/EthernetInterfaces/index.json": {Data: managers}, "redfish/v1/Managers/1/EthernetInterfaces/1/index.json": {Data: manager},
		}})
		if err == nil {
			_ = b.Close()
		}
	})
}

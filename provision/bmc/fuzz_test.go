package bmc_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/simbmc"
)

// FuzzController answers every request below the root with the same bytes,
// whatever is asked: nothing panics, nothing takes for ever, no secret shows,
// and no session is left.
func FuzzController(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"Members":[{"@odata.id":"/redfish/v1/Managers"}]}`, `{"@odata.id":"/redfish/v1/x","Members":[{"@odata.id":"//off.example"}]}`,
		`{"@odata.type":"#Manager.v1_14_0.Manager","EthernetInterfaces":{"@odata.id":"/redfish/v1/Managers"},"Links":{"ManagerForServers":[{"@odata.id":"/redfish/v1/Systems"}]}}`,
		`{"Members":[{"@odata.id":"/redfish/v1/a"}],"DHCPv4":{"DHCPEnabled":true},"IPv4StaticAddresses":[null],"VLAN":{"VLANEnable":true,"VLANId":1e300},"Boot":{"BootOrder":[1,null,"a"]},"ProcessorSummary":{"Count":1e300}}`,
		`{"Actions":{"#ComputerSystem.Reset":{"target":"https://off.example/x","@Redfish.ActionInfo":"/redfish/v1/y"}},"Parameters":[5,{"Name":"ResetType","AllowableValues":[null]}]}`,
		strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat(`}`, 100),
	} {
		f.Add([]byte(seed))
	}
	b, err := simbmc.New(simbmc.Config{Users: map[string]string{"root": factoryPassword}, Addresses: []netip.Prefix{oldV4}, Delay: -1})
	if err != nil {
		f.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	go func() { _ = b.Serve(ln) }()
	f.Cleanup(func() { _ = b.Close() })
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if !strings.HasPrefix(address, oldV4.Addr().String()) {
			return nil, fmt.Errorf("no route to %s", address)
		}
		return new(net.Dialer).DialContext(ctx, network, ln.Addr().String())
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var said logs
		timing := quick()
		timing.Task = 20 * time.Millisecond
		c, err := bmc.Open(t.Context(), bmc.Target{Target: redfish.Target{
			Endpoints: []redfish.Endpoint{factory()}, Fingerprint: b.Fingerprint(), Dial: dial, Timing: timing,
			Log: slog.New(slog.NewTextHandler(&said, nil)),
		}, Links: &cache{}, Patience: bmc.Patience{ReadBack: 50 * time.Millisecond, Move: 20 * time.Millisecond, Network: time.Second}})
		if err != nil {
			t.Fatal(err)
		}
		b.SetFaults(simbmc.Faults{Body: body, Ignore: true})
		defer b.SetFaults(simbmc.Faults{})
		errs := []error{}
		for _, fact := range c.Read(t.Context(), keys(allNames()...)) {
			errs = append(errs, fact.Err)
		}
		_, err1 := c.Hardware(t.Context())
		inv := c.Inventory(t.Context(), everything())
		_, err2 := c.Diagnose(t.Context())
		_, err3 := c.Set(t.Context(), changes(map[string][]string{bmc.Hostname: {"x"}, bmc.VLAN: {"7"}, bmc.IPv4Address: {newV4.String()}}))
		err4 := c.SetPower(t.Context(), bmc.PowerOff, bmc.Graceful, time.Millisecond)
		err5 := c.Close(t.Context())
		text := fmt.Sprint(append(errs, inv.Err, inv.MACsErr, inv.LicencesErr, inv.ModulesErr, inv.Log.Err, err1, err2, err3, err4, err5), said.String(), c.Quirks())
		if strings.Contains(text, factoryPassword) {
			t.Errorf("a password shows: %s", text)
		}
		if err5 != nil || b.Counters().Open != 0 {
			t.Errorf("a session is left: %v", err5)
		}
	})
}

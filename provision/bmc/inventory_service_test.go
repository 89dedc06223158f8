package bmc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// mostInventory is how many GETs an inventory may take, whatever there is: its
// own answers, and the few that find the manager and the system.
const mostInventory = bmc.MaxInventory + 6

// everything is asked of a controller.
func everything() bmc.InventoryWanted {
	return bmc.InventoryWanted{
		MACs: []string{"02:00:00:00:01:02"}, Licences: true, SecureBoot: true,
		Log: &bmc.LogWanted{Severity: "Warning", Since: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)},
	}
}

// docs are the resources of a controller by their path, with the query of a
// page.
type docs map[string]redfish.Object

// set changes one resource, which has to be there.
func (d docs) set(path string, change func(redfish.Object)) {
	if d[path] == nil {
		panic("there is no " + path)
	}
	change(d[path])
}

func linkTo(path string) redfish.Object { return redfish.Object{"@odata.id": path} }

func status(state, health string) redfish.Object {
	o := redfish.Object{"State": state}
	if health != "" {
		o["Health"] = health
	}
	return o
}

// collect puts a collection with its members into the tree.
func (d docs) collect(path string, members ...redfish.Object) {
	var list []any
	for _, m := range members {
		uri := path + "/" + m["Id"].(string)
		d[uri] = m
		list = append(list, linkTo(uri))
	}
	d[path] = redfish.Object{"Members": list, "Members@odata.count": float64(len(list))}
}

const (
	sysURI = "/redfish/v1/Systems/1"
	chaURI = "/redfish/v1/Chassis/1"
	mgrURI = "/redfish/v1/Managers/1"
	logURI = sysURI + "/LogServices/SEL/Entries"
)

// wellServer is a server of which all is told, and well. It has its fans and supplies
// where they were before Chassis v1_15_0.
func wellServer() docs {
	part := func(id, name string) redfish.Object {
		return redfish.Object{"Id": id, "Name": name, "Status": status("Enabled", "OK")}
	}
	d := docs{
		"/redfish/v1": {
			"@odata.id": "/redfish/v1", "Id": "RootService", "RedfishVersion": "1.17.0", "UUID": "92384634-2938-2342-8820-489239905423",
			"Managers": linkTo("/redfish/v1/Managers"), "Systems": linkTo("/redfish/v1/Systems"), "SessionService": linkTo("/redfish/v1/SessionService"),
			"LicenseService": linkTo("/redfish/v1/LicenseService"), "Links": redfish.Object{"Sessions": linkTo("/redfish/v1/SessionService/Sessions")},
		},
		mgrURI: {
			"@odata.type": "#Manager.v1_14_0.Manager", "Id": "1", "FirmwareVersion": "7.10.50.00", "ManagerType": "BMC",
			"Links": redfish.Object{"ManagerForServers": []any{linkTo(sysURI)}},
		},
		sysURI: {
			"@odata.type": "#ComputerSystem.v1_17_0.ComputerSystem", "Id": "1", "BiosVersion": "1.13.2",
			"Processors": linkTo(sysURI + "/Processors"), "Memory": linkTo(sysURI + "/Memory"), "Storage": linkTo(sysURI + "/Storage"),
			"EthernetInterfaces": linkTo(sysURI + "/EthernetInterfaces"), "SecureBoot": linkTo(sysURI + "/SecureBoot"), "LogServices": linkTo(sysURI + "/LogServices"),
			"TrustedModules": []any{redfish.Object{"InterfaceType": "TPM2_0", "Status": status("Enabled", "")}},
			"Links":          redfish.Object{"Chassis": []any{linkTo(chaURI)}},
		},
		chaURI: {"Id": "1", "Thermal": linkTo(chaURI + "/Thermal"), "Power": linkTo(chaURI + "/Power"), "NetworkAdapters": linkTo(chaURI + "/NetworkAdapters")},
		chaURI + "/Thermal": {
			"Fans":         []any{redfish.Object{"MemberId": "0", "Name": "Fan 1", "Status": status("Enabled", "OK")}, redfish.Object{"MemberId": "1", "Name": "Fan 2", "Status": status("Absent", "")}},
			"Temperatures": []any{redfish.Object{"MemberId": "0", "Name": "CPU1 Temp", "Status": status("Enabled", "OK")}},
		},
		chaURI + "/Power": {
			"PowerSupplies": []any{
				redfish.Object{"MemberId": "0", "Name": "PSU", "Status": status("Enabled", "OK")}, redfish.Object{"MemberId": "1", "Name": "PSU", "Status": status("Enabled", "OK")},
			},
			"Voltages":   []any{redfish.Object{"MemberId": "0", "Name": "12V", "Status": status("Enabled", "OK")}},
			"Redundancy": []any{redfish.Object{"MemberId": "0", "Name": "PSU Redundancy", "Status": status("Enabled", "OK")}},
		},
		sysURI + "/SecureBoot":       {"SecureBootCurrentBoot": "Enabled", "SecureBootEnable": true, "SecureBootMode": "UserMode"},
		"/redfish/v1/LicenseService": {"Licenses": linkTo("/redfish/v1/LicenseService/Licenses")},
	}
	d.collect("/redfish/v1/Managers", d[mgrURI])
	d.collect("/redfish/v1/Systems", d[sysURI])
	d.collect("/redfish/v1/LicenseService/Licenses", redfish.Object{"Id": "FD00", "Name": "FD00", "LicenseType": "Production", "Description": "iDRAC9 15g Enterprise License", "Status": status("Enabled", "OK")})
	d.collect(sysURI+"/Processors", part("CPU1", "Processor"))
	d.collect(sysURI+"/Memory", part("A1", "DIMM A1"), part("A2", "DIMM A2"))
	d.collect(sysURI+"/EthernetInterfaces", redfish.Object{"Id": "1", "MACAddress": "02-00-00-00-01-01"}, redfish.Object{"Id": "2", "MACAddress": "Not Available", "PermanentMACAddress": "02:00:00:00:01:02"})
	d.collect(sysURI+"/Storage", redfish.Object{
		"Id": "RAID", "Drives": []any{linkTo(sysURI + "/Drives/1"), linkTo(sysURI + "/Drives/2")}, "Volumes": linkTo(sysURI + "/Volumes"),
		"StorageControllers": []any{redfish.Object{"MemberId": "0", "Name": "PERC", "Status": status("Enabled", "OK")}},
	})
	d.collect(sysURI+"/Drives", part("1", "SSD"), part("2", "SSD"))
	d.collect(sysURI+"/Volumes", part("0", "Virtual Disk 0"))
	d.collect(chaURI + "/NetworkAdapters")
	d.collect(sysURI+"/LogServices", redfish.Object{"Id": "Lclog", "LogEntryType": "OEM", "Entries": linkTo(sysURI + "/Lclog")}, redfish.Object{"Id": "SEL", "LogEntryType": "SEL", "ServiceEnabled": true, "Entries": linkTo(logURI)})
	d.collect(logURI, entry("1", "2026-11-20T08:00:00Z", "OK", "Log cleared."))
	return d
}

// entry is one of a log (LogEntry.v1_14_0).
func entry(id, created, severity, message string) redfish.Object {
	o := redfish.Object{"Id": id, "Message": message}
	if created != "" {
		o["Created"] = created
	}
	if severity != "" {
		o["Severity"] = severity
	}
	return o
}

// service is a controller made of documents.
type service struct {
	docs docs
	gets atomic.Int64
	// asked are the paths of all GETs, in their order.
	asked []string
	// other answers what the documents do not; nil is 404.
	other func(uri string) (redfish.Object, int)
}

// ServeHTTP implements http.Handler.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost:
		w.Header().Set("X-Auth-Token", "token")
		w.Header().Set("Location", "/redfish/v1/SessionService/Sessions/1")
		w.WriteHeader(http.StatusCreated)
		return
	case http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
		return
	}
	uri := strings.TrimSuffix(r.URL.RequestURI(), "/")
	s.gets.Add(1)
	s.asked = append(s.asked, uri)
	d, ok := s.docs[uri]
	if !ok && s.other != nil {
		var code int
		if d, code = s.other(uri); code != http.StatusOK {
			w.WriteHeader(code)
			return
		}
		ok = d != nil
	}
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_ = json.NewEncoder(w).Encode(d)
}

// serve makes a target of it.
func (s *service) serve(t *testing.T) bmc.Target {
	srv := httptest.NewUnstartedServer(s)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	listens := srv.Listener.Addr().String()
	return bmc.Target{Target: redfish.Target{
		Endpoints: []redfish.Endpoint{factory()}, Fingerprint: redfish.Fingerprint(srv.Certificate()), Timing: quick(),
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, listens)
		},
	}}
}

// inventory takes one, and counts what it cost without the login.
func (s *service) inventory(t *testing.T, want bmc.InventoryWanted) bmc.Inventory {
	t.Helper()
	c, err := bmc.Open(t.Context(), s.serve(t))
	if err != nil {
		t.Fatal(err)
	}
	s.gets.Store(0)
	s.asked = nil
	inv := c.Inventory(t.Context(), want)
	if n := s.gets.Load(); n > mostInventory {
		t.Errorf("%d GETs, more than %d", n, mostInventory)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	return inv
}

func lacks(err error) bool { return errors.Is(err, state.ErrUnsupported) }

// told is what an inventory tells, a line each; "?" is what it does not know and
// "-" what the controller does not tell.
func told(inv bmc.Inventory) map[string]string {
	known := func(err error, text string) string {
		switch {
		case err == nil:
			return text
		case lacks(err):
			return strings.TrimSpace(text + " -")
		}
		return strings.TrimSpace(text + " ?")
	}
	out := map[string]string{"firmware": inv.Firmware, "bios": inv.BIOS, "macs": known(inv.MACsErr, strings.Join(inv.MACs, " "))}
	for kind, p := range inv.Parts {
		var ill []string
		for _, i := range p.Ill {
			ill = append(ill, i.Name+": "+i.Health)
		}
		text := fmt.Sprintf("%d well", p.Healthy)
		if len(ill) > 0 {
			text += ", " + strings.Join(ill, ", ")
		}
		if len(p.Untold) > 0 {
			text += ", untold " + strings.Join(p.Untold, ", ")
		}
		if len(p.Off) > 0 {
			text += ", off " + strings.Join(p.Off, ", ")
		}
		out[string(kind)] = known(p.Err, text)
	}
	var licences, modules []string
	for _, l := range inv.Licences {
		text := l.Text + l.Off
		switch {
		case l.EndsErr != nil:
			text += " until ?"
		case !l.Ends.IsZero():
			text += " until " + l.Ends.Format("2006-01-02 15:04")
		}
		licences = append(licences, text)
	}
	for _, m := range inv.Modules {
		modules = append(modules, m.Interface+" "+m.State)
	}
	out["licences"], out["tpm"] = known(inv.LicencesErr, strings.Join(licences, ", ")), known(inv.ModulesErr, strings.Join(modules, ", "))
	out["secure boot"] = known(inv.SecureBoot.Err, strings.TrimSpace(inv.SecureBoot.Now+" "+inv.SecureBoot.Next+" "+inv.SecureBoot.Mode))
	events := fmt.Sprintf("%s: %d of %d", inv.Log.Name, inv.Log.Count, inv.Log.Read)
	for _, e := range inv.Log.Newest {
		events += "; " + e.Severity + " " + e.Text
	}
	if inv.Log.Untold > 0 {
		events += fmt.Sprintf("; %d untold", inv.Log.Untold)
	}
	out["log"] = known(inv.Log.Err, events)
	return out
}

// well is what a whole server tells.
func well() map[string]string {
	return map[string]string{
		"firmware": "7.10.50.00", "bios": "1.13.2", "macs": "02:00:00:00:01:01 02:00:00:00:01:02", "licences": "FD00 Production iDRAC9 15g Enterprise License",
		"tpm": "TPM2_0 Enabled", "secure boot": "Enabled on UserMode", "log": "SEL: 0 of 1",
		"fans": "1 well", "sensors": "2 well", "power-supplies": "2 well", "storage": "3 well", "memory": "2 well", "processors": "1 well",
	}
}

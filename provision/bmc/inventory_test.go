package bmc_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/simbmc"
)

// bent is a whole server but for one thing, and what of it reads otherwise then.
type bent struct {
	name string
	bend func(docs)
	want map[string]string
}

func bends() []bent {
	health := func(uri, state, health string) func(docs) {
		return func(d docs) { d.set(uri, func(o redfish.Object) { o["Status"] = status(state, health) }) }
	}
	in := func(uri, list string, i int, state, health string) func(docs) {
		return func(d docs) { d[uri][list].([]any)[i].(redfish.Object)["Status"] = status(state, health) }
	}
	without := func(uri string, names ...string) func(docs) {
		return func(d docs) {
			d.set(uri, func(o redfish.Object) {
				maps.DeleteFunc(o, func(k string, _ any) bool { return slices.Contains(names, k) })
			})
		}
	}
	gone := func(uri string) func(docs) { return func(d docs) { delete(d, uri) } }
	return []bent{
		{"well", func(docs) {}, nil},
		{"a critical fan", in(chaURI+"/Thermal", "Fans", 0, "Enabled", "Critical"), map[string]string{"fans": "0 well, Fan 1: Critical"}},
		{"a fan that is not told", in(chaURI+"/Thermal", "Fans", 0, "Enabled", ""), map[string]string{"fans": "0 well, untold Fan 1"}},
		{"no fan is there", in(chaURI+"/Thermal", "Fans", 0, "Absent", "OK"), map[string]string{"fans": "0 well -"}},
		{"a hot sensor", in(chaURI+"/Thermal", "Temperatures", 0, "Enabled", "Warning"), map[string]string{"sensors": "1 well, CPU1 Temp: Warning"}},
		{"a low voltage", in(chaURI+"/Power", "Voltages", 0, "Enabled", "Critical"), map[string]string{"sensors": "1 well, 12V: Critical"}},
		{"a supply without power", in(chaURI+"/Power", "PowerSupplies", 1, "UnavailableOffline", "Critical"), map[string]string{"power-supplies": "1 well, PSU (1): Critical"}},
		{"a redundancy is lost", in(chaURI+"/Power", "Redundancy", 0, "Enabled", "Warning"), map[string]string{"power-supplies": "2 well, PSU Redundancy (0): Warning"}},
		{"a disabled module", health(sysURI+"/Memory/A2", "Disabled", ""), map[string]string{"memory": "1 well, untold DIMM A2"}},
		{"an ill module", health(sysURI+"/Memory/A2", "Enabled", "Critical"), map[string]string{"memory": "1 well, DIMM A2: Critical"}},
		{"a word of its own", health(sysURI+"/Memory/A2", "Enabled", "Failed\x1b[2J"), map[string]string{"memory": "1 well, DIMM A2: Failed\uFFFD[2J"}},
		{"a module that is listed alone", gone(sysURI + "/Memory/A2"), map[string]string{"memory": "1 well, untold A2"}},
		{"an ill drive with its bay", func(d docs) {
			d.set(sysURI+"/Drives/2", func(o redfish.Object) {
				o["Status"], o["PhysicalLocation"] = status("Enabled", "Critical"), redfish.Object{"PartLocation": redfish.Object{"ServiceLabel": "Bay 7"}}
			})
		}, map[string]string{"storage": "2 well, SSD (Bay 7): Critical"}},
		{"a degraded volume", health(sysURI+"/Volumes/0", "Enabled", "Warning"), map[string]string{"storage": "2 well, Virtual Disk 0: Warning"}},
		{"an ill storage controller", in(sysURI+"/Storage/RAID", "StorageControllers", 0, "Enabled", "Critical"), map[string]string{"storage": "3 well, PERC (0): Critical"}},
		{"an ill processor", health(sysURI+"/Processors/CPU1", "Enabled", "Critical"), map[string]string{"processors": "0 well, Processor (CPU1): Critical"}},
		{"no storage", without(sysURI, "Storage"), map[string]string{"storage": "0 well -"}},
		{"simple storage alone", func(d docs) {
			d[sysURI]["SimpleStorage"] = linkTo(sysURI + "/SimpleStorage")
			delete(d[sysURI], "Storage")
			d.collect(sysURI+"/SimpleStorage", redfish.Object{"Id": "1", "Devices": []any{redfish.Object{"Name": "SATA 1", "Status": status("Enabled", "OK")}}})
		}, map[string]string{"storage": "1 well"}},
		{"no memory, no processors", without(sysURI, "Memory", "Processors"), map[string]string{"memory": "0 well -", "processors": "0 well -"}},
		{"a chassis that the manager names", func(d docs) {
			delete(d[sysURI], "Links")
			d[mgrURI]["Links"].(redfish.Object)["ManagerForChassis"] = []any{linkTo(chaURI), linkTo(chaURI)}
		}, nil},
		{"no chassis", without(sysURI, "Links"), map[string]string{"fans": "0 well -", "sensors": "0 well -", "power-supplies": "0 well -"}},
		{"a chassis that is listed alone", gone(chaURI), map[string]string{"fans": "0 well -", "sensors": "0 well -", "power-supplies": "0 well -"}},
		{"subsystems in place of Thermal and Power", func(d docs) {
			d[chaURI] = redfish.Object{"Id": "1", "ThermalSubsystem": linkTo(chaURI + "/T"), "PowerSubsystem": linkTo(chaURI + "/P"), "Sensors": linkTo(chaURI + "/Sensors")}
			d[chaURI+"/T"], d[chaURI+"/P"] = redfish.Object{"Fans": linkTo(chaURI + "/T/Fans")}, redfish.Object{"PowerSupplies": linkTo(chaURI + "/P/PowerSupplies")}
			d.collect(chaURI+"/T/Fans", redfish.Object{"Id": "F1", "Name": "Fan 1", "Status": status("Enabled", "Warning")})
			d.collect(chaURI+"/P/PowerSupplies", redfish.Object{"Id": "Bay1", "Name": "Power Supply Bay 1", "Status": status("Enabled", "OK")})
			d.collect(chaURI+"/Sensors", redfish.Object{"Id": "CPU1Temp", "Name": "CPU 1", "Status": status("Enabled", "Critical")})
		}, map[string]string{"fans": "0 well, Fan 1 (F1): Warning", "power-supplies": "1 well", "sensors": "0 well, CPU 1 (CPU1Temp): Critical"}},
		{"no thermal, no power", without(chaURI, "Thermal", "Power"), map[string]string{"fans": "0 well -", "sensors": "0 well -", "power-supplies": "0 well -"}},
		{"no secure boot", without(sysURI, "SecureBoot"), map[string]string{"secure boot": "-"}},
		{"secure boot that says nothing of now", without(sysURI+"/SecureBoot", "SecureBootCurrentBoot"), map[string]string{"secure boot": "on UserMode -"}},
		{"no trusted modules", without(sysURI, "TrustedModules"), map[string]string{"tpm": "-"}},
		{"an empty list of trusted modules", func(d docs) { d[sysURI]["TrustedModules"] = []any{} }, map[string]string{"tpm": ""}},
		{"no license service", without("/redfish/v1", "LicenseService"), map[string]string{"licences": "-"}},
		{"a license that is off", health("/redfish/v1/LicenseService/Licenses/FD00", "Disabled", ""), map[string]string{"licences": "FD00 Production iDRAC9 15g Enterprise LicenseDisabled"}},
		{"a license in the manager", func(d docs) {
			d[mgrURI]["Oem"] = redfish.Object{"Hpe": redfish.Object{"License": redfish.Object{"LicenseString": "iLO Advanced"}}}
		}, map[string]string{"licences": "iLO Advanced"}},
		{"a license that is listed alone", gone("/redfish/v1/LicenseService/Licenses/FD00"), map[string]string{"licences": "-"}},
		{"no versions", func(d docs) { without(sysURI, "BiosVersion")(d); without(mgrURI, "FirmwareVersion")(d) }, map[string]string{"firmware": "", "bios": ""}},
	}
}

// TestInventory bends one document after another: what it says is told, and of
// everything else nothing changes.
func TestInventory(t *testing.T) {
	for _, tt := range bends() {
		t.Run(tt.name, func(t *testing.T) {
			s := &service{docs: wellServer()}
			tt.bend(s.docs)
			want := well()
			maps.Copy(want, tt.want)
			inv := s.inventory(t, everything())
			equal(t, want, told(inv))
			if inv.Err != nil {
				t.Error(inv.Err)
			}
			if left := time.Until(inv.Until); left < 24*time.Hour {
				t.Errorf("the certificate of the test ends in %s", left)
			}
		})
	}
}

// TestInventoryAsksForLittle: what nobody asks for is not read.
func TestInventoryAsksForLittle(t *testing.T) {
	s := &service{docs: wellServer()}
	s.inventory(t, bmc.InventoryWanted{})
	for _, uri := range s.asked {
		if strings.Contains(uri, "Log") || strings.Contains(uri, "License") || strings.Contains(uri, "SecureBoot") || strings.Contains(uri, "Ethernet") || strings.Contains(uri, "NetworkAdapters") {
			t.Errorf("it asks for %s", uri)
		}
	}
	slices.Sort(s.asked)
	if len(s.asked) != len(slices.Compact(slices.Clone(s.asked))) {
		t.Errorf("it asks twice: %q", s.asked)
	}
}

// TestInventoryMACs: an address is looked for in every place before it is called
// unknown, and a place that cannot be seen is said.
func TestInventoryMACs(t *testing.T) {
	adapters := func(d docs) {
		at := chaURI + "/NetworkAdapters"
		d.collect(at, redfish.Object{"Id": "slot-3", "NetworkDeviceFunctions": linkTo(at + "/f"), "Ports": linkTo(at + "/p"), "NetworkPorts": linkTo(at + "/np")})
		d.collect(at+"/f", redfish.Object{"Id": "1", "Ethernet": redfish.Object{"MACAddress": "02:00:00:00:02:01", "PermanentMACAddress": "00:00:00:00:00:00"}})
		d.collect(at+"/p", redfish.Object{"Id": "1", "Ethernet": redfish.Object{"AssociatedMACAddresses": []any{"02:00:00:00:02:02", 7.0, nil, "80:00:00:28:fe:80:00:00:00:00:00:00:00:02:c9:03:00:0b:7d:a9"}}})
		d.collect(at+"/np", redfish.Object{"Id": "1", "AssociatedNetworkAddresses": []any{"02:00:00:00:02:03"}})
	}
	const known = "02:00:00:00:01:01 02:00:00:00:01:02"
	for name, tt := range map[string]struct {
		wanted string
		bend   func(docs)
		want   string
		asks   bool // for adapters
	}{
		"found at once":        {"02:00:00:00:01:01", adapters, known, false},
		"found in a function":  {"02:00:00:00:02:01", adapters, known + " 02:00:00:00:02:01", true},
		"found at a port":      {"02:00:00:00:02:02", adapters, known + " 02:00:00:00:02:01 02:00:00:00:02:02", true},
		"found at an old port": {"02:00:00:00:02:03", adapters, known + " 02:00:00:00:02:01 02:00:00:00:02:02 02:00:00:00:02:03", true},
		"known nowhere":        {"02:00:00:00:0f:0f", adapters, known + " 02:00:00:00:02:01 02:00:00:00:02:02 02:00:00:00:02:03", true},
		"one cannot be seen":   {"02:00:00:00:0f:0f", func(d docs) { delete(d, sysURI+"/EthernetInterfaces/2") }, "02:00:00:00:01:01 -", true},
		"none is listed": {"02:00:00:00:01:01", func(d docs) {
			d.collect(sysURI + "/EthernetInterfaces")
		}, "-", true},
		"no list": {"02:00:00:00:01:01", func(d docs) {
			delete(d[sysURI], "EthernetInterfaces")
			delete(d[chaURI], "NetworkAdapters")
		}, "-", false},
		"only what is no address": {"02:00:00:00:01:01", func(d docs) {
			d.collect(sysURI+"/EthernetInterfaces", redfish.Object{"Id": "1", "MACAddress": "Not Available"}, redfish.Object{"Id": "2", "MACAddress": 7.0})
		}, "-", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{docs: wellServer()}
			tt.bend(s.docs)
			inv := s.inventory(t, bmc.InventoryWanted{MACs: []string{tt.wanted}})
			equal(t, tt.want, told(inv)["macs"])
			if asks := slices.ContainsFunc(s.asked, func(uri string) bool { return strings.Contains(uri, "NetworkAdapters") }); asks != tt.asks {
				t.Errorf("it asks for adapters: %t", asks)
			}
		})
	}
}

// TestInventoryOfPersonalities: a simulated server is told whole, and well.
func TestInventoryOfPersonalities(t *testing.T) {
	want := map[string]string{
		"fans": "2 well", "sensors": "1 well", "power-supplies": "2 well", "storage": "3 well", "memory": "2 well", "processors": "1 well",
		"bios": "2.19.1", "macs": "02:00:00:00:01:01 02:00:00:00:01:02", "tpm": "TPM2_0 Enabled", "secure boot": "Disabled off UserMode", "log": "SEL: 0 of 1",
	}
	for _, personality := range simbmc.Personalities() {
		t.Run(personality, func(t *testing.T) {
			l := newLab(t, simbmc.Config{Personality: personality})
			c := l.open(l.target(factory()))
			before := c.Stats().Gets
			got := told(c.Inventory(t.Context(), everything()))
			if n := c.Stats().Gets - before; n > 50 || personality == "idrac" && n > 35 {
				t.Errorf("%d GETs", n)
			}
			if got["firmware"] == "" || got["licences"] != "-" {
				t.Errorf("firmware %q, licences %q", got["firmware"], got["licences"])
			}
			delete(got, "firmware")
			delete(got, "licences")
			equal(t, want, got)
			l.close(c)
		})
	}
}

// TestInventoryOfTrees: what of the saved trees is told and what is not, and how
// many GETs it takes, is in docs/inventory.md.
func TestInventoryOfTrees(t *testing.T) {
	dir := treesDir(t)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	out.WriteString("| controller | GETs |")
	for _, kind := range bmc.PartKinds() {
		fmt.Fprintf(&out, " %s |", kind)
	}
	out.WriteString(" firmware | bios | log | ports | licences | secure boot | tpm |\n|" + strings.Repeat("---|", 9+len(bmc.PartKinds())) + "\n")
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		target, gets := serveTree(t, filepath.Join(dir, e.Name()))
		c, err := bmc.Open(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		gets.Store(0)
		inv := c.Inventory(t.Context(), everything())
		n := gets.Load()
		if n > mostInventory || n < 1 {
			t.Errorf("%s: %d GETs, more than %d", e.Name(), n, mostInventory)
		}
		if inv.Err != nil && !lacks(inv.Err) {
			t.Error(inv.Err)
		}
		fmt.Fprintf(&out, "| %s | %d |%s\n", e.Name(), n, cells(inv))
	}
	holdDoc(t, "inventory.md", "TestInventoryOfTrees", out.String())
}

// cells are what an inventory tells, how many and not which: the trees are not
// ours.
func cells(inv bmc.Inventory) string {
	mark := func(err error, text string) string {
		switch {
		case err == nil && text != "" && text != "0":
			return text
		case err != nil && lacks(err) && text != "" && text != "0":
			return text + ", not all"
		case err == nil || lacks(err):
			return "–"
		}
		return text + "?"
	}
	out := ""
	add := func(err error, text string) { out += " " + mark(err, text) + " |" }
	for _, kind := range bmc.PartKinds() {
		p, text := inv.Parts[kind], ""
		if told := p.Healthy + len(p.Ill); told > 0 {
			text = fmt.Sprint(told)
		}
		if n := len(p.Ill); n > 0 {
			text += fmt.Sprintf(" (%d ill)", n)
		}
		if n := len(p.Untold); n > 0 {
			text += fmt.Sprintf(" (%d without)", n)
		}
		add(p.Err, strings.TrimSpace(text))
	}
	add(inv.Err, inv.Firmware)
	add(inv.Err, inv.BIOS)
	add(inv.Err, inv.Log.Name)
	add(inv.MACsErr, fmt.Sprint(len(inv.MACs)))
	add(inv.LicencesErr, fmt.Sprint(len(inv.Licences)))
	add(inv.SecureBoot.Err, inv.SecureBoot.Now)
	var modules []string
	for _, m := range inv.Modules {
		modules = append(modules, m.Interface)
	}
	add(inv.ModulesErr, strings.Join(modules, " "))
	return out
}

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
	more := func(d docs, list, uri string) {
		d[list]["Members"] = append(d[list]["Members"].([]any), linkTo(uri))
		d[list]["Members@odata.count"] = float64(len(d[list]["Members"].([]any)))
	}
	const twoURI = "/redfish/v1/Chassis/2"
	second := func(d docs, chassis redfish.Object) {
		d[sysURI]["Links"] = redfish.Object{"Chassis": []any{linkTo(chaURI), linkTo(twoURI)}}
		if chassis != nil {
			d[twoURI] = chassis
		}
	}
	sensor := func(name, health string) redfish.Object {
		return redfish.Object{"Id": name, "Name": name, "Status": status("Enabled", health)}
	}
	// As iLO 6, iDRAC 9 7.00 and GB200 have them: Storage v1_9_0.
	controllers := func(health string) func(docs) {
		return func(d docs) {
			s := d[sysURI+"/Storage/RAID"]
			delete(s, "StorageControllers")
			s["Status"], s["Controllers"] = status("Enabled", health), linkTo(sysURI+"/Storage/RAID/Controllers")
			d.collect(sysURI+"/Storage/RAID/Controllers", redfish.Object{"Id": "0", "Name": "PERC", "Status": status("Enabled", health)})
		}
	}
	expires := func(when any) func(docs) {
		return func(d docs) { d["/redfish/v1/LicenseService/Licenses/FD00"]["ExpirationDate"] = when }
	}
	return []bent{
		{"well", func(docs) {}, nil},
		{"a critical fan", in(chaURI+"/Thermal", "Fans", 0, "Enabled", "Critical"), map[string]string{"fans": "0 well, Fan 1: Critical"}},
		{"a fan that is not told", in(chaURI+"/Thermal", "Fans", 0, "Enabled", ""), map[string]string{"fans": "0 well, untold Fan 1"}},
		{"no fan is there", in(chaURI+"/Thermal", "Fans", 0, "Absent", "OK"), map[string]string{"fans": "0 well -"}},
		{"a hot sensor", in(chaURI+"/Thermal", "Temperatures", 0, "Enabled", "Warning"), map[string]string{"sensors": "1 well, CPU1 Temp: Warning"}},
		{"a low voltage", in(chaURI+"/Power", "Voltages", 0, "Enabled", "Critical"), map[string]string{"sensors": "1 well, 12V: Critical"}},
		{"a supply without power", in(chaURI+"/Power", "PowerSupplies", 1, "UnavailableOffline", "Critical"), map[string]string{"power-supplies": "1 well, PSU (1): Critical"}},
		{"a redundancy is lost", in(chaURI+"/Power", "Redundancy", 0, "Enabled", "Warning"), map[string]string{"power-supplies": "2 well, PSU Redundancy (0): Warning"}},
		{"a disabled module", health(sysURI+"/Memory/A2", "Disabled", ""), map[string]string{"memory": "1 well, off DIMM A2: Disabled"}},
		{"a disabled module that is OK", health(sysURI+"/Memory/A2", "Disabled", "OK"), map[string]string{"memory": "1 well, off DIMM A2: Disabled"}},
		{"a module that is not at work", health(sysURI+"/Memory/A2", "UnavailableOffline", "OK"), map[string]string{"memory": "1 well, off DIMM A2: UnavailableOffline"}},
		{"a module in reserve", health(sysURI+"/Memory/A2", "StandbySpare", "OK"), nil},
		{"a disabled module that is ill", health(sysURI+"/Memory/A2", "Disabled", "Critical"), map[string]string{"memory": "1 well, DIMM A2: Critical"}},
		{"an empty place", health(sysURI+"/Memory/A2", "Absent", "OK"), map[string]string{"memory": "1 well"}},
		{"a module that was lost", health(sysURI+"/Memory/A2", "Absent", "Critical"), map[string]string{"memory": "1 well, DIMM A2: Critical"}},
		{"a fan that was lost", in(chaURI+"/Thermal", "Fans", 1, "Absent", "Critical"), map[string]string{"fans": "1 well, Fan 2: Critical"}},
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
		{"an ill storage", func(d docs) { d[sysURI+"/Storage/RAID"]["Status"] = status("Enabled", "Critical") }, map[string]string{"storage": "3 well, RAID: Critical"}},
		{"an ill storage controller in a collection", controllers("Critical"), map[string]string{"storage": "3 well, RAID: Critical, PERC (0): Critical"}},
		{"a storage controller in a collection", controllers("OK"), nil},
		{"a storage controller that is listed alone", func(d docs) { controllers("OK")(d); delete(d, sysURI+"/Storage/RAID/Controllers/0") }, map[string]string{"storage": "3 well -"}},
		{"controllers that are not there", func(d docs) { controllers("OK")(d); delete(d, sysURI+"/Storage/RAID/Controllers") }, map[string]string{"storage": "3 well -"}},
		{"a storage controller of which the array says nothing", func(d docs) {
			array := []any{redfish.Object{"MemberId": "0", "Name": "PERC"}}
			controllers("Critical")(d)
			d[sysURI+"/Storage/RAID"]["StorageControllers"] = array
		}, map[string]string{"storage": "3 well, RAID: Critical, PERC (0): Critical"}},
		{"a storage that is listed alone", func(d docs) { more(d, sysURI+"/Storage", sysURI+"/Storage/NVME") }, map[string]string{"storage": "3 well -"}},
		{"volumes that are not there", gone(sysURI + "/Volumes"), map[string]string{"storage": "2 well -"}},
		{"more drives than are shown", func(d docs) { d[sysURI+"/Storage/RAID"]["Drives@odata.count"] = 3.0 }, map[string]string{"storage": "3 well ?"}},
		{"more fans than are shown", func(d docs) { d[chaURI+"/Thermal"]["Fans@odata.count"] = 8.0 }, map[string]string{"fans": "1 well ?"}},
		{"as many fans as are shown", func(d docs) { d[chaURI+"/Thermal"]["Fans@odata.count"] = 2.0 }, nil},
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
		{"a second chassis with nothing", func(d docs) { second(d, redfish.Object{}) }, nil},
		{"a second chassis whose Thermal and Power are not there", func(d docs) {
			second(d, redfish.Object{"Thermal": linkTo(twoURI + "/Thermal"), "Power": linkTo(twoURI + "/Power")})
		}, map[string]string{"fans": "1 well -", "sensors": "2 well -", "power-supplies": "2 well -"}},
		{"a second chassis whose subsystems are not there", func(d docs) {
			second(d, redfish.Object{"ThermalSubsystem": linkTo(twoURI + "/T"), "PowerSubsystem": linkTo(twoURI + "/P"), "Sensors": linkTo(twoURI + "/S")})
		}, map[string]string{"fans": "1 well -", "sensors": "2 well -", "power-supplies": "2 well -"}},
		{"a second chassis that is listed alone", func(d docs) { second(d, nil) }, map[string]string{"fans": "1 well -", "sensors": "2 well -", "power-supplies": "2 well -"}},
		{"sensors of a second chassis", func(d docs) {
			second(d, redfish.Object{"Sensors": linkTo(twoURI + "/Sensors")})
			d.collect(twoURI+"/Sensors", sensor("GPU", "Critical"), sensor("Inlet", "OK"))
		}, map[string]string{"sensors": "3 well, GPU: Critical"}},
		{"sensors besides one voltage", func(d docs) {
			delete(d[chaURI], "Thermal")
			d[chaURI]["Sensors"] = linkTo(chaURI + "/Sensors")
			d.collect(chaURI+"/Sensors", sensor("12V", "OK"), sensor("CPU1", "Critical"))
		}, map[string]string{"fans": "0 well -", "sensors": "1 well, CPU1: Critical"}},
		{"sensors besides temperatures and voltages", func(d docs) {
			d[chaURI]["Sensors"] = linkTo(chaURI + "/Sensors")
			d[chaURI+"/Power"]["Voltages"].([]any)[0].(redfish.Object)["Status"] = status("Enabled", "Warning")
			d.collect(chaURI+"/Sensors", sensor("12V", "Warning"), sensor("CPU1", "OK"), sensor("PWM1", ""), sensor("Leak", "Critical"))
		}, map[string]string{"sensors": "1 well, 12V: Warning, Leak: Critical"}},
		{"a sensor that is listed alone", func(d docs) {
			d[chaURI]["Sensors"] = linkTo(chaURI + "/Sensors")
			d.collect(chaURI+"/Sensors", sensor("12V", "OK"))
			more(d, chaURI+"/Sensors", chaURI+"/Sensors/Leak")
		}, map[string]string{"sensors": "2 well -"}},
		{"a redundancy of subsystems that is lost", func(d docs) {
			d[chaURI] = redfish.Object{"Id": "1", "ThermalSubsystem": linkTo(chaURI + "/T"), "PowerSubsystem": linkTo(chaURI + "/P")}
			lost := []any{redfish.Object{"GroupName": "All", "Status": status("Enabled", "Critical")}}
			d[chaURI+"/T"] = redfish.Object{"Name": "Cooling", "Fans": linkTo(chaURI + "/T/Fans"), "FanRedundancy": lost, "Status": status("Enabled", "Critical")}
			d[chaURI+"/P"] = redfish.Object{"Name": "Feeding", "PowerSupplies": linkTo(chaURI + "/P/PowerSupplies"), "PowerSupplyRedundancy": lost}
			d.collect(chaURI+"/T/Fans", sensor("F1", "OK"))
			d.collect(chaURI+"/P/PowerSupplies", sensor("P1", "OK"))
		}, map[string]string{"fans": "1 well, T: Critical, Cooling: Critical", "power-supplies": "1 well, P: Critical", "sensors": "0 well -"}},
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
		{"a license that has ended", expires("2020-01-01T00:00:00Z"), map[string]string{"licences": "FD00 Production iDRAC9 15g Enterprise License until 2020-01-01 00:00"}},
		{"a license that has ended, without a zone", expires("2020-01-01T12:30:00"), map[string]string{"licences": "FD00 Production iDRAC9 15g Enterprise License until 2020-01-01 12:30"}},
		{"a license that has ended, with a zone of its own", expires("2020-01-01T12:30:00+0100"), map[string]string{"licences": "FD00 Production iDRAC9 15g Enterprise License until 2020-01-01 11:30"}},
		{"a license that has ended on a day", expires(" 2020-01-01 "), map[string]string{"licences": "FD00 Production iDRAC9 15g Enterprise License until 2020-01-01 00:00"}},
		{"a license that does not end", expires(nil), nil},
		{"a license that ends never", expires("N/A"), nil},
		{"a license that ends some time", expires("01/01/2020"), map[string]string{"licences": "FD00 Production iDRAC9 15g Enterprise License until ?"}},
		{"a license that ends at a number", expires(1577836800.0), map[string]string{"licences": "FD00 Production iDRAC9 15g Enterprise License until ?"}},
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
	silent := func(d docs) {
		d.collect(sysURI+"/EthernetInterfaces", redfish.Object{"Id": "1", "MACAddress": "02:00:00:00:01:01"}, redfish.Object{"Id": "2", "MACAddress": nil}, redfish.Object{"Id": "3", "MACAddress": "Not Available"})
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
		}, "?", true},
		"one of three has an address": {"02:00:00:00:0f:0f", silent, "02:00:00:00:01:01 ?", true},
		"it is the one":               {"02:00:00:00:01:01", silent, "02:00:00:00:01:01", false},
		"one is not there": {"02:00:00:00:0f:0f", func(d docs) {
			silent(d)
			for _, n := range []string{"2", "3"} {
				d[sysURI+"/EthernetInterfaces/"+n]["Status"] = status("Absent", "")
			}
		}, "02:00:00:00:01:01", true},
		"a port of zeros": {"02:00:00:00:0f:0f", func(d docs) {
			d.collect(sysURI+"/EthernetInterfaces", redfish.Object{"Id": "1", "MACAddress": "00:00:00:00:00:00"}, redfish.Object{"Id": "2", "MACAddress": "02:00:00:00:01:02"})
		}, "02:00:00:00:01:02 ?", true},
		"a function without": {"02:00:00:00:0f:0f", func(d docs) {
			adapters(d)
			d[chaURI+"/NetworkAdapters/f/1"]["Ethernet"] = redfish.Object{"MACAddress": nil}
		}, known + " 02:00:00:00:02:02 02:00:00:00:02:03 ?", true},
		"a function of InfiniBand": {"02:00:00:00:0f:0f", func(d docs) {
			adapters(d)
			d[chaURI+"/NetworkAdapters/f/1"] = redfish.Object{"Id": "1", "NetDevFuncType": "InfiniBand"}
		}, known + " 02:00:00:00:02:02 02:00:00:00:02:03", true},
		"a port without, of a function with": {"02:00:00:00:0f:0f", func(d docs) {
			adapters(d)
			d[chaURI+"/NetworkAdapters/p/1"]["Ethernet"] = redfish.Object{}
		}, known + " 02:00:00:00:02:01 02:00:00:00:02:03", true},
		"a port without, of no function": {"02:00:00:00:0f:0f", func(d docs) {
			adapters(d)
			delete(d[chaURI+"/NetworkAdapters/slot-3"], "NetworkDeviceFunctions")
			d[chaURI+"/NetworkAdapters/p/1"]["Ethernet"] = redfish.Object{}
		}, known + " 02:00:00:00:02:03 ?", true},
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
		if n := len(p.Off); n > 0 {
			text += fmt.Sprintf(" (%d off)", n)
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

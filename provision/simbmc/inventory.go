package simbmc

import "fmt"

// inventory gives the server what can be looked at and not set: parts with
// their health, a log, how it starts, its trusted module. All are well, and
// named as in the examples of the schemas (DSP2046).
func (b *BMC) inventory(sys, cha string, doc object) {
	doc["BiosVersion"] = "2.19.1"
	doc["TrustedModules"] = []any{object{"InterfaceType": "TPM2_0", "FirmwareVersion": "7.2.2.0", "Status": health("OK")}}
	doc["SecureBoot"] = link(sys + "/SecureBoot")
	b.add(sys+"/SecureBoot", "SecureBoot.v1_1_0.SecureBoot", object{
		"SecureBootCurrentBoot": "Disabled", "SecureBootEnable": false, "SecureBootMode": "UserMode",
	}, nil)
	doc["Processors"], doc["Memory"] = link(sys+"/Processors"), link(sys+"/Memory")
	b.collect(sys+"/Processors", "ProcessorCollection", sys+"/Processors/1")
	b.add(sys+"/Processors/1", "Processor.v1_16_0.Processor", object{"Name": "Processor", "ProcessorType": "CPU", "TotalCores": 8, "Status": health("OK"), "Location": label("CPU 1")}, nil)
	b.collect(sys+"/Memory", "MemoryCollection", sys+"/Memory/1", sys+"/Memory/2", sys+"/Memory/3")
	for n, status := range map[int]object{1: health("OK"), 2: health("OK"), 3: {"State": "Absent"}} {
		b.add(fmt.Sprintf("%s/Memory/%d", sys, n), "Memory.v1_16_0.Memory", object{"Name": fmt.Sprintf("DIMM Slot %d", n), "Status": status}, nil)
	}
	cooling, sensors := cha+"/ThermalSubsystem", cha+"/Sensors"
	b.add(cooling, "ThermalSubsystem.v1_1_0.ThermalSubsystem", object{"Fans": link(cooling + "/Fans")}, nil)
	b.collect(cooling+"/Fans", "FanCollection", cooling+"/Fans/1", cooling+"/Fans/2")
	for _, n := range []string{"1", "2"} {
		b.add(cooling+"/Fans/"+n, "Fan.v1_3_0.Fan", object{"Name": "Fan Bay " + n, "Status": health("OK")}, nil)
	}
	b.collect(sensors, "SensorCollection", sensors+"/CPU1Temp")
	b.add(sensors+"/CPU1Temp", "Sensor.v1_6_0.Sensor", object{"Name": "CPU #1 Temperature", "ReadingType": "Temperature", "Reading": 37, "Status": health("OK")}, nil)
	at := obj(b.tree[cha].doc)
	at["ThermalSubsystem"], at["Sensors"] = link(cooling), link(sensors)
	b.eventLog(sys, doc)
}

func label(s string) object { return object{"PartLocation": object{"ServiceLabel": s}} }

// eventLog has one entry, which says that it was cleared.
func (b *BMC) eventLog(sys string, doc object) {
	logs := sys + "/LogServices"
	doc["LogServices"] = link(logs)
	b.collect(logs, "LogServiceCollection", logs+"/SEL")
	b.add(logs+"/SEL", "LogService.v1_4_0.LogService", object{"LogEntryType": "SEL", "ServiceEnabled": true, "Entries": link(logs + "/SEL/Entries")}, nil)
	entries := logs + "/SEL/Entries"
	b.collect(entries, "LogEntryCollection", entries+"/1")
	b.add(entries+"/1", "LogEntry.v1_14_0.LogEntry", object{
		"EntryType": "SEL", "Severity": "OK", "Created": "2026-11-01T08:00:00Z", "Message": "The event log has been cleared.",
	}, nil)
}

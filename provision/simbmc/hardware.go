package simbmc

import (
	"path"
	"slices"
)

// hardware gives the server what a small one has: a CPU of eight cores, two
// disks as one healthy RAID 1, two power supplies, two Ethernet ports.
func (b *BMC) hardware(sys, cha string, doc object) {
	doc["ProcessorSummary"] = object{"Count": float64(1), "CoreCount": float64(8), "Status": health("OK")}
	doc["MemorySummary"] = object{"TotalSystemMemoryGiB": float64(32), "Status": health("OK")}
	storage, ports := sys+"/Storage", sys+"/EthernetInterfaces"
	doc["Storage"], doc["EthernetInterfaces"] = link(storage), link(ports)
	b.collect(storage, "StorageCollection", storage+"/1")
	drives := links(storage+"/1/Drives/1", storage+"/1/Drives/2")
	b.add(storage+"/1", "Storage.v1_12_0.Storage", object{"Drives": drives, "Volumes": link(storage + "/1/Volumes"), "Status": health("OK")}, nil)
	for _, d := range drives {
		b.add(str(obj(d)["@odata.id"]), "Drive.v1_15_0.Drive", object{"Name": "Drive Bay " + path.Base(str(obj(d)["@odata.id"])), "MediaType": "SSD", "Status": health("OK")}, nil)
	}
	b.collect(storage+"/1/Volumes", "VolumeCollection", storage+"/1/Volumes/1")
	b.add(storage+"/1/Volumes/1", "Volume.v1_8_0.Volume", object{"Name": "Virtual Disk 1", "RAIDType": "RAID1", "Status": health("OK")}, nil)
	b.collect(ports, "EthernetInterfaceCollection", ports+"/1", ports+"/2")
	for i, n := range []string{"1", "2"} {
		b.add(ports+"/"+n, "EthernetInterface.v1_9_0.EthernetInterface", object{"LinkStatus": "LinkUp", "MACAddress": b.macs()[i], "Status": health("OK")}, nil)
	}
	supplies := cha + "/PowerSubsystem"
	b.add(supplies, "PowerSubsystem.v1_1_0.PowerSubsystem", object{"PowerSupplies": link(supplies + "/PowerSupplies")}, nil)
	b.collect(supplies+"/PowerSupplies", "PowerSupplyCollection", supplies+"/PowerSupplies/1", supplies+"/PowerSupplies/2")
	for _, n := range []string{"1", "2"} {
		b.add(supplies+"/PowerSupplies/"+n, "PowerSupply.v1_5_0.PowerSupply", object{"Name": "Power Supply Bay " + n, "Status": health("OK")}, nil)
	}
	obj(b.tree[cha].doc)["PowerSubsystem"] = link(supplies)
	b.inventory(sys, cha, doc)
}

// macs are those of the two ports.
func (b *BMC) macs() []string {
	made := []string{"02:00:00:00:01:01", "02:00:00:00:01:02"}
	return append(slices.Clone(b.cfg.MACs), made...)[:2]
}

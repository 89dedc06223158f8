package bmc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// Quantity is a number that a controller may not tell. Err says why it is
// unknown, and N means nothing then.
type Quantity struct {
	N   int
	Err error
}

// Hardware is what a controller says about its server.
type Hardware struct {
	CPUs      Quantity
	Cores     Quantity // of all CPUs together
	MemoryGiB Quantity
	Disks     Quantity
	// Volumes are the redundancy types of all healthy volumes, such as
	// "raid1"; ill ones are in Degraded.
	Volumes    []string
	Degraded   []string
	VolumesErr error
	Supplies   Quantity // power supplies that are there and healthy
	NICs       Quantity // Ethernet ports of the server
}

// Hardware counts what the server has. It reads many resources, so that a
// plan does not do it.
func (c *Controller) Hardware(ctx context.Context) (Hardware, error) {
	system, err := c.fresh(ctx, inSystem)
	if err != nil {
		return Hardware{}, fmt.Errorf("count the hardware of %s: %w", c.session.At.Address, err)
	}
	h := Hardware{
		CPUs:      counted(system, "ProcessorSummary", "Count"),
		Cores:     counted(system, "ProcessorSummary", "CoreCount"),
		MemoryGiB: counted(system, "MemorySummary", "TotalSystemMemoryGiB"),
	}
	room := maxHardware
	if h.Cores.Err != nil {
		h.Cores = cores(ctx, c.reader, system, &room)
	}
	storage(ctx, c.reader, system, &h, &room)
	h.Supplies = supplies(ctx, c.reader, system, &room)
	h.NICs = ports(ctx, c.reader, system)
	c.remember()
	return h, nil
}

// counted reads a number. A zero of a summary is what OpenBMC gives for
// everything it does not know.
func counted(d redfish.Document, path ...string) Quantity {
	n, ok := d.At(path...).(float64)
	if !ok || n <= 0 || n > 1<<30 {
		return Quantity{Err: unsupported("the system %s does not tell its %s", d.ID(), strings.Join(path, "."))}
	}
	return Quantity{N: int(n)}
}

func absent(d redfish.Document) bool { return d.Text("Status", "State") == "Absent" }

// off reports a part that is there and not at work (Resource.State).
func off(d redfish.Document) bool {
	return slices.Contains([]string{"Disabled", "StandbyOffline", "UnavailableOffline", "Quiesced"}, d.Text("Status", "State"))
}

func ill(d redfish.Document) bool { h := d.Text("Status", "Health"); return h != "" && h != "OK" }

func cores(ctx context.Context, r reader, system redfish.Document, room *int) Quantity {
	var q Quantity
	q.Err = r.each(ctx, system.Link("Processors"), room, func(d redfish.Document) error {
		if absent(d) || off(d) || d.Text("ProcessorType") != "CPU" {
			return nil
		}
		n := counted(d, "TotalCores")
		q.N += n.N
		return n.Err
	})
	return q
}

// storage counts the drives and looks at the volumes of every controller.
func storage(ctx context.Context, r reader, system redfish.Document, h *Hardware, room *int) {
	err := r.each(ctx, system.Link("Storage"), room, func(s redfish.Document) error {
		for range s.Targets("Drives") {
			h.Disks.N++
		}
		if err := shown(s, "Drives"); err != nil {
			h.Disks.Err = err
		}
		uri := s.Link("Volumes")
		if uri == "" || h.VolumesErr != nil {
			return nil
		}
		err := r.each(ctx, uri, room, func(v redfish.Document) error {
			kind := strings.ToLower(v.Text("RAIDType"))
			switch {
			case kind == "":
				return nil // not all volumes are arrays
			case ill(v), off(v):
				h.Degraded = append(h.Degraded, redfish.Short(kind))
			default:
				h.Volumes = append(h.Volumes, redfish.Short(kind))
			}
			return nil
		})
		// An empty collection is no volume; one that cannot be read is unknown.
		if err != nil && !errors.Is(err, errEmpty) {
			h.VolumesErr = err
		}
		return nil
	})
	if err != nil {
		h.Disks.Err = err
		h.VolumesErr = errors.Join(h.VolumesErr, err)
	}
	slices.Sort(h.Volumes)
	slices.Sort(h.Degraded)
}

// supplies counts the power supplies of the chassis, in Power or in the
// PowerSubsystem that has replaced it (Chassis v1_15_0).
func supplies(ctx context.Context, r reader, system redfish.Document, room *int) Quantity {
	uri := first(system.Targets("Links", "Chassis"))
	if uri == "" {
		return Quantity{Err: unsupported("the system %s names no chassis", system.Text("Id"))}
	}
	chassis, err := r.session.Get(ctx, uri)
	if err != nil {
		return Quantity{Err: err}
	}
	var q Quantity
	add := func(d redfish.Document) error {
		if !absent(d) && !ill(d) && !off(d) {
			q.N++
		}
		return nil
	}
	if uri := chassis.Link("PowerSubsystem"); uri != "" {
		sub, err := r.session.Get(ctx, uri)
		if err == nil {
			err = r.each(ctx, sub.Link("PowerSupplies"), room, add)
		}
		if err == nil {
			return q
		}
	}
	uri = chassis.Link("Power")
	if uri == "" {
		return Quantity{Err: unsupported("the chassis %s does not tell its power supplies", chassis.Text("Id"))}
	}
	power, err := r.session.Get(ctx, uri)
	if err != nil {
		return Quantity{Err: err}
	}
	q.N = 0
	list := power.List("PowerSupplies")
	for _, e := range list {
		o, _ := e.(redfish.Object)
		_ = add(redfish.Document{Props: o})
	}
	if len(list) == 0 {
		q.Err = unsupported("the chassis %s lists no power supplies", chassis.Text("Id"))
	}
	return q
}

func ports(ctx context.Context, r reader, system redfish.Document) Quantity {
	uri := system.Link("EthernetInterfaces")
	if uri == "" {
		return Quantity{Err: unsupported("the system %s lists no Ethernet interfaces", system.Text("Id"))}
	}
	members, err := r.members(ctx, uri) // many list them only while the server is on
	return Quantity{N: len(members), Err: err}
}

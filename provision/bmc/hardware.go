package bmc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/state"
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

// maxHardware bounds how many resources are read to count hardware.
const maxHardware = 64

// Hardware counts what the server has. It reads many resources, so that a
// plan does not do it.
func (c *Controller) Hardware(ctx context.Context) (Hardware, error) {
	c.refresh()
	if err := c.survey(ctx); err != nil {
		return Hardware{}, fmt.Errorf("count the hardware of %s: %w", c.at.Address, err)
	}
	system, err := c.load(ctx, inSystem)
	if errors.Is(err, errStale) {
		c.forget()
		return c.Hardware(ctx)
	}
	if err != nil {
		return Hardware{}, fmt.Errorf("count the hardware of %s: %w", c.at.Address, err)
	}
	h := Hardware{
		CPUs:      counted(system, "ProcessorSummary", "Count"),
		Cores:     counted(system, "ProcessorSummary", "CoreCount"),
		MemoryGiB: counted(system, "MemorySummary", "TotalSystemMemoryGiB"),
	}
	room := maxHardware
	if h.Cores.Err != nil {
		h.Cores = c.cores(ctx, system, &room)
	}
	c.storage(ctx, system, &h, &room)
	h.Supplies = c.supplies(ctx, system, &room)
	h.NICs = c.ports(ctx, system)
	c.remember()
	return h, nil
}

// counted reads a number. A zero of a summary is what OpenBMC gives for
// everything it does not know.
func counted(d document, path ...string) Quantity {
	n, ok := d.at(path...).(float64)
	if !ok || n <= 0 || n > 1<<30 {
		return Quantity{Err: unsupported("the system %s does not tell its %s", d.text("Id"), strings.Join(path, "."))}
	}
	return Quantity{N: int(n)}
}

// each reads the members of a collection that are there.
func (c *Controller) each(ctx context.Context, uri string, room *int, do func(document) error) error {
	members, err := c.members(ctx, uri)
	if err != nil {
		return err
	}
	for _, m := range members {
		if *room--; *room < 0 {
			return fmt.Errorf("look through %s: more than %d resources", uri, maxHardware)
		}
		d, err := c.get(ctx, m)
		if gone(err) {
			return unsupported("the controller lists %s but does not have it", m)
		} else if err != nil {
			return err
		}
		if err := do(d); err != nil {
			return err
		}
	}
	return nil
}

func absent(d document) bool { return d.text("Status", "State") == "Absent" }

func ill(d document) bool { h := d.text("Status", "Health"); return h != "" && h != "OK" }

func (c *Controller) cores(ctx context.Context, system document, room *int) Quantity {
	var q Quantity
	q.Err = c.each(ctx, system.link("Processors"), room, func(d document) error {
		if absent(d) || d.text("ProcessorType") != "CPU" {
			return nil
		}
		n := counted(d, "TotalCores")
		q.N += n.N
		return n.Err
	})
	return q
}

// storage counts the drives and looks at the volumes of every controller.
func (c *Controller) storage(ctx context.Context, system document, h *Hardware, room *int) {
	err := c.each(ctx, system.link("Storage"), room, func(s document) error {
		for range s.targets("Drives") {
			h.Disks.N++
		}
		uri := s.link("Volumes")
		if uri == "" || h.VolumesErr != nil {
			return nil
		}
		err := c.each(ctx, uri, room, func(v document) error {
			kind := strings.ToLower(v.text("RAIDType"))
			switch {
			case kind == "":
				return nil // not all volumes are arrays
			case ill(v):
				h.Degraded = append(h.Degraded, words(kind))
			default:
				h.Volumes = append(h.Volumes, words(kind))
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
func (c *Controller) supplies(ctx context.Context, system document, room *int) Quantity {
	uri := first(system.targets("Links", "Chassis"))
	if uri == "" {
		return Quantity{Err: unsupported("the system %s names no chassis", system.text("Id"))}
	}
	chassis, err := c.get(ctx, uri)
	if err != nil {
		return Quantity{Err: err}
	}
	var q Quantity
	add := func(d document) error {
		if !absent(d) && !ill(d) {
			q.N++
		}
		return nil
	}
	if uri := chassis.link("PowerSubsystem"); uri != "" {
		sub, err := c.get(ctx, uri)
		if err == nil {
			err = c.each(ctx, sub.link("PowerSupplies"), room, add)
		}
		if err == nil {
			return q
		}
	}
	uri = chassis.link("Power")
	if uri == "" {
		return Quantity{Err: unsupported("the chassis %s does not tell its power supplies", chassis.text("Id"))}
	}
	power, err := c.get(ctx, uri)
	if err != nil {
		return Quantity{Err: err}
	}
	q.N = 0
	list := power.list("PowerSupplies")
	for _, e := range list {
		o, _ := e.(object)
		_ = add(document{props: o})
	}
	if len(list) == 0 {
		q.Err = unsupported("the chassis %s lists no power supplies", chassis.text("Id"))
	}
	return q
}

func (c *Controller) ports(ctx context.Context, system document) Quantity {
	uri := system.link("EthernetInterfaces")
	if uri == "" {
		return Quantity{Err: unsupported("the system %s lists no Ethernet interfaces", system.text("Id"))}
	}
	d, err := c.get(ctx, uri)
	if err != nil {
		return Quantity{Err: err}
	}
	n := len(d.targets("Members"))
	if n == 0 {
		// Many list them only while the server is on.
		return Quantity{Err: fmt.Errorf("read %s: it is empty: %w", uri, state.ErrUnsupported)}
	}
	return Quantity{N: n}
}

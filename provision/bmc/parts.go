package bmc

import (
	"context"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// parts looks at everything of the server that has a health of its own. What may
// be long comes last. What is listed and not there stays said, whatever else is
// told; what a chassis has no link for is nothing where another has one.
func (r *inspector) parts(ctx context.Context, system redfish.Document, chassis []redfish.Document, err error) map[PartKind]Parts {
	all := map[PartKind]*Parts{}
	for _, kind := range PartKinds() {
		all[kind] = &Parts{}
	}
	fans, sensors, supplies := all[Fans], all[Sensors], all[Supplies]
	if err != nil {
		fans.Err, sensors.Err, supplies.Err = err, err, err
	}
	measured := make([]Parts, len(chassis))
	for i, c := range chassis {
		fans.take(r.cooling(ctx, c, &measured[i]))
		supplies.take(r.supplying(ctx, c, &measured[i]))
	}
	r.storing(ctx, system, all[Storage])
	r.gather(ctx, system.Link("Processors"), all[Processors])
	r.gather(ctx, system.Link("Memory"), all[Memory])
	for i, c := range chassis {
		var there Parts
		r.each(ctx, c.Link("Sensors"), &there, func(d redfish.Document) {
			if there.add(d); d.Props == nil {
				there.fail(notThere(d.URI))
			}
		})
		measured[i].along(there)
		sensors.take(measured[i])
	}
	out := map[PartKind]Parts{}
	for kind, p := range all {
		if p.none() && p.Err == nil {
			p.Err = unsupported("the controller tells none of its %s", kind)
		}
		out[kind] = *p
	}
	return out
}

// gather adds all members of a collection; no link is no members.
func (r *inspector) gather(ctx context.Context, uri string, p *Parts) {
	r.each(ctx, uri, p, p.add)
}

// each goes through a collection, and keeps the reason for not having seen all of
// it.
func (r *inspector) each(ctx context.Context, uri string, p *Parts, do func(redfish.Document)) {
	if uri == "" {
		return
	}
	for d, err := range r.members(ctx, uri) {
		if err != nil {
			p.fail(err)
			return
		}
		do(d)
	}
}

// part reads a resource that holds several; one that is not there is empty.
func (r *inspector) part(ctx context.Context, uri string, all ...*Parts) redfish.Document {
	if uri == "" {
		return redfish.Document{}
	}
	d, err := r.get(ctx, uri)
	if err != nil {
		for _, p := range all {
			p.fail(err)
		}
	}
	return d
}

// cooling reads Thermal, one answer for everything, and where that has no fans
// the ThermalSubsystem that replaces it (Chassis v1_15_0).
func (r *inspector) cooling(ctx context.Context, chassis redfish.Document, sensors *Parts) (fans Parts) {
	d := r.part(ctx, chassis.Link("Thermal"), &fans, sensors)
	fans.list(d, "Fans", fans.add)
	sensors.list(d, "Temperatures", sensors.add)
	if fans.none() {
		sub := r.part(ctx, chassis.Link("ThermalSubsystem"), &fans)
		r.gather(ctx, sub.Link("Fans"), &fans)
		fans.list(sub, "FanRedundancy", fans.addIll)
		fans.addIll(sub)
	}
	fans.list(d, "Redundancy", fans.addIll)
	fans.addIll(d)
	return fans
}

// supplying reads Power, and where that has no supplies the PowerSubsystem.
func (r *inspector) supplying(ctx context.Context, chassis redfish.Document, sensors *Parts) (supplies Parts) {
	d := r.part(ctx, chassis.Link("Power"), &supplies, sensors)
	supplies.list(d, "PowerSupplies", supplies.add)
	sensors.list(d, "Voltages", sensors.add)
	if supplies.none() {
		sub := r.part(ctx, chassis.Link("PowerSubsystem"), &supplies)
		r.gather(ctx, sub.Link("PowerSupplies"), &supplies)
		supplies.list(sub, "PowerSupplyRedundancy", supplies.addIll)
		supplies.addIll(sub)
	}
	supplies.list(d, "Redundancy", supplies.addIll)
	supplies.addIll(d)
	return supplies
}

// storing reads every storage controller with its drives and volumes, and
// SimpleStorage where there is no other.
func (r *inspector) storing(ctx context.Context, system redfish.Document, p *Parts) {
	r.each(ctx, system.Link("Storage"), p, func(s redfish.Document) { r.stored(ctx, s, p) })
	if !p.none() {
		return
	}
	r.each(ctx, system.Link("SimpleStorage"), p, func(s redfish.Document) {
		if s.Props == nil {
			p.fail(notThere(s.URI))
		}
		p.list(s, "Devices", p.add)
		p.addIll(s)
	})
}

// stored reads one of them. Its controllers are in an array, or in a collection
// since Storage v1_9_0; some have both.
func (r *inspector) stored(ctx context.Context, s redfish.Document, p *Parts) {
	if s.Props == nil {
		p.fail(notThere(s.URI))
		return
	}
	p.addIll(s)
	told := len(s.List("StorageControllers")) > 0
	p.list(s, "StorageControllers", func(c redfish.Document) {
		told = told && c.Text("Status", "Health") != ""
		p.addIll(c)
	})
	if !told {
		r.each(ctx, s.Link("Controllers"), p, func(c redfish.Document) {
			if c.Props == nil {
				p.fail(notThere(c.URI))
			}
			p.addIll(c)
		})
	}
	for _, e := range s.List("Drives") {
		d, err := r.member(ctx, e)
		if err != nil {
			p.fail(err)
			return
		}
		p.add(d)
	}
	if err := shown(s, "Drives"); err != nil {
		p.fail(err)
	}
	r.gather(ctx, s.Link("Volumes"), p)
}

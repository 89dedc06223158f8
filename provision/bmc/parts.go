package bmc

import (
	"cmp"
	"context"
	"errors"
	"path"
	"strconv"
	"strings"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// PartKind is a kind of part whose health a controller may tell.
type PartKind string

// The kinds of parts.
const (
	Fans       PartKind = "fans"
	Sensors    PartKind = "sensors" // of temperatures, voltages and what else is measured
	Supplies   PartKind = "power-supplies"
	Storage    PartKind = "storage" // its controllers, drives and volumes
	Memory     PartKind = "memory"
	Processors PartKind = "processors"
)

// PartKinds are all of them, in the order in which they are told.
func PartKinds() []PartKind { return []PartKind{Fans, Sensors, Supplies, Storage, Memory, Processors} }

// Part is one that is not well: its name with where it is, and its health in
// the controller's word, which is Warning or Critical by the schema.
type Part struct{ Name, Health string }

// Parts are all of one kind that are there.
type Parts struct {
	Ill     []Part
	Healthy int
	Untold  []string // whose health the controller does not tell
	// Err is why not all were seen; what was seen counts all the same.
	Err error
}

// none reports whether nothing of the kind was seen to be there.
func (p *Parts) none() bool { return len(p.Ill) == 0 && p.Healthy == 0 && len(p.Untold) == 0 }

// fail keeps the first reason, but that the controller does not tell something
// gives way to that it could not be asked.
func (p *Parts) fail(err error) {
	if p.Err == nil || untold(p.Err) && !untold(err) {
		p.Err = err
	}
}

// add takes note of a part, unless its place is empty. iLO says OK of the health
// of an empty place.
func (p *Parts) add(d redfish.Document) {
	health := d.Text("Status", "Health")
	switch {
	case absent(d):
	case health == "":
		p.Untold = append(p.Untold, partName(d))
	case health == "OK":
		p.Healthy++
	default:
		p.Ill = append(p.Ill, Part{partName(d), redfish.Short(health)})
	}
}

// addIll takes note of what is no part, such as a redundancy, where it is ill.
func (p *Parts) addIll(d redfish.Document) {
	if ill(d) && !absent(d) {
		p.add(d)
	}
}

// inside are the objects in an array of a document, as documents of their own.
func inside(d redfish.Document, name string) []redfish.Document {
	var out []redfish.Document
	for _, e := range d.List(name) {
		if o, ok := e.(redfish.Object); ok {
			out = append(out, redfish.Document{URI: d.URI, Props: o})
		}
	}
	return out
}

// partName is the name of a part with where it is: many have the same name.
func partName(d redfish.Document) string {
	name := cmp.Or(d.Text("Name"), d.Text("Id"), d.Text("MemberId"), path.Base(cmp.Or(d.URI, "a part without a name")))
	where := cmp.Or(placeOf(d), d.Text("Id"))
	if where == "" && !strings.ContainsAny(name, "0123456789") {
		where = d.Text("MemberId") // counts the elements of an array
	}
	switch {
	case where == "" || strings.Contains(strings.ToLower(name), strings.ToLower(where)):
	case strings.Contains(strings.ToLower(where), strings.ToLower(name)):
		name = where
	default:
		name += " (" + where + ")"
	}
	return redfish.Short(name)
}

// placeOf is where a part is, by the words on the case if the controller has them.
func placeOf(d redfish.Document) string {
	for _, at := range []string{"Location", "PhysicalLocation"} {
		if s := d.Text(at, "PartLocation", "ServiceLabel"); s != "" {
			return s
		}
	}
	if s := d.Text("DeviceLocator"); s != "" { // of memory
		return s
	}
	for _, at := range []string{"Location", "PhysicalLocation"} {
		if n, ok := d.At(at, "PartLocation", "LocationOrdinalValue").(float64); ok {
			return strings.TrimSpace(d.Text(at, "PartLocation", "LocationType") + " " + strconv.FormatFloat(n, 'f', -1, 64))
		}
	}
	for _, o := range inside(d, "Location") { // Drive before v1_5_0
		if s := o.Text("Info"); s != "" {
			return strings.TrimSpace(o.Text("InfoFormat") + " " + s)
		}
	}
	return ""
}

// parts looks at everything of the server that has a health of its own. What may
// be long comes last.
func (r *inspector) parts(ctx context.Context, system redfish.Document, chassis []redfish.Document, err error) map[PartKind]Parts {
	all := map[PartKind]*Parts{}
	for _, kind := range PartKinds() {
		all[kind] = &Parts{}
	}
	fans, sensors, supplies := all[Fans], all[Sensors], all[Supplies]
	if err != nil {
		fans.Err, sensors.Err, supplies.Err = err, err, err
	}
	for _, c := range chassis {
		r.cooling(ctx, c, fans, sensors)
		r.supplying(ctx, c, supplies, sensors)
	}
	r.storing(ctx, system, all[Storage])
	r.gather(ctx, system.Link("Processors"), all[Processors])
	r.gather(ctx, system.Link("Memory"), all[Memory])
	for _, c := range chassis {
		if sensors.none() {
			r.gather(ctx, c.Link("Sensors"), sensors)
		}
	}
	out := map[PartKind]Parts{}
	for kind, p := range all {
		if untold(p.Err) && !p.none() {
			p.Err = nil // it was told in another place
		}
		out[kind] = *p
	}
	return out
}

// gather adds all members of a collection.
func (r *inspector) gather(ctx context.Context, uri string, p *Parts) {
	for d, err := range r.members(ctx, uri) {
		if err != nil {
			p.fail(err)
			return
		}
		p.add(d)
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
func (r *inspector) cooling(ctx context.Context, chassis redfish.Document, fans, sensors *Parts) {
	var here Parts
	d := r.part(ctx, chassis.Link("Thermal"), fans, sensors)
	for _, f := range inside(d, "Fans") {
		here.add(f)
	}
	for _, f := range inside(d, "Redundancy") {
		here.addIll(f)
	}
	for _, t := range inside(d, "Temperatures") {
		sensors.add(t)
	}
	if here.none() {
		sub := r.part(ctx, chassis.Link("ThermalSubsystem"), fans)
		r.gather(ctx, sub.Link("Fans"), &here)
	}
	fans.take(here)
}

// supplying reads Power, and where that has no supplies the PowerSubsystem.
func (r *inspector) supplying(ctx context.Context, chassis redfish.Document, supplies, sensors *Parts) {
	var here Parts
	d := r.part(ctx, chassis.Link("Power"), supplies, sensors)
	for _, s := range inside(d, "PowerSupplies") {
		here.add(s)
	}
	for _, s := range inside(d, "Redundancy") {
		here.addIll(s)
	}
	for _, v := range inside(d, "Voltages") {
		sensors.add(v)
	}
	if here.none() {
		sub := r.part(ctx, chassis.Link("PowerSubsystem"), supplies)
		r.gather(ctx, sub.Link("PowerSupplies"), &here)
	}
	supplies.take(here)
}

// take adds what was seen of one chassis to what was seen of all.
func (p *Parts) take(more Parts) {
	p.Ill, p.Untold, p.Healthy = append(p.Ill, more.Ill...), append(p.Untold, more.Untold...), p.Healthy+more.Healthy
	if more.Err != nil {
		p.fail(more.Err)
	}
}

// storing reads every storage controller with its drives and volumes, and
// SimpleStorage where there is no other.
func (r *inspector) storing(ctx context.Context, system redfish.Document, p *Parts) {
	for s, err := range r.members(ctx, system.Link("Storage")) {
		if err != nil {
			p.fail(err)
			break
		}
		for _, c := range inside(s, "StorageControllers") {
			p.addIll(c)
		}
		for _, e := range s.List("Drives") {
			d, err := r.member(ctx, e)
			if err != nil {
				p.fail(err)
				return
			}
			p.add(d)
		}
		if uri := s.Link("Volumes"); uri != "" {
			r.gather(ctx, uri, p)
		}
	}
	if uri := system.Link("SimpleStorage"); p.none() && uri != "" {
		for s, err := range r.members(ctx, uri) {
			if err != nil {
				p.fail(err)
				return
			}
			for _, d := range inside(s, "Devices") {
				p.add(d)
			}
		}
	}
}

// untold reports an error that says what the controller does not have or tell.
func untold(err error) bool { return errors.Is(err, state.ErrUnsupported) }

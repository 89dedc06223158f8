package bmc

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/raiz-dns/raiz/provision/redfish"
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
	Off     []string // that are well and not at work, with their state
	// Err is why not all were seen; what was seen counts all the same.
	Err error
}

// none reports whether nothing of the kind was seen to be there.
func (p *Parts) none() bool {
	return len(p.Ill) == 0 && p.Healthy == 0 && len(p.Untold) == 0 && len(p.Off) == 0
}

// fail keeps the first reason, but that the controller does not tell something
// gives way to that it could not be asked.
func (p *Parts) fail(err error) {
	if p.Err == nil || untold(p.Err) && !untold(err) {
		p.Err = err
	}
}

// add takes note of a part, unless its place is empty. iLO says OK of the health
// of an empty place; one that is not there and ill has been lost.
func (p *Parts) add(d redfish.Document) {
	switch {
	case ill(d):
		p.Ill = append(p.Ill, illness(d))
	case absent(d):
	case off(d):
		p.Off = append(p.Off, partName(d)+": "+redfish.Short(d.Text("Status", "State")))
	case d.Text("Status", "Health") == "":
		p.Untold = append(p.Untold, partName(d))
	default:
		p.Healthy++
	}
}

func illness(d redfish.Document) Part {
	return Part{partName(d), redfish.Short(d.Text("Status", "Health"))}
}

// addIll takes note of what is no part, such as a redundancy, where it is ill.
func (p *Parts) addIll(d redfish.Document) {
	if ill(d) && !slices.Contains(p.Ill, illness(d)) {
		p.add(d)
	}
}

// list adds what is in an array of a document.
func (p *Parts) list(d redfish.Document, name string, add func(redfish.Document)) {
	for _, o := range inside(d, name) {
		add(o)
	}
	if err := shown(d, name); err != nil {
		p.fail(err)
	}
}

// take adds what was seen of one chassis to what was seen of all.
func (p *Parts) take(more Parts) {
	p.Ill, p.Untold, p.Off, p.Healthy = append(p.Ill, more.Ill...), append(p.Untold, more.Untold...), append(p.Off, more.Off...), p.Healthy+more.Healthy
	if more.Err != nil {
		p.fail(more.Err)
	}
}

// along adds what was told a second time, in another place: none counts twice, and
// none that is ill there alone is left out.
func (p *Parts) along(more Parts) {
	if p.none() {
		p.take(more)
		return
	}
	p.Healthy = max(p.Healthy, more.Healthy)
	for _, i := range more.Ill {
		if !slices.Contains(p.Ill, i) {
			p.Ill = append(p.Ill, i)
		}
	}
	if more.Err != nil {
		p.fail(more.Err)
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

package bmc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// findEthernet picks the interface that the BMC is managed through.
func (r *resources) findEthernet(ctx context.Context) (string, error) {
	uri, err := r.follow(ctx, inManager, "EthernetInterfaces")
	if err != nil {
		return "", err
	}
	members, err := r.members(ctx, uri)
	if err != nil {
		return "", err
	}
	here := r.session.At.Address.Addr().Unmap().WithZone("")
	if len(members) == 1 {
		r.where.chosen = choice{by: byBeingAlone, at: here.String()}
		return members[0], nil
	}
	best, bestScore, outside := "", 0, 0
	for _, uri := range members[:min(len(members), maxMembers)] {
		if internalName(uri[strings.LastIndex(uri, "/")+1:]) {
			continue
		}
		d, err := r.session.Get(ctx, uri)
		if gone(err) {
			continue
		} else if err != nil {
			return "", err
		}
		score := suitability(d, here)
		if score > 0 && d.At("InterfaceEnabled") != false {
			outside++
		}
		if score > bestScore {
			best, bestScore = uri, score
			r.where.docs[inEthernet] = d
		}
	}
	if best == "" {
		return "", unsupported("none of the %d interfaces of the manager leads outside", len(members))
	}
	switch {
	case holds(r.where.docs[inEthernet], here):
		r.where.chosen = choice{by: byAddress}
	case outside <= 1:
		r.where.chosen = choice{by: byBeingAlone, at: here.String()}
	default:
		r.where.chosen = choice{by: byScore}
	}
	return best, nil
}

// survey makes the map, from the cache where that holds.
func (r *resources) survey(ctx context.Context) error {
	if r.where != nil {
		return nil
	}
	w := &resourceMap{links: map[string]string{}, docs: map[string]redfish.Document{}}
	e, ok := r.remembered()
	if ok {
		w.links, w.cached, w.chosen = maps.Clone(e.Links), true, choice{by: byMemory, at: e.At}
		w.managerAt = e.ManagerAt
	}
	r.where = w
	if !ok {
		w.dirty = true
		manager, err := r.load(ctx, inManager)
		if err != nil {
			r.where = nil
			return err
		}
		e.Line, e.Firmware = lineOf(r.session.Root, manager), manager.Text("FirmwareVersion")
	}
	w.facts = facts{Line: e.Line, Firmware: e.Firmware, Redfish: r.session.Root.Text("RedfishVersion")}
	w.profile, w.fired = profileFor(w.facts)
	r.session.AnyTag = w.profile.star
	return nil
}

// errStale means that a cached link does not lead where it did.
var errStale = errors.New("remembered link is stale")

// load reads a resource by name, once until refresh.
func (r *resources) load(ctx context.Context, name string) (redfish.Document, error) {
	if d, ok := r.where.docs[name]; ok {
		return d, nil
	}
	uri, known := r.where.links[name]
	if !known {
		var err error
		if uri, err = r.resolve(ctx, name); err != nil {
			return redfish.Document{}, err
		}
		r.where.links[name], r.where.dirty = uri, true
		if d, ok := r.where.docs[name]; ok {
			return d, nil
		}
	}
	d, err := r.session.Get(ctx, uri)
	stale := known && r.where.cached
	switch {
	case gone(err) && stale, err == nil && stale && !r.fits(name, d):
		return redfish.Document{}, fmt.Errorf("read %s: %w", uri, errStale)
	case gone(err):
		return redfish.Document{}, unsupported("the controller lists %s but does not have it", uri)
	case err != nil:
		return redfish.Document{}, err
	}
	r.where.docs[name] = d
	if name == inEthernet && r.where.chosen.by == byScore && holds(d, r.session.At.Address.Addr()) {
		r.where.chosen, r.where.dirty = choice{by: byAddress}, true // it has moved to where it is sure
	}
	return d, nil
}

// fits reports whether a document is what the name would be found to be
// without the cache, as far as it tells: on the firmware that the links were
// found on, and with the address that we came in at where there is a choice.
func (r *resources) fits(name string, d redfish.Document) bool {
	kinds := map[string]string{
		inManager: "Manager", inEthernet: "EthernetInterface", inProtocol: "ManagerNetworkProtocol",
		inSystem: "ComputerSystem", inBios: "Bios", inPower: "Power",
	}
	if want, ok := kinds[name]; ok && d.Kind() != want {
		return false
	}
	switch name {
	case inManager:
		return d.Text("FirmwareVersion") == r.where.facts.Firmware && lineOf(r.session.Root, d) == r.where.facts.Line
	case inEthernet:
		if internal(d) || d.At("InterfaceEnabled") == false {
			return false // another one leads outside by now
		}
		return holds(d, r.session.At.Address.Addr()) || r.where.chosen.at == r.session.At.Address.Addr().String()
	}
	return true
}

// patch writes a resource after a fresh read of it.
func (r *resources) patch(ctx context.Context, name string, p redfish.Privacy, body func(redfish.Document) (redfish.Object, error)) (redfish.Answer, error) {
	r.refresh()
	d, err := r.load(ctx, name)
	if err != nil {
		return redfish.Answer{}, err
	}
	return r.session.Patch(ctx, d, p, body)
}

// resolve finds the URI of a resource by following links.
func (r *resources) resolve(ctx context.Context, name string) (string, error) {
	switch name {
	case inManager:
		return r.findManager(ctx)
	case inSystem:
		return r.findSystem(ctx)
	case inEthernet:
		return r.findEthernet(ctx)
	case inProtocol:
		return r.follow(ctx, inManager, "NetworkProtocol")
	case inBios:
		return r.follow(ctx, inSystem, "Bios")
	case inDateTime:
		return r.follow(ctx, inManager, "Oem", "Hpe", "Links", "DateTimeService")
	case inOemNTP:
		return r.follow(ctx, inManager, "Oem", "Supermicro", "NTP")
	case inPower:
		return r.findPower(ctx)
	case inAttributes:
		return r.findAttributes(ctx)
	}
	panic("bmc: no way to find " + name)
}

// follow reads one resource and returns a link in it.
func (r *resources) follow(ctx context.Context, from string, path ...string) (string, error) {
	d, err := r.load(ctx, from)
	if err != nil {
		return "", err
	}
	if uri := d.Link(path...); uri != "" {
		return uri, nil
	}
	return "", unsupported("the %s %s has no link to %s", from, d.ID(), strings.Join(path, "."))
}

func (r *resources) findSystem(ctx context.Context) (string, error) {
	d, err := r.load(ctx, inManager)
	if err != nil && !errors.Is(err, state.ErrUnsupported) {
		return "", err
	}
	if list := d.Targets("Links", "ManagerForServers"); len(list) > 0 {
		return list[0], nil
	}
	list, err := r.members(ctx, r.session.Root.Link("Systems"))
	return first(list), err
}

func (r *resources) findPower(ctx context.Context) (string, error) {
	d, err := r.load(ctx, inManager)
	if err != nil {
		return "", err
	}
	uri := first(d.Targets("Links", "ManagerForChassis"))
	if uri == "" {
		return "", unsupported("the manager names no chassis")
	}
	chassis, err := r.session.Get(ctx, uri)
	if err != nil {
		return "", err
	}
	if uri = chassis.Link("Power"); uri == "" {
		return "", unsupported("the chassis %s has no Power", chassis.Text("Id"))
	}
	return uri, nil
}

// findAttributes picks the manager's own attributes among the three that
// iDRAC lists.
func (r *resources) findAttributes(ctx context.Context) (string, error) {
	d, err := r.load(ctx, inManager)
	if err != nil {
		return "", err
	}
	for _, uri := range d.Targets("Links", "Oem", "Dell", "DellAttributes") {
		if strings.HasSuffix(uri, "/"+d.Text("Id")) {
			return uri, nil
		}
	}
	return "", unsupported("the manager %s has no link to its attributes", d.ID())
}

// look reads a resource anew.
func (r *resources) look(ctx context.Context, name string) (redfish.Document, error) {
	r.refresh()
	if err := r.survey(ctx); err != nil {
		return redfish.Document{}, err
	}
	return r.load(ctx, name)
}

// fresh reads a resource anew, wherever it is by now. That of the manager makes
// sure of all links before anything is written: it also shows an update since they
// were remembered.
func (r *resources) fresh(ctx context.Context, name string) (redfish.Document, error) {
	d, err := r.look(ctx, name)
	if errors.Is(err, errStale) {
		r.forget()
		return r.look(ctx, name)
	}
	return d, err
}

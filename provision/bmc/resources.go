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
func (c *Controller) findEthernet(ctx context.Context) (string, error) {
	uri, err := c.follow(ctx, inManager, "EthernetInterfaces")
	if err != nil {
		return "", err
	}
	members, err := c.members(ctx, uri)
	if err != nil {
		return "", err
	}
	here := c.session.At.Address.Addr().Unmap().WithZone("")
	if len(members) == 1 {
		c.where.chosen = choice{by: byBeingAlone, at: here.String()}
		return members[0], nil
	}
	best, bestScore, outside := "", 0, 0
	for _, uri := range members[:min(len(members), maxMembers)] {
		if internalName(uri[strings.LastIndex(uri, "/")+1:]) {
			continue
		}
		d, err := c.session.Get(ctx, uri)
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
			c.where.docs[inEthernet] = d
		}
	}
	if best == "" {
		return "", unsupported("none of the %d interfaces of the manager leads outside", len(members))
	}
	switch {
	case holds(c.where.docs[inEthernet], here):
		c.where.chosen = choice{by: byAddress}
	case outside <= 1:
		c.where.chosen = choice{by: byBeingAlone, at: here.String()}
	default:
		c.where.chosen = choice{by: byScore}
	}
	return best, nil
}

// survey makes the map, from the cache where that holds.
func (c *Controller) survey(ctx context.Context) error {
	if c.where != nil {
		return nil
	}
	w := &resourceMap{links: map[string]string{}, docs: map[string]redfish.Document{}}
	e, ok := c.remembered()
	if ok {
		w.links, w.cached, w.chosen = maps.Clone(e.Links), true, choice{by: byMemory, at: e.At}
		w.managerAt = e.ManagerAt
	}
	c.where = w
	if !ok {
		w.dirty = true
		manager, err := c.load(ctx, inManager)
		if err != nil {
			c.where = nil
			return err
		}
		e.Line, e.Firmware = lineOf(c.session.Root, manager), manager.Text("FirmwareVersion")
	}
	w.facts = facts{Line: e.Line, Firmware: e.Firmware, Redfish: c.session.Root.Text("RedfishVersion")}
	w.profile, w.fired = profileFor(w.facts)
	c.session.AnyTag = w.profile.star
	return nil
}

// errStale means that a cached link does not lead where it did.
var errStale = errors.New("remembered link is stale")

// load reads a resource by name, once until refresh.
func (c *Controller) load(ctx context.Context, name string) (redfish.Document, error) {
	if d, ok := c.where.docs[name]; ok {
		return d, nil
	}
	uri, known := c.where.links[name]
	if !known {
		var err error
		if uri, err = c.resolve(ctx, name); err != nil {
			return redfish.Document{}, err
		}
		c.where.links[name], c.where.dirty = uri, true
		if d, ok := c.where.docs[name]; ok {
			return d, nil
		}
	}
	d, err := c.session.Get(ctx, uri)
	stale := known && c.where.cached
	switch {
	case gone(err) && stale, err == nil && stale && !c.fits(name, d):
		return redfish.Document{}, fmt.Errorf("read %s: %w", uri, errStale)
	case gone(err):
		return redfish.Document{}, unsupported("the controller lists %s but does not have it", uri)
	case err != nil:
		return redfish.Document{}, err
	}
	c.where.docs[name] = d
	if name == inEthernet && c.where.chosen.by == byScore && holds(d, c.session.At.Address.Addr()) {
		c.where.chosen, c.where.dirty = choice{by: byAddress}, true // it has moved to where it is sure
	}
	return d, nil
}

// fits reports whether a document is what the name would be found to be
// without the cache, as far as it tells: on the firmware that the links were
// found on, and with the address that we came in at where there is a choice.
func (c *Controller) fits(name string, d redfish.Document) bool {
	kinds := map[string]string{
		inManager: "Manager", inEthernet: "EthernetInterface", inProtocol: "ManagerNetworkProtocol",
		inSystem: "ComputerSystem", inBios: "Bios", inPower: "Power",
	}
	if want, ok := kinds[name]; ok && d.Kind() != want {
		return false
	}
	switch name {
	case inManager:
		return d.Text("FirmwareVersion") == c.where.facts.Firmware && lineOf(c.session.Root, d) == c.where.facts.Line
	case inEthernet:
		if internal(d) || d.At("InterfaceEnabled") == false {
			return false // another one leads outside by now
		}
		return holds(d, c.session.At.Address.Addr()) || c.where.chosen.at == c.session.At.Address.Addr().String()
	}
	return true
}

// patch writes a resource after a fresh read of it.
func (c *Controller) patch(ctx context.Context, name string, p redfish.Privacy, body func(redfish.Document) (redfish.Object, error)) (redfish.Answer, error) {
	c.refresh()
	d, err := c.load(ctx, name)
	if err != nil {
		return redfish.Answer{}, err
	}
	return c.session.Patch(ctx, d, p, body)
}

// refresh makes the next loads read again.
func (c *Controller) refresh() {
	if c.where != nil {
		clear(c.where.docs)
	}
}

// resolve finds the URI of a resource by following links.
func (c *Controller) resolve(ctx context.Context, name string) (string, error) {
	switch name {
	case inManager:
		return c.findManager(ctx)
	case inSystem:
		return c.findSystem(ctx)
	case inEthernet:
		return c.findEthernet(ctx)
	case inProtocol:
		return c.follow(ctx, inManager, "NetworkProtocol")
	case inBios:
		return c.follow(ctx, inSystem, "Bios")
	case inDateTime:
		return c.follow(ctx, inManager, "Oem", "Hpe", "Links", "DateTimeService")
	case inOemNTP:
		return c.follow(ctx, inManager, "Oem", "Supermicro", "NTP")
	case inPower:
		return c.findPower(ctx)
	case inAttributes:
		return c.findAttributes(ctx)
	}
	panic("bmc: no way to find " + name)
}

// follow reads one resource and returns a link in it.
func (c *Controller) follow(ctx context.Context, from string, path ...string) (string, error) {
	d, err := c.load(ctx, from)
	if err != nil {
		return "", err
	}
	if uri := d.Link(path...); uri != "" {
		return uri, nil
	}
	return "", unsupported("the %s %s has no link to %s", from, d.ID(), strings.Join(path, "."))
}

func (c *Controller) findSystem(ctx context.Context) (string, error) {
	d, err := c.load(ctx, inManager)
	if err != nil && !errors.Is(err, state.ErrUnsupported) {
		return "", err
	}
	if list := d.Targets("Links", "ManagerForServers"); len(list) > 0 {
		return list[0], nil
	}
	list, err := c.members(ctx, c.session.Root.Link("Systems"))
	return first(list), err
}

func (c *Controller) findPower(ctx context.Context) (string, error) {
	d, err := c.load(ctx, inManager)
	if err != nil {
		return "", err
	}
	uri := first(d.Targets("Links", "ManagerForChassis"))
	if uri == "" {
		return "", unsupported("the manager names no chassis")
	}
	chassis, err := c.session.Get(ctx, uri)
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
func (c *Controller) findAttributes(ctx context.Context) (string, error) {
	d, err := c.load(ctx, inManager)
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

// surveyAgain makes sure of the links before anything is written: one read of
// the manager, which also shows an update since the links were remembered.
func (c *Controller) surveyAgain(ctx context.Context) error {
	c.refresh()
	for range 2 {
		if err := c.survey(ctx); err != nil {
			return err
		}
		if _, err := c.load(ctx, inManager); !errors.Is(err, errStale) {
			return err
		}
		c.forget()
	}
	return nil
}

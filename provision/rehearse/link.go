//go:build linux

package rehearse

import (
	"context"
	"fmt"
	"net/netip"
)

// Link is a cable that can be pulled.
type Link string

// The links. Where management and service share one interface of the server,
// they are one cable.
const (
	LinkManagement Link = "management"
	LinkService    Link = "service"
	LinkBMC        Link = "bmc"
	LinkController Link = "controller"
)

// linkRecord is what pulling a cable has to know of it.
type linkRecord struct {
	End string // the router's end
	Dev string // the port of the router it belongs to
	// Of that port; the kernel drops them with the link.
	Routes  []netip.Prefix
	Proxied []netip.Addr
}

// Unplug pulls a cable: both ends lose their carrier.
func (t *Testbed) Unplug(ctx context.Context, l Link) error {
	r, ok := t.Layout.links()[l]
	if !ok {
		return fmt.Errorf("unplug %s: the site has no such link", l)
	}
	return t.Netns(RoleRouter).ip(ctx, "link", "set", r.End, "down")
}

// Plug puts a cable back.
func (t *Testbed) Plug(ctx context.Context, l Link) error {
	r, ok := t.Layout.links()[l]
	if !ok {
		return fmt.Errorf("plug %s: the site has no such link", l)
	}
	n := t.Netns(RoleRouter)
	if err := n.ip(ctx, "link", "set", r.End, "up"); err != nil {
		return err
	}
	for _, p := range r.Routes {
		if err := n.ip(ctx, "route", "replace", p.String(), "dev", r.Dev); err != nil {
			return err
		}
	}
	return n.answerFor(ctx, r.Dev, r.Proxied)
}

// links names the cables of a layout.
func (l *layout) links() map[Link]linkRecord {
	ends := map[string]linkRecord{}
	for _, p := range l.Ports {
		for _, m := range p.Members {
			r := ends[m.End]
			r.End, r.Dev = m.End, p.Name
			r.Routes = append(r.Routes, p.Routes...)
			r.Proxied = append(r.Proxied, p.Proxied...)
			ends[m.End] = r
		}
	}
	named := map[Link]linkRecord{}
	for link, end := range map[Link]string{LinkManagement: mgmtEnd, LinkService: svcEnd, LinkBMC: bmcEnd, LinkController: ctlEnd} {
		if r, ok := ends[end]; ok {
			named[link] = r
		}
	}
	if _, ok := named[LinkService]; !ok {
		named[LinkService] = named[LinkManagement]
	}
	return named
}

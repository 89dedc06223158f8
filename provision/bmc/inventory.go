package bmc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// InventoryWanted says what is looked at besides what costs nothing and the
// health of the parts. What nobody asks for is not read.
type InventoryWanted struct {
	MACs       []string   // lower case, colons: whether the controller knows them
	Log        *LogWanted // nil for no log
	Licences   bool
	SecureBoot bool
}

// Inventory is what a controller tells of itself and its server beyond what can
// be set. Each part has its own reason for not being known, of which
// state.ErrUnsupported says that the controller does not tell it.
type Inventory struct {
	Err error // why nothing is known

	Firmware string    // of the manager, in its words; "" where it does not tell
	BIOS     string    // likewise of the system
	Until    time.Time // when the certificate ends that was shown

	Parts       map[PartKind]Parts
	MACs        []string
	MACsErr     error
	Log         EventLog
	Licences    []Licence
	LicencesErr error
	SecureBoot  SecureBoot
	Modules     []TrustedModule
	ModulesErr  error
}

// Inventory looks at what the server is made of and how it is. It reads up to
// maxInventory resources, so that a plan does not do it.
func (c *Controller) Inventory(ctx context.Context, want InventoryWanted) Inventory {
	c.refresh()
	manager, system, err := c.both(ctx)
	if errors.Is(err, errStale) {
		c.forget()
		manager, system, err = c.both(ctx)
	}
	if err != nil {
		return Inventory{Until: c.session.Until, Err: fmt.Errorf("take the inventory of %s: %w", c.session.At.Address, err)}
	}
	c.remember()
	inv := newInspector(c.session).inventory(ctx, manager, system, want)
	inv.Until = c.session.Until
	return inv
}

// both are the resources that an inventory starts from.
func (c *Controller) both(ctx context.Context) (manager, system redfish.Document, err error) {
	if err = c.survey(ctx); err != nil {
		return manager, system, err
	}
	if manager, err = c.load(ctx, inManager); err != nil {
		return manager, system, err
	}
	system, err = c.load(ctx, inSystem)
	return manager, system, err
}

// inventory reads what was asked for first, and then the parts.
func (r *inspector) inventory(ctx context.Context, manager, system redfish.Document, want InventoryWanted) Inventory {
	inv := Inventory{Firmware: redfish.Short(manager.Text("FirmwareVersion")), BIOS: redfish.Short(system.Text("BiosVersion"))}
	inv.Modules, inv.ModulesErr = trustedModules(system)
	if want.SecureBoot {
		inv.SecureBoot = r.secureBoot(ctx, system)
	}
	if want.Licences {
		inv.Licences, inv.LicencesErr = r.licences(ctx, manager)
	}
	if want.Log != nil {
		inv.Log = r.events(ctx, manager, system, *want.Log)
	}
	chassis, err := r.chassis(ctx, manager, system)
	if len(want.MACs) > 0 {
		inv.MACs, inv.MACsErr = r.macs(ctx, system, chassis, want.MACs)
	}
	inv.Parts = r.parts(ctx, system, chassis, err)
	return inv
}

// chassis are those that the system is in, and those of its manager. The error
// is why one was not seen.
func (r *inspector) chassis(ctx context.Context, manager, system redfish.Document) (out []redfish.Document, err error) {
	uris := append(system.Targets("Links", "Chassis"), manager.Targets("Links", "ManagerForChassis")...)
	if len(uris) == 0 {
		return nil, unsupported("neither the system nor the manager names a chassis")
	}
	uris = uris[:min(len(uris), maxInventory)]
	for i, uri := range uris {
		if slices.Contains(uris[:i], uri) {
			continue
		}
		d, wrong := r.get(ctx, uri)
		if wrong != nil {
			err = firstOf(err, wrong)
			continue
		}
		out = append(out, d)
	}
	return out, err
}

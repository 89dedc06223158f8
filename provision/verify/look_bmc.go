package verify

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
)

// lookAtBMC reads who the BMC is, the settings that are wanted of it, and the
// hardware where the site says what there has to be.
func lookAtBMC(ctx context.Context, s *site.Site, v Vantages, e *Evidence) {
	if v.BMC != nil {
		e.BMC = gatherBMC(ctx, s, v)
	}
}

func gatherBMC(ctx context.Context, s *site.Site, v Vantages) BMCEvidence {
	var e BMCEvidence
	c, err := v.BMC(ctx)
	if err != nil {
		return BMCEvidence{Err: err}
	}
	if e.Identity, e.Err = c.Identity(ctx); e.Err != nil {
		return e
	}
	var wanted []state.Item
	for name, values := range wantedSettings(s.BMC) {
		wanted = append(wanted, state.Item{Key: state.Key{Kind: state.Setting, Name: name}, Value: state.Attr{Values: values}})
	}
	slices.SortFunc(wanted, func(a, b state.Item) int { return a.Key.Compare(b.Key) })
	e.Facts = map[string]state.Fact{}
	for _, f := range c.Read(ctx, wanted) {
		e.Facts[f.Key.Name] = f
	}
	e.Administrators, e.AdministratorsErr = c.Administrators(ctx)
	if s.BMC.Hardware != (site.Hardware{}) {
		e.Hardware, e.HardwareErr = countHardware(ctx, c)
	}
	e.At = time.Now()
	e.Inventory = takeInventory(ctx, c, inventoryWanted(s, e.At))
	return e
}

// inventoryWanted is what the checks of an inventory that is taken at this time
// need.
func inventoryWanted(s *site.Site, at time.Time) bmc.InventoryWanted {
	expect := s.BMC.Expect
	want := bmc.InventoryWanted{Licences: len(expect.Licences) > 0, SecureBoot: expect.SecureBoot != ""}
	for _, i := range macsOf(s) {
		want.MACs = append(want.MACs, i.Match.MAC)
	}
	if l := expect.EventLog; l != nil {
		want.Log = &bmc.LogWanted{Name: l.Log, Severity: "Warning", Since: logSince(l, at)}
		if l.Severity == "critical" {
			want.Log.Severity = "Critical"
		}
	}
	return want
}

// inventoryTaker is a Controller that takes an inventory; *bmc.Controller does.
type inventoryTaker interface {
	Inventory(context.Context, bmc.InventoryWanted) bmc.Inventory
}

func takeInventory(ctx context.Context, c Controller, want bmc.InventoryWanted) bmc.Inventory {
	taker, ok := c.(inventoryTaker)
	if !ok {
		return bmc.Inventory{Err: errors.New("this session cannot take an inventory")}
	}
	return taker.Inventory(ctx, want)
}

// hardwareCounter is a Controller that counts hardware; *bmc.Controller does.
type hardwareCounter interface {
	Hardware(context.Context) (bmc.Hardware, error)
}

func countHardware(ctx context.Context, c Controller) (bmc.Hardware, error) {
	counter, ok := c.(hardwareCounter)
	if !ok {
		return bmc.Hardware{}, errors.New("this session cannot count hardware")
	}
	return counter.Hardware(ctx)
}

package verify

import (
	"context"
	"errors"
	"slices"

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
	return e
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

package bmc

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/raiz-dns/raiz/provision/state"
)

// Read looks at the wanted settings and returns one fact for each, in the
// order asked. It never fails as a whole: what could not be looked at is an
// unknown fact. Where a value is wanted that this controller is known not to
// take, the fact says so; a nil value wants nothing.
func (c *Controller) Read(ctx context.Context, wanted []state.Item) []state.Fact {
	c.refresh()
	out := c.readAll(ctx, wanted)
	for _, f := range out {
		if errors.Is(f.Err, errStale) {
			c.session.Log.Info("remembered links are stale; looking again", "address", c.session.At.Address)
			c.forget()
			out = c.readAll(ctx, wanted)
			break
		}
	}
	c.remember()
	return out
}

func (c *Controller) readAll(ctx context.Context, wanted []state.Item) []state.Fact {
	out := make([]state.Fact, 0, len(wanted))
	err := c.survey(ctx)
	for _, it := range wanted {
		f := state.Fact{Key: it.Key, Err: err}
		if err == nil || it.Key.Name == accountName {
			f = c.judged(ctx, it, err)
		}
		if f.Err != nil {
			f.Err = fmt.Errorf("read %s of %s: %w", it.Key.Name, c.session.At.Address, f.Err)
		}
		out = append(out, f)
	}
	c.values.queued(ctx, wanted, out)
	return out
}

// judged reads one setting, and says when it cannot become what is wanted. sick
// is why the controller can be looked at but not changed, or nil.
func (c *Controller) judged(ctx context.Context, it state.Item, sick error) state.Fact {
	f := state.Fact{Key: it.Key}
	v, err := c.readOne(ctx, it.Key)
	if s, known := c.values.named(it.Key.Name); err == nil && sick == nil && known {
		if _, s, err = c.values.value(ctx, s); err == nil {
			f.AtReboot, f.Pending, err = c.values.pending(ctx, s, v)
		}
	}
	want, ok := it.Value.(state.Attr)
	if err == nil && ok && !same(v, want) && (f.Pending == nil || !want.Equal(f.Pending)) {
		if err = sick; err == nil && c.where != nil {
			if why := c.values.unsettable(ctx, it, want); why != "" {
				err = &fixedError{why}
			}
		}
	}
	if _, fixed := errors.AsType[*fixedError](err); v != nil && (err == nil || fixed) {
		f.Value = *v
	}
	f.Err = err
	return f
}

func (c *Controller) readOne(ctx context.Context, k state.Key) (*state.Attr, error) {
	if k.Kind != state.Setting {
		return nil, unsupported("%s is no setting of a bmc", k)
	}
	switch k.Name {
	case accountName:
		return c.accounts.read(ctx)
	case factoryAccountName:
		return c.factory.read(ctx)
	case httpsCertificateName:
		return c.https.read()
	}
	s, ok := c.values.named(k.Name)
	if !ok {
		return nil, unsupported("raiz knows no bmc setting of this name")
	}
	v, s, err := c.values.value(ctx, s)
	if err == nil && s.fixed != nil && s.fixed(c.where.docs[s.in]) != "" {
		err = &fixedError{s.fixed(c.where.docs[s.in])}
	}
	return v, err
}

// Identity is what a controller says about itself and its server. Fields it
// does not give are empty.
type Identity struct {
	Vendor   string
	Line     string // openbmc, idrac, ilo, xcc, supermicro, ami or generic
	Model    string // of the server
	Serial   string // of the server
	UUID     string // of the manager, else of the service
	Firmware string // of the manager
	Redfish  string // version of the service
	Health   string // of the server: OK, Warning or Critical
}

// Identity tells what the controller is.
func (c *Controller) Identity(ctx context.Context) (Identity, error) {
	id, err := identify(ctx, c.resources)
	if errors.Is(err, errStale) {
		c.forget()
		id, err = identify(ctx, c.resources)
	}
	c.remember()
	if err != nil {
		return id, fmt.Errorf("identify bmc at %s: %w", c.session.At.Address, err)
	}
	return id, nil
}

func identify(ctx context.Context, r *resources) (Identity, error) {
	if err := r.survey(ctx); err != nil {
		return Identity{}, err
	}
	m, err := r.load(ctx, inManager)
	if err != nil {
		return Identity{}, err
	}
	s, err := r.load(ctx, inSystem)
	if err != nil && !errors.Is(err, state.ErrUnsupported) {
		return Identity{}, err
	}
	return Identity{
		Vendor:   cmp.Or(r.session.Root.Text("Vendor"), s.Text("Manufacturer"), m.Text("Manufacturer")),
		Line:     r.where.facts.Line,
		Model:    cmp.Or(s.Text("Model"), m.Text("Model")),
		Serial:   s.Text("SerialNumber"),
		UUID:     cmp.Or(m.Text("UUID"), r.session.Root.Text("UUID")),
		Firmware: m.Text("FirmwareVersion"),
		Redfish:  r.session.Root.Text("RedfishVersion"),
		Health:   s.Text("Status", "Health"),
	}, nil
}

// Quirks returns the quirks that fired for this controller, in table order.
// It is empty before the first Read, Set or Identity.
func (c *Controller) Quirks() []Quirk {
	if c.where == nil {
		return nil
	}
	return c.where.fired
}

// Administrators are the names of enabled accounts that may change settings, or make
// one that may; at most those of a collection of 64.
func (c *Controller) Administrators(ctx context.Context) ([]string, error) {
	c.refresh()
	out, err := c.accounts.administrators(ctx)
	if err != nil {
		return nil, fmt.Errorf("read accounts of %s: %w", c.session.At.Address, err)
	}
	return out, nil
}

package bmc

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/raiz-dns/raiz/provision/state"
)

// bootTargets are the boot sources of ComputerSystem that a site may name.
func bootTargets() []word {
	return []word{{"Hdd", "disk"}, {"Pxe", "pxe"}, {"UefiHttp", "http"}, {"Cd", "cd"}, {"Usb", "usb"}, {"BiosSetup", "setup"}}
}

// BootTargets returns the names that BootOnce takes.
func BootTargets() []string {
	var out []string
	for _, w := range bootTargets() {
		out = append(out, w.ours)
	}
	return out
}

// readBoot tells what is booted always: "order" follows the boot order. An
// override for the next boot alone is nobody's setting.
func readBoot(d document) (*state.Attr, error) {
	enabled := d.text("Boot", "BootSourceOverrideEnabled")
	switch enabled {
	case "":
		return nil, unsupported("the system %s has no boot override", d.text("Id"))
	case "Disabled", "Once":
		return attr("order"), nil
	}
	target := d.text("Boot", "BootSourceOverrideTarget")
	if placeholder(target) {
		return attr("order"), nil
	}
	for _, w := range bootTargets() {
		if w.theirs == target {
			return attr(w.ours), nil
		}
	}
	return nil, fmt.Errorf("read the boot override: %q is no known source", words(target))
}

func writeBoot(d document, want state.Attr) (object, error) {
	s, err := one(want)
	if err != nil {
		return nil, err
	}
	if s == "order" {
		return bootOverride(d, "Disabled", "None")
	}
	return bootTo(d, "Continuous", s)
}

func bootTo(d document, how, ours string) (object, error) {
	for _, w := range bootTargets() {
		if w.ours == ours {
			return bootOverride(d, how, w.theirs)
		}
	}
	return nil, fmt.Errorf("%w: %q is no boot source", errValue, ours)
}

func bootOverride(d document, how, target string) (object, error) {
	if !d.has("Boot", "BootSourceOverrideEnabled") {
		return nil, unsupported("the system %s has no boot override", d.text("Id"))
	}
	for name, value := range map[string]string{"BootSourceOverrideTarget": target, "BootSourceOverrideEnabled": how} {
		allowed := clean(d.list("Boot", name+"@Redfish.AllowableValues"))
		if len(allowed) > 0 && !slices.Contains(allowed, value) && value != "None" {
			return nil, unsupported("the system %s does not take %s as %s", d.text("Id"), value, name)
		}
	}
	body := object{"BootSourceOverrideEnabled": how, "BootSourceOverrideTarget": target}
	// Supermicro falls back to its default mode when it is left out, by
	// design as they say (Redfishtool #106).
	if mode := d.text("Boot", "BootSourceOverrideMode"); mode != "" {
		body["BootSourceOverrideMode"] = mode
	}
	return object{"Boot": body}, nil
}

func readBootOrder(d document) (*state.Attr, error) {
	if !d.has("Boot", "BootOrder") {
		return nil, unsupported("the system %s has no BootOrder", d.text("Id"))
	}
	var out []string
	for _, e := range d.list("Boot", "BootOrder") {
		if s, _ := e.(string); s != "" {
			out = append(out, words(s))
		}
	}
	return attr(out...), nil
}

func fixedBootOrder(d document) string {
	if d.link("@Redfish.Settings", "SettingsObject") == "" {
		return ""
	}
	return fmt.Sprintf("the system %s changes its boot order at a reboot only; set it on site", d.text("Id"))
}

func writeBootOrder(d document, want state.Attr) (object, error) {
	have, err := readBootOrder(d)
	if err != nil {
		return nil, err
	}
	// A controller that gets a part forgets the rest, or refuses it.
	a, b := slices.Sorted(slices.Values(have.Values)), slices.Sorted(slices.Values(want.Values))
	if !slices.Equal(a, b) {
		return nil, fmt.Errorf("%w: the order has to name each of %s once", errValue, show(have))
	}
	return nest(asJSON(want.Values, 0, ""), "Boot", "BootOrder"), nil
}

// BootOnce makes the next boot of the server come from one of BootTargets,
// and the ones after it as before. It reads back what it has set.
func (c *Controller) BootOnce(ctx context.Context, from string) error {
	if err := c.surveyAgain(ctx); err != nil {
		return fmt.Errorf("boot the server of %s from %s: %w", c.at.Address, from, err)
	}
	ans, err := c.patch(ctx, inSystem, public, func(d document) (object, error) { return bootTo(d, "Once", from) })
	c.refresh()
	d, seen := c.load(ctx, inSystem)
	if err = cmp.Or(err, seen); err != nil {
		return fmt.Errorf("boot the server of %s from %s: %w", c.at.Address, from, err)
	}
	var target string
	for _, w := range bootTargets() {
		if w.ours == from {
			target = w.theirs
		}
	}
	if d.text("Boot", "BootSourceOverrideEnabled") == "Disabled" || d.text("Boot", "BootSourceOverrideTarget") != target {
		return fmt.Errorf("boot the server of %s from %s: %w%s", c.at.Address, from, errRefused, because(ans.notes))
	}
	return nil
}

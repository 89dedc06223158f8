package bmc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/redfish"
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
func readBoot(d redfish.Document) (*state.Attr, error) {
	enabled := d.Text("Boot", "BootSourceOverrideEnabled")
	switch enabled {
	case "":
		return nil, unsupported("the system %s has no boot override", d.ID())
	case "Disabled", "Once":
		return attr("order"), nil
	}
	target := d.Text("Boot", "BootSourceOverrideTarget")
	if placeholder(target) {
		return attr("order"), nil
	}
	for _, w := range bootTargets() {
		if w.theirs == target {
			return attr(w.ours), nil
		}
	}
	return nil, fmt.Errorf("read the boot override: %q is no known source", redfish.Short(target))
}

func writeBoot(d redfish.Document, want state.Attr) (redfish.Object, error) {
	s, err := one(want)
	if err != nil {
		return nil, err
	}
	if s == "order" {
		return bootOverride(d, "Disabled", "None")
	}
	return bootTo(d, "Continuous", s)
}

func bootTo(d redfish.Document, how, ours string) (redfish.Object, error) {
	for _, w := range bootTargets() {
		if w.ours == ours {
			return bootOverride(d, how, w.theirs)
		}
	}
	return nil, fmt.Errorf("%w: %q is no boot source", errValue, ours)
}

func bootOverride(d redfish.Document, how, target string) (redfish.Object, error) {
	if !d.Has("Boot", "BootSourceOverrideEnabled") {
		return nil, unsupported("the system %s has no boot override", d.ID())
	}
	for name, value := range map[string]string{"BootSourceOverrideTarget": target, "BootSourceOverrideEnabled": how} {
		allowed := clean(d.List("Boot", name+"@Redfish.AllowableValues"))
		if len(allowed) > 0 && !slices.Contains(allowed, value) && value != "None" {
			return nil, unsupported("the system %s does not take %s as %s", d.ID(), value, name)
		}
	}
	body := redfish.Object{"BootSourceOverrideEnabled": how, "BootSourceOverrideTarget": target}
	// Supermicro falls back to its default mode when it is left out, by
	// design as they say (Redfishtool #106).
	if mode := d.Text("Boot", "BootSourceOverrideMode"); mode != "" {
		body["BootSourceOverrideMode"] = mode
	}
	return redfish.Object{"Boot": body}, nil
}

func readBootOrder(d redfish.Document) (*state.Attr, error) {
	if d.At("Boot", "BootOrder") == nil { // null is no value (DSP0266, null)
		return nil, unsupported("the system %s has no BootOrder", d.ID())
	}
	list, isList := d.At("Boot", "BootOrder").([]any)
	out := make([]string, 0, len(list))
	for _, e := range list {
		name, _ := e.(string)
		isList = isList && strings.TrimSpace(name) != ""
		out = append(out, redfish.Short(name))
	}
	if !isList || len(list) > maxTexts {
		return nil, fmt.Errorf("read the boot order: it is no list of at most %d names", maxTexts)
	}
	return attr(out...), nil
}

func writeBootOrder(d redfish.Document, want state.Attr) (redfish.Object, error) {
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

package bmc

import (
	"context"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// SecureBoot is how the server starts (SecureBoot.v1_0_0), in the controller's
// words; a field that it does not give is empty.
type SecureBoot struct {
	Now  string // SecureBootCurrentBoot: Enabled or Disabled, at the boot that runs
	Next string // SecureBootEnable: on or off, from the next boot on
	Mode string // SecureBootMode: UserMode, SetupMode, AuditMode or DeployedMode
	Err  error
}

func (r *inspector) secureBoot(ctx context.Context, system redfish.Document) SecureBoot {
	uri := system.Link("SecureBoot")
	if uri == "" {
		return SecureBoot{Err: unsupported("the system %s does not tell of secure boot", system.ID())}
	}
	d, err := r.get(ctx, uri)
	if err != nil {
		return SecureBoot{Err: err}
	}
	s := SecureBoot{Now: redfish.Short(d.Text("SecureBootCurrentBoot")), Mode: redfish.Short(d.Text("SecureBootMode"))}
	switch d.At("SecureBootEnable") {
	case true:
		s.Next = "on"
	case false:
		s.Next = "off"
	}
	if s.Now == "" {
		s.Err = unsupported("%s does not tell how the server was booted", uri)
	}
	return s
}

// TrustedModule is a module of the system's TrustedModules, in the controller's
// words.
type TrustedModule struct {
	Interface string // such as TPM2_0
	State     string // such as Enabled; "" where it is not told
	Health    string
}

// trustedModules costs no read. An empty list says that there is none.
func trustedModules(system redfish.Document) ([]TrustedModule, error) {
	if _, ok := system.At("TrustedModules").([]any); !ok {
		return nil, unsupported("the system %s does not tell its trusted modules", system.ID())
	}
	var out []TrustedModule
	for _, m := range inside(system, "TrustedModules") {
		out = append(out, TrustedModule{
			Interface: redfish.Short(m.Text("InterfaceType")), State: redfish.Short(m.Text("Status", "State")), Health: redfish.Short(m.Text("Status", "Health")),
		})
	}
	return out, nil
}

package verify

import (
	"errors"
	"maps"
	"net/netip"
	"strings"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
)

// settingNames are the settings that are looked at.
func settingNames() []string {
	return []string{
		"account", "ipv4.dhcp", "ipv4.address", "ipv4.gateway", "ipv6.address", "ipv6.gateway", "vlan", "dns", "ntp", "hostname", "ipmi",
		"protocol.ssh", "protocol.telnet", "protocol.snmp", "protocol.http", "protocol.kvm-ip", "protocol.virtual-media",
		"serial-console", "https-certificate", "power-restore", "boot", "boot-order",
	}
}

func bmcChecks(s *site.Site, e Evidence) []check {
	if s.BMC == nil {
		return nil
	}
	checks := []check{{
		id: "bmc.login", title: "BMC answers, is the one, and lets us in", vantage: FromBMC,
		want: "login as " + s.BMC.Username, find: func() finding { return bmcLogin(e.BMC) },
	}, {
		id: "bmc.health", title: "hardware is healthy", vantage: FromBMC, want: "OK", needs: []string{"bmc.login"},
		find: func() finding { return bmcHealth(e.BMC.Identity) },
	}}
	want := wantedSettings(s.BMC)
	for _, name := range settingNames() {
		if why, off := s.BMC.Unmanaged[name]; off {
			checks = append(checks, check{
				id: "bmc." + name, title: "BMC setting " + name, vantage: FromBMC, want: "left alone",
				find: func() finding {
					return finding{status: Skipped, got: "not looked", detail: "the site leaves it alone: " + why}
				},
			})
			continue
		}
		values, declared := want[name]
		if !declared {
			continue
		}
		checks = append(checks, check{
			id: "bmc." + name, title: "BMC setting " + name, vantage: FromBMC, want: joined(values), needs: []string{"bmc.login"},
			find: func() finding { return bmcSetting(values, e.BMC.Facts[name]) },
		})
	}
	return append(checks, hardwareChecks(s.BMC.Hardware, e.BMC)...)
}

func bmcLogin(e BMCEvidence) finding {
	switch {
	case e.Err == nil && e.Facts == nil:
		return unknown(errNotLooked)
	case e.Err == nil:
		return pass(e.Identity.Vendor + " " + e.Identity.Model + ", firmware " + e.Identity.Firmware + ", serial " + e.Identity.Serial)
	case errors.Is(e.Err, redfish.ErrCertificate):
		return fail("another certificate", e.Err.Error())
	case errors.Is(e.Err, redfish.ErrAuth):
		return fail("login refused", e.Err.Error())
	case errors.Is(e.Err, redfish.ErrPasswordChange):
		return fail("a new password is wanted first", e.Err.Error())
	}
	return finding{status: Unknown, got: "no answer", detail: e.Err.Error()}
}

func bmcHealth(id bmc.Identity) finding {
	switch id.Health {
	case "OK":
		return pass("OK")
	case "Warning":
		return finding{status: Warn, got: "Warning", detail: "look at the event log of the BMC"}
	case "":
		return finding{status: Unknown, got: "not told", detail: "this controller does not tell the health of the server"}
	}
	return fail(id.Health, "look at the event log of the BMC")
}

func bmcSetting(want []string, f state.Fact) finding {
	switch {
	case f.Key == (state.Key{}):
		return unknown(errNotLooked)
	case f.Unknown():
		return unknown(f.Err)
	}
	have, ok := f.Value.(state.Attr)
	switch {
	case ok && strings.Join(have.Values, "\n") == strings.Join(want, "\n"):
		return pass(joined(have.Values))
	case f.Unsupported() && ok:
		return finding{status: Warn, got: joined(have.Values), detail: f.Err.Error()}
	case f.Unsupported():
		return finding{status: Warn, got: "unsupported", detail: f.Err.Error()}
	}
	return fail(joined(have.Values), "raiz apply sets it")
}

// wantedSettings are said here once more, from the site and not from what
// render makes of it: a check must be able to catch a rendering that is wrong.
func wantedSettings(b *site.BMC) map[string][]string {
	want := map[string][]string{"account": {b.Username}, "ipmi": {"off"}, "ipv4.dhcp": {"off"}}
	family := func(a netip.Addr) string {
		if a.Is4() {
			return "ipv4"
		}
		return "ipv6"
	}
	for _, a := range b.Addresses {
		want[family(a.Addr())+".address"] = []string{a.String()}
	}
	for _, g := range b.Gateways {
		want[family(g)+".gateway"] = []string{g.String()}
	}
	for _, a := range b.DNS {
		want["dns"] = append(want["dns"], a.String())
	}
	if len(b.NTP) > 0 {
		want["ntp"] = b.NTP
	}
	if b.Hostname != "" {
		want["hostname"] = []string{b.Hostname}
	}
	if b.PowerRestore != "" {
		want["power-restore"] = []string{string(b.PowerRestore)}
	}
	for name, word := range b.Protocols {
		want["protocol."+name] = []string{word}
	}
	for name, word := range map[string]string{"vlan": b.VLAN, "serial-console": b.SerialConsole, "boot": b.Boot} {
		if word != "" {
			want[name] = []string{word}
		}
	}
	if b.HTTPS != nil {
		want["https-certificate"] = []string{b.HTTPS.Fingerprint}
	}
	if len(b.BootOrder) > 0 {
		want["boot-order"] = b.BootOrder
	}
	maps.DeleteFunc(want, func(name string, _ []string) bool { _, off := b.Unmanaged[name]; return off })
	return want
}

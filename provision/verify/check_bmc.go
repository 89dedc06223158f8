package verify

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// settingNames are the settings in the order in which they are looked at.
func settingNames(want map[string][]string) []string {
	first := []string{
		"account", "ipv4.dhcp", "ipv4.address", "ipv4.gateway", "ipv6.address", "ipv6.gateway", "vlan", "dns", "ntp", "hostname", "ipmi",
		"protocol.ssh", "protocol.telnet", "protocol.snmp", "protocol.http", "protocol.kvm-ip", "protocol.virtual-media",
		"serial-console", "https-certificate", "power-restore", "boot", "boot-order", "factory-account",
	}
	out := slices.DeleteFunc(first, func(name string) bool { return want[name] == nil })
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !slices.Contains(out, name) {
			out = append(out, name) // what this list has no place for is looked at all the same
		}
	}
	return out
}

func bmcChecks(s *site.Site, e Evidence) []check {
	if s.BMC == nil {
		return nil
	}
	checks := []check{{
		id: "bmc.login", vantage: FromBMC, title: verdict.New("bmc.login.title"),
		want:  verdict.New("bmc.login.want", verdict.Word("user", s.BMC.Username)),
		about: []string{"BMC"}, find: func() finding { return bmcLogin(e.BMC) },
	}, {
		id: "bmc.health", vantage: FromBMC, title: verdict.New("bmc.health.title"), want: verdict.New("bmc.health", verdict.Seen("health", "OK")),
		about: []string{"BMC"}, needs: []string{"bmc.login"}, find: func() finding { return bmcHealth(e.BMC.Identity) },
	}}
	checks = append(checks, check{
		id: "bmc.accounts", vantage: FromBMC, title: verdict.New("bmc.accounts.title"), want: verdict.New("bmc.accounts.want"),
		about: []string{"BMC"}, needs: []string{"bmc.login"}, find: func() finding { return foreignAdministrators(s.BMC, e.BMC) },
	})
	for _, name := range slices.Sorted(maps.Keys(s.BMC.Unmanaged)) {
		checks = append(checks, check{
			id: "bmc." + name, vantage: FromBMC, title: verdict.New("bmc.setting.title", verdict.Word("setting", name)),
			want: verdict.New("bmc.setting.unmanaged"), about: []string{name}, find: func() finding {
				return notLooked(verdict.New("bmc.setting.unmanaged.why", verdict.Seen("reason", s.BMC.Unmanaged[name])))
			},
		})
	}
	want := wantedSettings(s.BMC)
	for _, name := range settingNames(want) {
		values := want[name]
		checks = append(checks, check{
			id: "bmc." + name, vantage: FromBMC, title: verdict.New("bmc.setting.title", verdict.Word("setting", name)),
			want:  verdict.New("bmc.setting.want", verdict.Words("values", values)),
			about: slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" }),
			needs: []string{"bmc.login"}, find: func() finding { return bmcSetting(values, e.BMC.Facts[name]) },
		})
	}
	return checks
}

func bmcLogin(e BMCEvidence) finding {
	switch {
	case e.Err == nil && e.Facts == nil:
		return unknown(why(errNotLooked))
	case e.Err == nil:
		return pass(verdict.New("bmc.login.in", verdict.Seen("vendor", e.Identity.Vendor), verdict.Seen("model", e.Identity.Model),
			verdict.Seen("firmware", e.Identity.Firmware), verdict.Seen("serial", e.Identity.Serial)))
	case errors.Is(e.Err, redfish.ErrCertificate):
		return fail(verdict.New("bmc.login.other-certificate")).with(why(e.Err))
	case errors.Is(e.Err, redfish.ErrAuth):
		return fail(verdict.New("bmc.login.refused")).with(why(e.Err))
	case errors.Is(e.Err, redfish.ErrPasswordChange):
		return fail(verdict.New("bmc.login.password-change")).with(why(e.Err))
	}
	return finding{status: Unknown, got: []verdict.Message{verdict.New("bmc.login.silent")}}.with(why(e.Err))
}

func bmcHealth(id bmc.Identity) finding {
	health := verdict.New("bmc.health", verdict.Seen("health", id.Health))
	switch id.Health {
	case "OK":
		return pass(health)
	case "Warning":
		return warn(health, verdict.New("bmc.health.advice"))
	case "":
		return finding{status: Unknown, got: []verdict.Message{verdict.New("bmc.health.untold")}}.with(verdict.New("bmc.health.untold.why"))
	}
	return fail(health, verdict.New("bmc.health.advice"))
}

func bmcSetting(want []string, f state.Fact) finding {
	switch {
	case f.Key == (state.Key{}):
		return unknown(why(errNotLooked))
	case f.Unknown():
		return unknown(why(f.Err))
	}
	have, ok := f.Value.(state.Attr)
	values := verdict.New("bmc.setting", verdict.AllSeen("values", have.Values))
	pending, waits := f.Pending.(state.Attr)
	waiting := verdict.New("bmc.setting.waits", verdict.AllSeen("values", have.Values), verdict.AllSeen("pending", pending.Values))
	switch {
	case waits && slices.Equal(pending.Values, want):
		return warn(waiting, verdict.New("bmc.setting.waits.advice"))
	case waits:
		return fail(waiting, verdict.New("bmc.setting.advice"))
	case ok && slices.Equal(have.Values, want):
		return pass(values)
	case ok && f.Queued != "":
		return warn(verdict.New("bmc.setting.queued", verdict.AllSeen("values", have.Values)), verdict.New("bmc.setting.queued.advice")).with(verdict.New("bmc.setting.queued.why", verdict.Seen("why", f.Queued)))
	case f.Unsupported() && ok:
		return warn(values).with(why(f.Err))
	case f.Unsupported():
		return warn(verdict.New("bmc.setting.unsupported")).with(why(f.Err))
	}
	return fail(values, verdict.New("bmc.setting.advice"))
}

// foreignAdministrators may change the BMC, and nobody has declared them by the
// name that they have, letter by letter: some controllers have raiz and RAIZ. Of the
// account of the factory there is a check of its own.
func foreignAdministrators(b *site.BMC, e BMCEvidence) finding {
	switch {
	case e.AdministratorsErr != nil && errors.Is(e.AdministratorsErr, state.ErrUnsupported):
		return warn(verdict.New("bmc.accounts.unsupported")).with(why(e.AdministratorsErr))
	case e.AdministratorsErr != nil:
		return unknown(why(e.AdministratorsErr))
	case len(e.Administrators) == 0:
		return unknown(why(errNotLooked)) // we have come as one of them
	}
	declared := append([]string{b.Username}, b.Accounts...)
	if b.Factory != nil {
		declared = append(declared, b.Factory.Username)
	}
	var out []verdict.Message
	for _, name := range e.Administrators {
		if !slices.Contains(declared, name) {
			out = append(out, verdict.New("bmc.account.foreign", verdict.Seen("name", name)))
		}
	}
	if len(out) > 0 {
		return finding{status: Fail, got: few(out), advice: []verdict.Message{verdict.New("bmc.accounts.advice")}}
	}
	return pass(verdict.New("bmc.accounts.want"))
}

// wantedSettings are said here once more, from the site and not from what
// render makes of it: a check must be able to catch a rendering that is wrong.
func wantedSettings(b *site.BMC) map[string][]string {
	want := map[string][]string{"account": {b.Username}, "ipmi": {"off"}, "ipv4.dhcp": {"off"}}
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
	if b.Factory != nil && !strings.EqualFold(b.Factory.Username, b.Username) {
		want["factory-account"] = []string{b.Factory.Username + ": off"}
	}
	maps.DeleteFunc(want, func(name string, _ []string) bool { _, off := b.Unmanaged[name]; return off })
	return want
}

func bmcCodes() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("bmc.login.title", "the login to the BMC"),
		verdict.Define("bmc.login.want", "a login is wanted", verdict.TypeWord.Named("user")),
		verdict.Define("bmc.login.in", "somebody is logged in to this BMC", verdict.TypeSeen.Named("vendor"), verdict.TypeSeen.Named("model"),
			verdict.TypeSeen.Named("firmware"), verdict.TypeSeen.Named("serial")),
		verdict.Define("bmc.login.other-certificate", "the BMC has another certificate than the site declares"),
		verdict.Define("bmc.login.refused", "the BMC refuses the login"),
		verdict.Define("bmc.login.password-change", "the BMC wants a new password first"),
		verdict.Define("bmc.login.silent", "the BMC does not answer"),
		verdict.Define("bmc.health.title", "the health of the hardware, as the BMC tells it"),
		verdict.Define("bmc.health", "the health, by the words of Redfish", verdict.TypeSeen.Named("health")),
		verdict.Define("bmc.health.advice", "where to see what is broken"),
		verdict.Define("bmc.health.untold", "the health is not told"),
		verdict.Define("bmc.health.untold.why", "some controllers do not tell it"),
		verdict.Define("bmc.accounts.title", "who may change the BMC"),
		verdict.Define("bmc.accounts.want", "nobody but those that the site declares"),
		verdict.Define("bmc.accounts.unsupported", "the controller does not list its accounts"),
		verdict.Define("bmc.account.foreign", "an administrator that nobody has declared", verdict.TypeSeen.Named("name")),
		verdict.Define("bmc.accounts.advice", "where to declare it, or to remove it"),
		verdict.Define("bmc.setting.title", "a setting of the BMC", verdict.TypeWord.Named("setting")),
		verdict.Define("bmc.setting.want", "the values that the site declares", verdict.TypeWords.Named("values")),
		verdict.Define("bmc.setting", "the values of a setting", verdict.TypeAllSeen.Named("values")),
		verdict.Define("bmc.setting.queued", "the setting can be written once the server has been rebooted", verdict.TypeAllSeen.Named("values")),
		verdict.Define("bmc.setting.queued.advice", "what to do about a setting that comes after a reboot"),
		verdict.Define("bmc.setting.queued.why", "why it cannot be written before", verdict.TypeSeen.Named("why")),
		verdict.Define("bmc.setting.waits", "the setting is to become another one at the next reboot of the server", verdict.TypeAllSeen.Named("values"), verdict.TypeAllSeen.Named("pending")),
		verdict.Define("bmc.setting.waits.advice", "what makes a setting take effect that waits for a reboot"),
		verdict.Define("bmc.setting.unsupported", "the controller does not have the setting"),
		verdict.Define("bmc.setting.unmanaged", "the site leaves the setting alone"),
		verdict.Define("bmc.setting.unmanaged.why", "why the site leaves it alone, in its words", verdict.TypeSeen.Named("reason")),
		verdict.Define("bmc.setting.advice", "raiz apply sets it"),
	}
}

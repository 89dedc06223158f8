package verify

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// inventoryChecks compare what a controller tells and nobody sets with what the
// site expects. What it does not tell is a warning that names it, and what could
// not be seen is unknown.
func inventoryChecks(s *site.Site, e Evidence) []check {
	if s.BMC == nil {
		return nil
	}
	want, inv := s.BMC.Expect, e.BMC.Inventory
	checks := []check{{
		id: "bmc.certificate", vantage: FromBMC, title: verdict.New("bmc.certificate.title"), want: verdict.New("bmc.certificate.want", verdict.Count("days", want.CertificateDays)),
		about: []string{"certificate"}, needs: []string{"bmc.login"}, find: func() finding { return certificate(inv.Until, e.BMC.At, want.CertificateDays) },
	}}
	for _, v := range []struct {
		id    string
		title verdict.Message
		least string
		have  string
	}{
		{"bmc.firmware", verdict.New("bmc.firmware.title"), want.Firmware, inv.Firmware},
		{"bmc.bios", verdict.New("bmc.bios.title"), want.BIOS, inv.BIOS},
	} {
		if v.least != "" {
			checks = append(checks, e.BMC.inventoried(v.id, v.least, v.title, verdict.New("bmc.version.want", verdict.Word("version", v.least)),
				func() finding { return atLeast(v.least, v.have) }))
		}
	}
	if len(want.Licences) > 0 {
		checks = append(checks, e.BMC.inventoried("bmc.licence", "licence", verdict.New("bmc.licence.title"), verdict.New("bmc.licence.want", verdict.Words("licences", want.Licences)),
			func() finding { return licensed(want.Licences, inv, e.BMC.At) }))
	}
	if want.SecureBoot != "" {
		checks = append(checks, e.BMC.inventoried("bmc.secure-boot", "secure-boot", verdict.New("bmc.secure-boot.title"), verdict.New("bmc.secure-boot.want", verdict.Word("state", want.SecureBoot)),
			func() finding { return secureBoot(want.SecureBoot, inv.SecureBoot) }))
	}
	if want.TPM != "" {
		checks = append(checks, e.BMC.inventoried("bmc.tpm", "TPM", verdict.New("bmc.tpm.title"), verdict.New("bmc.tpm.want", verdict.Word("version", want.TPM)),
			func() finding { return trustedModule(want.TPM, inv) }))
	}
	for _, i := range macsOf(s) {
		checks = append(checks, e.BMC.inventoried("bmc.mac."+i.Role, i.Match.MAC, verdict.New("bmc.mac.title", verdict.Word("interface", i.Role)), verdict.New("bmc.mac.want", verdict.Word("mac", i.Match.MAC)),
			func() finding { return knownPort(i.Match.MAC, inv) }))
	}
	return checks
}

// macsOf are the interfaces that are declared by their address.
func macsOf(s *site.Site) []site.Interface {
	return slices.DeleteFunc([]site.Interface{s.Server.Management, s.Server.Service}, func(i site.Interface) bool { return i.Match.MAC == "" })
}

// inventoried is a check of what an inventory has, about one thing.
func (e BMCEvidence) inventoried(id, about string, title, want verdict.Message, find func() finding) check {
	return check{
		id: id, vantage: FromBMC, title: title, want: want, about: []string{about}, needs: []string{"bmc.login"}, find: func() finding {
			switch {
			case e.At.IsZero():
				return unknown(why(errNotLooked))
			case e.Inventory.Err != nil:
				return unknown(why(e.Inventory.Err))
			}
			return find()
		},
	}
}

// untold is the verdict on what the controller did not tell: worth a look where
// it never tells it, and unknown where it could not be asked.
func untold(err error) finding {
	if errors.Is(err, state.ErrUnsupported) {
		return warn(verdict.New("bmc.untold")).with(why(err))
	}
	return unknown(why(err))
}

// certificate judges by our own clock: that of the controller may be anything.
func certificate(until, at time.Time, days int) finding {
	got := verdict.New("bmc.certificate", verdict.Time("until", until))
	switch left := until.Sub(at); {
	case until.IsZero() || at.IsZero():
		return unknown(why(errNotLooked))
	case left <= 0:
		return fail(got, verdict.New("bmc.certificate.advice"))
	case left < time.Duration(days)*24*time.Hour:
		return warn(got, verdict.New("bmc.certificate.advice"))
	}
	return pass(got)
}

func atLeast(least, have string) finding {
	if have == "" {
		return warn(verdict.New("bmc.untold"))
	}
	got := verdict.New("bmc.version", verdict.Seen("version", have))
	order, ok := compareVersions(have, least)
	switch {
	case !ok:
		return finding{status: Unknown, got: []verdict.Message{got}, evidence: []verdict.Message{verdict.New("bmc.version.incomparable")},
			advice: []verdict.Message{verdict.New("bmc.version.incomparable.advice")}}
	case order < 0:
		return fail(got, verdict.New("bmc.version.advice"))
	}
	return pass(got)
}

// licensed wants one of the licences to be there, on, and not over.
func licensed(want []string, inv bmc.Inventory, at time.Time) finding {
	var seen []string
	var wrong []verdict.Message
	unread := inv.LicencesErr
	for _, l := range inv.Licences {
		seen = append(seen, l.Text)
		switch {
		case !slices.ContainsFunc(want, func(w string) bool { return hasWords(l.Text, w) }):
		case l.Off != "":
			wrong = append(wrong, verdict.New("bmc.licence.off", verdict.Seen("licence", l.Text), verdict.Seen("state", l.Off)))
		case l.EndsErr != nil:
			unread = l.EndsErr
		case !l.Ends.IsZero() && !l.Ends.After(at):
			wrong = append(wrong, verdict.New("bmc.licence.over", verdict.Seen("licence", l.Text), verdict.Time("until", l.Ends)))
		default:
			return pass(verdict.New("bmc.licence", verdict.AllSeen("licences", []string{l.Text})))
		}
	}
	advice := verdict.New("bmc.licence.advice")
	switch {
	case unread != nil:
		return untold(unread)
	case len(wrong) > 0:
		return finding{status: Fail, got: few(wrong), advice: []verdict.Message{advice}}
	case len(seen) == 0:
		return fail(verdict.New("bmc.licence.none"), advice)
	}
	return fail(verdict.New("bmc.licence", verdict.AllSeen("licences", seen)), advice)
}

// hasWords reports whether all words are in a text, in any case.
func hasWords(text, words string) bool {
	text = strings.ToLower(text)
	return !slices.ContainsFunc(strings.Fields(strings.ToLower(words)), func(w string) bool { return !strings.Contains(text, w) })
}

// secureBoot wants the boot that runs to be as declared, and the next one too.
func secureBoot(want string, have bmc.SecureBoot) finding {
	now, known := map[string]string{"Enabled": "on", "Disabled": "off"}[have.Now]
	got := verdict.New("bmc.secure-boot", verdict.Seen("now", have.Now), verdict.Seen("mode", cmp.Or(have.Mode, "?")))
	next := verdict.New("bmc.secure-boot.next", verdict.Seen("now", have.Now), verdict.Seen("next", have.Next))
	advice := verdict.New("bmc.secure-boot.advice")
	switch {
	case have.Err != nil:
		return untold(have.Err)
	case !known:
		return finding{status: Unknown, got: []verdict.Message{got}}
	case now != want && have.Next == want:
		return warn(next, verdict.New("bmc.secure-boot.next.advice"))
	case now != want:
		return fail(got, advice)
	case have.Next != "" && have.Next != want:
		return fail(next, advice)
	case want == "on" && (have.Mode == "SetupMode" || have.Mode == "AuditMode"):
		return fail(got, verdict.New("bmc.secure-boot.mode.advice")) // nothing is refused in them (UEFI 2.10 section 32.3)
	}
	return pass(got)
}

// trustedModule wants a module of that version that is enabled.
func trustedModule(want string, inv bmc.Inventory) finding {
	if inv.ModulesErr != nil {
		return untold(inv.ModulesErr)
	}
	if len(inv.Modules) == 0 {
		return fail(verdict.New("bmc.tpm.none"), verdict.New("bmc.tpm.advice"))
	}
	var seen []string
	best := fail
	for _, m := range inv.Modules {
		seen = append(seen, strings.TrimSpace(m.Interface+" "+m.State+" "+m.Health))
		if m.Interface != "TPM"+strings.ReplaceAll(want, ".", "_") {
			continue
		}
		got := verdict.New("bmc.tpm", verdict.AllSeen("modules", seen[len(seen)-1:]))
		switch {
		case m.State == "Enabled" && (m.Health == "" || m.Health == "OK"):
			return pass(got)
		case m.State == "" || m.State == "Enabled" && m.Health == "Warning":
			best = warn
		}
	}
	return best(verdict.New("bmc.tpm", verdict.AllSeen("modules", seen)), verdict.New("bmc.tpm.advice"))
}

// knownPort wants the server that the site means to be the one that the
// controller is in.
func knownPort(mac string, inv bmc.Inventory) finding {
	switch {
	case slices.Contains(inv.MACs, mac):
		return pass(verdict.New("bmc.mac.known"))
	case inv.MACsErr != nil:
		return untold(inv.MACsErr)
	case len(inv.MACs) == 0:
		return warn(verdict.New("bmc.untold"))
	}
	return fail(verdict.New("bmc.mac.unknown", verdict.AllSeen("macs", inv.MACs)), verdict.New("bmc.mac.advice"))
}

func inventoryCodes() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("bmc.untold", "the controller does not tell it"),
		verdict.Define("bmc.certificate.title", "the certificate that the BMC shows"),
		verdict.Define("bmc.certificate.want", "for how many days more it has to be valid", verdict.TypeCount.Named("days")),
		verdict.Define("bmc.certificate", "when it ends", verdict.TypeTime.Named("until")),
		verdict.Define("bmc.certificate.advice", "how to give the BMC another certificate"),
		verdict.Define("bmc.firmware.title", "the version of the BMC"),
		verdict.Define("bmc.bios.title", "the version of the server's own firmware"),
		verdict.Define("bmc.version.want", "the least version that the site wants", verdict.TypeWord.Named("version")),
		verdict.Define("bmc.version", "a version, as the BMC writes it", verdict.TypeSeen.Named("version")),
		verdict.Define("bmc.version.advice", "what to do about an old version"),
		verdict.Define("bmc.version.incomparable", "nobody can tell which of the two is older"),
		verdict.Define("bmc.version.incomparable.advice", "how to write a version that can be compared"),
		verdict.Define("bmc.licence.title", "the licence of the BMC"),
		verdict.Define("bmc.licence.want", "one of these is wanted", verdict.TypeWords.Named("licences")),
		verdict.Define("bmc.licence", "the licences that the BMC names", verdict.TypeAllSeen.Named("licences")),
		verdict.Define("bmc.licence.none", "the BMC names no licence"),
		verdict.Define("bmc.licence.off", "the licence is there and not in effect", verdict.TypeSeen.Named("licence"), verdict.TypeSeen.Named("state")),
		verdict.Define("bmc.licence.over", "the licence has ended", verdict.TypeSeen.Named("licence"), verdict.TypeTime.Named("until")),
		verdict.Define("bmc.licence.advice", "what to do about a missing licence"),
		verdict.Define("bmc.secure-boot.title", "whether the server starts signed programs alone"),
		verdict.Define("bmc.secure-boot.want", "secure boot is to be on, or off", verdict.TypeWord.Named("state")),
		verdict.Define("bmc.secure-boot", "how the server was booted, by the words of Redfish", verdict.TypeSeen.Named("now"), verdict.TypeSeen.Named("mode")),
		verdict.Define("bmc.secure-boot.next", "the next boot will be another", verdict.TypeSeen.Named("now"), verdict.TypeSeen.Named("next")),
		verdict.Define("bmc.secure-boot.advice", "where to set it"),
		verdict.Define("bmc.secure-boot.next.advice", "a reboot makes it so"),
		verdict.Define("bmc.secure-boot.mode.advice", "in this mode nothing is refused"),
		verdict.Define("bmc.tpm.title", "a trusted module"),
		verdict.Define("bmc.tpm.want", "the version that is wanted, enabled", verdict.TypeWord.Named("version")),
		verdict.Define("bmc.tpm", "the trusted modules that the BMC lists, with their state", verdict.TypeAllSeen.Named("modules")),
		verdict.Define("bmc.tpm.none", "the BMC says that there is none"),
		verdict.Define("bmc.tpm.advice", "what to do about a trusted module"),
		verdict.Define("bmc.mac.title", "whether the BMC knows a port of the site", verdict.TypeWord.Named("interface")),
		verdict.Define("bmc.mac.want", "the address that the site declares", verdict.TypeWord.Named("mac")),
		verdict.Define("bmc.mac.known", "the BMC lists it"),
		verdict.Define("bmc.mac.unknown", "the BMC lists others", verdict.TypeAllSeen.Named("macs")),
		verdict.Define("bmc.mac.advice", "the address is wrong, or the BMC is that of another server"),
	}
}

package verify

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/observation"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// zonesLook is what a name server says of its zones. A pack need not declare
// it: then what is answered is all that is known.
const zonesLook = "zones"

func zoneProbes(_ *site.Site, v Vantages) []probe {
	if _, ok := v.Looks[zonesLook]; !ok {
		return nil
	}
	return []probe{{name: zonesLook, argv: v.Looks.argv(zonesLook, nil)}}
}

// zoneChecks hold what the name server itself says of each transferred zone
// against the site. What is answered is looked at elsewhere; this names the
// zone that has been refused, or has expired, without anybody's question.
func zoneChecks(s *site.Site, e Evidence) []check {
	if _, ok := e.Looks[zonesLook]; !ok {
		return nil
	}
	var checks []check
	for _, z := range s.DNS.Zones {
		if !z.Transferred() {
			continue
		}
		checks = append(checks, check{
			id: "dns.zone." + name(z), vantage: FromServer, title: verdict.New("dns.zone.title", verdict.Zone("zone", name(z))),
			want: verdict.New("dns.zone.want"), about: []string{name(z)}, kinds: []string{kindDNS}, needs: []string{"os.look"},
			find: func() finding { return zoneKept(z, e) },
		})
	}
	return checks
}

func zoneKept(z site.Zone, e Evidence) finding {
	printed, looked := e.Server.Printed[zonesLook]
	if !looked {
		return unknown(why(errNotLooked))
	}
	records, err := e.Looks.read(zonesLook, printed)
	if err == nil && len(records) == 0 {
		err = fmt.Errorf("the name server says %.200q", strings.Join(printed.Lines, " "))
	}
	if err != nil {
		return unknown(why(err))
	}
	i := slices.IndexFunc(records, func(r observation.Record) bool { return dns.CanonicalName(r.Last("zone")) == dns.CanonicalName(z.Name) })
	if i < 0 {
		return fail(verdict.New("dns.zone.absent"), verdict.New("dns.zone.absent.advice"))
	}
	serial, err := strconv.ParseUint(records[i].Last("serial"), 10, 32)
	if err != nil {
		f := fail(verdict.New("dns.zone.empty"), verdict.New("dns.zone.empty.advice"))
		if state := records[i].Last("state"); state != "" {
			f = f.with(verdict.New("dns.zone.state", verdict.Seen("state", state)))
		}
		return f
	}
	return pass(verdict.New("dns.zone.good", verdict.Count("serial", int(serial))))
}

func zoneCodes() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("dns.zone.title", "a transferred zone, as the name server itself tells", verdict.TypeZone.Named("zone")),
		verdict.Define("dns.zone.want", "the zone has to be there"),
		verdict.Define("dns.zone.absent", "the name server does not know the zone"),
		verdict.Define("dns.zone.absent.advice", "what configures the zone"),
		verdict.Define("dns.zone.empty", "the name server knows the zone and has no data of it"),
		verdict.Define("dns.zone.state", "what the name server calls the state of a zone", verdict.TypeSeen.Named("state")),
		verdict.Define("dns.zone.empty.advice", "why a zone may have no data"),
		verdict.Define("dns.zone.good", "the name server has the zone", verdict.TypeCount.Named("serial")),
	}
}

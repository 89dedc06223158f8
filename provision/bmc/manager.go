package bmc

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// maxPortLooks bounds the GETs that look for our address at several managers.
const maxPortLooks = 2 * maxMembers

// findManager picks the manager that provides this service; else, of several, the one
// whose own interface has the address that we came in by; else the first BMC with
// interfaces of its own (GB200 lists two, Cisco one for every PCIe card).
func (r *resources) findManager(ctx context.Context) (string, error) {
	if uri := r.session.Root.Link("Links", "ManagerProvidingService"); uri != "" {
		return uri, nil
	}
	members, err := r.members(ctx, r.session.Root.Link("Managers"))
	if err != nil || len(members) == 1 {
		return first(members), err
	}
	all, err := r.managers(ctx, members[:min(len(members), maxMembers)])
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", unsupported("the controller has none of the managers it lists")
	}
	i, err := r.answering(ctx, all)
	if err != nil {
		return "", err
	}
	r.where.docs[inManager] = all[i]
	return all[i].URI, nil
}

// managers reads managers, the likeliest first.
func (r reader) managers(ctx context.Context, members []string) ([]redfish.Document, error) {
	var out []redfish.Document
	for _, uri := range members {
		d, err := r.session.Get(ctx, uri)
		if gone(err) {
			continue
		} else if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	slices.SortStableFunc(out, func(a, b redfish.Document) int { return likelihood(b) - likelihood(a) })
	return out, nil
}

// likelihood says how much a manager looks like that of a server.
func likelihood(d redfish.Document) int {
	score := 0
	if d.Text("ManagerType") == "BMC" {
		score += 4
	}
	for _, own := range []string{"EthernetInterfaces", "NetworkProtocol"} {
		if d.Has(own) {
			score++
		}
	}
	return score
}

// answering is which of several managers has the address that answers us; the first
// where none tells. What is found is the interface as well.
func (r *resources) answering(ctx context.Context, all []redfish.Document) (int, error) {
	var with []int
	for i, d := range all {
		if d.Link("EthernetInterfaces") != "" {
			with = append(with, i)
		}
	}
	if len(with) == 0 || len(with) == 1 && with[0] == 0 {
		return 0, nil // it is the first whatever its address
	}
	here := r.session.At.Address.Addr().Unmap().WithZone("")
	r.where.managerAt = here.String()
	left := maxPortLooks
	for _, i := range with {
		port, err := r.portAt(ctx, all[i].Link("EthernetInterfaces"), here, &left)
		if err != nil {
			return 0, err
		}
		if port.URI != "" {
			r.where.links[inEthernet], r.where.docs[inEthernet] = port.URI, port
			r.where.chosen = choice{by: byAddress}
			return i, nil
		}
	}
	return 0, nil
}

// portAt is the interface of a collection that has an address and leads outside;
// zero without any. Managers of cards refuse a look: those have none.
func (r reader) portAt(ctx context.Context, uri string, here netip.Addr, left *int) (redfish.Document, error) {
	uris := []string{uri}
	for i := 0; i < len(uris) && *left > 0; i++ {
		*left--
		d, err := r.session.Get(ctx, uris[i])
		switch {
		case redfish.StatusOf(err) >= 400:
			continue
		case err != nil:
			return redfish.Document{}, err
		case i > 0 && holds(d, here) && !internal(d):
			return d, nil
		case i > 0:
			continue
		}
		for _, m := range d.Targets("Members") {
			if !internalName(m[strings.LastIndex(m, "/")+1:]) && len(uris) <= maxMembers {
				uris = append(uris, m)
			}
		}
	}
	return redfish.Document{}, nil
}

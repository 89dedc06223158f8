package provision

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/raiz-dns/raiz/provision/site"
)

// declaration is what has to answer after a change, in the words of its own
// generation. It goes with it to the server, and comes back with a rollback:
// the site file may declare something else by then. It holds no secret.
type declaration struct {
	Identity   string         `json:"identity"`
	Zones      []declaredZone `json:"zones"`
	Services   [][]netip.Addr `json:"services"` // service addresses, by anycast block
	Management []netip.Prefix `json:"management"`
	Port       uint16         `json:"port"`
	From       []netip.Prefix `json:"from,omitempty"`
}

type declaredZone struct {
	Name      string       `json:"name"`
	Source    string       `json:"source,omitempty"`
	Primaries []netip.Addr `json:"primaries,omitempty"`
	// Unverified is why its signatures are not looked at, "" where they are.
	Unverified string `json:"unverified,omitempty"`
}

func declare(s *site.Site) ([]byte, error) {
	d := declaration{Identity: s.DNS.Identity, Management: s.Server.Management.Addresses, Port: s.Server.SSH.Port, From: s.Server.SSH.From}
	for _, z := range s.DNS.Zones {
		d.Zones = append(d.Zones, declaredZone{z.Name, z.Source, z.Primaries, z.Unverified})
	}
	for _, a := range s.Anycast {
		d.Services = append(d.Services, a.Addresses)
	}
	return json.Marshal(d)
}

// declaredBy is a site as a generation declares it, as far as the gate looks.
// Nil stands for the site itself.
func declaredBy(s *site.Site, text []byte) (*site.Site, error) {
	if text == nil {
		return s, nil
	}
	var d declaration
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("what the generation declares is not understood: %w", err)
	}
	out := *s
	out.DNS.Identity, out.DNS.Zones = d.Identity, nil
	for _, z := range d.Zones {
		out.DNS.Zones = append(out.DNS.Zones, site.Zone{Name: z.Name, Source: z.Source, Primaries: z.Primaries, Unverified: z.Unverified})
	}
	out.Anycast = nil
	for _, addrs := range d.Services {
		out.Anycast = append(out.Anycast, site.Anycast{Addresses: addrs})
	}
	out.Server.Management.Addresses, out.Server.SSH.Port, out.Server.SSH.From = d.Management, d.Port, d.From
	return &out, nil
}

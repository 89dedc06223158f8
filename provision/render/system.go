package render

import (
	"slices"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

// system is the machine itself, and who may log in to it.
func (v *Values) system(s *site.Site, components []templates.Component) {
	v.Updates = Updates{By: string(s.Server.Updates)}
	for _, c := range components {
		if slices.Contains([]string{"time", "dns", "bgp", "guard"}, c.Kind) {
			// The first one is the program itself; others are what it needs.
			if all := c.PackagesOn(s.Server.Release); len(all) > 0 {
				v.Updates.Packages = append(v.Updates.Packages, all[0])
			}
			v.Updates.Units = append(v.Updates.Units, c.Services...)
		}
	}
	v.Release, v.Hostname, v.Resolvers = s.Server.Release, s.Server.Hostname, words(s.Server.DNS)
	ssh := s.Server.SSH
	for _, a := range s.Server.Agents {
		agent := Agent{Name: a.Name, From: prefixFamilies(a.From)}
		for _, l := range a.Listens {
			agent.Ports = append(agent.Ports, Port{Network: l.Network, Number: l.Port})
		}
		if len(agent.Ports) > 0 {
			v.Agents = append(v.Agents, agent)
		}
	}
	v.SSH = SSH{Port: ssh.Port, User: ssh.User, RootLogin: ssh.User == "root", From: prefixFamilies(ssh.From)}
}

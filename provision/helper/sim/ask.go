package sim

import (
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
)

// Way implements helper.Kernel.
func (p *Process) Way(from, to netip.Addr) (server.Route, error) {
	p.alive()
	n := &p.m.net
	here := slices.ContainsFunc(n.links, func(l link) bool {
		return slices.ContainsFunc(l.addresses, func(a address) bool { return strings.HasPrefix(a.prefix, from.String()+"/") })
	})
	if from.IsValid() && from.Is4() && !here {
		return server.Route{}, failed("way", from.String(), syscall.ENETUNREACH)
	}
	for i := range n.links {
		if l := &n.links[i]; n.reaches(l, to.String()) {
			return server.Route{Table: mainTable, To: to.String(), Dev: l.name}, nil
		}
	}
	if r, found := n.winner(); found && to.Is4() {
		return r, nil
	}
	return server.Route{}, failed("way", to.String(), fs.ErrNotExist)
}

// Ask implements helper.Machine. Nobody answers DNS here.
func (p *Process) Ask(questions []server.DNSQuestion, limit time.Duration) []server.DNSAnswer {
	p.Sleep(limit)
	return make([]server.DNSAnswer, len(questions))
}

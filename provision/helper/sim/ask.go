package sim

import (
	"fmt"
	"io/fs"
	"net/netip"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
)

// Way implements helper.Kernel. No transaction asks for it.
func (p *Process) Way(_, to netip.Addr) (server.Route, error) {
	p.alive()
	return server.Route{}, fmt.Errorf("no way to %s: %w", to, fs.ErrNotExist)
}

// Ask implements helper.Machine. Nobody answers DNS here.
func (p *Process) Ask(questions []server.DNSQuestion, limit time.Duration) []server.DNSAnswer {
	p.Sleep(limit)
	return make([]server.DNSAnswer, len(questions))
}

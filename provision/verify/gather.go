package verify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
)

// Forwarder connects to what a server reaches.
type Forwarder interface {
	Forward(context.Context, netip.AddrPort) (net.Conn, error)
}

// Server is a connection to the server.
type Server interface {
	Forwarder
	// Call has raiz-helper answer one request.
	Call(context.Context, server.Request) (server.Reply, error)
	Addr() netip.AddrPort
	Keys() []string // fingerprints of what was offered to log in with
}

// Controller is a session with the BMC; *bmc.Controller is one.
type Controller interface {
	Identity(context.Context) (bmc.Identity, error)
	Administrators(context.Context) ([]string, error)
	Read(context.Context, []state.Item) []state.Fact
}

// Vantages are the places to look from. Nil means that nobody can look from
// there, which is said in the results.
type Vantages struct {
	Units    Units
	Looks    Looks
	UnitsErr error    // why nobody knows of them
	Table    int      // the routing table of the service link
	Ports    []string // on which the packs' programs listen, as "tcp/53"
	Packages []string // whose versions are told
	Declared func(context.Context) Declared
	BMC      func(context.Context) (Controller, error)
	SSH      func(context.Context) (Server, error)
	Router   func(context.Context) ([]Route, error)
	Outside  func(ctx context.Context, network, address string) (net.Conn, error)
}

// dnsTimeout is RSSAC047's: what has not come after 4 s does not come.
const dnsTimeout = 4 * time.Second

// way is one way to look at a copy. What is seen goes into a part of the
// evidence of its own, so that all are gone at once.
type way func(context.Context, *site.Site, Vantages, *Evidence)

// everyWay has a file for each.
func everyWay() []way { return []way{lookAtBMC, lookAtServer, lookAtRouter, lookFromOutside} }

// Gather looks from every vantage at once. It has no error of its own: what
// could not be seen is in the evidence with its reason.
func Gather(ctx context.Context, s *site.Site, v Vantages) Evidence {
	e := Evidence{Units: v.Units, UnitsErr: v.UnitsErr, Looks: v.Looks, Table: v.Table, Ports: v.Ports}
	var all sync.WaitGroup
	for _, look := range everyWay() {
		all.Go(func() { look(ctx, s, v, &e) })
	}
	all.Wait()
	return e
}

// lookAtServer logs in, and looks and asks through that connection.
func lookAtServer(ctx context.Context, s *site.Site, v Vantages, e *Evidence) {
	if v.SSH == nil {
		return
	}
	conn, err := v.SSH(ctx)
	if err != nil {
		e.SSHErr = err
		return
	}
	e.Login, e.LoginKeys = conn.Addr().String(), conn.Keys()
	var all sync.WaitGroup
	all.Go(func() { e.Server = gatherServer(ctx, s, v, conn) })
	all.Go(func() { e.TCP = AskThrough(ctx, s, conn) })
	if v.Declared != nil {
		all.Go(func() { e.Declared = v.Declared(ctx) })
	}
	all.Wait()
}

func gatherServer(ctx context.Context, s *site.Site, v Vantages, conn Server) ServerEvidence {
	base, content := questions(s, "udp"), slices.Concat(contentQuestions(s, "udp"), contentQuestions(s, "tcp"))
	qs := slices.Concat(base, content, primaryQuestions(s))
	asks, sent, err := forServer(s, qs)
	if err != nil {
		return ServerEvidence{Err: err}
	}
	all := probes(s, v)
	look := server.LookRequest{
		Probe: server.ProbeRequest{Units: v.Units.all(), Packages: v.Packages, Around: AroundQuestion(s)}, Commands: commands(all), Questions: asks, Ways: ways(s),
		Seconds: int(dnsTimeout.Seconds()),
	}
	facts, seen, err := looked(ctx, conn, look)
	if err != nil {
		return ServerEvidence{Err: err}
	}
	e := readFacts(facts)
	e.System = systemOf(facts, v.Packages)
	answers := readHeard(seen.Heard, qs, sent)
	e.UDP, e.Content, e.Told = only(answers, base), only(answers, content), only(answers, primaryQuestions(s))
	e.Replies = map[netip.Addr]server.Way{}
	for i, a := range s.ServiceAddresses() {
		e.Replies[a] = seen.Ways[i]
	}
	take(all, seen.Printed, &e)
	return e
}

// only are the answers to these questions.
func only(answers map[Question]Answer, qs []Question) map[Question]Answer {
	out := map[Question]Answer{}
	for _, q := range qs {
		out[q] = answers[q]
	}
	return out
}

// looked has the server look once. An answer that is not whole is none.
func looked(ctx context.Context, conn Server, look server.LookRequest) (server.Facts, server.Looked, error) {
	reply, err := conn.Call(ctx, server.Request{Verb: server.VerbLook, Look: &look})
	facts, seen := reply.Answer.Facts, reply.Answer.Looked
	switch {
	case err != nil:
		return server.Facts{}, server.Looked{}, err
	case reply.Answer.Error != nil:
		return server.Facts{}, server.Looked{}, reply.Answer.Error
	case facts == nil || seen == nil || len(seen.Printed) != len(look.Commands) || len(seen.Heard) != len(look.Questions) || len(seen.Ways) != len(look.Ways):
		return server.Facts{}, server.Looked{}, fmt.Errorf("%w: it does not answer for everything", server.ErrAnswer)
	}
	return *facts, *seen, nil
}

// readFacts are units and links, or why nobody knows of them.
func readFacts(f server.Facts) ServerEvidence {
	e := ServerEvidence{Links: f.Network.Links, Units: f.Units, Guard: f.Guard, Around: AroundOf(f)}
	if e.Units == nil {
		e.Units = map[string]server.UnitFact{} // it has looked
	}
	problem := func(part string) error {
		if text := f.Problems[part]; text != "" {
			return errors.New(text)
		}
		return nil
	}
	e.NetworkErr, e.UnitsErr = problem("network"), problem("units")
	return e
}

// systemOf is what the server runs, of the packages that were asked for.
func systemOf(f server.Facts, packages []string) System {
	out := System{OS: f.OS, Arch: f.Arch, Generation: f.Current}
	for _, name := range packages {
		if version, ok := f.Packages[name]; ok {
			out.Packages = append(out.Packages, Package{name, version})
		}
	}
	return out
}

// outsideDestination is looked up in the server's own routing table to see
// which way an answer to somebody far away would leave; nothing is sent.
func outsideDestination(a netip.Addr) netip.Addr {
	if a.Is4() {
		return netip.AddrFrom4([4]byte{1, 1, 1, 1})
	}
	return netip.MustParseAddr("2001:4860:4860::8888")
}

func ways(s *site.Site) []server.WayQuestion {
	var out []server.WayQuestion
	for _, a := range s.ServiceAddresses() {
		out = append(out, server.WayQuestion{From: a, To: outsideDestination(a)})
	}
	return out
}

// AskThrough asks every question over TCP through the SSH connection, so that
// it reaches this very instance.
func AskThrough(ctx context.Context, s *site.Site, conn Forwarder) map[Question]Answer {
	return askEach(s, questions(s, "tcp"), func(addr netip.Addr, qs []Question) map[Question]Answer {
		ctx, cancel := context.WithTimeout(ctx, 3*dnsTimeout)
		defer cancel()
		return askAll(ctx, s, qs, func() (*dns.Conn, error) {
			c, err := conn.Forward(ctx, addrPort(addr))
			return &dns.Conn{Conn: c}, err
		})
	})
}

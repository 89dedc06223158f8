package verify

import (
	"context"
	_ "embed" // the script that looks
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/ask"
	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/shell"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
)

// Server is a connection to the server; *remote.Conn is one.
type Server interface {
	Run(context.Context, remote.Script) (remote.Result, error)
	Forward(context.Context, netip.AddrPort) (net.Conn, error)
	Addr() netip.AddrPort
}

// Controller is a session with the BMC; *bmc.Controller is one.
type Controller interface {
	Identity(context.Context) (bmc.Identity, error)
	Read(context.Context, []state.Item) []state.Fact
}

// Vantages are the places to look from. Nil means that nobody can look from
// there, which is said in the results.
type Vantages struct {
	Units    Units
	Looks    Looks
	UnitsErr error // why nobody knows of them
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

// ways are all of them. Each has a file of its own.
func ways() []way { return []way{lookAtBMC, lookAtServer, lookAtRouter, lookFromOutside} }

// Gather looks from every vantage at once. It has no error of its own: what
// could not be seen is in the evidence with its reason.
func Gather(ctx context.Context, s *site.Site, v Vantages) Evidence {
	e := Evidence{Units: v.Units, UnitsErr: v.UnitsErr, Looks: v.Looks}
	var all sync.WaitGroup
	for _, look := range ways() {
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
	e.Login = conn.Addr().String()
	var all sync.WaitGroup
	all.Go(func() { e.Server = gatherServer(ctx, s, v, conn) })
	all.Go(func() { e.TCP = AskThrough(ctx, s, conn) })
	all.Wait()
}

//go:embed look.sh
var lookScript string

// lookEnd shows that the answer is whole.
const lookEnd = "section end\n"

func gatherServer(ctx context.Context, s *site.Site, v Vantages, conn Server) ServerEvidence {
	qs := questions(s, "udp")
	asks, sent, err := forAsker(s, qs)
	if err != nil {
		return ServerEvidence{Err: err}
	}
	all := probes(s, v)
	text := "replies=" + remote.Quote(strings.Join(replyLines(s), "\n")) + "\n" +
		"questions=" + remote.Quote(strings.TrimSpace(ask.Lines(asks))) + "\n" +
		"asker=" + remote.Quote(ask.Program()) + "\n" +
		fmt.Sprintf("patience=%.0f\n", dnsTimeout.Seconds()) + lookScript + script(all) + lookEnd
	r, err := conn.Run(ctx, remote.Script{Text: text, Root: true, Bash: true, Deadline: time.Minute})
	if err != nil {
		return ServerEvidence{Err: err}
	}
	sections, err := shell.Sections(strings.Split(string(r.Stdout), "\n"))
	if err != nil {
		return ServerEvidence{Err: fmt.Errorf("%w: exit %d: %.200s", err, r.Code, r.Stderr)}
	}
	e := readServer(sections, qs, sent)
	take(all, sections, &e)
	return e
}

func readServer(sections map[string][]string, qs []Question, sent []*dns.Msg) ServerEvidence {
	e := ServerEvidence{Replies: map[netip.Addr]string{}}
	e.UDP = readUDP(sections["udp"], qs, sent)
	for _, l := range sections["replies"] {
		from, rest, _ := strings.Cut(l, " ")
		if a, err := netip.ParseAddr(from); err == nil {
			e.Replies[a] = rest
		}
	}
	return e
}

// outsideDestination is looked up in the server's own routing table to see
// which way an answer to somebody far away would leave; nothing is sent.
func outsideDestination(a netip.Addr) string {
	if a.Is4() {
		return "1.1.1.1"
	}
	return "2001:4860:4860::8888"
}

func replyLines(s *site.Site) []string {
	var out []string
	for _, a := range s.ServiceAddresses() {
		out = append(out, a.String()+" "+outsideDestination(a))
	}
	return out
}

// AskThrough asks every question over TCP through the SSH connection, so that
// it reaches this very instance.
func AskThrough(ctx context.Context, s *site.Site, conn Server) map[Question]Answer {
	return askEach(s, "tcp", func(addr netip.Addr, qs []Question) map[Question]Answer {
		ctx, cancel := context.WithTimeout(ctx, 3*dnsTimeout)
		defer cancel()
		return askAll(ctx, s, qs, func() (*dns.Conn, error) {
			c, err := conn.Forward(ctx, addrPort(addr))
			return &dns.Conn{Conn: c}, err
		})
	})
}

package verify

import (
	"context"
	_ "embed" // the script that looks
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/ask"
	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/server"
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

// Gather looks from every vantage at once. It has no error of its own: what
// could not be seen is in the evidence with its reason.
func Gather(ctx context.Context, s *site.Site, v Vantages) Evidence {
	e := Evidence{Units: v.Units, UnitsErr: v.UnitsErr}
	var all sync.WaitGroup
	if v.BMC != nil {
		all.Go(func() { e.BMC = gatherBMC(ctx, s, v) })
	}
	if v.Router != nil {
		all.Go(func() {
			e.Router.Asked = true
			e.Router.Routes, e.Router.Err = v.Router(ctx)
		})
	}
	if v.Outside != nil {
		all.Go(func() {
			e.Outside.Asked = true
			e.Outside.Answers = gatherOutside(ctx, s, v)
		})
	}
	conn, err := v.SSH(ctx)
	if err != nil {
		e.SSHErr = err
	} else {
		e.Login = conn.Addr().String()
		all.Go(func() { e.Server = gatherServer(ctx, s, v, conn) })
		all.Go(func() { e.TCP = AskThrough(ctx, s, conn) })
	}
	all.Wait()
	return e
}

func gatherBMC(ctx context.Context, s *site.Site, v Vantages) BMCEvidence {
	var e BMCEvidence
	c, err := v.BMC(ctx)
	if err != nil {
		return BMCEvidence{Err: err}
	}
	if e.Identity, e.Err = c.Identity(ctx); e.Err != nil {
		return e
	}
	var wanted []state.Item
	for name, values := range wantedSettings(s.BMC) {
		wanted = append(wanted, state.Item{Key: state.Key{Kind: state.Setting, Name: name}, Value: state.Attr{Values: values}})
	}
	slices.SortFunc(wanted, func(a, b state.Item) int { return a.Key.Compare(b.Key) })
	e.Facts = map[string]state.Fact{}
	for _, f := range c.Read(ctx, wanted) {
		e.Facts[f.Key.Name] = f
	}
	if s.BMC.Hardware != (site.Hardware{}) {
		e.Hardware, e.HardwareErr = countHardware(ctx, c)
	}
	return e
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
	text := "units=" + remote.Quote(strings.Join(v.Units.all(), " ")) + "\n" +
		"replies=" + remote.Quote(strings.Join(replyLines(s), "\n")) + "\n" +
		"questions=" + remote.Quote(strings.TrimSpace(ask.Lines(asks))) + "\n" +
		"asker=" + remote.Quote(ask.Program()) + "\n" +
		fmt.Sprintf("patience=%.0f\n", dnsTimeout.Seconds()) + lookScript + v.Looks.script(s) + lookEnd
	r, err := conn.Run(ctx, remote.Script{Text: text, Root: true, Bash: true, Deadline: time.Minute})
	if err != nil {
		return ServerEvidence{Err: err}
	}
	sections, err := server.Sections(strings.Split(string(r.Stdout), "\n"))
	if err != nil {
		return ServerEvidence{Err: fmt.Errorf("%w: exit %d: %.200s", err, r.Code, r.Stderr)}
	}
	return readServer(s, v.Looks, sections, qs, sent)
}

func readServer(s *site.Site, looks Looks, sections map[string][]string, qs []Question, sent []*dns.Msg) ServerEvidence {
	e := ServerEvidence{Replies: map[netip.Addr]string{}}
	e.UDP = readUDP(sections["udp"], qs, sent)
	e.Interfaces, e.NetworkErr = server.ParseAddresses(sections["addresses"])
	e.Units, e.UnitsErr = server.ParseUnits(sections["units"])
	for _, l := range sections["replies"] {
		from, rest, _ := strings.Cut(l, " ")
		if a, err := netip.ParseAddr(from); err == nil {
			e.Replies[a] = rest
		}
	}
	looks.readClock(sections["clock"], &e)
	looks.readSessions(s, sections, &e)
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

// gatherOutside asks as anybody would, by both transports. It may reach
// another copy: the NSID tells.
func gatherOutside(ctx context.Context, s *site.Site, v Vantages) map[Question]Answer {
	out := map[Question]Answer{}
	for _, network := range []string{"udp", "tcp"} {
		answers := askEach(s, network, func(addr netip.Addr, qs []Question) map[Question]Answer {
			ctx, cancel := context.WithTimeout(ctx, dnsTimeout)
			defer cancel()
			return askAll(ctx, s, qs, func() (*dns.Conn, error) {
				c, err := v.Outside(ctx, network, addrPort(addr).String())
				return &dns.Conn{Conn: c, UDPSize: ednsSize}, err
			})
		})
		maps.Copy(out, answers)
	}
	return out
}

func askEach(s *site.Site, network string, ask func(netip.Addr, []Question) map[Question]Answer) map[Question]Answer {
	var mu sync.Mutex
	var all sync.WaitGroup
	out := map[Question]Answer{}
	for _, addr := range s.ServiceAddresses() {
		all.Go(func() {
			var mine []Question
			for _, q := range questions(s, network) {
				if q.Address == addr {
					mine = append(mine, q)
				}
			}
			answers := ask(addr, mine)
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(out, answers)
		})
	}
	all.Wait()
	return out
}

// askAll asks over one connection, and over the next what the name server has
// closed one before (RFC 7766 section 6.2.4), as long as it answers anything.
func askAll(ctx context.Context, s *site.Site, qs []Question, dial func() (*dns.Conn, error)) map[Question]Answer {
	out := map[Question]Answer{}
	for left := qs; ; {
		c, err := dial()
		if err != nil {
			maps.Copy(out, allFailed(left, err))
			return out
		}
		stop := context.AfterFunc(ctx, func() { _ = c.Close() })
		answers := askOver(ctx, s, c, left)
		stop()
		_ = c.Close()
		maps.Copy(out, answers)
		before := len(left)
		left = slices.DeleteFunc(slices.Clone(left), func(q Question) bool { return out[q].Err == nil })
		if len(left) == 0 || len(left) == before || ctx.Err() != nil {
			return out
		}
	}
}

func quiet(err error) error {
	var n net.Error
	if errors.As(err, &n) && n.Timeout() {
		return errSilent
	}
	return err
}

func allFailed(qs []Question, err error) map[Question]Answer {
	out := map[Question]Answer{}
	for _, q := range qs {
		out[q] = Answer{Err: err}
	}
	return out
}

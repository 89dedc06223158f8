package provision

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/observe"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
	"github.com/raiz-dns/raiz/templates"
)

// ErrTakeOver means that a plan resets BGP sessions of a copy that raiz did
// not build, and that nobody has said that it may.
var ErrTakeOver = errors.New("this server announces already, and not by raiz")

// firstSeconds is how long the routing daemon of a server that raiz does not
// know yet may take to show its sessions.
const firstSeconds = 3

// firstLook asks with the facts, in the same exec, for what others have on the
// server, and for the sessions that the declared routing daemon has. A server answers it while it has no generation
// of raiz: a plan of any other costs nothing more.
type firstLook struct {
	observe.Prober
	command []string
	around  *server.AroundQuestion
}

// Probe implements observe.Prober.
func (l firstLook) Probe(ctx context.Context, q server.ProbeRequest) (server.Facts, error) {
	q.Around = l.around
	if len(l.command) > 0 {
		q.First = &server.FirstLook{Commands: []server.Command{{Argv: l.command}}, Seconds: firstSeconds}
	}
	return l.Prober.Probe(ctx, q)
}

// sessionLooks say how the sessions of the declared routing daemon are seen.
func sessionLooks(s *site.Site, packs fs.FS) (verify.Looks, error) {
	const kind = "bgp"
	c, err := templates.Load(packs, kind, s.Components[kind])
	if err != nil {
		return nil, fmt.Errorf("packs of %s: %w", s.Name, err)
	}
	return verify.Looks(c.Observations), nil
}

// standing is what of a server is not raiz's and would be replaced or cut off.
func standing(want *state.Set, f server.Facts, looks verify.Looks) plan.Standing {
	s := plan.Standing{Foreign: foreign(want, f)}
	if f.Current != 0 || len(f.Printed) == 0 {
		return s
	}
	printed := f.Printed[0]
	sessions, err := looks.Sessions(printed)
	// A program that is not there, or that says so and ends, has no sessions.
	gone := printed.Problem == server.ProblemAbsent || printed.Problem == server.ProblemFailed
	if err != nil && !gone {
		s.Unseen = err.Error()
	}
	for _, x := range sessions {
		if x.Established() {
			s.Sessions = append(s.Sessions, plan.Session{Name: x.Name, Neighbor: x.Neighbor, AS: uint32(x.PeerAS)})
		}
	}
	return s
}

// foreign are wanted paths where something stands that no generation of raiz
// has put there.
func foreign(want *state.Set, f server.Facts) []string {
	managed := map[string]bool{}
	for _, p := range f.Managed {
		managed[p] = true
	}
	var out []string
	for _, k := range want.Keys(state.Path) {
		stands, ok := f.Files[k.Name]
		if ok && stands.Kind != server.IsAbsent && !managed[k.Name] {
			out = append(out, k.Name)
		}
	}
	return out
}

// resets are what is said of the sessions that an apply would reset.
func resets(p plan.Plan) []verdict.Message {
	if !takesOver(p) {
		return nil
	}
	var out []verdict.Message
	for _, s := range p.Standing.Sessions {
		out = append(out, verdict.New("notice.resets-session", verdict.Seen("name", s.Name), verdict.Seen("address", with(s)), verdict.Count("as", int(s.AS))))
	}
	if why := p.Standing.Unseen; why != "" {
		out = append(out, verdict.New("notice.sessions-unseen", verdict.Error("error", errors.New(why))))
	}
	return append(out, verdict.New("notice.take-over"))
}

// with is whom a session is with: its address, or its name where the daemon's
// word for that is not understood.
func with(s plan.Session) string {
	if s.Neighbor.IsValid() {
		return s.Neighbor.String()
	}
	return s.Name
}

// takesOver reports whether the plan changes a server whose sessions somebody
// else has built, or may have.
func takesOver(p plan.Plan) bool {
	live := len(p.Standing.Sessions) > 0 || p.Standing.Unseen != ""
	return live && apply.TouchesServer(p)
}

// refusal is why a plan is not carried out before its operator has said that
// it may; it wraps ErrTakeOver.
func refusal(p plan.Plan) error {
	if !takesOver(p) {
		return nil
	}
	var at []string
	for _, s := range p.Standing.Sessions {
		at = append(at, with(s))
	}
	what := fmt.Errorf("%w: its BGP sessions with %s would be reset", ErrTakeOver, strings.Join(at, ", "))
	if len(at) == 0 {
		what = fmt.Errorf("%w: its routing daemon does not show which BGP sessions would be reset", ErrTakeOver)
	}
	return fmt.Errorf("%w; nothing was changed. Drain it by hand first (have its routing daemon send its blocks with GRACEFUL_SHUTDOWN, "+
		"65535:0, or withdraw them, and see the traffic leave), then say --take-over", what)
}

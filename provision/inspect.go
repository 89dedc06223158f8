package provision

import (
	"context"
	"io/fs"
	"maps"
	"net"
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/await"
	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verify"
)

// Vantages are places to look from that only the caller may have.
type Vantages struct {
	Router  func(context.Context) ([]verify.Route, error)
	Outside func(ctx context.Context, network, address string) (net.Conn, error)
}

// Verify looks from everywhere it can and judges.
func (r *Run) Verify(ctx context.Context, v Vantages) []verify.Result {
	if r.o.BMCOnly {
		return r.verifyBMC(ctx)
	}
	from := byPacks(r.site, r.o.Packs)
	from.SSH = func(ctx context.Context) (verify.Server, error) { return r.server(ctx) }
	from.Router, from.Outside, from.Declared = v.Router, v.Outside, r.declared
	if r.site.BMC != nil {
		from.BMC = func(ctx context.Context) (verify.Controller, error) { return r.controller(ctx) }
	}
	return verify.Judge(r.site, verify.Gather(ctx, r.site, from))
}

// verifyBMC looks at the controller alone.
func (r *Run) verifyBMC(ctx context.Context) []verify.Result {
	from := verify.Vantages{BMC: func(ctx context.Context) (verify.Controller, error) { return r.controller(ctx) }}
	results := verify.Judge(r.site, verify.Gather(ctx, r.site, from))
	return slices.DeleteFunc(results, func(r verify.Result) bool { return r.Vantage != verify.FromBMC })
}

// byPacks has what the packs of a site say of their services, their ports, and
// of how their programs are looked at.
func byPacks(s *site.Site, packs fs.FS) verify.Vantages {
	out := verify.Vantages{Table: render.ServiceTable, Units: verify.Units{}, Looks: verify.Looks{}}
	components, err := render.Components(s, packs)
	if err != nil {
		return verify.Vantages{Table: render.ServiceTable, UnitsErr: err}
	}
	for _, c := range components {
		out.Units[c.Kind] = c.Services
		out.Ports = append(out.Ports, c.Listens...)
		out.Packages = append(out.Packages, c.PackagesOn(s.Server.Release)...)
		maps.Copy(out.Looks, c.Observations)
	}
	return out
}

// VerifyWithin verifies again and again until every check has passed or the
// time is over, and returns the last results: what has just been started may
// need a moment. With no time it verifies once.
func VerifyWithin(ctx context.Context, s *site.Site, o Options, v Vantages, patience time.Duration) []verify.Result {
	end := time.Now().Add(patience)
	var results []verify.Result
	_ = await.Until(ctx, poll, func(ctx context.Context) (bool, error) {
		run := New(s, o)
		results = run.Verify(ctx, v)
		_ = run.Close(ctx) // what it left behind is said by the next login
		settled := len(verify.Failed(results))+len(verify.Undecided(results)) == 0
		return settled || time.Now().After(end), nil
	})
	return results
}

// History returns the generations that the server keeps, oldest first.
func (r *Run) History(ctx context.Context) ([]server.Status, error) {
	conn, err := r.server(ctx)
	if err != nil {
		return nil, err
	}
	reply, err := conn.Call(ctx, server.Request{Verb: server.VerbHistory})
	if err == nil && reply.Answer.Error != nil {
		err = reply.Answer.Error
	}
	return reply.Answer.History, err
}

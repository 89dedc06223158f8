// Package observe reads the facts for exactly the wanted keys: those of the
// server in one SSH exec, those of the BMC through its own reader, both at the
// same time.
//
// It writes nothing: the interfaces it is handed have no method that does.
// Start reading at Read.
package observe

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// Prober asks the server once; it can ask for nothing else.
type Prober interface {
	Probe(context.Context, server.ProbeRequest) (server.Facts, error)
}

// SettingReader reads settings of a BMC, one Fact for each that is wanted, in
// any order; *bmc.Controller is one.
type SettingReader interface {
	Read(context.Context, []state.Item) []state.Fact
}

// Sources are where facts come from. One that cannot be opened says why: then
// everything it would have answered is unknown. Without a Server nobody asks one,
// and nothing of one may be wanted.
type Sources struct {
	Server func(context.Context) (Prober, error)
	BMC    func(context.Context) (SettingReader, error)
}

// Observation is what was seen.
type Observation struct {
	Facts *state.Facts
	// Server is the whole answer of the server, and ServerErr why there is
	// none. BMCErr is why the BMC could not be asked.
	Server    server.Facts
	ServerErr error
	BMCErr    error
}

// Read asks both sources at once and returns a Fact for every wanted key. It
// has no error of its own: what could not be looked at is unknown.
func Read(ctx context.Context, want *state.Set, from Sources) Observation {
	var o Observation
	var settings, others []state.Fact
	var both sync.WaitGroup
	both.Go(func() { settings, o.BMCErr = readBMC(ctx, want, from) })
	both.Go(func() { o.Server, others, o.ServerErr = readServer(ctx, want, from) })
	both.Wait()
	o.Facts = state.NewFacts(append(settings, others...))
	return o
}

func readBMC(ctx context.Context, want *state.Set, from Sources) ([]state.Fact, error) {
	settings := slices.Collect(want.Of(state.Setting))
	if len(settings) == 0 {
		return nil, nil
	}
	reader, err := from.BMC(ctx)
	if err != nil {
		facts := make([]state.Fact, len(settings))
		for i, it := range settings {
			facts[i] = state.Fact{Key: it.Key, Err: err}
		}
		return facts, err
	}
	return reader.Read(ctx, settings), nil
}

func readServer(ctx context.Context, want *state.Set, from Sources) (server.Facts, []state.Fact, error) {
	if from.Server == nil {
		return server.Facts{}, nil, nil
	}
	request := request(want)
	seen, err := probe(ctx, request, from)
	f := far{want: want, seen: seen, key: request.Key, links: map[string]link{}}
	for i, m := range request.Links {
		if err == nil {
			f.links[m.Name+m.MAC] = f.link(m, i)
		}
	}
	var facts []state.Fact
	for it := range want.All() {
		if it.Key.Kind == state.Setting {
			continue
		}
		fact := state.Fact{Key: it.Key, Err: err}
		if err == nil {
			fact.Value, fact.Err = f.answer(it)
		}
		facts = append(facts, fact)
	}
	if err == nil {
		facts = append(facts, f.orphans()...)
	}
	return seen, facts, err
}

func probe(ctx context.Context, q server.ProbeRequest, from Sources) (server.Facts, error) {
	prober, err := from.Server(ctx)
	if err != nil {
		return server.Facts{}, err
	}
	return prober.Probe(ctx, q)
}

// request asks for exactly the wanted keys, and for who manages the links that
// they are on. Nothing in it tells of a secret.
func request(want *state.Set) server.ProbeRequest {
	q := server.ProbeRequest{Key: make([]byte, 32)}
	_, _ = rand.Read(q.Key) // crypto/rand never fails
	for it := range want.Of(state.Path) {
		f := it.Value.(state.File)
		file := server.FileQuestion{Path: it.Key.Name, Secret: f.Secret}
		if !f.Secret {
			file.Sum = fmt.Sprintf("%x", f.Sum)
			file.Runtime = it.Effect.Runtime
		}
		q.Files = append(q.Files, file)
	}
	for _, k := range want.Keys(state.Unit) {
		q.Units = append(q.Units, k.Name)
	}
	for _, k := range want.Keys(state.Package) {
		q.Packages = append(q.Packages, k.Name)
	}
	for _, k := range want.Keys(state.Live) {
		_, iface, _ := k.Live()
		if m := server.MatchOf(iface); !slices.Contains(q.Links, m) {
			q.Links = append(q.Links, m)
		}
	}
	return q
}

// Package observe reads the facts for exactly the wanted keys: those of the
// server in one SSH exec, those of the BMC through its own reader, both at the
// same time.
//
// It writes nothing: the interfaces it is handed have no method that does.
// Start reading at Read.
package observe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/shell"
	"github.com/raiz-dns/raiz/provision/state"
)

// Runner runs a script on the server; *remote.Conn is one.
type Runner interface {
	Run(context.Context, remote.Script) (remote.Result, error)
}

// SettingReader reads settings of a BMC, one Fact for each that is wanted, in
// any order; *bmc.Controller is one.
type SettingReader interface {
	Read(context.Context, []state.Item) []state.Fact
}

// Sources are where facts come from. A source that could not be opened is nil
// and its error says why: then everything it would have answered is unknown.
type Sources struct {
	Server func(context.Context) (Runner, error)
	BMC    func(context.Context) (SettingReader, error)
	By     shell.By
}

// Observation is what was seen.
type Observation struct {
	Facts *state.Facts
	// Server is the whole answer of the server, and ServerErr why there is
	// none. BMCErr is why the BMC could not be asked.
	Server    shell.Probe
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
	both.Go(func() {
		o.Server, o.ServerErr = Probe(ctx, want, from)
		others = serverFacts(want, o.Server, o.ServerErr)
	})
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

// Probe asks the server once for everything.
func Probe(ctx context.Context, want *state.Set, from Sources) (shell.Probe, error) {
	runner, err := from.Server(ctx)
	if err != nil {
		return shell.Probe{}, err
	}
	request, err := shell.ProbeRequest(from.By, want)
	if err != nil {
		return shell.Probe{}, err
	}
	result, err := runner.Run(ctx, request)
	if err != nil {
		return shell.Probe{}, fmt.Errorf("probe server: %w", err)
	}
	if result.Code != 0 {
		return shell.Probe{}, fmt.Errorf("probe server: exit %d: %s", result.Code, explain(result.Stderr))
	}
	return shell.ParseProbe(result.Stdout)
}

func explain(stderr string) string {
	if strings.Contains(stderr, "sudo:") {
		return stderr + "; raiz needs sudo without a password for this user, or ssh.user = \"root\""
	}
	return stderr
}

func serverFacts(want *state.Set, p shell.Probe, err error) []state.Fact {
	var facts []state.Fact
	for it := range want.All() {
		if it.Key.Kind == state.Setting {
			continue
		}
		f := state.Fact{Key: it.Key, Err: err}
		if err == nil {
			f.Value, f.Err = answer(it, p)
		}
		facts = append(facts, f)
	}
	if err == nil {
		facts = append(facts, orphans(want, p)...)
	}
	return facts
}

// orphans are files of the generation that stands now which are wanted no
// more: another pack has taken over, or a neighbor is gone.
func orphans(want *state.Set, p shell.Probe) []state.Fact {
	var facts []state.Fact
	for _, path := range p.Managed {
		k := state.Key{Kind: state.Path, Name: path}
		if _, wanted := want.Get(k); !wanted && !slices.ContainsFunc(facts, func(f state.Fact) bool { return f.Key == k }) {
			facts = append(facts, state.Fact{Key: k, Value: state.File{}})
		}
	}
	return facts
}

func answer(it state.Item, p shell.Probe) (state.Value, error) {
	switch it.Key.Kind {
	case state.Path:
		return fileValue(it, p)
	case state.Unit:
		return unitValue(it.Key.Name, p)
	case state.Package:
		if _, ok := p.Packages[it.Key.Name]; ok {
			return state.Text("installed"), nil
		}
		return nil, nil
	case state.Live:
		return liveValue(it.Key.Name, p)
	}
	panic("observe: no way to look at " + it.Key.String())
}

func fileValue(it state.Item, p shell.Probe) (state.Value, error) {
	a, ok := p.Files[it.Key.Name]
	switch {
	case !ok:
		return nil, errors.New("the server did not answer for it")
	case a.Kind == "absent":
		return nil, nil
	case a.Kind == "link":
		return state.Text("link to " + a.Link), nil
	case a.Kind == "denied":
		return nil, errors.New("permission denied on the server")
	case a.Kind != "file":
		return nil, errors.New("is neither a file nor a link; move it away by hand")
	}
	f := a.File
	if want, ok := it.Value.(state.File); ok && want.Secret {
		f.Secret = true
	}
	return f, nil
}

func unitValue(name string, p shell.Probe) (state.Value, error) {
	u, ok := p.Units[name]
	if !ok {
		return nil, errors.New("systemd did not answer for it")
	}
	if u.Load == "not-found" {
		return nil, nil
	}
	enabled := u.UnitFile == "enabled" || u.UnitFile == "static" || u.UnitFile == "alias"
	return state.Service{Enabled: enabled, Active: u.Active == "active" || u.Active == "reloading"}, nil
}

// liveValue answers for "address INTERFACE PREFIX", where INTERFACE is a
// kernel name or a MAC.
func liveValue(name string, p shell.Probe) (state.Value, error) {
	words := strings.Fields(name)
	if len(words) != 3 || words[0] != "address" {
		panic("observe: no way to look at live " + name)
	}
	if p.NetworkErr != nil {
		return nil, p.NetworkErr
	}
	prefix, err := netip.ParsePrefix(words[2])
	if err != nil {
		panic("observe: " + err.Error())
	}
	i, ok := p.Interface(words[1])
	if !ok {
		return nil, nil
	}
	if slices.ContainsFunc(i.Addresses, func(a shell.Address) bool { return a.Prefix == prefix }) {
		return state.Text("present"), nil
	}
	return nil, nil
}

package observe_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/observe"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

func key(kind state.Kind, name string) state.Key { return state.Key{Kind: kind, Name: name} }

// prober answers with what a server said; it refuses to be asked twice.
type prober struct {
	t     *testing.T
	facts server.Facts
	err   error
	asked []server.ProbeRequest
}

func (p *prober) Probe(_ context.Context, q server.ProbeRequest) (server.Facts, error) {
	if p.asked = append(p.asked, q); len(p.asked) > 1 {
		p.t.Error("the server is asked more than once")
	}
	// A secret is summed with the key of the request, as the server does it.
	for _, f := range q.Files {
		if have, ok := p.facts.Files[f.Path]; ok && f.Secret {
			mac := hmac.New(sha256.New, q.Key)
			mac.Write(have.Data)
			have.Sum, have.Data = hex.EncodeToString(mac.Sum(nil)), nil
			p.facts.Files[f.Path] = have
		}
	}
	return p.facts, p.err
}

// reader answers for the settings it has; the others it cannot look at.
type reader map[string]state.Fact

func (r reader) Read(_ context.Context, wanted []state.Item) []state.Fact {
	var out []state.Fact
	for _, it := range wanted {
		f := r[it.Key.Name]
		f.Key = it.Key
		out = append(out, f)
	}
	return out
}

func sources(t *testing.T, facts server.Facts) observe.Sources {
	return observe.Sources{
		Server: func(context.Context) (observe.Prober, error) { return &prober{t: t, facts: facts}, nil },
		BMC:    func(context.Context) (observe.SettingReader, error) { return reader{}, nil },
	}
}

func wanted(t *testing.T, items ...state.Item) *state.Set {
	t.Helper()
	set, err := state.NewSet("gru1", items)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func item(k state.Key) state.Item {
	switch k.Kind {
	case state.Path:
		return state.Item{Key: k, Value: file("wanted", "", state.Public)}
	case state.Unit:
		return state.Item{Key: k, Value: state.Service{Enabled: true, Active: true}}
	}
	return state.Item{Key: k, Value: state.Text("x")}
}

func file(text, token string, secrecy state.Secrecy) state.File {
	f := state.NewFile(0o644, "root", "root", []byte(text), secrecy)
	f.Token = token
	return f
}

// stands is a file with its bytes, as a server says it.
func stands(text, token string) server.FileFact {
	f := file(text, "", state.Public)
	return server.FileFact{Kind: server.IsFile, Mode: 0o644, Owner: "root", Group: "root", Sum: fmt.Sprintf("%x", f.Sum), Standing: token}
}

func fixed(text string) server.FileFact {
	f := stands(text, "here")
	f.Fixed = true
	return f
}

func filesOf(path string, f server.FileFact) server.Facts {
	return server.Facts{Files: map[string]server.FileFact{path: f}}
}

// say is a fact as words: what a table can hold.
func say(f state.Fact) string {
	switch {
	case f.Unsupported():
		return "unsupported: " + f.Err.Error()
	case f.Unknown():
		return "unknown: " + f.Err.Error()
	case f.Value == nil:
		return "absent"
	}
	switch v := f.Value.(type) {
	case state.File:
		secret := ""
		if v.Secret {
			secret = " secret"
		}
		return fmt.Sprintf("%o %s:%s %.6x %q %s%s", v.Mode, v.Owner, v.Group, v.Sum, v.Data, v.Token, secret)
	case state.Service:
		return fmt.Sprintf("enabled %t active %t", v.Enabled, v.Active)
	}
	return strings.Join(f.Value.(state.Attr).Values, ", ")
}

func unitOf(active, file string) server.Facts {
	return server.Facts{Units: map[string]server.UnitFact{"bird.service": {Load: "loaded", Active: active, File: file}}}
}

func unable(f server.Facts) server.Facts {
	f.Problems = map[string]string{server.PartTransaction: "the lock is a directory"}
	return f
}

// network is what a kernel has: a link that is named by its MAC, and a tagged
// one on top of it that has the same.
func network() server.Facts {
	link := func(name, mac string, addresses ...server.AddressFact) server.LinkFact {
		return server.LinkFact{Name: name, MAC: mac, Addresses: addresses}
	}
	return server.Facts{
		Network: server.Network{
			Links: []server.LinkFact{
				link("lo", "00:00:00:00:00:00", server.AddressFact{Address: "192.0.2.1/32"}),
				link("eno1", "02:00:00:00:00:0A", server.AddressFact{Address: "198.51.100.1/31"},
					server.AddressFact{Address: "2001:db8::1/64", Unusable: true}, server.AddressFact{Address: "192.0.2.99/24", Seconds: 600}),
				link("service.7", "02:00:00:00:00:0A", server.AddressFact{Address: "203.0.113.1/24"}),
			},
			Routes: []server.Route{
				{Table: server.MainTable, To: "0.0.0.0/0", Via: "198.51.100.0", Dev: "eno1"},
				{Table: 112, To: "0.0.0.0/0", Via: "203.0.113.2", Dev: "service.7"},
			},
		},
		Owners: []server.Owner{{Link: "eno1", Manager: server.Ifupdown, Lease: true, Known: true}},
	}
}

func TestServerFacts(t *testing.T) {
	sum := fmt.Sprintf("%.6x", file("other", "", state.Public).Sum)
	withData := stands("other", "here")
	withData.Data = []byte("other")
	torn := stands("other", "here")
	torn.Data = []byte("another")
	special := stands("other", "here")
	special.Mode = 0o4755
	stranger := network()
	stranger.Owners = []server.Owner{{Manager: "connman", Why: "stop it"}}
	path, unit, pkg := key(state.Path, "/etc/a"), key(state.Unit, "bird.service"), key(state.Package, "bird2")
	tests := []struct {
		name  string
		key   state.Key
		facts server.Facts
		want  string
	}{
		{"file", path, filesOf("/etc/a", stands("other", "here")), "644 root:root " + sum + ` "" here`},
		{"file with its bytes", path, filesOf("/etc/a", withData), "644 root:root " + sum + ` "other" here`},
		{"file that changed meanwhile", path, filesOf("/etc/a", torn), "unknown: it changed while it was read"},
		{"file with a set-user-ID bit", path, filesOf("/etc/a", special), "4755 root:root " + sum + ` "" here`},
		{"file without a sum", path, filesOf("/etc/a", server.FileFact{Kind: server.IsFile}), `unknown: sum "" is not a SHA-256`},
		{"file that nobody may replace", path, filesOf("/etc/a", fixed("other")), "unknown: it differs, and is immutable or append-only; on the server type: chattr -ia /etc/a"},
		{"file that nobody may replace, as wanted", path, filesOf("/etc/a", fixed("wanted")), fmt.Sprintf("644 root:root %.6x \"\" here", file("wanted", "", state.Public).Sum)},
		{"no file", path, filesOf("/etc/a", server.FileFact{Kind: server.IsAbsent}), "absent"},
		{"a link", path, filesOf("/etc/a", server.FileFact{Kind: server.IsLink, Link: "../run/x y"}), "link to ../run/x y"},
		{"a folder", path, filesOf("/etc/a", server.FileFact{Kind: server.IsOther}), "unknown: is neither a file nor a link; move it away by hand"},
		{"may not look", path, filesOf("/etc/a", server.FileFact{Kind: server.IsDenied, Why: "permission denied"}), "unknown: the server cannot look at it: permission denied"},
		{"says nothing of it", path, filesOf("/etc/b", stands("", "")), "unknown: the server did not answer for it"},

		{"a server that cannot take a change", path, unable(filesOf("/etc/a", stands("other", "here"))), "unknown: the server cannot take a change: the lock is a directory"},
		{"a unit of one", unit, unable(unitOf("active", "enabled")), "unknown: the server cannot take a change: the lock is a directory"},

		{"unit", unit, unitOf("active", "enabled"), "enabled true active true"},
		{"unit that is static", unit, unitOf("active", "static"), "enabled true active true"},
		{"unit by another name", unit, unitOf("active", "alias"), "enabled true active true"},
		{"unit enabled until the next boot", unit, unitOf("active", "enabled-runtime"), "enabled false active true"},
		{"unit that reloads", unit, unitOf("reloading", "enabled"), "enabled true active true"},
		{"unit that starts, and may never", unit, unitOf("activating", "enabled"), "enabled true active false"},
		{"unit that failed", unit, unitOf("failed", "disabled"), "enabled false active false"},
		{"no unit", unit, server.Facts{Units: map[string]server.UnitFact{"bird.service": {Load: "not-found"}}}, "absent"},
		{"unit nobody told of", unit, server.Facts{}, "unknown: systemd did not answer for it"},
		{"units nobody can see", unit, server.Facts{Problems: map[string]string{"units": "no bus"}}, "unknown: the server cannot look at its units: no bus"},

		{"package", pkg, server.Facts{Packages: map[string]string{"bird2": "2.0.12-7"}}, "installed"},
		{"no package", pkg, server.Facts{}, "absent"},
		{"packages nobody can see", pkg, server.Facts{Problems: map[string]string{"packages": "locked"}}, "unknown: the server cannot look at its packages: locked"},

		{"address", state.AddressKey("lo", "192.0.2.1/32"), network(), "present"},
		{"address by MAC", state.AddressKey("02:00:00:00:00:0a", "198.51.100.1/31"), network(), "present"},
		{"address that is not usable yet", state.AddressKey("eno1", "2001:db8::1/64"), network(), "present"},
		{"address by a lease", state.AddressKey("eno1", "192.0.2.99/24"), network(), "leased"},
		{"address of a tagged interface", state.AddressKey("service.7", "203.0.113.1/24"), network(), "present"},
		{"address of a tagged interface is not on what carries it", state.AddressKey("02:00:00:00:00:0a", "203.0.113.1/24"), network(), "absent"},
		{"address with another length", state.AddressKey("eno1", "198.51.100.1/32"), network(), "absent"},
		{"address on another interface", state.AddressKey("lo", "198.51.100.1/31"), network(), "absent"},
		{"no such interface", state.AddressKey("eno9", "192.0.2.1/32"), network(), "absent"},
		{"addresses nobody can see", state.AddressKey("lo", "192.0.2.1/32"), server.Facts{Problems: map[string]string{"network": "no netlink"}},
			"unknown: the server cannot look at its network: no netlink"},
		{"default route", state.DefaultKey("eno1", "198.51.100.0"), network(), "present"},
		{"default route by another gateway", state.DefaultKey("eno1", "198.51.100.2"), network(), "absent"},
		{"default route of another table", state.DefaultKey("service.7", "203.0.113.2"), network(), "absent"},
		{"manager", state.ManagerKey("eno1"), network(), "ifupdown (DHCP)"},
		{"manager that raiz does not know", state.ManagerKey("eno1"), stranger, "unknown: eno1 is managed by connman: stop it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := observe.Read(t.Context(), wanted(t, item(tt.key)), sources(t, tt.facts))
			if o.ServerErr != nil || o.BMCErr != nil {
				t.Fatalf("server %v, BMC %v", o.ServerErr, o.BMCErr)
			}
			if have := say(o.Facts.Get(tt.key)); have != tt.want {
				t.Errorf("got  %s\nwant %s", have, tt.want)
			}
		})
	}
}

// An empty file has no bytes that go over the wire, and all of them are known;
// those of one that is too large are not.
func TestEmptyFile(t *testing.T) {
	k := key(state.Path, "/etc/a")
	for stands, known := range map[string]bool{"": true, "other": false} {
		fact := server.FileFact{Kind: server.IsFile, Sum: hex.EncodeToString(sha256.New().Sum(nil)), Standing: "here"}
		if stands != "" {
			sum := sha256.Sum256([]byte(stands))
			fact.Sum = hex.EncodeToString(sum[:])
		}
		o := observe.Read(t.Context(), wanted(t, state.Item{Key: k, Value: file("wanted", "", state.Public)}), sources(t, filesOf("/etc/a", fact)))
		if have, _ := o.Facts.Get(k).Value.(state.File); have.Data != nil != known {
			t.Errorf("%q: %q, known %t", stands, have.Data, known)
		}
	}
}

// A file is secret because it is wanted so: its sum is never asked for, and
// what stands compares all the same.
func TestSecretFile(t *testing.T) {
	k := key(state.Path, "/etc/a")
	want := file("wanted", "", state.Confidential)
	for _, tt := range []struct {
		stands string
		equal  bool
	}{{"wanted", true}, {"other", false}} {
		fact := stands(tt.stands, "here")
		fact.Data = []byte(tt.stands)
		p := &prober{t: t, facts: filesOf("/etc/a", fact)}
		from := observe.Sources{Server: func(context.Context) (observe.Prober, error) { return p, nil }}
		o := observe.Read(t.Context(), wanted(t, state.Item{Key: k, Value: want}), from)
		have, _ := o.Facts.Get(k).Value.(state.File)
		if !have.Secret || have.Token != "here" || want.Equal(have) != tt.equal {
			t.Errorf("%s: got %s", tt.stands, say(o.Facts.Get(k)))
		}
		if q := p.asked[0]; q.Files[0].Sum != "" || !q.Files[0].Secret || len(q.Key) != 32 {
			t.Errorf("asked %+v", q)
		}
	}
}

// What the current generation manages and nobody wants is said, and so is what
// is on a managed link beside what is declared.
func TestOrphans(t *testing.T) {
	k := key(state.Path, "/etc/a")
	facts := network()
	facts.Current = 4
	facts.Managed, facts.ManagedUnits = []string{"/etc/old", "/etc/a"}, []string{"gone.service", "old.service", "stopped.service"}
	facts.Files = map[string]server.FileFact{"/etc/a": {Kind: server.IsAbsent}, "/etc/old": stands("x", "here")}
	facts.Units = map[string]server.UnitFact{"old.service": {Load: "loaded", Active: "active", File: "enabled"}, "stopped.service": {Load: "loaded", Active: "inactive", File: "disabled"}}
	o := observe.Read(t.Context(), wanted(t, item(k), item(state.AddressKey("eno1", "198.51.100.1/31"))), sources(t, facts))
	var have []string
	for f := range o.Facts.All() {
		have = append(have, f.Key.String()+": "+say(f))
	}
	want := []string{
		"file /etc/a: absent", `file /etc/old: 0 : 000000000000 "" here`, "service old.service: enabled true active true",
		"live address eno1 192.0.2.99/24: present", "live address eno1 198.51.100.1/31: present", "live address eno1 2001:db8::1/64: present",
		"live default eno1 198.51.100.0: present",
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if o.Server.Current != 4 {
		t.Errorf("the rest of the answer is not passed on: %+v", o.Server)
	}
}

// Each source may fail, and the other one is heard none the less.
func TestSourcesFailApart(t *testing.T) {
	setting, path := key(state.Setting, "hostname"), key(state.Path, "/etc/a")
	down := errors.New("connection refused")
	good := filesOf("/etc/a", server.FileFact{Kind: server.IsAbsent})
	tests := []struct {
		name                string
		change              func(*observe.Sources)
		bmc, server         string // what the facts say
		bmcErr, serverError string
	}{
		{"neither", func(*observe.Sources) {}, "x", "absent", "", ""},
		{"no BMC", func(s *observe.Sources) {
			s.BMC = func(context.Context) (observe.SettingReader, error) { return nil, down }
		}, "unknown: connection refused", "absent", "connection refused", ""},
		{"no server", func(s *observe.Sources) {
			s.Server = func(context.Context) (observe.Prober, error) { return nil, down }
		}, "x", "unknown: connection refused", "", "connection refused"},
		{"connection broke", func(s *observe.Sources) {
			s.Server = func(context.Context) (observe.Prober, error) { return &prober{t: t, err: down}, nil }
		}, "x", "unknown: connection refused", "", "connection refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			from := sources(t, good)
			from.BMC = func(context.Context) (observe.SettingReader, error) {
				return reader{"hostname": {Value: state.Text("x")}}, nil
			}
			tt.change(&from)
			o := observe.Read(t.Context(), wanted(t, item(setting), item(path)), from)
			have := []string{say(o.Facts.Get(setting)), say(o.Facts.Get(path)), text(o.BMCErr), text(o.ServerErr)}
			if diff := cmp.Diff([]string{tt.bmc, tt.server, tt.bmcErr, tt.serverError}, have); diff != "" {
				t.Errorf("BMC, server, their errors (-want +got):\n%s", diff)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A BMC that does not answer for everything it was asked leaves the rest
// unknown; a site without one asks nobody.
func TestSettings(t *testing.T) {
	a, b := key(state.Setting, "dns"), key(state.Setting, "ntp")
	from := sources(t, server.Facts{})
	from.BMC = func(context.Context) (observe.SettingReader, error) { return partial{}, nil }
	o := observe.Read(t.Context(), wanted(t, item(a), item(b)), from)
	if have := []string{say(o.Facts.Get(a)), say(o.Facts.Get(b))}; have[0] != "x" || !strings.HasPrefix(have[1], "unknown: ") {
		t.Errorf("got %q", have)
	}
	from.BMC = func(context.Context) (observe.SettingReader, error) {
		t.Error("asked a BMC that nothing is wanted of")
		return nil, nil
	}
	observe.Read(t.Context(), wanted(t, item(key(state.Package, "p"))), from)
}

// partial answers for the first key alone.
type partial struct{}

func (partial) Read(_ context.Context, wanted []state.Item) []state.Fact {
	return []state.Fact{{Key: wanted[0].Key, Value: state.Text("x")}}
}

// The one exec asks for exactly what is wanted.
func TestProbeAsksOnce(t *testing.T) {
	p := &prober{t: t}
	from := observe.Sources{Server: func(context.Context) (observe.Prober, error) { return p, nil }}
	want := wanted(t, item(key(state.Path, "/etc/a")), item(key(state.Unit, "u.service")), item(key(state.Package, "p")),
		item(state.AddressKey("eno1", "192.0.2.1/24")), item(state.ManagerKey("eno1")), item(state.ManagerKey("02:00:00:00:00:0a")))
	observe.Read(t.Context(), want, from)
	have := p.asked[0]
	have.Key = nil
	exact := server.ProbeRequest{
		Files: []server.FileQuestion{{Path: "/etc/a", Sum: fmt.Sprintf("%x", file("wanted", "", state.Public).Sum)}},
		Units: []string{"u.service"}, Packages: []string{"p"}, Links: []server.Match{{Name: "eno1"}, {MAC: "02:00:00:00:00:0a"}},
	}
	if diff := cmp.Diff(exact, have); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

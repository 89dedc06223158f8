package observe_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/observe"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/shell"
	"github.com/raiz-dns/raiz/provision/state"
)

func key(kind state.Kind, name string) state.Key { return state.Key{Kind: kind, Name: name} }

// runner answers every script with one result; it refuses to be asked twice.
type runner struct {
	t      *testing.T
	result remote.Result
	err    error
	asked  []remote.Script
}

func (r *runner) Run(_ context.Context, s remote.Script) (remote.Result, error) {
	if r.asked = append(r.asked, s); len(r.asked) > 1 {
		r.t.Error("the server is asked more than once")
	}
	return r.result, r.err
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

// answer is what a server says, with lines in its sections.
func answer(sections map[string]string) []byte {
	var b strings.Builder
	b.WriteString("a banner\nraiz 1\n")
	for _, name := range []string{"system", "transaction", "files", "units", "packages", "addresses"} {
		fmt.Fprintf(&b, "== %s\n", name)
		text, ok := sections[name]
		if !ok && name == "addresses" {
			text = "[]"
		}
		for l := range strings.Lines(text) {
			b.WriteString(" " + strings.TrimSuffix(l, "\n") + "\n")
		}
	}
	b.WriteString("== end\n")
	return []byte(b.String())
}

func sources(t *testing.T, out []byte) observe.Sources {
	return observe.Sources{
		Server: func(context.Context) (observe.Runner, error) {
			return &runner{t: t, result: remote.Result{Stdout: out}}, nil
		},
		BMC: func(context.Context) (observe.SettingReader, error) { return reader{}, nil },
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

// fileLine is the line of a file that stands there.
func fileLine(path, text, token string) string {
	f := file(text, "", state.Public)
	return fmt.Sprintf("%s file 0644 root root %s %x\n", path, strings.ReplaceAll(token, "-", " "), f.Sum)
}

func dataLine(path, text string) string {
	return path + " data " + base64.StdEncoding.EncodeToString([]byte(text)) + "\n"
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

func TestServerFacts(t *testing.T) {
	const unit = "Id=bird.service\nLoadState=loaded\nActiveState=%s\nUnitFileState=%s\n"
	const eth = `[{"ifname":"lo","address":"00:00:00:00:00:00","addr_info":[{"local":"192.0.2.1","prefixlen":32}]},` +
		`{"ifname":"eno1","address":"02:00:00:00:00:0A","addr_info":[{"local":"198.51.100.1","prefixlen":31},{"local":"2001:db8::1","prefixlen":64,"tentative":true}]},` +
		`{"ifname":"service.7","link":"eno1","address":"02:00:00:00:00:0A","addr_info":[{"local":"203.0.113.1","prefixlen":24}]}]`
	sum := fmt.Sprintf("%.6x", file("other", "", state.Public).Sum)
	live := func(text string) state.Key { return key(state.Live, "address "+text) }
	tests := []struct {
		name     string
		key      state.Key
		sections map[string]string
		want     string
	}{
		{"file", key(state.Path, "/etc/a"), map[string]string{"files": fileLine("/etc/a", "other", "7-5-99")}, "644 root:root " + sum + ` "" 7-5-99`},
		{"file with its bytes", key(state.Path, "/etc/a"), map[string]string{"files": fileLine("/etc/a", "other", "7-5-99") + dataLine("/etc/a", "other")}, "644 root:root " + sum + ` "other" 7-5-99`},
		{"file with a set-user-ID bit", key(state.Path, "/etc/a"), map[string]string{"files": strings.Replace(fileLine("/etc/a", "other", "7-5-99"), "0644", "4755", 1)}, "4755 root:root " + sum + ` "" 7-5-99`},
		{"no file", key(state.Path, "/etc/a"), map[string]string{"files": "/etc/a absent\n"}, "absent"},
		{"a link", key(state.Path, "/etc/a"), map[string]string{"files": "/etc/a link ../run/x y\n"}, "link to ../run/x y"},
		{"a folder", key(state.Path, "/etc/a"), map[string]string{"files": "/etc/a other\n"}, "unknown: is neither a file nor a link; move it away by hand"},
		{"may not look", key(state.Path, "/etc/a"), map[string]string{"files": "/etc/a denied\n"}, "unknown: permission denied on the server"},
		{"says nothing of it", key(state.Path, "/etc/a"), map[string]string{"files": "/etc/b absent\n"}, "unknown: the server did not answer for it"},

		{"unit", key(state.Unit, "bird.service"), map[string]string{"units": fmt.Sprintf(unit, "active", "enabled")}, "enabled true active true"},
		{"unit that is static", key(state.Unit, "bird.service"), map[string]string{"units": fmt.Sprintf(unit, "active", "static")}, "enabled true active true"},
		{"unit by another name", key(state.Unit, "bird.service"), map[string]string{"units": fmt.Sprintf(unit, "active", "alias")}, "enabled true active true"},
		{"unit enabled until the next boot", key(state.Unit, "bird.service"), map[string]string{"units": fmt.Sprintf(unit, "active", "enabled-runtime")}, "enabled false active true"},
		{"unit that reloads", key(state.Unit, "bird.service"), map[string]string{"units": fmt.Sprintf(unit, "reloading", "enabled")}, "enabled true active true"},
		{"unit that starts, and may never", key(state.Unit, "bird.service"), map[string]string{"units": fmt.Sprintf(unit, "activating", "enabled")}, "enabled true active false"},
		{"unit that failed", key(state.Unit, "bird.service"), map[string]string{"units": fmt.Sprintf(unit, "failed", "disabled")}, "enabled false active false"},
		{"no unit", key(state.Unit, "bird.service"), map[string]string{"units": "Id=bird.service\nLoadState=not-found\nActiveState=inactive\n"}, "absent"},
		{"unit nobody told of", key(state.Unit, "bird.service"), map[string]string{"units": "Id=nsd.service\nLoadState=loaded\n"}, "unknown: systemd did not answer for it"},

		{"package", key(state.Package, "bird2"), map[string]string{"packages": "bird2 installed 2.0.12-7\n"}, "installed"},
		{"package, half removed", key(state.Package, "bird2"), map[string]string{"packages": "bird2 config-files 2.0.12-7\n"}, "absent"},
		{"no package", key(state.Package, "bird2"), nil, "absent"},

		{"address", live("lo 192.0.2.1/32"), map[string]string{"addresses": eth}, "present"},
		{"address by MAC", live("02:00:00:00:00:0a 198.51.100.1/31"), map[string]string{"addresses": eth}, "present"},
		{"address that is not usable yet", live("eno1 2001:db8::1/64"), map[string]string{"addresses": eth}, "present"},
		{"address of a tagged interface", live("service.7 203.0.113.1/24"), map[string]string{"addresses": eth}, "present"},
		{"address of a tagged interface is not on what carries it", live("02:00:00:00:00:0a 203.0.113.1/24"), map[string]string{"addresses": eth}, "absent"},
		{"address with another length", live("eno1 198.51.100.1/32"), map[string]string{"addresses": eth}, "absent"},
		{"address on another interface", live("lo 198.51.100.1/31"), map[string]string{"addresses": eth}, "absent"},
		{"no such interface", live("eno9 192.0.2.1/32"), map[string]string{"addresses": eth}, "absent"},
		{"addresses nobody can read", live("lo 192.0.2.1/32"), map[string]string{"addresses": "ip: not found"},
			`unknown: answer of the server is not understood: ip -j address says "ip: not found"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := observe.Read(t.Context(), wanted(t, item(tt.key)), sources(t, answer(tt.sections)))
			if o.ServerErr != nil || o.BMCErr != nil {
				t.Fatalf("server %v, BMC %v", o.ServerErr, o.BMCErr)
			}
			if have := say(o.Facts.Get(tt.key)); have != tt.want {
				t.Errorf("got  %s\nwant %s", have, tt.want)
			}
		})
	}
}

// A file is secret because it is wanted so: the server does not know.
func TestSecretFile(t *testing.T) {
	k := key(state.Path, "/etc/a")
	want := wanted(t, state.Item{Key: k, Value: file("wanted", "", state.Confidential)})
	o := observe.Read(t.Context(), want, sources(t, answer(map[string]string{"files": fileLine("/etc/a", "other", "7-5-99")})))
	if have := say(o.Facts.Get(k)); !strings.HasSuffix(have, `"" 7-5-99 secret`) {
		t.Errorf("got %s", have)
	}
}

func TestOrphans(t *testing.T) {
	k := key(state.Path, "/etc/a")
	o := observe.Read(t.Context(), wanted(t, item(k)), sources(t, answer(map[string]string{
		"transaction": "current 4\nmanaged /etc/old\nmanaged /etc/a\nmanaged /etc/old\nmanaged /etc/older\n",
		"files":       "/etc/a absent\n",
	})))
	var have []string
	for f := range o.Facts.All() {
		have = append(have, f.Key.Name+" "+say(f))
	}
	zero := `0 : 000000000000 "" `
	if diff := cmp.Diff([]string{"/etc/a absent", "/etc/old " + zero, "/etc/older " + zero}, have); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if o.Server.Current != "4" {
		t.Errorf("the rest of the answer is not passed on: %+v", o.Server)
	}
}

// Each source may fail, and the other one is heard none the less.
func TestSourcesFailApart(t *testing.T) {
	setting, path := key(state.Setting, "hostname"), key(state.Path, "/etc/a")
	down := errors.New("connection refused")
	good := answer(map[string]string{"files": "/etc/a absent\n"})
	serves := func(r runner) func(context.Context) (observe.Runner, error) {
		return func(context.Context) (observe.Runner, error) { return &r, nil }
	}
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
			s.Server = func(context.Context) (observe.Runner, error) { return nil, down }
		}, "x", "unknown: connection refused", "", "connection refused"},
		{"connection broke", func(s *observe.Sources) { s.Server = serves(runner{t: t, err: down}) },
			"x", "unknown: probe server: connection refused", "", "probe server: connection refused"},
		{"script failed", func(s *observe.Sources) {
			s.Server = serves(runner{t: t, result: remote.Result{Code: 127, Stderr: "sh: not found"}})
		}, "x", "unknown: probe server: exit 127: sh: not found", "", "probe server: exit 127: sh: not found"},
		{"sudo wants a password", func(s *observe.Sources) {
			s.Server = serves(runner{t: t, result: remote.Result{Code: 1, Stderr: "sudo: a password is required"}})
		}, "x", `unknown: probe server: exit 1: sudo: a password is required; raiz needs sudo without a password for this user, or ssh.user = "root"`,
			"", `probe server: exit 1: sudo: a password is required; raiz needs sudo without a password for this user, or ssh.user = "root"`},
		{"answer cut off", func(s *observe.Sources) {
			s.Server = serves(runner{t: t, result: remote.Result{Stdout: good[:len(good)-3]}})
		}, "x", "unknown: answer of the server is not understood: it ends too early", "", "answer of the server is not understood: it ends too early"},
		{"no answer at all", func(s *observe.Sources) { s.Server = serves(runner{t: t}) },
			"x", `unknown: answer of the server is not understood: no greeting in ""`, "", `answer of the server is not understood: no greeting in ""`},
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
	from := sources(t, answer(nil))
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

// The one exec asks for exactly what is wanted, as root, and says who asks.
func TestProbeAsksOnce(t *testing.T) {
	r := &runner{t: t, result: remote.Result{Stdout: answer(nil)}}
	from := observe.Sources{Server: func(context.Context) (observe.Runner, error) { return r, nil }, By: shell.By{Who: "somebody"}}
	want := wanted(t, item(key(state.Path, "/etc/a")), item(key(state.Unit, "u.service")), item(key(state.Package, "p")))
	if _, err := observe.Probe(t.Context(), want, from); err != nil {
		t.Fatal(err)
	}
	script := r.asked[0]
	for _, words := range []string{"RAIZ_WHO=somebody\n", " public /etc/a\nunit u.service\npackage p\n"} {
		if !strings.Contains(script.Text, words) {
			t.Errorf("the script has no %q", words)
		}
	}
	if !script.Root {
		t.Error("it does not run as root")
	}
	bad := wanted(t, state.Item{Key: key(state.Path, "/etc/a b"), Value: file("", "", state.Public)})
	if _, err := observe.Probe(t.Context(), bad, from); err == nil || err.Error() != `path "/etc/a b": only letters, digits and /._@:+- are allowed` {
		t.Errorf("got %v", err)
	}
}

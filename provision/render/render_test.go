package render_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/templates"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// examples are the sites whose whole rendering is kept in testdata/NAME.
func examples() map[string]string {
	return map[string]string{
		"as112-gru1":     "../../sites/as112-gru1.hcl",
		"f-root-example": "../../sites/f-root-example.hcl",
		"reference":      "../../sites/reference.hcl",
		"root-example":   "../../sites/root-example.hcl",
		"root-tagged":    "../../sites/root-tagged.hcl",
		"variant":        "testdata/variant.hcl",
	}
}

// planted answers for every secret with a text that is easy to find.
type planted struct{}

const (
	plantedMark   = "UGxhbnRlZFNlY3JldCEh"             // is base64, as a TSIG key has to be
	plantedCookie = "506c616e746564436f6f6b6965212121" // is hexadecimal
)

func (planted) Env(name string) (string, error) {
	if strings.Contains(name, "COOKIE") {
		return plantedCookie, nil
	}
	return plantedMark + "MDEyMzQ1Njc4OQ==", nil
}
func (planted) File(name string) (string, error)   { return "", errors.New("no files here") }
func (planted) Exec(argv []string) (string, error) { return "", errors.New("no programs here") }

// absent has no secret at all.
type absent struct{}

func (absent) Env(name string) (string, error) {
	return "", fmt.Errorf("environment variable %s is not set", name)
}
func (absent) File(name string) (string, error)   { return "", fs.ErrNotExist }
func (absent) Exec(argv []string) (string, error) { return "", errors.New("no programs here") }

// load returns the only site of a text, after what is replaced in it.
func load(t *testing.T, file string, replace ...string) *site.Site {
	t.Helper()
	return loadWith(t, site.Options{Lookup: func(string) secret.Lookup { return planted{} }}, file, replace...)
}

// packs are those that raiz comes with.
var packs = sync.OnceValues(func() (map[string][]site.Pack, error) { return render.Packs(templates.FS()) })

func loadWith(t *testing.T, o site.Options, file string, replace ...string) *site.Site {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(replace); i += 2 {
		if !bytes.Contains(text, []byte(replace[i])) {
			t.Fatalf("%s has no %q", file, replace[i])
		}
		text = bytes.Replace(text, []byte(replace[i]), []byte(replace[i+1]), 1)
	}
	if o.Operators, err = fs.Sub(templates.FS(), "operators"); err != nil {
		t.Fatal(err)
	}
	if o.Packs, err = packs(); err != nil {
		t.Fatal(err)
	}
	sites, diags := site.Load(fstest.MapFS{"in.hcl": {Data: text}}, "in.hcl", o)
	if diags.HasErrors() || len(sites) != 1 {
		t.Fatalf("%s gives %d sites and %v", file, len(sites), diags)
	}
	return sites[0]
}

func desired(t *testing.T, s *site.Site, secrets render.Secrets) *state.Set {
	t.Helper()
	set, err := render.Desired(s, templates.FS(), render.With{Secrets: secrets})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// goldens are the files of a set by name, and what holds for them and for
// everything that is no file.
func goldens(set *state.Set) map[string]string {
	out := map[string]string{}
	var all strings.Builder
	for it := range set.All() {
		fmt.Fprintf(&all, "%s%s\n", it.Key, describe(it))
		if f, ok := it.Value.(state.File); ok {
			out["files"+it.Key.Name] = string(f.Data)
		}
	}
	out["wanted.txt"] = all.String()
	return out
}

func describe(it state.Item) string {
	var b strings.Builder
	switch v := it.Value.(type) {
	case state.Attr:
		fmt.Fprintf(&b, " = %q", v.Values)
	case state.Service:
		fmt.Fprintf(&b, " enabled %t active %t", v.Enabled, v.Active)
	case state.File:
		fmt.Fprintf(&b, " %04o %s:%s", uint32(v.Mode), v.Owner, v.Group)
		if v.Secret {
			b.WriteString(" secret")
		}
	}
	e := it.Effect
	fmt.Fprintf(&b, "\n\t%s %d", e.Component, e.Order)
	if e.Unit != "" || e.How != "" {
		fmt.Fprintf(&b, ", %s %s%q", e.How, e.Unit, e.Command)
	}
	if e.Check != nil {
		fmt.Fprintf(&b, ", check %q", e.Check)
	}
	if e.Name != state.NoEffect {
		fmt.Fprintf(&b, ", %s", e.Name)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	for name, file := range examples() {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("testdata", name)
			have := goldens(desired(t, load(t, file), render.Withheld))
			if *update {
				rewrite(t, dir, have)
			}
			want := map[string]string{}
			err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				text, err := os.ReadFile(path)
				rel, _ := filepath.Rel(dir, path)
				want[rel] = string(text)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func rewrite(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A secret is in the files that are declared secret, and nowhere else.
func TestSecretsStayInSecretFiles(t *testing.T) {
	for name, file := range examples() {
		t.Run(name, func(t *testing.T) {
			var with []string
			for it := range desired(t, load(t, file), render.Revealed).All() {
				f, ok := it.Value.(state.File)
				if !ok {
					if strings.Contains(describe(it), plantedMark) {
						t.Errorf("%s holds a secret", it.Key)
					}
					continue
				}
				if !bytes.Contains(f.Data, []byte(plantedMark)) && !bytes.Contains(f.Data, []byte(plantedCookie)) {
					continue
				}
				with = append(with, it.Key.Name)
				if !f.Secret || f.Mode&0o027 != 0 {
					t.Errorf("%s, secret %t, mode %o, holds a secret", it.Key, f.Secret, f.Mode)
				}
			}
			all := []string{"/etc/bird/raiz-passwords.conf", "/etc/nsd/raiz-cookies.txt", "/etc/nsd/raiz-keys.conf"}
			want := map[string][]string{
				"as112-gru1": all[:1], "f-root-example": all, "reference": all, "root-example": all, "root-tagged": all,
			}
			if diff := cmp.Diff(want[name], with); diff != "" {
				t.Errorf("files with a secret (-want +got):\n%s", diff)
			}
		})
	}
}

// A template of an open file that asks for a secret is refused, also by who
// sees no secret: a file without its password would be a session without one.
func TestOpenFileNeverGetsASecret(t *testing.T) {
	for _, ask := range []string{
		"{{ range .BGP.Neighbors }}{{ .Password }}{{ end }}", "{{ range .BGP.Sessions }}{{ .Neighbor.Password }}{{ end }}",
		"{{ range .DNS.Keys }}{{ .Text }}{{ end }}", "{{ .DNS.Cookie }}", "{{ .DNS.CookieStaging }}", "{{ if .DNS.Cookie }}x{{ end }}",
	} {
		packs := templates.Over(templates.FS(), fstest.MapFS{
			"dns/nsd/component.hcl": {Data: []byte("component \"nsd\" {\n  kind = \"dns\"\n  unit = \"nsd.service\"\n  bad_zone = \"refuses\"\n  service \"nsd.service\" {}\n  file \"/etc/open\" {\n    template = \"a.tmpl\"\n  }\n}\n")},
			"dns/nsd/a.tmpl":        {Data: []byte(ask)},
		})
		for _, secrets := range []render.Secrets{render.Revealed, render.Withheld} {
			_, err := render.Desired(load(t, examples()["reference"]), packs, render.With{Secrets: secrets})
			if err == nil || !strings.Contains(err.Error(), "is given to files with secret = true alone") || strings.Contains(err.Error(), plantedMark) {
				t.Errorf("%s: got %v", ask, err)
			}
		}
	}
	// What prints all values prints none that is hidden.
	packs := templates.Over(templates.FS(), fstest.MapFS{
		"dns/nsd/component.hcl": {Data: []byte("component \"nsd\" {\n  kind = \"dns\"\n  unit = \"nsd.service\"\n  bad_zone = \"refuses\"\n  service \"nsd.service\" {}\n  file \"/etc/open\" {\n    template = \"a.tmpl\"\n  }\n}\n")},
		"dns/nsd/a.tmpl":        {Data: []byte("{{ . }}{{ .BGP }}{{ .DNS }}")},
	})
	set, err := render.Desired(load(t, examples()["reference"]), packs, render.With{Secrets: render.Revealed})
	if err != nil {
		t.Fatal(err)
	}
	it, _ := set.Get(state.Key{Kind: state.Path, Name: "/etc/open"})
	if text := string(it.Value.(state.File).Data); strings.Contains(text, plantedMark) || len(text) < 100 {
		t.Errorf("got %.80q", text)
	}
}

func TestWithheldNeedsNoSecret(t *testing.T) {
	for name, file := range examples() {
		t.Run(name, func(t *testing.T) {
			without := desired(t, loadWith(t, site.Options{Lookup: func(string) secret.Lookup { return absent{} }}, file), render.Withheld)
			with := desired(t, load(t, file), render.Withheld)
			if diff := cmp.Diff(goldens(with), goldens(without)); diff != "" {
				t.Errorf("with and without secrets (-with +without):\n%s", diff)
			}
		})
	}
}

func TestRevealedNeedsEverySecret(t *testing.T) {
	tests := []struct {
		name    string
		file    string
		replace []string
		want    string
	}{
		{"BGP", "as112-gru1", nil, `render as112-gru1: a secret is missing: env("GRU1_BGP_PASSWORD"): environment variable GRU1_BGP_PASSWORD is not set`},
		{"TSIG", "reference", []string{
			"      password = env(\"GRU2_BGP_PASSWORD\")\n\n", "", "      password     = env(\"GRU2_BGP_PASSWORD\")\n", "", "      password     = env(\"GRU2_TRANSIT_PASSWORD\")\n", "",
			`operator = "raices"`, `operator = "lab"`, "  override \"bmc-ipv6\" {\n    reason = \"This controller cannot filter IPv6, so that it gets IPv4 only.\"\n  }\n", ""},
			`render reference: a secret is missing: env("GRU2_XFR_SECRET"): environment variable GRU2_XFR_SECRET is not set`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := loadWith(t, site.Options{Lookup: func(string) secret.Lookup { return absent{} }}, examples()[tt.file], tt.replace...)
			set, err := render.Desired(s, templates.FS(), render.With{Secrets: render.Revealed})
			if err == nil || err.Error() != tt.want || set != nil {
				t.Errorf("got %v, %v\nwant %s", set, err, tt.want)
			}
		})
	}
}

// The same site gives the same bytes.
func TestDesiredIsPure(t *testing.T) {
	for name, file := range examples() {
		a, b := desired(t, load(t, file), render.Revealed), desired(t, load(t, file), render.Revealed)
		if diff := cmp.Diff(slices.Collect(a.All()), slices.Collect(b.All())); diff != "" {
			t.Errorf("%s (-first +second):\n%s", name, diff)
		}
	}
}

func TestDesiredRefuses(t *testing.T) {
	pack := func(file, template string) fstest.MapFS {
		return fstest.MapFS{
			"dns/nsd/component.hcl": {Data: []byte("component \"nsd\" {\nkind = \"dns\"\n  unit = \"nsd.service\"\n  bad_zone = \"refuses\"\n  service \"nsd.service\" {}\n" + file + "}\n")},
			"dns/nsd/a.tmpl":        {Data: []byte(template)},
		}
	}
	const a = "  file \"/etc/a\" {\n    template = \"a.tmpl\"\n  }\n"
	tests := []struct {
		name    string
		packs   fs.FS
		replace []string
		want    string
	}{
		{"broken template", templates.Over(templates.FS(), pack(a, "{{ .Source")), nil, "render as112-gru1: component pack dns/nsd: line 6: file /etc/a: template: dns/nsd/a.tmpl:1: unclosed action"},
		{"template asks for what is not there", templates.Over(templates.FS(), pack(a, "{{ .Sources }}")), nil,
			"render as112-gru1: component pack dns/nsd: file /etc/a: dns/nsd/a.tmpl:1:3: there is no .Sources; docs/packs.md has the values"},
		{"two packs want one file", templates.Over(templates.FS(), pack(strings.Replace(a, "/etc/a", "/etc/hosts", 1), "x")), nil,
			`render as112-gru1: file /etc/hosts is wanted twice, by "debian" and by "nsd"`},
		{"one pack wants a file twice", templates.Over(templates.FS(), pack(a+a, "x")), nil,
			`render as112-gru1: component pack dns/nsd: file /etc/a is there twice`},
		{"a condition that nobody knows", templates.Over(templates.FS(), pack(strings.Replace(a, "template", "when = \"moonshine\"\n    template", 1), "x")), nil,
			`render as112-gru1: component pack dns/nsd: line 6: file /etc/a: when = "moonshine": template: when:1: function "moonshine" not defined`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, err := render.Desired(load(t, examples()["as112-gru1"], tt.replace...), tt.packs, render.With{Secrets: render.Withheld})
			if err == nil || err.Error() != tt.want || set != nil {
				t.Errorf("got %v, %v\nwant %s", set, err, tt.want)
			}
		})
	}
}

// tags are the lines that settle who is tagged and what carries whom.
func tags(set *state.Set) string {
	var b strings.Builder
	for it := range set.Of(state.Path) {
		if !strings.HasPrefix(it.Key.Name, "/etc/systemd/network/") {
			continue
		}
		fmt.Fprintf(&b, "%s:", filepath.Base(it.Key.Name))
		for l := range strings.Lines(string(it.Value.(state.File).Data)) {
			for _, word := range []string{"Name=", "MACAddress=", "Type=!", "VLAN=", "Id=", "MTUBytes=", "Address="} {
				if strings.HasPrefix(l, word) && !strings.Contains(it.Key.Name, "loopback") {
					b.WriteString(" " + strings.TrimSpace(l))
				}
			}
		}
		b.WriteString("\n")
	}
	for it := range set.Of(state.Live) {
		if what, iface, _ := it.Key.Live(); what == state.LiveAddress && iface != "lo" {
			fmt.Fprintln(&b, it.Key.Name)
		}
	}
	return b.String()
}

func TestTaggedInterfaces(t *testing.T) {
	const (
		mgmtMatch, mgmtGateways = `match     = { mac = "02:00:00:00:00:01" }`, `vlan      = 4094`
		svcMatch                = `match     = { name = "enp1s0f1np1" }`
	)
	tests := []struct {
		name    string
		replace []string
		want    string
	}{
		{"none", []string{mgmtGateways, ""}, `05-raiz-loopback.network:
05-raiz-management.network: MACAddress=02:00:00:00:00:01 Type=!vlan MTUBytes=1500 Address=192.0.2.20/28
05-raiz-service.network: Name=enp1s0f1np1 MTUBytes=9000 Address=198.51.100.1/31 Address=2001:db8:0:3::1/64
address 02:00:00:00:00:01 192.0.2.20/28
address enp1s0f1np1 198.51.100.1/31
address enp1s0f1np1 2001:db8:0:3::1/64
`},
		{"management", nil, `05-raiz-loopback.network:
05-raiz-management.netdev: Name=management.4094 MTUBytes=1500 Id=4094
05-raiz-management.network: Name=management.4094 MTUBytes=1500 Address=192.0.2.20/28
05-raiz-service.network: Name=enp1s0f1np1 MTUBytes=9000 Address=198.51.100.1/31 Address=2001:db8:0:3::1/64
06-raiz-management-carrier.network: MACAddress=02:00:00:00:00:01 Type=!vlan MTUBytes=1500 VLAN=management.4094
address enp1s0f1np1 198.51.100.1/31
address enp1s0f1np1 2001:db8:0:3::1/64
address management.4094 192.0.2.20/28
`},
		{"both, apart", []string{svcMatch, svcMatch + "\n      vlan = 7"}, `05-raiz-loopback.network:
05-raiz-management.netdev: Name=management.4094 MTUBytes=1500 Id=4094
05-raiz-management.network: Name=management.4094 MTUBytes=1500 Address=192.0.2.20/28
05-raiz-service.netdev: Name=service.7 MTUBytes=9000 Id=7
05-raiz-service.network: Name=service.7 MTUBytes=9000 Address=198.51.100.1/31 Address=2001:db8:0:3::1/64
06-raiz-management-carrier.network: MACAddress=02:00:00:00:00:01 Type=!vlan MTUBytes=1500 VLAN=management.4094
06-raiz-service-carrier.network: Name=enp1s0f1np1 MTUBytes=9000 VLAN=service.7
address management.4094 192.0.2.20/28
address service.7 198.51.100.1/31
address service.7 2001:db8:0:3::1/64
`},
		{"both, on one cable", []string{svcMatch, mgmtMatch + "\n      vlan = 7"}, `05-raiz-loopback.network:
05-raiz-management.netdev: Name=management.4094 MTUBytes=1500 Id=4094
05-raiz-management.network: Name=management.4094 MTUBytes=1500 Address=192.0.2.20/28
05-raiz-service.netdev: Name=service.7 MTUBytes=9000 Id=7
05-raiz-service.network: Name=service.7 MTUBytes=9000 Address=198.51.100.1/31 Address=2001:db8:0:3::1/64
06-raiz-management-carrier.network: MACAddress=02:00:00:00:00:01 Type=!vlan MTUBytes=9000 VLAN=management.4094 VLAN=service.7
address management.4094 192.0.2.20/28
address service.7 198.51.100.1/31
address service.7 2001:db8:0:3::1/64
`},
		{"service, on the cable of management", []string{mgmtGateways, "", svcMatch, mgmtMatch + "\n      vlan = 7"}, `05-raiz-loopback.network:
05-raiz-management.network: MACAddress=02:00:00:00:00:01 Type=!vlan MTUBytes=9000 VLAN=service.7 Address=192.0.2.20/28
05-raiz-service.netdev: Name=service.7 MTUBytes=9000 Id=7
05-raiz-service.network: Name=service.7 MTUBytes=9000 Address=198.51.100.1/31 Address=2001:db8:0:3::1/64
address 02:00:00:00:00:01 192.0.2.20/28
address service.7 198.51.100.1/31
address service.7 2001:db8:0:3::1/64
`},
		{"management, on the cable of service", []string{svcMatch, mgmtMatch}, `05-raiz-loopback.network:
05-raiz-management.netdev: Name=management.4094 MTUBytes=1500 Id=4094
05-raiz-management.network: Name=management.4094 MTUBytes=1500 Address=192.0.2.20/28
05-raiz-service.network: MACAddress=02:00:00:00:00:01 Type=!vlan MTUBytes=9000 VLAN=management.4094 Address=198.51.100.1/31 Address=2001:db8:0:3::1/64
address 02:00:00:00:00:01 198.51.100.1/31
address 02:00:00:00:00:01 2001:db8:0:3::1/64
address management.4094 192.0.2.20/28
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := load(t, examples()["variant"], tt.replace...)
			if diff := cmp.Diff(tt.want, tags(desired(t, s, render.Withheld))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, i := range []site.Interface{s.Server.Management, s.Server.Service} {
				if i.VLAN != 0 && len(i.Device()) > 15 {
					t.Errorf("%s is longer than the kernel allows", i.Device())
				}
			}
		})
	}
}

// Two zones never share a file.
func TestZonesHaveFilesOfTheirOwn(t *testing.T) {
	s := load(t, examples()["variant"], `zone "example.net" {`, `zone "a_b.net" {
      primaries       = ["192.0.2.53"]
      unauthenticated = "x"
      unverified      = "x"
    }
    zone "root" {
      primaries       = ["192.0.2.53"]
      unauthenticated = "x"
      unverified      = "x"
    }
    zone "." {
      primaries       = ["192.0.2.53"]
      unauthenticated = "x"
      unverified      = "x"
    }
    zone "a.b.net" {`)
	it, _ := desired(t, s, render.Withheld).Get(state.Key{Kind: state.Path, Name: "/etc/nsd/raiz-zones.conf"})
	var have []string
	for l := range strings.Lines(string(it.Value.(state.File).Data)) {
		if file, ok := strings.CutPrefix(strings.TrimSpace(l), "zonefile: "); ok {
			have = append(have, file)
		}
	}
	want := []string{`"root.zone"`, `"/etc/nsd/raiz-as112-empty.zone"`, `"a.b.net.zone"`, `"a_b.net.zone"`, `"root..zone"`}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A guard that is to be another program has another configuration, for which it
// is restarted.
func TestGuardOfAnotherProgram(t *testing.T) {
	s := load(t, examples()["root-example"])
	text := func(program string) string {
		set, err := render.Desired(s, templates.FS(), render.With{Secrets: render.Withheld, Program: program})
		if err != nil {
			t.Fatal(err)
		}
		return goldens(set)["files/etc/raiz/guard.json"]
	}
	if a, b, none := text("aaaa"), text("bbbb"), text(""); a == b || !strings.Contains(a, "aaaa") || strings.Contains(none, "program") {
		t.Errorf("%s\n%s", a, none)
	}
}

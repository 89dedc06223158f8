package site_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
)

const (
	basePrint = "sha256:3785b1282c31989d356f9bad9bb273b975e65ec4426407164677bf955cffae63"
	otherKey  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDIoysGOzoaSHDTNPeLWHo9XSE9jO35Z/yiRyNJbXes1"
)

// The example in the documentation is one that raiz takes, and says what every
// word of the language is.
func TestOperatorFileIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/operator.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "```hcl\n")
	example, _, ok := strings.Cut(rest, "```\n")
	if !ok {
		t.Fatal("no example")
	}
	f, diags := site.ParseOperatorFile([]byte(example), "/home/x/.config/raiz/operator.hcl")
	if len(diags) > 0 {
		t.Fatal(text(diags))
	}
	trust := f.For("gru1", "/srv/sites")
	if len(trust.HostKeys) == 0 || len(trust.Authorities) == 0 || len(trust.Revoked) == 0 || len(trust.Certificates) == 0 || len(trust.CAs) == 0 ||
		len(trust.Grant.Variables) == 0 || len(trust.Grant.Folders) == 0 || len(trust.Grant.Programs) == 0 {
		t.Errorf("the example leaves something out: %+v", trust)
	}
	raw, err := os.ReadFile("trust.go")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if _, tag, ok := strings.Cut(line, `hcl:"`); ok && !strings.Contains(tag, "label") {
			word, kind, _ := strings.Cut(tag, ",")
			if !strings.Contains(example, word+" ") && kind != "" && word != "" {
				t.Errorf("the example does not say what %q is", word)
			}
		}
	}
}

func TestOperatorFileFor(t *testing.T) {
	f, diags := site.ParseOperatorFile([]byte(`
site "gru*" {
  env     = ["GRU_*"]
  folders = ["~/secrets", "rel/../secrets", "/abs/"]
  known_hosts = <<-EOT
    # a comment

    gru1,192.0.2.20 `+seenKey+` root@gru1
    @revoked * `+otherKey+`
  EOT
}
site "gru1" {
  env = ["ONE"]
  program "sops" {
    arguments = ["-d", "*.yaml"]
    path      = "/usr/bin/sops"
    folder    = "vault"
  }
  known_hosts      = "* `+otherKey+`"
  bmc_certificates = ["sha256:37:85:B1:28:2c31989d356f9bad9bb273b975e65ec4426407164677bf955cffae63"]
}
`), "/conf/operator.hcl")
	if len(diags) > 0 {
		t.Fatal(text(diags))
	}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	want := site.Trust{
		Grant: secret.Grant{
			Dir: "/sites", Variables: []string{"GRU_*", "ONE"}, Folders: []string{filepath.Join(home, "secrets"), "/conf/secrets", "/abs"},
			Programs: []secret.Program{{Name: "sops", Path: "/usr/bin/sops", Arguments: []string{"-d", "*.yaml"}, Dir: "/conf/vault"}},
		},
		HostKeys: []string{seenKey, otherKey}, Revoked: []string{otherKey}, Certificates: []string{basePrint},
	}
	if diff := cmp.Diff(want, f.For("gru1", "/sites")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(site.Trust{Grant: secret.Grant{Dir: "/sites"}}, f.For("eze1", "/sites")); diff != "" {
		t.Errorf("another site (-want +got):\n%s", diff)
	}
	if got := f.For("gru2", "/sites"); len(got.Grant.Programs) > 0 || len(got.Certificates) > 0 {
		t.Errorf("a third: %+v", got)
	}
}

func TestOperatorFileRefuses(t *testing.T) {
	in := func(line string) string { return "site \"gru1\" {\n" + line + "\n}\n" }
	for name, c := range map[string]struct{ text, want string }{
		"unknown word":      {in(`envs = ["A"]`), "2:1: error: unsupported argument"},
		"unknown block":     {"sites {\n}\n", "1:1: error: unsupported block type"},
		"not a site":        {"site \"Gru 1\" {\n}\n", "1:6: error: not a site"},
		"a function":        {in(`env = [env("A")]`), "2:8: error: function calls not allowed"},
		"a local":           {in(`env = local.x`), "2:7: error: variables not allowed"},
		"not a list":        {in(`env = "A"`), "2:7: error: wrong type"},
		"not a variable":    {in(`env = ["A B"]`), "2:8: error: not a name of variables"},
		"everything":        {in(`folders = ["/"]`), "2:12: error: everything allowed"},
		"no folder":         {in(`folders = [""]`), "2:12: error: not a folder"},
		"relative program":  {in("program \"x\" {\n path = \"bin/x\"\n arguments = []\n}"), "3:9: error: path not absolute"},
		"any arguments":     {in("program \"x\" {\n}"), "2:1: error: missing argument"},
		"not a fingerprint": {in(`bmc_certificates = ["sha256:00"]`), "2:21: error: not a fingerprint"},
		"not a CA":          {in(`bmc_ca = "x"`), "2:10: error: not a CA certificate"},
		"not a key":         {in(`known_hosts = "gru1 ssh-ed25519 AAAA"`), "2:15: error: not a line of known_hosts"},
		"only a key":        {in(`known_hosts = "` + seenKey + `"`), "2:15: error: not a line of known_hosts"},
		"unknown marker":    {in(`known_hosts = "@any * ` + seenKey + `"`), "2:15: error: unknown marker"},
		"a marker alone":    {in(`known_hosts = "@revoked"`), "2:15: error: not a line of known_hosts"},
		"not HCL":           {"site", "1:1: error: argument or block definition required"},
		"not text":          {"\xff", "1:1: error: not a text file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, diags := site.ParseOperatorFile([]byte(c.text), "op.hcl")
			if !diags.HasErrors() || !strings.HasPrefix(text(diags), "op.hcl:"+c.want) {
				t.Errorf("got %s", text(diags))
			}
		})
	}
}

// TestOperatorFileCheck says what is missing and what to write, and what it
// says to write is enough.
func TestOperatorFileCheck(t *testing.T) {
	const whole = "site \"gru1\" {\n  env = [\"BMC\", \"FACTORY\", \"BGP\", \"TSIG\"]\n  known_hosts = \"gru1 " + seenKey + "\"\n  bmc_certificates = [\"" + basePrint + "\"]\n}\n"
	base, err := os.ReadFile("testdata/base.hcl")
	if err != nil {
		t.Fatal(err)
	}
	sites, diags := site.Load(fstest.MapFS{"in.hcl": {Data: base}}, "in.hcl", operators())
	if len(sites) != 1 {
		t.Fatal(text(diags))
	}
	s := sites[0]
	for name, c := range map[string]struct {
		text  string
		says  []string // "" where all is well
		never []string
	}{
		"all is well":        {whole, nil, nil},
		"of another":         {strings.Replace(whole, "gru1", "eze1", 1), []string{`says nothing of site "gru1"`, `env              = ["BGP", "BMC", "FACTORY", "TSIG"]`, seenKey, basePrint}, nil},
		"empty":              {"", []string{"says nothing of site"}, nil},
		"one lookup":         {strings.Replace(whole, `"BGP", `, "", 1), []string{"lookup not allowed", `env = ["BGP"]`}, []string{`"BMC"`}},
		"another key":        {strings.Replace(whole, seenKey, otherKey, 1), []string{"server not known", "--replace"}, []string{seenKey, "AAAAC3NzaC1lZDI1NTE5AAAAIDtKgFd6b6M7UnP9ztYSBwJlmfMj34Fc2Gpnuln9JQm4`"}},
		"revoked":            {strings.Replace(whole, "\"gru1 ", "\"@revoked gru1 "+seenKey+"\\ngru1 ", 1), []string{"host key revoked"}, nil},
		"an authority alone": {strings.Replace(whole, "\"gru1 ", "\"@cert-authority gru1 ", 1), []string{"server not known"}, nil},
		"another BMC":        {strings.Replace(whole, "sha256:37", "sha256:00", 1), []string{"BMC not known"}, []string{basePrint}},
		"no pins at all":     {"site \"*\" {\n  env = [\"*\"]\n}\n", []string{"BMC not known", "server not known"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f, diags := site.ParseOperatorFile([]byte(c.text), "/op.hcl")
			if len(diags) > 0 {
				t.Fatal(text(diags))
			}
			said := text(f.Check(s, f.For("gru1", "/sites")))
			if (said == "") != (len(c.says) == 0) {
				t.Errorf("got %s", said)
			}
			for _, want := range c.says {
				if !strings.Contains(said, want) {
					t.Errorf("no %q in %s", want, said)
				}
			}
			for _, not := range c.never {
				if _, detail, _ := strings.Cut(said, "\n\t"); strings.Contains(strings.Split(detail, "\n\t|")[0], not) {
					t.Errorf("%q in %s", not, said)
				}
			}
		})
	}
	// What it says to write is the very text.
	none := &site.OperatorFile{Path: "/op.hcl"}
	detail := none.Check(s, none.For("gru1", "/sites"))[0].Detail
	_, rest, _ := strings.Cut(detail, "\n\n")
	block, _, _ := strings.Cut(rest, "}\n")
	f, diags := site.ParseOperatorFile([]byte(block+"}\n"), "/op.hcl")
	if said := f.Check(s, f.For("gru1", "/sites")); len(diags)+len(said) > 0 {
		t.Errorf("%s%s\n%s", text(diags), text(said), detail)
	}
}

// TestHostPins: neither the key before nor an authority is taken from the site file
// alone.
func TestHostPins(t *testing.T) {
	base, err := os.ReadFile("testdata/base.hcl")
	if err != nil {
		t.Fatal(err)
	}
	load := func(pins string) *site.Site {
		t.Helper()
		whole := strings.Replace(string(base), "      bootstrap = ", pins+"\n      bootstrap = ", 1)
		sites, diags := site.Load(fstest.MapFS{"in.hcl": {Data: []byte(whole)}}, "in.hcl", operators())
		if len(sites) != 1 {
			t.Fatal(text(diags))
		}
		return sites[0]
	}
	word := func(lines string) *site.OperatorFile {
		t.Helper()
		f, diags := site.ParseOperatorFile([]byte("site \"gru1\" {\n  env = [\"*\"]\n  known_hosts = <<-EOT\n    x "+seenKey+"\n"+lines+"  EOT\n  bmc_certificates = [\""+basePrint+"\"]\n}\n"), "/op.hcl")
		if len(diags) > 0 {
			t.Fatal(text(diags))
		}
		return f
	}
	previous, authority := load(`      previous_host_key = "`+otherKey+`"`), load(`      host_authority = "`+otherKey+`"`)
	for name, c := range map[string]struct {
		site *site.Site
		word string
		says string // "" where all is well
	}{
		"a key before, known":                {previous, "    x " + otherKey + "\n", ""},
		"a key before, not known":            {previous, "", "this previous_host_key"},
		"a key before, known as authority":   {previous, "    @cert-authority x " + otherKey + "\n", "this previous_host_key"},
		"a key before, revoked":              {previous, "    x " + otherKey + "\n    @revoked x " + otherKey + "\n", "host key revoked"},
		"an authority, known":                {authority, "    @cert-authority x " + otherKey + "\n", ""},
		"an authority, not known":            {authority, "", "this host_authority"},
		"an authority, known as a host":      {authority, "    x " + otherKey + "\n", "this host_authority"},
		"an authority, revoked":              {authority, "    @cert-authority x " + otherKey + "\n    @revoked x " + otherKey + "\n", "host key revoked"},
		"neither, in a file that names both": {load(""), "    x " + otherKey + "\n    @cert-authority x " + otherKey + "\n", ""},
	} {
		f := word(c.word)
		if said := text(f.Check(c.site, f.For("gru1", "/sites"))); (said == "") != (c.says == "") || !strings.Contains(said, c.says) {
			t.Errorf("%s: %s", name, said)
		}
	}
	// enroll pins none that is revoked.
	revoked := "site \"*\" {\n  known_hosts = \"@revoked * " + seenKey + "\"\n}\n"
	for _, pinned := range []site.Pinned{site.KeepPinned, site.ReplacePinned} {
		out, diags := site.EnrollOperator([]byte(revoked), "/op.hcl", previous, site.Pins{HostKey: seenKey}, site.Pins{}, pinned)
		if !diags.HasErrors() || string(out) != revoked {
			t.Errorf("it pins a revoked key: %s", out)
		}
	}
	// What it says to write is enough.
	for _, s := range []*site.Site{previous, authority} {
		none := &site.OperatorFile{Path: "/op.hcl"}
		_, rest, _ := strings.Cut(none.Check(s, none.For("gru1", "/sites"))[0].Detail, "\n\n")
		block, _, _ := strings.Cut(rest, "}\n")
		f, diags := site.ParseOperatorFile([]byte(block+"}\n"), "/op.hcl")
		if said := f.Check(s, f.For("gru1", "/sites")); len(diags)+len(said) > 0 {
			t.Errorf("%s%s\n%s", text(diags), text(said), block)
		}
	}
}

// No text makes the parser of operator files panic, and what enroll adds to one
// that is valid leaves it so, with every byte of it where it was.
func FuzzOperatorFile(f *testing.F) {
	doc, err := os.ReadFile("../../docs/operator.md")
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{string(doc), "", "site \"a\" {\n  env = [\"*\"]\n}", "site \"*\" {\n  known_hosts = null\n}\n", "site \"a\" {\n  known_hosts = <<EOT\n@revoked\nEOT\n}\n"} {
		_, example, found := strings.Cut(text, "```hcl\n")
		if example, _, _ = strings.Cut(example, "```\n"); !found {
			example = text
		}
		f.Add(example)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, diags := site.ParseOperatorFile([]byte(text), "/op.hcl")
		s := &site.Site{Name: "a"}
		file.Check(s, file.For("a", "/sites"))
		pins := site.Pins{Certificate: seenPrint, HostKey: seenKey}
		out, more := site.EnrollOperator([]byte(text), "/op.hcl", s, pins, site.Pins{}, site.KeepPinned)
		if diags.HasErrors() != more.HasErrors() || !strings.HasPrefix(string(out), text) {
			t.Fatalf("%v, %v: %q became %q", diags, more, text, out)
		}
		if _, diags := site.ParseOperatorFile(out, "/op.hcl"); !more.HasErrors() && diags.HasErrors() {
			t.Fatalf("%q became %q: %v", text, out, diags)
		}
	})
}

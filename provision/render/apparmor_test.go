package render_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/templates"
)

// profile are the path rules of AppArmor profiles, as apparmor.d(5) writes
// them. Debian enforces them; a kernel without AppArmor cannot, so that they
// are compared here.
type profile []*regexp.Regexp

var pathRule = regexp.MustCompile(`^\s*(/\S*|@\{run\}\S*)\s+([rwmkalix]+),`)

func parseProfile(t *testing.T, text string) profile {
	t.Helper()
	var out profile
	for line := range strings.Lines(text) {
		m := pathRule.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		out = append(out, glob(t, strings.ReplaceAll(m[1], "@{run}", "/{run,var/run}")))
	}
	return out
}

// glob is a pattern of apparmor.d(5) as a regular expression.
func glob(t *testing.T, pattern string) *regexp.Regexp {
	t.Helper()
	var b strings.Builder
	depth := 0
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '*' && strings.HasPrefix(pattern[i:], "**"):
			b.WriteString(".*")
			i++
		case c == '*':
			b.WriteString("[^/]*")
		case c == '?':
			b.WriteString("[^/]")
		case c == '{':
			depth++
			b.WriteString("(?:")
		case c == '}':
			depth--
			b.WriteString(")")
		case c == ',' && depth > 0:
			b.WriteString("|")
		case c == '[' || c == ']' || c == '-':
			b.WriteByte(c)
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	r, err := regexp.Compile("^" + b.String() + "$")
	if err != nil {
		t.Fatalf("pattern %s: %v", pattern, err)
	}
	return r
}

func (p profile) allows(path string) bool {
	for _, r := range p {
		if r.MatchString(path) {
			return true
		}
	}
	return false
}

// shipped are the profiles of the packages of a pack, by file.
func shipped(t *testing.T, c templates.Component) map[string]profile {
	t.Helper()
	out := map[string]profile{}
	for _, p := range c.PackagesOn("bookworm") {
		list, err := exec.Command(need(t, "dpkg"), "-L", p).Output()
		if err != nil {
			if os.Getenv("CI") == "true" && !testing.Short() {
				t.Errorf("package %s is not installed", p)
			}
			continue
		}
		for file := range strings.FieldsSeq(string(list)) {
			if filepath.Dir(file) != "/etc/apparmor.d" {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			out[file] = parseProfile(t, string(text))
		}
	}
	return out
}

var absolute = regexp.MustCompile(`(?:^|[\s"=:])(/(?:etc|var|run|usr|srv|opt|home)/[^\s"';,]+)`)

// pathsOf are the configuration files of a pack and what they name, comments
// aside. Units and scripts are run by others than the daemon.
func pathsOf(set *state.Set, pack string) []string {
	var out []string
	for it := range set.Of(state.Path) {
		name := it.Key.Name
		if it.Effect.Component != pack || !strings.HasPrefix(name, "/etc/") || strings.HasPrefix(name, "/etc/systemd/") {
			continue
		}
		out = append(out, name)
		for line := range strings.Lines(string(it.Value.(state.File).Data)) {
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			for _, m := range absolute.FindAllStringSubmatch(line, -1) {
				out = append(out, m[1])
			}
		}
	}
	return out
}

// A daemon that Debian confines may open every path that its pack gives it.
func TestAppArmor(t *testing.T) {
	catalog, err := templates.Catalog(templates.FS())
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for kind, packs := range catalog {
		for _, c := range packs {
			for file, profile := range shipped(t, c) {
				if len(profile) == 0 {
					t.Errorf("%s: no rule of it was read", file)
				}
				for _, path := range pathsOf(desired(t, withPack(t, "root-example", kind, c.Name), render.Revealed), c.Name) {
					compared++
					if !profile.allows(path) && !profile.allows(path+"/") {
						t.Errorf("pack %s/%s: %s is not allowed by %s", kind, c.Name, path, file)
					}
				}
			}
		}
	}
	if compared == 0 && os.Getenv("CI") == "true" && !testing.Short() {
		t.Error("no path was compared with any profile")
	}
}

func TestAppArmorSaysNo(t *testing.T) {
	p := parseProfile(t, "/usr/sbin/d {\n  capability chown,\n  /etc/d/{,**} r,\n  @{run}/d/*.sock rw,\n  /var/lib/d[0-9]/{a,b} w,\n # /srv/** rw,\n}")
	for path, want := range map[string]bool{
		"/etc/d/": true, "/etc/d/a/b": true, "/etc/e": false, "/run/d/x.sock": true, "/run/d/x/y.sock": false, "/var/run/d/x.sock": true,
		"/var/lib/d1/a": true, "/var/lib/dx/a": false, "/srv/x": false, "/etc/d": false,
	} {
		if p.allows(path) != want {
			t.Errorf("%s: got %t", path, !want)
		}
	}
}

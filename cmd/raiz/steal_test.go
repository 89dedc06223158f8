//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// planted is in everything that a site file must not get at.
const planted = "planted-7391"

// How many stealing site files are made, and how many of those that are taken
// for valid are rendered and planned one by one.
const (
	stealing = 480
	oneByOne = 24
)

// need skips a test that lacks what it needs. In CI nothing may be skipped but
// in the short form, which runs with nothing but Go and git.
func need(t *testing.T, why string, missing bool) {
	t.Helper()
	switch {
	case missing && os.Getenv("CI") == "true" && !testing.Short():
		t.Fatal(why)
	case missing:
		t.Skip(why)
	}
}

// lair is a folder of site files, and around it what they would like to have.
type lair struct {
	t          *testing.T
	binary     string
	top, sites string
	stray      map[string]bool // what an innocent file has opened besides
}

// newLair builds raiz, and hides what is to be stolen: outside of the folder,
// behind links in it, in what is hidden in it, in the environment.
func newLair(t *testing.T) *lair {
	t.Helper()
	need(t, "strace is not installed", !has("strace"))
	need(t, "only root can be in a network of its own", os.Getuid() != 0)
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	l := &lair{t: t, top: top, sites: filepath.Join(top, "sites"), binary: os.Getenv("RAIZ_TEST_BINARY"), stray: map[string]bool{}}
	if l.binary == "" {
		l.binary = filepath.Join(top, "raiz")
		if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", l.binary, ".").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	l.write("outside/secret", planted+"-file\n")
	l.write("home/secret", planted+"-home\n")
	l.write("sites/within.pem", "ns.example.net\n")
	l.write("sites/.git/config", planted+"-token\n")
	l.write("sites/.hidden", planted+"-hidden\n")
	for name, to := range map[string]string{"link": "../outside/secret", "absolute": filepath.Join(top, "outside/secret"), "dir": "../outside", "git": ".git/config", "dev": "/dev/tty"} {
		if err := os.Symlink(to, filepath.Join(l.sites, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(l.sites, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	return l
}

func has(program string) bool { _, err := exec.LookPath(program); return err == nil }

func (l *lair) write(name, text string) string {
	l.t.Helper()
	path := filepath.Join(l.top, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
	return path
}

// calls are what a thief would call.
func (l *lair) calls() []string {
	secret := filepath.Join(l.top, "outside/secret")
	quoted := func(call string, words ...string) string {
		return fmt.Sprintf("%s(%q)", call, strings.Join(words, `", "`))
	}
	out := []string{`env("RAIZ_PLANTED")`, fmt.Sprintf("exec(%q, %q)", "/bin/cat", secret), fmt.Sprintf("exec(%q, %q)", "touch", filepath.Join(l.top, "ran")), `exec("env")`}
	for _, name := range []string{
		secret, "~/secret", "../outside/secret", "./../outside/secret", "link", "absolute", "dir/secret", "dir/../../outside/secret",
		"fifo", "dev", "git", ".git/config", ".hidden", "./.hidden", "/proc/self/environ", "/dev/stdin", "/etc/hostname", "missing", "dir",
	} {
		out = append(out, quoted("file", name))
	}
	return out
}

// uses are what a thief would do with it: every function of the language, and
// everything that it has besides.
func uses(t *testing.T) []string {
	t.Helper()
	out := []string{
		"%s", `"${%s}"`, `"x${%s}y"`, "(%s)", `%s == "x" ? "a" : "b"`, `true ? %s : "x"`, "[%s][0]", "{ a = %s }.a", "{ (%s) = 1 }", "[for v in [%s] : v][0]",
		`join(",", [for k, v in { a = %s } : "${k}${v}"])`, "%s + 1", "-(%s)", "!(%s)", "%s && true", "%s[0]", "%s.a", "[%s].*.a", "<<EOT\n${%s}\nEOT\n",
		"<<-EOT\n  %%{ for x in [%s] }${x}%%{ endfor }\n  EOT\n", "<<-EOT\n  %%{ if %s != \"\" }x%%{ endif }\n  EOT\n", "[1, 2][%s]", "env(%s)", "file(%s)", "exec(%s)", "exec(\"sh\", \"-c\", %s)",
		"nonsensitive([%s])[0]", "nonsensitive(upper(%s))", "upper(nonsensitive(%s))", "[%s]", "{ name = %s }", "[upper(%s)]", "cidrhost(%s, 1)", "format(\"%%s\", %s)", "format(\"%%v\", %s)", "format(\"%%d\", %s)", "range(length(%s))",
	}
	text, err := os.ReadFile("../../provision/site/functions.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\t\t"([a-z]+)":`).FindAllStringSubmatch(string(text), -1) {
		out = append(out, m[1]+"(%s)", m[1]+"([%s])", m[1]+"({ a = %s })", m[1]+"(\"a\", %s)", m[1]+"(%s, \"a\", \"b\")")
	}
	if len(out) < 200 {
		t.Fatalf("%d uses only", len(out))
	}
	return out
}

// attribute is where an argument of a site file has its value.
type attribute struct {
	name     string
	from, to int
}

// isSecret knows the arguments that take what is looked up.
func (a attribute) isSecret() bool {
	return strings.HasSuffix(a.name, "password") || a.name == "secret"
}

// attributes are all arguments in a text, and public addresses in place of
// those for documentation: nothing here is a lab.
func attributes(t *testing.T) (string, []attribute) {
	t.Helper()
	text, err := os.ReadFile("../../sites/reference.hcl")
	if err != nil {
		t.Fatal(err)
	}
	file, diags := hclsyntax.ParseConfig([]byte(public(string(text))), "reference.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var out []attribute
	var walk func(*hclsyntax.Body)
	walk = func(b *hclsyntax.Body) {
		for _, name := range slices.Sorted(maps.Keys(b.Attributes)) {
			r := b.Attributes[name].Expr.Range()
			out = append(out, attribute{name, r.Start.Byte, r.End.Byte})
		}
		for _, inner := range b.Blocks {
			walk(inner.Body)
		}
	}
	walk(file.Body.(*hclsyntax.Body))
	if len(out) < 80 {
		t.Fatalf("%d arguments only", len(out))
	}
	return string(file.Bytes), out
}

// public is a text with addresses and numbers that are nobody's documentation.
// They are used in a network without any link.
func public(text string) string {
	return strings.NewReplacer(
		"192.0.2.", "200.160.2.", "198.51.100.", "200.160.3.", "203.0.113.", "200.160.4.", "2001:db8:", "2001:12f8:",
		"64500", "28000", "64501", "28001", "lab = true", "lab = false", "lab      = true", "lab      = false",
	).Replace(text)
}

// thieves makes the site files: each argument in turn, any function, any call.
func (l *lair) thieves(n int) []string {
	text, places := attributes(l.t)
	calls, ways := l.calls(), uses(l.t)
	chance := rand.New(rand.NewPCG(7, 391))
	dynamics := []string{
		"dynamic \"zone\" {\n  for_each = [%s]\n  labels = [zone.value]\n  content {\n    source = \"as112\"\n  }\n}\n",
		"dynamic \"zone\" {\n  for_each = { a = 1 }\n  labels = [%s]\n  content {\n    source = \"as112\"\n  }\n}\n",
		"dynamic \"zone\" {\n  for_each = %s\n  labels = [zone.key]\n  content {\n    source = zone.value\n  }\n}\n",
		"dynamic \"key\" {\n  for_each = { a = %s }\n  labels = [\"k.example\"]\n  content {\n    secret = key.value\n  }\n}\n",
	}
	var out []string
	for i := range n {
		call := calls[chance.IntN(len(calls))]
		way := ways[i%len(ways)]
		at := places[i*5/6%len(places)]
		if i%6 == 0 { // taken whole, where that is right
			way = ways[0]
			for !at.isSecret() {
				at = places[chance.IntN(len(places))]
			}
		}
		expr := fmt.Sprintf(way, call)
		var file string
		switch i % 6 {
		case 4: // by way of a local
			file = fmt.Sprintf("locals {\n  thief%d = %s\n}\n", i, expr) + text[:at.from] + fmt.Sprintf("local.thief%d", i) + text[at.to:]
		case 5:
			mark := "    zone \"hostname.as112.net\" {"
			file = strings.Replace(text, mark, fmt.Sprintf(dynamics[i/6%len(dynamics)], expr)+mark, 1)
		default:
			file = text[:at.from] + expr + text[at.to:]
		}
		for _, name := range []string{"lan4", "lan6"} {
			file = strings.ReplaceAll(file, name, fmt.Sprintf("%s_%d", name, i))
		}
		file = strings.Replace(file, `site "reference"`, fmt.Sprintf(`site "s%03d"`, i), 1)
		out = append(out, file)
	}
	return out
}

// seen is what a run did.
type seen struct {
	output string
	opened []string // outside of the site folder
	ran    []string
	dialed []string
}

var (
	openCall = regexp.MustCompile(`^(?:\d+ +)?(open|openat|openat2|creat)\((?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)".*\) = (?:\d+<([^>]*)>|-1)`)
	execCall = regexp.MustCompile(`^(?:\d+ +)?execve(?:at)?\(.*"`)
	netCall  = regexp.MustCompile(`^(?:\d+ +)?(?:socket\(AF_INET|connect\(|sendto\().*`)
)

// run runs raiz under strace, in a network that has no link, with everything
// planted.
func (l *lair) run(args ...string) seen {
	l.t.Helper()
	trace := filepath.Join(l.top, "trace")
	cmd := exec.Command("strace", append([]string{"-f", "-y", "-s", "4096", "-o", trace, "-e", "trace=open,openat,openat2,creat,execve,execveat,socket,connect,sendto", l.binary}, args...)...)
	cmd.Dir = l.top
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(l.top, "home"), "RAIZ_PLANTED=" + planted + "-env", "GRU2_BMC_PASSWORD=" + planted + "-bmc"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		l.t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		l.t.Fatal(err)
	}
	s := seen{output: string(out)}
	for line := range strings.Lines(string(text)) {
		s.look(line, l.sites)
	}
	if len(s.ran) == 0 {
		l.t.Fatal("strace saw nothing start, so this looks at nothing")
	}
	s.ran = s.ran[1:] // raiz itself
	return s
}

func (s *seen) look(line, folder string) {
	line = strings.TrimSpace(line)
	switch m := openCall.FindStringSubmatch(line); {
	case m != nil:
		path := m[4]
		if path == "" {
			path = filepath.Join(m[2], m[3])
			if filepath.IsAbs(m[3]) {
				path = m[3]
			}
		}
		if !within(path, folder) || within(path, filepath.Join(folder, ".git")) || strings.HasSuffix(path, "/.hidden") || strings.HasSuffix(path, "/fifo") {
			s.opened = append(s.opened, regexp.MustCompile(`/proc/(self|\d+)/(task/\d+/)?`).ReplaceAllString(path, "/proc/$$/"))
		}
	case execCall.MatchString(line):
		s.ran = append(s.ran, line)
	case netCall.MatchString(line) && !strings.Contains(line, `"/var/run/nscd/socket"`): // who we are is asked there
		s.dialed = append(s.dialed, line)
	}
}

// innocent runs the same over a file that steals nothing, a few times: what the
// runtime opens is not always the same.
func (l *lair) innocent(args ...string) {
	for range 3 {
		for _, path := range l.run(args...).opened {
			l.stray[path] = true
		}
	}
}

// clean demands that a run has done nothing that an innocent one does not do.
func (l *lair) clean(what string, s seen) {
	l.t.Helper()
	for _, path := range s.opened {
		if !l.stray[path] {
			l.t.Errorf("%s opened %s", what, path)
		}
	}
	for _, line := range append(s.ran, s.dialed...) {
		l.t.Errorf("%s did: %s", what, line)
	}
	if i := strings.Index(s.output, planted); i >= 0 {
		l.t.Errorf("%s says: …%s", what, s.output[max(0, i-200):min(len(s.output), i+100)])
	}
	if _, err := os.Stat(filepath.Join(l.top, "ran")); err == nil {
		l.t.Errorf("%s ran a program of a site file", what)
	}
}

// TestStealing: whatever a site file calls, wherever it stands in it, raiz
// opens nothing outside of its folder, starts nothing, dials nobody and says
// nothing of what it must not know.
func TestStealing(t *testing.T) {
	if testing.Short() {
		t.Skip("runs raiz under strace")
	}
	l := newLair(t)
	text, _ := attributes(t)
	innocent := l.write("sites/innocent.hcl", text)
	for _, verb := range []string{"validate", "fmt", "render", "plan", "apply", "verify", "rollback", "release", "drain", "undrain"} {
		l.innocent(verb, innocent)
	}
	if err := os.Remove(innocent); err != nil {
		t.Fatal(err)
	}
	files := l.thieves(stealing)
	for i, text := range files {
		l.write(fmt.Sprintf("sites/s%03d.hcl", i), text)
	}
	for _, verb := range [][]string{{"validate", "--json"}, {"validate"}, {"fmt", "--check"}, {"render"}, {"plan"}, {"apply", "--yes"}, {"verify"}, {"bmc", "info"}} {
		l.clean(strings.Join(verb, " "), l.run(append(verb, "sites")...))
	}
	valid := l.valid()
	t.Logf("%d stealing site files, %d of them valid", len(files), len(valid))
	if len(valid) < oneByOne {
		t.Fatalf("only %d are valid, so that nothing is rendered", len(valid))
	}
	// One by one they come further: each of these is rendered, and planned.
	step, further := len(valid)/oneByOne, 0
	for i := 0; i < len(valid); i += step {
		alone := filepath.Join("sites", "alone.hcl")
		l.write(alone, files[valid[i]])
		for _, verb := range [][]string{{"render"}, {"plan"}} {
			s := l.run(append(verb, alone)...)
			l.clean(fmt.Sprintf("%s s%03d", strings.Join(verb, " "), valid[i]), s)
			if !strings.Contains(s.output, "is not valid") {
				further++
			}
		}
	}
	if further < oneByOne {
		t.Errorf("only %d runs came past the site files", further)
	}
}

// valid are the numbers of the files that validate finds no error in.
func (l *lair) valid() []int {
	l.t.Helper()
	s := l.run("validate", "--json", "sites")
	var said struct {
		Problems []struct{ Severity, File string }
	}
	if err := json.NewDecoder(strings.NewReader(s.output)).Decode(&said); err != nil {
		l.t.Fatalf("%v: %.500s", err, s.output)
	}
	bad := map[string]bool{}
	for _, p := range said.Problems {
		bad[p.File] = bad[p.File] || p.Severity == "error"
	}
	var out []int
	for i := range stealing {
		if !bad[fmt.Sprintf("sites/s%03d.hcl", i)] {
			out = append(out, i)
		}
	}
	return out
}

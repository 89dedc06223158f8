package render_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/state"
)

// parser is the real program that reads a file, or checks it.
type parser struct {
	name string
	file string // the file it reads; sites without it are left out
	argv []string
	// spoil makes the file one that has to be refused.
	spoil [2]string
}

// parsers are the daemons that the built-in packs are for. {} stands for the
// file, in a tree of its own.
func parsers() []parser {
	return []parser{
		{"bird", "/etc/bird/bird.conf", []string{"bird", "-p", "-c", "{}"}, [2]string{"filter to_host4;", "filter to_nobody;"}},
		{"nsd-checkconf", "/etc/nsd/nsd.conf", []string{"nsd-checkconf", "{}"}, [2]string{"tcp-count: 1000", "tcp-count: many"}},
		{"nsd-checkzone empty", "/etc/nsd/raiz-as112-empty.zone", []string{"nsd-checkzone", "10.in-addr.arpa", "{}"}, [2]string{"SOA", "SOAP"}},
		{"nsd-checkzone hostname", "/etc/nsd/raiz-as112-hostname.zone", []string{"nsd-checkzone", "hostname.as112.net", "{}"}, [2]string{"\tIN\tTXT\t", "\tIN\tTEXT\t"}},
		{"nsd-zones", "/usr/local/lib/raiz/nsd-zones", []string{"shellcheck", "-S", "warning", "{}"}, [2]string{"exec nsd-control", "if nsd-control"}},
		{"verify-zone", "/usr/local/lib/raiz/verify-zone", []string{"bash", "-n", "{}"}, [2]string{"judge() {", "judge() ("}},
		{"shellcheck verify-zone", "/usr/local/lib/raiz/verify-zone", []string{"shellcheck", "-S", "warning", "{}"}, [2]string{"local keys at=() out\n", "local keys=$(false)\n"}},
		{"nft", "/etc/nftables.conf", append(alone(), "nft", "--check", "--file", "{}"), [2]string{"policy drop;", "policy perhaps;"}},
		{"nft comes back", "/etc/nftables.conf", append(alone(), "sh", "-euc", comesBack, "sh", "{}"), [2]string{"iif lo accept", "iif lo accept\n\t\tip saddr { 10.0.0.0/25, 10.0.0.128/25 } accept"}},
		{"apt-config", "/etc/apt/apt.conf.d/60-raiz", []string{"apt-config", "--config-file", "{}", "dump"}, [2]string{"Package-Blacklist {", "Package-Blacklist { {"}},
		{"perl", "/etc/needrestart/conf.d/60-raiz.conf", []string{"perl", "-c", "{}"}, [2]string{"} = 0;", "} = ;"}},
		{"chronyd", "/etc/chrony/chrony.conf", []string{"chronyd", "-p", "-f", "{}"}, [2]string{"makestep 1 3", "makestep often"}},
		{"sshd", "/etc/ssh/sshd_config.d/00-raiz.conf", []string{"sshd", "-t", "-f", "{}"}, [2]string{"X11Forwarding no", "X11Forwarding perhaps"}},
		{"systemd-analyze", "/etc/systemd/system/raiz-guard.service", []string{"systemd-analyze", "verify", "{}"}, [2]string{"Restart=always", "Restart=seldom\nFoo=bar"}},
		{"systemd-analyze", "/etc/systemd/system/raiz-stop-router.path", []string{"systemd-analyze", "verify", "{}"}, [2]string{"PathExists=", "PathBeing="}},
		{"exposure of the guard", "/etc/systemd/system/raiz-guard.service", exposure(), [2]string{"[Service]", "[Service]\nExecStart=/bin/true\n[X-Lost]"}},
		{"exposure of the stop", "/etc/systemd/system/raiz-stop-router.service", exposure(), [2]string{"[Service]", "[Service]\nExecStart=/bin/true\n[X-Lost]"}},
		{"systemd-analyze", "/etc/systemd/system/raiz-clock.service", []string{"systemd-analyze", "verify", "{}"}, [2]string{"Restart=on-failure", "Restart=seldom\nFoo=bar"}},
	}
}

// comesBack wants of the rules that what nft shows of them is taken, and is shown
// as the same again: an apply can put back no others.
const comesBack = `nft --file "$1" && nft list ruleset >"$1.shown" && nft flush ruleset && nft --file "$1.shown" && nft list ruleset | diff "$1.shown" -`

// exposure holds a unit to 2.5 of the 10 that systemd gives to one that is not
// confined at all.
func exposure() []string {
	return []string{"systemd-analyze", "security", "--offline=yes", "--threshold=25", "{}"}
}

// script reports whether it reads this one file alone, so that the same bytes
// need not be read twice.
func (p parser) script() bool {
	return slices.Contains([]string{"shellcheck", "bash"}, p.argv[0])
}

// alone runs a program in a network of its own. Root needs no user namespace
// for that, and in a chroot it gets none.
func alone() []string {
	if os.Getuid() == 0 {
		return []string{"unshare", "-n"}
	}
	return []string{"unshare", "-rn"}
}

// need skips a test that lacks a program. In CI nothing may be skipped but in
// the short form, which runs with nothing but Go and git.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" && !testing.Short() {
		t.Fatalf("%s is not installed", program)
	}
	t.Skipf("%s is not installed", program)
	return ""
}

// plant writes the files of a set below dir; what a file says of other files
// is made to point there as well.
func plant(t *testing.T, dir string, set *state.Set) {
	t.Helper()
	there := strings.NewReplacer(
		`include: "/etc/nsd/`, `include: "`+dir+`/etc/nsd/`, `cookie-secret-file: "/`, `cookie-secret-file: "`+dir+`/`,
		"=/usr/local/lib/", "="+dir+"/usr/local/lib/", "=/usr/local/sbin/raiz-helper", "=/bin/true",
	)
	for it := range set.Of(state.Path) {
		f := it.Value.(state.File)
		path := filepath.Join(dir, it.Key.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(there.Replace(string(f.Data))), f.Mode); err != nil {
			t.Fatal(err)
		}
	}
}

// run returns what a program says of a file, and whether it took it.
func (p parser) run(t *testing.T, dir string) (string, bool) {
	t.Helper()
	file := filepath.Join(dir, p.file)
	argv := []string{need(t, p.argv[0])}
	for _, w := range p.argv[1:] {
		argv = append(argv, strings.ReplaceAll(w, "{}", file))
	}
	if p.name == "sshd" {
		argv = append(argv, "-h", hostKey(t, dir))
		if os.Geteuid() == 0 {
			// Debian makes it when the service starts; sshd does not begin
			// to read without it.
			if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	text := string(out)
	if p.name == "systemd-analyze" {
		// It says of a line that it ignores it, and exits with 0.
		return text, err == nil && !strings.Contains(text, filepath.Base(p.file)+":")
	}
	return text, err == nil
}

func hostKey(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "host_key")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if out, err := exec.Command(need(t, "ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", path).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	return path
}

// What is rendered is read by the very programs that it is for.
func TestRealParsersTakeIt(t *testing.T) {
	sets := map[string]*state.Set{}
	for name, file := range examples() {
		sets[name] = desired(t, load(t, file), render.Revealed)
	}
	for _, p := range parsers() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			need(t, p.argv[0])
			if strings.HasPrefix(p.name, "nft") {
				need(t, "nft")
			}
			read := 0
			seen := map[string]bool{}
			for name, set := range sets {
				it, ok := set.Get(state.Key{Kind: state.Path, Name: p.file})
				if !ok {
					continue
				}
				text := string(it.Value.(state.File).Data)
				if p.script() && seen[text] {
					read++ // the very same bytes
					continue
				}
				seen[text] = true
				dir := t.TempDir()
				plant(t, dir, set)
				if out, ok := p.run(t, dir); !ok {
					t.Errorf("refuses that of %s: %s", name, out)
				}
				read++
				p.refuses(t, dir)
			}
			if read < 2 {
				t.Errorf("read %d files only", read)
			}
		})
	}
}

// refuses shows that the check can fail.
func (p parser) refuses(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, p.file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := strings.Replace(string(text), p.spoil[0], p.spoil[1], 1)
	if bad == string(text) {
		t.Fatalf("%s has no %q to spoil", p.file, p.spoil[0])
	}
	if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, ok := p.run(t, dir); ok {
		t.Errorf("takes a file with %q: %s", p.spoil[1], out)
	}
}

// Sites at the edge of what is valid still give files that are read.
func TestRealParsersTakeTheUnusual(t *testing.T) {
	tests := []struct {
		name    string
		replace []string
		of      []string
	}{
		{"a session of a family without blocks", []string{`, "2001:db8:53::/48"`, "", `, "2001:db8:53::53"`, ""}, []string{"bird", "nft", "nsd-checkconf", "bash"}},
		{"a default of a family without blocks", []string{`, "2001:db8:53::/48"`, "", `, "2001:db8:53::53"`, "", "hold_time     = 30", "hold_time     = 30\n      accept       = \"default\""}, []string{"bird"}},
		{"one family alone", []string{`, "2001:db8:53::/48"`, "", `, "2001:db8:53::53"`, "", `, "2001:db8:0:3::2"`, "", `, "2001:db8:0:3::1/64"`, ""}, []string{"bird", "nft", "bash"}},
		{"SSH from one family alone", []string{`, "2001:db8:9::/48"`, ""}, []string{"nft", "nft comes back"}},
		{"SSH from networks that touch and overlap", []string{`"198.51.100.128/25", "2001:db8:9::/48", "192.0.2.128/25"`, `"192.0.2.128/26", "2001:db8:9::/48", "192.0.2.192/26", "192.0.2.192/27"`}, []string{"nft", "nft comes back"}},
		{"SSH from anywhere", []string{`      from     = ["198.51.100.128/25", "2001:db8:9::/48", "192.0.2.128/25"]` + "\n", ""}, []string{"nft", "nft comes back"}},
		{"the root", []string{`zone "example.net"`, `zone "."`}, []string{"nsd-checkconf", "bash", "nft"}},
		{"names that differ in a dot", []string{`zone "example.net" {`, "zone \"a_b.net\" {\n      primaries = [\"192.0.2.53\"]\n      unauthenticated = \"x\"\n      unverified = \"x\"\n    }\n    zone \"a.b.net\" {"}, []string{"nsd-checkconf"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			plant(t, dir, desired(t, load(t, examples()["variant"], tt.replace...), render.Revealed))
			for _, p := range parsers() {
				for _, name := range tt.of {
					if p.name != name {
						continue
					}
					t.Run(name, func(t *testing.T) {
						if out, ok := p.run(t, dir); !ok {
							t.Errorf("refuses it: %s", out)
						}
					})
				}
			}
		})
	}
}

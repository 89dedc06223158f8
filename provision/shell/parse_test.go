package shell_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/raiz-dns/raiz/provision/shell"
	"github.com/raiz-dns/raiz/provision/state"
)

const sumOfA = "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7" // of "a\n"

// told wraps lines into a whole answer.
func told(section string, lines ...string) string {
	var b strings.Builder
	b.WriteString("motd of the host\nraiz 1\n== " + section + "\n")
	for _, l := range lines {
		b.WriteString(" " + l + "\n")
	}
	b.WriteString("== addresses\n []\n== end\n")
	return b.String()
}

func TestParseProbeReads(t *testing.T) {
	sum, err := hex.DecodeString(sumOfA)
	if err != nil {
		t.Fatal(err)
	}
	a := state.File{Mode: 0o644, Owner: "root", Group: "adm", Sum: [sha256.Size]byte(sum), Token: "2-17-1700000000"}
	withData := a
	withData.Data = []byte("a\n")
	odd := a
	odd.Mode = 0o4755
	line := "/a file 644 root adm 2 17 1700000000 " + sumOfA
	for _, c := range []struct {
		name string
		out  string
		want shell.Probe
	}{
		{name: "nothing", out: told("files"), want: shell.Probe{}},
		{name: "system", out: told("system", "hostname gru1", "boot b-1", "now 1700000000", "os debian 12", "novel thing"),
			want: shell.Probe{Hostname: "gru1", BootID: "b-1", OS: "debian 12", Clock: time.Unix(1700000000, 0).UTC()}},
		{name: "transaction", out: told("transaction", "current 4", "pending 5 active by ana", "reverted 3 when why", "managed /etc/a", "managed /etc/b"),
			want: shell.Probe{Current: "4", Pending: "5", PendingIs: "active by ana", Reverted: "3 when why", Managed: []string{"/etc/a", "/etc/b"}}},
		{name: "no generation is current", out: told("transaction", "current "), want: shell.Probe{}},
		{name: "file", out: told("files", line), want: shell.Probe{Files: map[string]shell.FileAnswer{"/a": {Kind: "file", File: a}}}},
		{name: "file with data", out: told("files", line, "/a data YQo="), want: shell.Probe{Files: map[string]shell.FileAnswer{"/a": {Kind: "file", File: withData}}}},
		{name: "set-user-ID", out: told("files", strings.Replace(line, "644", "4755", 1)), want: shell.Probe{Files: map[string]shell.FileAnswer{"/a": {Kind: "file", File: odd}}}},
		{name: "link with a space", out: told("files", "/a link /to here"), want: shell.Probe{Files: map[string]shell.FileAnswer{"/a": {Kind: "link", Link: "/to here"}}}},
		{name: "absent, other, denied", out: told("files", "/a absent", "/b other", "/c denied"),
			want: shell.Probe{Files: map[string]shell.FileAnswer{"/a": {Kind: "absent"}, "/b": {Kind: "other"}, "/c": {Kind: "denied"}}}},
		{name: "sections in another order", out: "raiz 1\n== addresses\n []\n== files\n /a absent\n== system\n hostname gru1\n== end\n",
			want: shell.Probe{Hostname: "gru1", Files: map[string]shell.FileAnswer{"/a": {Kind: "absent"}}}},
		{name: "what comes after the end", out: told("files", "/a absent") + "== files\n /b absent\nraiz 1\n",
			want: shell.Probe{Files: map[string]shell.FileAnswer{"/a": {Kind: "absent"}}}},
		{name: "units", out: told("units", "Id=a.service", "LoadState=loaded", "ActiveState=active", "SubState=running", "UnitFileState=enabled", "NRestarts=3", "", "", "Id=b.service"),
			want: shell.Probe{Units: map[string]shell.UnitAnswer{"a.service": {Load: "loaded", Active: "active", Sub: "running", UnitFile: "enabled", Restarts: 3}, "b.service": {}}}},
		{name: "packages", out: told("packages", "a installed 1.0", "b config-files 1.0", "c not-installed"), want: shell.Probe{Packages: map[string]string{"a": "1.0"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := shell.ParseProbe([]byte(c.out))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseProbeRefuses(t *testing.T) {
	line := "/a file 644 root adm 2 17 1700000000 " + sumOfA
	whole := told("files", line, "/a data YQo=")
	for _, c := range []struct {
		name, out, says string
	}{
		{name: "nothing", out: "", says: "no greeting"},
		{name: "a shell that is not there", out: "This account is not available.\n", says: "no greeting"},
		{name: "another version", out: strings.Replace(whole, "raiz 1", "raiz 2", 1), says: "no greeting"},
		{name: "binary", out: "\x00\xff\x1b[2J", says: "no greeting"},
		{name: "no end", out: strings.TrimSuffix(whole, "== end\n"), says: "it ends too early"},
		{name: "an end that is a line of a section", out: strings.Replace(whole, "\n== end", "\n == end", 1), says: "ends too early"},
		{name: "a section twice", out: strings.Replace(whole, "== addresses", "== files\n /b absent\n== addresses", 1), says: `section "files" comes twice`},
		{name: "a line before any section", out: strings.Replace(whole, "raiz 1\n", "raiz 1\n stray\n", 1), says: `" stray" belongs to no section`},
		{name: "a line that is not set in", out: strings.Replace(whole, " /a file", "/a file", 1), says: "belongs to no section"},
		{name: "clock", out: told("system", "now soon"), says: "is no number"},
		{name: "managed path", out: told("transaction", "managed /etc/../shadow"), says: "not absolute and clean"},
		{name: "kind", out: told("files", "/a socket"), says: "is of no known kind"},
		{name: "path that was never asked for", out: told("files", "a b absent"), says: "is of no known kind"},
		{name: "relative path", out: told("files", "a absent"), says: "not absolute and clean"},
		{name: "few fields", out: told("files", "/a file 644 root adm 2 17 1700000000 "), says: "want 7 fields, got 6"},
		{name: "mode", out: told("files", strings.Replace(line, "644", "9", 1)), says: `mode "9" is not octal`},
		{name: "short sum", out: told("files", line[:len(line)-2]), says: "is not a SHA-256"},
		{name: "long sum", out: told("files", line+"00"), says: "is not a SHA-256"},
		{name: "sum", out: told("files", line[:len(line)-2]+"zz"), says: "is not a SHA-256"},
		{name: "a path twice", out: told("files", line, line), says: "/a: it comes twice"},
		{name: "absent and there", out: told("files", "/a absent", line), says: "/a: it comes twice"},
		{name: "data of nothing", out: told("files", "/a data YQo="), says: "/a: content without a file"},
		{name: "data of what is absent", out: told("files", "/a absent", "/a data YQo="), says: "/a: content without a file"},
		{name: "data twice", out: told("files", line, "/a data YQo=", "/a data YQo="), says: "/a: content without a file"},
		{name: "data that is no base64", out: told("files", line, "/a data Y!"), says: "is not base64"},
		{name: "data of another file", out: told("files", line, "/a data Ygo="), says: "/a: it changed while it was read"},
		{name: "units", out: told("units", "Failed to connect to bus: No such file or directory"), says: "systemctl says"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := shell.ParseProbe([]byte(c.out))
			if !errors.Is(err, shell.ErrProbe) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
			if err != nil && len(err.Error()) > 400 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

// However early an answer is cut, it is never taken for a whole one.
func TestParseProbeTruncated(t *testing.T) {
	whole := told("files", "/a file 644 root adm 2 17 1700000000 "+sumOfA, "/a data YQo=", "/b absent")
	for i := range len(whole) - 1 {
		if p, err := shell.ParseProbe([]byte(whole[:i])); !errors.Is(err, shell.ErrProbe) {
			t.Fatalf("cut after %d bytes: %+v, %v", i, p, err)
		}
	}
}

func TestParseProbeHuge(t *testing.T) {
	text := []byte(strings.Repeat("0123456789abcdef", 1<<16))
	sum := sha256.Sum256(text)
	var lines []string
	for i := range 5000 {
		lines = append(lines, fmt.Sprintf("/etc/%d absent", i))
	}
	lines = append(lines, fmt.Sprintf("/a file 644 root root %d 1 1 %x", len(text), sum), "/a data "+base64.StdEncoding.EncodeToString(text))
	p, err := shell.ParseProbe([]byte(told("files", lines...)))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Files) != 5001 || len(p.Files["/a"].File.Data) != len(text) {
		t.Errorf("got %d files, and %d bytes", len(p.Files), len(p.Files["/a"].File.Data))
	}
}

func TestParseStatus(t *testing.T) {
	for _, c := range []struct {
		name, out string
		want      shell.Transaction
		bad       bool
	}{
		{name: "nothing yet", out: told("transaction")},
		{name: "all", out: told("transaction", "current 4", "pending 5 armed by ana at noon", "reverted 3 why"),
			want: shell.Transaction{Current: "4", Pending: "5", PendingIs: "armed by ana at noon", Reverted: "3 why"}},
		{name: "managed paths are looked at too", out: told("transaction", "managed x"), bad: true},
		{name: "cut", out: "raiz 1\n== transaction\n current 4\n", bad: true},
		{name: "empty", bad: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := shell.ParseStatus([]byte(c.out))
			if errors.Is(err, shell.ErrProbe) != c.bad {
				t.Fatalf("error %v, want one: %v", err, c.bad)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseHistory(t *testing.T) {
	for _, c := range []struct {
		name, out string
		want      []shell.Past
		bad       bool
	}{
		{name: "none", out: told("history")},
		{name: "two", out: told("history", "1 confirmed 2026-01-02T03:04:05Z abc ana from here at noon", "2 current unknown - "),
			want: []shell.Past{{Number: "1", State: "confirmed", Time: "2026-01-02T03:04:05Z", Plan: "abc", Who: "ana from here at noon"}, {Number: "2", State: "current", Time: "unknown", Plan: "-"}}},
		{name: "short line", out: told("history", "1 confirmed"), bad: true},
		{name: "cut", out: "raiz 1\n== history\n 1 a b c d\n", bad: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := shell.ParseHistory([]byte(c.out))
			if errors.Is(err, shell.ErrProbe) != c.bad {
				t.Fatalf("error %v, want one: %v", err, c.bad)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParseProbe(f *testing.F) {
	f.Add([]byte(told("files", "/a file 644 root adm 2 17 1700000000 "+sumOfA, "/a data YQo=", "/b absent")))
	f.Add([]byte(told("units", "Id=a.service", "NRestarts=3", "", "Id=b.service")))
	f.Add([]byte(told("transaction", "current 4", "managed /etc/a", "pending 5 armed by ana")))
	f.Add([]byte("raiz 1\n== addresses\n [{\"ifname\":\"a\",\"addr_info\":[{\"local\":\"192.0.2.1\",\"prefixlen\":24}]}]\n== end\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		p, err := shell.ParseProbe(out)
		if err != nil {
			if !errors.Is(err, shell.ErrProbe) {
				t.Errorf("error is not ErrProbe: %v", err)
			}
			return
		}
		for path, a := range p.Files {
			switch {
			case !strings.HasPrefix(path, "/"):
				t.Errorf("path %q is not absolute", path)
			case a.Kind == "":
				t.Errorf("%s is of no kind", path)
			case a.File.Data != nil && sha256.Sum256(a.File.Data) != a.File.Sum:
				t.Errorf("%s has bytes that are not those of its sum", path)
			}
		}
		for _, i := range p.Interfaces {
			for _, a := range i.Addresses {
				if !a.Prefix.IsValid() {
					t.Errorf("%s has the address %v", i.Name, a.Prefix)
				}
			}
		}
		if p.NetworkErr != nil && p.Interfaces != nil {
			t.Error("interfaces that could not be read are there")
		}
	})
}

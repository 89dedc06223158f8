package site_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/site"
)

const (
	seenPrint = "sha256:0000000000000000000000000000000000000000000000000000000000000001"
	seenKey   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDtKgFd6b6M7UnP9ztYSBwJlmfMj34Fc2Gpnuln9JQm4"
)

// without returns the base site without its pins.
func without(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/base.hcl")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, line := range strings.Split(string(text), "\n") {
		if !strings.Contains(line, "certificate =") && !strings.Contains(line, "host_key  =") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// TestEnroll writes the pins where they belong, changes nothing else, and
// does nothing the second time.
func TestEnroll(t *testing.T) {
	src := without(t)
	src = strings.Replace(src, `password    = env("BMC")`, `password    = env("BMC") # kept where the others are`, 1)
	pins := site.Pins{Certificate: seenPrint, HostKey: seenKey}
	out, diags := site.Enroll([]byte(src), "gru1", pins, site.KeepPinned)
	if len(diags) > 0 {
		t.Fatal(text(diags))
	}
	var added []string
	for _, line := range strings.Split(string(out), "\n") {
		if !strings.Contains(src, strings.TrimSpace(line)) {
			added = append(added, strings.Join(strings.Fields(line), " "))
		}
	}
	want := []string{`certificate = "` + seenPrint + `"`, `host_key = "` + seenKey + `"`}
	if d := cmp.Diff(want, added); d != "" {
		t.Errorf("(-want +got):\n%s\n%s", d, out)
	}
	for _, line := range strings.Split(src, "\n") {
		if !strings.Contains(string(out), strings.TrimSpace(line)) {
			t.Errorf("lost: %s", line)
		}
	}
	again, diags := site.Enroll(out, "gru1", pins, site.KeepPinned)
	if len(diags) > 0 || string(again) != string(out) {
		t.Errorf("the second time it changes something: %s", text(diags))
	}
}

// TestEnrollPinned never replaces a pin unless it is told to.
func TestEnrollPinned(t *testing.T) {
	base, err := os.ReadFile("testdata/base.hcl")
	if err != nil {
		t.Fatal(err)
	}
	pins := site.Pins{Certificate: seenPrint, HostKey: seenKey}
	out, diags := site.Enroll(base, "gru1", pins, site.KeepPinned)
	if !strings.Contains(text(diags), "another pin is written here") || string(out) != string(base) {
		t.Errorf("got %s", text(diags))
	}
	out, diags = site.Enroll(base, "gru1", pins, site.ReplacePinned)
	if len(diags) > 0 || strings.Count(string(out), seenPrint) != 1 || strings.Contains(string(out), "3785b128") {
		t.Errorf("got %s\n%s", text(diags), out)
	}
	// What is the same in other words stays as it is written.
	colons := strings.Replace(string(base), "sha256:3785b1282c31", "sha256:37:85:B1:28:2c31", 1)
	same := site.Pins{Certificate: "sha256:3785b1282c31989d356f9bad9bb273b975e65ec4426407164677bf955cffae63"}
	out, diags = site.Enroll([]byte(colons), "gru1", same, site.KeepPinned)
	if len(diags) > 0 || string(out) != colons {
		t.Errorf("got %s", text(diags))
	}
}

// TestEnrollRefuses leaves the text alone where it cannot be sure.
func TestEnrollRefuses(t *testing.T) {
	src := without(t)
	for name, c := range map[string]struct{ src, site, says string }{
		"no such site": {src, "other", "site not found"},
		"no bmc":       {"site \"gru1\" {\n}\n", "gru1", "There is no bmc block"},
		"no ssh":       {"site \"gru1\" {\n  bmc {\n  }\n  server {\n  }\n}\n", "gru1", "There is no ssh block"},
		"one line":     {"site \"gru1\" {\n  bmc {}\n  server {\n    ssh {}\n  }\n}\n", "gru1", "block on one line"},
		"computed":     {strings.Replace(src, "username    = \"raiz\"", "username    = \"raiz\"\n    certificate = local.pin", 1), "gru1", "pin is computed"},
		"not hcl":      {"site \"gru1\" {", "gru1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			out, diags := site.Enroll([]byte(c.src), c.site, site.Pins{Certificate: seenPrint, HostKey: seenKey}, site.KeepPinned)
			if !diags.HasErrors() || !strings.Contains(text(diags), c.says) || string(out) != c.src {
				t.Errorf("got %s\n%s", text(diags), out)
			}
		})
	}
}

// TestEnrollLayout keeps the layout of a file that nobody has formatted.
func TestEnrollLayout(t *testing.T) {
	src := "site \"gru1\" {\n   bmc   {\n# a word\n\tpassword=env(\"X\")   # and one more\n      factory {\n      }\n   }\n}\n"
	out, diags := site.Enroll([]byte(src), "gru1", site.Pins{Certificate: seenPrint}, site.KeepPinned)
	want := strings.Replace(src, "# and one more\n", "# and one more\n\tcertificate = \""+seenPrint+"\"\n", 1)
	if d := cmp.Diff(want, string(out)); d != "" || len(diags) > 0 {
		t.Errorf("(-want +got):\n%s%s", d, text(diags))
	}
}

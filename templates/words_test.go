package templates_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/raiz-dns/raiz/templates"
)

// What no site could make right is said when the pack is read.
func TestLoadRefusesWords(t *testing.T) {
	at := func(path, more string) string {
		return "file \"" + path + "\" {\n template = \"a.tmpl\"\n" + more + "\n}\n"
	}
	tests := []struct{ name, body, want string }{
		{"the root", at("/", ""), `line 3: file /: path "/" is not absolute and clean`},
		{"raiz's own folder", at("/var/lib/raiz/raiz.sh", ""), `line 3: file /var/lib/raiz/raiz.sh: path "/var/lib/raiz/raiz.sh": raiz keeps /var/lib/raiz for itself`},
		{"raiz's own unit", at("/etc/systemd/system/raiz-boot.service", ""), `line 3: file /etc/systemd/system/raiz-boot.service: path "/etc/systemd/system/raiz-boot.service": that unit is one of raiz itself`},
		{"kernel", at("/proc/{{ .Item }}", "each = \".NTP\""), `line 3: file /proc/{{ .Item }}: path "/proc/x": what is in /proc is gone after a boot`},
		{"a space", at("/etc/a b", ""), `line 3: file /etc/a b: path "/etc/a b": only letters, digits`},
		{"a space beside an action", at("/etc/ {{ .Item }}", "each = \".NTP\""), `line 3: file /etc/ {{ .Item }}: path "/etc/ x": only letters, digits`},
		{"an open action", at("/etc/{{ .Item", ""), `line 3: file /etc/{{ .Item: path "/etc/{{ .Item": only letters`},
		{"owner", at("/etc/a", "owner = \"Root\""), `line 3: file /etc/a: owner = "Root": a name has small letters`},
		{"group", at("/etc/a", "group = \"a:b\""), `line 3: file /etc/a: group = "a:b": a name has small letters`},
		{"unit with a slash", at("/etc/a", "unit = \"../a.service\"\nhow = \"reload\""), `line 3: file /etc/a: unit "../a.service": a unit has letters`},
		{"unit without a suffix", "unit = \"a\"", `unit "a": a unit has letters`},
		{"service of raiz", "service \"raiz-revert.timer\" {}", `service: unit "raiz-revert.timer" is one of raiz itself`},
		{"service twice", "service \"a.service\" {}\nservice \"a.service\" {}", `service "a.service" is there twice`},
		{"package", "packages = [\"a b\"]", `package "a b": a name has small letters`},
		{"package of an option", "release \"trixie\" {\n packages = [\"--force\"]\n}", `package "--force": a name has small letters`},
		{"release", "release \"trixy\" {\n packages = []\n}", `release "trixy" is none of bookworm, trixie`},
		{"release twice", "release \"trixie\" {\n packages = []\n}\nrelease \"trixie\" {\n packages = []\n}", `release "trixie" is there twice`},
		{"empty word", at("/etc/a", "command = [\"a\", \"\"]"), `line 3: file /etc/a: command: ["a" ""] has a word that is empty`},
		{"word of two lines", at("/etc/a", "check = [\"a\\nb\", \"{}\"]\nbad = \"a.bad\""), `line 3: file /etc/a: check: ["a\nb" "{}"] has a word that is empty, or with a control character`},
		{"observation", "observe \"clock\" {\n command = [\"\"]\n begin = [\"x\"]\n}", `observe "clock": command: [""] has a word that is empty`},
		{"command that is no template", at("/etc/a", "command = [\"{{ if }}\"]"), `line 3: file /etc/a: template: command:1: missing value for if`},
		{"when that ends its action", at("/etc/a", "when = \"true }}{{ end }}{{ if true\""), `line 3: file /etc/a: when = "true }}{{ end }}{{ if true": template: when:1: unexpected {{end}}`},
		{"when of two", at("/etc/a", "when = \"true }}{{ true\""), `line 3: file /etc/a: when = "true }}{{ true" is not one pipeline`},
		{"when that is text", at("/etc/a", "when = \"true }} x {{ true\""), `line 3: file /etc/a: when = "true }} x {{ true" is not one pipeline`},
		{"when that sets", at("/etc/a", "when = \"$x := true\""), `line 3: file /etc/a: when = "$x := true" is not one pipeline`},
		{"each that is none", at("/etc/a", "each = \".NTP)\""), `line 3: file /etc/a: each = ".NTP)": template: each:1: unexpected right paren`},
		{"each without a function", at("/etc/a", "each = \"all .NTP\""), `line 3: file /etc/a: each = "all .NTP": template: each:1: function "all" not defined`},
		{"path twice", at("/etc/a", "") + at("/etc/a", "when = \"true\""), `file /etc/a is there twice`},
		{"below a file", at("/etc/a", "") + at("/etc/a/b/c", ""), `file /etc/a/b/c lies below /etc/a, which is a file too`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := templates.Load(pack("kind = \"system\"\n"+tt.body), "system", "p")
			if want := "component pack system/p: " + tt.want; err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
	for _, body := range []string{
		at("/etc/a", "when = \"true\"") + at("/etc/a", "when = \"not true\""),
		"release \"bookworm\" {\n packages = [\"libc++1\"]\n}\nservice \"a@b.socket\" {}",
	} {
		if _, err := templates.Load(pack("kind = \"system\"\n"+body), "system", "p"); err != nil {
			t.Error(err)
		}
	}
}

// A template that cannot be read is named by its own file and line, whether
// or not a site would use it.
func TestLoadReadsTemplates(t *testing.T) {
	fsys := file("template = \"a.tmpl\"\nwhen = \"false\"")
	fsys["system/p/a.tmpl"] = &fstest.MapFile{Data: []byte("one\n{{ if }}")}
	_, err := templates.Load(fsys, "system", "p")
	if want := "component pack system/p: line 3: file /etc/a: template: system/p/a.tmpl:2: missing value for if"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

package templates_test

import (
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/templates"
)

// Whatever a template says, it ends, and what it makes is bounded.
func TestExecuteEnds(t *testing.T) {
	type values struct {
		Many []int
		List []string
		Text string
	}
	v := values{Many: make([]int, 1000), List: []string{"a", "b", "c", "d"}, Text: "text"}
	double := func(f string) string {
		return "{{ $x := .Text }}{{ range .Many }}{{ $x = " + f + " }}{{ end }}"
	}
	nested := strings.Repeat("{{ range $.Many }}", 6) + strings.Repeat("{{ end }}", 6)
	var calls strings.Builder
	for c := 'a'; c < 'z'; c++ {
		call := "{{ template \"t" + string(c+1) + "\" }}"
		calls.WriteString("{{ define \"t" + string(c) + "\" }}" + strings.Repeat(call, 8) + "{{ end }}")
	}
	calls.WriteString("{{ define \"tz\" }}{{ end }}{{ template \"ta\" }}")
	const steps, size = "f: a template takes too many steps", "f: a template makes more than 4 MiB"
	tests := []struct{ name, text, want string }{
		{"empty loops", nested, steps},
		{"a loop of a number", "{{ range 1000000000 }}{{ end }}", steps},
		{"loops of one that is called", "{{ define \"x\" }}{{ range .Many }}{{ end }}{{ end }}{{ range .Many }}{{ range $.Many }}{{ template \"x\" $ }}{{ end }}{{ end }}", steps},
		{"calls without a loop", calls.String(), steps},
		{"a call of itself", "{{ define \"x\" }}{{ template \"x\" . }}{{ template \"x\" . }}{{ end }}{{ template \"x\" . }}", "exceeded maximum template depth"},
		{"loops that do nothing and cost", "{{ range .Many }}{{ range $.Many }}" + strings.Repeat("{{ $x := 1 }}", 1000) + "{{ end }}{{ end }}", steps},
		{"text", "{{ range .Many }}" + strings.Repeat("0123456789", 1000) + "{{ end }}", size},
		{"print", double("print $x $x"), size},
		{"printf", double(`printf "%s%[1]s" $x`), size},
		{"quote", double("quote (print $x \"'\")"), size},
		{"txt", double("txt $x"), size},
		{"js", double(`js (print $x "<")`), size},
		{"join", double("join $x $.List"), size},
		{"many texts of a bearable size", `{{ $x := "" }}{{ range .Many }}{{ $x = printf "%s%900d" $x 1 }}{{ end }}{{ range .Many }}{{ $y := print $x }}{{ end }}`, size},
		{"a width", `{{ printf "%100000d" 1 }}`, "a width has three digits at most"},
		{"a width from outside", `{{ printf "%*d" 100000 1 }}`, "a width has three digits at most"},
		{"many widths", "{{ printf \"" + strings.Repeat("%999d", 10000) + "\" }}", size},
		{"many times one text", "{{ $x := printf \"%900s\" .Text }}{{ $x = printf \"%s%[1]s%[1]s%[1]s%[1]s%[1]s\" $x }}{{ printf \"" + strings.Repeat("%[1]s", 100_000) + "\" $x }}", size},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			_, err := templates.Execute("f", tt.text, v)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %.300v; want %s", err, tt.want)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// Nothing of a template overflows the stack, which Go cannot recover from.
func TestExecuteDeep(t *testing.T) {
	for name, text := range map[string]string{
		"blocks":   strings.Repeat("{{if 1}}", 1<<17),
		"closed":   strings.Repeat("{{if 1}}", 60_000) + strings.Repeat("{{end}}", 60_000),
		"else":     "{{if 0}}" + strings.Repeat("{{else if 0}}", 80_000) + "{{end}}",
		"brackets": "{{" + strings.Repeat("(", 1<<20-2),
		"fields":   "{{ $x" + strings.Repeat(".a", 1<<19-3) + "}}",
	} {
		if _, err := templates.Execute("f", text, nil); err == nil && name != "closed" && name != "else" {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestExecuteNamesNoType(t *testing.T) {
	type dns struct{ Name string }
	values := struct{ DNS dns }{}
	for text, want := range map[string]string{
		"\n{{ .DNS.Nope }}":          "f:2:7: there is no .DNS.Nope; docs/packs.md has the values",
		"{{ .Nope }}":                "f:1:3: there is no .Nope; docs/packs.md has the values",
		"{{ with .DNS }}{{ .Nope }}": "",
	} {
		if want == "" {
			text, want = text+"{{ end }}", "f:1:18: there is no .Nope; docs/packs.md has the values"
		}
		if _, err := templates.Execute("f", text, values); err == nil || err.Error() != want {
			t.Errorf("%s gives %v\nwant %s", text, err, want)
		}
	}
}
